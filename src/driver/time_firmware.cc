#include "driver/time_firmware.h"

#include <algorithm>
#include <array>

#include "base/elf.h"
#include "base/elf_attributes.h"
#include "base/file.h"
#include "base/text.h"
#include "bench/core_instructions.h"
#include "bench/emulate.h"
#include "bench/machines.h"
#include "driver/firmware_end.h"
#include "driver/time_program.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

/// Whether the tools' mapping symbols ("$d", "$t", "$x") say that data lie at the address, among code.
bool is_marked_data(const ElfFile& elf, std::uint32_t address) {
  const ElfSymbol* last = nullptr;
  for (const ElfSymbol& symbol : elf.symbols) {
    const std::string_view kind = std::string_view(symbol.name).substr(0, 2);
    if ((kind != "$d" && kind != "$t" && kind != "$a" && kind != "$x") || symbol.address > address) continue;
    if (last == nullptr || symbol.address >= last->address) last = &symbol;
  }
  const ElfSection* section = elf.section_at(address);
  return last != nullptr && section != nullptr && last->address >= section->address && last->name[1] == 'd';
}

/// Reports what lies at the address, if it is no code. `symbol`: that of the name, if it has one.
Status check_code(const ElfFile& elf, std::uint32_t address, const ElfSymbol* symbol, const std::string& what,
                  Diagnostics& diagnostics) {
  if (symbol != nullptr && symbol->is_function) return {};
  const ElfSection* section = elf.section_at(address);
  const bool is_object = symbol != nullptr && symbol->is_object;
  if (!is_object && section != nullptr && section->has_code() && !is_marked_data(elf, address)) return {};
  std::string place = "outside all sections of the file";
  if (section != nullptr) place = "in " + section->name;
  std::string why = ", which holds no code";
  if (is_object)
    why = ", no code";
  else if (section == nullptr)
    why.clear();
  else if (section->has_code())
    why = ", where data lie among code";
  if (is_object) place = "an object of " + count_text(symbol->size_bytes, "byte") + " " + place;
  return diagnostics.add(
      {.kind = Kind::usage,
       .message = what + ": " + place + why,
       .help = "a passage begins and ends at an instruction: a function, a label in code, or 0x... of one"});
}

/// The address of a symbol or of 0x...; reports usage with the nearest names, or with what is no code.
Result<std::uint32_t> find_address(const ElfFile& elf, const std::string& name, const char* option,
                                   Diagnostics& diagnostics) {
  const std::string what = std::string(option) + " `" + printable(name) + "`";
  if (name.starts_with("0x"))
    if (const auto address = parse_hex(name)) {
      if (!check_code(elf, *address & ~1u, nullptr, what, diagnostics)) return kFailed;
      return *address & ~1u;
    }
  std::vector<std::string> names;
  const ElfSymbol* found = nullptr;
  for (const ElfSymbol& symbol : elf.symbols) {
    if (symbol.is_function) names.push_back(symbol.name);
    if (symbol.name != name || !symbol.is_defined) continue;
    if (found == nullptr || (!found->is_function && symbol.is_function)) found = &symbol;
  }
  if (found != nullptr) {
    const std::uint32_t address = static_cast<std::uint32_t>(found->address) & ~1u;
    if (!check_code(elf, address, found, what, diagnostics)) return kFailed;
    return address;
  }
  if (elf.symbols.empty())
    return diagnostics.add({.kind = Kind::usage,
                            .message = what + ": the file has no symbols",
                            .help = "it was stripped: link without -s, or give addresses as 0x..."});
  const std::string near = nearest(name, names);
  return diagnostics.add(
      {.kind = Kind::usage,
       .message = what + ": no symbol of the " + std::to_string(elf.symbols.size()) + " in the file",
       .help = near.empty() ? "`nm FILE` lists them; an address is given as 0x..."
                            : "did you mean `" + near + "`?"});
}

/// The first bytes of a 32-bit little-endian ELF file.
bool has_elf32_head(ByteSpan file) {
  constexpr std::array<std::uint8_t, 6> kHead = {0x7f, 'E', 'L', 'F', 1, 1};
  return file.size() >= kHead.size() &&
         std::equal(kHead.begin(), kHead.end(), file.begin(),
                    [](std::uint8_t a, auto b) { return a == static_cast<std::uint8_t>(b); });
}

