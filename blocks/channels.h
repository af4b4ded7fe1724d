// Where channels go and which integers they can be: the parts from which blocks declare it. Not for the chip.
#pragma once
#include "blocks/core/window.h"
#include "blocks/quantized.h"
#include "graph/block.h"

namespace nb {

using OperandIntervals = std::span<const ChannelIntervals>;

/// All that a dtype of at most 16 bits holds, for that many channels.
[[nodiscard]] ChannelIntervals full_intervals(DType dtype, std::int64_t channels);
/// The interval after a clamp to `range`.
[[nodiscard]] Interval clamped(Interval x, IntRange range);
/// The smallest interval that holds both.
[[nodiscard]] Interval merged(Interval a, Interval b);

/// Channel c of the output comes from channel c of operand 0.
[[nodiscard]] ChannelFlow same_channels(const Operation& op, ChannelIntervals out);
/// Of a block that works element by element with broadcasting. The intervals are exact for one 8-bit operand
/// and where every operand is one number; else they are unknown.
[[nodiscard]] ChannelFlow elementwise_channels(const Operation& op, OperandIntervals in);

/// Whether some tap of the window lies outside the image.
[[nodiscard]] bool sees_padding(const Window2d& window);
/// What rescaled_sum makes of sums in this interval, bias (a constant) not yet added.
[[nodiscard]] Interval rescaled_interval(const Operation& op, Interval sum, std::size_t o,
                                         const ChannelFactors& factors, IntRange range);
/// Whether operand 0 is in integers with known intervals, and weights and bias are constants around zero.
[[nodiscard]] bool has_known_sums(const Operation& op, OperandIntervals in);
/// Intervals of operand 0 less its zero point, with 0 where padding takes part.
[[nodiscard]] ChannelIntervals terms_of(const Operation& op, OperandIntervals in, bool with_padding);
/// w * x for x in the interval.
[[nodiscard]] inline Interval times(Interval x, std::int64_t w) {
  return w < 0 ? Interval{x.max * w, x.min * w} : Interval{x.min * w, x.max * w};
}
/// Of a convolution or dense layer: weights [out, ..., in / groups].
[[nodiscard]] ChannelFlow mixed_channels(const Operation& op, OperandIntervals in, std::int64_t groups,
                                         bool with_padding, IntRange range);

}  // namespace nb
