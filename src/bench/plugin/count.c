// QEMU TCG plugin: exact instruction counts by translation block and between marked addresses, the edges
// between blocks, and how often the memories and caches of a board are reached.
//
//   -plugin libnbcount.so,out=FILE[,marks=ADDR:ADDR:...|,marksfile=FILE][,call=ADDR][,edges=1]
//           [,memories=FILE][,first=N][,last=N][,ends=1]
//           [,faults=ADDR:ADDR:...][,abort=1][,stuck=N][,max=N]
//
// out        where the counts go
// marks      code addresses, hexadecimal, in the order of their indices; bit 0 (Thumb) is ignored
// marksfile  the same, one address a line
// call       a function: its entry and the return to its caller are two more marks, the last two indices
// edges=1    what ran since the mark before, edge by edge
// memories   a board's memories and caches (memories.h); brings edges
// first      marks are passed over until this one was passed
// last       nothing is counted after this mark was passed, and the program runs at full speed
// ends=1     the program ends at that mark, too
// faults     handlers of faults: the program ends when one is entered
// abort=1    the counts are written, too, when QEMU gives the processor up (a fault without a handler) and
//            when its log is as long as a file may be (RLIMIT_FSIZE), which ends the program
// stuck=N    the program ends when a block of one instruction, a branch to itself, ran N times in a row
// max        how many lines of intervals are written at most (default 4000000)
//
// The file is text. Addresses are hexadecimal, all other numbers decimal. Blocks are numbered from 0 in the
// order of their T lines:
//   nbcount 3
//   M mark total block done  a mark was passed; total = instructions that ran before the marked one, `done`
//                          of them in this passage of its block
//   E from to count        before the M that ends the interval, as all lines of intervals (what ran since the
//                          last mark has no M): block `to` ran `count` times right after block `from`. The
//                          block with the mark belongs to the interval before, with all its instructions.
//   A block region reads writes              accesses to data
//   I block cache region sequential jumped   misses of instructions: in the line after the one before, others
//   D block cache region misses dirty burst  misses of data, dirty lines that had to be written back, and
//                          misses whose access before missed, too
//   X handler block        a handler of faults was entered after that block; 0: the processor was given up
//   S block                the program was stuck in that block
//   L                      the log was full
//   P mark count           how often a mark was passed over before the first
//   O dropped              lines beyond max, if any
//   T pc bytes insns count regions code   a translation block, how often it ran in all, and its bytes in
//                          hexadecimal; one line a (pc, bytes, insns). regions: what each instruction but
//                          loads of literals accessed of those that are watched, bits in hexadecimal divided
//                          by commas; -: none did; ?: without memories
//   total N                instructions in all, up to the last mark
//   end                    the file is whole
//
// A block counts as a whole when it is entered: exact as long as none is left by an exception or a host
// interruption, which a program that takes no faults guarantees without -icount. Instructions that an IT
// block skips count.
//
// The few functions of QEMU's plugin API, version 1, are declared here: its header need not be installed.
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "literals.h"
#include "memories.h"

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
enum { kInlineAddU64 = 0, kCallbackNoRegisters = 0, kReadsAndWrites = 3 };

/// The begin of qemu_info_t.
struct information {
  const char* target_name;
};

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* tb);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn* insn);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*callback)(qemu_plugin_id_t, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* tb, int operation, void* counter,
                                              uint64_t immediate);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn* insn, void (*callback)(unsigned, void*),
                                            int flags, void* user);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* tb, void (*callback)(unsigned, void*),
                                          int flags, void* user);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn* insn,
                                      void (*callback)(unsigned, qemu_plugin_meminfo_t, uint64_t, void*),
                                      int flags, int accesses, void* user);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
void qemu_plugin_reset(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t, void*),
                                    void* user);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const struct information* info, int argc,
                                                               char** argv);

