#include "driver/firmware_end.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <optional>
#include <vector>

#include "base/text.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

/// "main 62 %, memcpy 20 %, ...": the functions with the most instructions; empty: nothing ran. `of_all`: of
/// the whole run, else since the last mark.
std::string what_ran(const ElfFile& elf, const Profile& profile, bool of_all) {
  std::vector<std::uint64_t> counts(profile.blocks.size());
  for (std::size_t i = 0; i < counts.size() && of_all; ++i) counts[i] = profile.blocks[i].count;
  for (const ProfileEdge& edge : profile.unended)
    if (!of_all) counts[edge.to] += edge.count;
  std::map<std::string, std::uint64_t> functions;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::uint64_t count = counts[i] * profile.blocks[i].instructions;
    if (count == 0) continue;
    std::string name = elf.function_at(profile.blocks[i].address);
    functions[name.empty() ? "code without a symbol" : name] += count;
    all += count;
  }
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (auto& [name, count] : functions) order.emplace_back(count, name);
  std::sort(order.rbegin(), order.rend());
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(5, order.size()); ++i)
    text += (i == 0 ? "" : ", ") + order[i].second + " " + std::to_string(order[i].first * 100 / all) + " %";
  return text;
}

/// The begin and the end of the log, which may be long.
std::string ends_of(const fs::path& path) {
  constexpr std::streamoff kMost = 1 << 16;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  const auto piece = [&](std::streamoff from, std::streamoff to) {
    std::string text(static_cast<std::size_t>(to - from), '\0');
    file.seekg(from);
    file.read(text.data(), to - from);
    return text;
  };
  return size <= 2 * kMost ? piece(0, size) : piece(0, kMost) + "\n" + piece(size - kMost, size);
}

/// An exception that is no interrupt and no call of the debugger or the system.
struct Fault {
  std::string text;                      ///< "Undefined Instruction; with CFSR.UNDEFINSTR"
  std::optional<std::uint32_t> address;  ///< of the instruction, if the log tells
};

/// "Taking exception 1 [Undefined Instruction] on CPU 0"
std::optional<Fault> arm_fault(std::string_view line) {
  const std::size_t open = line.find('['), close = line.find(']');
  if (!line.starts_with("Taking exception ") || open == std::string_view::npos || close < open)
    return std::nullopt;
  const std::string_view name = line.substr(open + 1, close - open - 1);
  if (name.starts_with("Semihosting") || name == "SVC" || name == "IRQ") return std::nullopt;
  return Fault{std::string(name), std::nullopt};
}

/// "riscv_cpu_do_interrupt: hart:0, async:0, cause:00000002, epc:0x80000106, tval:0x00000553,
/// desc=illegal_instruction"
std::optional<Fault> riscv_fault(std::string_view line) {
  const auto field = [&](std::string_view key) {
    const std::size_t at = line.find(key);
    return at == std::string_view::npos ? std::string_view()
                                        : split(line.substr(at + key.size()), ',').front();
  };
  if (!line.starts_with("riscv_cpu_do_interrupt") || field("async:") != "0") return std::nullopt;
  const std::string_view what = field("desc=");
  if (what == "breakpoint" || what.find("call") != std::string_view::npos) return std::nullopt;
  const auto address = parse_hex(field("epc:").substr(field("epc:").starts_with("0x") ? 2 : 0));
  return Fault{std::string(what) + ", tval " + std::string(field("tval:")), address};
}

/// The faults in QEMU's log, the first and the last ones if it is long.
std::vector<Fault> faults_in(const fs::path& log) {
  std::vector<Fault> faults;
  bool is_of_fault = false;
  const std::string text = ends_of(log);
  for (const std::string_view line : split(text, '\n')) {
    auto fault = arm_fault(line);
    if (!fault) fault = riscv_fault(line);
    if (fault) {
      faults.push_back(std::move(*fault));
      is_of_fault = true;
    } else if (is_of_fault && (line.starts_with("...with") || line.starts_with("...at"))) {
      faults.back().text += "; " + std::string(line.substr(3));
    } else if (!line.starts_with("...")) {
      is_of_fault = false;
    }
  }
  return faults;
}

/// "; the fault before: X": where a handler is missing, each fault brings the next.
std::string text_of(const std::vector<Fault>& faults, bool is_given_up) {
  if (faults.empty()) return {};
  if (!is_given_up || faults.size() == 1) return faults.back().text;
  const Fault& first = faults[faults.size() - 2];
  return first.text + ", and no handler: " + faults.back().text;
}

/// What helps with a fault of that kind; `is_foreign`: the file is built for another core.
std::string help_with(const std::string& what, bool is_foreign, const std::string& how_to_build) {
  // What follows because there is no handler says nothing of the fault.
  const std::string first = what.substr(0, what.find(", and no handler"));
  const auto has = [&](const char* word) { return first.find(word) != std::string::npos; };
  if (has("Undefined") || has("illegal") || has("NOCP")) {
    if (is_foreign) return "an instruction that this core lacks: " + how_to_build;
    return "the core knows no such instruction: code for another core, or data that were run as code, as "
           "after a wrong function pointer or an overwritten return address";
  }
  if (has("INVSTATE"))
    return "a branch to an address whose bit 0 is not set, as of a function pointer that is 0 or made by "
           "hand";
  if (has("Breakpoint")) return "a BKPT ends the program here: no debugger takes it";
  return "the virtual board has memory where `nblocks time` says, and no peripherals of the real "
         "one: leave out what touches them";
}

