"""Accesses to data that libnbcount.so counts of a program with constants beside its code, against the list of them.

usage: literals_test.py LIBNBCOUNT
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROUNDS, LINE, WAYS, SETS = 100, 16, 2, 4
# Literals in a row, around a read that the code does not fix, in an IT block, and in one that goes on in the next page.
PROGRAM = """
.syntax unified
.thumb
.section .vectors, "a"
.word 0x20001000, reset + 1
.text
.thumb_func
reset:
ldr r7, =table
movs r4, #0
movs r6, #20
round:
mul r5, r4, r6
and r5, r5, #124
ldr r0, first
ldr r1, first + 4
ldr r1, first + 20
ldr r2, [r7, r5]
tst r4, #1
ite eq
ldreq r0, first + 36
ldrne r1, first + 8
ldr r3, first + 4
marked:
ldr.w r3, first + 12
ldr r3, first + 28
b.w cross
.balign 16
first: .space 64
.ltorg
.org 0x3f8
cross:
tst.w r4, #1
itt eq
ldreq r0, second
ldreq r1, second + 16
ldr r3, second + 20
adds r4, #1
cmp r4, #100
bne.w round
movs r0, #0x18
ldr r1, =0x20026
bkpt #0xab
b .
.balign 16
second: .space 64
.ltorg
.balign 16
table: .space 128
"""


def symbol(lines, name):
    return int(next(line.split()[0] for line in lines if line.split()[-1] == name), 16)


class Cache:
    def __init__(self):
        self.sets, self.last, self.has_missed = [[] for _ in range(SETS)], None, False
        self.begin()

    def begin(self):
        self.reads = self.misses = self.bursts = 0

    def read(self, address):
        self.reads += 1
        line = address // LINE
        if line == self.last:
            self.has_missed = False
            return
        self.last = line
        lines = self.sets[line % SETS]
        is_hit = line in lines
        if is_hit:
            lines.remove(line)
        lines.insert(0, line)
        del lines[WAYS:]
        if not is_hit:
            self.misses += 1
            self.bursts += self.has_missed
        self.has_missed = not is_hit


def expected(names, pool):
    """Reads, misses and misses in a row: of each round up to the mark, and from the last one on."""
    cache, intervals = Cache(), []
    first, second, table = (names[name] for name in ("first", "second", "table"))
    cache.read(pool["table"])
    for number in range(ROUNDS):
        is_even = number % 2 == 0
        chosen = first + (36 if is_even else 8)
        for address in (first, first + 4, first + 20, table + (number * 20 & 124), chosen, first + 4):
            cache.read(address)
        intervals.append((cache.reads, cache.misses, cache.bursts))
        cache.begin()
        for address in [first + 12, first + 28] + [second, second + 16] * is_even + [second + 20]:
            cache.read(address)
    cache.read(pool["end"])
    return intervals + [(cache.reads, cache.misses, cache.bursts)]


def counted(text):
    intervals, now = [], [0, 0, 0]
    for words in map(str.split, text.splitlines()):
        if words[0] == "A" and words[2] == "0":
            now[0] += int(words[3]) + int(words[4])
        elif words[0] == "D":
            now[1] += int(words[4])
            now[2] += int(words[6])
        elif words[0] == "M":
            intervals.append(tuple(now))
            now = [0, 0, 0]
    return intervals + [tuple(now)]


def main():
    plugin = pathlib.Path(sys.argv[1]).resolve()
    missing = [tool for tool in ("arm-none-eabi-gcc", "qemu-system-arm") if not shutil.which(tool)]
    if missing:
        print("skipped: missing " + ", ".join(missing))
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "program.S").write_text(PROGRAM, encoding="utf-8")
        memories = f"region 0 400000\nregion 20000000 20400000\ncache D miss {LINE * WAYS * SETS} {LINE} {WAYS} 1\n"
        (folder / "memories.txt").write_text(memories, encoding="utf-8")
        run = lambda *words: subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout
        run("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-nostdlib", "-Wl,--section-start=.vectors=0,-Ttext=0x400,-e,reset",
            "-o", "program.elf", "program.S")
        lines = run("arm-none-eabi-nm", "program.elf").splitlines()
        names = {one: symbol(lines, one) for one in ("first", "second", "table", "marked")}
        # The assembler's own pools, from the disassembly of what loads from them.
        code = run("arm-none-eabi-objdump", "-d", "program.elf")
        pools = [int(found, 16) for found in re.findall(r"ldr\tr[71], \[pc, #\d+\]\s+@ \(([0-9a-f]+)", code)]
        pool = {"table": pools[0], "end": pools[-1]}
        run("qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-serial", "null", "-monitor", "none",
            "-semihosting-config", "enable=on,target=native", "-plugin",
            f"{plugin},out=counts.txt,marks={names['marked']:x},memories=memories.txt", "-kernel", "program.elf")
        here, right = counted((folder / "counts.txt").read_text(encoding="utf-8")), expected(names, pool)
    if here == right:
        reads, misses, bursts = map(sum, zip(*here))
        print(f"{len(here)} intervals: {reads} reads, {misses} misses, {bursts} in a row")
        return 0
    for number, (own, other) in enumerate(zip(here, right)):
        if own != other:
            print(f"interval {number}: counted {own}, should be {other}")
            break
    print(f"{len(here)} intervals, should be {len(right)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