/// A translation block. Blocks that are translated again share the record, whose address generated code
/// keeps.
struct block {
  uint64_t pc;
  uint32_t insns;
  uint32_t bytes;
  uint32_t number;
  uint8_t* code;  // its bytes
  uint64_t executions;
  struct edge* edges;
  struct edge* last_edge;   // the one that was taken last, or null
  struct traffic* traffic;  // of the interval; null without memories
  bool has_traffic;
  struct site* sites;  // one an instruction; null without memories
  struct literal* literals;
  uint32_t literal_count;
  struct fetches fetches;
  bool handles_fault;
  struct block* next_in_bucket;
  struct block* next;
};

/// An instruction that may access memory.
struct site {
  struct block* block;
  qemu_plugin_meminfo_t info;  // of the last access, and what QEMU says of it
  bool is_store;
  uint32_t regions;  // a bit each, of those that it accessed
};

/// That one block ran right after another.
struct edge {
  struct block* to;
  uint64_t count;  // in the interval
  struct edge* next;
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
static struct addresses {
  uint64_t* at;
  size_t count;
} marks, faults;
static uint64_t total;
static uint64_t lines_left = 4000000;
static uint64_t lines_dropped;
static bool has_edges, has_memories, ends, is_over, is_riscv, takes_full_log;
static uint32_t first_mark = UINT32_MAX, last_mark = UINT32_MAX;
static uint32_t block_count;
static struct block* previous;
static uint32_t literals_done;         // of `previous`
static uint64_t repeats, stuck_limit;  // of a block of one instruction, in a row; 0: no limit
static uint64_t* passed_over;          // how often each mark was, before the first
static uint64_t call_pc = UINT64_MAX, return_pc = UINT64_MAX;
static qemu_plugin_id_t plugin_id;
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
  block->number = block_count++;
  for (size_t i = 0; i < faults.count; ++i) block->handles_fault |= faults.at[i] == pc;
  if (has_memories) {
    block->traffic = allocate(traffic_bytes());
    block->fetches = find_fetches(pc, bytes);
    block->sites = allocate(insns * sizeof *block->sites);
    // No access has this information: all are asked for once.
    for (uint32_t i = 0; i < insns; ++i) block->sites[i] = (struct site){.block = block, .info = UINT32_MAX};
  }
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

static void write_traffic(struct block* block) {
  struct traffic* const t = block->traffic;
  for (uint32_t r = 0; r < region_count; ++r) {
    if ((t->reads[r] | t->writes[r]) == 0 || !take_line()) continue;
    fprintf(out, "A %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", block->number, r, t->reads[r],
            t->writes[r]);
  }
  for (uint32_t c = 0; c < cache_count; ++c) {
    for (uint32_t r = 0; r < region_count; ++r) {
      const uint64_t sequential = t->misses[c][r].sequential, jumped = t->misses[c][r].jumped;
      if ((sequential | jumped) != 0 && take_line()) {
        fprintf(out, "I %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", block->number, c, r,
                sequential, jumped);
      }
      if (t->misses[c][r].data != 0 && take_line()) {
        fprintf(out, "D %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                block->number, c, r, t->misses[c][r].data, t->misses[c][r].dirty, t->misses[c][r].burst);
      }
    }
  }
  memset(t, 0, traffic_bytes());
  block->has_traffic = false;
}

/// Ends an interval: writes what ran in it, and forgets it.
static void write_interval(void) {
  for (struct block* b = first_block; b != NULL; b = b->next) {
    for (struct edge* e = b->edges; e != NULL; e = e->next) {
      if (e->count == 0) continue;
      if (take_line()) {
        fprintf(out, "E %" PRIu32 " %" PRIu32 " %" PRIu64 "\n", b->number, e->to->number, e->count);
      }
      e->count = 0;
    }
    if (b->has_traffic) write_traffic(b);
  }
}

/// The block that runs has come to that instruction: it has loaded the literals before. They wait until their
/// order matters.
static inline void load_literals(struct block* block, uint32_t index) {
  while (literals_done < block->literal_count) {
    const struct literal* const literal = &block->literals[literals_done];
    if (literal->index >= index) return;
    const bool is_whole = literal[literal->run - 1].index < index;
    block->has_traffic = true;
    access_region(block->traffic, literal->region, literal->address, false);
    if (is_whole) read_again(block->traffic, literal->region, literal->run - 1);
    literals_done += is_whole ? literal->run : 1;
  }
}

static void write_out(qemu_plugin_id_t id, void* user);

static void only_write_out(qemu_plugin_id_t id) { qemu_plugin_register_atexit_cb(id, write_out, NULL); }

static void pass_mark(uint32_t mark, const struct block* block, uint32_t done) {
  if (first_mark != UINT32_MAX && mark != first_mark) {
    ++passed_over[mark];
    return;
  }
  first_mark = UINT32_MAX;
  if (has_edges) write_interval();
  if (take_line()) {
    fprintf(out, "M %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu32 "\n", mark, total - block->insns + done,
            block->number, done);
  }
  if (mark != last_mark) return;
  is_over = true;
  watch_nothing();
  if (!ends) {
    qemu_plugin_reset(plugin_id, only_write_out);
    return;
  }
  write_out(0, NULL);
  _exit(0);
}

/// The marked instruction is next. The block's inline counters have already added all its instructions.
static void on_mark(unsigned vcpu, void* user) {
  (void)vcpu;
  const struct passage* p = user;
  if (is_over) return;
  load_literals(p->block, p->insns_before);
  pass_mark(p->mark, p->block, p->insns_before);
}

static void end_at_fault(uint64_t handler, const struct block* from) {
  fprintf(out, "X %" PRIx64 " %" PRIu32 "\n", handler, from->number);
  write_out(0, NULL);
  fflush(NULL);  // QEMU's log of exceptions
  _exit(0);
}

static void on_abort(int signal_number) {
  (void)signal_number;
  signal(SIGABRT, SIG_DFL);
  if (previous != NULL && !is_over) end_at_fault(0, previous);
}

/// QEMU was about to write its log; what it had not written may be torn.
static void on_full_log(int signal_number) {
  (void)signal_number;
  fputs("L\n", out);
  write_out(0, NULL);
  _exit(0);
}

/// QEMU's threads block signals: the one that runs the processor takes this one from now on.
static void take_full_log(void) {
  sigset_t full;
  sigemptyset(&full);
  sigaddset(&full, SIGXFSZ);
  pthread_sigmask(SIG_UNBLOCK, &full, NULL);
  takes_full_log = false;
}

static void end_stuck(const struct block* in) {
  fprintf(out, "S %" PRIu32 "\n", in->number);
  write_out(0, NULL);
  fflush(NULL);
  _exit(0);
}

static inline void count_edge(struct block* from, struct block* to) {
  struct edge* e = from->last_edge;
  if (e == NULL || e->to != to) {
    for (e = from->edges; e != NULL && e->to != to; e = e->next) {
    }
    if (e == NULL) {
      e = allocate(sizeof *e);
      *e = (struct edge){to, 0, from->edges};
      from->edges = e;
    }
    from->last_edge = e;
  }
  ++e->count;
}

/// A block is entered. Its inline counters have already added it.
static void on_enter(unsigned vcpu, void* user) {
  (void)vcpu;
  if (is_over) return;
  struct block* const block = user;
  struct block* const from = previous;
  if (block->handles_fault && from != NULL) end_at_fault(block->pc, from);
  if (from != NULL) {
    load_literals(from, UINT32_MAX);
    count_edge(from, block);
  }
  previous = block;
  literals_done = 0;
  if (block->insns == 1) {
    if (from != block) {
      repeats = 0;
    } else if (++repeats == stuck_limit) {
      end_stuck(block);
    }
  }
  if (block->fetches.count != 0) {
    block->has_traffic = true;
    fetch_instructions(block->traffic, &block->fetches);
  }
  if (block->pc == return_pc) {
    return_pc = UINT64_MAX;
    pass_mark((uint32_t)marks.count + 1, block, 0);
  } else if (block->pc == call_pc && return_pc == UINT64_MAX) {
    return_pc = from == NULL ? UINT64_MAX - 1 : from->pc + from->bytes;  // the first block returns nowhere
    pass_mark((uint32_t)marks.count, block, 0);
  }
}

/// A function of its own: most accesses of many boards are not watched, and need no registers saved.
static __attribute__((noinline)) void on_watched_access(qemu_plugin_meminfo_t info, uint64_t address,
                                                        struct site* site) {
  const struct region* const region = watched_region(address);
  if (region == NULL) return;
  if (info != site->info) {
    site->info = info;
    site->is_store = qemu_plugin_mem_is_store(info);
  }
  struct block* const block = site->block;
  load_literals(block, (uint32_t)(site - block->sites));
  block->has_traffic = true;
  site->regions |= UINT32_C(1) << region->number;
  access_region(block->traffic, region, address, site->is_store);
}

static void on_access(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void* user) {
  (void)vcpu;
  if (may_be_watched(address)) on_watched_access(info, address, user);
}

/// Bytes of an instruction by its encoding: before the end of a page QEMU looks at what follows, and counts
/// that to the instruction before.
static size_t size_of(const struct qemu_plugin_insn* insn) {
  const uint8_t* const code = qemu_plugin_insn_data(insn);
  const bool is_long = is_riscv ? (code[0] & 3) == 3 : code[1] >= 0xe8;
  return is_long ? 4 : 2;
}

static void copy_code(struct block* block, const struct qemu_plugin_tb* tb) {
  block->code = allocate(block->bytes + 1);
  uint8_t* to = block->code;
  for (uint32_t i = 0; i < block->insns; ++i) {
    const struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
    memcpy(to, qemu_plugin_insn_data(insn), size_of(insn));
    to += size_of(insn);
  }
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  if (takes_full_log) take_full_log();
  const size_t insns = qemu_plugin_tb_n_insns(tb);
  uint32_t bytes = 0;
  for (size_t i = 0; i < insns; ++i) bytes += (uint32_t)size_of(qemu_plugin_tb_get_insn(tb, i));
  struct block* block = find_block(qemu_plugin_tb_vaddr(tb), (uint32_t)insns, bytes);
  if (block->code == NULL) copy_code(block, tb);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, kInlineAddU64, &block->executions, 1);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, kInlineAddU64, &total, insns);
  if (has_edges) qemu_plugin_register_vcpu_tb_exec_cb(tb, on_enter, kCallbackNoRegisters, block);
  bool has_known_address[insns + 1];
  memset(has_known_address, 0, sizeof has_known_address);
  if (has_memories && !is_riscv) {
    struct literal found[insns + 1];
    block->literal_count = find_literals(block->code, bytes, (uint32_t)block->pc, found, has_known_address);
    if (block->literals == NULL) block->literals = allocate(sizeof found);
    memcpy(block->literals, found, block->literal_count * sizeof *found);
  }
  for (size_t i = 0; has_memories && i < insns; ++i) {
    if (has_known_address[i]) continue;
    qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), on_access, kCallbackNoRegisters,
                                     kReadsAndWrites, &block->sites[i]);
  }
  for (size_t m = 0; m < marks.count; ++m) {
    if (marks.at[m] < block->pc || marks.at[m] >= block->pc + bytes) continue;
    for (size_t i = 0; i < insns; ++i) {
      struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
      if (qemu_plugin_insn_vaddr(insn) != marks.at[m]) continue;
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, kCallbackNoRegisters,
                                             find_passage(block, (uint32_t)m, (uint32_t)i));
    }
  }
}