/// The block that faulted. Where the vector of a handler is 0, QEMU fetches from there before it gives up.
std::uint32_t faulty_block(const Profile& profile) {
  if (*profile.fault_handler != 0 || profile.blocks[profile.fault_block].address != 0)
    return profile.fault_block;
  for (const ProfileEdge& edge : profile.unended)
    if (edge.to == profile.fault_block) return edge.from;
  return profile.fault_block;
}

/// Says that the firmware faulted, if it did.
bool report_fault(const FirmwareRun& run, Diagnostics& diagnostics) {
  const Emulation& emulation = run.emulation;
  const auto& profile = emulation.profile;
  const std::vector<Fault> faults = faults_in(run.folder / kExceptionLog);
  const bool is_told = profile && profile->fault_handler;
  const bool is_given_up = is_told && *profile->fault_handler == 0;
  const bool has_no_end = emulation.end.timed_out || !profile || profile->is_log_full || profile->stuck_block;
  if (!is_told && (faults.empty() || !has_no_end)) return false;
  std::string where;
  const auto in_function = [&](std::uint32_t address) {
    const std::string function = run.elf.function_at(address);
    return function.empty() ? std::string() : " in `" + function + "`,";
  };
  // Where no handler is, faults follow at its address for ever: the last one in the program brought them.
  const Fault* known = nullptr;
  for (const Fault& fault : faults)
    if (fault.address && run.elf.section_at(*fault.address) != nullptr) known = &fault;
  if (known == nullptr && !faults.empty() && faults.back().address) known = &faults.back();
  if (is_told) {
    const ProfileBlock& block = profile->blocks[faulty_block(*profile)];
    where = in_function(block.address) + " at " + address_text(block.address) + " to " +
            address_text(block.address + block.size_bytes - 1);
  } else if (known != nullptr) {
    where = in_function(*known->address) + " at " + address_text(*known->address);
  }
  std::string what = known != nullptr ? known->text : text_of(faults, is_given_up);
  if (what.empty() && is_given_up) what = "no handler takes the fault";
  std::vector<std::string> notes;
  if (profile && profile->stuck_block) {
    const std::uint32_t address = profile->blocks[*profile->stuck_block].address;
    notes.push_back("then it stays in a branch to itself" + in_function(address) + " at " +
                    address_text(address));
  }
  notes.push_back(run.build.note);
  std::string help = help_with(what, !run.build.note.empty(), run.build.help);
  diagnostics.add({.kind = Kind::firmware_fault,
                   .message = "the firmware faulted on the virtual " + std::string(run.core) + where +
                              (what.empty() ? "" : ": " + printable(what, 300)),
                   .notes = std::move(notes),
                   .help = std::move(help)});
  return true;
}

/// How a program ended that did not fault.
std::string end_text(const FirmwareRun& run) {
  const Emulation& emulation = run.emulation;
  if (emulation.profile && emulation.profile->stuck_block) {
    const std::uint32_t address = emulation.profile->blocks[*emulation.profile->stuck_block].address;
    const std::string function = run.elf.function_at(address);
    return "the program stays in a branch to itself" +
           (function.empty() ? std::string() : " in `" + function + "`,") + " at " + address_text(address);
  }
  if (emulation.profile && emulation.profile->is_log_full)
    return "the program took more exceptions than QEMU's log may hold";
  if (emulation.end.timed_out)
    return "the program ran on for " + std::to_string(static_cast<int>(run.timeout_seconds)) + " s";
  if (emulation.end.signal != 0) return "QEMU ended by signal " + std::to_string(emulation.end.signal);
  return "the program ended with status " + std::to_string(emulation.end.exit_code);
}

}  // namespace

std::string address_text(std::uint32_t address) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", address);
  return text.data();
}

Status check_passage(const FirmwareRun& run, Diagnostics& diagnostics) {
  if (report_fault(run, diagnostics)) return kFailed;
  const auto& profile = run.emulation.profile;
  if (profile && profile->intervals.size() >= 2) return {};
  const bool is_begun = profile && !profile->intervals.empty();
  Diagnostic said{.kind = run.emulation.end.timed_out ? Kind::firmware_fault : Kind::usage};
  if (!is_begun)
    said.message = "`" + run.from + "` was never reached: ";
  else if (run.to.empty())
    said.message = "`" + run.from + "` did not return: ";
  else
    said.message = "`" + run.to + "` was never reached after `" + run.from + "`: ";
  said.message += end_text(run);
  if (run.emulation.end.timed_out) said.help = "--timeout gives it more";
  if (!profile) {
    const std::string& printed = run.emulation.end.err;
    said.notes = {printable(printed.substr(0, printed.find('\n')), 300)};
    return diagnostics.add(std::move(said));
  }
  constexpr std::uint32_t kTo = 1;
  for (const auto& [mark, count] : profile->passed_over)
    if (mark == kTo && !run.to.empty()) {
      said.notes.push_back("`" + run.to + "` ran before" + (is_begun ? " `" + run.from + "`" : "") + ": " +
                           count_text(count, "time"));
      if (is_begun) said.help = "--from is where the passage begins, --to where it ends: exchange them?";
    }
  const std::string what = what_ran(run.elf, *profile, !is_begun);
  if (!what.empty())
    said.notes.push_back((is_begun ? "what ran after `" + run.from + "`: " : "what ran instead: ") + what);
  return diagnostics.add(std::move(said));
}

}  // namespace nb
