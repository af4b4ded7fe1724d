// What pads images, and what moves elements between channels, pixels and windows.
#include <algorithm>

#include "blocks/col2im/attributes.h"
#include "blocks/pad/attributes.h"
#include "read/torch/image.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

/// Pads before and after each axis, from PyTorch's list, which begins with the last axis.
ValueId padded(Layer& l, ValueId x, const Ints& list, PadMode mode, double value) {
  const auto rank = static_cast<std::size_t>(l.rank(x));
  if (list.size() % 2 != 0 || list.size() / 2 > rank)
    l.invalid("its pads are " + std::to_string(list.size()) + " numbers for " + type_text(l.type(x)));
  PadAttrs a{Ints(rank, 0), Ints(rank, 0), mode, static_cast<float>(value)};
  for (std::size_t i = 0; 2 * i < list.size(); ++i) {
    a.before[rank - 1 - i] = list[2 * i];
    a.after[rank - 1 - i] = list[2 * i + 1];
  }
  const auto is_zero = [](std::int64_t n) { return n == 0; };
  if (std::ranges::all_of(list, is_zero)) return x;
  return l.add("pad", std::move(a), {x});
}

}  // namespace

/// pad by any mode, and the operators of one mode.
void translate_pad(Layer& l) {
  const ValueId x = l.tensor("self");
  std::string mode = l.text("mode", "constant");
  if (l.op().starts_with("aten.reflection")) mode = "reflect";
  if (l.op().starts_with("aten.replication")) mode = "replicate";
  if (l.op() == "aten._pad_circular") mode = "circular";
  PadMode block_mode = PadMode::constant;
  if (mode == "reflect")
    block_mode = PadMode::reflect;
  else if (mode == "replicate")
    block_mode = PadMode::edge;
  else if (mode == "circular")
    block_mode = PadMode::wrap;
  else if (mode != "constant")
    l.invalid("`mode` is `" + mode + "`, none of constant, reflect, replicate, circular");
  const Ints pads = l.integers(l.takes("padding") ? "padding" : "pad");
  l.result(padded(l, x, pads, block_mode, l.real("value", 0)));
}

namespace {

/// [...,C,H,W] as [B,C,H,W].
ValueId as_images(Layer& l, ValueId x) {
  l.require_rank(x, 3, "the image");
  const Shape s = l.shape(x);
  const std::int64_t rank = l.rank(x);
  return reshape(l, x, {product(s, 0, rank - 3), s[s.size() - 3], s[s.size() - 2], s.back()});
}
/// y [B,C,H,W] with the leading axes of x.
ValueId like(Layer& l, ValueId y, ValueId x) {
  Shape shape = l.shape(x);
  const Shape s = l.shape(y);
  std::copy(s.begin() + 1, s.end(), shape.end() - 3);
  return reshape(l, y, shape);
}

std::int64_t positive(Layer& l, std::string_view parameter) {
  const std::int64_t n = l.integer(parameter);
  if (n < 1 || n > (1 << 20))
    l.refuse(Kind::attribute_out_of_range, "`" + std::string(parameter) + "` is " + std::to_string(n));
  return n;
}

}  // namespace

void translate_pixel_shuffle(Layer& l) {
  const ValueId x = l.tensor("self"), image = as_images(l, x);
  const Shape s = l.shape(image);
  const std::int64_t r = positive(l, "upscale_factor");
  if (s[1] % (r * r) != 0)
    l.refuse(Kind::shape_mismatch,
             std::to_string(s[1]) + " channels do not split into squares of " + std::to_string(r));
  const std::int64_t c = s[1] / (r * r);
  const ValueId split = reshape(l, image, {s[0], c, r, r, s[2], s[3]});
  l.result(like(l, reshape(l, transpose(l, split, {0, 1, 4, 2, 5, 3}), {s[0], c, s[2] * r, s[3] * r}), x));
}

void translate_pixel_unshuffle(Layer& l) {
  const ValueId x = l.tensor("self"), image = as_images(l, x);
  const Shape s = l.shape(image);
  const std::int64_t r = positive(l, "downscale_factor");
  if (s[2] % r != 0 || s[3] % r != 0)
    l.refuse(Kind::shape_mismatch,
             "an image of " + shape_text(s) + " does not split into squares of " + std::to_string(r));
  const ValueId split = reshape(l, image, {s[0], s[1], s[2] / r, r, s[3] / r, r});
  l.result(like(
      l, reshape(l, transpose(l, split, {0, 1, 3, 5, 2, 4}), {s[0], s[1] * r * r, s[2] / r, s[3] / r}), x));
}

void translate_channel_shuffle(Layer& l) {
  const ValueId x = l.tensor("self");
  l.require_rank(x, 3, "the image");
  const Shape s = l.shape(x);
  const std::int64_t groups = positive(l, "groups");
  if (s[1] % groups != 0) l.refuse(Kind::attribute_out_of_range, "the groups do not divide the channels");
  const ValueId split = reshape(l, x, {s[0], groups, s[1] / groups, product(s, 2, l.rank(x))});
  l.result(reshape(l, transpose(l, split, {0, 2, 1, 3}), s));
}

/// Windows as columns: [N,C*taps,windows], one strided slice a tap.
void translate_im2col(Layer& l) {
  const Image image = image_of(l, "self", 2);
  Windows w;
  w.kernel = spatial_numbers(l, "kernel_size", 2, 1);
  w.stride = spatial_numbers(l, "stride", 2, 1);
  w.dilation = spatial_numbers(l, "dilation", 2, 1);
  w.before = w.after = spatial_numbers(l, "padding", 2, 0);
  check_windows(l, w);
  fit_windows(l, w, image.spatial(l), false);
  const Shape s = l.shape(image.x);
  const std::int64_t taps = w.kernel[0] * w.kernel[1];
  if (taps > 1024) l.unsupported("windows of " + std::to_string(taps) + " taps");
  Ints out;
  for (std::size_t i = 0; i < 2; ++i)
    out.push_back((s[i + 2] + 2 * w.before[i] - (w.kernel[i] - 1) * w.dilation[i] - 1) / w.stride[i] + 1);
  const ValueId whole =
      pad_constant(l, image.x, {0, 0, w.before[0], w.before[1]}, {0, 0, w.after[0], w.after[1]}, 0.0f);
  std::vector<ValueId> columns;
  for (std::int64_t row = 0; row < w.kernel[0]; ++row)
    for (std::int64_t column = 0; column < w.kernel[1]; ++column) {
      const ValueId rows = slice_axis(l, whole, 2, row * w.dilation[0], out[0], w.stride[0]);
      columns.push_back(
          unsqueeze(l, slice_axis(l, rows, 3, column * w.dilation[1], out[1], w.stride[1]), {2}));
    }
  image_result(l, image, reshape(l, concat(l, columns, 2), {s[0], s[1] * taps, out[0] * out[1]}));
}

void translate_col2im(Layer& l) {
  const Image columns = image_of(l, "self", 1);
  Col2ImAttrs a;
  a.image = l.integers("output_size");
  a.kernel = spatial_numbers(l, "kernel_size", 2, 1);
  a.stride = spatial_numbers(l, "stride", 2, 1);
  a.dilation = spatial_numbers(l, "dilation", 2, 1);
  const Ints pad = spatial_numbers(l, "padding", 2, 0);
  if (a.image.size() != 2) l.invalid("`output_size` is not rows and columns");
  a.pad = {pad[0], pad[1], pad[0], pad[1]};
  image_result(l, columns, l.add("col2im", std::move(a), {columns.x}));
}

}  // namespace nb::torch
