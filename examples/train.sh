#!/usr/bin/env bash
# Trains an example anew, with the packages that it was made with, in an environment of its own under build/.
# usage: examples/train.sh NAME [--keras] [options of its train.py]      e.g. room --cell gru, or bearing --keras
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?NAME is a folder of examples/}
shift
packages=(torch==2.13.0 numpy==2.4.6 scikit-learn==1.9.1 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0)
environment=build/venv-torch script=examples/$name/train.py
if [ "${1:-}" = --keras ]; then
  shift
  packages=(tensorflow==2.21.0 keras==3.15.1)
  environment=build/venv-keras script=examples/$name/train_keras.py
fi
# On Linux PyPI's own torch comes with libraries for graphics cards; PIP_EXTRA_INDEX_URL can name a smaller build.
if [ ! -f "$environment/ready" ]; then
  python3 -m venv "$environment"
  "$environment/bin/pip" install -q "${packages[@]}"
  touch "$environment/ready"
fi
exec "$environment/bin/python" "$script" "$@"
