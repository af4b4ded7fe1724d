// Layers that move elements.
#include <algorithm>
#include <numeric>

#include "blocks/pad/attributes.h"
#include "blocks/resize/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"
#include "read/keras/window.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

/// {before, after} of each spatial axis: one number, one an axis, or two an axis.
Ints margins(Layer& l, std::string_view name, std::size_t axes) {
  Ints given = l.integers(name, 0);
  if (given.size() == 1) given.assign(2 * axes, given[0]);
  if (given.size() == axes && axes == 2) given = {given[0], given[0], given[1], given[1]};
  if (given.size() != 2 * axes)
    l.invalid("its `" + std::string(name) + "` does not fit " + std::to_string(axes) + " axes");
  for (const std::int64_t n : given)
    if (n < 0 || n > (1 << 24)) l.refuse(Kind::attribute_out_of_range, "a margin is " + std::to_string(n));
  return given;
}

/// Where the spatial axes begin in the layer's own layout.
std::size_t first_spatial(Layer& l) { return l.is_channels_last() ? 1 : 2; }

void require_image(Layer& l, ValueId x, std::size_t axes) {
  if (static_cast<std::size_t>(l.rank(x)) != axes + 2)
    l.refuse(Kind::shape_mismatch,
             "its input is " + type_text(l.type(x)) + ", not of rank " + std::to_string(axes + 2));
}

}  // namespace

void translate_flatten(Layer& l) {
  const ValueId x = to_channels_last(l, l.in(), l.is_channels_last() || l.rank(l.in()) < 3);
  const Shape s = l.shape(x);
  if (s.empty()) l.refuse(Kind::shape_mismatch, "its input has no batch axis");
  l.output(reshape(l, x, {s[0], product(s, 1, l.rank(x))}));
}

void translate_reshape(Layer& l) {
  const ValueId x = l.in();
  const Shape s = l.shape(x);
  if (s.empty()) l.refuse(Kind::shape_mismatch, "its input has no batch axis");
  Shape shape = l.integers("target_shape", 0);
  std::int64_t known = 1;
  std::size_t unknown = 0;
  for (const std::int64_t dim : shape) {
    if (dim < -1 || dim > kMaxTensorBytes)
      l.invalid("its target_shape has an axis of " + std::to_string(dim));
    if (dim == -1)
      ++unknown;
    else if (__builtin_mul_overflow(known, dim, &known))
      l.invalid("its target_shape is too large");
  }
  const std::int64_t elements = product(s, 1, l.rank(x));
  if (unknown > 1 || (unknown == 1 && (known == 0 || elements % known != 0)) ||
      (unknown == 0 && known != elements))
    l.refuse(Kind::shape_mismatch,
             "its target_shape " + shape_text(shape) + " does not fit " + shape_text(s));
  for (std::int64_t& dim : shape)
    if (dim == -1) dim = elements / known;
  shape.insert(shape.begin(), s[0]);
  l.output(reshape(l, x, shape));
}

void translate_permute(Layer& l) {
  const ValueId x = l.in();
  Ints perm = l.integers("dims", 0);
  perm.insert(perm.begin(), 0);
  Ints sorted = perm, all(static_cast<std::size_t>(l.rank(x)));
  std::sort(sorted.begin(), sorted.end());
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all) l.invalid("its dims are no permutation of the axes of " + type_text(l.type(x)));
  l.output(transpose(l, x, perm));
}

void translate_repeat_vector(Layer& l) {
  const ValueId x = l.in();
  const Shape s = l.shape(x);
  const std::int64_t n = l.integer("n");
  if (s.size() != 2 || n < 1 || n > kMaxTensorBytes)
    l.refuse(Kind::shape_mismatch, "it repeats vectors, once or more");
  l.output(expand(l, reshape(l, x, {s[0], 1, s[1]}), {s[0], n, s[1]}));
}

void translate_zero_padding(Layer& l) {
  const ValueId x = l.in();
  const std::size_t axes = spatial_axes(l.class_name());
  require_image(l, x, axes);
  const Ints given = margins(l, "padding", axes);
  Ints before(axes + 2, 0), after(axes + 2, 0);
  for (std::size_t i = 0; i < axes; ++i) {
    before[first_spatial(l) + i] = given[2 * i];
    after[first_spatial(l) + i] = given[2 * i + 1];
  }
  l.output(pad_constant(l, x, before, after, 0.0f));
}

void translate_cropping(Layer& l) {
  ValueId x = l.in();
  const std::size_t axes = spatial_axes(l.class_name());
  require_image(l, x, axes);
  const Ints given = margins(l, "cropping", axes);
  for (std::size_t i = 0; i < axes; ++i) {
    const auto axis = static_cast<std::int64_t>(first_spatial(l) + i);
    const std::int64_t left = l.dim(x, axis) - given[2 * i] - given[2 * i + 1];
    if (left < 1) l.refuse(Kind::shape_mismatch, "it crops everything of " + type_text(l.type(x)));
    x = slice_axis(l, x, axis, given[2 * i], left);
  }
  l.output(x);
}

void translate_up_sampling(Layer& l) {
  const std::size_t axes = spatial_axes(l.class_name());
  const Image image = image_of(l, as_real(l, l.in()));
  const Ints size = l.integers("size", axes, Ints(axes, 2));
  const std::string mode = l.text("interpolation", "nearest");
  ResizeAttrs a;
  a.size = l.shape(image.x);
  for (std::size_t i = 0; i < axes; ++i) {
    if (size[i] < 1 || size[i] > (1 << 16))
      l.refuse(Kind::attribute_out_of_range, "its size is " + std::to_string(size[i]));
    a.size[3 - axes + i] *= size[i];
  }
  if (mode == "nearest") {
    a.coordinates = ResizeCoordinates::asymmetric;
    a.rounding = ResizeRounding::floor;
  } else if (mode == "bilinear") {
    a.mode = ResizeMode::linear;
  } else if (mode == "bicubic") {
    a.mode = ResizeMode::cubic;
    a.cubic_a = -0.5f;
    a.exclude_outside = true;
  } else {
    l.unsupported("its interpolation `" + mode + "`", "nearest, bilinear and bicubic are translated");
  }
  l.output(image.back(l, l.add("resize", std::move(a), {image.x})));
}

void translate_resizing(Layer& l) {
  const bool is_last = l.is_channels_last();
  const ValueId given = as_real(l, l.in());
  require_image(l, given, 2);
  const ValueId x = to_channels_last(l, given, is_last);
  if (l.flag("crop_to_aspect_ratio", false) || l.flag("pad_to_aspect_ratio", false))
    l.unsupported("an aspect ratio that is kept", "Cropping2D or ZeroPadding2D before it stands for that");
  if (l.flag("antialias", false)) l.unsupported("antialias");
  const Shape s = l.shape(x);
  ResizeAttrs a;
  a.size = {s[0], l.integer("height"), l.integer("width"), s[3]};
  for (const std::int64_t size : {a.size[1], a.size[2]})
    if (size < 1 || size > (1 << 16))
      l.refuse(Kind::attribute_out_of_range, "its height or width is " + std::to_string(size));
  const std::string mode = l.text("interpolation", "bilinear");
  if (mode == "nearest")
    a.rounding = ResizeRounding::round_prefer_ceil;
  else if (mode == "bilinear")
    a.mode = ResizeMode::linear;
  else
    l.unsupported("its interpolation `" + mode + "`", "nearest and bilinear are translated");
  l.output(from_channels_last(l, l.add("resize", std::move(a), {x}), is_last));
}

}  // namespace nb::keras
