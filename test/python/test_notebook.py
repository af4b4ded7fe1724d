"""The notebook's code runs, and the committed notebook was run in order, without an error. Skipped without torch."""

import json
import pathlib

import pytest

pytest.importorskip("neuralblocks", reason="no neuralblocks")
pytest.importorskip("torch", reason="no torch")

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples/notebook/neural_blocks.ipynb"


@pytest.fixture(scope="module")
def cells():
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]


def test_was_run(cells):
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(output["output_type"] != "error" for cell in cells for output in cell["outputs"])
    assert sum(bool(cell["outputs"]) for cell in cells) >= len(cells) - 1


def test_code_runs(cells, monkeypatch):
    """The cells assert what matters: PyTorch's numbers, its accuracy, the stream's last step."""
    monkeypatch.chdir(NOTEBOOK.parent)
    names = {"__name__": "notebook"}
    for number, cell in enumerate(cells, 1):
        exec(compile("".join(cell["source"]), f"{NOTEBOOK.name} [{number}]", "exec"), names)
    assert names["found"].acc > 0.9
