// Cases of the int16 kernels: random geometries and scales, with the results of the portable kernels.
// Usage: s16_cases <rounds> compares the plain C++ forms of the DSP kernels with them on this computer;
// s16_cases <rounds> <seed> <file> [mve] writes cases for run_cases.cc, of the DSP or the Helium kernels.
#include <cstdlib>
#include <random>
#include <string_view>

#include "../../blocks/conv2d/conv2d_s16.h"
#include "../../blocks/conv2d/pack_s16_dsp.h"
#include "../../blocks/conv2d/pack_s16_mve.h"
#include "../../blocks/dense/dense_s16.h"
#include "../../blocks/dense/pack_s16_dsp.h"
#include "../../blocks/dense/pack_s16_mve.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_s16.h"
#include "../../blocks/depthwise_conv2d/pack_s16_dsp.h"
#include "../../blocks/depthwise_conv2d/pack_s16_mve.h"
#include "case_file.h"

namespace {

std::mt19937 random_bits;
CaseFile* file;
bool is_mve;
int failures = 0;
int of_form[3];  ///< cases that were compared or written

int32_t pick(int32_t low, int32_t high) {
  return std::uniform_int_distribution<int32_t>(low, high)(random_bits);
}

template <class T>
std::vector<T> values(size_t count, int32_t low, int32_t high) {
  std::vector<T> made(count);
  const bool extreme = pick(0, 3) == 0;
  for (T& v : made) v = static_cast<T>(extreme && pick(0, 7) ? (pick(0, 1) ? low : high) : pick(low, high));
  return made;
}

template <class T>
std::vector<int8_t> as_bytes(const std::vector<T>& from) {
  std::vector<int8_t> bytes(from.size() * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), from.data(), bytes.size());
  return bytes;
}

/// A layer's constants; the portable kernels want the bias in its own type.
struct Constants {
  std::vector<int8_t> weights;
  nb::LayerS16 layer;
  std::vector<int32_t> bias32;
};

/// Constants of `channels` channels of `taps` weights each; channel o has those at o * step + i * stride.
Constants constants(int32_t channels, int32_t taps, size_t step, size_t stride) {
  Constants c;
  const int32_t largest = pick(0, 2) == 0 ? 1 : 127;
  c.weights =
      values<int8_t>(static_cast<size_t>(channels) * taps, pick(0, 7) == 0 ? -128 : -largest, largest);
  const bool has_dead = pick(0, 3) == 0, has_bias = pick(0, 4) != 0, is_once = pick(0, 2) == 0,
             is_wild = pick(0, 5) == 0;
  c.layer.rounds_once = pick(0, 1) == 0;
  int32_t usual = largest == 1 ? -1 : -6;
  for (int32_t n = 1; n < taps; n *= 4) --usual;
  for (int32_t o = 0; o < channels; ++o) {
    for (int32_t i = 0; has_dead && o % 3 == 0 && i < taps; ++i) c.weights[o * step + i * stride] = 0;
    if (has_bias) c.layer.bias.push_back(pick(0, 9) == 0 ? pick(-(1 << 29), 1 << 29) : pick(-90000, 90000));
    int32_t multiplier = pick(0, 3) == 0 ? 1 << 30 : pick(1 << 30, INT32_MAX), shift = usual + pick(-3, 1);
    if (is_once) multiplier >>= nb::min(-shift, 22), shift = 0;
    if (is_wild) shift = pick(-31, 3);
    if (pick(0, 30) == 0) multiplier = shift = 0;
    c.layer.multiplier.push_back(multiplier);
    c.layer.shift.push_back(static_cast<int8_t>(shift));
  }
  for (const int64_t bias : c.layer.bias) c.bias32.push_back(static_cast<int32_t>(bias));
  c.layer.weights = c.weights;
  return c;
}

/// Calls run(bias) with the bias of the right type, null if there is none.
template <class Run>
void with_bias(const Constants& c, Run run) {
  if (c.layer.rounds_once)
    run(c.layer.bias.empty() ? nullptr : c.layer.bias.data());
  else
    run(c.bias32.empty() ? static_cast<const int32_t*>(nullptr) : c.bias32.data());
}

struct Clamp {
  int32_t low, high;
};
Clamp random_clamp() {
  const int32_t kind = pick(0, 3);
  if (kind == 0) return {0, 32767};
  if (kind == 1) return {pick(-32768, 0), pick(0, 32767)};
  return {-32768, 32767};
}

int form_of(std::string_view form) {
  return form.ends_with("Wide") ? kFormWide : form.ends_with("Once") ? kFormOnce : kFormTwice;
}

void compare(const std::vector<int16_t>& want, const std::vector<int16_t>& got, const char* what, int form) {
  if (want == got) return;
  ++failures;
  std::printf("FAIL %s form %d\n", what, form);
}

