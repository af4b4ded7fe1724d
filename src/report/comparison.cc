#include "report/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "report/json_values.h"

namespace nb {
namespace {

using nlohmann::json;

/// The currency of most rows; of several the first by name.
std::string usual_currency(const std::vector<ComparisonRow>& rows) {
  std::map<std::string, int> counts;
  for (const ComparisonRow& row : rows)
    if (row.price) ++counts[row.price->price.currency];
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? std::string() : most->first;
}

using Figures = std::array<double, 3>;

Figures figures_of(const ComparisonRow& row, const std::string& currency) {
  constexpr double kUnknown = std::numeric_limits<double>::infinity();
  const auto typical = [](const std::optional<Estimate>& estimate) {
    return estimate ? estimate->typical : kUnknown;
  };
  const bool is_priced = row.price && row.price->price.currency == currency;
  return {row.costs ? typical(row.costs->total.latency_ms) : kUnknown,
          row.costs ? typical(row.costs->total.energy_uj) : kUnknown,
          is_priced ? price_amount(row.price->price) : kUnknown};
}

bool beats(const Figures& one, const Figures& other) {
  bool is_better = false;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i] > other[i]) return false;
    is_better = is_better || one[i] < other[i];
  }
  return is_better;
}

}  // namespace

double price_amount(const Price& price) {
  const Range& range = price.amount;
  if (range.typical) return *range.typical;
  if (range.low && range.high) return (*range.low + *range.high) / 2;
  return range.low ? *range.low : range.high.value_or(0);
}

void mark_front(std::vector<ComparisonRow>& rows) {
  const std::string currency = usual_currency(rows);
  std::vector<Figures> figures;
  for (const ComparisonRow& row : rows) figures.push_back(figures_of(row, currency));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto is_rival = [&](std::size_t j) {
      return rows[j].file == rows[i].file && rows[j].format == rows[i].format && rows[j].fits();
    };
    bool is_beaten = !rows[i].fits() || !rows[i].costs || !rows[i].costs->total.latency_ms;
    for (std::size_t j = 0; j < rows.size() && !is_beaten; ++j)
      is_beaten = is_rival(j) && beats(figures[j], figures[i]);
    rows[i].is_on_front = !is_beaten;
  }
}

json price_json(const QuotedPrice& quoted) {
  const Price& price = quoted.price;
  return {{"amount", price_amount(price)},
          {"low", or_null(price.amount.low)},
          {"typical", or_null(price.amount.typical)},
          {"high", or_null(price.amount.high)},
          {"currency", price.currency},
          {"quantity", or_null(price.quantity)},
          {"date", price.date},
          {"of", price.is_of_board ? "board" : "part"},
          {"is_users", quoted.is_users},
          {"is_converted", quoted.is_converted},
          {"source", quoted.source}};
}

json comparison_row_json(const ComparisonRow& row) {
  json misfits = json::array();
  for (const Misfit& misfit : row.misfits)
    misfits.push_back({{"memory", misfit.memory},
                       {"what", misfit.what},
                       {"needed_bytes", misfit.needed_bytes},
                       {"free_bytes", misfit.free_bytes},
                       {"excess_bytes", misfit.excess_bytes()}});
  json prices = json::array();
  for (const QuotedPrice& price : row.prices) prices.push_back(price_json(price));
  json one = {{"file", row.file},
              {"model", row.model},
              {"format", text_or_null(row.format)},
              {"board", row.board},
              {"core", row.processor},
              {"fits", row.fits()},
              {"misfits", std::move(misfits)},
              {"flash",
               {{"weights_bytes", row.weights_bytes},
                {"total_bytes", or_null(row.flash_bytes)},
                {"far_bytes", or_null(row.far_bytes)}}},
              {"ram",
               {{"arena_bytes", row.arena_bytes},
                {"stack_bytes", or_null(row.stack_bytes)},
                {"static_bytes", or_null(row.static_bytes)},
                {"total_bytes", or_null(row.ram_bytes)}}},
              {"instructions", or_null(row.instructions)},
              {"price", row.price ? price_json(*row.price) : json(nullptr)},
              {"prices", std::move(prices)},
              {"blanks", row.blanks},
              {"is_on_front", row.is_on_front}};
  if (row.costs) {
    add_cost(one, row.costs->total);
    one["stall_cycles_estimated"] = std::llround(row.costs->stall_cycles);
    one["cost_basis"] = cost_basis_json(row.costs->basis, row.costs->duty, row.costs->assumptions);
  } else {
    for (const char* name : {"cycles_estimated", "cycles_low", "cycles_high", "latency_ms_estimated",
                             "latency_ms_low", "latency_ms_high", "energy_uj_estimated", "energy_uj_low",
                             "energy_uj_high", "stall_cycles_estimated", "cost_basis"})
      one[name] = nullptr;
  }
  return one;
}

json comparison_json(const Comparison& comparison) {
  json rows = json::array();
  for (const ComparisonRow& row : comparison.rows) rows.push_back(comparison_row_json(row));
  json programs = json::array();
  for (const ComparisonRow& row : comparison.rows) {
    if (programs.empty() || programs.back()["file"] != row.file ||
        programs.back()["format"] != text_or_null(row.format))
      programs.push_back({{"file", row.file},
                          {"model", row.model},
                          {"format", text_or_null(row.format)},
                          {"boards", 0},
                          {"boards_that_fit", 0}});
    json& program = programs.back();
    program["boards"] = program["boards"].get<int>() + 1;
    if (row.fits()) program["boards_that_fit"] = program["boards_that_fit"].get<int>() + 1;
  }
  const std::string currency = usual_currency(comparison.rows);
  return {{"schema_version", 1},
          {"currency", text_or_null(currency)},
          {"programs", std::move(programs)},
          {"rows", std::move(rows)}};
}

}  // namespace nb
