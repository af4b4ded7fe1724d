// Convolutions and transposed convolutions of images with channels first; the blocks' have channels last.
#include <algorithm>

#include "blocks/conv2d/attributes.h"
#include "blocks/conv_transpose2d/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "read/compose.h"
#include "read/windows.h"

namespace nb::read {
namespace {

/// Weights [O, C/g, kernel...] of rank 3 become rank 4.
ValueId weights_2d(Translation& l, ValueId w) {
  const Shape s = l.shape(w);
  return s.size() == 3 ? reshape(l, w, {s[0], s[1], 1, s[2]}) : w;
}

/// Padding that is negative crops first; what is left is not negative.
ValueId crop_negative(Translation& l, ValueId x, Windows& w) {
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
ValueId sliced_conv(Translation& l, ValueId x, ValueId w, const Windows& window, std::int64_t groups) {
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

ValueId convolve(Translation& l, ValueId x, ValueId w, ValueId b, Windows window, std::int64_t groups) {
  check_image(l, x, w);
  const Shape xs = l.shape(x), ws = l.shape(w);
  const std::size_t spatial = xs.size() - 2;
  const std::int64_t channels = xs[1], made = ws[0];
  if (groups < 1 || channels % groups != 0 || made % groups != 0 || ws[1] != channels / groups)
    l.refuse(Kind::shape_mismatch, "weights " + shape_text(ws) + " in " + std::to_string(groups) +
                                       " groups do not fit image " + shape_text(xs));
  if (window.kernel != Ints(ws.begin() + 2, ws.end())) l.invalid("the window is not that of the weights");
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

namespace {

/// Stretches an axis: s - 1 zeros between neighbours.
ValueId stretch(Translation& l, ValueId x, std::int64_t axis, std::int64_t stride) {
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
ValueId stretched_conv(Translation& l, ValueId x, ValueId w, const Windows& window, const Ints& more,
                       std::int64_t groups) {
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
    plain.before[i] = reach - window.before[i];
    plain.after[i] = reach - window.after[i] + more[i];
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

ValueId convolve_transposed(Translation& l, ValueId x, ValueId w, ValueId b, const Windows& window,
                            const Ints& more, std::int64_t groups) {
  l.require_rank(x, 3, "the image");
  const Shape xs = l.shape(x), ws = l.shape(w);
  const std::size_t spatial = xs.size() - 2;
  if (ws.size() != xs.size() || groups < 1 || xs[1] % groups != 0 || ws[0] != xs[1])
    l.refuse(Kind::shape_mismatch, "weights " + shape_text(ws) + " in " + std::to_string(groups) +
                                       " groups do not fit image " + shape_text(xs));
  if (window.kernel != Ints(ws.begin() + 2, ws.end())) l.invalid("the window is not that of the weights");
  bool is_plain = spatial <= 2;
  for (std::size_t i = 0; i < spatial; ++i)
    is_plain = is_plain && window.before[i] >= 0 && window.after[i] >= 0;
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
    a.pad = four(window.before, window.after);
    a.output_pad = two(more, 0);
    std::vector<ValueId> operands = {to_nhwc(l, x), weights};
    if (b.is_present()) operands.push_back(b);
    y = from_nhwc(l, l.add("conv_transpose2d", std::move(a), operands), spatial);
  } else {
    y = stretched_conv(l, x, w, window, more, groups);
    if (b.is_present()) y = binary(l, "add", y, along_axis(l, b, 1, l.rank(y)));
  }
  return y;
}

}  // namespace nb::read
