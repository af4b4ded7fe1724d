// The plugin's simulated caches against the plainest ones: lists of lines in the order of their last uses.
#include <stdio.h>
#include <string.h>

#include "bench/plugin/memories.h"

enum { kLow = 0x20000000, kBytes = 1 << 16, kSteps = 200000, kMostLines = 4096, kLine = 32, kBlocks = 600 };
enum lookup { kHit, kMiss, kMissOfDirty };

static const struct {
  char kind;
  const char* fills;
  uint32_t ways, sets;  // 3 sets are no power of two
} kCaches[] = {{'D', "miss", 1, 64}, {'D', "miss", 4, 16}, {'D', "miss", 8, 1},  {'D', "miss", 16, 3},
               {'D', "miss", 64, 1}, {'U', "miss", 2, 32}, {'U', "miss", 32, 3}, {'U', "jump", 4, 8},
               {'I', "miss", 1, 32}, {'I', "miss", 4, 64}, {'I', "jump", 2, 64}, {'I', "miss", 128, 3}};
enum { kCount = sizeof kCaches / sizeof kCaches[0] };

struct plain {
  uint64_t lines[kMostLines];  // sets x ways: line + 1; 0: none
  bool dirty[kMostLines];
  uint64_t last;
  bool has_missed;
  struct misses misses;
};

/// Whether it misses, and whether a dirty line goes. `fills`: a line that was not in is brought in.
static enum lookup look_up(struct plain* cache, int number, uint64_t line, bool is_write, bool fills) {
  const uint32_t ways = kCaches[number].ways, sets = kCaches[number].sets;
  uint64_t* const set = cache->lines + (line % sets) * ways;
  bool* const dirty = cache->dirty + (line % sets) * ways;
  uint32_t way = 0;
  while (way < ways - 1 && set[way] != line + 1) ++way;
  const bool is_hit = set[way] == line + 1;
  const bool was_dirty = dirty[way];
  if (!is_hit && !fills) return kMiss;
  for (; way > 0; --way) set[way] = set[way - 1], dirty[way] = dirty[way - 1];
  set[0] = line + 1;
  dirty[0] = is_write || (is_hit && was_dirty);
  if (is_hit) return kHit;
  return was_dirty ? kMissOfDirty : kMiss;
}

static void plain_access(struct plain* cache, int number, uint64_t line, bool is_write) {
  if (line == cache->last && !is_write) {
    cache->has_missed = false;
    return;
  }
  cache->last = line;
  const enum lookup found = look_up(cache, number, line, is_write, true);
  cache->misses.data += found != kHit;
  cache->misses.dirty += found == kMissOfDirty;
  cache->misses.burst += found != kHit && cache->has_missed;
  cache->has_missed = found != kHit;
}

static void plain_fetch(struct plain* cache, int number, uint64_t first, uint64_t last) {
  const bool is_for_jumps = strcmp(kCaches[number].fills, "jump") == 0;
  for (uint64_t line = first; line <= last; ++line) {
    if (line == cache->last) continue;
    const bool follows = line == cache->last + 1;
    cache->last = line;
    if (look_up(cache, number, line, false, !(follows && is_for_jumps)) == kHit) continue;
    cache->misses.sequential += follows;
    cache->misses.jumped += !follows;
  }
}

static bool is_same(const struct misses* a, const struct misses* b) {
  return a->sequential == b->sequential && a->jumped == b->jumped && a->data == b->data &&
         a->dirty == b->dirty && a->burst == b->burst;
}

static uint32_t next_random(void) {
  static uint32_t random = 1;
  random = random * 1664525 + 1013904223;
  return random >> 8;
}

int main(void) {
  static struct plain plain[kCount];
  regions[region_count++] = (struct region){.low = kLow, .high = kLow + kBytes};
  for (int i = 0; i < kCount; ++i) {
    const uint64_t size = (uint64_t)kLine * kCaches[i].ways * kCaches[i].sets;
    if (!add_cache(kCaches[i].kind, kCaches[i].fills, size, kLine, kCaches[i].ways, 1)) return 1;
    plain[i].last = UINT64_MAX - 1;
  }
  static struct traffic* traffic;
  traffic = must_allocate(1, traffic_bytes());
  // Blocks one behind the other, some of several lines.
  static struct block {
    uint32_t pc, bytes;
    struct fetches fetches;
  } blocks[kBlocks];
  uint32_t pc = kLow;
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = (struct block){.pc = pc, .bytes = 2 + 2 * (next_random() % 40)};
    blocks[i].fetches = find_fetches(pc, blocks[i].bytes);
    pc += blocks[i].bytes;
  }
  uint32_t base = 0, block = 0, loop = 0, loop_blocks = 1;
  for (int n = 0; n < kSteps; ++n) {
    // Both stay near one place for a while, as programs do: now and then another loop of up to 60 blocks.
    if (next_random() % 64 == 0) base = next_random() & (kBytes - 4);
    if (next_random() % 256 == 0) {
      loop_blocks = 1 + next_random() % 60;
      loop = next_random() % (kBlocks - loop_blocks);
    }
    block =
        next_random() % 8 == 0 ? loop + next_random() % loop_blocks : loop + (block + 1 - loop) % loop_blocks;
    fetch_instructions(traffic, &blocks[block].fetches);
    for (int i = 0; i < kCount; ++i) {
      if (kCaches[i].kind != 'D')
        plain_fetch(&plain[i], i, blocks[block].pc / kLine,
                    (blocks[block].pc + blocks[block].bytes - 1) / kLine);
    }
    if (next_random() % 4 == 0) continue;
    uint32_t address = kLow + ((base + next_random() % 4096) & (kBytes - 1));
    bool is_write = next_random() % 4 == 0;
    if (next_random() % 8 == 0) {  // code that writes beside itself
      address = blocks[block].pc + blocks[block].bytes - 1;
      is_write = true;
    }
    access_region(traffic, watched_region(address), address, is_write);
    for (int i = 0; i < kCount; ++i) {
      if (kCaches[i].kind != 'I') plain_access(&plain[i], i, address / kLine, is_write);
    }
  }
  int failed = 0;
  for (int i = 0; i < kCount; ++i) {
    const struct misses* const counted = &traffic->misses[i][0];
    const bool is_right = is_same(counted, &plain[i].misses);
    const bool has_data = kCaches[i].kind != 'I', has_instructions = kCaches[i].kind != 'D';
    printf(
        "%c of %u ways, %u sets, fills on %s: %llu + %llu misses of instructions, %llu of data, %llu of "
        "dirty "
        "lines, %llu in a row%s\n",
        kCaches[i].kind, kCaches[i].ways, kCaches[i].sets, kCaches[i].fills,
        (unsigned long long)counted->sequential, (unsigned long long)counted->jumped,
        (unsigned long long)counted->data, (unsigned long long)counted->dirty,
        (unsigned long long)counted->burst, is_right ? "" : ": plain counting gives others");
    failed += !is_right || (has_data && (counted->dirty == 0 || counted->burst == 0)) ||
              (has_instructions && (counted->sequential == 0 || counted->jumped == 0));
  }
  return failed;
}
