#include "quantize/observe.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/process.h"

namespace nb {
namespace {

constexpr std::size_t kMostKept = 1 << 15, kFewestKept = 1 << 10;  // elements of a value
constexpr std::size_t kKeptOfAll = std::size_t{1} << 26;           // of all values

bool has_state(const Graph& graph) {
  return std::any_of(graph.values.begin(), graph.values.end(),
                     [](const Value& value) { return value.source == Source::state; });
}

}  // namespace

Samples part_of(const Graph& graph, const Samples& set, std::size_t count) {
  Samples part{count, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const ByteSpan sample = set.sample(has_state(graph) ? i : i * set.count / count);
    part.bytes.insert(part.bytes.end(), sample.begin(), sample.end());
  }
  return part;
}

bool run_samples(const Graph& graph, const Samples& set,
                 const std::function<void(std::size_t, const Interpreter&)>& use) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> is_stopped{false};
  std::mutex one_at_a_time;
  std::condition_variable turns;
  std::size_t turn = 0;
  const auto work = [&] {
    Interpreter interpreter(graph);
    while (!is_stopped) {
      if (stop_is_asked()) is_stopped = true;
      // Whoever takes a sample runs it: others wait for its turn.
      const std::size_t i = is_stopped ? set.count : next++;
      if (i >= set.count) break;
      interpreter.run(set.sample(i));
      // In order, so that sums come out the same to the last bit every time.
      std::unique_lock lock(one_at_a_time);
      turns.wait(lock, [&] { return turn == i; });
      use(i, interpreter);
      ++turn;
      turns.notify_all();
    }
  };
  const std::size_t threads = has_state(graph)
                                  ? 1
                                  : std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1,
                                                            std::min<std::size_t>(16, set.count));
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  return !is_stopped;
}

std::vector<Observation> observe(const Graph& graph, const Samples& set, const ProgressTeller& progress) {
  std::vector<Observation> seen(graph.values.size());
  std::vector<std::vector<std::vector<float>>> parts(graph.values.size());
  std::vector<bool> is_first(graph.values.size(), true);
  for (auto& part : parts) part.resize(set.count);
  const std::size_t kept =
      std::clamp(kKeptOfAll / std::max<std::size_t>(graph.values.size(), 1), kFewestKept, kMostKept);
  run_samples(graph, set, [&](std::size_t sample, const Interpreter& at) {
    progress({.step = "observing the float model", .done = sample, .total = set.count});
    for (std::size_t v = 0; v < graph.values.size(); ++v) {
      const Value& value = graph.values[v];
      if (value.source == Source::constant || value.type.dtype != DType::f32) continue;
      const auto x = at.view(ValueId(v)).as<float>();
      if (x.empty()) continue;
      const auto [low, high] = std::minmax_element(x.begin(), x.end());
      Observation& o = seen[v];
      o.min = is_first[v] ? *low : std::min(o.min, *low);
      o.max = is_first[v] ? *high : std::max(o.max, *high);
      is_first[v] = false;
      const std::size_t wanted = std::max<std::size_t>(kept / set.count, 1);
      const std::size_t step = std::max<std::size_t>(x.size() / wanted, 1) | 1;  // odd: meets all channels
      for (std::size_t i = sample % step; i < x.size(); i += step) parts[v][sample].push_back(x[i]);
    }
  });
  for (std::size_t v = 0; v < seen.size(); ++v) {
    for (const auto& part : parts[v]) seen[v].kept.insert(seen[v].kept.end(), part.begin(), part.end());
    if (seen[v].kept.empty()) continue;
    seen[v].kept.push_back(seen[v].min);
    seen[v].kept.push_back(seen[v].max);
  }
  return seen;
}

}  // namespace nb
