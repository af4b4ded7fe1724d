#include "bench/memory_plan.h"

#include <algorithm>

namespace nb {
namespace {

constexpr std::int64_t kStackReserveBytes = 8192;
constexpr std::int64_t kLeastStackBytes = 2048;     ///< that a model needs
constexpr std::int64_t kStaticsReserveBytes = 512;  ///< .data and .bss, before they are linked

std::int64_t size_of(const Memory& memory) { return memory.size_bytes.value_or(0); }

std::int64_t aligned(std::int64_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

MemoryPlan plan_memories(const Board& board, std::int64_t arena_bytes) {
  MemoryPlan plan{program_memory(board), stack_memory(board), nullptr, 0};
  plan.stack_bytes = std::min(kStackReserveBytes, size_of(*plan.stack) / 4);
  for (const Memory* memory : arena_memories(board)) {
    const std::int64_t reserved = memory == plan.stack ? plan.stack_bytes + kStaticsReserveBytes : 0;
    if (arena_bytes <= size_of(*memory) - reserved) {
      plan.arena = memory;
      return plan;
    }
  }
  // Nothing has room beside the full reserve: try the smallest stack that a model needs.
  if (plan.stack->holds_arena &&
      size_of(*plan.stack) - kLeastStackBytes - kStaticsReserveBytes >= arena_bytes) {
    plan.stack_bytes = kLeastStackBytes;
    plan.arena = plan.stack;
  }
  return plan;
}

std::vector<Misfit> early_misfits(const Board& board, std::int64_t arena_bytes, std::int64_t weights_bytes) {
  std::vector<Misfit> found;
  const MemoryPlan plan = plan_memories(board, arena_bytes);
  if (plan.arena == nullptr) {
    Misfit misfit{plan.stack->name, "arena", arena_bytes, 0};
    for (const Memory* memory : arena_memories(board)) {
      const std::int64_t reserved = memory == plan.stack ? kLeastStackBytes + kStaticsReserveBytes : 0;
      const std::int64_t free = size_of(*memory) - reserved;
      if (free <= misfit.free_bytes) continue;
      misfit.free_bytes = free;
      misfit.memory = memory->name;
    }
    found.push_back(std::move(misfit));
  }
  if (weights_bytes > size_of(*plan.program))
    found.push_back({plan.program->name, "weights", weights_bytes, size_of(*plan.program)});
  return found;
}

std::vector<Misfit> misfits(const Board& board, const ProgramSizes& sizes) {
  std::vector<Misfit> found;
  const MemoryPlan plan = plan_memories(board, sizes.arena_bytes);
  if (sizes.flash_bytes > size_of(*plan.program))
    found.push_back({plan.program->name, "program", sizes.flash_bytes, size_of(*plan.program)});
  const bool is_shared = plan.arena == plan.stack;
  const std::int64_t below = aligned(aligned(plan.stack_bytes) + sizes.static_bytes);
  const std::int64_t taken = is_shared ? below + sizes.arena_bytes : below;
  if (taken > size_of(*plan.stack))
    found.push_back({plan.stack->name, is_shared ? "stack and arena" : "stack", taken, size_of(*plan.stack)});
  if (sizes.stack_bytes >= aligned(plan.stack_bytes))
    found.push_back({plan.stack->name, "stack", sizes.stack_bytes + 1, aligned(plan.stack_bytes)});
  return found;
}

}  // namespace nb
