#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests.
set -euo pipefail
cd "$(dirname "$0")"
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$PWD}"  # so that the wheel's build finds what the first one compiled
./setup.sh
# The Python package's module and its tests need two packages.
if .venv/bin/python -c "import nanobind, pytest" 2>/dev/null || .venv/bin/pip install -q nanobind==3.1.0 pytest==9.2.0; then
  ./build.sh -DNB_PYTHON_MODULE=ON
else
  echo "nanobind and pytest cannot be installed here: the Python package is not tested"
  ./build.sh -DNB_PYTHON_MODULE=OFF
fi
# Judges from outside. A test that needs one that is not there says that it is skipped.
judge() {  # judge "MODULE, MODULE" PACKAGE...
  .venv/bin/python -c "import $1" 2>/dev/null || .venv/bin/pip install -q "${@:2}" || echo "$1 cannot be installed here"
}
judge "tflite_micro, ai_edge_litert" tflite-micro==0.dev20261023182759 ai-edge-litert==2.3.0
judge onnxruntime onnxruntime==1.32.0
judge "torch, onnxscript" torch==2.13.0+cpu onnxscript==0.7.2
# TensorFlow needs other versions of packages than the judges above: an environment of its own.
.venv-keras/bin/python -c "import tensorflow, tf_keras" 2>/dev/null || {
  python3 -m venv .venv-keras && .venv-keras/bin/pip install -q tensorflow==2.21.0 keras==3.15.1 tf_keras==2.21.0
} || echo "keras cannot be installed here"
# The report's page is tested in a browser.
command -v npm >/dev/null || export PATH="$PWD/.venv/bin:$PATH"
[ test/page/node_modules/.package-lock.json -nt test/page/package-lock.json ] ||
  npm ci --prefix test/page --ignore-scripts --no-audit --no-fund --silent || echo "playwright-core cannot be installed here"
command -v chromium >/dev/null || {
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo"
  $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium >/dev/null
} || echo "chromium cannot be installed here"
exec ctest --test-dir build/release --output-on-failure
