// Convolutions: ONNX images and weights are channels first, the blocks' are channels last.
#include <algorithm>

#include "blocks/conv2d/attributes.h"
#include "blocks/conv_transpose2d/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "read/onnx/compose.h"
#include "read/onnx/operators.h"
#include "read/onnx/window.h"

namespace nb::onnx {

constexpr std::int64_t kMaxWindow = 1 << 20;  // keeps sums of window numbers far from overflow

Windows read_windows(Layer& l, const Shape& spatial, const Ints& kernel) {
  const std::size_t n = spatial.size();
  Windows w;
  w.kernel = l.integers("kernel_shape", kernel);
  w.stride = l.integers("strides", Ints(n, 1));
  w.dilation = l.integers("dilations", Ints(n, 1));
  Ints pads = l.integers("pads", Ints(2 * n, 0));
  const bool is_ceil = l.flag("ceil_mode", false);
  const std::string auto_pad = l.text("auto_pad", "NOTSET");
  if (w.kernel.size() != n || w.stride.size() != n || w.dilation.size() != n || pads.size() != 2 * n)
    l.invalid("kernel_shape, strides, dilations or pads do not have one number a spatial axis of " +
              shape_text(spatial));
  for (std::size_t i = 0; i < n; ++i)
    for (const std::int64_t value : {w.kernel[i], w.stride[i], w.dilation[i]})
      if (value < 1 || value > kMaxWindow)
        l.refuse(Kind::attribute_out_of_range, "a window number is " + std::to_string(value));
  for (const std::int64_t pad : pads)
    if (pad < -kMaxWindow || pad > kMaxWindow)
      l.refuse(Kind::attribute_out_of_range, "a pad is " + std::to_string(pad));
  if (!kernel.empty() && kernel != w.kernel) l.invalid("kernel_shape is not that of the weights");
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t reach = (w.kernel[i] - 1) * w.dilation[i] + 1;
    std::int64_t before = pads[i], after = pads[n + i], extra = 0;
    if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
      const std::int64_t out = (spatial[i] + w.stride[i] - 1) / w.stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * w.stride[i] + reach - spatial[i]);
      before = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      after = total - before;
    } else if (auto_pad == "VALID") {
      before = after = 0;
    } else if (auto_pad != "NOTSET" && !auto_pad.empty()) {
      l.invalid("auto_pad `" + auto_pad + "` is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID");
    }
    const std::int64_t room = spatial[i] + before + after - reach;
    if (room < 0)
      l.refuse(Kind::shape_mismatch, "the window of " + std::to_string(reach) + " is larger than axis " +
                                         std::to_string(i) + " of the padded image");
    if (is_ceil && room % w.stride[i] != 0) {
      const std::int64_t more = w.stride[i] - room % w.stride[i];
      // A last window that would start behind the image and its padding is dropped.
      if (room + more < spatial[i] + before) extra = more;
    }
    w.before.push_back(before);
    w.after.push_back(after);
    w.extra.push_back(extra);
  }
  return w;
}

ValueId to_nhwc(Layer& l, ValueId x) {
  const Shape s = l.shape(x);
  if (s.size() == 3) return reshape(l, transpose(l, x, {0, 2, 1}), {s[0], 1, s[2], s[1]});
  return transpose(l, x, {0, 2, 3, 1});
}

ValueId from_nhwc(Layer& l, ValueId x, std::size_t spatial_rank) {
  const Shape s = l.shape(x);
  if (spatial_rank == 1) return transpose(l, reshape(l, x, {s[0], s[2], s[3]}), {0, 2, 1});
  return transpose(l, x, {0, 3, 1, 2});
}

Ints two(const Ints& values, std::int64_t for_rows) {
  return values.size() == 1 ? Ints{for_rows, values[0]} : values;
}
Ints four(const Ints& before, const Ints& after) {
  const Ints b = two(before, 0), a = two(after, 0);
  return {b[0], b[1], a[0], a[1]};
}

