// Pools over windows, and those whose windows follow from the size of their result.
#include <algorithm>

#include "blocks/argmax/attributes.h"
#include "blocks/gather/attributes.h"
#include "blocks/max_pool_indices/attributes.h"
#include "blocks/scatter/attributes.h"
#include "read/torch/image.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

/// The windows of a pool; a stride that is not given is the kernel.
Windows pool_windows(Layer& l, const Image& image) {
  Windows w;
  w.kernel = spatial_numbers(l, "kernel_size", image.space, 1);
  w.stride = l.integers("stride", {}).empty() ? w.kernel : spatial_numbers(l, "stride", image.space, 1);
  w.dilation = spatial_numbers(l, "dilation", image.space, 1);
  w.before = w.after = spatial_numbers(l, "padding", image.space, 0);
  check_windows(l, w);
  for (std::size_t i = 0; i < w.size(); ++i)
    if (w.before[i] < 0 || 2 * w.before[i] > w.kernel[i])
      l.refuse(Kind::attribute_out_of_range,
               "a padding of " + std::to_string(w.before[i]) + " is not within half of its window");
  fit_windows(l, w, image.spatial(l), l.flag("ceil_mode"));
  return w;
}

/// Where the largest elements of windows lie in the plane of their channel.
ValueId plane_indices(Layer& l, const Image& image, const Windows& w) {
  const Ints after = sum(w.after, w.extra);
  MaxPoolIndicesAttrs a{w.kernel, w.stride, w.dilation, w.before, false};
  a.pad.insert(a.pad.end(), after.begin(), after.end());
  const ValueId indices = l.add_all("max_pool_indices", Attributes(std::move(a)), {image.x})[1];
  const Shape space = image.spatial(l);
  const std::int64_t plane = product(space, 0, static_cast<std::int64_t>(space.size()));
  return binary(l, "mod", indices, static_cast<double>(plane));
}

}  // namespace

/// Values by the pool without indices, which is faster; the indices are a node of their own, which goes where
/// nothing reads them.
void translate_max_pool(Layer& l) {
  const Image image = image_of(l, "self", space_of(l));
  const Windows w = pool_windows(l, image);
  image_result(l, image, max_pooled(l, image.x, w));
  if (l.op().ends_with("_with_indices")) image_result(l, image, plane_indices(l, image, w));
}

void translate_avg_pool(Layer& l) {
  const Image image = image_of(l, "self", space_of(l));
  Windows w = pool_windows(l, image);
  if (!l.has("divisor_override")) {
    const bool counts = l.flag("count_include_pad", true);
    return image_result(l, image,
                        pooled(l, image.x, counts ? Pool::average_with_padding : Pool::average_inside, w));
  }
  // Sums over windows, whose padding is 0.
  const std::int64_t divisor = l.integer("divisor_override");
  if (divisor == 0) l.refuse(Kind::attribute_out_of_range, "divisor_override is 0");
  for (std::size_t i = 0; i < w.size(); ++i) {
    w.after[i] += w.extra[i];
    w.extra[i] = 0;
  }
  const ValueId mean = pooled(l, image.x, Pool::average_with_padding, w);
  const auto taps = static_cast<double>(product(w.kernel, 0, static_cast<std::int64_t>(w.size())));
  image_result(l, image, binary(l, "mul", mean, taps / static_cast<double>(divisor)));
}

namespace {

/// The windows along one axis of n that give `out` results: they cover it, and may overlap.
struct AxisWindows {
  Ints begin, size;
  /// Whether they are of one size and one step apart.
  [[nodiscard]] bool is_regular() const {
    for (std::size_t i = 1; i < begin.size(); ++i)
      if (size[i] != size[0] || begin[i] - begin[i - 1] != begin[1] - begin[0]) return false;
    return begin.size() < 2 || begin[1] > begin[0];
  }
};
AxisWindows adaptive_windows(std::int64_t n, std::int64_t out) {
  AxisWindows w;
  for (std::int64_t i = 0; i < out; ++i) {
    w.begin.push_back(i * n / out);
    w.size.push_back(((i + 1) * n + out - 1) / out - w.begin.back());
  }
  return w;
}

/// One an axis of the image, from `output_size`, whose entries may be left out for the size that there is.
std::vector<AxisWindows> all_adaptive_windows(Layer& l, const Image& image) {
  const Ints out = spatial_numbers(l, "output_size", image.space, 1);
  const Shape space = image.spatial(l);
  std::vector<AxisWindows> all;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] < 1 || out[i] > (1 << 16) || space[i] < 1)
      l.refuse(Kind::attribute_out_of_range,
               "a result of " + std::to_string(out[i]) + " from an axis of " + std::to_string(space[i]));
    all.push_back(adaptive_windows(space[i], out[i]));
  }
  return all;
}

