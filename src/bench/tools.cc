#include "bench/tools.h"

#include <map>
#include <mutex>

#include "base/process.h"

namespace nb {

std::string tool_version(const std::string& tool) {
  static std::mutex alone;
  static std::map<std::string, std::string> known;
  const std::lock_guard<std::mutex> lock(alone);
  const auto [found, is_new] = known.try_emplace(tool);
  if (!is_new) return found->second;
  if (const auto end = run_process({tool, "--version"}, {}, 30))
    found->second = end->out.substr(0, end->out.find('\n'));
  return found->second;
}

}  // namespace nb
