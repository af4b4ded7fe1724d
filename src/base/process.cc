#include "base/process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

volatile std::sig_atomic_t was_interrupted = 0;
std::atomic<bool (*)()> is_stop_asked = nullptr;

/// Moves what a pipe has into `text`, up to `max_bytes`, beyond which it only notes `is_cut`; false at its
/// end.
bool drain(int fd, std::string& text, std::size_t max_bytes, bool& is_cut) {
  std::array<char, 65536> buffer{};
  const ssize_t n = ::read(fd, buffer.data(), buffer.size());
  if (n <= 0) return n < 0 && errno == EINTR;
  const std::size_t taken = std::min(static_cast<std::size_t>(n), max_bytes - text.size());
  text.append(buffer.data(), taken);
  is_cut = is_cut || taken < static_cast<std::size_t>(n);
  return true;
}

/// A file in memory with these bytes, to be read from its begin; -1 if there can be none.
int memory_file(ByteSpan bytes) {
  const int fd = ::memfd_create("input", MFD_CLOEXEC);
  for (std::size_t at = 0; fd >= 0 && at < bytes.size();) {
    const ssize_t n = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ::close(fd);
      return -1;
    }
    at += static_cast<std::size_t>(n);
  }
  if (fd >= 0) ::lseek(fd, 0, SEEK_SET);
  return fd;
}

/// In the child: lowers a limit of its own; never raises one.
void limit(decltype(RLIMIT_AS) what, std::uint64_t most) {
  rlimit now{};
  if (most == 0 || ::getrlimit(what, &now) != 0) return;
  now.rlim_max = std::min<rlim_t>(now.rlim_max, most);
  now.rlim_cur = std::min<rlim_t>(now.rlim_cur, most);
  ::setrlimit(what, &now);
}

/// Where this executable lies, and before it where this code does if it is in a shared object of its own.
std::vector<fs::path> own_folders() {
  std::vector<fs::path> folders;
  Dl_info object{};
  if (::dladdr(reinterpret_cast<const void*>(&find_companion), &object) != 0 && object.dli_fname != nullptr &&
      fs::path(object.dli_fname).is_absolute())
    folders.push_back(fs::path(object.dli_fname).parent_path());
  std::error_code error;
  folders.push_back(fs::read_symlink("/proc/self/exe", error).parent_path());
  return folders;
}

}  // namespace

std::optional<ProcessEnd> run_process(const std::vector<std::string>& command, const fs::path& folder,
                                      double timeout_seconds, const ProcessBounds& bounds) {
  const fs::path tool =
      command[0].find('/') != std::string::npos ? fs::path(command[0]) : find_tool(command[0]);
  if (tool.empty()) return std::nullopt;
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int in = bounds.input ? memory_file(*bounds.input) : ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (in < 0) return std::nullopt;
  std::array<int, 2> out{}, err{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0) {
    ::close(in);
    return std::nullopt;
  }
  if (::pipe2(err.data(), O_CLOEXEC) != 0) {
    ::close(in);
    ::close(out[0]);
    ::close(out[1]);
    return std::nullopt;
  }
  const std::string tool_text = tool.string(), folder_text = folder.string();
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::dup2(in, 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    if (!folder_text.empty() && ::chdir(folder_text.c_str()) != 0) ::_exit(126);
    limit(RLIMIT_AS, bounds.memory_bytes);
    limit(RLIMIT_CPU, bounds.cpu_seconds);
    limit(RLIMIT_FSIZE, bounds.file_bytes);
    if (bounds.memory_bytes != 0 || bounds.file_bytes != 0) limit(RLIMIT_CORE, 1);
    ::execv(tool_text.c_str(), arguments.data());
    ::_exit(127);
  }
  ::close(in);
  ::close(out[1]);
  ::close(err[1]);
  if (child < 0) {
    ::close(out[0]);
    ::close(err[0]);
    return std::nullopt;
  }
  ProcessEnd end;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(timeout_seconds);
  std::array<pollfd, 2> fds = {pollfd{out[0], POLLIN, 0}, pollfd{err[0], POLLIN, 0}};
  std::array<std::string*, 2> texts = {&end.out, &end.err};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    bool (*const asked)() = is_stop_asked;
    if (was_interrupted != 0 || (asked != nullptr && asked())) {
      end.is_interrupted = true;
      ::kill(-child, SIGKILL);
      break;
    }
    const double left = std::chrono::duration<double>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) {
      const bool is_asked = !end.timed_out && bounds.grace_seconds > 0;
      end.timed_out = true;
      ::kill(-child, is_asked ? SIGTERM : SIGKILL);
      if (!is_asked) break;
      deadline += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
          std::chrono::duration<double>(bounds.grace_seconds));
      continue;
    }
    ::poll(fds.data(), fds.size(), static_cast<int>(std::min(left, 1.0) * 1000) + 1);
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (fds[i].fd >= 0 && fds[i].revents != 0 &&
          !drain(fds[i].fd, *texts[i], bounds.output_bytes, end.is_cut))
        fds[i].fd = -1;
  }
  ::close(out[0]);
  ::close(err[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status))
    end.exit_code = WEXITSTATUS(status);
  else if (WIFSIGNALED(status))
    end.signal = WTERMSIG(status);
  if (end.exit_code == 127 && end.out.empty() && end.err.empty()) return std::nullopt;
  return end;
}

void stop_tools_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { was_interrupted = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void stop_tools_when(bool (*asked)()) { is_stop_asked = asked; }

bool stop_is_asked() {
  const auto asked = is_stop_asked.load();
  return was_interrupted != 0 || (asked != nullptr && asked());
}

fs::path find_tool(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string_view folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    const fs::path candidate = fs::path(folder) / name;
    if (::access(candidate.c_str(), X_OK) == 0 && !fs::is_directory(candidate)) return candidate;
  }
  return {};
}

fs::path find_companion(const char* variable, std::initializer_list<const char*> places) {
  std::error_code error;
  const char* given = std::getenv(variable);
  if (given != nullptr && fs::is_regular_file(given, error)) return given;
  for (const fs::path& folder : own_folders())
    for (const char* relative : places)
      if (fs::is_regular_file(folder / relative, error)) return folder / relative;
  return {};
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "nblocks-XXXXXX").string();
  if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

std::string command_text(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) {
    const bool is_plain =
        !word.empty() && word.find_first_of(" \t\n'\"\\$`&|;<>()*?[]{}~#!") == std::string::npos;
    std::string safe = word;
    for (std::size_t at = 0; !is_plain && (at = safe.find('\'', at)) != std::string::npos; at += 4)
      safe.replace(at, 1, "'\\''");
    text += (text.empty() ? "" : " ") + (is_plain ? word : "'" + safe + "'");
  }
  return text;
}

}  // namespace nb
