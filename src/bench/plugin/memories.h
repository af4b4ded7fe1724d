// The memories and caches of a board, as the counting plugin sees them: addresses fall into regions, and
// caches of some of the regions hit or miss. Counts only: what a miss costs is not known here.
#pragma once
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMaxRegions = 8, kMaxCaches = 24, kMaxWays = 256, kLeafBits = 9, kMaxPending = 128 };

/// A cache that has a region.
struct way_to_cache {
  struct cache* cache;
  uint32_t number;  // the cache's
  uint32_t shift;   // added to addresses before they are looked up
};

/// No line's number, nor the one before a line's.
static const uint64_t kNoLine = UINT64_MAX - 1;

struct region {
  uint64_t low, high;  // [low, high)
  uint32_t number;
  bool is_watched;  // its accesses to data matter: they wait, or a cache has them
  uint32_t data_cache_count, instruction_cache_count;
  struct way_to_cache data_caches[kMaxCaches], instruction_caches[kMaxCaches];
};

/// A line of memory in a cache's set, or one that could be.
struct line {
  struct line *newer, *older;  // while it is in: used next after it, before it; of the newest and the oldest:
                               // the set
  bool is_in, is_dirty;
};

struct fetch;

/// A cache with least-recently-used replacement. Its sets are rings in the order of the lines' last uses: no
/// lookup and no miss searches, whatever the number of ways. While blocks of instructions find all their
/// lines, their uses are only noted; the rings take them when their order matters.
struct cache {
  bool fills_on_jump_only;  // sequential misses are served by a prefetcher and leave no line
  uint32_t line_shift, set_count;
  bool has_missed;      // the last access to data
  uint64_t last_line;   // of the access before; a repeated one changes nothing
  uint64_t dirty_line;  // one that is in and dirty, or kNoLine
  struct line* sets;    // ends of their rings: `older` is the newest, `newer` the oldest
  struct line** lines;  // by number: leaves of 2^kLeafBits, made when one of them is asked for; they stay
  uint64_t clock;       // of fetch::used
  uint64_t epoch;       // begins when the rings take pending uses; a line comes only with none pending
  struct fetch* pending[kMaxPending];  // whose uses the rings do not know, in the order of their first ones
  uint32_t pending_count;
};

/// What a block of instructions fetches by a cache.
struct fetch {
  struct cache* cache;
  uint64_t epoch;        // of the cache, when all lines were in and the fetch became pending
  uint64_t used;         // the last time, while pending
  uint64_t first, last;  // numbers of its lines
  struct line** lines;   // in the order of their addresses
  uint32_t cache_number, region;
};

/// All that a block fetches by caches.
struct fetches {
  struct fetch* all;
  uint32_t count;
};

struct misses {
  uint64_t sequential, jumped;  // instructions: at the line that follows the one before, others
  uint64_t data, dirty;         // data: all, and dirty lines that had to go
  uint64_t burst;               // data: right after another miss
};

/// What the accesses of a block of instructions came to.
struct traffic {
  uint64_t reads[kMaxRegions], writes[kMaxRegions];
  struct misses misses[][kMaxRegions];  // one row a cache
};

static struct region regions[kMaxRegions];
static struct cache caches[kMaxCaches];
static uint32_t region_count, cache_count;
static uint64_t watched_low = UINT64_MAX, watched_high;  // all watched regions lie in [low, high)

static inline int region_of(uint64_t address) {
  for (uint32_t r = 0; r < region_count; ++r) {
    if (address >= regions[r].low && address < regions[r].high) return (int)r;
  }
  return -1;
}