static void write_regions(const struct block* block) {
  uint32_t all = 0;
  for (uint32_t i = 0; block->sites != NULL && i < block->insns; ++i) all |= block->sites[i].regions;
  for (uint32_t i = 0; all != 0 && i < block->insns; ++i)
    fprintf(out, i == 0 ? "%" PRIx32 : ",%" PRIx32, block->sites[i].regions);
  fputs(block->sites == NULL ? "? " : all == 0 ? "- " : " ", out);
}

static void write_out(qemu_plugin_id_t id, void* user) {
  (void)id;
  (void)user;
  if (previous != NULL && !is_over) load_literals(previous, UINT32_MAX);
  if (has_edges) write_interval();
  for (uint32_t m = 0; m < marks.count + 2; ++m) {
    if (passed_over[m] != 0) fprintf(out, "P %" PRIu32 " %" PRIu64 "\n", m, passed_over[m]);
  }
  if (lines_dropped != 0) fprintf(out, "O %" PRIu64 "\n", lines_dropped);
  for (const struct block* b = first_block; b != NULL; b = b->next) {
    fprintf(out, "T %" PRIx64 " %" PRIu32 " %" PRIu32 " %" PRIu64 " ", b->pc, b->bytes, b->insns,
            b->executions);
    write_regions(b);
    for (uint32_t i = 0; i < b->bytes; ++i) fprintf(out, "%02x", b->code[i]);
    fputc('\n', out);
  }
  fprintf(out, "total %" PRIu64 "\nend\n", total);
  if (fclose(out) != 0) perror("nbcount: out");
}

