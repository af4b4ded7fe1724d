// The memories and caches of a board, as the counting plugin sees them: addresses fall into regions, and
// caches of some of the regions hit or miss. Counts only: what a miss costs is not known here.
#pragma once
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMaxRegions = 8, kMaxCaches = 24, kMaxWays = 256 };

struct region {
  uint64_t low, high;  // [low, high)
  bool is_watched;     // its accesses to data matter: they wait, or a cache has them
};

/// A cache with least-recently-used replacement.
struct cache {
  bool is_for_instructions, is_for_data;
  bool fills_on_jump_only;       // sequential misses are served by a prefetcher and leave no line
  uint32_t regions;              // bit r: region r is cached
  uint32_t shifts[kMaxRegions];  // added to addresses of each region before they are looked up
  uint32_t line_shift, ways, sets;
  bool has_missed;     // the last access to data
  uint64_t last_line;  // of the access before; a repeated one changes nothing
  uint64_t* lines;     // sets x ways: line number + 1; 0: none
  uint64_t* used;      // sets x ways: when it was used last; 0: never
  bool* is_dirty;      // sets x ways
  uint64_t clock;      // of `used`
  uint64_t fills;      // lines brought in so far
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

/// Looks a line up and, if `fills`, brings it in. `used` takes where its last use stands, if it is there
/// then.
static enum lookup look_up(struct cache* cache, uint64_t line, bool is_write, bool fills, uint64_t** used) {
  const uint64_t first = (line % cache->sets) * cache->ways;
  uint64_t* const set = cache->lines + first;
  uint32_t way = 0;
  while (way < cache->ways && set[way] != line + 1) ++way;
  const bool is_hit = way < cache->ways;
  if (!is_hit && !fills) return kMiss;
  bool loses_dirty = false;
  if (!is_hit) {
    way = 0;
    for (uint32_t w = 1; w < cache->ways; ++w) {
      if (cache->used[first + w] < cache->used[first + way]) way = w;
    }
    loses_dirty = set[way] != 0 && cache->is_dirty[first + way];
    set[way] = line + 1;
    cache->is_dirty[first + way] = false;
    ++cache->fills;
  }
  cache->used[first + way] = ++cache->clock;
  *used = &cache->used[first + way];
  if (is_write) cache->is_dirty[first + way] = true;
  if (is_hit) return kHit;
  return loses_dirty ? kMissOfDirty : kMiss;
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
  const int region = region_of(address);
  if (region < 0 || !regions[region].is_watched) return;
  if (is_write) {
    ++traffic->writes[region];
  } else {
    ++traffic->reads[region];
  }
  for (uint32_t c = 0; c < cache_count; ++c) {
    struct cache* const cache = &caches[c];
    if (!cache->is_for_data || (cache->regions >> region & 1u) == 0) continue;
    const uint64_t line = (uint32_t)(address + cache->shifts[region]) >> cache->line_shift;
    if (line == cache->last_line && !is_write) {
      cache->has_missed = false;
      continue;
    }
    cache->last_line = line;
    uint64_t* used;
    const enum lookup found = look_up(cache, line, is_write, true, &used);
    const bool is_burst = cache->has_missed;
    cache->has_missed = found != kHit;
    if (found == kHit) continue;
    if (is_burst) ++traffic->misses[c][region].burst;
    ++traffic->misses[c][region].data;
    if (found == kMissOfDirty) ++traffic->misses[c][region].dirty;
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
  caches[cache_count++] = (struct cache){.is_for_instructions = kind != 'D',
                                         .is_for_data = kind != 'I',
                                         .fills_on_jump_only = strcmp(fills, "jump") == 0,
                                         .regions = of_regions,
                                         .line_shift = shift,
                                         .ways = (uint32_t)ways,
                                         .sets = (uint32_t)sets,
                                         .last_line = UINT64_MAX - 1,
                                         .lines = (uint64_t*)calloc(sets * ways, sizeof(uint64_t)),
                                         .used = (uint64_t*)calloc(sets * ways, sizeof(uint64_t)),
                                         .is_dirty = (bool*)calloc(sets * ways, sizeof(bool))};
  if (kind != 'D') has_instruction_caches = true;
  for (uint32_t r = 0; r < kMaxRegions && kind != 'I'; ++r) {
    if ((of_regions >> r & 1u) != 0) regions[r].is_watched = true;
  }
  return caches[cache_count - 1].lines != NULL && caches[cache_count - 1].used != NULL &&
         caches[cache_count - 1].is_dirty != NULL;
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
      if (good) regions[region_count++] = (struct region){low, high, strstr(line, "watched") != NULL};
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
