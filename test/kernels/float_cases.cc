// Compares the tiled float kernels with the portable ones on random geometries: outputs may differ by
// rounding only. Usage: float_cases <rounds> [<seed> <file>]: with a file, writes every case there with its
// packed constants and right outputs, for run_cases.cc on a virtual board.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "../../blocks/conv2d/conv2d_f32_tiled.h"
#include "../../blocks/core/pack_f32.h"
#include "../../blocks/dense/dense_f32_tiled.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_f32_tiled.h"
#include "case_file.h"

namespace {

uint32_t state = 12345;
int32_t random_in(int32_t low, int32_t high) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return low + static_cast<int32_t>(state % static_cast<uint32_t>(high - low + 1));
}

std::vector<float> random_floats(int32_t count) {
  std::vector<float> floats(static_cast<size_t>(count));
  for (float& x : floats) x = static_cast<float>(random_in(-1000, 1000)) / 512.0f;
  return floats;
}

void set_clamp(float& low, float& high) {
  low = -std::numeric_limits<float>::infinity();
  high = -low;
  const int32_t kind = random_in(0, 3);
  if (kind > 0) low = 0;
  if (kind > 1) high = 6;
  if (kind > 2) low = -1;
}

/// A window whose output is not empty, over an image of at least one pixel.
nb::Window2d random_window(int32_t most_taps) {
  nb::Window2d g{};
  const auto axis = [&](int32_t& in, int32_t& out, int32_t& kernel, int32_t& stride, int32_t& pad,
                        int32_t& dilation) {
    do {
      in = random_in(1, 9);
      kernel = random_in(1, most_taps);
      stride = random_in(1, 3);
      dilation = random_in(0, 2) ? 1 : random_in(2, 3);
      pad = random_in(0, 1) ? random_in(0, 2 * kernel) : 0;
      out = in + pad + (random_in(0, 1) ? pad : 0) - dilation * (kernel - 1) - 1;
    } while (out < 0);
    out = out / stride + 1;
  };
  axis(g.in.h, g.out.h, g.kernel.h, g.stride.h, g.pad.h, g.dilation.h);
  axis(g.in.w, g.out.w, g.kernel.w, g.stride.w, g.pad.w, g.dilation.w);
  return g;
}

int32_t random_channels() { return random_in(0, 2) ? random_in(1, 20) : 8 * random_in(1, 3); }

int failures = 0;

std::vector<int8_t> bytes_of(const std::vector<float>& floats) {
  std::vector<int8_t> bytes(floats.size() * sizeof(float));
  std::memcpy(bytes.data(), floats.data(), bytes.size());
  return bytes;
}

constexpr float kGuard = 12345;

/// Room for an output of that size and a guard behind it.
std::vector<float> output_of(size_t count) { return std::vector<float>(count + 1, kGuard); }

void compare(const char* what, const std::vector<float>& actual, const std::vector<float>& expected) {
  float largest = 1;
  for (const float y : expected) largest = std::fmax(largest, std::fabs(y));
  bool agrees = actual.back() == kGuard;
  for (size_t i = 0; i < expected.size(); ++i)
    agrees &= std::fabs(actual[i] - expected[i]) <= 1e-5f * largest;
  if (agrees) return;
  std::printf("FAIL %s\n", what);
  ++failures;
}

