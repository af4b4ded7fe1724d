// The memories and caches of a board, as the counting plugin sees them: addresses fall into regions, and
// caches of some of the regions hit or miss. Counts only: what a miss costs is not known here.
#pragma once
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMaxRegions = 8, kMaxCaches = 24, kMaxWays = 256, kMaxOrderedWays = 16 };

struct region {
  uint64_t low, high;  // [low, high)
  bool is_watched;     // its accesses to data matter: they wait, or a cache has them
  uint32_t data_caches[kMaxCaches], data_cache_count;  // that have it
};

/// A cache with least-recently-used replacement. One of data alone and of few ways keeps each set in the
/// order of its last uses, which a miss needs no search for; the others find lines by chains, and when they
/// were used.
struct cache {
  bool is_for_instructions, is_for_data;
  bool is_ordered;
  bool fills_on_jump_only;       // sequential misses are served by a prefetcher and leave no line
  uint32_t regions;              // bit r: region r is cached
  uint32_t shifts[kMaxRegions];  // added to addresses of each region before they are looked up
  uint32_t line_shift, ways, sets;
  uint32_t chain_shift;  // of chain_of
  bool has_missed;       // the last access to data
  uint64_t last_line;    // of the access before; a repeated one changes nothing
  uint64_t* lines;       // sets x ways: line number + 1; 0: none. Ordered: twice that, and 1 if it is dirty
  uint64_t* used;        // sets x ways: when it was used last; 0: never
  bool* is_dirty;        // sets x ways
  uint32_t* chains;      // 2^(32 - chain_shift): first of the ways whose lines fall there, + 1; 0: none
  uint32_t* next;        // sets x ways: the next of the chain, + 1
  uint64_t clock;        // of `used`
  uint64_t fills;        // lines brought in so far
};

/// Where a block's lines lie in a cache that had them all. As long as nothing is brought in they stay there.
struct resident {
  uint64_t fills;   // of the cache, then
  uint32_t count;   // of lines; 0: not known
  uint64_t** used;  // their Cache::used, in the order of their addresses
};

/// What the accesses of a block of instructions came to.
struct traffic {
  uint64_t reads[kMaxRegions], writes[kMaxRegions];
  struct {
    uint64_t sequential, jumped;  // instructions: at the line that follows the one before, others
    uint64_t data, dirty;         // data: all, and dirty lines that had to go
    uint64_t burst;               // data: right after another miss
  } misses[kMaxCaches][kMaxRegions];
};

static struct region regions[kMaxRegions];
static struct cache caches[kMaxCaches];
static uint32_t region_count, cache_count;
static bool has_instruction_caches;

static inline int region_of(uint64_t address) {
  for (uint32_t r = 0; r < region_count; ++r) {
    if (address >= regions[r].low && address < regions[r].high) return (int)r;
  }
  return -1;
}

enum lookup { kHit, kMiss, kMissOfDirty };

/// The chain that a line is in, wherever it lies: associative caches of 64 ways are looked up as fast as
/// others. The factor spreads neighbours (Knuth, The Art of Computer Programming, 6.4).
static inline uint32_t* chain_of(const struct cache* cache, uint64_t line) {
  return &cache->chains[((uint32_t)line * UINT32_C(2654435769)) >> cache->chain_shift];
}

/// Takes the line out of its chain; it is in one.
static void forget_line(struct cache* cache, uint32_t way) {
  uint32_t* at = chain_of(cache, cache->lines[way] - 1);
  while (*at != way + 1) at = &cache->next[*at - 1];
  *at = cache->next[way];
}

static inline uint32_t set_of(const struct cache* cache, uint64_t line) {
  const uint32_t sets = cache->sets;
  return (sets & (sets - 1)) == 0 ? (uint32_t)line & (sets - 1) : (uint32_t)line % sets;
}

