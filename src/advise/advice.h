// What to do so that a model fits: ways to build it, what each costs and is worth, their order, what binds.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pass/pass.h"
#include "report/comparison.h"
#include "report/sentences.h"
#include "report/validation.h"

namespace nb {

/// What is asked of an answer; absent: no matter.
struct AdviceLimits {
  std::optional<double> max_latency_ms;  ///< of one inference
  std::optional<double> max_energy_mj;   ///< of one inference
  std::optional<double> max_price;       ///< of part and added memories, in AdviceRequest's currency
  std::optional<double> min_value;       ///< of the metric; the most of one whose smaller values are better
  std::optional<double> max_drop;        ///< points against the first model in floats, or as it is
  std::optional<double> max_cpu_share;   ///< 0 to 1: of all models that have a period
  std::int64_t reserve_ram_bytes = 0, reserve_flash_bytes = 0;
};

/// What an answer is held against.
enum class Bound { latency, energy, price, value, drop, ram, flash, share };
[[nodiscard]] std::string_view name_of(Bound bound);  ///< its option: "max-latency"

/// A model, and the numbers of its layers.
struct AdviceFormat {
  std::string model, file;        ///< whose numbers they are
  std::string name;               ///< "int8"; "3 layers int16, 5 layers int8"
  LayerFormats layers;            ///< those that are not int8
  bool is_made_here = false;      ///< by --quantize, from a float model
  bool rounds_fast = false;       ///< by --requantize fast
  std::optional<Estimate> value;  ///< of the metric on the data; absent: unmeasured. Intervals of counts only
  std::optional<double> drop;     ///< points against the first model in floats, or as it is
};

/// Something to buy.
struct BoughtPart {
  std::string name;  ///< of the board's part, or of the memory
  std::optional<QuotedPrice> price;
};

/// Where a program's bytes go beyond the part.
enum class Way {
  inside,   ///< everything inside the part
  carried,  ///< in external memories that the board carries
  added,    ///< in an external memory that is bought
};
[[nodiscard]] std::string_view name_of(Way way);

struct ExternalUse {
  std::string memory;  ///< its name on the board
  std::string part;    ///< of the catalogue; may be empty
  std::int64_t size_bytes = 0, used_bytes = 0;
  bool is_arena = false;            ///< else constants
  bool is_added = false;            ///< else the board carries it
  std::vector<std::string> layers;  ///< whose constants lie there; empty: all
};

/// A bound that a candidate does not keep.
struct Breach {
  Bound bound = Bound::latency;
  double limit = 0, value = 0;
};

/// What another model takes of the same part.
struct CompanionCost {
  std::string model;
  std::int64_t flash_bytes = 0, arena_bytes = 0, reserved_ram_bytes = 0;  ///< reserved: beside a shared arena
  std::optional<Estimate> latency_ms, energy_uj;
  std::optional<double> period_ms;
};

/// All models on one part together.
struct JointCost {
  std::int64_t flash_bytes = 0;     ///< start-up and shared code counted once for each model: an upper bound
  std::int64_t ram_bytes = 0;       ///< at the schedule's peak: one model runs at a time
  std::optional<double> cpu_share;  ///< 0 to 1; absent: a period or a latency is not known
};

/// One way to build the model.
struct AdviceCandidate {
  std::size_t format = 0;  ///< of Advice::formats
  KernelGoal goal = KernelGoal::time;
  Way way = Way::inside;
  std::string board;  ///< as --board takes it, with its additions
  std::string base;   ///< the board's own name
  ComparisonRow row;
  /// What it leaves less of than is kept for other firmware; its row is that of a board that keeps none.
  std::vector<Breach> reserves;
  bool has_outer_flash = false;  ///< the part has none of its own
  std::vector<ExternalUse> external;
  std::vector<BoughtPart> parts;
  std::optional<Estimate> price;      ///< of all parts; absent: one of them has none
  std::optional<double> slowdown_ms;  ///< by memories outside, against the same inside
  std::vector<Breach> breaches;       ///< of a program that fits, those of reserves among them
  std::vector<CompanionCost> companions;
  std::optional<JointCost> joint;  ///< of a program that fits and has companions
  bool is_on_front = false;
  std::string command;  ///< that builds it
  /// What ran on its virtual board, of the data's samples, and how many gave the outputs of the host.
  std::optional<std::size_t> board_samples, equal_samples;
  std::optional<double> board_value;  ///< of the metric over those samples
  Sentence title;
  std::vector<Sentence> steps;

  /// Inside and beside what is kept for other firmware.
  [[nodiscard]] bool has_room() const { return row.fits() && reserves.empty(); }
};

/// What has to move so that another candidate is in: one bound, or several where no single one will do.
struct Relaxation {
  std::vector<Breach> moves;  ///< each bound's limit, and the value that it would need
  std::size_t candidate = 0;
  Sentence text;
};

/// Candidates that are out for one reason, and maybe for others.
struct RuledOut {
  std::string reason;  ///< "does-not-fit", or a bound's name; " unknown" behind it: its figure is not known
  std::size_t count = 0;
  std::size_t alone = 0;  ///< of them those that are out for nothing else
  Sentence text;
};

enum class RankBy { price, latency, energy, value };
[[nodiscard]] std::optional<RankBy> find_rank(std::string_view name);

struct Advice {
  std::string model, file, data;
  AdviceLimits limits;
  RankBy rank_by = RankBy::price;
  std::string currency;
  std::optional<std::int64_t> volume;
  Metric metric = Metric::automatic;  ///< `automatic`: there is no data
  std::size_t samples = 0;            ///< that the metric is of
  std::vector<AdviceFormat> formats;
  std::vector<AdviceCandidate> candidates;  ///< all that were priced
  std::vector<std::size_t> ranked;          ///< those that keep all limits, the best first
  std::vector<RuledOut> ruled_out;
  /// With answers: what would give a better one; without: what would give one. The smallest move first.
  std::vector<Relaxation> relaxations;
  std::vector<std::size_t> best_of_ways;  ///< of each way the first of `ranked`, in that order
  std::vector<Sentence> summary;
};

/// The price at that many: of the offer with the largest quantity up to it, else of the smallest quantity.
[[nodiscard]] std::optional<QuotedPrice> price_at(const std::vector<QuotedPrice>& quoted,
                                                  std::optional<std::int64_t> volume);

/// Of a program that does not fit: the reserves that it breaches, if they are all that it lacks, with what it
/// leaves of them; absent if it does not fit without them either, or breaches none.
[[nodiscard]] std::optional<std::vector<Breach>> reserve_breaches(const AdviceLimits& limits,
                                                                  const std::vector<Misfit>& misfits);

/// Holds candidates that fit against the limits, marks the front (none is better in one of price, latency,
/// energy and value, and no worse in the others), and orders those that keep all limits: by what `rank_by`
/// says, then by the rest. What is not known is worse than all that is. Finds what would have to move.
void judge(Advice& advice);

/// The names that the report has for it, in words: titles, steps, what was ruled out, what binds, a summary.
void put_into_words(Advice& advice);

[[nodiscard]] nlohmann::json advice_json(const Advice& advice);

}  // namespace nb