/// What the user's memory map says, in order.
Status read_map(const TimeRequest& request, const ElfFile& elf, const Board& board,
                std::vector<RegionPlace>& places, Diagnostics& diagnostics) {
  std::vector<RegionPlace> ranges;
  for (const std::string& text : request.memory_map) {
    const auto refuse = [&](const std::string& why, const std::string& help) {
      return diagnostics.add(
          {.kind = Kind::usage, .message = "--memory-map `" + printable(text) + "` " + why, .help = help});
    };
    const std::size_t equals = text.rfind('=');
    const std::string name = equals == std::string::npos ? "" : text.substr(equals + 1);
    const Memory* memory = find_memory(board, name);
    if (memory == nullptr) {
      std::vector<std::string> names;
      for (const Memory& one : board.memories) names.push_back(one.name);
      return refuse("leads to no memory of " + board.name + ": it has no `" + printable(name) + "`",
                    "its memories: " + join(names, ", "));
    }
    const std::string_view what = std::string_view(text).substr(0, equals);
    const std::size_t dash = what.find('-');
    const auto section = std::find_if(elf.sections.begin(), elf.sections.end(),
                                      [&](const ElfSection& one) { return one.name == what; });
    const auto low = parse_hex(what.substr(0, dash));
    const auto high = dash == std::string_view::npos ? std::nullopt : parse_hex(what.substr(dash + 1));
    RegionPlace place;
    if (section != elf.sections.end()) {
      if (section->size_bytes == 0) continue;
      place = {static_cast<std::uint32_t>(section->address),
               static_cast<std::uint32_t>(section->address + section->size_bytes), name};
    } else if (low && high && *low < *high) {
      place = {*low, *high, name};
    } else if (low && high) {
      return refuse("ends before it begins", "LOW-HIGH, HIGH behind the last byte");
    } else {
      return refuse("is neither LOW-HIGH=MEMORY nor .section=MEMORY of the file",
                    "as in --memory-map 20000000-20010000=dtcm,.rodata=flash");
    }
    const std::int64_t size_bytes = std::int64_t{place.high} - place.low;
    if (memory->size_bytes && size_bytes > *memory->size_bytes)
      return refuse("is of " + grouped(size_bytes) + " bytes, `" + name + "` of " + board.name + " has " +
                        grouped(*memory->size_bytes),
                    "name what of the file lies there");
    // A section may lie in a range, to be elsewhere.
    const auto other = std::find_if(ranges.begin(), ranges.end(), [&](const RegionPlace& one) {
      return one.low < place.high && place.low < one.high && one.memory != name;
    });
    if (section == elf.sections.end() && other != ranges.end())
      return refuse("overlaps 0x" + hex_text(other->low) + " to 0x" + hex_text(other->high) + ", which is `" +
                        other->memory + "`",
                    "each address lies in one memory");
    if (section == elf.sections.end()) ranges.push_back(place);
    places.push_back(std::move(place));
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

constexpr std::uint32_t kNoBits = 8;  // of ElfSection::type

struct Opened {
  ElfFile elf;
  const bench::CoreTarget* core;
  const bench::Machine* machine;
  const CoreModel* model;
  std::vector<std::uint32_t> fault_handlers;
  std::optional<bench::Mismatch> mismatch;
};

/// Entries 2 to 6, if they are there, of the vector table at the machine's reset address: NMI and the faults.
/// Empty on RISC-V.
std::vector<std::uint32_t> fault_handlers(const ElfFile& elf, ByteSpan file, const bench::Machine& machine) {
  std::vector<std::uint32_t> handlers;
  if (machine.program != "qemu-system-arm") return handlers;
  for (const ElfSection& section : elf.sections) {
    const std::uint64_t at = machine.reset_origin;
    const std::uint64_t end = section.address + section.size_bytes;
    if (!section.is_loaded() || at < section.address || at >= end) continue;
    // A table may have fewer, and code behind it.
    for (std::uint64_t entry = 2; entry <= 6 && at + 4 * entry + 4 <= end; ++entry) {
      const auto handler =
          load<std::uint32_t>(file, section.offset + (at - section.address) + 4 * entry) & ~1u;
      if (handler != 0) handlers.push_back(handler);
    }
  }
  return handlers;
}

/// What the file's build attributes ask for and the core lacks, if anything. It need not be what runs: a
/// program may be built for a larger core and use nothing of it.
std::optional<bench::Mismatch> find_mismatch(const ElfFile& elf, ByteSpan file,
                                             const bench::CoreTarget& core) {
  for (const ElfSection& section : elf.sections) {
    if (section.type == kNoBits) continue;
    const ByteSpan bytes = file.subspan(section.offset, section.size_bytes);
    if (section.name == ".riscv.attributes") return mismatch_of(core, parse_riscv_architecture(bytes));
    if (section.name != ".ARM.attributes") continue;
    const auto attributes = parse_arm_attributes(bytes);
    return attributes ? mismatch_of(core, *attributes) : std::nullopt;
  }
  return std::nullopt;
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
    return diagnostics.add(
        {.kind = Kind::file_unreadable,
         .message = "`" + request.elf.string() + "` is " +
                    (has_elf32_head(*file.bytes) ? "cut off: its headers lead beyond its end"
                                                 : "no 32-bit little-endian ELF file")});
  const auto machine_number = load<std::uint16_t>(*file.bytes, 18);
  const bool is_arm = core->tool_prefix.starts_with("arm");
  if (machine_number != (is_arm ? 40 : 243))
    return diagnostics.add({.kind = Kind::file_unreadable,
                            .message = "`" + request.elf.string() + "` is code of " +
                                       std::string(architecture_of(machine_number)) + ", " + board.name +
                                       " has a " + board.processor});
  auto mismatch = find_mismatch(*elf, *file.bytes, *core);
  if (mismatch && mismatch->is_other_profile)
    return diagnostics.add({.kind = Kind::file_unreadable,
                            .message = "`" + request.elf.string() + "` is built for " + mismatch->asked +
                                       ", " + board.name + " has a " + board.processor + ": " +
                                       mismatch->has});
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
      return Opened{std::move(*elf), core, machine, model, std::move(handlers), std::move(mismatch)};
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

/// Reports an instruction that ran and that the core lacks, where its virtual machine is one of a larger
/// core.
Status check_instructions(const Opened& opened, const Profile& profile, const FirmwareBuild& build,
                          Diagnostics& diagnostics) {
  for (const ProfileBlock& block : profile.blocks) {
    const auto lacking = block.count == 0 ? std::nullopt : find_lacking(*opened.core, block.code);
    if (!lacking) continue;
    const std::uint32_t address = block.address + *lacking;
    const std::string function = opened.elf.function_at(address);
    return diagnostics.add({.kind = Kind::firmware_fault,
                            .message = "an instruction ran that a " + std::string(opened.core->name) +
                                       " lacks" + (function.empty() ? "" : ", in `" + function + "`") +
                                       " at " + address_text(address),
                            .notes = {build.note},
                            .help = build.help});
  }
  return {};
}

}  // namespace

Result<FirmwareTiming> time_firmware(const TimeRequest& request, const Board& board,
                                     Diagnostics& diagnostics) {
  auto opened = open_firmware(request, board, diagnostics);
  if (!opened) return kFailed;
  const ElfFile& elf = opened->elf;
  const auto from = find_address(elf, request.from, "--from", diagnostics);
  if (!from) return kFailed;
  CountRequest count{.has_edges = true, .first = 0, .last = 1, .ends_at_last = true, .has_end = true};
  if (request.to.empty()) {
    count.call = *from;
  } else {
    const auto to = find_address(elf, request.to, "--to", diagnostics);
    if (!to) return kFailed;
    if (*to == *from)
      return diagnostics.add({.kind = Kind::usage,
                              .message = "--from `" + printable(request.from) + "` and --to `" +
                                         printable(request.to) + "` are the same place",
                              .help = "without --to one call of --from is timed"});
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
  const std::vector<std::string> flags(opened->core->compile_flags.begin(),
                                       opened->core->compile_flags.end());
  FirmwareBuild build{.help = "build it, and what it is linked with, by " + join(flags, " ")};
  if (opened->mismatch)
    build.note = "the file is built for " + opened->mismatch->asked + ", the " +
                 std::string(opened->core->name) + " executes " + opened->mismatch->has;
  const auto run = emulate(qemu, request.elf, folder.path(), count, {}, request.timeout_seconds, diagnostics);
  if (!run) return kFailed;
  if (!check_passage({.elf = elf,
                      .emulation = *run,
                      .core = opened->core->name,
                      .from = printable(request.from),
                      .to = printable(request.to),
                      .timeout_seconds = request.timeout_seconds,
                      .folder = folder.path(),
                      .build = build},
                     diagnostics))
    return kFailed;
  const Profile& profile = *run->profile;
  if (!check_instructions(*opened, profile, build, diagnostics)) return kFailed;
  const auto code = disassembly_of(profile, board, diagnostics);
  if (!code) return kFailed;
  const Timer timer(*opened->model, *code, profile);
  FirmwareTiming result{.clock_hz = memories.clock_hz(),
                        .places = *places,
                        .assumptions = memories.assumptions(),
                        .machine = std::string(opened->machine->name)};
  add_clock_doubt(result.clock_hz, board, result.assumptions);
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
  if (!build.note.empty()) result.assumptions.push_back(build.note + ": nothing that ran is beyond that");
  for (auto& [name, timing] : functions) result.functions.push_back({name, timing});
  std::stable_sort(
      result.functions.begin(), result.functions.end(),
      [](const FunctionTiming& a, const FunctionTiming& b) { return a.timing.cycles() > b.timing.cycles(); });
  for (std::string& doubt : timer.doubts(unread)) result.assumptions.push_back(std::move(doubt));
  return result;
}

}  // namespace nb
