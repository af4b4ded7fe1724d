#!/usr/bin/env bash
# Tries the firmware, the linker scripts, the machines' table and the counting plugin on every core.
# Usage: run.sh [WORK_DIRECTORY]. A core whose tools are missing is skipped, and said. Exit 1: something failed.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bench=$here/../../src/bench
firmware=$bench/firmware
work=${1:-$(mktemp -d)}
mkdir -p "$work" && cd "$work" || exit 1
failures=0 checks=0 skipped=0

fail() { echo "FAIL $*"; failures=$((failures + 1)); }
check() { # text, command...
  checks=$((checks + 1))
  local text=$1
  shift
  "$@" || fail "$text"
}
contains() { grep -q -- "$2" "$1"; }
field() { sed -n "s/.* $1=\(0x[0-9a-f]*\).*/\1/p" nb_console.txt; }

# Sets the variables of a line of the table.
read_row() {
  IFS='|' read -r core machine tools flags template startup qemu stray flash ram boot boot_bytes boot_region \
    common link <<<"$1"
}

# Compiles the firmware and fills the linker script.
prepare() {
  local file
  objects=()
  for file in main.cc io_semihosting.cc ../../../blocks/core/memory.cc $startup; do
    local object="$core.${file##*/}.o"
    # shellcheck disable=SC2086
    ${tools}g++ $flags $common -Os -Wall -Wextra -Werror -c "$firmware/$file" -o "$object" || return 1
    objects+=("$object")
  done
  sed -e "s/@FLASH_ORIGIN@/$flash/; s/@FLASH_LENGTH@/64K/; s/@RAM_ORIGIN@/$ram/; s/@RAM_LENGTH@/16K/" \
    -e "s/@BOOT_ORIGIN@/$boot/; s/@BOOT_LENGTH@/$boot_bytes/; s/@BOOT_REGION@/$boot_region/" \
    -e "s/@WEIGHTS_REGION@/FLASH/; s/@ARENA_REGION@/RAM/; s/@STACK_BYTES@/2048/" \
    -e "s/@[A-Z0-9]*_\(ORIGIN\|LENGTH\)@/0/g" "$firmware/$template" >board.ld
}

# name, model, further flags: builds name.elf; the linker's words go to name.log.
build() {
  # shellcheck disable=SC2086
  ${tools}g++ $flags $common $link -Os -Wall -Wextra -Werror -I"$firmware" "${@:3}" "$here/$2" \
    "${objects[@]}" -T board.ld -lgcc -o "$1.elf" >"$1.log" 2>&1
}

# name, expected exit status, further arguments of QEMU
run() {
  rm -f nb_out.bin nb_console.txt
  # shellcheck disable=SC2086
  timeout 30 $qemu "${@:3}" -kernel "$1.elf" >qemu.log 2>&1
  local status=$?
  checks=$((checks + 1))
  [ $status = "$2" ] || fail "$core $machine $1: exit $status, not $2: $(head -c 300 nb_console.txt qemu.log 2>&1)"
}

# name: the addresses of its marks, and (marks_ids) their ids, in the section's order
read_marks() {
  ${tools}objcopy --dump-section .nb_marks=marks.bin "$1.elf" unused.elf 2>/dev/null
  marks=$(od -An -v -tx4 -w8 marks.bin | awk '{ printf "%s%s", s, $1; s = ":" }')
  mark_ids=$(od -An -v -tx4 -w8 marks.bin | awk '{ printf "%s ", $2 }')
}
# file, id of the mark (8 digits), passage from 1: instructions before it
total_at() {
  awk -v ids="$mark_ids" -v id="$2" -v nth="$3" 'BEGIN { split(ids, of, " ") }
    $1 == "M" && of[$2 + 1] == id && ++n == nth { print $3; exit }' "$1"
}
between() { echo $(($(total_at "$1" "$3" "$4") - $(total_at "$1" "$2" "$4"))); }

${CXX:-g++} -std=c++20 -Wall -Wextra -Werror "$here/print_machines.cc" -o print_machines || exit 1
${CC:-gcc} -std=c11 -O2 -Wall -Wextra -Werror -fvisibility=hidden -shared -fPIC "$bench/plugin/count.c" \
  -o libnbcount.so || exit 1

