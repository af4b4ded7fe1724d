#include "driver/time_firmware.h"

#include <algorithm>

#include "base/elf.h"
#include "base/file.h"
#include "base/text.h"
#include "bench/emulate.h"
#include "bench/machines.h"
#include "driver/time_program.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

/// The address of a symbol or of 0x...; reports usage with the nearest names.
Result<std::uint32_t> find_address(const ElfFile& elf, const std::string& name, const char* option,
                                   Diagnostics& diagnostics) {
  if (name.starts_with("0x"))
    if (const auto address = parse_hex(name)) return *address & ~1u;
  std::vector<std::string> names;
  for (const ElfSymbol& symbol : elf.symbols) {
    if (symbol.name == name) return static_cast<std::uint32_t>(symbol.address) & ~1u;
    if (symbol.is_function) names.push_back(symbol.name);
  }
  const std::string near = nearest(name, names);
  return diagnostics.add({.kind = Kind::usage,
                          .message = std::string(option) + " `" + printable(name) + "`: no symbol of the " +
                                     std::to_string(elf.symbols.size()) + " in the file",
                          .help = near.empty() ? "`nm FILE` lists them; an address is given as 0x..."
                                               : "did you mean `" + near + "`?"});
}

/// What the user's memory map says, in order.
Status read_map(const TimeRequest& request, const ElfFile& elf, const Board& board,
                std::vector<RegionPlace>& places, Diagnostics& diagnostics) {
  for (const std::string& text : request.memory_map) {
    const std::size_t equals = text.rfind('=');
    const std::string name = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (find_memory(board, name) == nullptr) {
      std::vector<std::string> names;
      for (const Memory& memory : board.memories) names.push_back(memory.name);
      return diagnostics.add({.kind = Kind::usage,
                              .message = "--memory-map `" + printable(text) + "`: " + board.name +
                                         " has no memory `" + printable(name) + "`",
                              .help = "its memories: " + join(names, ", ")});
    }
    const std::string_view what = std::string_view(text).substr(0, equals);
    const std::size_t dash = what.find('-');
    const auto section = std::find_if(elf.sections.begin(), elf.sections.end(),
                                      [&](const ElfSection& one) { return one.name == what; });
    const auto low = parse_hex(what.substr(0, dash));
    const auto high = dash == std::string_view::npos ? std::nullopt : parse_hex(what.substr(dash + 1));
    if (section != elf.sections.end()) {
      if (section->size_bytes == 0) continue;
      places.push_back({static_cast<std::uint32_t>(section->address),
                        static_cast<std::uint32_t>(section->address + section->size_bytes), name});
    } else if (low && high && *low < *high) {
      places.push_back({*low, *high, name});
    } else {
      return diagnostics.add({.kind = Kind::usage,
                              .message = "--memory-map `" + printable(text) +
                                         "` is neither LOW-HIGH=MEMORY nor .section=MEMORY of the file",
                              .help = "as in --memory-map 20000000-20010000=dtcm,.rodata=flash"});
    }
  }
  return {};
}

/// Regions of everything that the program can reach: the user's, then by address.
Result<std::vector<RegionPlace>> places_of(const TimeRequest& request, const ElfFile& elf, const Board& board,
                                           const bench::Machine& machine, Diagnostics& diagnostics) {
  std::vector<RegionPlace> places;
  if (!read_map(request, elf, board, places, diagnostics)) return kFailed;
  const auto board_memory_at = [&](std::uint32_t address) -> const Memory* {
    for (const Memory& memory : board.memories)
      if (memory.address && memory.size_bytes && address >= *memory.address &&
          address - *memory.address < *memory.size_bytes)
        return &memory;
    return nullptr;
  };
  const auto add = [&](const bench::MachineMemory& memory, const Memory* otherwise) {
    const Memory* same = board_memory_at(memory.origin);
    const Memory* is = same != nullptr && same->is_flash() == otherwise->is_flash() ? same : otherwise;
    places.push_back({memory.origin, memory.origin + memory.length_bytes, is->name});
  };
  for (const bench::MachineMemory& memory : machine.flash) add(memory, program_memory(board));
  for (const bench::MachineMemory& memory : machine.ram) add(memory, stack_memory(board));
  if (places.size() > 8)
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--memory-map: more than " +
                                       std::to_string(8 - machine.flash.size() - machine.ram.size()) +
                                       " pieces"});
  return places;
}

