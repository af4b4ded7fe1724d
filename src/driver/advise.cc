#include "driver/advise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/process.h"
#include "base/text.h"
#include "bench/memory_plan.h"
#include "driver/advise_formats.h"
#include "driver/advise_memories.h"
#include "driver/advise_parts.h"
#include "driver/asked_boards.h"
#include "driver/kept_results.h"
#include "target/board_use.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

constexpr int kMostRounds = 3;              ///< of moving more constants out, until a program fits
constexpr double kCheckInstructions = 4e9;  ///< that an answer may run on its virtual board

/// Quotes what a shell would take apart.
std::string shell_word(const std::string& text) {
  return text.find_first_of(" *?'\"$[]()&|;<>") == std::string::npos ? text : command_text({text});
}

class Adviser {
 public:
  Adviser(const AdviseRequest& request, Diagnostics& diagnostics)
      : request_(request), diagnostics_(diagnostics) {
    kept_ = request.folder.empty() ? temporary_.path() : request.folder;
  }

  Result<Advice> run() && {
    if (!resolve_boards() || !choose_currency() || !make_kept_folder() || !read_companions()) return kFailed;
    if (!find_formats(request_, kept_, formats_, diagnostics_)) return kFailed;
    describe();
    if (!add_companions()) return kFailed;
    for (std::size_t format = 0; format < formats_.formats.size(); ++format)
      if (!search(format)) return kFailed;
    if (!add_slowdowns() || !price_without_reserves()) return kFailed;
    for (AdviceCandidate& candidate : advice_.candidates) {
      price_candidate(candidate, board_of(candidate), terms());
      join_companions(candidate);
    }
    judge(advice_);
    put_into_words(advice_);
    if (!check_answers()) return kFailed;
    report_outcome();
    return std::move(advice_);
  }

 private:
  /// Boards of the request, or of the catalogue, with what is kept for other firmware.
  Status resolve_boards() {
    auto asked = asked_boards(request_.boards, diagnostics_);
    if (!asked) return kFailed;
    for (auto& [word, board] : *asked) {
      if (board.name != word) board.base_name = std::exchange(board.name, word);
      boards_.push_back(std::move(board));
    }
    for (Board& board : boards_) reserve(board, request_.limits);
    return {};
  }

  /// What is wrong with a model that runs beside it is said before any work.
  Status read_companions() const {
    for (const Companion& companion : request_.companions)
      if (!compile_for_board(companion.model, CompileOptions{}, "host", diagnostics_)) return kFailed;
    return {};
  }

  /// What is kept for other firmware, the companions' among it.
  void reserve(Board& board, const AdviceLimits& limits) const {
    board.placement.reserved_ram_bytes = limits.reserve_ram_bytes;
    board.placement.reserved_flash_bytes = limits.reserve_flash_bytes;
    const auto found = companions_.find(base_of(board));
    if (found == companions_.end()) return;
    for (const CompanionCost& one : found->second) {
      board.placement.reserved_ram_bytes += one.reserved_ram_bytes;
      board.placement.reserved_flash_bytes += one.flash_bytes;
    }
  }

  /// Prices the other models of the part on each board. A board that does not hold them is out.
  Status add_companions() {
    for (const Companion& companion : request_.companions) {
      CompareRequest request{.models = {companion.model}, .made_boards = boards_};
      request.formats = {{"", CompileOptions{}}};
      request.conditions = request_.conditions;
      request.cost = request_.cost;
      request.folder = kept_;
      request.jobs = request_.jobs;
      request.timeout_seconds = request_.timeout_seconds;
      request.progress = request_.progress;
      auto comparison = compare(request, diagnostics_);
      if (!comparison) return kFailed;
      std::vector<Board> left;
      for (std::size_t i = 0; i < boards_.size(); ++i) {
        ComparisonRow& row = comparison->rows[i];
        if (!row.fits()) {
          add_candidate(0, KernelGoal::time, boards_[i], std::move(row));
          continue;
        }
        CompanionCost cost{.model = companion.model.stem().string(),
                           .flash_bytes = row.flash_bytes.value_or(0),
                           .arena_bytes = row.arena_bytes,
                           .reserved_ram_bytes = row.static_bytes.value_or(0),
                           .latency_ms = row.costs ? row.costs->total.latency_ms : std::nullopt,
                           .energy_uj = row.costs ? row.costs->total.energy_uj : std::nullopt,
                           .period_ms = companion.period_ms};
        // A state has to stay, also this model's: then nothing is shared.
        if (!request_.options.state.is_empty()) cost.reserved_ram_bytes += row.arena_bytes;
        companions_[base_of(boards_[i])].push_back(std::move(cost));
        left.push_back(boards_[i]);
      }
      all_boards_.insert(all_boards_.end(), boards_.begin(), boards_.end());
      boards_ = std::move(left);
    }
    for (Board& board : boards_) reserve(board, request_.limits);
    if (!boards_.empty()) return {};
    return diagnostics_.add(
        {.kind = Kind::does_not_fit, .message = "no board holds the models that it runs beside (--with)"});
  }

