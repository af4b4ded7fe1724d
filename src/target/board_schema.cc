#include "target/board_schema.h"

#include <algorithm>
#include <vector>

namespace nb {

using enum KeyType;

namespace {

constexpr double kMinHz = 1e4, kMaxHz = 5e9;
constexpr double kMaxKib = 4194304;  // 32-bit addresses
constexpr std::string_view kInterfaces = "spi,qspi,octal,xspi,hexadeca,hyperbus,parallel";
constexpr std::string_view kExternalKinds = "nor_flash,psram,hyper_ram,sdram";
constexpr std::string_view kCurrencies = "USD,EUR,GBP,CNY,JPY,CHF,INR,KRW,TWD,CAD,AUD,SEK,NOK,PLN,BRL";

/// What boards and memories say of power and prices; `of_boards`: also what only boards say.
std::vector<KeyRow> with_costs(std::span<const KeyRow> own, bool of_boards) {
  static constexpr KeyRow kCosts[] = {
      {"power", "state", choice, true, 0, 0, "run,idle,sleep"},
      {"power", "of", choice, true, 0, 0, "part,board"},
      {"power", "power_mw", range, false, 1e-7, 1e6},
      {"power", "current_ma", range, false, 1e-7, 1e5},
      {"power", "current_ua_per_mhz", range, false, 1e-3, 1e5},
      {"power", "clock_hz", integer, false, kMinHz, kMaxHz},
      {"power", "supply_mv", integer, false, 500, 60000},
      {"power", "load", choice, false, 0, 0, "inference,accelerator,coremark,loop"},
      {"power", "regulator", choice, false, 0, 0, "ldo,smps"},
      {"power", "note", text},
      {"power", "source", text, true},
      {"price", "of", choice, true, 0, 0, "part,board"},
      {"price", "amount", range, true, 1e-4, 1e6},
      {"price", "currency", choice, true, 0, 0, kCurrencies},
      {"price", "quantity", integer, false, 1, 1e9},
      {"price", "date", date, true},
      {"price", "note", text},
      {"price", "source", text, true},
  };
  constexpr std::string_view kOfBoards[] = {"of", "current_ua_per_mhz", "load", "regulator"};
  std::vector<KeyRow> rows(own.begin(), own.end());
  for (const KeyRow& row : kCosts)
    if (of_boards || std::find(std::begin(kOfBoards), std::end(kOfBoards), row.key) == std::end(kOfBoards))
      rows.push_back(row);
  return rows;
}

}  // namespace

std::span<const KeyRow> board_schema() {
  static constexpr KeyRow kRows[] = {
      {"", "name", name, true},
      {"", "title", text, true},
      {"", "vendor", text, true},
      {"", "part", text},
      {"", "core", name, true},
      {"", "core_count", integer, false, 1, 64},
      {"", "pipeline", choice, false, 0, 0, "hazard3,e31,ri5cy,qingke-v2"},
      {"", "fpu", choice, false, 0, 0, "none,single,double"},
      {"", "clock_hz", integer, false, kMinHz, kMaxHz},
      {"", "accelerator", text},
      {"", "optimize", choice, false, 0, 0, "O1,O2,O3,Os"},
      {"", "virtual", boolean},
      {"", "note", text},
      {"", "source", text, true},
      {"", "memory", tables},
      {"", "cache", tables},
      {"", "no_expansion", text},
      {"", "expansion", tables},
      {"", "power", tables},
      {"", "price", tables},
      {"memory", "name", name, true},
      {"memory", "kind", choice, true, 0, 0, "flash,ram,tcm,external_flash,external_ram"},
      {"memory", "address", integer, false, 0, 4294967295.0},
      {"memory", "size_kib", integer, false, 1, kMaxKib},
      {"memory", "clock_hz", integer, false, kMinHz, kMaxHz},
      {"memory", "read_bits", integer, false, 8, 512},
      {"memory", "wait_states", integer, false, 0, 255},
      {"memory", "wait_states_up_to_hz", integers, false, kMinHz, kMaxHz},
      {"memory", "part", name},
      {"memory", "interface", text},
      {"memory", "bandwidth_mb_per_s", number, false, 0.01, 1e5},
      {"memory", "read_latency_clocks", integer, false, 1, 255},
      {"memory", "executable", boolean},
      {"memory", "arena", boolean},
      {"memory", "stack", boolean},
      {"memory", "note", text},
      {"memory", "source", text},
      {"cache", "name", name, true},
      {"cache", "kind", choice, true, 0, 0, "instruction,data,unified"},
      {"cache", "size_bytes", integer, false, 8, 67108864},
      {"cache", "line_bytes", integer, false, 4, 1024},
      {"cache", "ways", integer, false, 1, 1024},
      {"cache", "serves", names},
      {"cache", "address", integer, false, 0, 4294967295.0},
      {"cache", "fills_on", choice, false, 0, 0, "miss,jump"},
      {"cache", "new_line_cycles", integer, false, 0, 16},
      {"cache", "prefetch", boolean},
      {"cache", "note", text},
      {"cache", "source", text},
      {"expansion", "name", name, true},
      {"expansion", "interfaces", choices, true, 0, 0, kInterfaces},
      {"expansion", "kinds", choices, true, 0, 0, kExternalKinds},
      {"expansion", "address", integer, false, 0, 4294967295.0},
      {"expansion", "window_kib", integer, false, 1, kMaxKib},
      {"expansion", "bus_bits", integer, false, 8, 64},
      {"expansion", "clock_hz", integer, false, 1e6, 1e9},
      {"expansion", "double_rate_clock_hz", integer, false, 1e6, 1e9},
      {"expansion", "executable", boolean},
      {"expansion", "shared_with", name},
      {"expansion", "note", text},
      {"expansion", "source", text, true},
  };
  static const std::vector<KeyRow> kAll = with_costs(kRows, true);
  return kAll;
}

std::span<const KeyRow> memory_schema() {
  static constexpr KeyRow kRows[] = {
      {"", "name", name, true},
      {"", "title", text, true},
      {"", "vendor", text, true},
      {"", "part", text, true},
      {"", "kind", choice, true, 0, 0, kExternalKinds},
      {"", "interface", choice, true, 0, 0, kInterfaces},
      {"", "bus_bits", integer, true, 1, 64},
      {"", "size_kib", integer, true, 1, kMaxKib},
      {"", "clock_hz", integer, false, 1e6, 2e9},
      {"", "double_rate", boolean},
      {"", "bandwidth_mb_per_s", number, false, 0.1, 1e5},
      {"", "read_latency_clocks", integer, false, 1, 255},
      {"", "read_latency_ns", number, false, 0.1, 1e5},
      {"", "supply_mv", integer, false, 500, 60000},
      {"", "note", text},
      {"", "source", text, true},
      {"", "power", tables},
      {"", "price", tables},
  };
  static const std::vector<KeyRow> kAll = with_costs(kRows, false);
  return kAll;
}

std::span<const KeyRow> battery_schema() {
  static constexpr KeyRow kRows[] = {
      {"", "name", name, true},
      {"", "title", text, true},
      {"", "chemistry", text, true},
      {"", "nominal_mv", integer, true, 500, 60000},
      {"", "capacity_mah", number, true, 1, 1e6},
      {"", "cutoff_mv", integer, false, 300, 60000},
      {"", "self_discharge_percent_per_year", number, false, 0.01, 100},
      {"", "shelf_life_years", number, false, 0.5, 40},
      {"", "rechargeable", boolean},
      {"", "note", text},
      {"", "source", text, true},
  };
  return kRows;
}

std::span<const KeyRow> price_list_schema() {
  static constexpr KeyRow kRows[] = {
      {"", "currency", choice, true, 0, 0, kCurrencies},
      {"", "note", text},
      {"", "source", text},
      {"", "price", tables},
      {"", "rate", tables},
      {"price", "part", text, true},
      {"price", "of", choice, false, 0, 0, "part,board"},
      {"price", "amount", range, true, 1e-4, 1e6},
      {"price", "currency", choice, false, 0, 0, kCurrencies},
      {"price", "quantity", integer, false, 1, 1e9},
      {"price", "date", date, true},
      {"price", "note", text},
      {"price", "source", text},
      {"rate", "currency", choice, true, 0, 0, kCurrencies},
      {"rate", "amount", number, true, 1e-6, 1e6},
      {"rate", "date", date, true},
      {"rate", "source", text},
  };
  return kRows;
}

}  // namespace nb
