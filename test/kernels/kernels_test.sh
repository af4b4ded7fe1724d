#!/bin/sh
# Compares the DSP or MVE kernels with the portable ones bit for bit, the tiled float kernels but for rounding. The host
# runs their plain C++ forms; a core runs them on its virtual board, with the cases and results that this computer makes.
# Usage: kernels_test.sh <build folder> dsp host|m4|m7|m33 [rounds]
#        kernels_test.sh <build folder> mve m55 [cases] [seed]
#        kernels_test.sh <build folder> s16 host|m4|m7|m33|m55 [rounds] [seed]
#        kernels_test.sh <build folder> float host|m4|m7|m33|m55 [rounds] [seed]
# Environment: CXX, NB_OPT (optimisation options). Exit status: 0 pass, 77 tools missing, else failure.
# The cross compiler alone suffices: no C library, no C++ library.
set -e
here=$(cd "$(dirname "$0")" && pwd)
out=$1 set=$2 core=$3
mkdir -p "$out"
warnings="-Wall -Wextra -Werror"
${CXX:-g++} -std=c++20 -O1 $warnings -o "$out/${set}_cases" "$here/${set}_cases.cc"
# Where run_cases.cc finds its memory on each machine.
case $core in
  host) exec "$out/${set}_cases" "${4:-500}" ;;
  m4) cpu="-mcpu=cortex-m4 -mfpu=fpv4-sp-d16" machine=mps2-an386 rom=0
    memory="-DNB_STACK_TOP=0x20010000 -DNB_OUT=0x20010000 -DNB_SCRATCH=0x20200000 -DNB_INPUT_END=0x22000000"
    cases=0x21000000 ;;
  m7) cpu="-mcpu=cortex-m7 -mfpu=fpv5-d16" machine=mps2-an500 rom=0
    memory="-DNB_STACK_TOP=0x20010000 -DNB_OUT=0x20010000 -DNB_SCRATCH=0x20200000 -DNB_INPUT_END=0x61000000"
    cases=0x60000000 ;;
  m33) cpu="-mcpu=cortex-m33 -mfpu=fpv5-sp-d16" machine=mps2-an505 rom=0x10000000
    memory="-DNB_STACK_TOP=0x38010000 -DNB_OUT=0x38010000 -DNB_SCRATCH=0x38200000 -DNB_INPUT_END=0x81000000"
    cases=0x80000000 ;;
  m55) cpu="-mcpu=cortex-m55" machine=mps3-an547 rom=0
    memory="-DNB_STACK_TOP=0x20010000 -DNB_OUT=0x21000000 -DNB_SCRATCH=0x21200000 -DNB_INPUT_END=0x20080000"
    cases=0x60000000 ;;
  *) echo "unknown core $core" >&2; exit 2 ;;
esac
command -v arm-none-eabi-g++ >/dev/null && command -v qemu-system-arm >/dev/null || exit 77
kind=
if [ "$set-$core" = s16-m55 ]; then kind=mve; fi
"$out/${set}_cases" "${4:-300}" "${5:-1}" "$out/$set.bin" $kind
case $set$kind in
  s16mve) memory="$memory -DNB_S16 -DNB_MVE" ;;
  s16) memory="$memory -DNB_S16" ;;
  mve) memory="$memory -DNB_MVE" ;;
  float) memory="$memory -DNB_FLOAT" ;;
esac
arm-none-eabi-g++ $cpu -mfloat-abi=hard -mthumb -std=c++17 ${NB_OPT:--O2} $warnings -ffreestanding -fno-exceptions \
  -fno-rtti -nostdlib $memory -DNB_CASES=$cases -Wl,--defsym,nb_rom=$rom -T "$here/cases.ld" \
  "$here/run_cases.cc" "$here/../../blocks/core/memory.cc" -lgcc -o "$out/run_$core.elf"
exec qemu-system-arm -M $machine -nographic -monitor none -serial none -semihosting-config enable=on,target=native \
  -kernel "$out/run_$core.elf" -device loader,file="$out/$set.bin",addr=$cases,force-raw=on