static void* must_allocate(size_t count, size_t bytes) {
  void* const memory = calloc(count, bytes);
  if (memory == NULL) {
    fputs("nbcount: out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

static inline size_t traffic_bytes(void) {
  return sizeof(struct traffic) + cache_count * sizeof(struct misses[kMaxRegions]);
}

static inline struct line* line_at(struct cache* cache, uint64_t number) {
  struct line** const leaf = &cache->lines[number >> kLeafBits];
  if (*leaf == NULL) *leaf = (struct line*)must_allocate((size_t)1 << kLeafBits, sizeof **leaf);
  return &(*leaf)[number & ((1u << kLeafBits) - 1)];
}

static inline struct line* set_of(const struct cache* cache, uint64_t number) {
  const uint32_t sets = cache->set_count;
  return &cache->sets[(sets & (sets - 1)) == 0 ? (uint32_t)number & (sets - 1) : (uint32_t)number % sets];
}

static inline void leave_ring(struct line* line) {
  line->newer->older = line->older;
  line->older->newer = line->newer;
}

static inline void enter_ring(struct line* set, struct line* line) {
  line->newer = set;
  line->older = set->older;
  set->older->newer = line;
  set->older = line;
}

/// The line is in, and is used.
static inline void use(struct line* set, struct line* line) {
  if (set->older == line) return;
  leave_ring(line);
  enter_ring(set, line);
}

/// The line is brought in for the one whose last use is the longest ago: whether that was dirty.
static inline bool fill(struct cache* cache, struct line* set, struct line* line) {
  struct line* const oldest = set->newer;
  const bool was_dirty = oldest->is_dirty;
  if (was_dirty) cache->dirty_line = kNoLine;
  leave_ring(oldest);
  oldest->is_in = oldest->is_dirty = false;
  enter_ring(set, line);
  line->is_in = true;
  return was_dirty;
}

/// The rings take the uses that are pending.
static void settle(struct cache* cache) {
  struct fetch** const pending = cache->pending;
  ++cache->epoch;
  for (uint32_t i = 1; i < cache->pending_count; ++i) {  // into the order of their last uses
    struct fetch* const moved = pending[i];
    uint32_t at = i;
    for (; at > 0 && pending[at - 1]->used > moved->used; --at) pending[at] = pending[at - 1];
    pending[at] = moved;
  }
  for (uint32_t i = 0; i < cache->pending_count; ++i) {
    for (uint64_t here = pending[i]->first; here <= pending[i]->last; ++here)
      use(set_of(cache, here), pending[i]->lines[here - pending[i]->first]);
  }
  cache->pending_count = 0;
}

/// What the instructions of [pc, pc + bytes) are fetched by.
static struct fetches find_fetches(uint64_t pc, uint32_t bytes) {
  struct fetches fetches = {NULL, 0};
  const int number = region_of(pc);
  if (number < 0 || regions[number].instruction_cache_count == 0) return fetches;
  const struct region* const region = &regions[number];
  fetches.count = region->instruction_cache_count;
  fetches.all = (struct fetch*)must_allocate(fetches.count, sizeof *fetches.all);
  for (uint32_t i = 0; i < fetches.count; ++i) {
    struct fetch* const fetch = &fetches.all[i];
    const struct way_to_cache* const way = &region->instruction_caches[i];
    struct cache* const cache = way->cache;
    const uint64_t start = (uint32_t)(pc + way->shift);
    *fetch = (struct fetch){.cache = cache,
                            .epoch = UINT64_MAX,
                            .first = start >> cache->line_shift,
                            .last = (start + bytes - 1) >> cache->line_shift,
                            .cache_number = way->number,
                            .region = (uint32_t)number};
    const size_t lines = (size_t)(fetch->last - fetch->first + 1);
    fetch->lines = (struct line**)must_allocate(lines, sizeof *fetch->lines);
    for (size_t l = 0; l < lines; ++l) fetch->lines[l] = line_at(cache, fetch->first + l);
  }
  return fetches;
}

static bool has_all_lines(const struct fetch* fetch) {
  for (uint64_t l = 0; l <= fetch->last - fetch->first; ++l) {
    if (!fetch->lines[l]->is_in) return false;
  }
  return true;
}

/// The first fetch of an epoch, or one with misses.
static void fetch_lines(struct traffic* traffic, struct fetch* fetch) {
  struct cache* const cache = fetch->cache;
  if (has_all_lines(fetch)) {
    if (cache->pending_count == kMaxPending) settle(cache);
    cache->pending[cache->pending_count++] = fetch;
    fetch->epoch = cache->epoch;
    fetch->used = ++cache->clock;
    cache->last_line = fetch->last;
    return;
  }
  if (cache->pending_count != 0) settle(cache);
  for (uint64_t here = fetch->first; here <= fetch->last; ++here) {
    if (here == cache->last_line) continue;  // not looked up: it need not be there
    const bool follows = here == cache->last_line + 1;
    cache->last_line = here;
    struct line* const line = fetch->lines[here - fetch->first];
    if (line->is_in) {
      use(set_of(cache, here), line);
      continue;
    }
    if (!follows || !cache->fills_on_jump_only) {
      fill(cache, set_of(cache, here), line);
    }
    if (follows) {
      ++traffic->misses[fetch->cache_number][fetch->region].sequential;
    } else {
      ++traffic->misses[fetch->cache_number][fetch->region].jumped;
    }
  }
}

/// The instructions of a block are fetched.
static inline void fetch_instructions(struct traffic* traffic, const struct fetches* fetches) {
  for (uint32_t i = 0; i < fetches->count; ++i) {
    struct fetch* const fetch = &fetches->all[i];
    struct cache* const cache = fetch->cache;
    if (fetch->epoch != cache->epoch) {
      fetch_lines(traffic, fetch);
      continue;
    }
    fetch->used = ++cache->clock;
    cache->last_line = fetch->last;
  }
}

/// False: watched_region is null.
static inline bool may_be_watched(uint64_t address) {
  return address >= watched_low && address < watched_high;
}

/// An access to data that may change the cache. A function of its own: the others are many, and need no
/// registers saved.
static __attribute__((noinline)) void access_line(struct traffic* traffic, const struct way_to_cache* way,
                                                  uint64_t here, uint32_t region, bool is_write) {
  struct cache* const cache = way->cache;
  cache->last_line = here;
  if (cache->pending_count != 0) settle(cache);
  struct line* const set = set_of(cache, here);
  struct line* const line = line_at(cache, here);
  const bool had_missed = cache->has_missed;
  cache->has_missed = !line->is_in;
  if (line->is_in) {
    use(set, line);
  } else {
    struct misses* const misses = &traffic->misses[way->number][region];
    ++misses->data;
    if (fill(cache, set, line)) ++misses->dirty;
    if (had_missed) ++misses->burst;
  }
  if (is_write) {
    line->is_dirty = true;
    cache->dirty_line = here;
  }
}

/// Data of a watched region are read or written.
static inline void access_region(struct traffic* traffic, const struct region* region, uint64_t address,
                                 bool is_write) {
  ++(is_write ? traffic->writes : traffic->reads)[region->number];
  const struct way_to_cache* const end = region->data_caches + region->data_cache_count;
  for (const struct way_to_cache* way = region->data_caches; way < end; ++way) {
    struct cache* const cache = way->cache;
    const uint64_t here = (uint32_t)(address + way->shift) >> cache->line_shift;
    if (here == cache->last_line && (!is_write || here == cache->dirty_line)) {
      cache->has_missed = false;
    } else {
      access_line(traffic, way, here, region->number, is_write);
    }
  }
}

/// Whether all caches of the region have both addresses in one line.
static bool share_lines(const struct region* region, uint64_t a, uint64_t b) {
  for (uint32_t i = 0; i < region->data_cache_count; ++i) {
    const struct way_to_cache* const way = &region->data_caches[i];
    const uint32_t shift = way->cache->line_shift;
    if ((uint32_t)(a + way->shift) >> shift != (uint32_t)(b + way->shift) >> shift) return false;
  }
  return true;
}

/// The line that was just read is read again, so many times.
static inline void read_again(struct traffic* traffic, const struct region* region, uint32_t times) {
  if (times == 0) return;
  traffic->reads[region->number] += times;
  for (uint32_t i = 0; i < region->data_cache_count; ++i) region->data_caches[i].cache->has_missed = false;
}

/// The region where the address lies, if accesses to its data matter; else null.
static inline const struct region* watched_region(uint64_t address) {
  const int number = region_of(address);
  return number >= 0 && regions[number].is_watched ? &regions[number] : NULL;
}

/// A region whose accesses to data matter.
static void watch(struct region* region) {
  region->is_watched = true;
  if (region->low < watched_low) watched_low = region->low;
  if (region->high > watched_high) watched_high = region->high;
}

static inline void watch_nothing(void) {
  watched_low = UINT64_MAX;
  watched_high = 0;
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
  struct cache* const cache = &caches[cache_count];
  *cache = (struct cache){.fills_on_jump_only = strcmp(fills, "jump") == 0,
                          .line_shift = shift,
                          .set_count = (uint32_t)sets,
                          .last_line = kNoLine,
                          .dirty_line = kNoLine,
                          .sets = (struct line*)must_allocate(sets * (1 + ways), sizeof(struct line)),
                          // Addresses have 32 bits.
                          .lines = (struct line**)must_allocate(
                              ((UINT64_C(1) << 32) >> shift >> kLeafBits) + 1, sizeof(struct line*))};
  struct line* nothing = cache->sets + sets;  // lines of nothing, the first to go
  for (struct line* set = cache->sets; set < cache->sets + sets; ++set) {
    set->newer = set->older = set;
    for (uint64_t way = 0; way < ways; ++way) enter_ring(set, nothing++);
  }
  for (uint32_t r = 0; r < kMaxRegions; ++r) {
    if ((of_regions >> r & 1u) == 0) continue;
    struct region* const region = &regions[r];
    const struct way_to_cache way = {.cache = cache, .number = cache_count};
    if (kind != 'D') region->instruction_caches[region->instruction_cache_count++] = way;
    if (kind == 'I') continue;
    watch(region);
    region->data_caches[region->data_cache_count++] = way;
  }
  ++cache_count;
  return true;
}

/// Of the cache that was added last, and the region.
static void shift_cache(uint32_t number, uint32_t shift) {
  struct region* const region = &regions[number];
  for (uint32_t i = 0; i < kMaxCaches; ++i) {
    if (region->data_caches[i].cache == &caches[cache_count - 1]) region->data_caches[i].shift = shift;
    if (region->instruction_caches[i].cache == &caches[cache_count - 1])
      region->instruction_caches[i].shift = shift;
  }
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
      if (good) {
        regions[region_count] = (struct region){.low = low, .high = high, .number = region_count};
        if (strstr(line, "watched") != NULL) watch(&regions[region_count]);
        ++region_count;
      }
    } else if (sscanf(line, "cache %c %7s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx32, &kind, fills, &size,
                      &line_bytes, &ways, &of_regions) == 6) {
      good = add_cache(kind, fills, size, line_bytes, ways, of_regions);
    } else if (sscanf(line, "shift %" SCNx32 " %" SCNx32, &of_regions, &shift) == 2) {
      good = cache_count > 0 && of_regions < kMaxRegions;
      if (good) shift_cache(of_regions, shift);
    } else {
      good = line[0] == '\n';
    }
  }
  fclose(file);
  return good;
}