  /// All models together: their flash, RAM at the peak of a schedule that runs one at a time, time.
  void join_companions(AdviceCandidate& candidate) const {
    const auto found = companions_.find(candidate.base);
    if (!candidate.row.fits() || (found == companions_.end() && !request_.limits.max_cpu_share)) return;
    JointCost joint{.flash_bytes = candidate.row.flash_bytes.value_or(0)};
    const auto& mine = candidate.row.costs ? candidate.row.costs->total.latency_ms : std::nullopt;
    const auto& period_ms = request_.cost.period_ms;
    double share = mine && period_ms ? mine->typical / *period_ms : std::numeric_limits<double>::infinity();
    std::int64_t arena_bytes = candidate.row.arena_bytes;
    joint.ram_bytes = candidate.row.ram_bytes.value_or(0) - arena_bytes;
    if (found != companions_.end()) {
      candidate.companions = found->second;
      for (const CompanionCost& one : found->second) {
        joint.flash_bytes += one.flash_bytes;
        joint.ram_bytes += one.reserved_ram_bytes;
        if (request_.options.state.is_empty()) arena_bytes = std::max(arena_bytes, one.arena_bytes);
        share += one.latency_ms && one.period_ms ? one.latency_ms->typical / *one.period_ms
                                                 : std::numeric_limits<double>::infinity();
      }
    }
    joint.ram_bytes += arena_bytes;
    if (std::isfinite(share)) joint.cpu_share = share;
    candidate.joint = joint;
    if (!candidate.row.costs || !candidate.row.costs->duty) return;
    std::vector<OtherRun> others;
    for (const CompanionCost& one : candidate.companions)
      others.push_back({one.model, one.latency_ms, one.energy_uj, one.period_ms});
    add_runs(*candidate.row.costs->duty, others, candidate.row.costs->basis, request_.cost);
  }

  Status make_kept_folder() {
    std::error_code error;
    fs::create_directories(kept_, error);
    if (!error) return {};
    return diagnostics_.add(
        {.kind = Kind::file_unwritable, .message = "`" + kept_.string() + "`: " + error.message()});
  }

  void describe() {
    advice_.model = request_.model.stem().string();
    advice_.file = request_.model.string();
    advice_.data = request_.data.string();
    advice_.limits = request_.limits;
    advice_.rank_by = request_.rank_by;
    advice_.volume = request_.volume;
    advice_.metric = formats_.metric;
    advice_.samples = formats_.samples;
    advice_.formats = formats_.formats;
  }

  /// The one that is asked for, else that of most parts on these boards.
  Status choose_currency() {
    std::map<std::string, int> counts;
    for (const Board& board : boards_)
      if (const auto quoted = price_at(part_quotes(board, request_.prices), request_.volume))
        ++counts[quoted->price.currency];
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    const std::string usual = most == counts.end() ? std::string() : most->first;
    advice_.currency = request_.currency.empty() ? usual : request_.currency;
    if (usual.empty() || counts.contains(advice_.currency)) return {};
    return diagnostics_.add(
        {.kind = Kind::usage,
         .message = "prices of the parts are in " + usual + ", the limit is in " + advice_.currency,
         .help = "a rate of exchange: --rate " + usual + "=0.9" + advice_.currency +
                 ", with today's number; or --prices FILE"});
  }

