// The plugin's simulated caches against the plainest ones: lists of lines in the order of their last uses.
#include <stdio.h>

#include "bench/plugin/memories.h"

enum { kLow = 0x20000000, kBytes = 1 << 16, kAccesses = 200000, kMostLines = 4096 };

struct plain {
  uint64_t lines[kMostLines];  // sets x ways: line + 1; 0: none
  bool dirty[kMostLines];
};

/// Whether it misses, and whether a dirty line goes.
static enum lookup plain_access(struct plain* cache, uint64_t line, bool is_write, uint32_t ways,
                                uint32_t sets) {
  uint64_t* const set = cache->lines + (line % sets) * ways;
  bool* const dirty = cache->dirty + (line % sets) * ways;
  uint32_t way = 0;
  while (way < ways - 1 && set[way] != line + 1) ++way;
  const bool is_hit = set[way] == line + 1;
  const bool was_dirty = dirty[way];
  for (; way > 0; --way) set[way] = set[way - 1], dirty[way] = dirty[way - 1];
  set[0] = line + 1;
  dirty[0] = is_write || (is_hit && was_dirty);
  if (is_hit) return kHit;
  return was_dirty ? kMissOfDirty : kMiss;
}

int main(void) {
  // One of few ways is kept in order, the others are found by chains; 3 sets are no power of two.
  static const struct {
    char kind;
    uint32_t ways, sets;
  } kCaches[] = {{'D', 1, 64}, {'D', 4, 16}, {'D', 8, 1}, {'D', 16, 3},
                 {'D', 64, 1}, {'U', 2, 32}, {'U', 32, 3}};
  enum { kCount = sizeof kCaches / sizeof kCaches[0], kLine = 32 };
  static struct plain plain[kCount];
  static struct traffic traffic;
  uint64_t misses[kCount] = {0}, dirty[kCount] = {0};
  regions[region_count++] = (struct region){.low = kLow, .high = kLow + kBytes};
  for (int i = 0; i < kCount; ++i) {
    const uint64_t size = (uint64_t)kLine * kCaches[i].ways * kCaches[i].sets;
    if (!add_cache(kCaches[i].kind, "miss", size, kLine, kCaches[i].ways, 1)) return 1;
  }
  uint32_t random = 1, base = 0;
  for (int n = 0; n < kAccesses; ++n) {
    random = random * 1664525 + 1013904223;
    // Stays near one place for a while, as programs do.
    if (random >> 26 == 0) base = random >> 8 & (kBytes - 4);
    const uint32_t address = kLow + ((base + (random >> 16 & 0xfff)) & (kBytes - 1));
    const bool is_write = (random >> 12 & 3) == 0;
    access_data(&traffic, address, is_write);
    for (int i = 0; i < kCount; ++i) {
      const enum lookup found =
          plain_access(&plain[i], address / kLine, is_write, kCaches[i].ways, kCaches[i].sets);
      misses[i] += found != kHit;
      dirty[i] += found == kMissOfDirty;
    }
  }
  int failed = 0;
  for (int i = 0; i < kCount; ++i) {
    const bool is_same = traffic.misses[i][0].data == misses[i] && traffic.misses[i][0].dirty == dirty[i];
    printf("%c of %u ways, %u sets: %llu misses, %llu of dirty lines%s\n", kCaches[i].kind, kCaches[i].ways,
           kCaches[i].sets, (unsigned long long)misses[i], (unsigned long long)dirty[i],
           is_same ? "" : ": the plugin counts others");
    failed += !is_same || misses[i] == 0 || dirty[i] == 0 || misses[i] == kAccesses;
  }
  return failed;
}
