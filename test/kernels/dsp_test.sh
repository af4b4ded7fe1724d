#!/bin/sh
# Builds and runs the DSP kernel test: on the host in plain C++, or on a virtual Cortex-M4, M7 or M33, where it also
# counts the instructions of the layers in dsp_layers.inc.
# Usage: dsp_test.sh <build folder> host|m4|m7|m33 [random rounds]
# Environment: CXX, NB_OPT (optimisation options). Exit status: 0 pass, 77 tools missing, else failure.
set -e
here=$(cd "$(dirname "$0")" && pwd)
out=$1 core=$2 rounds=${3:-500}
mkdir -p "$out"
warnings="-Wall -Wextra -Werror -Wno-psabi"
case $core in
  host)
    ${CXX:-g++} -std=c++20 ${NB_OPT:--O1} $warnings -DNB_ROUNDS="$rounds" -o "$out/dsp_host" "$here/dsp_test.cc"
    exec "$out/dsp_host" ;;
  # The boards' clocks tick 25, 25 and 20 million times a second of 10^9 instructions.
  m4) cpu="-mcpu=cortex-m4 -mfpu=fpv4-sp-d16" machine=mps2-an386 rom=0 ram=0x20000000 tick=40 ;;
  m7) cpu="-mcpu=cortex-m7 -mfpu=fpv5-d16" machine=mps2-an500 rom=0 ram=0x20000000 tick=40 ;;
  m33) cpu="-mcpu=cortex-m33 -mfpu=fpv5-sp-d16" machine=mps2-an505 rom=0x10000000 ram=0x38000000 tick=50 ;;
  *) echo "unknown core $core" >&2; exit 2 ;;
esac
command -v arm-none-eabi-g++ >/dev/null && command -v qemu-system-arm >/dev/null || exit 77
arm-none-eabi-g++ -std=c++20 ${NB_OPT:--O2} $warnings $cpu -mfloat-abi=hard -mthumb -fno-exceptions -fno-rtti \
  -ffunction-sections -DNB_TICK_INSTRUCTIONS=$tick -DNB_ROUNDS="$rounds" -nostartfiles --specs=rdimon.specs \
  -Wl,--gc-sections -T "$here/board.ld" -Wl,--defsym,nb_rom=$rom,--defsym,nb_ram=$ram \
  "$here/board_start.cc" "$here/dsp_test.cc" -o "$out/dsp_$core.elf"
exec qemu-system-arm -M $machine -nographic -monitor none -serial none -icount shift=0 \
  -semihosting-config enable=on,target=native -kernel "$out/dsp_$core.elf"
