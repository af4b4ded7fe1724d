// How far a long step is, for whoever shows it.
#pragma once
#include <cstddef>
#include <functional>
#include <string>

namespace nb {

/// `done` of `total` things; `total` 0: the step has no count.
struct Progress {
  std::string step;              ///< "program on cortex-m4f"
  std::string unit = "samples";  ///< what is counted
  std::size_t done = 0, total = 0;
};

using ProgressTeller = std::function<void(const Progress&)>;
/// Tells nobody.
inline void no_progress(const Progress& /*progress*/) {}

}  // namespace nb