std::string_view architecture_of(std::uint16_t elf_machine) {
  return elf_machine == 40 ? "Arm" : elf_machine == 243 ? "RISC-V" : "another architecture";
}

struct Opened {
  ElfFile elf;
  const bench::CoreTarget* core;
  const bench::Machine* machine;
  const CoreModel* model;
  std::vector<std::uint32_t> fault_handlers;
};

/// Entries 2 to 6 of the vector table at the machine's reset address: NMI and the faults. Empty on RISC-V.
std::vector<std::uint32_t> fault_handlers(const ElfFile& elf, ByteSpan file, const bench::Machine& machine) {
  std::vector<std::uint32_t> handlers;
  if (machine.program != "qemu-system-arm") return handlers;
  for (const ElfSection& section : elf.sections) {
    const std::uint64_t at = machine.reset_origin;
    if (!section.is_loaded() || at < section.address || at + 28 > section.address + section.size_bytes)
      continue;
    for (std::uint64_t entry = 2; entry <= 6; ++entry) {
      const auto handler =
          load<std::uint32_t>(file, section.offset + (at - section.address) + 4 * entry) & ~1u;
      if (handler != 0) handlers.push_back(handler);
    }
  }
  return handlers;
}

/// The file with what runs it. Errors as time_firmware's.
Result<Opened> open_firmware(const TimeRequest& request, const Board& board, Diagnostics& diagnostics) {
  const bench::CoreTarget* core = bench::find_core(board.processor);
  const CoreModel* model = find_core_model(board.processor, board.pipeline);
  if (core == nullptr || model == nullptr)
    return diagnostics.add(
        {.kind = Kind::unknown_board,
         .message = "no timing model of " + board.processor + ", the core of " + board.name,
         .help = "`nblocks boards` lists boards of other cores"});
  const FileRead file = read_file(request.elf);
  if (!file.bytes)
    return diagnostics.add(
        {.kind = Kind::file_unreadable, .message = "`" + request.elf.string() + "`: " + file.why_not});
  auto elf = parse_elf32(*file.bytes);
  if (!elf)
    return diagnostics.add({.kind = Kind::file_unreadable,
                            .message = "`" + request.elf.string() + "` is no 32-bit little-endian ELF file"});
  const auto machine_number = load<std::uint16_t>(*file.bytes, 18);
  const bool is_arm = core->tool_prefix.starts_with("arm");
  if (machine_number != (is_arm ? 40 : 243))
    return diagnostics.add({.kind = Kind::file_unreadable,
                            .message = "`" + request.elf.string() + "` is code of " +
                                       std::string(architecture_of(machine_number)) + ", " + board.name +
                                       " has a " + board.processor});
  const auto fits = [&](const bench::Machine& machine) {
    const auto inside = [&](const ElfSection& section, std::span<const bench::MachineMemory> memories) {
      return std::any_of(memories.begin(), memories.end(), [&](const bench::MachineMemory& memory) {
        return section.address >= memory.origin &&
               section.address + section.size_bytes <= std::uint64_t{memory.origin} + memory.length_bytes;
      });
    };
    return std::all_of(elf->sections.begin(), elf->sections.end(), [&](const ElfSection& section) {
      if ((section.flags & 2u) == 0 || section.size_bytes == 0) return true;
      const bool is_boot = section.address == machine.reset_origin;
      return is_boot || inside(section, machine.flash) || inside(section, machine.ram);
    });
  };
  for (const bench::Machine* machine : core->machines)
    if (fits(*machine)) {
      auto handlers = fault_handlers(*elf, *file.bytes, *machine);
      return Opened{std::move(*elf), core, machine, model, std::move(handlers)};
    }
  std::string where;
  for (const bench::Machine* machine : core->machines) {
    where += where.empty() ? "" : "; ";
    where += std::string(machine->name) + ":";
    for (const auto& memories : {machine->flash, machine->ram})
      for (const bench::MachineMemory& memory : memories) {
        std::array<char, 64> text{};
        std::snprintf(text.data(), text.size(), " %s 0x%08x+0x%x", std::string(memory.name).c_str(),
                      memory.origin, memory.length_bytes);
        where += text.data();
      }
  }
  return diagnostics.add({.kind = Kind::file_unreadable,
                          .message = "`" + request.elf.string() +
                                     "` is linked for addresses that no virtual machine of " +
                                     board.processor + " has",
                          .notes = {where},
                          .help = "link it for one of these; --memory-map says where its sections lie on the "
                                  "board"});
}

