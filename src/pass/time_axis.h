// Where the axis of time goes in one layer, and what becomes of the layer when the axis is one step long.
#pragma once
#include "graph/graph.h"

namespace nb {

/// How a value depends on time: not at all, step by step along an axis, or as the last step alone.
class Time {
 public:
  Time() = default;
  [[nodiscard]] static Time along(int axis) { return Time(axis); }
  [[nodiscard]] static Time last() { return Time(kLast); }
  [[nodiscard]] bool is_timed() const { return axis_ != kNever; }
  [[nodiscard]] bool is_along() const { return axis_ >= 0; }
  [[nodiscard]] bool is_last() const { return axis_ == kLast; }
  [[nodiscard]] int axis() const { return axis_; }

 private:
  static constexpr int kNever = -2, kLast = -1;
  explicit Time(int axis) : axis_(axis) {}
  int axis_ = kNever;
};

/// Which steps of the inputs a value has: `steps` of them, each `every`th, beginning at `first`.
struct Rate {
  std::int64_t steps = 0, every = 1, first = 0;
  bool remembers = false;   ///< a state lies before it: no step may be left out
  std::int64_t padded = 0;  ///< zeros before the first step, which a window behind looks at
  [[nodiscard]] std::int64_t length() const { return steps + padded; }
  friend bool operator==(const Rate& a, const Rate& b) {
    return a.steps == b.steps && a.every == b.every && a.first == b.first && a.padded == b.padded;
  }
};

/// A layer on its way to one step: its operands have their new types already, its outputs the old ones.
struct TimedLayer {
  Graph& graph;
  Node& node;
  std::vector<Time> times;  ///< of its operands
  Rate rate;                ///< of its operands, then of its outputs
  const BlockSet& blocks;
  const std::vector<int>& uses;               ///< of each value of the whole model
  std::vector<Node> before = {}, after = {};  ///< that the layer needs beside itself
  bool later_outputs_are_last = false;
};

/// Makes the layer one of one step, with states where it needs the steps before, and gives the place of time
/// in its outputs; or why it cannot be, and what helps.
[[nodiscard]] Checked<Time> follow_time(TimedLayer& layer);

}  // namespace nb
