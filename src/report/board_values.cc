#include "report/board_values.h"

#include <fmt/format.h>

#include "base/text.h"

namespace nb {

std::string_view state_name(PowerState state) {
  switch (state) {
    case PowerState::run:
      return "run";
    case PowerState::idle:
      return "idle";
    case PowerState::sleep:
      return "sleep";
  }
  return "";
}

std::string_view kind_name(CacheKind kind) {
  switch (kind) {
    case CacheKind::instruction:
      return "instruction";
    case CacheKind::data:
      return "data";
    case CacheKind::unified:
      return "unified";
  }
  return "";
}

std::vector<std::string> kind_names(const Expansion& expansion) {
  std::vector<std::string> names;
  for (const ExternalKind kind : expansion.kinds) names.emplace_back(name_of(kind));
  return names;
}

std::string range_text(const Range& range) {
  const auto number = [](double value) { return fmt::format("{:.4g}", value); };
  std::string ends;
  if (range.low && range.high)
    ends = number(*range.low) + "-" + number(*range.high);
  else if (range.low)
    ends = "from " + number(*range.low);
  else if (range.high)
    ends = "up to " + number(*range.high);
  if (!range.typical) return ends;
  return number(*range.typical) + (ends.empty() ? "" : " (" + ends + ")");
}

std::string power_text(const Power& power) {
  std::string text = power.power_mw     ? range_text(*power.power_mw) + " mW"
                     : power.current_ma ? range_text(*power.current_ma) + " mA"
                                        : range_text(*power.current_ua_per_mhz) + " uA/MHz";
  std::string where;
  if (power.clock_hz) where = fmt::format("{:g} MHz", static_cast<double>(*power.clock_hz) / 1e6);
  if (power.supply_mv) where += (where.empty() ? "" : ", ") + fmt::format("{:g} V", *power.supply_mv / 1e3);
  return where.empty() ? text : text + " at " + where;
}

std::string price_text(const QuotedPrice& quoted) {
  const Price& price = quoted.price;
  std::string text = (quoted.is_converted ? "~" : "") + range_text(price.amount) + " " + price.currency;
  if (price.quantity && *price.quantity != 1) text += "/" + std::to_string(*price.quantity);
  return text;
}

namespace {

std::string first_of(const std::vector<QuotedPrice>& quoted) {
  for (const QuotedPrice& one : quoted)
    if (!one.price.is_of_board) return price_text(one);
  return quoted.empty() ? "" : price_text(quoted.front()) + " board";
}

}  // namespace

std::string first_price(const Board& board, const PriceList* prices) {
  return first_of(quoted_prices(board.name, board.part, board.prices, board.sources, prices));
}

std::string first_price(const ExternalMemory& memory, const PriceList* prices) {
  return first_of(quoted_prices(memory.name, memory.part, memory.prices, memory.sources, prices));
}

std::string size_text(const Board& board, bool is_flash) {
  std::int64_t inside = 0, outside = 0;
  for (const Memory& memory : board.memories) {
    if (memory.is_flash() != is_flash) continue;
    const bool is_outside =
        memory.kind == MemoryKind::external_flash || memory.kind == MemoryKind::external_ram;
    (is_outside ? outside : inside) += memory.size_bytes.value_or(0);
  }
  if (inside > 0) return bytes_text(inside);
  return outside > 0 ? bytes_text(outside) + " ext" : "";
}

std::string peak_text(const ExternalMemory& memory) {
  const auto peak = memory.bandwidth_mb_per_s ? memory.bandwidth_mb_per_s : memory.bus_mb_per_s();
  return peak ? fmt::format("{:.4g}", *peak) : "";
}

std::string latency_text(const ExternalMemory& memory) {
  if (memory.read_latency_ns) return fmt::format("{:g} ns", *memory.read_latency_ns);
  return memory.read_latency_clocks
             ? count_text(static_cast<std::size_t>(*memory.read_latency_clocks), "clock")
             : "";
}

}  // namespace nb
