#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests.
set -euo pipefail
cd "$(dirname "$0")"
./build.sh
# Judges from outside. A test that needs one that is not there says that it is skipped.
judge() {  # judge "MODULE, MODULE" PACKAGE...
  .venv/bin/python -c "import $1" 2>/dev/null || .venv/bin/pip install -q "${@:2}" || echo "$1 cannot be installed here"
}
judge "tflite_micro, ai_edge_litert" tflite-micro==0.dev20261023182759 ai-edge-litert==2.3.0
judge onnxruntime onnxruntime==1.32.0
judge "torch, onnxscript" torch==2.13.0+cpu onnxscript==0.7.2
exec ctest --test-dir build/release --output-on-failure
