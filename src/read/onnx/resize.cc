// Resize and its predecessor Upsample.
#include <algorithm>
#include <cmath>

#include "blocks/resize/attributes.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

template <class E>
E named(Layer& l, const std::string& name, std::string_view attribute) {
  const auto names = names_of(E{});
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<E>(i);
  l.unsupported("`" + std::string(attribute) + "` is `" + name + "`");
}

std::int64_t scaled(Layer& l, std::int64_t dim, float scale) {
  const double size = std::floor(static_cast<double>(dim) * static_cast<double>(scale));
  if (!(size >= 0) || size > 1e9) l.refuse(Kind::attribute_out_of_range, "a scale is " + float_text(scale));
  return static_cast<std::int64_t>(size);
}

ResizeMode mode_of(Layer& l) {
  const std::string mode = l.text("mode", "nearest");
  return mode == "bilinear" || mode == "trilinear" ? ResizeMode::linear : named<ResizeMode>(l, mode, "mode");
}

/// `value` for the axes named, `fallback` for the others.
template <class T>
std::vector<T> on_axes(std::size_t rank, const Ints& axes, const std::vector<T>& values,
                       const std::vector<T>& fallback) {
  std::vector<T> out = fallback;
  out.resize(rank);
  for (std::size_t i = 0; i < axes.size(); ++i) out[static_cast<std::size_t>(axes[i])] = values[i];
  return out;
}

/// y with `value` wherever an axis's coordinate lies outside the image.
ValueId extrapolated(Layer& l, ValueId y, const Shape& in, const ResizeAttrs& a, float value) {
  ValueId outside;
  const auto rank = static_cast<std::int64_t>(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    Ints is_outside;
    for (std::int64_t o = 0; o < a.size[i]; ++o) {
      const double at = resize_coordinate(
          a.coordinates, o, in[i], a.size[i], a.scale.empty() ? 0.0 : static_cast<double>(a.scale[i]),
          static_cast<double>(a.roi[i]), static_cast<double>(a.roi[in.size() + i]));
      is_outside.push_back(at < 0 || at > static_cast<double>(in[i] - 1));
    }
    if (std::count(is_outside.begin(), is_outside.end(), 1) == 0) continue;
    const ValueId mask =
        along_axis(l, ints(l, is_outside, {a.size[i]}, DType::boolean), static_cast<std::int64_t>(i), rank);
    outside = outside.is_present() ? binary(l, "logical_or", outside, mask) : mask;
  }
  return outside.is_present() ? where(l, outside, scalar(l, static_cast<double>(value), l.dtype(y)), y) : y;
}

}  // namespace

void translate_upsample(Layer& l) {
  const ValueId x = l.in(0);
  ResizeAttrs a;
  a.scale = l.reals("scales");
  if (a.scale.empty() && l.has(1))
    for (const double scale : l.doubles(l.in(1), "scales")) a.scale.push_back(static_cast<float>(scale));
  const Shape s = l.shape(x);
  if (a.scale.empty() && s.size() == 4)  // before opset 7
    a.scale = {1, 1, l.real("height_scale", 1), l.real("width_scale", 1)};
  if (a.scale.size() != s.size()) l.invalid("it does not have one scale an axis of " + shape_text(s));
  for (std::size_t i = 0; i < s.size(); ++i) a.size.push_back(scaled(l, s[i], a.scale[i]));
  a.mode = mode_of(l);
  a.coordinates = ResizeCoordinates::asymmetric;
  a.rounding = ResizeRounding::floor;
  l.output(0, l.add("resize", std::move(a), {x}));
}

void translate_resize(Layer& l) {
  const ValueId x = l.in(0);
  const Shape s = l.shape(x);
  const std::size_t scales_at = l.opset == 10 ? 1 : 2;
  ResizeAttrs a;
  a.mode = mode_of(l);
  a.cubic_a = l.real("cubic_coeff_a", -0.75f);
  if (l.opset == 10) {
    a.coordinates = ResizeCoordinates::asymmetric;
    a.rounding = ResizeRounding::floor;
  } else {
    a.coordinates = named<ResizeCoordinates>(l, l.text("coordinate_transformation_mode", "half_pixel"),
                                             "coordinate_transformation_mode");
    a.rounding = named<ResizeRounding>(l, l.text("nearest_mode", "round_prefer_floor"), "nearest_mode");
  }
  a.antialias = l.flag("antialias", false);
  a.exclude_outside = l.flag("exclude_outside", false);

  const auto rank = static_cast<std::int64_t>(s.size());
  const Ints axes = l.axes(l.integers("axes", axes_from(0, rank)), rank);
  const std::vector<float> ones(s.size(), 1.0f);
  std::vector<double> scales;
  if (l.has(scales_at)) scales = l.doubles(l.in(scales_at), "scales");
  if (!scales.empty()) {
    if (scales.size() != axes.size()) l.invalid("it does not have one scale an axis");
    a.scale = on_axes(s.size(), axes, std::vector<float>(scales.begin(), scales.end()), ones);
    for (std::size_t i = 0; i < s.size(); ++i) a.size.push_back(scaled(l, s[i], a.scale[i]));
  } else {
    Ints sizes = l.ints(l.in(3), "sizes");
    if (sizes.size() != axes.size()) l.invalid("it does not have one size an axis");
    const std::string policy = l.text("keep_aspect_ratio_policy", "stretch");
    if (policy != "stretch") {
      std::vector<double> ratios;
      for (std::size_t i = 0; i < axes.size(); ++i)
        ratios.push_back(static_cast<double>(sizes[i]) /
                         static_cast<double>(std::max<std::int64_t>(l.dim(x, axes[i]), 1)));
      const double ratio = policy == "not_larger" ? *std::min_element(ratios.begin(), ratios.end())
                                                  : *std::max_element(ratios.begin(), ratios.end());
      for (std::size_t i = 0; i < axes.size(); ++i) {
        const double wanted = std::floor(ratio * static_cast<double>(l.dim(x, axes[i])) + 0.5);
        if (!(std::abs(wanted) <= static_cast<double>(kMaxTensorBytes)))
          l.refuse(Kind::limit_exceeded,
                   "axis " + std::to_string(axes[i]) + " is resized beyond every limit");
        sizes[i] = static_cast<std::int64_t>(wanted);
      }
      a.scale = on_axes(s.size(), axes, std::vector<float>(axes.size(), static_cast<float>(ratio)), ones);
    }
    a.size = on_axes(s.size(), axes, sizes, s);
  }
  if (a.coordinates != ResizeCoordinates::tf_crop_and_resize)
    return l.output(0, l.add("resize", std::move(a), {x}));

  const std::vector<double> roi = l.doubles(l.in(1), "roi");
  if (roi.size() != 2 * axes.size()) l.invalid("its roi does not have a begin and an end an axis");
  const auto middle = roi.begin() + static_cast<std::ptrdiff_t>(axes.size());
  a.roi =
      on_axes(s.size(), axes, std::vector<float>(roi.begin(), middle), std::vector<float>(s.size(), 0.0f));
  const auto ends = on_axes(s.size(), axes, std::vector<float>(middle, roi.end()), ones);
  a.roi.insert(a.roi.end(), ends.begin(), ends.end());
  const ValueId y = l.add("resize", a, {x});
  l.output(0, extrapolated(l, y, s, a, l.real("extrapolation_value", 0.0f)));
}

}  // namespace nb::onnx
