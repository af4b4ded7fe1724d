// Writes cases for the Helium kernels: random geometries and the layers of known models, with the results of
// the portable kernels. Usage: mve_cases <file> <random cases> <seed> [name<TAB>kind<TAB>geometry lines on
// stdin]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../../blocks/conv2d/pack_mve.h"
#include "../../blocks/dense/pack_mve.h"
#include "../../blocks/depthwise_conv2d/pack_mve.h"
#include "mve_cases.h"

namespace {

std::mt19937 random_bits;
std::FILE* file;

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
  int32_t usual = -5;
  for (int32_t n = 1; n < taps * 4; n *= 2) --usual;
  for (int32_t c = 0; c < channels; ++c) {
    if (tied) {
      s.bias.push_back(pick(-300, 300));
      s.multiplier.push_back(1 << 30);
      s.shift.push_back(static_cast<int8_t>(pick(-4, 0)));
      continue;
    }
    if (has_bias) s.bias.push_back(pick(-3000, 3000));
    s.multiplier.push_back(pick(0, 40) == 0 ? 0 : ties ? 1 << 30 : pick(1 << 30, INT32_MAX));
    s.shift.push_back(static_cast<int8_t>(wild ? pick(-31, 3) : std::min(0, usual + pick(-1, 3))));
  }
  return s;
}

void put(const void* from, size_t size_bytes) {
  static const char zeros[16] = {};
  std::fwrite(from, 1, size_bytes, file);
  std::fwrite(zeros, 1, (16 - size_bytes % 16) % 16, file);
}

