// Compares the plain C++ forms of the DSP kernels with the portable kernels, bit for bit, on random
// geometries and at the bounds of their arithmetic. Usage: dsp_cases <rounds> [<seed> <file>]: with a file,
// writes every case there with its packed constants and right outputs, for run_cases.cc on a virtual board.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../blocks/conv2d/pack_dsp.h"
#include "../../blocks/dense/pack_dsp.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_s8.h"
#include "../../blocks/depthwise_conv2d/pack_dsp.h"
#include "case_file.h"

namespace {

uint32_t state = 12345;
uint32_t random_word() {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}
int32_t random_in(int32_t low, int32_t high) {
  return low + static_cast<int32_t>(random_word() % (high - low + 1));
}

bool extreme_bytes = false;  ///< nearly all bytes of a tensor are its lowest or its highest value

std::vector<int8_t> random_bytes(size_t count, int32_t low, int32_t high) {
  std::vector<int8_t> bytes(count);
  const int32_t most = random_in(0, 1) ? low : high;
  for (int8_t& b : bytes)
    b = static_cast<int8_t>(extreme_bytes && random_in(0, 15) ? most : random_in(low, high));
  return bytes;
}

bool dead_channels = false;  ///< some channels have no weights at all

/// Weights of `channels` channels; channel o has those at o * step + i * stride.
std::vector<int8_t> random_weights(int32_t channels, int32_t taps, int32_t low, size_t step, size_t stride) {
  std::vector<int8_t> weights = random_bytes(static_cast<size_t>(channels) * taps, low, 127);
  for (int32_t o = 0; dead_channels && o < channels; ++o)
    for (int32_t i = 0; o % 3 == 0 && i < taps; ++i) weights[o * step + i * stride] = 0;
  return weights;
}

struct Scales {
  std::vector<int32_t> bias, multiplier;
  std::vector<int8_t> shift;
};

/// Scales that bring sums of `taps` products to about eight bits; `wild` adds left shifts and shifts by
/// nothing (1, 2), or channels whose output is always zero (3), or suits extreme bytes (4), or rounds
/// once (5).
Scales random_scales(int32_t channels, int32_t taps, int wild) {
  Scales s;
  int32_t bits = 5;
  while ((1 << (2 * (bits - 5))) < taps) ++bits;
  for (int32_t o = 0; o < channels; ++o) {
    s.bias.push_back(random_in(-20000, 20000));
    s.multiplier.push_back(random_in(0, 9) == 0 ? 1 << 30 : random_in(1 << 30, INT32_MAX - 1));
    int32_t shift = -(bits + random_in(-3, 3));
    if (wild == 1) shift = random_in(-12, 0);
    if (wild == 2) shift = random_in(-31, 4);
    if (wild == 4) {
      shift = -random_in(7, 10);
      for (int32_t n = 1; n < taps; n *= 2) --shift;
    }
    if (wild == 5) {
      s.multiplier.back() >>= std::min(-shift, 20);
      shift = 0;
    }
    if (wild == 3 && random_in(0, 2) == 0) shift = random_in(-31, -23);
    if (wild == 3 && random_in(0, 4) == 0) shift = 0, s.multiplier.back() = 0;
    s.shift.push_back(static_cast<int8_t>(shift));
  }
  return s;
}

CaseFile* file = nullptr;
int failures = 0;

struct Clamp {
  int32_t zero, low, high;
};
Clamp random_clamp() {
  Clamp c{random_in(-128, 127), -128, 127};
  const int32_t kind = random_in(0, 3);
  if (kind == 0) c.zero = -128;
  if (kind == 1) c.low = c.zero;
  if (kind == 2) c.low = random_in(-128, 0), c.high = random_in(0, 127);
  return c;
}

void compare(const std::vector<int8_t>& want, const std::vector<int8_t>& got, const char* what) {
  size_t differ = 0;
  for (size_t i = 0; i < want.size(); ++i) differ += want[i] != got[i];
  if (differ == 0) return;
  ++failures;
  printf("FAIL %s: %u of %u outputs differ\n", what, static_cast<unsigned>(differ),
         static_cast<unsigned>(want.size()));
}

/// A guarded, 16-byte aligned copy: reads before it or writes after it show.
struct Room {
  std::vector<int8_t> bytes;
  size_t start, size;
  explicit Room(size_t count) : bytes(count + 96, 0x5a), size(count) {
    start = 32 + (16 - reinterpret_cast<uintptr_t>(bytes.data() + 32) % 16) % 16;
  }
  int8_t* data() { return bytes.data() + start; }
  bool intact() const {
    for (size_t i = 0; i < start; ++i)
      if (bytes[i] != 0x5a) return false;
    for (size_t i = start + size; i < bytes.size(); ++i)
      if (bytes[i] != 0x5a) return false;
    return true;
  }
};

nb::Window2d window(int32_t ih, int32_t iw, int32_t kh, int32_t kw, int32_t sh, int32_t sw, int32_t ph,
                    int32_t pw, int32_t eh, int32_t ew, int32_t dh, int32_t dw) {
  nb::Window2d g{{ih, iw}, {0, 0}, {kh, kw}, {sh, sw}, {ph, pw}, {dh, dw}};
  g.out.h = (ih + ph + eh - (kh - 1) * dh - 1) / sh + 1;
  g.out.w = (iw + pw + ew - (kw - 1) * dw - 1) / sw + 1;
  return g;
}
nb::Window2d random_window() {
  for (;;) {
    const int32_t kh = random_in(1, 5), kw = random_in(1, 5), dh = random_in(0, 3) ? 1 : random_in(1, 3),
                  dw = random_in(0, 3) ? 1 : random_in(1, 3);
    const bool padded = random_in(0, 1);
    const int32_t ph = padded ? random_in(0, (kh - 1) * dh) : 0,
                  pw = padded ? random_in(0, (kw - 1) * dw) : 0;
    const int32_t eh = padded ? random_in(0, (kh - 1) * dh) : 0,
                  ew = padded ? random_in(0, (kw - 1) * dw) : 0;
    const int32_t ih = random_in(1, 9), iw = random_in(1, 9);
    if (ih + ph + eh < (kh - 1) * dh + 1 || iw + pw + ew < (kw - 1) * dw + 1) continue;
    return window(ih, iw, kh, kw, random_in(1, 3), random_in(1, 3), ph, pw, eh, ew, dh, dw);
  }
}

void run_conv(const nb::Conv2dS8& p, const Scales& s, int32_t weight_low, bool with_bias, bool by_rows) {
  const nb::Window2d& g = p.window;
  const int32_t taps = g.kernel.h * g.kernel.w * p.in_channels;
  const auto in = random_bytes(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -128, 127);
  const auto weights = random_weights(p.out_channels, taps, weight_low, taps, 1);
  const int32_t* bias = with_bias ? s.bias.data() : nullptr;
  std::vector<int8_t> want(static_cast<size_t>(g.out.h) * g.out.w * p.out_channels);
  nb::conv2d_s8(p, in.data(), weights.data(), bias, s.multiplier.data(), s.shift.data(), want.data());
  std::span<const int32_t> biases = s.bias;
  if (!with_bias) biases = {};
  const auto stream = nb::pack_conv2d_s8_dsp(p, weights, biases, s.multiplier, s.shift);
  file->put_case(kConv, p, g.in.w * p.in_channels, nb::conv2d_s8_dsp_scratch_bytes(p), stream, in, want);
  Room packed(stream.size()), out(want.size()), scratch(nb::conv2d_s8_dsp_scratch_bytes(p)), input(in.size());
  std::copy(stream.begin(), stream.end(), packed.data());
  std::copy(in.begin(), in.end(), input.data());
  if (by_rows) {
    const size_t row = static_cast<size_t>(g.out.w) * p.out_channels;
    const int32_t split = random_in(0, g.out.h);
    const int32_t first = nb::clamp<int32_t>(split * g.stride.h - g.pad.h, 0, g.in.h);
    nb::conv2d_s8_dsp_rows(p, input.data(), 0, packed.data(), out.data(), 0, split, scratch.data());
    nb::conv2d_s8_dsp_rows(p, input.data() + static_cast<size_t>(first) * g.in.w * p.in_channels, first,
                           packed.data(), out.data() + split * row, split, g.out.h, scratch.data());
  } else {
    nb::conv2d_s8_dsp(p, input.data(), packed.data(), out.data(), scratch.data());
  }
  char what[160];
  snprintf(what, sizeof what,
           "conv in %dx%dx%d kernel %dx%d stride %d %d pad %d %d dilation %d %d out %dx%dx%d finish %d",
           int(g.in.h), int(g.in.w), int(p.in_channels), int(g.kernel.h), int(g.kernel.w), int(g.stride.h),
           int(g.stride.w), int(g.pad.h), int(g.pad.w), int(g.dilation.h), int(g.dilation.w), int(g.out.h),
           int(g.out.w), int(p.out_channels), int(stream[8]));
  compare(want, std::vector<int8_t>(out.data(), out.data() + want.size()), what);
  if (!out.intact() || !scratch.intact()) ++failures, printf("FAIL %s: wrote outside\n", what);
}

void run_dense(const nb::DenseS8& p, const Scales& s, int32_t weight_low, bool with_bias) {
  const auto in = random_bytes(static_cast<size_t>(p.rows) * p.in_features, -128, 127);
  const auto weights = random_weights(p.out_features, p.in_features, weight_low, p.in_features, 1);
  const int32_t* bias = with_bias ? s.bias.data() : nullptr;
  std::vector<int8_t> want(static_cast<size_t>(p.rows) * p.out_features);
  nb::dense_s8(p, in.data(), weights.data(), bias, s.multiplier.data(), s.shift.data(), want.data());
  std::span<const int32_t> biases = s.bias;
  if (!with_bias) biases = {};
  const auto stream = nb::pack_dense_s8_dsp(p, weights, biases, s.multiplier, s.shift);
  file->put_case(kDense, p, 0, nb::dense_s8_dsp_scratch_bytes(p), stream, in, want);
  Room packed(stream.size()), out(want.size()), scratch(nb::dense_s8_dsp_scratch_bytes(p)), input(in.size());
  std::copy(stream.begin(), stream.end(), packed.data());
  std::copy(in.begin(), in.end(), input.data());
  nb::dense_s8_dsp(p, input.data(), packed.data(), out.data(), scratch.data());
  char what[120];
  snprintf(what, sizeof what, "dense %dx%d to %d finish %d", int(p.rows), int(p.in_features),
           int(p.out_features), int(stream[8]));
  compare(want, std::vector<int8_t>(out.data(), out.data() + want.size()), what);
  if (!out.intact() || !scratch.intact()) ++failures, printf("FAIL %s: wrote outside\n", what);
}

void run_depthwise_as_conv(const nb::DepthwiseConv2dS8& p, const Scales& s, int32_t weight_low,
                           bool with_bias) {
  const nb::Window2d& g = p.window;
  const int32_t out_channels = p.in_channels * p.depth_multiplier;
  const auto in = random_bytes(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -128, 127);
  const auto weights = random_weights(out_channels, g.kernel.h * g.kernel.w, weight_low, 1, out_channels);
  std::vector<int8_t> want(static_cast<size_t>(g.out.h) * g.out.w * out_channels), out(want.size());
  nb::depthwise_conv2d_s8(p, in.data(), weights.data(), with_bias ? s.bias.data() : nullptr,
                          s.multiplier.data(), s.shift.data(), want.data());
  std::span<const int32_t> biases = s.bias;
  if (!with_bias) biases = {};
  const nb::DepthwiseAsConv2d full = nb::depthwise_as_conv2d(p, weights);
  const auto stream = nb::pack_conv2d_s8_dsp(full.params, full.weights, biases, s.multiplier, s.shift);
  std::vector<uint32_t> scratch(nb::conv2d_s8_dsp_scratch_bytes(full.params) / 4 + 1);
  nb::conv2d_s8_dsp(full.params, in.data(), stream.data(), out.data(),
                    reinterpret_cast<int8_t*>(scratch.data()));
  compare(want, out, "depthwise as convolution");
}

void run_depthwise(const nb::DepthwiseConv2dS8& p, const Scales& s, int32_t weight_low, bool with_bias,
                   bool by_rows) {
  if (!nb::depthwise_conv2d_s8_dsp_applies(p)) return run_depthwise_as_conv(p, s, weight_low, with_bias);
  const nb::Window2d& g = p.window;
  const int32_t out_channels = p.in_channels * p.depth_multiplier;
  const auto in = random_bytes(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -128, 127);
  const auto weights = random_weights(out_channels, g.kernel.h * g.kernel.w, weight_low, 1, out_channels);
  const int32_t* bias = with_bias ? s.bias.data() : nullptr;
  std::vector<int8_t> want(static_cast<size_t>(g.out.h) * g.out.w * out_channels);
  nb::depthwise_conv2d_s8(p, in.data(), weights.data(), bias, s.multiplier.data(), s.shift.data(),
                          want.data());
  std::span<const int32_t> biases = s.bias;
  if (!with_bias) biases = {};
  const auto stream = nb::pack_depthwise_conv2d_s8_dsp(p, weights, biases, s.multiplier, s.shift);
  file->put_case(kDepthwise, p, g.in.w * p.in_channels, nb::depthwise_conv2d_s8_dsp_scratch_bytes(p), stream,
                 in, want);
  Room packed(stream.size()), out(want.size()), scratch(nb::depthwise_conv2d_s8_dsp_scratch_bytes(p)),
      input(in.size());
  std::copy(stream.begin(), stream.end(), packed.data());
  std::copy(in.begin(), in.end(), input.data());
  if (by_rows) {
    const size_t row = static_cast<size_t>(g.out.w) * out_channels;
    const int32_t split = random_in(0, g.out.h);
    const int32_t first = nb::clamp<int32_t>(split * g.stride.h - g.pad.h, 0, g.in.h);
    nb::depthwise_conv2d_s8_dsp_rows(p, input.data(), 0, packed.data(), out.data(), 0, split, scratch.data());
    nb::depthwise_conv2d_s8_dsp_rows(p, input.data() + static_cast<size_t>(first) * g.in.w * p.in_channels,
                                     first, packed.data(), out.data() + split * row, split, g.out.h,
                                     scratch.data());
  } else {
    nb::depthwise_conv2d_s8_dsp(p, input.data(), packed.data(), out.data(), scratch.data());
  }
  char what[160];
  snprintf(what, sizeof what,
           "depthwise in %dx%dx%d kernel %dx%d stride %d %d pad %d %d dilation %d %d out %dx%d multiplier %d "
           "finish %d",
           int(g.in.h), int(g.in.w), int(p.in_channels), int(g.kernel.h), int(g.kernel.w), int(g.stride.h),
           int(g.stride.w), int(g.pad.h), int(g.pad.w), int(g.dilation.h), int(g.dilation.w), int(g.out.h),
           int(g.out.w), int(p.depth_multiplier), int(stream[8]));
  compare(want, std::vector<int8_t>(out.data(), out.data() + want.size()), what);
  if (!out.intact() || !scratch.intact()) ++failures, printf("FAIL %s: wrote outside\n", what);
}

void random_cases(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const int wild = i % 8 > 4 ? i % 8 - 4 : i % 8 == 4 ? 5 : 0;
    dead_channels = random_in(0, 2) == 0;
    const int32_t weight_low = i % 5 == 4 ? -128 : -127;
    const bool bias = i % 4 != 0, by_rows = random_in(0, 1);
    Clamp c = random_clamp();
    nb::Conv2dS8 conv{random_window(),
                      random_in(1, 3) == 1 ? random_in(1, 3) : random_in(1, 20),
                      random_in(1, 11),
                      1,
                      random_in(-128, 127),
                      c.zero,
                      c.low,
                      c.high};
    run_conv(conv,
             random_scales(conv.out_channels, conv.window.kernel.h * conv.window.kernel.w * conv.in_channels,
                           wild),
             weight_low, bias, by_rows);
    conv.window = window(random_in(1, 6), random_in(1, 6), 1, 1, 1, 1, 0, 0, 0, 0, 1, 1);
    conv.in_channels = random_in(1, 70);
    run_conv(conv, random_scales(conv.out_channels, conv.in_channels, wild), weight_low, bias, by_rows);
    c = random_clamp();
    const nb::DenseS8 dense{random_in(1, 3),
                            i % 50 == 0 ? 2000 : random_in(1, 130),
                            random_in(1, 13),
                            random_in(-128, 127),
                            c.zero,
                            c.low,
                            c.high};
    run_dense(dense, random_scales(dense.out_features, dense.in_features, wild), weight_low, bias);
    c = random_clamp();
    nb::DepthwiseConv2dS8 depthwise{random_window(),
                                    random_in(1, 18),
                                    random_in(0, 3) ? 1 : random_in(1, 4),
                                    random_in(-128, 127),
                                    c.zero,
                                    c.low,
                                    c.high};
    if (i % 3 == 0) {
      nb::Window2d& g = depthwise.window;
      const int32_t stride = i % 2 ? 1 : g.stride.w, pad = random_in(0, 2);
      g = window(g.in.h + 2, g.in.w + 2, 3, 3, stride, stride, pad, random_in(0, 2), random_in(0, 2),
                 random_in(0, 2), 1, 1);
    }
    run_depthwise(depthwise,
                  random_scales(depthwise.in_channels * depthwise.depth_multiplier,
                                depthwise.window.kernel.h * depthwise.window.kernel.w, wild),
                  weight_low, bias, by_rows);
  }
}

