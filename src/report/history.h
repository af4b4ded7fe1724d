// Two kept reports beside each other: which figures changed, by how much, and why (docs/history.md).
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "diag/diagnostics.h"
#include "report/sentences.h"
#include "timing/energy.h"

namespace nb {

/// A report (docs/report.md) and what it is called in messages.
struct NamedReport {
  std::string name;  ///< its file
  const nlohmann::json& document;
};

/// One figure in both reports. A value is absent where its report has none.
struct FigureChange {
  std::string name;          ///< "latency_ms", "accuracy", "cos"
  std::string of;            ///< what it is of, if not of all: "logits against the reference"
  Sentence title;            ///< "Latency"
  std::string unit;          ///< "ms", "B"; empty of shares and plain counts
  bool is_headline = false;  ///< worth a line though it did not change
  /// What is better. Absent: neither, such as multiply-accumulates.
  std::optional<bool> is_larger_better;
  std::string old_path, new_path;  ///< JSON pointers into the reports
  std::optional<double> old_value, new_value;
  std::optional<Estimate> old_interval, new_interval;  ///< of estimates
  /// Of what judges a model: points lost, as of drop_points(). Negative: it gained.
  std::optional<double> points_lost;

  [[nodiscard]] bool is_same() const { return old_value == new_value; }
  /// (new - old) / |old|; absent where either is not known or `old` is zero.
  [[nodiscard]] std::optional<double> relative() const;
  /// Whether each value lies in the interval of the other: a board may not show the change.
  [[nodiscard]] bool is_within_interval() const;
  /// Whether it is for the better; absent where nobody can tell.
  [[nodiscard]] std::optional<bool> is_better() const;
};

/// A layer, or a function of a firmware, that both reports have, and that changed.
struct LayerChange {
  std::string name;
  std::vector<FigureChange> figures;  ///< those that changed
  struct Word {
    std::string name, old_word, new_word;  ///< "kernel", "format", "block"
  };
  std::vector<Word> words;
  /// Its part in the change of cycles, else of instructions, of the whole: 1 is all of it.
  std::optional<double> share;
};

/// One program on one board, in both reports.
struct ProgramChange {
  std::string program, board;          ///< as the newer report names them: "kws (int8)", "nucleo-l4r5zi"
  std::string old_program, old_board;  ///< as the older does
  std::optional<bool> old_fits, new_fits;
  std::vector<FigureChange> figures;
  std::vector<LayerChange> layers;  ///< the largest change first
  std::vector<std::string> gone_layers, appeared_layers;
  std::vector<Sentence> conditions;  ///< of this board that are others: clock, power, price, ...

  [[nodiscard]] const FigureChange* find(std::string_view name) const;
  [[nodiscard]] bool is_same() const;
};

enum class Difference { none, some, unknown };

/// A cause of changes, whether it is one here or not.
struct Reason {
  std::string kind;  ///< "model", "nblocks", "tool", "option", ...
  Difference difference = Difference::none;
  Sentence sentence;
};

/// Bounds on changes: exit code 6 beyond.
struct HistoryGates {
  std::optional<double> max_slower;  ///< of latency, else of cycles, else of instructions; 0.05 is 5 %
  std::optional<double> max_larger;  ///< of flash and of RAM
  std::optional<double> max_drop;    ///< points of what judges the model
};

struct HistoryGate {
  std::string option;  ///< "--max-slower"
  double limit = 0;
  std::optional<double> worst;  ///< absent: a figure is not known any more
  std::string program, board;   ///< of the worst
  bool is_kept = false;
};

struct History {
  std::string old_name, new_name, old_verb, new_verb, old_command, old_nblocks;
  std::vector<ProgramChange> programs;
  std::vector<std::string> gone, appeared;  ///< programs on boards that one report has alone
  std::vector<Reason> reasons;
  std::vector<HistoryGate> gates;

  [[nodiscard]] bool is_same() const;
};

/// Whether a report has figures that another can be held against. Errors: bad-report.
[[nodiscard]] Status check_comparable(const NamedReport& report, Diagnostics& diagnostics);

/// What changed from `before` to `after`. Programs are matched by file, format and board, else by the name of
/// the model; a single program that is left on either side is matched with the other. Errors: bad-report if
/// they have nothing in common.
[[nodiscard]] Result<History> history_between(const NamedReport& before, const NamedReport& after,
                                              Diagnostics& diagnostics);

/// Why figures changed, or could have: files, nblocks, tools, options. With `has_changes` and no reason,
/// that.
[[nodiscard]] std::vector<Reason> reasons_between(const nlohmann::json& before, const nlohmann::json& after,
                                                  bool has_changes);

/// "5%" as 0.05. Errors: usage.
[[nodiscard]] Result<double> parse_percentage(const std::string& text, const std::string& option,
                                              Diagnostics& diagnostics);

/// Holds the changes against bounds; typical values count, whatever their intervals. Errors: gate-failed, of
/// a figure that changed more or is not known any more; usage, if there is none to hold.
[[nodiscard]] std::vector<HistoryGate> hold_history_gates(const HistoryGates& gates, const History& history,
                                                          Diagnostics& diagnostics);

/// A value of the figure, "40.7", with as many digits as tell both values apart.
[[nodiscard]] Sentence number_text(const FigureChange& figure, double value);
/// With its unit, "40.7 ms".
[[nodiscard]] Sentence figure_text(const FigureChange& figure, double value);
/// "-9.8 %", "+0.8 points"; empty if it is not known.
[[nodiscard]] Sentence change_text(const FigureChange& figure);

/// What happened, in sentences; with or without those that a table of figures and layers says.
[[nodiscard]] std::vector<Sentence> history_summary(const History& history, bool has_figures = true);

/// The section `history`.
[[nodiscard]] nlohmann::json history_json(const History& history);

}  // namespace nb
