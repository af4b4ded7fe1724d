// Convolutions, and the windows of them and of pools, as ONNX states them.
#include <algorithm>

#include "read/onnx/operators.h"
#include "read/onnx/window.h"

namespace nb::onnx {

Windows read_windows(Layer& l, const Shape& spatial, const Ints& kernel) {
  const std::size_t n = spatial.size();
  Windows w;
  w.kernel = l.integers("kernel_shape", kernel);
  w.stride = l.integers("strides", Ints(n, 1));
  w.dilation = l.integers("dilations", Ints(n, 1));
  const Ints pads = l.integers("pads", Ints(2 * n, 0));
  const bool is_ceil = l.flag("ceil_mode", false);
  const std::string auto_pad = l.text("auto_pad", "NOTSET");
  if (w.kernel.size() != n || w.stride.size() != n || w.dilation.size() != n || pads.size() != 2 * n)
    l.invalid("kernel_shape, strides, dilations or pads do not have one number a spatial axis of " +
              shape_text(spatial));
  w.before.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(n));
  w.after.assign(pads.begin() + static_cast<std::ptrdiff_t>(n), pads.end());
  check_windows(l, w);
  if (!kernel.empty() && kernel != w.kernel) l.invalid("kernel_shape is not that of the weights");
  for (std::size_t i = 0; i < n; ++i) {
    if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
      const std::int64_t reach = (w.kernel[i] - 1) * w.dilation[i] + 1,
                         out = (spatial[i] + w.stride[i] - 1) / w.stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * w.stride[i] + reach - spatial[i]);
      w.before[i] = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.after[i] = total - w.before[i];
    } else if (auto_pad == "VALID") {
      w.before[i] = w.after[i] = 0;
    } else if (auto_pad != "NOTSET" && !auto_pad.empty()) {
      l.invalid("auto_pad `" + auto_pad + "` is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID");
    }
  }
  fit_windows(l, w, spatial, is_ceil);
  return w;
}

ValueId convolve(Layer& l, ValueId x, ValueId w, ValueId b) {
  check_image(l, x, w);
  const Shape xs = l.shape(x), ws = l.shape(w);
  const Windows window = read_windows(l, Shape(xs.begin() + 2, xs.end()), Ints(ws.begin() + 2, ws.end()));
  return read::convolve(l, x, w, b, window, l.integer("group", 1));
}

void translate_conv(Layer& l) { l.output(0, convolve(l, l.in(0), l.in(1), l.optional(2))); }

namespace {

constexpr std::int64_t kMaxOutput = std::int64_t{1} << 26;  // of an axis

/// What the attributes of ConvTranspose say of padding: sets it, and returns what is added behind.
Ints transposed_padding(Layer& l, Windows& w, const Shape& spatial) {
  const std::size_t n = spatial.size();
  Ints more = l.integers("output_padding", Ints(n, 0));
  const Ints wanted = l.integers("output_shape"), pads = l.integers("pads", Ints(2 * n, 0));
  const std::string auto_pad = l.text("auto_pad", "NOTSET");
  const bool is_same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (more.size() != n || pads.size() != 2 * n || (!wanted.empty() && wanted.size() < n))
    l.invalid("output_padding, output_shape or pads do not have one number a spatial axis");
  for (std::size_t i = 0; i < n; ++i) {
    w.before[i] = pads[i];
    w.after[i] = pads[n + i];
    const std::int64_t full =
        w.stride[i] * (spatial[i] - 1) + (w.kernel[i] - 1) * w.dilation[i] + 1 + more[i];
    if (!wanted.empty() || is_same) {
      const std::int64_t out = wanted.empty() ? spatial[i] * w.stride[i] : wanted[wanted.size() - n + i];
      if (out < 1 || out > kMaxOutput)
        l.refuse(Kind::attribute_out_of_range, "an output dimension is " + std::to_string(out));
      const std::int64_t total = full - out;
      if (total < 0) {
        w.before[i] = w.after[i] = 0;
        more[i] -= total;
      } else {
        const std::int64_t half = total / 2;
        w.before[i] = auto_pad == "SAME_UPPER" ? half : total - half;
        w.after[i] = total - w.before[i];
      }
    } else if (auto_pad == "VALID") {
      w.before[i] = w.after[i] = 0;
    }
  }
  return more;
}

}  // namespace

void translate_conv_transpose(Layer& l) {
  const ValueId x = l.in(0), w = l.in(1), b = l.optional(2);
  check_image(l, x, w);
  const Shape xs = l.shape(x), ws = l.shape(w);
  const std::size_t spatial = xs.size() - 2;
  Windows window;
  window.kernel = l.integers("kernel_shape", Ints(ws.begin() + 2, ws.end()));
  window.stride = l.integers("strides", Ints(spatial, 1));
  window.dilation = l.integers("dilations", Ints(spatial, 1));
  if (window.kernel != Ints(ws.begin() + 2, ws.end()) || window.stride.size() != spatial ||
      window.dilation.size() != spatial)
    l.invalid("kernel_shape, strides or dilations do not have one number a spatial axis");
  window.before = window.after = Ints(spatial, 0);
  check_windows(l, window);
  const Ints more = transposed_padding(l, window, Shape(xs.begin() + 2, xs.end()));
  l.output(0, convolve_transposed(l, x, w, b, window, more, l.integer("group", 1)));
}

}  // namespace nb::onnx
