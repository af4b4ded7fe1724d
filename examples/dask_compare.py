"""`neuralblocks.compare` on a Dask cluster: each core's program is built and run by a worker.

usage: dask_compare.py MODEL [--scheduler ADDRESS] [--boards a,b,c]

Without a scheduler's address a cluster of this computer is started, a scheduler and two workers. Needs the package
`dask[distributed]`; workers need neuralblocks and the compilers (`nblocks doctor`).
"""
import argparse

import neuralblocks as nb
from distributed import Client, LocalCluster


def compare(model, boards, client):
    comparison = nb.compare(model, boards, executor=client.get_executor())
    print(comparison)
    print(f"{len(comparison.rows)} boards, {sum(row.fits for row in comparison.rows)} fit; "
          f"by {len(client.scheduler_info()['workers'])} workers")
    return comparison


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--scheduler")
    parser.add_argument("--boards")
    arguments = parser.parse_args()
    boards = arguments.boards and arguments.boards.split(",")
    if arguments.scheduler:
        with Client(arguments.scheduler) as client:
            compare(arguments.model, boards, client)
        return
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        compare(arguments.model, boards, client)


if __name__ == "__main__":
    main()