namespace {

/// Weights [O, C/g, kernel...] of rank 3 become rank 4.
ValueId weights_2d(Layer& l, ValueId w) {
  const Shape s = l.shape(w);
  return s.size() == 3 ? reshape(l, w, {s[0], s[1], 1, s[2]}) : w;
}

/// Padding that is negative crops first; what is left is not negative.
ValueId crop_negative(Layer& l, ValueId x, Windows& w) {
  Ints before(w.size() + 2, 0), after = before;
  for (std::size_t i = 0; i < w.size(); ++i) {
    before[i + 2] = std::min<std::int64_t>(w.before[i], 0);
    after[i + 2] = std::min<std::int64_t>(w.after[i], 0);
    w.before[i] -= before[i + 2];
    w.after[i] -= after[i + 2];
  }
  return pad_constant(l, x, before, after, 0.0f);
}

/// Any number of spatial axes: windows as strided slices, side by side, times the weights.
ValueId sliced_conv(Layer& l, ValueId x, ValueId w, const Windows& window, std::int64_t groups) {
  const Shape xs = l.shape(x), ws = l.shape(w);
  const std::size_t n = window.size();
  std::int64_t taps = 1;
  for (const std::int64_t k : window.kernel) taps *= k;
  if (taps > 1024)
    l.unsupported("a convolution with " + std::to_string(n) + " spatial axes and " + std::to_string(taps) +
                  " taps");
  Ints before(n + 2, 0), after = before;
  Shape out;
  for (std::size_t i = 0; i < n; ++i) {
    before[i + 2] = window.before[i];
    after[i + 2] = window.after[i];
    const std::int64_t reach = (window.kernel[i] - 1) * window.dilation[i] + 1;
    out.push_back((xs[i + 2] + window.before[i] + window.after[i] - reach) / window.stride[i] + 1);
  }
  const ValueId padded = pad_constant(l, x, before, after, 0.0f);
  std::vector<ValueId> columns;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    ValueId part = padded;
    std::int64_t rest = tap;
    for (std::size_t i = n; i-- > 0;) {
      const std::int64_t at = rest % window.kernel[i];
      rest /= window.kernel[i];
      part = slice_axis(l, part, static_cast<std::int64_t>(i) + 2, at * window.dilation[i], out[i],
                        window.stride[i]);
    }
    columns.push_back(unsqueeze(l, part, {2}));
  }
  // [N, C, taps, out...] -> [N, g, C/g*taps, positions]; weights -> [g, O/g, C/g*taps]
  const std::int64_t positions = product(out, 0, static_cast<std::int64_t>(n));
  const ValueId patches = reshape(l, concat(l, columns, 2), {xs[0], groups, ws[1] * taps, positions});
  const ValueId matrix = reshape(l, w, {groups, ws[0] / groups, ws[1] * taps});
  Shape shape = {xs[0], ws[0]};
  shape.insert(shape.end(), out.begin(), out.end());
  return reshape(l, matmul(l, matrix, patches), shape);
}

}  // namespace

ValueId convolve(Layer& l, ValueId x, ValueId w, ValueId b) {
  l.require_rank(x, 3, "the image");
  const Shape xs = l.shape(x), ws = l.shape(w);
  const std::size_t spatial = xs.size() - 2;
  if (ws.size() != xs.size())
    l.refuse(Kind::shape_mismatch,
             "image " + shape_text(xs) + " and weights " + shape_text(ws) + " differ in rank");
  const std::int64_t groups = l.integer("group", 1), channels = xs[1], made = ws[0];
  if (groups < 1 || channels % groups != 0 || made % groups != 0 || ws[1] != channels / groups)
    l.refuse(Kind::shape_mismatch, "weights " + shape_text(ws) + " in " + std::to_string(groups) +
                                       " groups do not fit image " + shape_text(xs));
  Windows window = read_windows(l, Shape(xs.begin() + 2, xs.end()), Ints(ws.begin() + 2, ws.end()));
  x = crop_negative(l, x, window);
  if (spatial > 2) {
    const ValueId y = sliced_conv(l, x, w, window, groups);
    return b.is_present() ? binary(l, "add", y, along_axis(l, b, 1, l.rank(y))) : y;
  }
  w = weights_on_grid(l, w);
  const Ints stride = two(window.stride, 1), dilation = two(window.dilation, 1),
             pad = four(window.before, window.after);
  std::vector<ValueId> operands = {to_nhwc(l, x)};
  ValueId y;
  if (groups > 1 && groups == channels) {
    operands.push_back(transpose(l, weights_2d(l, w), {1, 2, 3, 0}));
    if (b.is_present()) operands.push_back(b);
    y = l.add("depthwise_conv2d", DepthwiseConv2dAttrs{stride, pad, dilation}, operands);
  } else {
    operands.push_back(transpose(l, weights_2d(l, w), {0, 2, 3, 1}));
    if (b.is_present()) operands.push_back(b);
    y = l.add("conv2d", Conv2dAttrs{stride, pad, dilation, groups}, operands);
  }
  return from_nhwc(l, y, spatial);
}

