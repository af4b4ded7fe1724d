#include "driver/compare.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/process.h"
#include "base/text.h"
#include "driver/asked_boards.h"
#include "driver/core_run.h"
#include "driver/kept_results.h"
#include "driver/time_program.h"
#include "driver/variants.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

/// All boards of the request, once each. Errors: those of asked_boards.
Result<std::vector<Board>> boards_of(const CompareRequest& request, Diagnostics& diagnostics) {
  std::vector<Board> boards = request.made_boards;
  if (!boards.empty()) return boards;
  auto asked = asked_boards(request.boards, diagnostics);
  if (!asked) return kFailed;
  for (AskedBoard& one : *asked) boards.push_back(std::move(one.board));
  return boards;
}

/// Boards whose code is the same, by index, in the order of their first.
std::vector<std::vector<std::size_t>> boards_by_code(const std::vector<Board>& boards) {
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < boards.size(); ++i) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const std::vector<std::size_t>& group) {
      const Board& first = boards[group[0]];
      const Placement &one = first.placement, &other = boards[i].placement;
      return first.processor == boards[i].processor && first.optimize == boards[i].optimize &&
             one.weights.empty() == other.weights.empty() && one.far_layers == other.far_layers;
    });
    if (same == groups.end())
      groups.push_back({i});
    else
      same->push_back(i);
  }
  return groups;
}

/// A model in one format, compiled for any core. A model that is quantized here is calibrated once.
class FormattedModel {
 public:
  FormattedModel(fs::path model, const ComparedFormat& format) : model_(std::move(model)), format_(format) {}

  [[nodiscard]] Result<Compiled> compiled(const Board& board, Diagnostics& diagnostics) {
    const KernelGoal goal = format_.options.goal;
    if (format_.variants == nullptr && !format_.options.quantize.numbers) {
      auto graph = compile(model_, format_.options, board.core, board.processor, diagnostics);
      if (!graph) return kFailed;
      return with_plain_board({board, std::move(*graph)}, goal);
    }
    const std::lock_guard<std::mutex> alone(calibrating_);
    if (format_.variants != nullptr) {
      auto made = format_.variants->compiled(format_.variants->plan(format_.layers), plain_board(board, 0),
                                             diagnostics, nullptr, goal);
      if (!made) return kFailed;
      made->board = board;
      return with_plain_board(std::move(*made), goal);
    }
    if (!variants_)
      variants_ = std::make_unique<Result<Variants>>(Variants::of(model_, format_.options, board, said_));
    for (const Diagnostic& one : said_.all()) diagnostics.add(one);
    if (!*variants_) return kFailed;
    const Variants& variants = **variants_;
    auto made = variants.compiled(variants.plan({}), plain_board(board, 0), diagnostics, nullptr, goal);
    if (!made) return kFailed;
    made->board = board;
    return with_plain_board(std::move(*made), goal);
  }

  [[nodiscard]] const fs::path& model() const { return model_; }
  [[nodiscard]] const ComparedFormat& format() const { return format_; }

 private:
  static Compiled with_plain_board(Compiled compiled, KernelGoal goal) {
    compiled.board = plain_board(compiled.board, compiled.graph.arena_bytes);
    serve_goal(compiled.board, goal);
    return compiled;
  }

  fs::path model_;
  const ComparedFormat& format_;
  std::mutex calibrating_;
  std::unique_ptr<Result<Variants>> variants_;
  Diagnostics said_;
};

/// A program for one core, on its way to rows.
struct GroupWork {
  FormattedModel* source = nullptr;
  std::vector<const Board*> boards;
  std::vector<ComparisonRow> rows;  ///< one a board
  Diagnostics diagnostics;
  bool is_done = false;
};

std::string title_of(const GroupWork& task) {
  const std::string& format = task.source->format().name;
  return task.source->model().stem().string() + (format.empty() ? "" : " in " + format) + " on " +
         task.boards[0]->processor;
}

const Diagnostic* first_error(const Diagnostics& diagnostics) {
  for (const Diagnostic& one : diagnostics.all())
    if (row_of(one.kind).severity == Severity::error) return &one;
  return nullptr;
}

