#include "target/external_memory.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "target/board_schema.h"
#include "target/catalogue.h"
#include "target/schema_check.h"

namespace nb {
namespace {

constexpr std::string_view kFolder = "src/target/memories/";

ExternalMemory read_memory(SchemaCheck& check, const toml::table& top) {
  ExternalMemory memory{.name = text_of(top, "name"),
                        .title = text_of(top, "title"),
                        .vendor = text_of(top, "vendor"),
                        .part = text_of(top, "part"),
                        .kind = static_cast<ExternalKind>(check.choice_of(top, "", "kind")),
                        .interface = text_of(top, "interface"),
                        .bus_bits = *int_of(top, "bus_bits"),
                        .size_bytes = *integer_of(top, "size_kib") * 1024,
                        .clock_hz = integer_of(top, "clock_hz"),
                        .is_double_rate = top["double_rate"].value<bool>(),
                        .bandwidth_mb_per_s = top["bandwidth_mb_per_s"].value<double>(),
                        .read_latency_clocks = int_of(top, "read_latency_clocks"),
                        .read_latency_ns = top["read_latency_ns"].value<double>(),
                        .supply_mv = int_of(top, "supply_mv"),
                        .note = text_of(top, "note")};
  read_sources(top, "", memory.sources);
  for_each_table(top, "power", memory.sources,
                 [&](const toml::table& table) { memory.powers.push_back(check.read_power(table)); });
  for_each_table(top, "price", memory.sources,
                 [&](const toml::table& table) { memory.prices.push_back(SchemaCheck::read_price(table)); });
  return memory;
}

/// Data lines of an interface: least and most.
std::pair<int, int> widths_of(std::string_view interface) {
  if (interface == "spi") return {1, 2};
  if (interface == "qspi") return {4, 4};
  if (interface == "octal" || interface == "xspi" || interface == "hyperbus") return {8, 8};
  if (interface == "hexadeca") return {16, 16};
  return {8, 64};
}

}  // namespace

Result<ExternalMemory> parse_external_memory(std::string_view toml, std::string_view file,
                                             Diagnostics& diagnostics) {
  SchemaCheck check(memory_schema(), "an external memory", toml, file, diagnostics);
  const toml::table* top = check.check();
  if (top == nullptr) return kFailed;
  ExternalMemory memory = read_memory(check, *top);
  const auto [least, most] = widths_of(memory.interface);
  if (memory.bus_bits < least || memory.bus_bits > most)
    check.refuse((*top)["bus_bits"].node()->source(),
                 std::to_string(memory.bus_bits) + " data lines on " + quoted_text(memory.interface),
                 "bus_bits is the interface's: spi 1 or 2, qspi 4, octal, xspi and hyperbus 8, hexadeca 16");
  const auto on_bus = memory.bus_mb_per_s();
  if (on_bus && memory.bandwidth_mb_per_s && *memory.bandwidth_mb_per_s > *on_bus * 1.01)
    check.refuse((*top)["bandwidth_mb_per_s"].node()->source(), "more bytes than the bus carries",
                 "bandwidth_mb_per_s is at most bus_bits times clock_hz, twice that at double_rate");
  if (check.is_refused()) return kFailed;
  return memory;
}

Result<std::vector<ExternalMemory>> parse_memory_catalogue(Diagnostics& diagnostics) {
  return parse_all<ExternalMemory>(kFolder, parse_external_memory, diagnostics);
}

const std::vector<ExternalMemory>& builtin_memories() {
  static const std::vector<ExternalMemory> kMemories = [] {
    Diagnostics unheard;  // a test sees to it that every file parses
    auto memories = parse_memory_catalogue(unheard);
    if (!memories) return std::vector<ExternalMemory>();
    std::ranges::sort(*memories, {}, [](const ExternalMemory& memory) {
      return std::pair(memory.kind, std::string_view(memory.name));
    });
    return *std::move(memories);
  }();
  return kMemories;
}

Result<ExternalMemory> find_external_memory(std::string_view name, Diagnostics& diagnostics) {
  const std::string wanted = to_lower(name);
  std::vector<std::string> names;
  for (const ExternalMemory& memory : builtin_memories()) {
    if (memory.name == wanted) return memory;
    names.push_back(memory.name);
  }
  const std::string near = nearest(wanted, names);
  return diagnostics.add({.kind = Kind::unknown_board,
                          .message = "no external memory is called `" + printable(name) + "`",
                          .notes = {"external memories: " + join(names, ", ")},
                          .help = near.empty() ? "" : "did you mean `" + near + "`?"});
}

}  // namespace nb
