// Writes cases for the Helium kernels: random geometries, with the results of the portable kernels.
// Usage: mve_cases <cases> <seed> <file>
#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "../../blocks/conv2d/pack_mve.h"
#include "../../blocks/dense/pack_mve.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_s8.h"
#include "../../blocks/depthwise_conv2d/pack_mve.h"
#include "case_file.h"

namespace {

std::mt19937 random_bits;
CaseFile* file;

int32_t pick(int32_t low, int32_t high) {
  return std::uniform_int_distribution<int32_t>(low, high)(random_bits);
}

std::vector<int8_t> bytes(size_t count, int32_t low) {
  std::vector<int8_t> values(count);
  // Extremes often: they find overflows and ties that a flat draw misses.
  const bool extreme = pick(0, 3) == 0;
  for (int8_t& v : values) v = static_cast<int8_t>(extreme ? (pick(0, 1) ? low : 127) : pick(low, 127));
  return values;
}

/// Of a case: weights of -1..1 and shifts that leave few bits, so that many results are ties between two
/// integers.
bool tied;

std::vector<int8_t> weights_of(size_t count) {
  tied = pick(0, 4) == 0;
  std::vector<int8_t> values = bytes(count, -128);
  if (tied)
    for (int8_t& v : values) v = static_cast<int8_t>(pick(-1, 1));
  return values;
}

struct Scales {
  std::vector<int32_t> bias, multiplier;
  std::vector<int8_t> shift;
};

/// Scales that bring sums of `taps` products into int8 range, sometimes far off, sometimes powers of two
/// (ties).
Scales scales(int32_t channels, int32_t taps) {
  Scales s;
  const bool ties = pick(0, 2) == 0, wild = pick(0, 7) == 0, has_bias = pick(0, 7) != 0;
  // Biases at the border of 24 bits and beyond.
  const bool heavy = pick(0, 7) == 0;
  const bool uniform = pick(0, 2) == 0;
  int32_t usual = -5;
  for (int32_t n = 1; n < taps * 4; n *= 2) --usual;
  for (int32_t c = 0; c < channels; ++c) {
    if (tied) {
      s.bias.push_back(pick(-300, 300));
      s.multiplier.push_back(1 << 30);
      s.shift.push_back(static_cast<int8_t>(pick(-4, 0)));
      continue;
    }
    if (heavy) {
      const int32_t border =
          pick(0, 3) == 0 ? pick(1 << 23, 1 << 28) : (1 << 23) + pick(-3, 3) * pick(1, 2000);
      s.bias.push_back(pick(0, 1) ? border : -border);
      s.shift.push_back(static_cast<int8_t>(-pick(15, 21)));
    } else {
      if (has_bias) s.bias.push_back(pick(-3000, 3000));
      s.shift.push_back(static_cast<int8_t>(wild ? pick(-31, 3) : std::min(0, usual + pick(-1, 3))));
    }
    s.multiplier.push_back(pick(0, 40) == 0 ? 0 : ties ? 1 << 30 : pick(1 << 30, INT32_MAX));
  }
  if (uniform) {
    std::fill(s.multiplier.begin(), s.multiplier.end(), s.multiplier[0]);
    std::fill(s.shift.begin(), s.shift.end(), s.shift[0]);
  }
  return s;
}

/// Draws zero points and an activation range; half of the time a rectifier (the range starts at the zero
/// point).
template <class Params>
void draw_range(Params& p) {
  p.in_zero = pick(0, 3) == 0 ? -128 : pick(-128, 127);
  p.out_min = -128, p.out_max = 127;
  p.out_zero = pick(0, 3) == 0 ? -128 : pick(-128, 127);
  if (pick(0, 1)) p.out_min = p.out_zero;
  if (pick(0, 3) == 0) p.out_max = pick(p.out_min, 127);
}

void conv(nb::Conv2dS8 p) {
  const nb::Window2d& g = p.window;
  draw_range(p);
  const int32_t taps = g.kernel.h * g.kernel.w * p.in_channels;
  const auto in = bytes(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -128);
  const auto w = weights_of(static_cast<size_t>(taps) * p.out_channels);
  const Scales s = scales(p.out_channels, taps);
  std::vector<int8_t> out(static_cast<size_t>(g.out.h) * g.out.w * p.out_channels);
  nb::conv2d_s8(p, in.data(), w.data(), s.bias.empty() ? nullptr : s.bias.data(), s.multiplier.data(),
                s.shift.data(), out.data());
  const auto packed = nb::pack_conv2d_s8_mve(p, w, s.bias, s.multiplier, s.shift);
  file->put_case(kConv, packed.params, g.in.w * p.in_channels, nb::conv2d_s8_mve_scratch_bytes(p),
                 packed.stream, in, out);
}

void depthwise(nb::DepthwiseConv2dS8 p) {
  if (pick(0, 3)) p = nb::depthwise_conv2d_s8_mve_turned(p);
  const nb::Window2d& g = p.window;
  draw_range(p);
  const int32_t taps = g.kernel.h * g.kernel.w, channels = p.in_channels * p.depth_multiplier;
  const auto in = bytes(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -128);
  auto w = weights_of(static_cast<size_t>(taps) * channels);
  if (pick(0, 3))
    for (int8_t& v : w) v = std::max<int8_t>(v, -127);
  const Scales s = scales(channels, taps);
  std::vector<int8_t> out(static_cast<size_t>(g.out.h) * g.out.w * channels);
  nb::depthwise_conv2d_s8(p, in.data(), w.data(), s.bias.empty() ? nullptr : s.bias.data(),
                          s.multiplier.data(), s.shift.data(), out.data());
  const auto packed = nb::pack_depthwise_conv2d_s8_mve(p, w, s.bias, s.multiplier, s.shift);
  file->put_case(kDepthwise, packed.params, g.in.w * p.in_channels,
                 nb::depthwise_conv2d_s8_mve_scratch_bytes(p), packed.stream, in, out);
  if (p.in_channels != 1) return;
  const nb::Conv2dS8 q = nb::depthwise_as_conv2d_s8(p);
  const auto as_conv2d =
      nb::pack_conv2d_s8_mve(q, nb::depthwise_weights_as_conv2d_s8(p, w), s.bias, s.multiplier, s.shift);
  file->put_case(kConv, as_conv2d.params, g.in.w, nb::conv2d_s8_mve_scratch_bytes(q), as_conv2d.stream, in,
                 out);
}

void dense(nb::DenseS8 p) {
  draw_range(p);
  const auto in = bytes(static_cast<size_t>(p.rows) * p.in_features, -128);
  const auto w = weights_of(static_cast<size_t>(p.out_features) * p.in_features);
  const Scales s = scales(p.out_features, p.in_features);
  std::vector<int8_t> out(static_cast<size_t>(p.rows) * p.out_features);
  nb::dense_s8(p, in.data(), w.data(), s.bias.empty() ? nullptr : s.bias.data(), s.multiplier.data(),
               s.shift.data(), out.data());
  const auto put = [&](CaseKind kind) {
    const auto packed = nb::pack_dense_s8_mve(p, w, s.bias, s.multiplier, s.shift,
                                              kind == kDenseNarrow ? 4 : 8, kind == kDenseUniform);
    file->put_case(kind, packed.params, 0, 0, packed.stream, in, out);
  };
  put(kDense);
  put(kDenseNarrow);
  if (nb::is_uniform_mve(s.multiplier, s.shift)) put(kDenseUniform);
}

int32_t one_of(std::initializer_list<int32_t> values) { return values.begin()[pick(0, values.size() - 1)]; }

/// A random window; padding may be one-sided, smaller or larger than the kernel asks.
bool draw_window(nb::Window2d& g) {
  const bool column = pick(0, 5) == 0, plain = pick(0, 1) == 0;
  g.in = {pick(1, 14), column ? 1 : pick(1, 14)};
  g.kernel = {pick(1, 5), column ? 1 : pick(1, 5)};
  if (pick(0, 2) == 0) g.kernel = {1, 1};
  if (pick(0, 2) == 0) g.kernel = {3, 3};
  if (column && pick(0, 1)) g.kernel = {pick(1, 12), 1};
  g.stride = plain ? nb::Size2d{1, 1} : nb::Size2d{pick(1, 3), pick(1, 3)};
  g.dilation = pick(0, 3) ? nb::Size2d{1, 1} : nb::Size2d{pick(1, 3), pick(1, 3)};
  g.pad = {0, 0};
  nb::Size2d after = {0, 0};
  if (pick(0, 2)) {
    g.pad = {pick(0, g.kernel.h), pick(0, g.kernel.w)}, after = {pick(0, g.kernel.h), pick(0, g.kernel.w)};
    if (column && pick(0, 1)) g.pad.w = after.w = 0;
  }
  const int32_t h = g.in.h + g.pad.h + after.h - (g.kernel.h - 1) * g.dilation.h - 1;
  const int32_t w = g.in.w + g.pad.w + after.w - (g.kernel.w - 1) * g.dilation.w - 1;
  if (h < 0 || w < 0) return false;
  g.out = {h / g.stride.h + 1, w / g.stride.w + 1};
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  CaseFile cases(argv[3]);
  if (!cases.is_open()) return 2;
  file = &cases;
  random_bits.seed(static_cast<uint32_t>(std::atoi(argv[2])));
  for (int n = std::atoi(argv[1]); n > 0;) {
    nb::Window2d g;
    const int32_t kind_drawn = pick(0, 4);
    if (kind_drawn == 4) {
      dense({pick(1, 3), pick(0, 1) ? pick(1, 70) : 16 * pick(1, 9), pick(1, 30), 0, 0, 0, 0});
    } else if (!draw_window(g)) {
      continue;
    } else if (kind_drawn < 2) {
      const int32_t in_c = pick(0, 1) ? pick(1, 9) : one_of({1, 3, 4, 8, 12, 16, 17, 24, 31, 32, 40, 48, 64});
      conv({g, in_c, pick(0, 1) ? pick(1, 19) : 4 * pick(1, 6), 1, 0, 0, 0, 0});
    } else {
      const int32_t in_c = pick(0, 1) ? pick(1, 40) : one_of({1, 2, 3, 4, 8, 16, 24, 32, 40, 64});
      depthwise({g, in_c, pick(0, 2) ? 1 : pick(1, 9), 0, 0, 0, 0});
    }
    --n;
  }
  return cases.close() ? 0 : 2;
}