static bool add_address(struct addresses* to, const char* text, const char** rest) {
  char* end;
  const uint64_t address = strtoull(text, &end, 16);
  if (end == text) return false;
  uint64_t* grown = realloc(to->at, (to->count + 1) * sizeof *to->at);
  if (grown == NULL) return false;
  to->at = grown;
  to->at[to->count++] = address & ~UINT64_C(1);
  *rest = end;
  return true;
}

static bool read_addresses(struct addresses* to, const char* text) {
  while (*text != 0) {
    if (!add_address(to, text, &text)) return false;
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
  while (good && fgets(line, sizeof line, file) != NULL)
    good = line[0] == '\n' || add_address(&marks, line, &rest);
  fclose(file);
  return good;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct information* info, int argc, char** argv) {
  plugin_id = id;
  is_riscv = strncmp(info->target_name, "riscv", 5) == 0;
  for (int i = 0; i < argc; ++i) {
    const char* const value = strchr(argv[i], '=');
    const size_t key = value == NULL ? 0 : (size_t)(value - argv[i]);
    bool good = true;
    if (key == 3 && memcmp(argv[i], "out", 3) == 0) {
      if (out == NULL) out = fopen(value + 1, "w");
      good = out != NULL;
    } else if (key == 5 && memcmp(argv[i], "marks", 5) == 0) {
      good = read_addresses(&marks, value + 1);
    } else if (key == 9 && memcmp(argv[i], "marksfile", 9) == 0) {
      good = read_marks_file(value + 1);
    } else if (key == 6 && memcmp(argv[i], "faults", 6) == 0) {
      good = read_addresses(&faults, value + 1);
      has_edges = true;
    } else if (key == 4 && memcmp(argv[i], "call", 4) == 0) {
      call_pc = strtoull(value + 1, NULL, 16) & ~UINT64_C(1);
      has_edges = true;
    } else if (key == 5 && memcmp(argv[i], "edges", 5) == 0) {
      has_edges = true;
    } else if (key == 8 && memcmp(argv[i], "memories", 8) == 0) {
      has_edges = has_memories = true;
      good = read_memories(value + 1);
    } else if (key == 5 && memcmp(argv[i], "first", 5) == 0) {
      first_mark = (uint32_t)strtoul(value + 1, NULL, 10);
    } else if (key == 4 && memcmp(argv[i], "last", 4) == 0) {
      last_mark = (uint32_t)strtoul(value + 1, NULL, 10);
    } else if (key == 4 && memcmp(argv[i], "ends", 4) == 0) {
      ends = true;
    } else if (key == 5 && memcmp(argv[i], "abort", 5) == 0) {
      has_edges = true;
      takes_full_log = true;
      signal(SIGABRT, on_abort);
      signal(SIGXFSZ, on_full_log);
    } else if (key == 5 && memcmp(argv[i], "stuck", 5) == 0) {
      has_edges = true;
      stuck_limit = strtoull(value + 1, NULL, 10);
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
  passed_over = allocate((marks.count + 2) * sizeof *passed_over);
  fputs("nbcount 3\n", out);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  qemu_plugin_register_atexit_cb(id, write_out, NULL);
  return 0;
}