class Comparer {
 public:
  explicit Comparer(const CompareRequest& request) : request_(request) {}

  /// Fills the task's rows; false: its diagnostics have an error.
  bool run(GroupWork& task) const {
    for (const Board* board : task.boards) {
      ComparisonRow row{.file = task.source->model().string(),
                        .format = task.source->format().name,
                        .board = board->name,
                        .processor = board->processor};
      add_price(*board, row);
      task.rows.push_back(std::move(row));
    }
    const auto compiled = task.source->compiled(*task.boards[0], task.diagnostics);
    if (!compiled) return false;
    const Graph& graph = compiled->graph;
    std::vector<const Board*> left;
    std::vector<ComparisonRow*> rows;
    for (std::size_t i = 0; i < task.boards.size(); ++i) {
      ComparisonRow& row = task.rows[i];
      row.model = graph.name;
      row.arena_bytes = graph.arena_bytes;
      row.weights_bytes = graph.weights_bytes();
      row.misfits = early_misfits(*task.boards[i], graph.arena_bytes, row.weights_bytes);
      if (!row.misfits.empty()) {
        leave_blank(row, "it does not fit");
        continue;
      }
      left.push_back(task.boards[i]);
      rows.push_back(&row);
    }
    if (left.empty()) return true;
    const auto ran = run_core({.compiled = *compiled,
                               .boards = left,
                               .conditions = request_.conditions,
                               .keeps_state = !task.source->format().options.state.is_empty(),
                               .timeout_seconds = request_.timeout_seconds,
                               .folder = request_.folder},
                              task.diagnostics);
    if (!ran) return false;
    for (std::size_t i = 0; i < task.boards.size(); ++i)
      if (!task.rows[i].fits()) complete_misfits(*task.boards[i], *ran, task.rows[i]);
    return add_costs(*ran, left, rows, task.diagnostics).is_ok();
  }

  static void leave_blank(ComparisonRow& row, const std::string& reason) {
    for (const char* column : {"cycles", "latency", "energy"}) row.blanks[column] = reason;
  }

 private:
  void add_price(const Board& board, ComparisonRow& row) const {
    const std::string& name = board.base_name.empty() ? board.name : board.base_name;
    row.prices = quoted_prices(name, board.part, board.prices, board.sources, request_.prices);
    for (const QuotedPrice& one : row.prices)
      if (!row.price || (row.price->price.is_of_board && !one.price.is_of_board)) row.price = one;
    if (!row.price) row.blanks["price"] = "no price in the catalogue; --prices FILE adds yours";
  }

  /// Of a board that was left out before: what is known now of the rest.
  static void complete_misfits(const Board& board, const CoreRun& run, ComparisonRow& row) {
    row.weights_bytes = run.constant_bytes;
    std::erase_if(row.misfits, [](const Misfit& misfit) { return misfit.what != "arena"; });
    // Its stack was measured with an arena elsewhere.
    for (Misfit& misfit : misfits(board, run.sizes))
      if (misfit.what != "stack") row.misfits.push_back(std::move(misfit));
  }

  Status add_costs(const CoreRun& run, const std::vector<const Board*>& boards,
                   const std::vector<ComparisonRow*>& rows, Diagnostics& diagnostics) const {
    std::size_t at = 0, part_number = 0;
    for (const BoardCaches& part : board_caches(boards, run.placement, request_.conditions)) {
      const CoreRun::Part& measured = run.parts[part_number++];
      const auto code = disassembly_of(measured.profile, *boards[0], diagnostics);
      if (!code) return kFailed;
      std::map<const CoreModel*, Timer> timers;
      for (std::size_t i = 0; i < part.boards.size(); ++i) {
        ComparisonRow& row = *rows[at++];
        const Board& board = *part.boards[i];
        const CoreModel* model = find_core_model(board.processor, board.pipeline);
        row.weights_bytes = run.constant_bytes;
        row.flash_bytes = run.flash_bytes;
        row.far_bytes = run.far_bytes;
        row.stack_bytes = run.sizes.stack_bytes;
        row.static_bytes = run.static_bytes;
        row.ram_bytes = row.arena_bytes + run.sizes.stack_bytes + run.static_bytes;
        row.instructions = run.instructions;
        row.misfits = misfits(board, run.sizes);
        if (!row.fits()) {
          leave_blank(row, "it does not fit");
        } else if (model == nullptr) {
          leave_blank(row, "no timing model of the core");
        } else {
          const Timer& timer = timers.try_emplace(model, *model, *code, measured.profile).first->second;
          price(timer, measured, part.memories[i], board, row);
        }
      }
    }
    return {};
  }