  /// Prices the format on these boards; rows in their order. Errors: those of compare.
  Result<std::vector<ComparisonRow>> compared(std::size_t format, KernelGoal goal,
                                              const std::vector<Board>& boards, const std::string& what) {
    CompareRequest request{.models = {formats_.model_of(format).file}, .made_boards = boards};
    request.formats = {formats_.compared[format]};
    request.formats[0].options.goal = goal;
    request.conditions = request_.conditions;
    request.cost = request_.cost;
    request.prices = request_.prices;
    request.folder = kept_;
    request.jobs = request_.jobs;
    request.timeout_seconds = request_.timeout_seconds;
    request.progress = [&](const Progress& progress) {
      Progress told = progress;
      const AdviceFormat& one = formats_.formats[format];
      const bool tells_model = one.name.empty() || !request_.alternatives.empty();
      told.step = (tells_model ? one.model + " " : "") + (one.name.empty() ? "" : one.name + " ") + what;
      request_.progress(told);
    };
    Diagnostics said;
    auto comparison = compare(request, said);
    for (const Diagnostic& one : said.all()) {
      const bool is_expected = one.kind == Kind::does_not_fit || one.kind == Kind::remark;
      if (!is_expected && row_of(one.kind).severity == Severity::error) diagnostics_.add(one);
    }
    if (!comparison) return kFailed;
    return std::move(comparison->rows);
  }

  [[nodiscard]] PriceTerms terms() const { return {request_.volume, advice_.currency, request_.prices}; }

  [[nodiscard]] const Board& board_of(const AdviceCandidate& candidate) const {
    const auto is_its = [&](const Board& board) { return base_of(board) == candidate.base; };
    const auto found = std::find_if(boards_.begin(), boards_.end(), is_its);
    return found != boards_.end() ? *found : *std::find_if(all_boards_.begin(), all_boards_.end(), is_its);
  }

  void add_candidate(std::size_t format, KernelGoal goal, const Board& board, ComparisonRow row) {
    AdviceCandidate candidate{.format = format, .goal = goal, .board = board.name, .base = base_of(board)};
    candidate.row = std::move(row);
    candidate.external = uses_of(board, candidate.row);
    for (const ExternalUse& use : candidate.external)
      candidate.way = use.is_added ? Way::added : candidate.way == Way::inside ? Way::carried : candidate.way;
    candidate.command = command_of(format, goal, board.name);
    candidate.has_outer_flash = program_memory(board)->kind == MemoryKind::external_flash;
    if (candidate.row.fits() && !candidate.external.empty())
      slowed_.emplace_back(advice_.candidates.size(), board);
    if (!candidate.row.fits() && reserve_breaches(request_.limits, candidate.row.misfits))
      reserved_.emplace_back(advice_.candidates.size(), board);
    advice_.candidates.push_back(std::move(candidate));
  }

  /// What of the program lies outside the part.
  [[nodiscard]] static std::vector<ExternalUse> uses_of(const Board& board, const ComparisonRow& row) {
    const MemoryPlan plan = plan_memories(board, row.arena_bytes);
    std::vector<ExternalUse> uses;
    const auto add = [&](const Memory* memory, std::int64_t bytes, bool is_arena) {
      if (memory == nullptr ||
          (memory->kind != MemoryKind::external_flash && memory->kind != MemoryKind::external_ram))
        return;
      ExternalUse use{.memory = memory->name,
                      .part = memory->part,
                      .size_bytes = memory->size_bytes.value_or(0),
                      .used_bytes = bytes,
                      .is_arena = is_arena};
      use.is_added = board.name.find("+" + memory->part + "@" + memory->name) != std::string::npos;
      if (!is_arena) use.layers = board.placement.far_layers;
      uses.push_back(std::move(use));
    };
    add(plan.weights, row.far_bytes.value_or(row.weights_bytes), false);
    add(plan.arena, row.arena_bytes, true);
    return uses;
  }

  [[nodiscard]] std::string command_of(std::size_t format, KernelGoal goal, const std::string& board) const {
    const AdviceFormat& chosen = formats_.formats[format];
    const QuantizeOptions& quantize = formats_.model_of(format).options.quantize;
    std::string command = request_.command(chosen.file) + " --board " + shell_word(board);
    const bool is_float =
        chosen.layers.size() == 1 && chosen.layers[0] == std::pair<std::string, DType>("*", DType::f32);
    if (chosen.is_made_here && !is_float) {
      const bool is_int16 =
          chosen.layers.size() == 1 && chosen.layers[0] == std::pair<std::string, DType>("*", DType::i16);
      command += std::string(" --quantize ") + (is_int16 ? "int16" : "int8");
      if (!is_int16 && !chosen.layers.empty())
        command += " --layers " + shell_word(layers_option(chosen.layers));
      command += " --calibrate " + shell_word(quantize.calibration.string());
      if (quantize.first_samples > 0)
        command += " --calibrate-first " + std::to_string(quantize.first_samples);
      if (quantize.has_float_ends) command += " --float-io";
    }
    if (chosen.rounds_fast) command += " --requantize fast";
    if (goal != KernelGoal::time) command += " --prefer " + std::string(name_of(goal));
    return command + " -o " + shell_word(identifier(chosen.model));
  }

