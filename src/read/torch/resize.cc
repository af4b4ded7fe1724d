// Images in other sizes, and sampled at places that the model computes.
#include "blocks/resize/attributes.h"

#include <algorithm>
#include <cmath>

#include "blocks/pad/attributes.h"
#include "read/sampling.h"
#include "read/torch/image.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

constexpr std::int64_t kMaxAxis = std::int64_t{1} << 24;

/// What PyTorch is told of the result: its size, and factors, 0 where it is not told.
struct Wanted {
  Ints size;
  std::vector<double> factor;
};
Wanted wanted_size(Layer& l, const Shape& space) {
  const std::size_t n = space.size();
  Wanted w{{}, std::vector<double>(n, 0.0)};
  if (l.has("scale_factors")) {
    const Item::List& given = l.item("scale_factors").list();
    if (given.size() != n) l.invalid("`scale_factors` does not have one number a spatial axis");
    for (std::size_t i = 0; i < n; ++i) {
      if (!given[i].is_number()) l.invalid("`scale_factors` holds " + given[i].described());
      w.factor[i] = given[i].number();
    }
  }
  const char* const names[] = {"scales_d", "scales_h", "scales_w"};
  for (std::size_t i = 0; i < n; ++i) {
    if (n == 1) w.factor[i] = l.real("scales", w.factor[i]);
    w.factor[i] = l.real(names[3 - n + i], w.factor[i]);
  }
  for (const double factor : w.factor)
    if (!(factor >= 0) || factor > 1e6)
      l.refuse(Kind::attribute_out_of_range, "a scale factor is " + std::to_string(factor));
  w.size = l.integers("output_size", {});
  if (w.size.empty())
    for (std::size_t i = 0; i < n; ++i)
      w.size.push_back(static_cast<std::int64_t>(static_cast<double>(space[i]) * w.factor[i]));
  if (w.size.size() != n) l.invalid("`output_size` does not have one number a spatial axis");
  for (const std::int64_t size : w.size)
    if (size < 1 || size > kMaxAxis)
      l.refuse(Kind::attribute_out_of_range, "an axis of the result is " + std::to_string(size));
  return w;
}

/// The input index of each output index of a nearest resize, in the single precision that PyTorch computes
/// them in, which decides at whole numbers.
Ints nearest_indices(std::int64_t in, std::int64_t out, double factor, bool is_exact) {
  const float step =
      factor > 0 ? static_cast<float>(1.0 / factor) : static_cast<float>(in) / static_cast<float>(out);
  Ints indices;
  for (std::int64_t o = 0; o < out; ++o) {
    const float at = (static_cast<float>(o) + (is_exact ? 0.5f : 0.0f)) * step;
    indices.push_back(std::min(static_cast<std::int64_t>(std::floor(at)), in - 1));
  }
  return indices;
}

/// The axes on which the block would take other elements are picked index by index; they keep their size in
/// `a`.
ValueId with_exact_axes(Layer& l, ValueId x, const Wanted& w, bool is_exact, ResizeAttrs& a) {
  for (std::size_t i = 0; i < w.size.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i) + 2;
    const std::int64_t in = l.dim(x, axis), out = w.size[i];
    const Ints indices = nearest_indices(in, out, w.factor[i], is_exact);
    bool is_same = true;
    for (std::int64_t o = 0; o < out && is_same; ++o) {
      const double scale = a.scale.empty() ? 0.0 : static_cast<double>(a.scale[i + 2]);
      const double at = resize_coordinate(a.coordinates, o, in, out, scale, 0, 0);
      const double nearest = is_exact ? std::floor(at + 0.5) : std::floor(at);
      is_same = std::min(static_cast<std::int64_t>(nearest), in - 1) == indices[static_cast<std::size_t>(o)];
    }
    if (is_same) continue;
    x = gather(l, x, ints(l, indices, {out}), axis);
    if (!a.scale.empty()) a.scale[i + 2] = 1.0f;
  }
  return x;
}

bool names(Layer& l, std::string_view part) { return l.op().find(part) != std::string_view::npos; }

}  // namespace