/// Looks a line up and, if `fills`, brings it in. `used` takes where its last use stands, if it is there
/// then.
static enum lookup look_up(struct cache* cache, uint64_t line, bool is_write, bool fills, uint64_t** used) {
  uint32_t* const chain = chain_of(cache, line);
  uint32_t at = *chain;
  while (at != 0 && cache->lines[at - 1] != line + 1) at = cache->next[at - 1];
  const bool is_hit = at != 0;
  if (!is_hit && !fills) return kMiss;
  uint32_t way = at - 1;
  bool loses_dirty = false;
  if (!is_hit) {
    const uint32_t first = set_of(cache, line) * cache->ways;
    way = first;
    for (uint32_t w = first + 1; w < first + cache->ways; ++w) {
      if (cache->used[w] < cache->used[way]) way = w;
    }
    if (cache->lines[way] != 0) {
      loses_dirty = cache->is_dirty[way];
      forget_line(cache, way);
    }
    cache->lines[way] = line + 1;
    cache->next[way] = *chain;
    *chain = way + 1;
    cache->is_dirty[way] = false;
    ++cache->fills;
  }
  cache->used[way] = ++cache->clock;
  *used = &cache->used[way];
  if (is_write) cache->is_dirty[way] = true;
  if (is_hit) return kHit;
  return loses_dirty ? kMissOfDirty : kMiss;
}

/// As look_up with `fills`, of an ordered cache.
static enum lookup look_up_ordered(struct cache* cache, uint64_t line, bool is_write) {
  uint64_t* const set = cache->lines + (size_t)set_of(cache, line) * cache->ways;
  uint64_t carried = (line + 1) << 1 | is_write;
  for (uint32_t way = 0; way < cache->ways; ++way) {
    const uint64_t here = set[way];
    set[way] = carried;
    if (here >> 1 == line + 1) {
      set[0] |= here & 1;
      return kHit;
    }
    carried = here;
  }
  return (carried & 1) != 0 ? kMissOfDirty : kMiss;
}

/// The instructions of [pc, pc + bytes) are fetched. `resident`: the block's, one a cache, with room for all
/// its lines.
static void fetch_instructions(struct traffic* traffic, uint64_t pc, uint32_t bytes,
                               struct resident* resident) {
  const int region = region_of(pc);
  if (region < 0) return;
  for (uint32_t c = 0; c < cache_count; ++c) {
    struct cache* const cache = &caches[c];
    if (!cache->is_for_instructions || (cache->regions >> region & 1u) == 0) continue;
    const uint64_t start = (uint32_t)(pc + cache->shifts[region]);
    const uint64_t end = (start + bytes - 1) >> cache->line_shift;
    struct resident* const known = &resident[c];
    if (known->count != 0 && known->fills == cache->fills) {
      for (uint32_t i = 0; i < known->count; ++i) *known->used[i] = ++cache->clock;
      cache->last_line = end;
      continue;
    }
    uint32_t count = 0;
    bool is_hit = true;
    for (uint64_t line = start >> cache->line_shift; line <= end; ++line) {
      if (line == cache->last_line) {
        is_hit = false;  // not looked up: it need not be there
        continue;
      }
      const bool follows = line == cache->last_line + 1;
      cache->last_line = line;
      if (look_up(cache, line, false, !(follows && cache->fills_on_jump_only), &known->used[count]) == kHit) {
        ++count;
        continue;
      }
      is_hit = false;
      if (follows) {
        ++traffic->misses[c][region].sequential;
      } else {
        ++traffic->misses[c][region].jumped;
      }
    }
    known->count = is_hit ? count : 0;
    known->fills = cache->fills;
  }
}

static void access_data(struct traffic* traffic, uint64_t address, bool is_write) {
  const int number = region_of(address);
  if (number < 0) return;
  const struct region* const region = &regions[number];
  if (!region->is_watched) return;
  if (is_write) {
    ++traffic->writes[number];
  } else {
    ++traffic->reads[number];
  }
  for (uint32_t i = 0; i < region->data_cache_count; ++i) {
    const uint32_t c = region->data_caches[i];
    struct cache* const cache = &caches[c];
    const uint64_t line = (uint32_t)(address + cache->shifts[number]) >> cache->line_shift;
    if (line == cache->last_line && !is_write) {
      cache->has_missed = false;
      continue;
    }
    cache->last_line = line;
    uint64_t* used;
    const enum lookup found = cache->is_ordered ? look_up_ordered(cache, line, is_write)
                                                : look_up(cache, line, is_write, true, &used);
    const bool is_burst = cache->has_missed;
    cache->has_missed = found != kHit;
    if (found == kHit) continue;
    if (is_burst) ++traffic->misses[c][number].burst;
    ++traffic->misses[c][number].data;
    if (found == kMissOfDirty) ++traffic->misses[c][number].dirty;
  }
}

