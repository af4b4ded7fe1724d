// Recurrent layers of integers: what their operands must be, how weights, biases and scales become the
// numbers of their kernels (core/sequence_s16.h), and the walk over their steps in plain loops. For
// declarations; not for the chip.
#pragma once
#include <functional>
#include <vector>

#include "blocks/recurrent.h"

namespace nb {

/// What such a layer is, apart from its own attributes. Operands 0 to 4 are x, w, r, b and lengths.
///   x   i8 or i16, one scale          w, r   i8, zero points 0, one scale or one a row (axis 1)
///   b   f32, optional                 states i16, one scale, zero point 0
///   y   as x's dtype, with numbers of its own; last states i16, likewise
struct IntegerRecurrence {
  std::int64_t gates = 1;            ///< rows of w, r and b are gates * units
  std::size_t apart = kNone;         ///< the gate whose bias over h is not added to the one over x
  std::vector<std::int64_t> parts;   ///< gates whose products with h are made by one call
  std::vector<std::size_t> first_h;  ///< the operands that h may come from
  std::vector<std::size_t> first_c;
  Direction direction = Direction::forward;
  bool time_major = true, final_state = false;
  bool is_bounded = true;  ///< |h| is at most 1, or what the first states reach
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  [[nodiscard]] SequenceSizes sizes(const Operation& op) const;
};

/// What the operands fail to be: dtypes, scales, sums beyond 32 bits. A layer that is not bounded may still
/// have these with its outputs: see can_be_integers.
[[nodiscard]] std::optional<Fault> check_integers(const Operation& op, const IntegerRecurrence& layer);
/// Whether a kernel takes the operation, which has its outputs.
[[nodiscard]] bool can_be_integers(const Operation& op, const IntegerRecurrence& layer);
/// The refusal of a use that has no integer form, "an lstm of integers with peepholes".
[[nodiscard]] Fault no_integer_form(const Operation& op, const std::string& what);

/// nb::Steps (core/sequence_s16.h) of a real factor.
struct StepsOf {
  std::int32_t bound = 0, left = 0, multiplier = 0;
  [[nodiscard]] std::string text() const;  ///< its initialiser
};
/// To int16: what lies beyond it saturates.
[[nodiscard]] StepsOf steps_to_s16(double factor);

/// A bound in steps of `units` a whole; of 0, which is none, beyond all.
[[nodiscard]] std::int32_t clip_steps(float bound, double units);

/// The numbers of a layer.
struct RecurrentIntegers {
  std::vector<std::int8_t> weights;  ///< of each direction: rows over x, then over h; 8 zeros
  /// Of each direction: factors of sums over x, biases, factors of sums over h, biases that are apart.
  std::vector<std::int32_t> rows;
  std::int32_t x_shift = 0, h_shift = 0;
  int exponent = 0;  ///< h within the layer has steps of 2^(exponent - 15)
  StepsOf first_h, y, last_h, first_c, last_c;
  std::int32_t y_zero = 0;
};
/// From constant operands 1 to 3, read of `data` if it is not empty, else of the operation. The operation has
/// its outputs.
[[nodiscard]] RecurrentIntegers recurrent_integers(const Operation& op, const IntegerRecurrence& layer,
                                                   std::span<const TensorView> data = {});

/// A step in plain loops, of one sample in one direction.
struct IntegerStep {
  std::int64_t direction;
  std::span<const std::int32_t> z;  ///< pre-activations of x, with biases
  std::vector<std::int16_t>& h;     ///< before the step, to be made that behind it
  std::vector<std::int32_t>& c;     ///< the same of the cell
  const std::function<std::int32_t(std::int64_t row, std::span<const std::int16_t> of)>& recurrent;
};
/// Walks all steps of the layer, calling begin(h) before the first of each sample and direction; outputs are
/// y and, with final_state, y_h and y_c.
void walk_integers(const Operation& op, const IntegerRecurrence& layer, const RecurrentIntegers& numbers,
                   std::span<const TensorView> in, std::span<const TensorView> out,
                   const std::function<void(std::span<const std::int16_t>)>& begin,
                   const std::function<void(const IntegerStep&)>& step);
/// What the reference of a layer makes of a value in one scale: as nb::in_steps.
[[nodiscard]] std::int32_t in_steps_of(const StepsOf& steps, std::int32_t x);

/// sigmoid(i / 24) - 1/2 for i in 0..256 in 2^-16, of sigmoid_table(): what gates_s16.h interpolates.
[[nodiscard]] std::vector<std::int16_t> gate_table();

/// The call of a kernel: parameters (SequenceS16, then the call's), constants, and the arguments x, weights,
/// rows, table, lengths, first and last states, y, scratch of `scratch_words`. Weights lie as PairedRowsS16
/// takes them, or RowsS16.
[[nodiscard]] Lowered lowered_integers(const Operation& op, const IntegerRecurrence& layer,
                                       const RecurrentIntegers& numbers, Lowered call,
                                       std::int64_t scratch_words, bool in_pairs);
/// What lower() of one such kernel is.
using LowerIntegers = Lowered (*)(const Operation& op, const Core& core);
/// A block's kernels of integers, <block>_s16_dsp and <block>_s16: they take operations that `is_integers`
/// and that can be so with the layer's numbers.
[[nodiscard]] std::vector<Kernel> integer_kernels(const std::string& block,
                                                  bool (*is_integers)(const Operation&),
                                                  IntegerRecurrence (*layer_of)(const Operation&),
                                                  LowerIntegers paired, LowerIntegers plain);
/// Whether weights can be packed in pairs: the lowest int8 cannot.
[[nodiscard]] bool can_be_paired(const Operation& op);
/// "nb::PairedRowsS16" or "nb::RowsS16".
[[nodiscard]] std::string rows_type(bool in_pairs);

}  // namespace nb
