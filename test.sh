#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests.
set -euo pipefail
cd "$(dirname "$0")"
./build.sh
# Interpreters that judge single TensorFlow Lite operators; without them that test says that it is skipped.
.venv/bin/python -c 'import tflite_micro, ai_edge_litert' 2>/dev/null ||
  .venv/bin/pip install -q tflite-micro==0.dev20261023182759 ai-edge-litert==2.3.0 ||
  echo "tflite-micro and ai-edge-litert cannot be installed here"
exec ctest --test-dir build/release --output-on-failure
