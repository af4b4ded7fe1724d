// Programs on many boards side by side: what fits, what it costs, what it is best at.
#pragma once
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/memory_plan.h"
#include "report/costs.h"
#include "target/price_list.h"

namespace nb {

/// One program on one board. What is absent has its reason in `blanks`.
struct ComparisonRow {
  std::string file;    ///< of the model, as the user named it
  std::string model;   ///< its name in C
  std::string format;  ///< "int8", ...; empty: the model as it is
  std::string board, processor;
  std::vector<Misfit> misfits;  ///< empty: it fits
  std::int64_t arena_bytes = 0;
  std::int64_t weights_bytes =
      0;  ///< as the program has them; of one that was not built, as the graph has them
  std::optional<std::int64_t> flash_bytes, ram_bytes;  ///< as linked and measured
  std::optional<std::int64_t> far_bytes;               ///< constants in a memory of their own, beside flash
  std::optional<std::int64_t> stack_bytes, static_bytes;  ///< parts of ram_bytes
  std::optional<std::int64_t> instructions;               ///< of one inference
  std::optional<RunCosts> costs;                          ///< of one inference; layers are left out
  std::optional<QuotedPrice> price;                       ///< of the part, else of the board
  std::vector<QuotedPrice> prices;                        ///< all that are known, of all quantities
  std::map<std::string, std::string> blanks;              ///< by column: "cycles", "latency", "energy", ...
  bool is_on_front = false;

  [[nodiscard]] bool fits() const { return misfits.empty(); }
};

struct Comparison {
  std::vector<ComparisonRow> rows;  ///< by model, then format, then board
  bool has_duty_cycle = false, has_battery = false;
};

/// A price as one number: the typical one, else the middle of what is given.
[[nodiscard]] double price_amount(const Price& price);

/// Marks the rows that no other row of the same program beats: one that is no worse in milliseconds, energy
/// and price, and better in one. What is not known, or priced in another currency than most, is worse than
/// all that is known.
void mark_front(std::vector<ComparisonRow>& rows);

[[nodiscard]] nlohmann::json price_json(const QuotedPrice& quoted);
[[nodiscard]] nlohmann::json comparison_row_json(const ComparisonRow& row);
[[nodiscard]] nlohmann::json comparison_json(const Comparison& comparison);

}  // namespace nb