/// Pools all axes with regular windows at once; the others keep their size.
ValueId regular_axes_pooled(Layer& l, ValueId x, Pool pool, const std::vector<AxisWindows>& all) {
  Windows w;
  bool is_needed = false;
  for (const AxisWindows& axis : all) {
    const bool is_pooled = axis.is_regular();
    w.kernel.push_back(is_pooled ? axis.size[0] : 1);
    w.stride.push_back(is_pooled && axis.begin.size() > 1 ? axis.begin[1] - axis.begin[0] : 1);
    is_needed = is_needed || w.kernel.back() > 1 || w.stride.back() > 1;
  }
  if (!is_needed) return x;
  const std::size_t n = all.size();
  w.dilation = Ints(n, 1);
  w.before = w.after = w.extra = Ints(n, 0);
  return pool == Pool::max ? max_pooled(l, x, w) : pooled(l, x, pool, w);
}

/// Pools the axes with irregular windows, window by window.
ValueId irregular_axes_pooled(Layer& l, ValueId x, std::string_view block,
                              const std::vector<AxisWindows>& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].is_regular()) continue;
    const auto axis = static_cast<std::int64_t>(i) + 2;
    std::vector<ValueId> parts;
    for (std::size_t k = 0; k < all[i].begin.size(); ++k)
      parts.push_back(
          reduce(l, block, slice_axis(l, x, axis, all[i].begin[k], all[i].size[k]), {axis}, true));
    x = concat(l, parts, axis);
  }
  return x;
}

/// Where in its plane the first largest element of each window lies: axis after axis from the last on, with
/// what was found so far moving along.
ValueId adaptive_indices(Layer& l, ValueId x, const std::vector<AxisWindows>& all) {
  ValueId found;
  std::int64_t step = 1;
  for (std::size_t i = all.size(); i-- > 0;) {
    const auto axis = static_cast<std::int64_t>(i) + 2;
    std::vector<ValueId> values, places;
    for (std::size_t k = 0; k < all[i].begin.size(); ++k) {
      const std::int64_t begin = all[i].begin[k], size = all[i].size[k];
      const ValueId window = slice_axis(l, x, axis, begin, size);
      const ValueId at = l.add("argmax", ArgmaxAttrs{.axis = axis}, {window});
      ValueId place = binary(l, "add", at, static_cast<double>(begin));
      if (step > 1) place = binary(l, "mul", place, static_cast<double>(step));
      if (found.is_present())
        place = binary(
            l, "add", place,
            l.add("gather_elements", GatherAttrs{axis}, {slice_axis(l, found, axis, begin, size), at}));
      values.push_back(reduce(l, "reduce_max", window, {axis}, true));
      places.push_back(place);
    }
    step *= l.dim(x, axis);
    x = concat(l, values, axis);
    found = concat(l, places, axis);
  }
  return found;
}

}  // namespace

void translate_adaptive_pool(Layer& l) {
  const Image image = image_of(l, "self", space_of(l));
  const std::vector<AxisWindows> all = all_adaptive_windows(l, image);
  const bool is_max = l.op().find("max") != std::string_view::npos;
  const bool is_whole = std::ranges::all_of(all, [](const AxisWindows& w) { return w.begin.size() == 1; });
  ValueId y;
  if (is_whole) {
    y = globally_pooled(l, image.x, is_max);
  } else {
    y = regular_axes_pooled(l, image.x, is_max ? Pool::max : Pool::average_inside, all);
    y = irregular_axes_pooled(l, y, is_max ? "reduce_max" : "reduce_mean", all);
  }
  image_result(l, image, y);
  if (is_max) image_result(l, image, adaptive_indices(l, image.x, all));
}

/// The inverse of a max_pool: elements go to their places in planes of zeros.
void translate_max_unpool(Layer& l) {
  const Image image = image_of(l, "self", space_of(l)), places = image_of(l, "indices", image.space);
  const Ints out = spatial_numbers(l, "output_size", image.space, 1);
  const Shape s = l.shape(image.x);
  if (l.shape(places.x) != s)
    l.refuse(Kind::shape_mismatch, "the indices do not have the shape of the elements");
  Shape shape = {s[0], s[1]};
  shape.insert(shape.end(), out.begin(), out.end());
  for (const std::int64_t n : out)
    if (n < 1 || n > (1 << 20)) l.refuse(Kind::attribute_out_of_range, "an axis of " + std::to_string(n));
  if (const std::string fault = shape_fault(shape, l.dtype(image.x)); !fault.empty())
    l.refuse(Kind::limit_exceeded, "the result: " + fault);
  const auto axes = static_cast<std::int64_t>(s.size());
  const Shape flat = {s[0], s[1], product(shape, 2, axes)}, picked = {s[0], s[1], product(s, 2, axes)};
  const ValueId zeros = expand(l, scalar(l, 0, l.dtype(image.x)), flat);
  ScatterAttrs a;
  a.axis = 2;
  const ValueId y =
      l.add("scatter_elements", a, {zeros, reshape(l, places.x, picked), reshape(l, image.x, picked)});
  image_result(l, image, reshape(l, y, shape));
}

}  // namespace nb::torch