template <class Params>
void put(CaseKind kind, const Params& p, int form, int32_t in_row, int32_t scratch_bytes,
         const std::vector<int8_t>& stream, const std::vector<int16_t>& in,
         const std::vector<int16_t>& want) {
  ++of_form[form];
  file->put_case(kind, p, 2 * in_row, scratch_bytes, stream, as_bytes(in), as_bytes(want), form);
}

/// Calls run with the form's type.
template <class Run>
void with_form(int form, Run run) {
  if (form == kFormOnce)
    run(nb::MatmulS16OnceDsp{});
  else if (form == kFormTwice)
    run(nb::MatmulS16TwiceDsp{});
  else
    run(nb::MatmulS16WideDsp{});
}

int form_of_bits(uint8_t bits) { return bits & nb::kTwiceS16Mve ? kFormTwice : kFormOnce; }

void dense() {
  const Clamp clamp = random_clamp();
  const nb::DenseS8 p{
      pick(1, 3), pick(0, 20) == 0 ? pick(500, 1400) : pick(1, 80), pick(1, 13), 0, 0, clamp.low, clamp.high};
  const Constants c = constants(p.out_features, p.in_features, p.in_features, 1);
  const auto in = values<int16_t>(static_cast<size_t>(p.rows) * p.in_features, -32768, 32767);
  std::vector<int16_t> want(static_cast<size_t>(p.rows) * p.out_features);
  with_bias(c, [&](const auto* bias) {
    nb::dense_s16(p, in.data(), c.weights.data(), bias, c.layer.multiplier.data(), c.layer.shift.data(),
                  want.data());
  });
  if (is_mve) {
    const int32_t width = p.rows > 1 ? 4 : 8;
    const auto packed = nb::pack_dense_s16_mve(p, c.layer, width);
    if (!packed.stream.empty())
      put(width == 4 ? kDense : kDenseVector, packed.params, form_of_bits(packed.params.form), 0, 0,
          packed.stream, in, want);
    return;
  }
  if (!nb::dense_s16_dsp_applies(p, c.weights)) return;
  const nb::PackedS16Dsp packed = nb::pack_dense_s16_dsp(p, c.layer);
  const int form = form_of(packed.form);
  put(kDense, p, form, 0, nb::dense_s16_dsp_scratch_bytes(p), packed.stream, in, want);
  std::vector<uint32_t> scratch(static_cast<size_t>(nb::dense_s16_dsp_scratch_bytes(p)) / 4 + 1);
  std::vector<int16_t> out(want.size());
  with_form(form, [&](auto type) {
    nb::dense_s16_dsp<decltype(type)>(p, in.data(), packed.stream.data(), out.data(),
                                      reinterpret_cast<int8_t*>(scratch.data()));
  });
  compare(want, out, "dense", form);
}

nb::Window2d random_window() {
  for (;;) {
    const int32_t kh = pick(1, 4), kw = pick(1, 4), dh = pick(0, 3) ? 1 : pick(1, 3),
                  dw = pick(0, 3) ? 1 : pick(1, 3), sh = pick(1, 2), sw = pick(1, 2);
    const bool padded = pick(0, 1);
    const int32_t ph = padded ? pick(0, (kh - 1) * dh) : 0, pw = padded ? pick(0, (kw - 1) * dw) : 0;
    const int32_t eh = padded ? pick(0, (kh - 1) * dh) : 0, ew = padded ? pick(0, (kw - 1) * dw) : 0;
    const int32_t ih = pick(1, 9), iw = pick(1, 9);
    const int32_t oh = (ih + ph + eh - (kh - 1) * dh - 1) / sh + 1,
                  ow = (iw + pw + ew - (kw - 1) * dw - 1) / sw + 1;
    if (ih + ph + eh < (kh - 1) * dh + 1 || iw + pw + ew < (kw - 1) * dw + 1) continue;
    return {{ih, iw}, {oh, ow}, {kh, kw}, {sh, sw}, {ph, pw}, {dh, dw}};
  }
}