  /// All ways of one format: inside; with other kernels where that does not fit; with memories outside.
  Status search(std::size_t format) {
    auto rows = compared(format, KernelGoal::time, boards_, "inside the part");
    if (!rows) return kFailed;
    std::vector<std::size_t> open;  // boards that hold it in no way so far
    std::vector<std::vector<Misfit>> misfits;
    std::vector<std::int64_t> arenas;
    for (std::size_t i = 0; i < boards_.size(); ++i) {
      const bool is_inside = (*rows)[i].fits() && uses_of(boards_[i], (*rows)[i]).empty();
      misfits.push_back((*rows)[i].misfits);
      arenas.push_back((*rows)[i].arena_bytes);
      if (!is_inside || request_.is_exhaustive) open.push_back(i);
      add_candidate(format, KernelGoal::time, boards_[i], std::move((*rows)[i]));
    }
    for (const KernelGoal goal : {KernelGoal::ram, KernelGoal::flash})
      if (!search_goal(format, goal, misfits, open)) return kFailed;
    return search_outside(format, misfits, arenas);
  }

  /// Kernels that serve another goal, on the boards that are open and lack what it saves.
  Status search_goal(std::size_t format, KernelGoal goal, const std::vector<std::vector<Misfit>>& misfits,
                     const std::vector<std::size_t>& open) {
    std::vector<Board> boards;
    for (const std::size_t i : open) {
      const bool lacks = std::any_of(misfits[i].begin(), misfits[i].end(), [&](const Misfit& misfit) {
        const bool is_of_flash = misfit.what == "program" || misfit.what == "weights";
        return is_of_flash == (goal == KernelGoal::flash);
      });
      // An arena that went outside by itself may fit inside.
      const bool is_out = misfits[i].empty() && goal == KernelGoal::ram;
      if (lacks || is_out || request_.is_exhaustive) boards.push_back(boards_[i]);
    }
    if (boards.empty()) return {};
    auto rows = compared(format, goal, boards, "for less " + std::string(name_of(goal)));
    if (!rows) return kFailed;
    for (std::size_t i = 0; i < boards.size(); ++i)
      if ((*rows)[i].fits()) add_candidate(format, goal, boards[i], std::move((*rows)[i]));
    return {};
  }