void translate_conv(Layer& l) { l.output(0, convolve(l, l.in(0), l.in(1), l.optional(2))); }

namespace {

/// What the attributes of ConvTranspose say of one spatial axis.
struct TransposedAxis {
  std::int64_t before, after, more;
};

std::vector<TransposedAxis> transposed_axes(Layer& l, const Windows& w, const Shape& spatial) {
  const std::size_t n = spatial.size();
  const Ints more = l.integers("output_padding", Ints(n, 0)), wanted = l.integers("output_shape");
  const Ints pads = l.integers("pads", Ints(2 * n, 0));
  const std::string auto_pad = l.text("auto_pad", "NOTSET");
  const bool is_same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (more.size() != n || pads.size() != 2 * n || (!wanted.empty() && wanted.size() < n))
    l.invalid("output_padding, output_shape or pads do not have one number a spatial axis");
  std::vector<TransposedAxis> axes;
  for (std::size_t i = 0; i < n; ++i) {
    TransposedAxis axis{pads[i], pads[n + i], more[i]};
    const std::int64_t full =
        w.stride[i] * (spatial[i] - 1) + (w.kernel[i] - 1) * w.dilation[i] + 1 + axis.more;
    if (!wanted.empty() || is_same) {
      const std::int64_t out = wanted.empty() ? spatial[i] * w.stride[i] : wanted[wanted.size() - n + i];
      if (out < 1 || out > kMaxWindow * 64)
        l.refuse(Kind::attribute_out_of_range, "an output dimension is " + std::to_string(out));
      const std::int64_t total = full - out;
      if (total < 0) {
        axis = {0, 0, axis.more - total};
      } else {
        const std::int64_t half = total / 2;
        axis.before = auto_pad == "SAME_UPPER" ? half : total - half;
        axis.after = total - axis.before;
      }
    } else if (auto_pad == "VALID") {
      axis.before = axis.after = 0;
    }
    axes.push_back(axis);
  }
  return axes;
}

/// Stretches an axis: s - 1 zeros between neighbours.
ValueId stretch(Layer& l, ValueId x, std::int64_t axis, std::int64_t stride) {
  if (stride == 1) return x;
  const Shape s = l.shape(x);
  const auto rank = static_cast<std::int64_t>(s.size());
  const std::int64_t before = product(s, 0, axis), n = l.dim(x, axis), behind = product(s, axis + 1, rank);
  const ValueId wide =
      pad_constant(l, reshape(l, x, {before, n, 1, behind}), {0, 0, 0, 0}, {0, 0, stride - 1, 0}, 0.0f);
  Shape shape = s;
  shape[static_cast<std::size_t>(axis)] = n * stride;
  return slice_axis(l, reshape(l, wide, shape), axis, 0, (n - 1) * stride + 1);
}

/// Any number of spatial axes: a convolution of the stretched image with the mirrored weights.
ValueId stretched_conv(Layer& l, ValueId x, ValueId w, const Windows& window,
                       const std::vector<TransposedAxis>& axes, std::int64_t groups) {
  const Shape ws = l.shape(w);
  Windows plain = window;
  Shape mirrored_shape = {groups, ws[0] / groups, ws[1]};
  Ints perm = {0, 2, 1};
  for (std::size_t i = 0; i < window.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i) + 2;
    x = stretch(l, x, axis, window.stride[i]);
    w = slice_axis(l, w, axis, window.kernel[i] - 1, window.kernel[i], -1);
    const std::int64_t reach = (window.kernel[i] - 1) * window.dilation[i];
    plain.stride[i] = 1;
    plain.before[i] = reach - axes[i].before;
    plain.after[i] = reach - axes[i].after + axes[i].more;
    mirrored_shape.push_back(window.kernel[i]);
    perm.push_back(axis + 1);
  }
  Shape final_shape = {groups * ws[1], ws[0] / groups};
  final_shape.insert(final_shape.end(), window.kernel.begin(), window.kernel.end());
  w = reshape(l, transpose(l, reshape(l, w, mirrored_shape), perm), final_shape);
  x = crop_negative(l, x, plain);
  return sliced_conv(l, x, w, plain, groups);
}

}  // namespace