/// "main 62 %, memcpy 20 %, ...": the functions with the most instructions.
std::string what_ran(const ElfFile& elf, const Profile& profile) {
  std::map<std::string, std::uint64_t> functions;
  std::uint64_t all = 0;
  for (const ProfileBlock& block : profile.blocks) {
    const std::uint64_t count = block.count * block.instructions;
    std::string name = elf.function_at(block.address);
    functions[name.empty() ? "code without a symbol" : name] += count;
    all += count;
  }
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (auto& [name, count] : functions) order.emplace_back(count, name);
  std::sort(order.rbegin(), order.rend());
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(5, order.size()); ++i)
    text += (i == 0 ? "" : ", ") + order[i].second + " " +
            std::to_string(all == 0 ? 0 : order[i].first * 100 / all) + " %";
  return text;
}

constexpr const char* kExceptionLog = "nb_exceptions.txt";

/// What QEMU logged of the last exception that is no call of the debugger or the system: "Undefined
/// Instruction; with CFSR.UNDEFINSTR".
std::string exception_text(const fs::path& folder) {
  const FileRead file = read_file(folder / kExceptionLog);
  std::string last;
  bool is_of_interest = false;
  for (const std::string_view line : split(file.text(), '\n')) {
    if (line.starts_with("Taking exception ") || line.starts_with("riscv_cpu_do_interrupt")) {
      is_of_interest = line.find("Semihosting") == std::string_view::npos &&
                       line.find("[SVC]") == std::string_view::npos &&
                       line.find("breakpoint") == std::string_view::npos &&
                       line.find("async:1") == std::string_view::npos;
      if (!is_of_interest) continue;
      const std::size_t open = line.find('['), close = line.find(']');
      last = open == std::string_view::npos || close < open
                 ? std::string(line.substr(line.find(' ') + 1))
                 : std::string(line.substr(open + 1, close - open - 1));
    } else if (is_of_interest && (line.starts_with("...with") || line.starts_with("...at"))) {
      last += "; " + std::string(line.substr(3));
    }
  }
  return printable(last, 300);
}

/// Says that the firmware faulted, if it did.
bool report_fault(const Opened& opened, const Emulation& run, const fs::path& folder,
                  Diagnostics& diagnostics) {
  const std::string what = exception_text(folder);
  const bool is_known = run.profile && run.profile->fault_handler;
  if (!is_known && (what.empty() || !run.end.timed_out)) return false;
  std::string where;
  if (is_known) {
    const ProfileBlock& block = run.profile->blocks[run.profile->fault_block];
    const std::string function = opened.elf.function_at(block.address);
    std::array<char, 64> address{};
    std::snprintf(address.data(), address.size(), " in 0x%08x to 0x%08x", block.address,
                  block.address + block.size_bytes - 1);
    where = (function.empty() ? "" : " in `" + function + "`,") + std::string(address.data());
  }
  diagnostics.add(
      {.kind = Kind::firmware_fault,
       .message = "the firmware faulted on the virtual " + std::string(opened.core->name) + where +
                  (what.empty() ? "" : ": " + what),
       .help = what.find("Undefined") != std::string::npos || what.find("illegal") != std::string::npos ||
                       what.find("NOCP") != std::string::npos
                   ? "an instruction that this core lacks: was it compiled for another?"
                   : "the virtual board has memory where `nblocks time` says, and no peripherals of the real "
                     "one: leave out what touches them"});
  return true;
}

}  // namespace