  void price(const Timer& timer, const CoreRun::Part& part, const MemorySystem& memories, const Board& board,
             ComparisonRow& row) const {
    row.costs = costs_of(time_intervals(timer, part.intervals, memories, 0), board, request_.cost);
    if (!row.costs->total.latency_ms) {
      row.blanks["latency"] = row.blanks["energy"] = "its clock is not known; --what-if clock=";
    } else if (!row.costs->total.energy_uj) {
      row.blanks["energy"] = "no power figure in the catalogue";
    }
    if (row.costs->duty && !row.costs->duty->cycle) {
      std::string reason = row.costs->duty->why_not;
      const std::size_t name = reason.find(" of `" + board.name + "`");
      if (name != std::string::npos) reason.erase(name, board.name.size() + 6);
      row.blanks["duty"] = reason;
    }
  }

  const CompareRequest& request_;
};

/// Takes what was said once from all tasks.
void collect(const std::vector<std::unique_ptr<GroupWork>>& tasks, bool wants_errors,
             Diagnostics& diagnostics) {
  std::vector<std::string> seen;
  for (const auto& task : tasks)
    for (const Diagnostic& one : task->diagnostics.all()) {
      if (!wants_errors && row_of(one.kind).severity == Severity::error) continue;
      const std::string text = render_text(one, false);
      if (std::find(seen.begin(), seen.end(), text) != seen.end()) continue;
      seen.push_back(text);
      diagnostics.add(one);
    }
}

/// "nucleo-l073rz, by 1,234 bytes of sram (arena)": the board that is missed by the fewest bytes.
std::string nearest_miss(const std::vector<ComparisonRow>& rows, const std::string& file) {
  const ComparisonRow* best = nullptr;
  const auto excess = [](const ComparisonRow& row) {
    std::int64_t sum = 0;
    for (const Misfit& misfit : row.misfits) sum += misfit.excess_bytes();
    return sum;
  };
  for (const ComparisonRow& row : rows)
    if (row.file == file && !row.fits() && (best == nullptr || excess(row) < excess(*best))) best = &row;
  std::vector<std::string> parts;
  for (const Misfit& misfit : best->misfits)
    parts.push_back(grouped(misfit.excess_bytes()) + " bytes too many for " + misfit.memory + " (" +
                    misfit.what + ": " + grouped(misfit.needed_bytes) + " of " + grouped(misfit.free_bytes) +
                    ")");
  return best->board + (best->format.empty() ? "" : " in " + best->format) + ", " + join(parts, ", ");
}

void report_misfits(const CompareRequest& request, const std::vector<ComparisonRow>& rows,
                    Diagnostics& diagnostics) {
  for (const fs::path& model : request.models) {
    const std::string file = model.string();
    std::size_t count = 0;
    bool has_room = false;
    for (const ComparisonRow& row : rows) {
      if (row.file != file) continue;
      ++count;
      has_room = has_room || row.fits();
    }
    if (has_room || count == 0) continue;
    diagnostics.add({.kind = Kind::does_not_fit,
                     .message = "none of the boards holds it; the nearest is " + nearest_miss(rows, file),
                     .file = file,
                     .help = "take a smaller or quantized model"});
  }
}

/// Runs the tasks on several threads, until one is interrupted.
void run_all(const Comparer& comparer, const CompareRequest& request,
             const std::vector<std::unique_ptr<GroupWork>>& tasks) {
  std::atomic<std::size_t> next = 0;
  std::size_t done = 0;
  std::mutex telling;
  const auto tell = [&](const std::string& what) {
    request.progress({.step = what, .unit = "programs", .done = done, .total = tasks.size()});
  };
  const auto work = [&] {
    for (std::size_t i = next++; i < tasks.size() && !stop_is_asked(); i = next++) {
      GroupWork& task = *tasks[i];
      task.is_done = comparer.run(task);
      const std::lock_guard<std::mutex> alone(telling);
      ++done;
      tell("building and running");
    }
  };
  tell("building and running");
  const unsigned here = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t jobs = std::min<std::size_t>(request.jobs > 0 ? request.jobs : here, tasks.size());
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
}

}  // namespace