void translate_conv_transpose(Layer& l) {
  const ValueId x = l.in(0), w = l.in(1), b = l.optional(2);
  l.require_rank(x, 3, "the image");
  const Shape xs = l.shape(x), ws = l.shape(w);
  const std::size_t spatial = xs.size() - 2;
  const std::int64_t groups = l.integer("group", 1);
  if (ws.size() != xs.size() || groups < 1 || xs[1] % groups != 0 || ws[0] != xs[1])
    l.refuse(Kind::shape_mismatch, "weights " + shape_text(ws) + " in " + std::to_string(groups) +
                                       " groups do not fit image " + shape_text(xs));
  Windows window;
  window.kernel = l.integers("kernel_shape", Ints(ws.begin() + 2, ws.end()));
  window.stride = l.integers("strides", Ints(spatial, 1));
  window.dilation = l.integers("dilations", Ints(spatial, 1));
  if (window.kernel != Ints(ws.begin() + 2, ws.end()) || window.stride.size() != spatial ||
      window.dilation.size() != spatial)
    l.invalid("kernel_shape, strides or dilations do not have one number a spatial axis");
  for (std::size_t i = 0; i < spatial; ++i)
    if (window.stride[i] < 1 || window.stride[i] > kMaxWindow || window.dilation[i] < 1 ||
        window.dilation[i] > kMaxWindow)
      l.refuse(Kind::attribute_out_of_range, "a stride or dilation is out of range");
  window.before = window.after = Ints(spatial, 0);
  const auto axes = transposed_axes(l, window, Shape(xs.begin() + 2, xs.end()));

  bool is_plain = spatial <= 2;
  for (const TransposedAxis& axis : axes) is_plain = is_plain && axis.before >= 0 && axis.after >= 0;
  ValueId y;
  if (is_plain) {
    // [C, O/g, kh, kw] -> [g, C/g, O/g, kh, kw] -> [g, O/g, kh, kw, C/g] -> [O, kh, kw, C/g]
    const Ints k = two(window.kernel, 1);
    const ValueId split =
        reshape(l, groups == 1 ? weights_on_grid(l, w) : w, {groups, ws[0] / groups, ws[1], k[0], k[1]});
    const ValueId weights =
        reshape(l, transpose(l, split, {0, 2, 3, 4, 1}), {groups * ws[1], k[0], k[1], ws[0] / groups});
    ConvTranspose2dAttrs a;
    a.stride = two(window.stride, 1);
    a.dilation = two(window.dilation, 1);
    a.groups = groups;
    Ints before, after, more;
    for (const TransposedAxis& axis : axes) {
      before.push_back(axis.before);
      after.push_back(axis.after);
      more.push_back(axis.more);
    }
    a.pad = four(before, after);
    a.output_pad = two(more, 0);
    std::vector<ValueId> operands = {to_nhwc(l, x), weights};
    if (b.is_present()) operands.push_back(b);
    y = from_nhwc(l, l.add("conv_transpose2d", std::move(a), operands), spatial);
  } else {
    y = stretched_conv(l, x, w, window, axes, groups);
    if (b.is_present()) y = binary(l, "add", y, along_axis(l, b, 1, l.rank(y)));
  }
  l.output(0, y);
}

}  // namespace nb::onnx
