#include "bench/emulate.h"

#include <chrono>

#include "base/file.h"
#include "base/text.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

/// A branch to itself is the program's end after so many: some seconds, in which an interrupt would have
/// come.
constexpr const char* kStuckAfter = "1000000000";

/// What QEMU's log of a program with a million interrupts comes to.
constexpr std::uint64_t kMostLogBytes = std::uint64_t{256} << 20;
constexpr double kGraceSeconds = 10;

/// The plugin's argument; its files are written.
Result<std::string> plugin_argument(const CountRequest& request, const fs::path& plugin,
                                    const fs::path& folder, Diagnostics& diagnostics) {
  std::string argument = fs::absolute(plugin).string() + ",out=nb_counts.txt";
  const auto write = [&](const char* name, const std::string& content, const char* key) -> Status {
    std::string why_not;
    if (!write_file(folder / name, as_byte_span(content), why_not))
      return diagnostics.add(
          {.kind = Kind::file_unwritable, .message = "`" + (folder / name).string() + "`: " + why_not});
    argument += std::string(",") + key + "=" + name;
    return {};
  };
  std::string marks;
  for (const std::uint32_t address : request.marks) marks += hex_text(address) + "\n";
  if (!marks.empty() && !write("nb_marks.txt", marks, "marksfile")) return kFailed;
  if (!request.memories.empty() && !write("nb_memories.txt", request.memories, "memories")) return kFailed;
  if (request.call) argument += ",call=" + hex_text(*request.call);
  if (request.has_edges) argument += ",edges=1";
  if (request.first) argument += ",first=" + std::to_string(*request.first);
  if (request.last) argument += ",last=" + std::to_string(*request.last);
  if (request.ends_at_last) argument += ",ends=1";
  if (request.has_end) argument += std::string(",abort=1,stuck=") + kStuckAfter;
  for (std::size_t i = 0; i < request.faults.size(); ++i)
    argument += (i == 0 ? ",faults=" : ":") + hex_text(request.faults[i]);
  return argument;
}

}  // namespace

fs::path find_plugin() {
  return find_companion("NBLOCKS_PLUGIN",
                        {"libnbcount.so", "../lib/nblocks/libnbcount.so", "../libnbcount.so"});
}

std::vector<std::string> qemu_command(const bench::Machine& machine) {
  std::vector<std::string> words = {std::string(machine.program)};
  words.insert(words.end(), machine.arguments.begin(), machine.arguments.end());
  words.insert(words.end(), bench::kQemuArguments.begin(), bench::kQemuArguments.end());
  return words;
}

Result<Emulation> emulate(const std::vector<std::string>& qemu, const fs::path& executable,
                          const fs::path& folder, const std::optional<CountRequest>& request,
                          const fs::path& chosen_plugin, double timeout_seconds, Diagnostics& diagnostics) {
  const fs::path console = folder / "nb_console.txt", counts = folder / "nb_counts.txt";
  std::error_code ignored;
  for (const fs::path& old : {console, counts}) fs::remove(old, ignored);
  std::vector<std::string> command = qemu;
  if (request) {
    const fs::path plugin = chosen_plugin.empty() ? find_plugin() : chosen_plugin;
    if (plugin.empty())
      return diagnostics.add({.kind = Kind::tool_missing,
                              .message = "libnbcount.so, the counting plugin, is not beside nblocks",
                              .help = "build the target nbcount, or set NBLOCKS_PLUGIN"});
    const auto argument = plugin_argument(*request, plugin, folder, diagnostics);
    if (!argument) return kFailed;
    command.insert(command.end(), {"-plugin", *argument});
  }
  command.insert(command.end(), {"-kernel", fs::absolute(executable).string()});
  const auto start = std::chrono::steady_clock::now();
  const bool has_end = request && request->has_end;
  ProcessBounds bounds;
  if (has_end) bounds.file_bytes = kMostLogBytes, bounds.grace_seconds = kGraceSeconds;
  auto end = run_process(command, folder, timeout_seconds, bounds);
  if (!end)
    return diagnostics.add(
        {.kind = Kind::tool_missing,
         .message = "`" + command[0] + "` cannot be started",
         .help = std::string("apt-get install -y --no-install-recommends ") +
                 (command[0] == "qemu-system-arm" ? "qemu-system-arm" : "qemu-system-misc")});
  if (end->is_interrupted)
    return diagnostics.add({.kind = Kind::interrupted, .message = "stopped while running"});
  Emulation emulation;
  emulation.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  emulation.end = std::move(*end);
  const FileRead printed = read_file(console);
  emulation.console = printed.text();
  const bool is_good = !emulation.end.timed_out && emulation.end.exit_code == 0;
  if (!request || (!is_good && !has_end)) return emulation;
  const FileRead log = read_file(counts);
  emulation.profile = parse_profile(log.text());
  if (!emulation.profile && is_good)
    return diagnostics.add(
        {.kind = Kind::internal,
         .message = "the counting plugin wrote no whole log",
         .notes = {command_text(command), printable(emulation.end.err.substr(0, 500), 500)}});
  return emulation;
}

}  // namespace nb
