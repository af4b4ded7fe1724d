#include "timing/pipeline.h"

#include <algorithm>
#include <bit>

namespace nb {
namespace {

/// The first cycle in which all of `registers` are there for an operand at `at`.
int ready_for(const PipelineState& state, Registers registers, int at) {
  int ready = 0;
  for (; registers != 0; registers &= registers - 1)
    ready = std::max(ready, state.ready[static_cast<std::size_t>(std::countr_zero(registers))] - at);
  return ready;
}

int operands_ready(const PipelineState& state, const Instruction& insn, const InstructionCost& cost) {
  const Registers special = insn.address_reads | insn.shifted | insn.accumulated | insn.stored;
  const Registers plain = (insn.reads & ~special) | insn.factors;
  int ready = ready_for(state, plain, cost.reads_at);
  if (cost.is_delayed)
    ready = std::max(ready, ready_for(state, plain & state.delays_some, cost.reads_at - 1));
  ready = std::max(ready, ready_for(state, insn.address_reads, cost.address_at));
  ready = std::max(ready, ready_for(state, insn.shifted, cost.shifted_at));
  ready = std::max(ready, ready_for(state, insn.accumulated, cost.accumulated_at));
  return std::max(ready, ready_for(state, insn.stored, cost.stored_at));
}

void set_ready(PipelineState& state, Registers registers, int cycle) {
  for (; registers != 0; registers &= registers - 1)
    state.ready[static_cast<std::size_t>(std::countr_zero(registers))] = cycle;
}

constexpr int kFetchLatency = 2;
constexpr int kLongFull = 3;

/// The core goes on at that address in that cycle; what lies there is fetched already, and `ahead` words in
/// all.
void begin_fetch(FetchState& fetch, std::uint32_t address, int cycle, std::uint32_t ahead) {
  fetch = {.first_word = address / 4, .asked = cycle - kFetchLatency, .words = ahead};
  for (std::uint32_t n = 0; n < ahead; ++n) fetch.there[n] = cycle;
}

/// When all words of the instruction are there.
int fetched_at(FetchState& fetch, const Instruction& insn, int depth, const FetchLine& line) {
  const std::uint32_t last = (insn.end() - 1) / 4 - fetch.first_word;
  while (fetch.words <= last) {
    const std::uint32_t n = fetch.words++;
    const auto before = n - static_cast<std::uint32_t>(depth);
    const bool is_new_line = line.size_bytes > 0 && (fetch.first_word + n) * 4 % line.size_bytes == 0;
    fetch.asked += 1 + (is_new_line ? line.cycles : 0);
    if (n >= static_cast<std::uint32_t>(depth) && before < fetch.used_words) {
      const int room = fetch.used[before % 8];
      // A unit that was full for long asks a cycle later.
      fetch.asked = room >= fetch.asked + kLongFull ? room + 1 : std::max(fetch.asked, room);
    }
    while (std::find(fetch.lost.begin(), fetch.lost.end(), fetch.asked) != fetch.lost.end()) ++fetch.asked;
    fetch.there[n % 8] = fetch.asked + kFetchLatency;
  }
  return fetch.there[last % 8];
}

/// The instruction leaves the buffer.
void use_fetched(FetchState& fetch, const Instruction& insn, int cycle) {
  const std::uint32_t done = insn.end() / 4 - fetch.first_word;
  while (fetch.used_words < done) fetch.used[fetch.used_words++ % 8] = cycle;
}

/// Nothing else is asked for while a branch is decoded and executed.
void lose_slots(FetchState& fetch, int cycle) {
  fetch.lost = {fetch.lost[2], fetch.lost[3], cycle - 1, cycle};
}

}  // namespace

void issue(const CoreModel& core, const Instruction& insn, PipelineState& state) {
  const InstructionCost cost = core.cost(insn);
  const int in_time = operands_ready(state, insn, cost);
  const int operands = in_time - cost.may_be_late;
  const auto free = [&](Unit unit) -> int& { return state.unit_free[static_cast<std::size_t>(unit)]; };
  const int unit = std::max(free(cost.unit), free(cost.waits_for));
  const int depth = core.fetched_words();
  int fetched = 0;
  if (depth > 0) {
    if (!state.is_fetching)
      begin_fetch(state.fetch, insn.address, state.cycle, static_cast<std::uint32_t>(depth));
    state.is_fetching = true;
    fetched = fetched_at(state.fetch, insn, depth, state.line);
  }
  const bool has_room =
      state.last != nullptr &&
      (state.has_pair ? core.joins_pair(insn) && !state.last->writes_pc : core.pairs(*state.last, insn));
  const bool is_paired =
      has_room && operands <= state.issued && unit <= state.issued && fetched <= state.issued;
  int at = state.issued;
  if (!is_paired) {
    at = state.cycle;
    if (state.last != nullptr) at -= core.overlap(*state.last, insn);
    at = std::max({at, operands, unit, fetched});
  }
  state.cycle = std::max(is_paired ? state.cycle : 0, at + cost.issue);
  state.issued = at;
  state.has_pair = is_paired;
  if (cost.unit != Unit::none) free(cost.unit) = at + cost.unit_cycles;
  if (cost.holds != Unit::none) free(cost.holds) = at + cost.holds_cycles;
  const Registers base = insn.has_writeback ? insn.address_reads & insn.writes : 0;
  const bool is_early = cost.early_result && operands <= at - 1;
  const int late = std::max(0, in_time - at);
  set_ready(state, insn.writes & ~base, at + late + (is_early ? *cost.early_result : cost.result));
  state.delays_some &= ~insn.writes;
  if (cost.delays_some) state.delays_some |= insn.writes & ~base;
  set_ready(state, base, at + cost.writeback_result);
  if (depth > 0) use_fetched(state.fetch, insn, at);
  if (depth > 0 && core.asks_for_target(insn)) lose_slots(state.fetch, at);
  state.before_last = state.last;
  state.last = &insn;
}

void take_branch(const CoreModel& core, const Instruction& target, PipelineState& state) {
  if (state.last == nullptr) return;
  const int refill = core.taken_cycles(*state.last, state.before_last, target);
  state.cycle += refill;
  if (refill > 0) state.issued = state.cycle - 1;
  if (core.fetched_words() > 0) begin_fetch(state.fetch, target.address, state.cycle, 1);
}

int cycles_after(const CoreModel& core, std::span<const Instruction> first,
                 std::span<const Instruction> second, const FetchLine& line) {
  PipelineState state;
  state.line = line;
  for (const Instruction& insn : first) issue(core, insn, state);
  const int before = state.cycle;
  if (second.front().address != first.back().end()) take_branch(core, second.front(), state);
  for (const Instruction& insn : second) issue(core, insn, state);
  return state.cycle - before;
}

std::string_view pipeline_name(std::string_view processor, std::string_view pipeline) {
  if (processor.starts_with("rv32im")) return pipeline.empty() ? "hazard3" : pipeline;
  return processor == "cortex-m7sp" ? "cortex-m7" : processor;
}

const CoreModel* find_core_model(std::string_view processor, std::string_view pipeline) {
  using Row = std::pair<std::string_view, std::unique_ptr<CoreModel>>;
  static const auto kRows = [] {
    std::vector<Row> models;
    models.emplace_back("cortex-m0", cortex_m0_model(false));
    models.emplace_back("cortex-m0plus", cortex_m0_model(true));
    models.emplace_back("cortex-m3", cortex_m3_model());
    models.emplace_back("cortex-m4f", cortex_m4_model());
    models.emplace_back("cortex-m7", cortex_m7_model());
    models.emplace_back("cortex-m33", cortex_m33_model());
    models.emplace_back("cortex-m55", cortex_m55_model());
    models.emplace_back("cortex-m85", cortex_m85_model());
    models.emplace_back("hazard3", hazard3_model());
    models.emplace_back("e31", e31_model());
    models.emplace_back("ri5cy", ri5cy_model());
    models.emplace_back("qingke-v2", qingke_v2_model());
    return models;
  }();
  const std::string_view name = pipeline_name(processor, pipeline);
  const auto found =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& row) { return row.first == name; });
  return found == kRows.end() ? nullptr : found->second.get();
}

}  // namespace nb
