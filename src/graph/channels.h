// How channels, the indices of a value's last axis, go through a block.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace nb {

/// The integers that an element can be, both ends included.
struct Interval {
  std::int64_t min, max;
  [[nodiscard]] bool is_one_number() const { return min == max; }
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// One interval a channel of an int8, uint8 or int16 value; empty if nothing is known.
using ChannelIntervals = std::vector<Interval>;

/// What one use of a block does with channels. It describes the first output of a node with one output.
struct ChannelFlow {
  enum class Form : std::uint8_t {
    opaque,  ///< any channel may depend on all of them
    keeps,   ///< channel c depends on channel sources[i][c] of each operand i and on nothing else of it
    mixes,  ///< y[...,o] = f_o(b[o] + sum of (x[...,c] - zero point) * w[o,...,c]), operands x, w and perhaps
            ///< b
  };
  Form form = Form::opaque;
  ChannelIntervals out = {};  ///< of the output; empty: all that its dtype holds
  /// keeps: -1 where the operand has no channels of its own (its last axis is 1 and repeats); empty for an
  /// absent operand. A node whose operands have fewer channels computes its other channels as before.
  std::vector<std::vector<std::int64_t>> sources = {};
  /// mixes: the sum is short of some elements at the border, where x is taken for its zero point.
  bool sees_padding = false;
  std::string shape_attribute = {};  ///< keeps: the attribute that repeats the output's shape, if any
};

}  // namespace nb