/// Sums as large as they get: around the bounds of shared lanes and of the finishes.
void extreme_cases(int rounds) {
  extreme_bytes = true;
  dead_channels = false;
  for (int i = 0; i < rounds; ++i) {
    const Clamp c = random_clamp();
    const nb::DenseS8 dense{
        random_in(1, 3), random_in(300, 2500), random_in(1, 9), random_in(-128, 127), c.zero, c.low, c.high};
    run_dense(dense, random_scales(dense.out_features, dense.in_features, 4), i % 2 ? -128 : -127, true);
    const nb::DenseS8 large{
        1, random_in(30000, 60000), random_in(1, 2), random_in(0, 1) ? -128 : 127, c.zero, c.low, c.high};
    if (i % 8 == 0) {
      Scales scales = random_scales(large.out_features, large.in_features, 4);
      for (int8_t& shift : scales.shift) shift = nb::max<int8_t>(shift, -22);
      run_dense(large, scales, -127, true);
    }
    const nb::DepthwiseConv2dS8 depthwise{window(9, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1),
                                          random_in(4, 9),
                                          1,
                                          random_in(-128, 127),
                                          c.zero,
                                          c.low,
                                          c.high};
    run_depthwise(depthwise, random_scales(depthwise.in_channels, 9, 4), -128, true, false);
  }
  extreme_bytes = false;
}

