#include "target/board_schema.h"

namespace nb {

std::span<const KeyRow> board_schema() {
  using enum KeyType;
  constexpr double kMinHz = 1e4, kMaxHz = 5e9;
  constexpr double kMaxKib = 4194304;  // 32-bit addresses
  static constexpr KeyRow kRows[] = {
      {"", "name", name, true},
      {"", "title", text, true},
      {"", "vendor", text, true},
      {"", "part", text},
      {"", "core", name, true},
      {"", "core_count", integer, false, 1, 64},
      {"", "fpu", choice, false, 0, 0, "none,single,double"},
      {"", "clock_hz", integer, false, kMinHz, kMaxHz},
      {"", "accelerator", text},
      {"", "optimize", choice, false, 0, 0, "O1,O2,O3,Os"},
      {"", "virtual", boolean},
      {"", "note", text},
      {"", "source", text, true},
      {"", "memory", tables},
      {"", "cache", tables},
      {"", "power", tables},
      {"", "price", tables},
      {"memory", "name", name, true},
      {"memory", "kind", choice, true, 0, 0, "flash,ram,tcm,external_flash,external_ram"},
      {"memory", "address", integer, false, 0, 4294967295.0},
      {"memory", "size_kib", integer, false, 1, kMaxKib},
      {"memory", "clock_hz", integer, false, kMinHz, kMaxHz},
      {"memory", "wait_states", integer, false, 0, 255},
      {"memory", "wait_states_up_to_hz", integers, false, kMinHz, kMaxHz},
      {"memory", "interface", text},
      {"memory", "bandwidth_mb_per_s", number, false, 0.01, 1e5},
      {"memory", "executable", boolean},
      {"memory", "arena", boolean},
      {"memory", "stack", boolean},
      {"memory", "note", text},
      {"memory", "source", text},
      {"cache", "name", name, true},
      {"cache", "kind", choice, true, 0, 0, "instruction,data,unified"},
      {"cache", "size_bytes", integer, false, 16, 67108864},
      {"cache", "line_bytes", integer, false, 4, 1024},
      {"cache", "ways", integer, false, 1, 1024},
      {"cache", "serves", names},
      {"cache", "prefetch", boolean},
      {"cache", "note", text},
      {"cache", "source", text},
      {"power", "state", choice, true, 0, 0, "run,idle,sleep"},
      {"power", "of", choice, true, 0, 0, "part,board"},
      {"power", "power_mw", range, false, 1e-7, 1e6},
      {"power", "current_ma", range, false, 1e-7, 1e5},
      {"power", "current_ua_per_mhz", range, false, 1e-3, 1e5},
      {"power", "clock_hz", integer, false, kMinHz, kMaxHz},
      {"power", "supply_mv", integer, false, 500, 60000},
      {"power", "note", text},
      {"power", "source", text, true},
      {"price", "of", choice, true, 0, 0, "part,board"},
      {"price", "amount", range, true, 1e-4, 1e6},
      {"price", "currency", choice, true, 0, 0, "USD,EUR,GBP,CNY,JPY"},
      {"price", "quantity", integer, false, 1, 1e9},
      {"price", "date", date},
      {"price", "note", text},
      {"price", "source", text, true},
  };
  return kRows;
}

}  // namespace nb
