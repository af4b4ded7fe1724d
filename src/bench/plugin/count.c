// QEMU TCG plugin: exact instruction counts by translation block and between marked addresses.
//
//   -plugin libnbcount.so,out=FILE[,marks=ADDR:ADDR:...|,marksfile=FILE][,snap=1][,max=N]
//
// out        where the counts go
// marks      code addresses, hexadecimal, in the order of their indices; bit 0 (Thumb) is ignored
// marksfile  the same, one address a line
// snap=1     after each mark, what ran since the mark before it, by translation block
// max        how many M, D and P lines are written at most (default 1000000)
//
// The file is text. Addresses are hexadecimal, all other numbers decimal:
//   nbcount 1
//   M mark total           a mark was passed; total = instructions that ran before the marked one
//   D pc insns count       snap only, before the M that ends the interval: a block's executions in it
//   P pc insns done        snap only: of one such execution of that block only the first `done` instructions
//                          ran before the mark; the rest belongs to the next interval
//   O dropped              lines beyond max, if any
//   T pc bytes insns count a translation block and how often it ran in all; one line a (pc, bytes, insns)
//   total N                instructions in all
//   end                    the file is whole
//
// A block counts as a whole when it is entered: exact as long as none is left by an exception or a host
// interruption, which a program that takes no faults guarantees without -icount. Instructions that an IT
// block skips count.
//
// The few functions of QEMU's plugin API, version 1, are declared here: its header need not be installed.
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
enum { kInlineAddU64 = 0, kCallbackNoRegisters = 0 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* tb);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn* insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*callback)(qemu_plugin_id_t, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* tb, int operation, void* counter,
                                              uint64_t immediate);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn* insn, void (*callback)(unsigned, void*),
                                            int flags, void* user);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t, void*),
                                    void* user);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void* info,
                                                               int argc, char** argv);

/// A translation block. Blocks that are translated again share the record, whose address generated code
/// keeps.
struct block {
  uint64_t pc;
  uint32_t insns;
  uint32_t bytes;
  uint64_t executions;
  uint64_t executions_at_mark;
  struct block* next_in_bucket;
  struct block* next;
};

/// A marked instruction in a block.
struct passage {
  struct block* block;
  uint32_t mark;
  uint32_t insns_before;  // of the block, before the marked one
  struct passage* next;
};

enum { kBuckets = 1 << 14 };
static struct block* buckets[kBuckets];
static struct block* first_block;
static struct block** last_block = &first_block;
static struct passage* first_passage;
static uint64_t* marks;
static size_t mark_count;
static uint64_t total;
static uint64_t lines_left = 1000000;
static uint64_t lines_dropped;
static bool snap;
static FILE* out;

static void* allocate(size_t bytes) {
  void* memory = calloc(1, bytes);
  if (memory == NULL) {
    fputs("nbcount: out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

static bool take_line(void) {
  if (lines_left == 0) {
    ++lines_dropped;
    return false;
  }
  --lines_left;
  return true;
}

static struct block* find_block(uint64_t pc, uint32_t insns, uint32_t bytes) {
  struct block** at = &buckets[(pc >> 1 ^ pc >> 15) % kBuckets];
  for (; *at != NULL; at = &(*at)->next_in_bucket) {
    if ((*at)->pc == pc && (*at)->insns == insns && (*at)->bytes == bytes) return *at;
  }
  struct block* block = allocate(sizeof *block);
  block->pc = pc;
  block->insns = insns;
  block->bytes = bytes;
  *at = block;
  *last_block = block;
  last_block = &block->next;
  return block;
}

static struct passage* find_passage(struct block* block, uint32_t mark, uint32_t insns_before) {
  struct passage* p = first_passage;
  for (; p != NULL; p = p->next) {
    if (p->block == block && p->mark == mark && p->insns_before == insns_before) return p;
  }
  p = allocate(sizeof *p);
  *p = (struct passage){block, mark, insns_before, first_passage};
  first_passage = p;
  return p;
}

/// The marked instruction is next. The block's inline counters have already added all its instructions.
static void on_mark(unsigned vcpu, void* user) {
  (void)vcpu;
  const struct passage* p = user;
  if (snap) {
    for (struct block* b = first_block; b != NULL; b = b->next) {
      const uint64_t count = b->executions - b->executions_at_mark;
      if (count == 0) continue;
      b->executions_at_mark = b->executions;
      if (take_line()) fprintf(out, "D %" PRIx64 " %" PRIu32 " %" PRIu64 "\n", b->pc, b->insns, count);
    }
    if (take_line()) {
      fprintf(out, "P %" PRIx64 " %" PRIu32 " %" PRIu32 "\n", p->block->pc, p->block->insns, p->insns_before);
    }
  }
  if (take_line()) {
    fprintf(out, "M %" PRIu32 " %" PRIu64 "\n", p->mark, total - (p->block->insns - p->insns_before));
  }
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  const size_t insns = qemu_plugin_tb_n_insns(tb);
  uint32_t bytes = 0;
  for (size_t i = 0; i < insns; ++i) bytes += (uint32_t)qemu_plugin_insn_size(qemu_plugin_tb_get_insn(tb, i));
  struct block* block = find_block(qemu_plugin_tb_vaddr(tb), (uint32_t)insns, bytes);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, kInlineAddU64, &block->executions, 1);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, kInlineAddU64, &total, insns);
  for (size_t m = 0; m < mark_count; ++m) {
    if (marks[m] < block->pc || marks[m] >= block->pc + bytes) continue;
    for (size_t i = 0; i < insns; ++i) {
      struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
      if (qemu_plugin_insn_vaddr(insn) != marks[m]) continue;
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, kCallbackNoRegisters,
                                             find_passage(block, (uint32_t)m, (uint32_t)i));
    }
  }
}

