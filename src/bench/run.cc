#include "bench/run.h"

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>

#include "base/file.h"
#include "base/process.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

constexpr std::uint32_t kRunBegin = 0xFFFF0000u, kRunEnd = 0xFFFF0001u;

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The pairs key=0xHEX of a line that starts with `word`; absent if the text has none.
std::optional<std::map<std::string, std::uint64_t>> find_line(std::string_view text, std::string_view word,
                                                              std::string* whole = nullptr) {
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(word)) continue;
    if (whole != nullptr) *whole = printable(line, 300);
    std::map<std::string, std::uint64_t> pairs;
    for (const std::string_view part : split(line, ' ')) {
      const std::size_t equals = part.find("=0x");
      if (equals == std::string_view::npos) continue;
      std::uint64_t value = 0;
      std::from_chars(part.data() + equals + 3, part.data() + part.size(), value, 16);
      pairs[std::string(part.substr(0, equals))] = value;
    }
    return pairs;
  }
  return std::nullopt;
}

std::string fault_text(const std::string& line, const std::map<std::string, std::uint64_t>& pairs,
                       const Firmware& firmware) {
  std::string where;
  const auto pc = pairs.find("pc");
  if (pc != pairs.end() && firmware.elf) where = firmware.elf->function_at(pc->second);
  return "the firmware faulted" + (where.empty() ? std::string() : " in " + where) + ": " + line;
}

/// Instructions of the first inference and of each layer from the plugin's log.
void read_counts(const Bytes& log, const Firmware& firmware, std::size_t node_count, RunResult& result) {
  std::optional<std::int64_t> begin, last_total;
  std::size_t layer = SIZE_MAX;
  result.layer_instructions.assign(node_count, 0);
  for (const std::string_view line : split(text_of(log), '\n')) {
    if (!line.starts_with("M ")) continue;
    const auto words = split(line, ' ');
    std::size_t mark = 0;
    std::int64_t total = 0;
    if (words.size() != 3) continue;
    std::from_chars(words[1].data(), words[1].data() + words[1].size(), mark);
    std::from_chars(words[2].data(), words[2].data() + words[2].size(), total);
    if (mark >= firmware.elf->marks.size()) continue;
    const std::uint32_t id = firmware.elf->marks[mark].second;
    if (layer != SIZE_MAX) result.layer_instructions[layer] += total - *last_total;
    layer = SIZE_MAX;
    if (id == kRunBegin) begin = total;
    if (id == kRunEnd && begin) {
      result.instructions = total - *begin;
      return;
    }
    if (begin && id < node_count) layer = id;
    last_total = total;
  }
}

}  // namespace

fs::path find_plugin() {
  return find_companion("NBLOCKS_PLUGIN",
                        {"libnbcount.so", "../lib/nblocks/libnbcount.so", "../libnbcount.so"});
}