template <class Params>
void put_case(MveKind kind, const char* name, const Params& p, int64_t macs, int32_t in_row_bytes,
              int32_t scratch_bytes, const std::vector<int8_t>& packed, const std::vector<int8_t>& in,
              const std::vector<int8_t>& expected) {
  MveCase c{};
  static_assert(sizeof p <= sizeof c.params);
  c.kind = kind;
  c.measured = name != nullptr;
  c.macs = static_cast<int32_t>(macs);
  c.packed_bytes = static_cast<int32_t>(packed.size());
  c.in_bytes = static_cast<int32_t>(in.size());
  c.out_bytes = static_cast<int32_t>(expected.size());
  c.in_row_bytes = in_row_bytes;
  c.scratch_bytes = scratch_bytes;
  std::memcpy(c.params, &p, sizeof p);
  std::snprintf(c.name, sizeof c.name, "%s", name ? name : "random");
  put(&c, sizeof c);
  put(packed.data(), packed.size());
  put(in.data(), in.size());
  put(expected.data(), expected.size());
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

void conv(const char* name, nb::Conv2dS8 p) {
  const nb::Window2d& g = p.window;
  draw_range(p);
  const int32_t taps = g.kernel.h * g.kernel.w * p.in_channels;
  const auto in = bytes(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -128);
  const auto w = weights_of(static_cast<size_t>(taps) * p.out_channels);
  const Scales s = scales(p.out_channels, taps);
  std::vector<int8_t> out(static_cast<size_t>(g.out.h) * g.out.w * p.out_channels);
  nb::conv2d_s8(p, in.data(), w.data(), s.bias.empty() ? nullptr : s.bias.data(), s.multiplier.data(),
                s.shift.data(), out.data());
  put_case(kConv, name, p, static_cast<int64_t>(out.size()) * taps, g.in.w * p.in_channels,
           nb::conv2d_s8_mve_scratch_bytes(p), nb::pack_conv2d_s8_mve(p, w, s.bias, s.multiplier, s.shift),
           in, out);
}

void depthwise(const char* name, nb::DepthwiseConv2dS8 p) {
  const nb::Window2d& g = p.window;
  draw_range(p);
  const int32_t taps = g.kernel.h * g.kernel.w, channels = p.in_channels * p.depth_multiplier;
  const auto in = bytes(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -128);
  auto w = weights_of(static_cast<size_t>(taps) * channels);
  if (!nb::depthwise_conv2d_s8_mve_weights_apply(p, w))
    for (int8_t& v : w) v = std::max<int8_t>(v, -127);
  const Scales s = scales(channels, taps);
  std::vector<int8_t> out(static_cast<size_t>(g.out.h) * g.out.w * channels);
  nb::depthwise_conv2d_s8(p, in.data(), w.data(), s.bias.empty() ? nullptr : s.bias.data(),
                          s.multiplier.data(), s.shift.data(), out.data());
  const int64_t macs = static_cast<int64_t>(out.size()) * taps;
  put_case(kDepthwise, name, p, macs, g.in.w * p.in_channels, nb::depthwise_conv2d_s8_mve_scratch_bytes(p),
           nb::pack_depthwise_conv2d_s8_mve(p, w, s.bias, s.multiplier, s.shift), in, out);
  if (p.in_channels != 1) return;
  const std::string as_conv = std::string(name ? name : "") + " as conv";
  const nb::Conv2dS8 q = nb::depthwise_as_conv2d_s8(p);
  put_case(kConv, name ? as_conv.c_str() : nullptr, q, macs, g.in.w, nb::conv2d_s8_mve_scratch_bytes(q),
           nb::pack_conv2d_s8_mve(q, nb::depthwise_weights_as_conv2d_s8(p, w), s.bias, s.multiplier, s.shift),
           in, out);
}

void dense(const char* name, nb::DenseS8 p) {
  draw_range(p);
  const auto in = bytes(static_cast<size_t>(p.rows) * p.in_features, -128);
  const auto w = weights_of(static_cast<size_t>(p.out_features) * p.in_features);
  const Scales s = scales(p.out_features, p.in_features);
  std::vector<int8_t> out(static_cast<size_t>(p.rows) * p.out_features);
  nb::dense_s8(p, in.data(), w.data(), s.bias.empty() ? nullptr : s.bias.data(), s.multiplier.data(),
               s.shift.data(), out.data());
  put_case(kDense, name, p, static_cast<int64_t>(out.size()) * p.in_features, 0,
           nb::dense_s8_mve_scratch_bytes(p), nb::pack_dense_s8_mve(p, w, s.bias, s.multiplier, s.shift), in,
           out);
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
  file = std::fopen(argv[1], "wb");
  if (!file) return 1;
  random_bits.seed(static_cast<uint32_t>(std::atoi(argv[3])));
  char name[64];
  int kind, in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w;
  while (std::scanf("%63s %d %d %d %d %d %d %d %d %d", name, &kind, &in_h, &in_w, &in_c, &out_h, &out_w,
                    &out_c, &k_h, &k_w) == 10) {
    if (kind == kDense) {
      dense(name, {in_h, in_c, out_c, 0, 0, 0, 0});
      continue;
    }
    // Strides and 'same' padding from the sizes.
    nb::Window2d g{{in_h, in_w}, {out_h, out_w}, {k_h, k_w}, {1, 1}, {0, 0}, {1, 1}};
    const auto fit = [](int32_t in, int32_t out, int32_t k, int32_t& stride, int32_t& pad) {
      stride = out > 1 ? (in + out - 1) / out : 1;
      if ((in - k) / stride + 1 != out) pad = std::max(0, (out - 1) * stride + k - in) / 2;
    };
    fit(in_h, out_h, k_h, g.stride.h, g.pad.h);
    fit(in_w, out_w, k_w, g.stride.w, g.pad.w);
    if (std::strstr(name, "valid")) g.stride = {1, 1}, g.pad = {0, 0};
    if (kind == kConv) conv(name, {g, in_c, out_c, 1, 0, 0, 0, 0});
    if (kind == kDepthwise) depthwise(name, {g, in_c, out_c / in_c, 0, 0, 0, 0});
  }
  for (int n = std::atoi(argv[2]); n > 0;) {
    nb::Window2d g;
    const int32_t kind_drawn = pick(0, 4);
    if (kind_drawn == 4) {
      dense(nullptr, {pick(1, 3), pick(0, 1) ? pick(1, 70) : 16 * pick(1, 9), pick(1, 30), 0, 0, 0, 0});
    } else if (!draw_window(g)) {
      continue;
    } else if (kind_drawn < 2) {
      const int32_t in_c = pick(0, 1) ? pick(1, 9) : one_of({1, 3, 4, 8, 12, 16, 17, 24, 31, 32, 40, 48, 64});
      conv(nullptr, {g, in_c, pick(0, 1) ? pick(1, 19) : 4 * pick(1, 6), 1, 0, 0, 0, 0});
    } else {
      const int32_t in_c = pick(0, 1) ? pick(1, 40) : one_of({1, 2, 3, 4, 8, 16, 24, 32, 40, 64});
      depthwise(nullptr, {g, in_c, pick(0, 2) ? 1 : pick(1, 9), 0, 0, 0, 0});
    }
    --n;
  }
  MveCase end{};
  end.kind = -1;
  put(&end, sizeof end);
  return std::fclose(file) ? 1 : 0;
}