  /// Memories outside, on the boards that do not hold the program inside. `misfits` are those of the fastest
  /// kernels.
  Status search_outside(std::size_t format, const std::vector<std::vector<Misfit>>& misfits,
                        const std::vector<std::int64_t>& arenas) {
    std::vector<std::optional<Overflow>> overflows;
    for (std::size_t i = 0; i < boards_.size(); ++i)
      overflows.push_back(misfits[i].empty() ? std::nullopt : overflow_of(misfits[i], arenas[i]));
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < boards_.size(); ++i)
      if (overflows[i] && (overflows[i]->arena_bytes > 0 || overflows[i]->weights_bytes > 0))
        open.push_back(i);
    for (int round = 0; round < kMostRounds && !open.empty(); ++round) {
      std::vector<Board> used;
      std::vector<std::size_t> owner;
      for (const std::size_t i : open)
        if (!use_memories(format, i, *overflows[i], used, owner)) return kFailed;
      if (used.empty()) return {};
      auto rows = compared(format, KernelGoal::time, used, "with memory outside");
      if (!rows) return kFailed;
      std::vector<std::size_t> again;
      for (std::size_t j = 0; j < used.size(); ++j) {
        ComparisonRow& row = (*rows)[j];
        if (row.fits()) {
          add_candidate(format, KernelGoal::time, used[j], std::move(row));
          continue;
        }
        // The code took more than was thought: more constants have to leave.
        for (const Misfit& misfit : row.misfits)
          if (misfit.what == "program" && !used[j].placement.far_layers.empty() &&
              std::find(again.begin(), again.end(), owner[j]) == again.end()) {
            overflows[owner[j]]->weights_bytes = row.far_bytes.value_or(0) + misfit.excess_bytes();
            again.push_back(owner[j]);
          }
      }
      open = std::move(again);
    }
    return {};
  }

  /// Adds the boards with memories that take what overflows.
  Status use_memories(std::size_t format, std::size_t index, const Overflow& overflow,
                      std::vector<Board>& used, std::vector<std::size_t>& owner) {
    const Board& board = boards_[index];
    std::vector<std::string> far_layers;
    if (overflow.weights_bytes > 0) {
      const Graph* graph = graph_for(format, board);
      if (graph == nullptr) return kFailed;
      far_layers = far_layers_for(*graph, overflow.weights_bytes);
    }
    for (const std::string& use : external_uses(board, overflow, far_layers, request_.is_exhaustive)) {
      const std::string name = board.name + use;
      auto with = find_target_board(name, diagnostics_);
      if (!with) return kFailed;
      reserve(*with, request_.limits);
      used.push_back(std::move(*with));
      owner.push_back(index);
    }
    return {};
  }

  /// The format's program for the board's core, compiled once; null: its diagnostics have why.
  const Graph* graph_for(std::size_t format, const Board& board) {
    const auto key = std::pair(format, board.processor);
    const auto found = graphs_.find(key);
    if (found != graphs_.end()) return &found->second;
    auto compiled = compiled_format(formats_, format, KernelGoal::time, board, diagnostics_);
    if (!compiled) return nullptr;
    return &(graphs_[key] = std::move(compiled->graph));
  }

  /// Candidates on other boards than theirs, by index, for each program that is compared.
  [[nodiscard]] std::map<std::pair<std::size_t, KernelGoal>, std::vector<std::size_t>> by_program(
      const std::vector<std::pair<std::size_t, Board>>& chosen) const {
    std::map<std::pair<std::size_t, KernelGoal>, std::vector<std::size_t>> groups;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const AdviceCandidate& candidate = advice_.candidates[chosen[i].first];
      groups[{candidate.format, candidate.goal}].push_back(i);
    }
    return groups;
  }

  /// What memories outside cost in time: against boards with that much room inside.
  Status add_slowdowns() {
    for (const auto& [key, members] : by_program(slowed_)) {
      std::vector<Board> twins;
      for (const std::size_t s : members) {
        const ComparisonRow& row = advice_.candidates[slowed_[s].first].row;
        twins.push_back(roomy(slowed_[s].second, row.arena_bytes, row.far_bytes.value_or(0)));
        // Boards are told apart by their names.
        twins.back().name += " " + std::to_string(s);
      }
      const auto rows = compared(key.first, key.second, twins, "as if memory were inside");
      if (!rows) return kFailed;
      for (std::size_t t = 0; t < members.size(); ++t) {
        AdviceCandidate& candidate = advice_.candidates[slowed_[members[t]].first];
        const auto& twin = (*rows)[t].costs;
        if (!twin || !twin->total.latency_ms || !candidate.row.costs ||
            !candidate.row.costs->total.latency_ms)
          continue;
        candidate.slowdown_ms =
            candidate.row.costs->total.latency_ms->typical - twin->total.latency_ms->typical;
      }
    }
    return {};
  }

  /// What lacks no more than room for other firmware, priced as if none were kept: what the room costs.
  Status price_without_reserves() {
    for (const auto& [key, members] : by_program(reserved_)) {
      std::vector<Board> pairs;  // without and with what is kept, whose misfits are known when it is built
      std::vector<AdviceLimits> kept;
      for (const std::size_t r : members) {
        Board without = reserved_[r].second, with = without;
        reserve(without, {});
        // Of more than the whole flash no one can tell what is left of it.
        AdviceLimits& limits = kept.emplace_back(request_.limits);
        limits.reserve_flash_bytes =
            std::min(limits.reserve_flash_bytes,
                     std::max<std::int64_t>(0, program_memory(without)->size_bytes.value_or(0) -
                                                   without.placement.reserved_flash_bytes));
        reserve(with, limits);
        // Boards are told apart by their names.
        without.name += " " + std::to_string(r);
        pairs.push_back(std::move(without));
        pairs.push_back(std::move(with));
      }
      auto rows = compared(key.first, key.second, pairs, "with no room kept");
      if (!rows) return kFailed;
      for (std::size_t m = 0; m < members.size(); ++m) {
        AdviceCandidate& candidate = advice_.candidates[reserved_[members[m]].first];
        ComparisonRow &without = (*rows)[2 * m], &with = (*rows)[2 * m + 1];
        auto breaches = reserve_breaches(kept[m], with.misfits);
        if (!without.fits() || !breaches) continue;
        for (Breach& breach : *breaches)
          if (breach.bound == Bound::flash)
            breach.limit = static_cast<double>(request_.limits.reserve_flash_bytes);
        without.board = with.board;
        candidate.row = std::move(without);
        candidate.reserves = std::move(*breaches);
      }
    }
    return {};
  }

  /// Builds the first answers for their boards and runs them there on the data.
  Status check_answers() {
    if (request_.data.empty()) return {};
    const std::size_t count = std::min(request_.checked, advice_.ranked.size());
    for (std::size_t i = 0; i < count; ++i) {
      AdviceCandidate& candidate = advice_.candidates[advice_.ranked[i]];
      request_.progress(
          {.step = "running answers on their boards", .unit = "answers", .done = i, .total = count});
      if (!check_answer(candidate)) return kFailed;
    }
    return {};
  }

  Status check_answer(AdviceCandidate& candidate) {
    const auto board = find_target_board(candidate.board, diagnostics_);
    const auto host = find_board("host", diagnostics_);
    if (!board || !host) return kFailed;
    const auto on_board = compiled_format(formats_, candidate.format, candidate.goal, *board, diagnostics_);
    const auto on_host = compiled_format(formats_, candidate.format, KernelGoal::time, *host, diagnostics_);
    if (!on_board || !on_host) return kFailed;
    const auto instructions = static_cast<double>(candidate.row.instructions.value_or(1));
    const auto most =
        static_cast<std::size_t>(std::max(1.0, kCheckInstructions / std::max(1.0, instructions)));
    const auto judged = [&](const Compiled& compiled, std::size_t samples) {
      return judge_program({.compiled = compiled,
                            .judge = *formats_.model_of(candidate.format).judge,
                            .what = candidate.board,
                            .folder = temporary_.path() / ("check" + std::to_string(folders_++)),
                            .keeps_state = !request_.options.state.is_empty(),
                            .samples = samples,
                            .kept = kept_,
                            .progress = no_progress},
                           diagnostics_);
    };
    const auto there = judged(*on_board, most);
    if (!there) return kFailed;
    const auto here = judged(*on_host, there->samples);
    if (!here) return kFailed;
    candidate.board_samples = there->samples;
    candidate.board_value = there->value;
    std::size_t equal = 0;
    for (std::size_t i = 0; i < there->samples; ++i)
      equal += there->sample_hashes[i] == here->sample_hashes[i] ? 1 : 0;
    // Floats are rounded in another order on another core: that they differ says nothing.
    const Graph& graph = on_board->graph;
    const bool has_floats = std::any_of(graph.values.begin(), graph.values.end(), [](const Value& value) {
      return value.source == Source::node && is_float(value.type.dtype);
    });
    if (!has_floats || equal == there->samples) candidate.equal_samples = equal;
    return {};
  }

  void report_outcome() {
    if (!advice_.ranked.empty()) return;
    const bool is_any_in = std::any_of(advice_.candidates.begin(), advice_.candidates.end(),
                                       [](const AdviceCandidate& one) { return one.row.fits(); });
    const bool has_move = !advice_.relaxations.empty();
    const bool is_held_against_limits = is_any_in || has_move;
    diagnostics_.add(
        {.kind = is_held_against_limits ? Kind::gate_failed : Kind::does_not_fit,
         .message = is_held_against_limits
                        ? "no way that was tried keeps all limits"
                        : "none of " + count_text(boards_.size(), "board") + " holds the model",
         .file = request_.model.string(),
         .help = has_move
                     ? advice_.relaxations[0].text.en
                     : "a larger part or a smaller model; what is not known keeps no limit (--prices FILE)"});
  }

  const AdviseRequest& request_;
  Diagnostics& diagnostics_;
  TemporaryFolder temporary_;
  fs::path kept_;
  std::vector<Board> boards_;
  std::vector<Board> all_boards_;  ///< with those that do not hold the companions
  std::map<std::string, std::vector<CompanionCost>> companions_;  ///< by a board's own name
  FormatSet formats_;
  Advice advice_;
  std::vector<std::pair<std::size_t, Board>> slowed_;    ///< candidates with memory outside, and their boards
  std::vector<std::pair<std::size_t, Board>> reserved_;  ///< candidates that lack room for other firmware
  std::map<std::pair<std::size_t, std::string>, Graph> graphs_;
  int folders_ = 0;
};

}  // namespace

Result<Advice> advise(const AdviseRequest& request, Diagnostics& diagnostics) {
  Diagnostics said;
  auto advice = Adviser(request, said).run();
  for (Diagnostic one : said.all()) {
    // Those below know of a folder that goes away, or of none.
    if (one.kind == Kind::interrupted) one.help = resume_help(request.folder);
    diagnostics.add(std::move(one));
  }
  return advice;
}

}  // namespace nb