Result<RunResult> run_firmware(const Firmware& firmware, const Graph& graph, const Samples& samples,
                               const RunOptions& options, Diagnostics& diagnostics) {
  std::string why_not;
  const fs::path &folder = firmware.folder, in = folder / "nb_in.bin", out = folder / "nb_out.bin",
                 console = folder / "nb_console.txt", counts = folder / "nb_counts.txt";
  if (!write_file(in, samples.bytes, why_not))
    return diagnostics.add({.kind = Kind::file_unwritable, .message = "`" + in.string() + "`: " + why_not});
  std::error_code ignored;
  for (const fs::path& old : {out, console, counts}) fs::remove(old, ignored);
  const bool is_host = firmware.qemu.empty();
  std::vector<std::string> command;
  if (is_host) {
    command = {fs::absolute(firmware.executable).string()};
  } else {
    command = firmware.qemu;
    if (options.is_counting) {
      const fs::path plugin = options.plugin.empty() ? find_plugin() : options.plugin;
      if (plugin.empty())
        return diagnostics.add({.kind = Kind::tool_missing,
                                .message = "libnbcount.so, the counting plugin, is not beside nblocks",
                                .help = "build the target nbcount, or set NBLOCKS_PLUGIN"});
      std::string marks;
      for (const auto& [address, id] : firmware.elf->marks) {
        std::array<char, 12> hex{};
        std::snprintf(hex.data(), hex.size(), "%x\n", address);
        marks += hex.data();
      }
      if (!write_file(folder / "nb_marks.txt", as_byte_span(marks), why_not))
        return diagnostics.add({.kind = Kind::file_unwritable, .message = why_not});
      command.insert(command.end(), {"-plugin", fs::absolute(plugin).string() +
                                                    ",out=nb_counts.txt,marksfile=nb_marks.txt"});
    }
    command.insert(command.end(), {"-kernel", fs::absolute(firmware.executable).string()});
  }
  const auto start = std::chrono::steady_clock::now();
  const auto end = run_process(command, folder, options.timeout_seconds);
  if (!end) {
    const bool is_arm = !is_host && command[0] == "qemu-system-arm";
    return diagnostics.add({.kind = Kind::tool_missing,
                            .message = "`" + command[0] + "` cannot be started",
                            .help = std::string("apt-get install -y --no-install-recommends ") +
                                    (is_arm ? "qemu-system-arm" : "qemu-system-misc")});
  }
  if (end->is_interrupted)
    return diagnostics.add({.kind = Kind::interrupted, .message = "stopped while running"});
  RunResult result;
  result.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const FileRead console_file = read_file(console);
  const std::string printed =
      is_host ? end->out + end->err
              : std::string(console_file.bytes ? text_of(*console_file.bytes) : std::string_view());
  std::string line;
  if (const auto fault = find_line(printed, "nb-fault", &line))
    return diagnostics.add({.kind = Kind::firmware_fault, .message = fault_text(line, *fault, firmware)});
  if (const auto error = find_line(printed, "nb-error", &line))
    return diagnostics.add({.kind = Kind::firmware_fault, .message = "the firmware stopped: " + line});
  if (end->timed_out)
    return diagnostics.add({.kind = Kind::firmware_fault,
                            .message = "the firmware did not end within " +
                                       std::to_string(static_cast<int>(options.timeout_seconds)) + " s",
                            .help = "raise --timeout"});
  const auto done = find_line(printed, "nb-result");
  if (!done || end->exit_code != 0)
    return diagnostics.add({.kind = Kind::firmware_fault,
                            .message = "the program ended with status " + std::to_string(end->exit_code) +
                                       (end->signal != 0 ? ", signal " + std::to_string(end->signal) : ""),
                            .notes = {command_text(command), printable(end->err.substr(0, 800), 800)}});
  FileRead output = read_file(out);
  std::size_t sample_bytes = 0;
  for (const ValueId id : graph.public_outputs())
    sample_bytes += static_cast<std::size_t>(graph.at(id).type.size_bytes());
  if (!output.bytes || output.bytes->size() != sample_bytes * samples.count)
    return diagnostics.add(
        {.kind = Kind::firmware_fault,
         .message = "the program wrote " + std::to_string(output.bytes ? output.bytes->size() : 0) +
                    " bytes of outputs, not " + std::to_string(sample_bytes * samples.count)});
  result.outputs = {samples.count, std::move(*output.bytes)};
  if (is_host) return result;
  result.stack_bytes = static_cast<std::int64_t>(done->at("stack_bytes"));
  if (!options.is_counting) return result;
  const FileRead log = read_file(counts);
  if (!log.bytes)
    return diagnostics.add({.kind = Kind::internal,
                            .message = "the counting plugin wrote nothing",
                            .notes = {printable(end->err.substr(0, 500), 500)}});
  read_counts(*log.bytes, firmware, graph.nodes.size(), result);
  return result;
}

}  // namespace nb
