// Running other programs: compilers, QEMU, the host program, and those that read what nobody vouches for.
#pragma once
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace nb {

/// How a finished process ended.
struct ProcessEnd {
  int exit_code = -1;           ///< -1 if a signal ended it
  int signal = 0;               ///< 0 if none
  bool timed_out = false;       ///< killed, or asked to end, at the limit
  bool is_interrupted = false;  ///< killed since this process was asked to stop
  std::string out, err;         ///< what it printed, each at most ProcessBounds::output_bytes
  bool is_cut = false;          ///< it printed more than that
};

/// What a process may take, and what it is given.
struct ProcessBounds {
  std::size_t output_bytes = std::size_t{4} << 20;
  std::uint64_t memory_bytes = 0;  ///< of address space; 0: as much as there is
  std::uint64_t cpu_seconds = 0;   ///< 0: no bound
  std::uint64_t file_bytes = 0;    ///< of each file that it writes; 0: no bound
  double grace_seconds = 0;        ///< at its time limit it is asked to end, and killed so much later
  /// Its standard input: a file in memory with these bytes, of which it can read any part. Absent: /dev/null.
  std::optional<ByteSpan> input = {};
};

/// Runs `command` (name or path first, no shell) in `folder` and waits at most `timeout_seconds`, then kills
/// its group. Absent if it cannot be started at all.
[[nodiscard]] std::optional<ProcessEnd> run_process(const std::vector<std::string>& command,
                                                    const std::filesystem::path& folder,
                                                    double timeout_seconds, const ProcessBounds& bounds = {});

/// From now on SIGINT and SIGTERM end the tool that runs, and run_process says so, instead of ending this
/// process.
void stop_tools_on_interrupt();

/// From now on `asked`, called at least once a second and after every signal while a tool runs, ends the tool
/// by returning true. For programs whose signals are not this library's.
void stop_tools_when(bool (*asked)());
/// Whether this process was asked to stop, by either. Long work of its own looks here.
[[nodiscard]] bool stop_is_asked();

/// Where PATH has the tool; empty if nowhere.
[[nodiscard]] std::filesystem::path find_tool(const std::string& name);

/// A file that is installed with this program: what the environment variable names, else the first of the
/// places (relative to the folder of this code, if that is a shared object, or of this executable) where
/// there is one; empty if nowhere.
[[nodiscard]] std::filesystem::path find_companion(const char* variable,
                                                   std::initializer_list<const char*> places);

/// A new empty folder in the system's temporary one, removed with all its content at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The command as a user would type it.
[[nodiscard]] std::string command_text(const std::vector<std::string>& command);

}  // namespace nb
