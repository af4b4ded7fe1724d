#include "bench/run.h"

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

/// The mark of the end of an inference.
std::optional<std::uint32_t> end_mark(const Firmware& firmware) {
  const auto& marks = firmware.elf->marks;
  for (std::size_t i = 0; i < marks.size(); ++i)
    if (marks[i].second == kRunEnd) return static_cast<std::uint32_t>(i);
  return std::nullopt;
}

/// Instructions of the first inference and of each layer.
void read_counts(const Profile& profile, const Firmware& firmware, std::size_t node_count,
                 RunResult& result) {
  result.layer_instructions.assign(node_count, 0);
  const auto intervals = layer_intervals(firmware, profile, node_count);
  if (intervals.empty()) return;
  const auto before = [&](std::size_t interval) {
    return interval == 0 ? 0 : profile.intervals[interval - 1].instructions_before_mark;
  };
  result.instructions = profile.intervals[intervals.back().interval].instructions_before_mark -
                        before(intervals.front().interval);
  for (const LayerInterval& one : intervals)
    if (one.layer)
      result.layer_instructions[*one.layer] +=
          profile.intervals[one.interval].instructions_before_mark - before(one.interval);
}

/// The outputs that the program wrote. Errors: firmware-fault.
Result<Samples> read_outputs(const fs::path& out, const Graph& graph, std::size_t count,
                             Diagnostics& diagnostics) {
  FileRead output = read_file(out);
  std::size_t sample_bytes = 0;
  for (const ValueId id : graph.public_outputs())
    sample_bytes += static_cast<std::size_t>(graph.at(id).type.size_bytes());
  if (!output.bytes || output.bytes->size() != sample_bytes * count)
    return diagnostics.add({.kind = Kind::firmware_fault,
                            .message = "the program wrote " +
                                       std::to_string(output.bytes ? output.bytes->size() : 0) +
                                       " bytes of outputs, not " + std::to_string(sample_bytes * count)});
  return Samples{count, std::move(*output.bytes)};
}

}  // namespace

std::vector<LayerInterval> layer_intervals(const Firmware& firmware, const Profile& profile,
                                           std::size_t node_count) {
  std::vector<LayerInterval> intervals;
  bool has_begun = false;
  std::optional<std::size_t> layer;
  for (std::size_t i = 0; i < profile.intervals.size(); ++i) {
    if (has_begun) intervals.push_back({i, layer});
    const std::uint32_t mark = profile.intervals[i].mark;
    if (mark >= firmware.elf->marks.size()) continue;
    const std::uint32_t id = firmware.elf->marks[mark].second;
    if (has_begun && id == kRunEnd) return intervals;
    has_begun = has_begun || id == kRunBegin;
    layer = id < node_count ? std::optional<std::size_t>(id) : std::nullopt;
  }
  return {};
}

Result<RunResult> run_firmware(const Firmware& firmware, const Graph& graph, const Samples& samples,
                               const RunOptions& options, Diagnostics& diagnostics) {
  std::string why_not;
  const fs::path &folder = firmware.folder, in = folder / "nb_in.bin", out = folder / "nb_out.bin";
  if (!write_file(in, samples.bytes, why_not))
    return diagnostics.add({.kind = Kind::file_unwritable, .message = "`" + in.string() + "`: " + why_not});
  std::error_code ignored;
  fs::remove(out, ignored);
  const bool is_host = firmware.qemu.empty();
  RunResult result;
  std::string printed;
  ProcessEnd end;
  std::optional<Profile> profile;
  if (is_host) {
    const auto start = std::chrono::steady_clock::now();
    auto ended = run_process({fs::absolute(firmware.executable).string()}, folder, options.timeout_seconds);
    if (!ended)
      return diagnostics.add({.kind = Kind::tool_missing,
                              .message = "`" + firmware.executable.string() + "` cannot be started"});
    if (ended->is_interrupted)
      return diagnostics.add({.kind = Kind::interrupted, .message = "stopped while running"});
    result.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    end = std::move(*ended);
    printed = end.out + end.err;
  } else {
    std::optional<CountRequest> request;
    if (options.is_counting) {
      request.emplace();
      for (const auto& [address, id] : firmware.elf->marks) request->marks.push_back(address);
      request->has_edges = options.has_edges;
      request->memories = options.memories;
      request->last = end_mark(firmware);
    }
    auto emulation = emulate(firmware.qemu, firmware.executable, folder, request, options.plugin,
                             options.timeout_seconds, diagnostics);
    if (!emulation) return kFailed;
    result.wall_seconds = emulation->wall_seconds;
    end = std::move(emulation->end);
    printed = std::move(emulation->console);
    profile = std::move(emulation->profile);
  }
  std::string line;
  if (const auto fault = find_line(printed, "nb-fault", &line))
    return diagnostics.add({.kind = Kind::firmware_fault, .message = fault_text(line, *fault, firmware)});
  if (const auto error = find_line(printed, "nb-error", &line))
    return diagnostics.add({.kind = Kind::firmware_fault, .message = "the firmware stopped: " + line});
  if (end.timed_out)
    return diagnostics.add({.kind = Kind::firmware_fault,
                            .message = "the firmware did not end within " +
                                       std::to_string(static_cast<int>(options.timeout_seconds)) + " s",
                            .help = "raise --timeout"});
  const auto done = find_line(printed, "nb-result");
  if (!done || end.exit_code != 0)
    return diagnostics.add({.kind = Kind::firmware_fault,
                            .message = "the program ended with status " + std::to_string(end.exit_code) +
                                       (end.signal != 0 ? ", signal " + std::to_string(end.signal) : ""),
                            .notes = {firmware.executable.string(), printable(end.err.substr(0, 800), 800)}});
  auto outputs = read_outputs(out, graph, samples.count, diagnostics);
  if (!outputs) return kFailed;
  result.outputs = std::move(*outputs);
  if (is_host) return result;
  result.stack_bytes = static_cast<std::int64_t>(done->at("stack_bytes"));
  if (!profile) return result;
  read_counts(*profile, firmware, graph.nodes.size(), result);
  if (options.has_edges) result.profile = std::move(profile);
  return result;
}

}  // namespace nb