# The host says what is right.
printf '\1\2\3\4\5\6\7\10\377\376\375\374\373\372\371\370\12\0\0\0\0\0\0\1' >nb_in.bin
for flags_of_model in 0 1; do
  ${CXX:-g++} -std=c++17 -O1 -g -fsanitize=address,undefined -Wall -Wextra -Werror -I"$firmware" \
    -DFLAGS=$flags_of_model "$here/toy_model.cc" "$firmware/main.cc" "$firmware/io_host.cc" -o toy_host || exit 1
  ./toy_host >host.log || fail "host: $(cat host.log)"
  check "host: three samples" contains host.log "samples=0x3 "
  mv nb_out.bin "expected_$flags_of_model.bin"
done
cmp -s expected_0.bin expected_1.bin && fail "host: a reset before each sample changes nothing"

while read -r row; do
  read_row "$row"
  if ! command -v "${tools}g++" >/dev/null || ! command -v "${qemu%% *}" >/dev/null; then
    echo "SKIP $core on $machine: ${tools}g++ or ${qemu%% *} is missing"
    skipped=$((skipped + 1))
    continue
  fi
  prepare || { fail "$core: the firmware does not compile"; continue; }
  for flags_of_model in 0 1; do
    build toy toy_model.cc -DFLAGS=$flags_of_model || { fail "$core: $(cat toy.log)"; continue 2; }
    run toy 0
    check "$core $machine: outputs" cmp nb_out.bin expected_$flags_of_model.bin
  done
  check "$core $machine: samples" contains nb_console.txt "nb-result samples=0x3 "
  stack=$(field stack_bytes) before=$(field stack_before_run_bytes)
  check "$core $machine: stack $stack, $before" [ $((before > 0 && stack > before && stack < 512)) = 1 ]

  # Counts: as known, and the same when every block is one instruction.
  read_marks toy
  run toy 0 -plugin "./libnbcount.so,out=count.txt,marks=$marks"
  run toy 0 -singlestep -plugin "./libnbcount.so,out=single.txt,marks=$marks"
  tr : '\n' <<<"$marks" >marks.txt
  run toy 0 -plugin ./libnbcount.so,out=edges.txt,marksfile=marks.txt,edges=1
  printf 'region 0 ffffffff watched\ncache I miss 64 16 2 1\ncache D miss 64 16 2 1\ncache U jump 256 16 4 1\n' >memories.txt
  run toy 0 -plugin ./libnbcount.so,out=memories.log,marksfile=marks.txt,memories=memories.txt
  run toy 0 -plugin "./libnbcount.so,out=first.txt,marks=$marks,edges=1,last=2"
  cp memories.log memories_run.txt
  for file in count single edges memories_run first; do
    check "$core $machine: $file is whole" contains $file.txt "^end$"
    grep -E '^(M|total)' $file.txt | cut -d' ' -f1-3 >$file.marks
  done
  check "$core $machine: counts by blocks and by single steps" cmp count.marks single.marks
  check "$core $machine: counts with edges" cmp count.marks edges.marks
  check "$core $machine: counts with memories" cmp count.marks memories_run.marks
  check "$core $machine: nothing after the last mark" [ "$(tail -n 2 first.marks | cut -d' ' -f1,2 | head -n 1)" = "M 2" ]
  check "$core $machine: passages" [ "$(grep -c '^M' count.txt)" = 18 ]
  vector=0
  case $core in cortex-m55 | cortex-m85) vector=10 ;; esac
  for sample in 1 2 3; do
    check "$core $machine: the known loop" [ "$(between count.txt 00000000 00000001 $sample)" = 501 ]
    check "$core $machine: the known vector loop" [ "$(between count.txt 00000001 00000002 $sample)" = $vector ]
  done
  inference=$(between count.txt ffff0000 ffff0001 1)
  # Intervals add up: blocks by their edges, less what the mark's block had not run yet, plus that of the mark before.
  check "$core $machine: intervals" awk '
    FNR == NR { if ($1 == "T") insns[blocks++] = $4; next }
    $1 == "E" { sum += insns[$3] * $4 }
    $1 == "M" { late = insns[$4] - $5
                if (marks++ > 0 && sum + carried - late != $3 - last) bad = 1; carried = late; last = $3; sum = 0 }
    END { exit bad || marks < 2 }' edges.txt edges.txt
  # Accesses and misses of data are no more than there can be, and there are some.
  check "$core $machine: accesses" awk '
    $1 == "A" { accesses += $4 + $5 } $1 == "D" { misses[$3] += $5 }
    END { exit !(accesses > 0 && misses[1] > 0 && misses[1] <= accesses && misses[2] <= accesses) }' memories_run.txt
  # Blocks add up to the total.
  check "$core $machine: blocks" awk '$1 == "T" { sum += $4 * $5 } $1 == "total" { exit sum != $2 }' count.txt

  # Faults, as far as the machine has them.
  build null fault_model.cc -DFAULT=1 && run null 3
  check "$core $machine: null call" contains nb_console.txt "^nb-fault .*pc=0x[0-9a-f]* "
  if [ "$stray" -ge 1 ]; then
    build store fault_model.cc -DFAULT=2 -DADDRESS=0x20400000 && run store 3
    pc=$(field pc)
    check "$core $machine: store outside RAM, pc $pc" contains <(${tools}nm -C store.elf | awk -v pc="${pc#0x}" '
      BEGIN { while (length(pc) < 8) pc = "0" pc } $2 ~ /[tT]/ && $3 !~ /^\$/ && $1 <= pc && $1 > at { at = $1; name = $0 }
      END { print name }') "run(void"
  fi
  if [ "$stray" = 2 ]; then
    build null_store fault_model.cc -DFAULT=2 -DADDRESS=0 && run null_store 3
    build flash_store fault_model.cc -DFAULT=2 -DADDRESS="$flash+512" && run flash_store 3
    build end_store fault_model.cc -DFAULT=2 -DADDRESS="$ram+16384" && run end_store 3
    build recursion fault_model.cc -DFAULT=3 && run recursion 3
  fi
  if [[ $core = cortex-m0* ]]; then
    build unaligned fault_model.cc -DFAULT=6 && run unaligned 3
  fi

  # A deep stack is told even where nothing faults.
  build deep fault_model.cc -DFAULT=8 && run deep 2
  check "$core $machine: deep stack" contains nb_console.txt "nb-error what=stack-overflow"

  # What does not fit, and what may not be.
  build arena fault_model.cc -DFAULT=4 && fail "$core: a large arena was linked"
  check "$core: RAM's overflow is told" contains arena.log "region .RAM. overflowed by [0-9]* bytes"
  build weights fault_model.cc -DFAULT=5 && fail "$core: large weights were linked"
  check "$core: flash's overflow is told" contains weights.log "region .FLASH. overflowed by [0-9]* bytes"
  build constructor fault_model.cc -DFAULT=7 && fail "$core: a constructor was linked"
  check "$core: a constructor is told" contains constructor.log "constructor"

  # No input file; an input file that ends within a sample.
  mv nb_in.bin kept.bin
  run toy 2
  check "$core $machine: no input" contains nb_console.txt "nb-error what=open file=nb_in.bin"
  head -c 20 kept.bin >nb_in.bin
  run toy 2
  check "$core $machine: partial sample" contains nb_console.txt "nb-error what=partial-sample file=nb_in.bin sample=0x2"
  mv kept.bin nb_in.bin

  # Start-up, faults, protection, I/O, main and the four memory functions, with the start-up assembly's literals.
  harness=$(($(${tools}nm -S toy.elf | awk '$3 ~ /^[tTwW]$/ && $4 !~ /^_ZN12_GLOBAL__N_1[35]r/ {
    sum = sum s "0x" $2; s = "+" } END { print sum }')))
  ${tools}size toy.elf | awk -v c="$core" -v m="$machine" -v i="$inference" -v s="$stack" -v h="$harness" 'NR == 2 {
    printf "ok %-13s %-13s flash %d bytes (start-up and I/O code %d), stack %d, instructions %d\n", c, m, $1 + $2, h, s, i }'
done < <(./print_machines)

echo "$checks checks, $failures failed, $skipped skipped"
[ $failures = 0 ]