/// The fast finishes against the general rescaling, where they claim to be equal.
void finish_cases() {
  const int32_t edges[] = {
      0, 1, -1, 2, -2, 3, -3, 127, -128, 255, -256, (1 << 29) - 1, -(1 << 29), (1 << 30) - 1, -(1 << 30) + 1};
  for (int round = 0; round < 200000; ++round) {
    const int8_t shift = static_cast<int8_t>(-random_in(0, 22));
    const int32_t multiplier = round % 7 == 0   ? 1 << 30
                               : round % 7 == 1 ? INT32_MAX
                                                : random_in(1 << 30, INT32_MAX - 1);
    const int32_t zero = random_in(-128, 127);
    int32_t sum =
        round % 4 == 0 ? edges[random_word() % 15] : static_cast<int32_t>(random_word()) >> random_in(2, 30);
    if (round % 4 == 1) {  // near a tie: sum * multiplier / 2^(31 - shift) is about n + 1/2
      const double scale = multiplier / 2147483648.0 / static_cast<double>(int64_t{1} << -shift);
      const double wanted = (random_in(-200, 200) + 0.5) / scale;
      if (wanted < 1e9 && wanted > -1e9) sum = static_cast<int32_t>(wanted) + random_in(-2, 2);
    }
    const int32_t want = nb::clamp<int32_t>(zero + nb::rescale(sum, multiplier, shift), -128, 127);
    const bool floors = random_in(0, 1);
    if (!floors && shift == 0) continue;
    const int32_t low = floors ? zero : -128;
    const nb::FinishDsp finish = floors ? nb::kFinishFloorDsp : nb::kFinishSignedDsp;
    const int32_t twice = sum * 2;
    const nb::FinishConstantsDsp c =
        nb::finish_constants_dsp(finish, {0, int64_t{1} << 40, multiplier, shift}, zero);
    const int32_t offset = static_cast<int32_t>(c.offset) - (!floors && twice < 0 ? 1 : 0);
    const int32_t got =
        nb::clamp<int32_t>(nb::multiply_high_add(twice, multiplier, offset) >> c.shift, -128, 127);
    if (nb::max(want, low) != nb::max(got, low)) {
      ++failures;
      printf("FAIL finish sum %ld multiplier %ld shift %d zero %ld: %ld, not %ld\n", long(sum),
             long(multiplier), shift, long(zero), long(got), long(want));
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 2000;
  if (argc > 2) state += static_cast<uint32_t>(std::atoi(argv[2])) * 2654435761u;
  CaseFile cases(argc > 3 ? argv[3] : nullptr);
  if (argc > 3 && !cases.is_open()) return 2;
  file = &cases;
  finish_cases();
  random_cases(rounds);
  extreme_cases(rounds / 4);
  if (!cases.close()) return 2;
  printf("%s: %d failures\n", failures ? "FAILED" : "ok", failures);
  return failures != 0;
}
