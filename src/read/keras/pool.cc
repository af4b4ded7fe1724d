// Windows over images, and pools.
#include <algorithm>

#include "blocks/average_pool2d/attributes.h"
#include "blocks/max_pool2d/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"
#include "read/keras/window.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

constexpr std::int64_t kMaxWindow = 1 << 20;  // keeps sums of window numbers far from overflow

/// Refuses numbers that are no window; one spatial axis gets a row of 1 before it.
Ints two(Layer& l, Ints values) {
  for (const std::int64_t value : values)
    if (value < 1 || value > kMaxWindow)
      l.refuse(Kind::attribute_out_of_range, "a window number is " + std::to_string(value));
  if (values.size() == 1) values.insert(values.begin(), 1);
  return values;
}

ValueId pool_windows(Layer& l, ValueId x, bool is_max, const Ints& kernel, const Ints& stride,
                     const Ints& pad) {
  if (is_max) return l.add("max_pool2d", MaxPool2dAttrs{kernel, stride, pad, {1, 1}}, {x});
  return l.add("average_pool2d", AveragePool2dAttrs{kernel, stride, pad, {1, 1}, false}, {x});
}

bool is_max_pool(const Layer& l) { return l.class_name().find("Max") != std::string_view::npos; }

/// One axis (1 or 2) of an image in `out` parts that overlap where the axis does not divide.
ValueId pool_adaptively(Layer& l, ValueId x, std::int64_t axis, std::int64_t out, bool is_max) {
  const std::int64_t in = l.dim(x, axis);
  if (out < 1 || out > in)
    l.refuse(Kind::attribute_out_of_range, "its output_size is " + std::to_string(out));
  if (in % out == 0) {
    const std::int64_t size = in / out;
    const Ints window = axis == 1 ? Ints{size, 1} : Ints{1, size};
    return pool_windows(l, x, is_max, window, window, {0, 0, 0, 0});
  }
  std::vector<ValueId> parts;
  for (std::int64_t i = 0; i < out; ++i) {
    const std::int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    const ValueId part = slice_axis(l, x, axis, begin, end - begin);
    parts.push_back(reduce(l, is_max ? "reduce_max" : "reduce_mean", part, {axis}, true));
  }
  return concat(l, parts, axis);
}

}  // namespace

std::size_t spatial_axes(std::string_view class_name) {
  for (const auto& [mark, axes] : {std::pair<std::string_view, std::size_t>{"1D", 1}, {"2D", 2}})
    if (class_name.find(mark) != std::string_view::npos) return axes;
  return 0;
}

ValueId to_channels_last(Layer& l, ValueId x, bool is_last) {
  if (is_last) return x;
  Ints perm = {0};
  for (std::int64_t i = 2; i < l.rank(x); ++i) perm.push_back(i);
  perm.push_back(1);
  return transpose(l, x, perm);
}

ValueId from_channels_last(Layer& l, ValueId x, bool is_last) {
  if (is_last) return x;
  Ints perm = {0, l.rank(x) - 1};
  for (std::int64_t i = 1; i < l.rank(x) - 1; ++i) perm.push_back(i);
  return transpose(l, x, perm);
}

ValueId Image::back(Layer& l, ValueId y) const {
  if (axes == 1) y = squeeze(l, y, {1});
  return from_channels_last(l, y, is_channels_last);
}

Image image_of(Layer& l, ValueId x) {
  const std::size_t axes = spatial_axes(l.class_name());
  if (static_cast<std::size_t>(l.rank(x)) != axes + 2)
    l.refuse(Kind::shape_mismatch,
             "its input is " + type_text(l.type(x)) + ", not of rank " + std::to_string(axes + 2));
  const bool is_last = l.is_channels_last();
  x = to_channels_last(l, x, is_last);
  if (axes == 1) x = unsqueeze(l, x, {1});
  return {x, axes, is_last};
}

Window window_of(Layer& l, const Image& image, const Ints& kernel, std::string_view strides,
                 std::string_view dilation, bool is_fitted) {
  const Ints ones(image.axes, 1);
  Window w;
  w.kernel = two(l, kernel);
  w.stride = two(l, strides.empty() ? ones : l.integers(strides, image.axes, ones));
  w.dilation = two(l, dilation.empty() ? ones : l.integers(dilation, image.axes, ones));
  const std::string padding = l.text("padding", "valid");
  if (padding != "valid" && padding != "same" && !(padding == "causal" && image.axes == 1))
    l.unsupported("its padding `" + padding + "`");
  if (!is_fitted) return w;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t in = l.dim(image.x, static_cast<std::int64_t>(i) + 1),
                       reach = (w.kernel[i] - 1) * w.dilation[i] + 1;
    std::int64_t before = 0, after = 0;
    if (padding == "same") {
      const std::int64_t out = (in + w.stride[i] - 1) / w.stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * w.stride[i] + reach - in);
      before = total / 2;
      after = total - before;
    } else if (padding == "causal") {
      before = reach - 1;
    }
    if (in + before + after < reach)
      l.refuse(Kind::shape_mismatch, "its window of " + std::to_string(reach) +
                                         " is larger than the image's " + std::to_string(in));
    w.pad[i] = before;
    w.pad[2 + i] = after;
  }
  return w;
}

void translate_pool(Layer& l) {
  const Image image = image_of(l, as_real(l, l.in()));
  const Ints size = l.integers("pool_size", image.axes);
  const Window w = window_of(l, image, size, l.has("strides") ? "strides" : "pool_size", "");
  l.output(image.back(l, pool_windows(l, image.x, is_max_pool(l), w.kernel, w.stride, w.pad)));
}

void translate_global_pool(Layer& l) {
  const ValueId operand = l.in();
  const Image image = image_of(l, as_real(l, operand));
  const bool keeps = l.flag("keepdims", false), is_max = is_max_pool(l);
  const std::int64_t channels = l.dim(image.x, 3), samples = l.dim(image.x, 0);
  Shape shape = {samples};
  if (!keeps) {
    shape.push_back(channels);
  } else {
    shape.insert(shape.end(), image.axes, 1);
    shape.insert(image.is_channels_last ? shape.end() : shape.begin() + 1, channels);
  }
  const ValueId mask = l.mask_of(operand);
  if (mask.is_present() && !is_max && image.axes == 1) {
    // The mean of the steps that count.
    const ValueId counts = reshape(l, mask, {samples, 1, l.dim(image.x, 2), 1});
    const ValueId inside = where(l, counts, image.x, scalar(l, 0));
    const ValueId total = reduce(l, "reduce_sum", inside, {1, 2}, true);
    const ValueId count = reduce(l, "reduce_sum", cast(l, counts, DType::f32), {1, 2}, true);
    return l.output(reshape(l, binary(l, "div", total, count), shape));
  }
  const Ints whole = {l.dim(image.x, 1), l.dim(image.x, 2)};
  l.output(reshape(l, pool_windows(l, image.x, is_max, whole, {1, 1}, {0, 0, 0, 0}), shape));
}

void translate_adaptive_pool(Layer& l) {
  const Image image = image_of(l, as_real(l, l.in()));
  const Ints size = l.integers("output_size", image.axes);
  ValueId y = image.x;
  for (std::size_t i = 0; i < image.axes; ++i)
    y = pool_adaptively(l, y, static_cast<std::int64_t>(3 - image.axes + i), size[i], is_max_pool(l));
  l.output(image.back(l, y));
}

}  // namespace nb::keras
