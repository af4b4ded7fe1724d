#include "driver/run_batches.h"

#include <algorithm>
#include <chrono>

namespace nb {
namespace {

using Clock = std::chrono::steady_clock;

/// Batches of about this long: short enough to tell how far it is, long enough that starting costs little.
constexpr double kBatchSeconds = 1.5;

}  // namespace

Result<RunResult> run_batches(const BatchRun& run, const Samples& samples, Diagnostics& diagnostics) {
  const std::size_t sample_bytes = samples.bytes.size() / samples.count;
  RunResult all;
  Samples outputs;
  std::size_t size = run.keeps_state ? samples.count : 1;
  for (std::size_t done = 0; done < samples.count;) {
    run.progress({.step = run.step, .done = done, .total = run.keeps_state ? 0 : samples.count});
    const std::size_t count = std::min(size, samples.count - done);
    const auto first = samples.bytes.begin() + static_cast<std::ptrdiff_t>(done * sample_bytes);
    const Samples batch{count, Bytes(first, first + static_cast<std::ptrdiff_t>(count * sample_bytes))};
    const auto start = Clock::now();
    auto result =
        run_firmware(run.firmware, *run.graph, batch,
                     {.timeout_seconds = run.timeout_seconds, .is_counting = done == 0}, diagnostics);
    if (!result) return kFailed;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double a_second = static_cast<double>(count) / std::max(1e-3, seconds);
    size = static_cast<std::size_t>(std::clamp(kBatchSeconds * a_second, static_cast<double>(count), 1e6));
    outputs.count += result->outputs.count;
    outputs.bytes.insert(outputs.bytes.end(), result->outputs.bytes.begin(), result->outputs.bytes.end());
    if (done == 0)
      all = std::move(*result);
    else if (all.stack_bytes && result->stack_bytes)
      all.stack_bytes = std::max(*all.stack_bytes, *result->stack_bytes);
    done += count;
  }
  run.progress({.step = run.step, .done = samples.count, .total = samples.count});
  all.outputs = std::move(outputs);
  return all;
}

}  // namespace nb