void translate_upsample(Layer& l) {
  const Image image = image_of(l, l.takes("self") ? "self" : "input", space_of(l));
  if (!image.has_batch) l.refuse(Kind::shape_mismatch, "the image has no batch axis");
  const Shape s = l.shape(image.x);
  const Wanted w = wanted_size(l, image.spatial(l));
  const bool aligns = l.flag("align_corners"), is_nearest = names(l, "nearest");
  ResizeAttrs a;
  a.size = {s[0], s[1]};
  a.size.insert(a.size.end(), w.size.begin(), w.size.end());
  if (const std::string fault = shape_fault(a.size, l.dtype(image.x)); !fault.empty())
    l.refuse(Kind::limit_exceeded, "the result: " + fault);
  // Corners that are aligned leave the factors without a meaning.
  if (!aligns && std::ranges::any_of(w.factor, [](double f) { return f > 0; })) {
    a.scale = {1.0f, 1.0f};
    for (std::size_t i = 0; i < w.size.size(); ++i)
      a.scale.push_back(static_cast<float>(
          w.factor[i] > 0 ? w.factor[i] : static_cast<double>(w.size[i]) / static_cast<double>(s[i + 2])));
  }
  ValueId x = image.x;
  if (is_nearest) {
    const bool is_exact = names(l, "exact");
    a.coordinates = is_exact ? ResizeCoordinates::half_pixel : ResizeCoordinates::asymmetric;
    a.rounding = is_exact ? ResizeRounding::round_prefer_ceil : ResizeRounding::floor;
    x = with_exact_axes(l, x, w, is_exact, a);
  } else {
    a.mode = names(l, "bicubic") ? ResizeMode::cubic : ResizeMode::linear;
    a.coordinates = aligns ? ResizeCoordinates::align_corners : ResizeCoordinates::half_pixel;
    if (l.op().ends_with("_aa")) {
      if (aligns) l.unsupported("antialiasing with aligned corners");
      a.antialias = a.exclude_outside = true;
      a.cubic_a = -0.5f;
    }
  }
  l.result(l.add("resize", std::move(a), {x}));
}

namespace {

/// Cubic samples where the image's edge goes on outside: PyTorch takes each of the 16 pixels from there, so
/// that what lies within two pixels outside is no plain edge yet. The image gets a margin, and the grid,
/// which is kept from going further out, is scaled to it.
ValueId cubic_with_edges(Layer& l, ValueId x, ValueId grid, GridSampleAttrs a) {
  constexpr std::int64_t kMargin = 4, kFarthest = 2;
  const std::int64_t rank = l.rank(x);
  PadAttrs pad{Ints(static_cast<std::size_t>(rank), 0), {}, PadMode::edge};
  for (std::size_t i = 2; i < pad.before.size(); ++i) pad.before[i] = kMargin;
  pad.after = pad.before;
  std::vector<float> factor, bound;
  for (std::int64_t axis = rank - 1; axis >= 2; --axis) {  // columns come first
    const std::int64_t corner = a.align_corners ? 1 : 0, size = l.dim(x, axis) - corner;
    const auto whole = static_cast<double>(size + 2 * kMargin);
    factor.push_back(static_cast<float>(static_cast<double>(size) / whole));
    bound.push_back(static_cast<float>(static_cast<double>(l.dim(x, axis) - 1 + 2 * kFarthest) / whole));
  }
  const auto n = static_cast<std::int64_t>(factor.size());
  const ValueId most = floats(l, bound, {n});
  grid = binary(l, "minimum", binary(l, "mul", grid, floats(l, factor, {n})), most);
  grid = binary(l, "maximum", grid, unary(l, "neg", most));
  a.padding = SamplePadding::border;
  return grid_sampled(l, l.add("pad", std::move(pad), {x}), grid, a);
}

}  // namespace

void translate_grid_sampler(Layer& l) {
  const ValueId x = l.tensor("input");
  l.require_rank(x, 4, "the image");
  GridSampleAttrs a;
  switch (l.integer("interpolation_mode")) {
    case 0:
      a.mode = SampleMode::linear;
      break;
    case 1:
      a.mode = SampleMode::nearest;
      break;
    case 2:
      a.mode = SampleMode::cubic;
      break;
    default:
      l.refuse(Kind::attribute_out_of_range, "interpolation_mode is none of 0, 1, 2");
  }
  const std::int64_t padding = l.integer("padding_mode");
  if (padding < 0 || padding > 2) l.refuse(Kind::attribute_out_of_range, "padding_mode is none of 0, 1, 2");
  a.padding = static_cast<SamplePadding>(padding);
  a.align_corners = l.flag("align_corners");
  const ValueId grid = l.tensor("grid");
  const bool has_edges = a.mode == SampleMode::cubic && a.padding == SamplePadding::border;
  l.result(has_edges ? cubic_with_edges(l, x, grid, a) : grid_sampled(l, x, grid, a));
}

void translate_affine_grid(Layer& l) {
  l.result(affine_grid(l, l.tensor("theta"), l.integers("size"), l.flag("align_corners")));
}

}  // namespace nb::torch
