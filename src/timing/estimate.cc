#include "timing/estimate.h"

#include <algorithm>

#include "base/text.h"

namespace nb {

std::uint32_t Timer::placed_on(const MemorySystem& memories) const {
  const auto found = std::find_if(placed_.begin(), placed_.end(), [&](const Placed& placed) {
    return placed.memory_numbers == memories.memory_numbers();
  });
  if (found != placed_.end()) return static_cast<std::uint32_t>(found - placed_.begin());
  Placed placed{memories.memory_numbers(), {}};
  for (std::size_t number = 0; number < profile_.blocks.size(); ++number) {
    const auto insns = code_.block(number);
    auto& block = placed.blocks.emplace_back(insns.begin(), insns.end());
    const std::vector<std::uint32_t>& regions = profile_.blocks[number].regions;
    for (std::size_t i = 0; i < block.size() && i < regions.size(); ++i)
      // A literal lies beside the code.
      block[i].memory =
          block[i].is_pc_relative ? memories.memory_at(block[i].address) : memories.memory_of(regions[i]);
  }
  placed_.push_back(std::move(placed));
  return static_cast<std::uint32_t>(placed_.size() - 1);
}

int Timer::edge_cycles(const ProfileEdge& edge, const FetchLine& line, std::uint32_t placed) const {
  const auto [found, is_new] = edge_cycles_.try_emplace(
      {edge.from, edge.to, line.size_bytes * 256 + static_cast<std::uint32_t>(line.cycles), placed}, 0);
  if (!is_new) return found->second;
  const ProfileBlock& to = profile_.blocks[edge.to];
  const std::vector<Instruction>& first = placed_[placed].blocks[edge.from];
  const std::vector<Instruction>& second = placed_[placed].blocks[edge.to];
  if (second.empty()) {
    found->second = static_cast<int>(to.instructions);
  } else if (first.empty()) {
    PipelineState state;
    for (const Instruction& insn : second) issue(core_, insn, state);
    found->second = state.cycle;
  } else {
    found->second = cycles_after(core_, first, second, line);
  }
  return found->second;
}

int Timer::rest_cycles(std::uint32_t number, std::uint32_t done) const {
  const auto insns = code_.block(number);
  if (insns.empty()) return static_cast<int>(profile_.blocks[number].instructions - done);
  PipelineState state;
  int before = 0;
  for (std::size_t i = 0; i < insns.size(); ++i) {
    if (i == done) before = state.cycle;
    issue(core_, insns[i], state);
  }
  return state.cycle - before;
}

std::vector<Timing> Timer::pipeline(std::size_t interval, const MemorySystem& memories,
                                    const FetchLine& line) const {
  const std::uint32_t placed = placed_on(memories);
  std::vector<Timing> blocks(profile_.blocks.size());
  struct Ways {
    std::uint64_t taken = 0, not_taken = 0;
  };
  std::map<std::uint32_t, Ways> branches;
  for (const ProfileEdge& edge : profile_.intervals[interval].edges) {
    const ProfileBlock &from = profile_.blocks[edge.from], &to = profile_.blocks[edge.to];
    blocks[edge.to].instructions += static_cast<std::int64_t>(edge.count * to.instructions);
    blocks[edge.to].pipeline_cycles += static_cast<double>(edge.count) * edge_cycles(edge, line, placed);
    Ways& ways = branches[edge.from];
    (to.address == from.address + from.size_bytes ? ways.not_taken : ways.taken) += edge.count;
  }
  const auto add_rest = [&](const ProfileInterval& end, int sign) {
    const ProfileBlock& block = profile_.blocks[end.mark_block];
    Timing& timing = blocks[end.mark_block];
    timing.instructions += sign * static_cast<std::int64_t>(block.instructions - end.mark_done);
    timing.pipeline_cycles += sign * rest_cycles(end.mark_block, end.mark_done);
  };
  add_rest(profile_.intervals[interval], -1);
  if (interval > 0) add_rest(profile_.intervals[interval - 1], 1);
  for (const auto& [number, ways] : branches) {
    const auto insns = code_.block(number);
    if (insns.empty() || insns.back().operation != Opcode::branch_conditional) continue;
    blocks[number].pipeline_cycles +=
        core_.mispredicted_cycles(insns.back()) * static_cast<double>(std::min(ways.taken, ways.not_taken));
  }
  return blocks;
}

std::vector<Timing> Timer::timing(std::size_t interval, const MemorySystem& memories) const {
  std::vector<Timing> blocks = pipeline(interval, memories, {});
  if (memories.fetch_line().size_bytes > 0) {
    const std::vector<Timing> fetching = pipeline(interval, memories, memories.fetch_line());
    for (std::size_t i = 0; i < blocks.size(); ++i)
      blocks[i].stall_cycles = fetching[i].pipeline_cycles - blocks[i].pipeline_cycles;
  }
  std::vector<double> busy(blocks.size());  // cycles but those of misses
  for (std::size_t i = 0; i < blocks.size(); ++i) busy[i] = blocks[i].cycles();
  const ProfileInterval& what = profile_.intervals[interval];
  std::vector<double> reads(blocks.size());
  for (const ProfileAccesses& accesses : what.accesses) {
    reads[accesses.block] += static_cast<double>(accesses.reads + accesses.writes);
    blocks[accesses.block].stall_cycles += memories.access_cycles(accesses);
  }
  for (const ProfileMisses& misses : what.misses) {
    const ProfileBlock& block = profile_.blocks[misses.block];
    Timing& timed = blocks[misses.block];
    const double runs = static_cast<double>(timed.instructions) / block.instructions;
    const MemorySystem::Pace pace{
        .cycles_per_byte = busy[misses.block] / std::max(1.0, runs * block.size_bytes),
        .cycles_per_read = busy[misses.block] / std::max(1.0, reads[misses.block])};
    timed.stall_cycles += memories.miss_cycles(misses, pace);
  }
  return blocks;
}

std::int64_t Timer::unread_instructions(std::size_t interval) const {
  std::int64_t unread = 0;
  for (const ProfileEdge& edge : profile_.intervals[interval].edges) {
    const ProfileBlock& to = profile_.blocks[edge.to];
    if (code_.block(edge.to).empty()) unread += static_cast<std::int64_t>(edge.count * to.instructions);
  }
  return unread;
}

std::vector<std::string> Timer::doubts(std::int64_t unread) const {
  std::vector<std::string> sentences;
  if (unread > 0)
    sentences.push_back(grouped(unread) + " instructions could not be read: one cycle each taken");
  if (!code_.unknown().empty())
    sentences.push_back("no rule knows " + join(code_.unknown(), ", ") + ": taken as slow");
  return sentences;
}

}  // namespace nb