void test_conv2d(CaseFile& file) {
  nb::Conv2dF32 p{random_in(1, 2), random_window(4), random_channels(), random_channels(), 1, 0, 0};
  set_clamp(p.out_min, p.out_max);
  const nb::Window2d& g = p.window;
  const int32_t inputs = g.kernel.h * g.kernel.w * p.in_channels;
  const auto in = random_floats(p.batch * g.in.h * g.in.w * p.in_channels);
  const auto w = random_floats(p.out_channels * inputs);
  const auto bias = random_floats(random_in(0, 1) ? p.out_channels : 0);
  const auto packed = nb::pack_tiles_f32(p.out_channels, inputs, bias,
                                         [&](int32_t o, int32_t k) { return w[o * inputs + k]; });
  std::vector<float> expected(static_cast<size_t>(p.batch) * g.out.h * g.out.w * p.out_channels);
  nb::conv2d_f32(p, in.data(), w.data(), bias.empty() ? nullptr : bias.data(), expected.data());
  auto actual = output_of(expected.size());
  nb::conv2d_f32_tiled(p, in.data(), packed.data(), actual.data());
  compare("conv2d", actual, expected);
  const int32_t row = g.in.w * p.in_channels * static_cast<int32_t>(sizeof(float));
  if (p.batch == 1) file.put_case(kConv, p, row, 0, bytes_of(packed), bytes_of(in), bytes_of(expected));
}

void test_depthwise(CaseFile& file) {
  nb::DepthwiseConv2dF32 p{random_in(1, 2), random_window(5), random_channels(), 1, 0, 0};
  set_clamp(p.out_min, p.out_max);
  const nb::Window2d& g = p.window;
  const int32_t taps = g.kernel.h * g.kernel.w;
  const auto in = random_floats(p.batch * g.in.h * g.in.w * p.in_channels);
  const auto w = random_floats(p.in_channels * taps);
  const auto bias = random_floats(random_in(0, 1) ? p.in_channels : 0);
  const auto packed = nb::pack_tiles_f32(p.in_channels, taps, bias,
                                         [&](int32_t o, int32_t k) { return w[k * p.in_channels + o]; });
  std::vector<float> expected(static_cast<size_t>(p.batch) * g.out.h * g.out.w * p.in_channels);
  nb::depthwise_conv2d_f32(p, in.data(), w.data(), bias.empty() ? nullptr : bias.data(), expected.data());
  auto actual = output_of(expected.size());
  nb::depthwise_conv2d_f32_tiled(p, in.data(), packed.data(), actual.data());
  compare("depthwise_conv2d", actual, expected);
  const int32_t row = g.in.w * p.in_channels * static_cast<int32_t>(sizeof(float));
  if (p.batch == 1) file.put_case(kDepthwise, p, row, 0, bytes_of(packed), bytes_of(in), bytes_of(expected));
}

void test_dense(CaseFile& file) {
  nb::DenseF32 p{random_in(1, 5), random_in(1, 40), random_in(1, 30), 0, 0};
  set_clamp(p.out_min, p.out_max);
  const auto in = random_floats(p.rows * p.in_features);
  const auto w = random_floats(p.out_features * p.in_features);
  const auto bias = random_floats(random_in(0, 1) ? p.out_features : 0);
  const auto packed = nb::pack_tiles_f32(p.out_features, p.in_features, bias,
                                         [&](int32_t o, int32_t k) { return w[o * p.in_features + k]; });
  std::vector<float> expected(static_cast<size_t>(p.rows) * p.out_features);
  nb::dense_f32(p, in.data(), w.data(), bias.empty() ? nullptr : bias.data(), expected.data());
  auto actual = output_of(expected.size());
  nb::dense_f32_tiled(p, in.data(), packed.data(), actual.data());
  compare("dense", actual, expected);
  file.put_case(kDense, p, 0, 0, bytes_of(packed), bytes_of(in), bytes_of(expected));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 500;
  if (argc > 2) state += static_cast<uint32_t>(std::atoi(argv[2])) * 2654435761u;
  CaseFile cases(argc > 3 ? argv[3] : nullptr);
  if (argc > 3 && !cases.is_open()) return 2;
  for (int round = 0; round < rounds && failures < 10; ++round) {
    test_conv2d(cases);
    test_depthwise(cases);
    test_dense(cases);
  }
  if (!cases.close()) return 2;
  std::printf("%s: %d failures\n", failures ? "FAILED" : "ok", failures);
  return failures != 0;
}