Result<FirmwareTiming> time_firmware(const TimeRequest& request, const Board& board,
                                     Diagnostics& diagnostics) {
  auto opened = open_firmware(request, board, diagnostics);
  if (!opened) return kFailed;
  const ElfFile& elf = opened->elf;
  const auto from = find_address(elf, request.from, "--from", diagnostics);
  if (!from) return kFailed;
  CountRequest count{.has_edges = true, .first = 0, .last = 1, .ends_at_last = true};
  if (request.to.empty()) {
    count.call = *from;
  } else {
    const auto to = find_address(elf, request.to, "--to", diagnostics);
    if (!to) return kFailed;
    count.marks = {*from, *to};
  }
  auto places = places_of(request, elf, board, *opened->machine, diagnostics);
  if (!places) return kFailed;
  CachePlan plan;
  const MemorySystem memories(board, *places, request.conditions, plan);
  if (!plan.is_empty()) count.memories = plan.text(*places);

  const TemporaryFolder folder;
  std::vector<std::string> qemu = qemu_command(*opened->machine);
  for (const char* word : {"-d", "int,guest_errors", "-D", kExceptionLog}) qemu.emplace_back(word);
  count.faults = opened->fault_handlers;
  const auto run = emulate(qemu, request.elf, folder.path(), count, {}, request.timeout_seconds, diagnostics);
  if (!run) return kFailed;
  if (report_fault(*opened, *run, folder.path(), diagnostics)) return kFailed;
  if (!run->profile || run->profile->intervals.size() < 2)
    return diagnostics.add(
        {.kind = run->end.timed_out ? Kind::firmware_fault : Kind::usage,
         .message = run->end.timed_out
                        ? "the firmware did not come from `" + request.from + "` to " +
                              (request.to.empty() ? "its return" : "`" + request.to + "`") + " within " +
                              std::to_string(static_cast<int>(request.timeout_seconds)) + " s"
                        : "`" +
                              (run->profile && !run->profile->intervals.empty() && !request.to.empty()
                                   ? request.to
                                   : request.from) +
                              "` was never reached: the program ended with status " +
                              std::to_string(run->end.exit_code),
         .notes = {run->profile ? "what ran instead: " + what_ran(elf, *run->profile)
                                : printable(run->end.err.substr(0, 400), 400)}});
  const Profile& profile = *run->profile;
  const auto code = disassembly_of(profile, board, diagnostics);
  if (!code) return kFailed;
  const Timer timer(*opened->model, *code, profile);
  FirmwareTiming result{.clock_hz = memories.clock_hz(),
                        .places = *places,
                        .assumptions = memories.assumptions(),
                        .machine = std::string(opened->machine->name)};
  std::map<std::string, Timing> functions;
  std::int64_t unread = 0;
  // The first interval ends where `from` is passed; `from` may be passed again before `to`.
  for (std::size_t interval = 1; interval < profile.intervals.size(); ++interval) {
    const auto blocks = timer.timing(interval, memories);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (blocks[i].instructions == 0 && blocks[i].cycles() == 0) continue;
      functions[elf.function_at(profile.blocks[i].address)] += blocks[i];
      result.total += blocks[i];
    }
    unread += timer.unread_instructions(interval);
  }
  for (auto& [name, timing] : functions) result.functions.push_back({name, timing});
  std::stable_sort(
      result.functions.begin(), result.functions.end(),
      [](const FunctionTiming& a, const FunctionTiming& b) { return a.timing.cycles() > b.timing.cycles(); });
  for (std::string& doubt : timer.doubts(unread)) result.assumptions.push_back(std::move(doubt));
  return result;
}

}  // namespace nb