Result<std::vector<ComparisonGroup>> comparison_groups(const CompareRequest& request,
                                                       Diagnostics& diagnostics) {
  const auto boards = boards_of(request, diagnostics);
  if (!boards) return kFailed;
  std::vector<ComparisonGroup> groups;
  for (std::size_t model = 0; model < request.models.size(); ++model)
    for (std::size_t format = 0; format < request.formats.size(); ++format)
      for (const std::vector<std::size_t>& same : boards_by_code(*boards)) {
        ComparisonGroup group{model, format, (*boards)[same[0]].processor, {}};
        for (const std::size_t i : same) group.boards.push_back((*boards)[i].name);
        groups.push_back(std::move(group));
      }
  return groups;
}

Result<Comparison> compare(const CompareRequest& request, Diagnostics& diagnostics) {
  const auto boards = boards_of(request, diagnostics);
  if (!boards) return kFailed;
  if (!request.folder.empty()) {
    std::error_code error;
    fs::create_directories(request.folder, error);
    if (error)
      return diagnostics.add({.kind = Kind::file_unwritable,
                              .message = "`" + request.folder.string() + "`: " + error.message()});
  }
  std::vector<std::unique_ptr<FormattedModel>> sources;
  std::vector<std::unique_ptr<GroupWork>> tasks;
  for (const fs::path& model : request.models)
    for (const ComparedFormat& format : request.formats) {
      sources.push_back(std::make_unique<FormattedModel>(model, format));
      for (const std::vector<std::size_t>& same : boards_by_code(*boards)) {
        auto task = std::make_unique<GroupWork>();
        task->source = sources.back().get();
        for (const std::size_t i : same) task->boards.push_back(&(*boards)[i]);
        tasks.push_back(std::move(task));
      }
    }
  const Comparer comparer(request);
  run_all(comparer, request, tasks);
  if (stop_is_asked())
    return diagnostics.add({.kind = Kind::interrupted,
                            .message = "stopped while comparing",
                            .help = resume_help(request.folder)});
  // A model that compiles for no core is the model's fault; a core that fails has the reason in its rows.
  const bool is_any_done =
      std::any_of(tasks.begin(), tasks.end(), [](const auto& task) { return task->is_done; });
  collect(tasks, !is_any_done, diagnostics);
  if (!is_any_done) return kFailed;
  for (const auto& task : tasks) {
    if (task->is_done) continue;
    const Diagnostic* error = first_error(task->diagnostics);
    if (error != nullptr && error->kind == Kind::file_unwritable) return diagnostics.add(*error);
    const std::string reason = error == nullptr ? "not run" : error->message;
    for (ComparisonRow& row : task->rows) {
      if (row.model.empty()) row.model = task->source->model().stem().string();
      if (row.fits() && !row.costs) Comparer::leave_blank(row, reason);
    }
    diagnostics.add({.kind = Kind::remark,
                     .message = title_of(*task) + ": " + reason,
                     .help = error == nullptr ? "" : error->help});
  }
  Comparison comparison{.has_duty_cycle = request.cost.period_ms.has_value(),
                        .has_battery = request.cost.battery.has_value()};
  std::size_t first = 0;
  const std::size_t per_source = tasks.size() / sources.size();
  for (std::size_t s = 0; s < sources.size(); ++s, first += per_source)
    for (const Board& board : *boards)
      for (std::size_t i = first; i < first + per_source; ++i)
        for (ComparisonRow& row : tasks[i]->rows)
          if (row.board == board.name) comparison.rows.push_back(std::move(row));
  mark_front(comparison.rows);
  report_misfits(request, comparison.rows, diagnostics);
  return comparison;
}

}  // namespace nb
