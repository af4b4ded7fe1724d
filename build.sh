#!/usr/bin/env bash
# Installs what is missing and builds nblocks into build/release. Arguments go to CMake: -DNB_PYTHON_MODULE=ON.
set -euo pipefail
cd "$(dirname "$0")"
./setup.sh
cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release "$@" >/dev/null
cmake --build build/release