void conv(bool is_pointwise) {
  const Clamp clamp = random_clamp();
  nb::Conv2dS8 p{random_window(), pick(1, 12), pick(1, 11), 1, 0, 0, clamp.low, clamp.high};
  if (is_pointwise) p.window = {{pick(1, 4), pick(1, 5)}, {0, 0}, {1, 1}, {1, 1}, {0, 0}, {1, 1}};
  if (is_pointwise) p.window.out = p.window.in, p.in_channels = pick(1, 40);
  const nb::Window2d& g = p.window;
  const int32_t taps = g.kernel.h * g.kernel.w * p.in_channels;
  const Constants c = constants(p.out_channels, taps, taps, 1);
  const auto in = values<int16_t>(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -32768, 32767);
  std::vector<int16_t> want(static_cast<size_t>(g.out.h) * g.out.w * p.out_channels);
  with_bias(c, [&](const auto* bias) {
    nb::conv2d_s16(p, in.data(), c.weights.data(), bias, c.layer.multiplier.data(), c.layer.shift.data(),
                   want.data());
  });
  if (is_mve) {
    const auto packed = nb::pack_conv2d_s16_mve(p, c.layer);
    if (!packed.stream.empty())
      put(kConv, packed.params, form_of_bits(packed.params.form), g.in.w * p.in_channels,
          nb::conv2d_s16_mve_scratch_bytes(p), packed.stream, in, want);
    return;
  }
  if (!nb::conv2d_s16_dsp_applies(p, c.weights)) return;
  const nb::PackedS16Dsp packed = nb::pack_conv2d_s16_dsp(p, c.layer);
  const int form = form_of(packed.form);
  put(kConv, p, form, g.in.w * p.in_channels, nb::conv2d_s16_dsp_scratch_bytes(p), packed.stream, in, want);
  std::vector<uint32_t> scratch(static_cast<size_t>(nb::conv2d_s16_dsp_scratch_bytes(p)) / 4 + 1);
  std::vector<int16_t> out(want.size());
  with_form(form, [&](auto type) {
    nb::conv2d_s16_dsp<decltype(type)>(p, in.data(), packed.stream.data(), out.data(),
                                       reinterpret_cast<int8_t*>(scratch.data()));
  });
  compare(want, out, is_pointwise ? "pointwise" : "conv", form);
}

void depthwise(bool is_3x3) {
  const Clamp clamp = random_clamp();
  nb::DepthwiseConv2dS8 p{random_window(), pick(1, 18), pick(0, 3) ? 1 : pick(1, 3), 0, 0,
                          clamp.low,       clamp.high};
  if (is_3x3) {
    const int32_t h = pick(3, 8), w = pick(3, 9), pad = pick(0, 2);
    p.window = {{h, w}, {h + 2 * pad - 2, w + 2 * pad - 2}, {3, 3}, {1, 1}, {pad, pad}, {1, 1}};
    p.depth_multiplier = 1;
  }
  const nb::Window2d& g = p.window;
  const int32_t outputs = p.in_channels * p.depth_multiplier;
  const Constants c = constants(outputs, g.kernel.h * g.kernel.w, 1, outputs);
  const auto in = values<int16_t>(static_cast<size_t>(g.in.h) * g.in.w * p.in_channels, -32768, 32767);
  std::vector<int16_t> want(static_cast<size_t>(g.out.h) * g.out.w * outputs);
  with_bias(c, [&](const auto* bias) {
    nb::depthwise_conv2d_s16(p, in.data(), c.weights.data(), bias, c.layer.multiplier.data(),
                             c.layer.shift.data(), want.data());
  });
  if (is_mve) {
    if (!nb::depthwise_conv2d_s16_mve_applies(p)) return;
    const auto packed = nb::pack_depthwise_conv2d_s16_mve(p, c.layer);
    if (!packed.stream.empty())
      put(kDepthwise, packed.params, form_of_bits(packed.params.form), g.in.w * p.in_channels,
          nb::depthwise_conv2d_s16_mve_scratch_bytes(p), packed.stream, in, want);
    return;
  }
  if (p.in_channels < 4) return;
  const nb::PackedS16Dsp packed = nb::pack_depthwise_conv2d_s16_dsp(p, c.layer);
  if (packed.form == nullptr) return;
  const int form = form_of(packed.form);
  put(kDepthwise, p, form, g.in.w * p.in_channels, nb::depthwise_conv2d_s16_dsp_scratch_bytes(p),
      packed.stream, in, want);
  std::vector<uint32_t> scratch(static_cast<size_t>(nb::depthwise_conv2d_s16_dsp_scratch_bytes(p)) / 4 + 1);
  std::vector<int16_t> out(want.size());
  const auto run = [&](auto type) {
    nb::depthwise_conv2d_s16_dsp<decltype(type)>(p, in.data(), packed.stream.data(), out.data(),
                                                 reinterpret_cast<int8_t*>(scratch.data()));
  };
  if (nb::depthwise_3x3_dsp_applies(p))
    form == kFormOnce ? run(nb::Depthwise3x3OnceDsp{}) : run(nb::Depthwise3x3TwiceDsp{});
  else
    form == kFormOnce ? run(nb::DepthwiseTapsOnceDsp{}) : run(nb::DepthwiseTapsTwiceDsp{});
  compare(want, out, is_3x3 ? "depthwise 3x3" : "depthwise", form);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  random_bits.seed(argc > 2 ? static_cast<uint32_t>(std::atoi(argv[2])) : 1u);
  CaseFile cases(argc > 3 ? argv[3] : nullptr);
  file = &cases;
  is_mve = argc > 4;
  for (int i = std::atoi(argv[1]); i > 0; --i) {
    dense();
    conv(false);
    conv(true);
    depthwise(false);
    depthwise(true);
  }
  if (!cases.close()) return 1;
  std::printf("once %d, twice %d, wide %d cases, %d failures\n", of_form[0], of_form[1], of_form[2],
              failures);
  return failures != 0 || of_form[0] == 0 || of_form[1] == 0 ? 1 : 0;
}
