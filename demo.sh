#!/usr/bin/env bash
# The main job: a model, built for a real board, run on its virtual twin.
set -euo pipefail
cd "$(dirname "$0")"
./build.sh
.venv/bin/python examples/digits/predict.py
