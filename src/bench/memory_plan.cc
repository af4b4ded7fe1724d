#include "bench/memory_plan.h"

#include <algorithm>

namespace nb {
namespace {

constexpr std::int64_t kStackReserveBytes = 8192;
constexpr std::int64_t kLeastStackBytes = 2048;     ///< that a model needs
constexpr std::int64_t kStaticsReserveBytes = 512;  ///< .data and .bss, before they are linked

std::int64_t size_of(const Memory& memory) { return memory.size_bytes.value_or(0); }

/// Memories that the arena may lie in: the one that is asked for, else those of the board.
std::vector<const Memory*> candidates_of(const Board& board) {
  const Memory* asked = board.placement.arena.empty() ? nullptr : find_memory(board, board.placement.arena);
  return asked == nullptr ? arena_memories(board) : std::vector<const Memory*>{asked};
}

/// Of the program's memory, without what is kept for other firmware.
std::int64_t program_room(const Board& board, const Memory& program) {
  return size_of(program) - board.placement.reserved_flash_bytes;
}

bool is_inside(const Memory& memory) {
  return memory.kind == MemoryKind::ram || memory.kind == MemoryKind::tcm;
}

/// RAM inside the part, together.
std::int64_t inner_ram_bytes(const Board& board) {
  std::int64_t sum = 0;
  for (const Memory& memory : board.memories)
    if (is_inside(memory) && (memory.holds_arena || memory.holds_stack)) sum += size_of(memory);
  return sum;
}

/// Adds a misfit if less RAM is left inside the part than is kept for other firmware.
void check_reserve(const Board& board, const MemoryPlan& plan, std::int64_t arena_bytes,
                   std::int64_t other_bytes, std::vector<Misfit>& found) {
  const std::int64_t reserved = board.placement.reserved_ram_bytes;
  if (reserved == 0) return;
  const bool is_arena_inside = plan.arena != nullptr && is_inside(*plan.arena);
  const std::int64_t taken = other_bytes + (is_arena_inside ? arena_bytes : 0);
  const std::int64_t free = std::max<std::int64_t>(0, inner_ram_bytes(board) - taken);
  if (free < reserved) found.push_back({"all RAM", "reserve", reserved, free});
}

std::int64_t aligned(std::int64_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

MemoryPlan plan_memories(const Board& board, std::int64_t arena_bytes) {
  MemoryPlan plan{.program = program_memory(board), .stack = stack_memory(board)};
  plan.stack_bytes = std::min(kStackReserveBytes, size_of(*plan.stack) / 4);
  if (!board.placement.weights.empty()) plan.weights = find_memory(board, board.placement.weights);
  for (const Memory* memory : candidates_of(board)) {
    const std::int64_t reserved = memory == plan.stack ? plan.stack_bytes + kStaticsReserveBytes : 0;
    if (arena_bytes <= size_of(*memory) - reserved) {
      plan.arena = memory;
      return plan;
    }
  }
  // Nothing has room beside the full reserve: try the smallest stack that a model needs.
  const bool is_elsewhere = !board.placement.arena.empty() && board.placement.arena != plan.stack->name;
  if (plan.stack->holds_arena && !is_elsewhere &&
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
    for (const Memory* memory : candidates_of(board)) {
      const std::int64_t reserved = memory == plan.stack ? kLeastStackBytes + kStaticsReserveBytes : 0;
      const std::int64_t free = size_of(*memory) - reserved;
      if (free <= misfit.free_bytes) continue;
      misfit.free_bytes = free;
      misfit.memory = memory->name;
    }
    found.push_back(std::move(misfit));
  }
  // With weights of some layers elsewhere, what is left is known when they are emitted.
  const bool are_all_far = plan.weights != nullptr && board.placement.far_layers.empty();
  const Memory& memory = are_all_far ? *plan.weights : *plan.program;
  const std::int64_t room = are_all_far ? size_of(memory) : program_room(board, memory);
  if ((plan.weights == nullptr || are_all_far) && weights_bytes > room)
    found.push_back({memory.name, "weights", weights_bytes, std::max<std::int64_t>(0, room)});
  check_reserve(board, plan, arena_bytes, kLeastStackBytes + kStaticsReserveBytes, found);
  return found;
}

std::vector<Misfit> misfits(const Board& board, const ProgramSizes& sizes) {
  std::vector<Misfit> found;
  const MemoryPlan plan = plan_memories(board, sizes.arena_bytes);
  const std::int64_t room = program_room(board, *plan.program);
  if (sizes.flash_bytes > room)
    found.push_back({plan.program->name, "program", sizes.flash_bytes, std::max<std::int64_t>(0, room)});
  if (plan.weights != nullptr && sizes.far_bytes > size_of(*plan.weights))
    found.push_back({plan.weights->name, "weights", sizes.far_bytes, size_of(*plan.weights)});
  const bool is_shared = plan.arena == plan.stack;
  const std::int64_t below = aligned(aligned(plan.stack_bytes) + sizes.static_bytes);
  const std::int64_t taken = is_shared ? below + sizes.arena_bytes : below;
  if (taken > size_of(*plan.stack))
    found.push_back({plan.stack->name, is_shared ? "stack and arena" : "stack", taken, size_of(*plan.stack)});
  if (sizes.stack_bytes >= aligned(plan.stack_bytes))
    found.push_back({plan.stack->name, "stack", sizes.stack_bytes + 1, aligned(plan.stack_bytes)});
  check_reserve(board, plan, sizes.arena_bytes, below, found);
  return found;
}

}  // namespace nb
