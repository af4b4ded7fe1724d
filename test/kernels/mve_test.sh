#!/bin/sh
# Builds and runs the Helium kernel test on a virtual Cortex-M55.
# Usage: mve_test.sh <build folder> [random cases] [seed] [lines of layers to measure, from mve_layers.sh]
# Environment: CXX, NB_OPT (optimisation options of the kernels). Exit status: 0 pass, 77 tools missing, else failure.
set -e
here=$(cd "$(dirname "$0")" && pwd)
out=$1 cases=${2:-300} seed=${3:-1} layers=${4:-/dev/null}
command -v arm-none-eabi-g++ >/dev/null && command -v qemu-system-arm >/dev/null || exit 77
mkdir -p "$out"
${CXX:-g++} -std=c++20 -O2 -Wall -Wextra -Werror -o "$out/mve_cases" "$here/mve_cases.cc"
arm-none-eabi-g++ -mcpu=cortex-m55 -mfloat-abi=hard -mthumb -std=c++17 ${NB_OPT:--O2} -Wall -Wextra -Werror \
  -ffreestanding -fno-exceptions -fno-rtti -nostdlib -T "$here/mve.ld" -o "$out/mve_run.elf" \
  "$here/mve_run.cc" -lgcc
"$out/mve_cases" "$out/cases.bin" "$cases" "$seed" <"$layers"
exec qemu-system-arm -M mps3-an547 -nographic -monitor none -serial none -icount shift=0 \
  -semihosting-config enable=on,target=native -kernel "$out/mve_run.elf" \
  -device loader,file="$out/cases.bin",addr=0x60000000,force-raw=on