static void write_out(qemu_plugin_id_t id, void* user) {
  (void)id;
  (void)user;
  if (lines_dropped != 0) fprintf(out, "O %" PRIu64 "\n", lines_dropped);
  for (const struct block* b = first_block; b != NULL; b = b->next) {
    if (b->executions == 0) continue;
    fprintf(out, "T %" PRIx64 " %" PRIu32 " %" PRIu32 " %" PRIu64 "\n", b->pc, b->bytes, b->insns,
            b->executions);
  }
  fprintf(out, "total %" PRIu64 "\nend\n", total);
  if (fclose(out) != 0) perror("nbcount: out");
}

static bool add_mark(const char* text, const char** rest) {
  char* end;
  const uint64_t address = strtoull(text, &end, 16);
  if (end == text) return false;
  uint64_t* grown = realloc(marks, (mark_count + 1) * sizeof *marks);
  if (grown == NULL) return false;
  marks = grown;
  marks[mark_count++] = address & ~UINT64_C(1);
  *rest = end;
  return true;
}

static bool read_marks(const char* text) {
  while (*text != 0) {
    if (!add_mark(text, &text)) return false;
    if (*text == ':') ++text;
  }
  return true;
}

static bool read_marks_file(const char* path) {
  FILE* file = fopen(path, "r");
  if (file == NULL) return false;
  char line[64];
  bool good = true;
  const char* rest;
  while (good && fgets(line, sizeof line, file) != NULL) good = line[0] == '\n' || add_mark(line, &rest);
  fclose(file);
  return good;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    const char* const value = strchr(argv[i], '=');
    const size_t key = value == NULL ? 0 : (size_t)(value - argv[i]);
    bool good = true;
    if (key == 3 && memcmp(argv[i], "out", 3) == 0) {
      if (out == NULL) out = fopen(value + 1, "w");
      good = out != NULL;
    } else if (key == 5 && memcmp(argv[i], "marks", 5) == 0) {
      good = read_marks(value + 1);
    } else if (key == 9 && memcmp(argv[i], "marksfile", 9) == 0) {
      good = read_marks_file(value + 1);
    } else if (key == 4 && memcmp(argv[i], "snap", 4) == 0) {
      snap = value[1] == '1' || value[1] == 'o';  // QEMU writes a bare flag as =on
    } else if (key == 3 && memcmp(argv[i], "max", 3) == 0) {
      lines_left = strtoull(value + 1, NULL, 10);
    } else {
      good = false;
    }
    if (!good) {
      fprintf(stderr, "nbcount: cannot use %s\n", argv[i]);
      return 1;
    }
  }
  if (out == NULL) {
    fputs("nbcount: out=FILE is missing\n", stderr);
    return 1;
  }
  fputs("nbcount 1\n", out);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  qemu_plugin_register_atexit_cb(id, write_out, NULL);
  return 0;
}
