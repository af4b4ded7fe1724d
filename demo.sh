#!/usr/bin/env bash
# The main job: a model, built for a real board, run on its virtual twin.
set -euo pipefail
cd "$(dirname "$0")"
./build.sh
build/release/nblocks run examples/mlp/mlp.onnx -b stm32h735g-dk --input examples/mlp/mlp_test.npz --output out/mlp
