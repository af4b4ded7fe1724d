// Functions of quantized elements in the integer arithmetic of TensorFlow Lite Micro's reference kernels, as
// tables made when compiling. For declarations; not for the chip.
#pragma once
#include <functional>
#include <optional>

#include "blocks/quantized.h"
#include "blocks/unary/chords_s16.h"

namespace nb {

/// Values of a function of an 8-bit quantized type at q = each byte (read as the dtype's bits).
using ByteFunction = std::function<std::int32_t(std::int32_t q)>;
[[nodiscard]] Bytes byte_table(DType dtype, const ByteFunction& f);

/// 1 / (1 + e^-x) of int8 with an output scale of 1/256 and zero point -128: fixed point with 4 integer bits.
[[nodiscard]] ByteFunction sigmoid_s8(const Type& x);
/// tanh of int8 with an output scale of 1/128 and zero point 0: fixed point with 4 integer bits.
[[nodiscard]] ByteFunction tanh_s8(const Type& x);
/// x * relu6(x + 3) / 6 with 16-bit fixed-point factors.
[[nodiscard]] ByteFunction hard_swish_s8(const Type& x, const Type& y);
/// 1 / sqrt(x) by five of Newton's steps in fixed point; the largest output at 0, the zero point below.
[[nodiscard]] ByteFunction rsqrt_s8(const Type& x, const Type& y);
/// Any real function: dequantize, apply, divide by the output scale, round half away from zero; in float32.
[[nodiscard]] ByteFunction by_float(const Type& x, const Type& y, std::function<double(double)> f);

/// A function of int16 as chords: its value at -32768, at every 2^shift from there and at 32768, in units of
/// 2^-6 of the output's steps, each moved so that chords err evenly to both sides. See unary/chords_s16.h.
struct ChordsS16 {
  int shift = 0;
  std::vector<std::int32_t> values;
};
/// The shortest of 33 to 4097 values with which each result is at most one step off (NaN counts as 0);
/// absent if none is so good.
[[nodiscard]] std::optional<ChordsS16> fit_chords_s16(const Type& x, const Type& y,
                                                      const std::function<double(double)>& f);

/// Chords of a function with a pole or a steep end at real 0, see OctaveTableS16.
struct OctavesS16 {
  OctaveTableS16 params;
  std::vector<std::int32_t> values;
};
/// The fewest of 32 to 128 chords an octave with which each result is at most one step off.
[[nodiscard]] std::optional<OctavesS16> fit_octaves_s16(const Type& x, const Type& y,
                                                        const std::function<double(double)>& f);

/// x.scale * factor / y.scale, in double, as fixed point.
[[nodiscard]] FixedPoint scale_ratio(const Operation& op, float factor = 1.0f);

/// x * factor = high_word(x << left, multiplier).
struct HighFactor {
  std::int32_t left = 0, multiplier = 0;
};
[[nodiscard]] HighFactor high_factor(double factor);
/// 2^(-i / 128) for i in 0..127 in units of 2^-31: what fine_power_of_half (core/powers.h) takes.
[[nodiscard]] std::vector<std::uint32_t> fine_powers();

/// 65536 * sigmoid(i / 24) for i in 0..255, each lifted by half of what a chord sags there, so that linear
/// interpolation errs evenly to both sides; the last is 65535. What the int16 sigmoid and tanh interpolate.
[[nodiscard]] std::vector<std::uint16_t> sigmoid_table();
/// How int16 inputs reach that table: units of 1/12288 for sigmoid; x * multiplier * 2^-shift.
struct TableScale {
  std::int32_t multiplier = 0;
  int shift = 0;
};
[[nodiscard]] TableScale sigmoid_s16_scale(const Type& x);
[[nodiscard]] TableScale tanh_s16_scale(const Type& x);

}  // namespace nb