static bool add_cache(char kind, const char* fills, uint64_t size, uint64_t line, uint64_t ways,
                      uint32_t of_regions) {
  uint32_t shift = 0;
  while (shift < 16 && (UINT64_C(1) << shift) < line) ++shift;
  if (cache_count == kMaxCaches || (UINT64_C(1) << shift) != line || ways == 0 || ways > kMaxWays ||
      size % (line * ways) != 0 || size == 0) {
    return false;
  }
  const uint64_t sets = size / (line * ways);
  uint32_t chain_bits = 4;
  while (chain_bits < 24 && (UINT64_C(1) << chain_bits) < 4 * sets * ways) ++chain_bits;
  caches[cache_count++] =
      (struct cache){.is_for_instructions = kind != 'D',
                     .is_for_data = kind != 'I',
                     .is_ordered = kind == 'D' && ways <= kMaxOrderedWays,
                     .fills_on_jump_only = strcmp(fills, "jump") == 0,
                     .regions = of_regions,
                     .line_shift = shift,
                     .ways = (uint32_t)ways,
                     .sets = (uint32_t)sets,
                     .chain_shift = 32 - chain_bits,
                     .last_line = UINT64_MAX - 1,
                     .lines = (uint64_t*)calloc(sets * ways, sizeof(uint64_t)),
                     .used = (uint64_t*)calloc(sets * ways, sizeof(uint64_t)),
                     .is_dirty = (bool*)calloc(sets * ways, sizeof(bool)),
                     .chains = (uint32_t*)calloc((size_t)1 << chain_bits, sizeof(uint32_t)),
                     .next = (uint32_t*)calloc(sets * ways, sizeof(uint32_t))};
  if (kind != 'D') has_instruction_caches = true;
  for (uint32_t r = 0; r < kMaxRegions && kind != 'I'; ++r) {
    if ((of_regions >> r & 1u) == 0) continue;
    regions[r].is_watched = true;
    regions[r].data_caches[regions[r].data_cache_count++] = cache_count - 1;
  }
  return caches[cache_count - 1].lines != NULL && caches[cache_count - 1].used != NULL &&
         caches[cache_count - 1].is_dirty != NULL && caches[cache_count - 1].chains != NULL &&
         caches[cache_count - 1].next != NULL;
}

/// Reads what follows from a file, a line each:
///   region LOW HIGH [watched]            hexadecimal; the next number from 0 on; before all caches
///   cache I|D|U miss|jump SIZE LINE WAYS REGIONS   bytes, bytes, decimal; a hexadecimal mask of regions
///   shift REGION BYTES   hexadecimal, modulo 2^32: of the cache before
static bool read_memories(const char* path) {
  FILE* const file = fopen(path, "r");
  if (file == NULL) return false;
  char line[128];
  bool good = true;
  while (good && fgets(line, sizeof line, file) != NULL) {
    uint64_t low, high, size, line_bytes, ways;
    uint32_t of_regions, shift;
    char kind, fills[8];
    if (sscanf(line, "region %" SCNx64 " %" SCNx64, &low, &high) == 2) {
      good = region_count < kMaxRegions && low < high;
      if (good)
        regions[region_count++] =
            (struct region){.low = low, .high = high, .is_watched = strstr(line, "watched") != NULL};
    } else if (sscanf(line, "cache %c %7s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx32, &kind, fills, &size,
                      &line_bytes, &ways, &of_regions) == 6) {
      good = add_cache(kind, fills, size, line_bytes, ways, of_regions);
    } else if (sscanf(line, "shift %" SCNx32 " %" SCNx32, &of_regions, &shift) == 2) {
      good = cache_count > 0 && of_regions < kMaxRegions;
      if (good) caches[cache_count - 1].shifts[of_regions] = shift;
    } else {
      good = line[0] == '\n';
    }
  }
  fclose(file);
  return good;
}
