// resize: all there is to know about it. The kernels' header lies beside.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/resize/attributes.h"

namespace nb {
namespace {

/// Along one axis: the neighbours of each output element and their weights, `taps` an element.
struct Neighbours {
  std::int64_t taps = 1;
  std::vector<std::int64_t> index;
  std::vector<double> weight;
  [[nodiscard]] bool is_identity() const {
    for (std::size_t i = 0; i < index.size(); ++i)
      if (taps != 1 || index[i] != static_cast<std::int64_t>(i)) return false;
    return true;
  }
};

}  // namespace

double resize_coordinate(ResizeCoordinates mode, std::int64_t o, std::int64_t in, std::int64_t out,
                         double scale, double roi_begin, double roi_end) {
  const auto i = static_cast<double>(o), from = static_cast<double>(in), to = static_cast<double>(out);
  const auto scaled = [&](double x) { return scale > 0 ? x / scale : x * from / to; };
  const double length = scale > 0 ? scale * from : to;
  switch (mode) {
    case ResizeCoordinates::pytorch_half_pixel:
      return out > 1 ? scaled(i + 0.5) - 0.5 : 0.0;
    case ResizeCoordinates::align_corners:
      return o == 0 || length == 1.0 ? 0.0 : i * (from - 1) / (length - 1);
    case ResizeCoordinates::asymmetric:
      return scaled(i);
    case ResizeCoordinates::half_pixel_symmetric:
      return from / 2 * (1 - to / length) + scaled(i + 0.5) - 0.5;
    case ResizeCoordinates::tf_crop_and_resize:
      return roi_begin * (from - 1) + (length == 1.0 ? (roi_end - roi_begin) * (from - 1) / 2
                                                     : i * (roi_end - roi_begin) * (from - 1) / (length - 1));
    case ResizeCoordinates::half_pixel:
      break;
  }
  return scaled(i + 0.5) - 0.5;
}

namespace {

double rounded(ResizeRounding rounding, double x) {
  switch (rounding) {
    case ResizeRounding::round_prefer_floor:
      return std::ceil(x - 0.5);
    case ResizeRounding::round_prefer_ceil:
      return std::floor(x + 0.5);
    case ResizeRounding::floor:
      return std::floor(x);
    case ResizeRounding::ceil:
      break;
  }
  return std::ceil(x);
}

/// The weight of a neighbour at a distance, of cubic convolution with coefficient a.
double cubic_weight(double distance, double a) {
  const double t = std::fabs(distance);
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0.0;
}

constexpr std::int64_t kOne = 1024;  ///< weight 1 of integers

/// The input coordinate in 1/1024 as TensorFlow Lite's integer kernel rounds it.
std::int64_t fixed_coordinate(ResizeCoordinates mode, std::int64_t o, std::int64_t in, std::int64_t out) {
  if (mode == ResizeCoordinates::align_corners && out > 1)
    return o * ((kOne * (in - 1) + (out - 1) / 2) / (out - 1));
  const std::int64_t step = (kOne * in + out / 2) / out;
  return mode == ResizeCoordinates::half_pixel ? o * step + step / 2 - kOne / 2 : o * step;
}

struct ResizeBlock {
  static constexpr std::string_view name = "resize";
  static constexpr std::string_view doc =
      "y = x sampled at other sizes: each axis by nearest, linear or cubic interpolation of the neighbours "
      "at "
      "its input coordinate, as ONNX Resize; neighbours outside are the edge's";
  using Attrs = ResizeAttrs;
  static constexpr auto fields = kResizeFields;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static bool is_small(DType dtype) {
    return dtype == DType::i8 || dtype == DType::u8 || dtype == DType::i16 || dtype == DType::u16;
  }

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    if (a.size.size() != x.shape.size() || (!a.scale.empty() && a.scale.size() != x.shape.size()))
      return Fault{Kind::shape_mismatch, "sizes or scales are not one an axis of " + type_text(x)};
    for (const float scale : a.scale)
      if (!(scale > 0) || std::isinf(scale))
        return Fault{Kind::attribute_out_of_range, "a scale is not positive and finite"};
    for (std::size_t i = 0; i < a.size.size(); ++i) {
      if (a.size[i] < 0)
        return Fault{Kind::attribute_out_of_range, "a negative size in " + shape_text(a.size)};
      if (a.size[i] != x.shape[i] && a.size[i] > kMaxResizedPositions)
        return Fault{Kind::limit_exceeded, "an axis is resized to " + std::to_string(a.size[i]) +
                                               " positions, more than " +
                                               std::to_string(kMaxResizedPositions)};
      if (x.shape[i] == 0 && a.size[i] != 0)
        return Fault{Kind::shape_mismatch, type_text(x) + " has no elements to make " + shape_text(a.size)};
    }
    const bool is_crop = a.coordinates == ResizeCoordinates::tf_crop_and_resize;
    if (a.roi.size() != (is_crop ? 2 * x.shape.size() : 0) ||
        !std::all_of(a.roi.begin(), a.roi.end(), [](float part) { return std::fabs(part) <= 1e6f; }))
      return Fault{Kind::attribute_out_of_range, "the roi is not a finite begin and end an axis"};
    for (std::size_t i = 0; i < a.size.size(); ++i)
      if (a.antialias && a.size[i] * (std::int64_t{1} << 24) < x.shape[i])
        return Fault{Kind::attribute_out_of_range, "antialiasing a reduction by more than 2^24"};
    for (const float scale : a.scale)
      if (a.antialias && scale < 0x1p-24f)
        return Fault{Kind::attribute_out_of_range, "antialiasing a reduction by more than 2^24"};
    if (a.antialias && x.dtype != DType::f32 && a.mode != ResizeMode::nearest)
      return Fault{Kind::unsupported_feature, "antialiasing elements of " + type_text(x)};
    if (x.quantization && x.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "resizing " + type_text(x) + " with a scale per index"};
    const bool is_nearest = a.mode == ResizeMode::nearest;
    if (!is_nearest && x.dtype != DType::f32 && !(a.mode == ResizeMode::linear && is_small(x.dtype)))
      return Fault{Kind::unsupported_feature, "interpolating elements of " + type_text(x)};
    std::int64_t changed = 0;
    for (std::size_t i = 0; i < a.size.size(); ++i)
      changed += a.size[i] != x.shape[i] || (!a.scale.empty() && a.scale[i] != 1.0f);
    if (!is_nearest && is_small(x.dtype) && changed > 4)
      return Fault{Kind::unsupported_feature, "interpolating integers along more than four axes"};
    return std::vector{Type{x.dtype, a.size, x.quantization}};
  }

  static QuantizedForm quantized_form(const Operation& op) {
    return op.attrs<Attrs>().mode == ResizeMode::nearest ? QuantizedForm::moves : QuantizedForm::rounds;
  }
  /// Kernels have a table with an entry for each position of a resized axis.
  static constexpr std::int64_t kMaxResizedPositions = 1 << 20;

  static Neighbours neighbours_of(const Operation& op, std::size_t axis) {
    const auto& a = op.attrs<Attrs>();
    const std::int64_t in = op.in[0]->shape[axis], out = a.size[axis];
    const double scale = a.scale.empty() ? 0.0 : static_cast<double>(a.scale[axis]);
    const bool is_integer_linear = a.mode == ResizeMode::linear && is_small(op.in[0]->dtype);
    const double roi_begin = a.roi.empty() ? 0.0 : static_cast<double>(a.roi[axis]),
                 roi_end = a.roi.empty() ? 1.0 : static_cast<double>(a.roi[a.size.size() + axis]);
    const bool is_kept = in == out && (scale == 0.0 || scale == 1.0) && roi_begin == 0.0 && roi_end == 1.0;
    // What a neighbour's distance is measured in: antialiasing stretches the weights over what is skipped.
    const double ratio =
        scale > 0 ? scale : static_cast<double>(out) / static_cast<double>(std::max<std::int64_t>(in, 1));
    const double unit = a.antialias ? std::min(ratio, 1.0) : 1.0;
    const double radius = a.mode == ResizeMode::linear ? 1.0 : 2.0;
    const int first = static_cast<int>(std::floor(-radius / unit)) + 1;
    Neighbours n;
    if (a.mode != ResizeMode::nearest && !is_kept) n.taps = 2 - 2 * std::int64_t{first};
    const auto add = [&](double index, double weight) {
      n.index.push_back(static_cast<std::int64_t>(std::clamp(index, 0.0, static_cast<double>(in - 1))));
      n.weight.push_back(weight);
    };
    const auto add_weighted = [&](double low, double t) {
      double total = 0;
      for (int k = first; k <= 1 - first; ++k) {
        const double distance = (t - k) * unit;
        double weight = a.mode == ResizeMode::cubic ? cubic_weight(distance, static_cast<double>(a.cubic_a))
                                                    : std::max(0.0, 1 - std::fabs(distance));
        if (a.exclude_outside && (low + k < 0 || low + k > static_cast<double>(in - 1))) weight = 0;
        total += weight;
        add(low + k, weight);
      }
      if ((!a.antialias && !a.exclude_outside) || total == 0) return;
      for (std::size_t k = n.weight.size() - static_cast<std::size_t>(n.taps); k < n.weight.size(); ++k)
        n.weight[k] /= total;
    };
    for (std::int64_t o = 0; o < out; ++o) {
      const double at = resize_coordinate(a.coordinates, o, in, out, scale, roi_begin, roi_end);
      const double low = std::floor(at), t = at - low;
      if (is_kept) {
        add(static_cast<double>(o), 1);
      } else if (a.mode == ResizeMode::nearest) {
        add(rounded(a.rounding, at), 1);
      } else if (is_integer_linear) {
        const bool has_formula = scale == 0.0 && (a.coordinates == ResizeCoordinates::half_pixel ||
                                                  a.coordinates == ResizeCoordinates::align_corners ||
                                                  a.coordinates == ResizeCoordinates::asymmetric);
        const std::int64_t fixed =
            has_formula ? fixed_coordinate(a.coordinates, o, in, out)
                        : std::llround(std::clamp(at, 0.0, static_cast<double>(in - 1)) * kOne);
        const std::int64_t lower = std::max<std::int64_t>(fixed / kOne, 0);
        const std::int64_t more = fixed - lower * kOne;
        add(static_cast<double>(lower), static_cast<double>(kOne - more));
        add(static_cast<double>((fixed + kOne - 1) / kOne), static_cast<double>(more));
      } else {
        add_weighted(low, t);
      }
    }
    return n;
  }

  /// The axes that a kernel walks: up to the last that is resized; axes of one kept element vanish.
  struct Plan {
    std::vector<Neighbours> axes;
    Shape sizes, strides;
    std::int64_t inner = 1;
    int bits = 0;  ///< fraction bits of integer weights
  };
  static Plan plan_of(const Operation& op) {
    const Shape &x = op.in[0]->shape, own = row_major(x);
    const bool is_fixed = is_small(op.in[0]->dtype);
    Plan plan;
    bool is_inner = true;
    for (std::size_t i = x.size(); i-- > 0;) {
      Neighbours n = neighbours_of(op, i);
      const bool is_identity = x[i] == op.attrs<Attrs>().size[i] && n.is_identity();
      is_inner = is_inner && is_identity;
      if (is_inner) plan.inner *= x[i];
      if (is_inner || (is_identity && x[i] == 1)) continue;
      if (is_fixed && n.taps > 1) plan.bits += 10;
      plan.sizes.insert(plan.sizes.begin(), op.attrs<Attrs>().size[i]);
      plan.strides.insert(plan.strides.begin(), own[i]);
      plan.axes.insert(plan.axes.begin(), std::move(n));
    }
    return plan;
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]), y(out[0]);
    const Plan plan = plan_of(op);
    const std::size_t rank = plan.axes.size();
    const std::int64_t count = out[0].type->elements();
    for (std::int64_t i = 0; i < count; ++i) {
      Shape at(rank);
      std::int64_t rest = i / plan.inner, combinations = 1;
      for (std::size_t k = rank; k-- > 0; rest /= plan.sizes[k]) {
        at[k] = rest % plan.sizes[k];
        combinations *= plan.axes[k].taps;
      }
      double sum = 0;
      std::int64_t last = 0;
      for (std::int64_t c = 0; c < combinations; ++c) {
        std::int64_t from = i % plan.inner, taps = c;
        double weight = 1;
        for (std::size_t k = rank; k-- > 0;) {
          const Neighbours& n = plan.axes[k];
          const auto entry = static_cast<std::size_t>(at[k] * n.taps + taps % n.taps);
          taps /= n.taps;
          from += n.index[entry] * plan.strides[k];
          weight *= n.weight[entry];
        }
        last = from;
        if (combinations > 1) sum += weight * x.get(from);
      }
      if (combinations == 1)
        y.copy(i, x, last);
      else
        y.put(i, is_small(x.dtype) ? std::round(std::ldexp(sum, -plan.bits)) : sum);
    }
  }

  static std::int64_t macs(const Operation& op) {
    const int taps = op.attrs<Attrs>().mode == ResizeMode::nearest  ? 0
                     : op.attrs<Attrs>().mode == ResizeMode::linear ? 2
                                                                    : 4;
    std::int64_t all = taps == 0 ? 0 : 1;
    for (std::size_t i = 0; i < op.in[0]->shape.size(); ++i)
      if (taps > 0 && op.in[0]->shape[i] != op.attrs<Attrs>().size[i]) all *= taps;
    return all <= 1 ? 0 : op.out[0]->elements() * all;
  }

  static Lowered lower(const Operation& op, const Core&) {
    const Plan plan = plan_of(op);
    const DType dtype = op.in[0]->dtype;
    std::vector<std::int32_t> offsets, fixed;
    std::vector<float> weights;
    std::string axes;
    std::int64_t taps = 1;
    for (std::size_t k = 0; k < plan.axes.size(); ++k) {
      const Neighbours& n = plan.axes[k];
      const Shape axis = {plan.sizes[k], n.taps, static_cast<std::int64_t>(offsets.size())};
      axes += (k == 0 ? "" : ", ") + list_text(axis);
      taps = std::max(taps, n.taps);
      for (const std::int64_t index : n.index)
        offsets.push_back(static_cast<std::int32_t>(index * plan.strides[k]));
      for (const double weight : n.weight) {
        fixed.push_back(is_small(dtype) ? static_cast<std::int32_t>(weight) : 0);
        weights.push_back(static_cast<float>(weight));
      }
    }
    Lowered l{.function = "resize_nearest<" + bytes_literal(dtype) + ">",
              .params_type = "Resize<" + std::to_string(plan.axes.size()) + ">"};
    l.params = {{"inner", std::to_string(plan.inner)},
                {"bits", std::to_string(plan.bits)},
                {"axes", "{" + axes + "}"}};
    l.constants = {
        {"offsets", DType::i32, to_bytes(offsets), "of each output element's neighbours, by axis"}};
    l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
    if (taps > 1) {
      const std::string c_name(dtype_c_name(dtype));
      const bool is_fixed = is_small(dtype);
      l.function = "resize_weighted<" + c_name + (is_fixed ? ", int32_t, int64_t>" : ", float, float>");
      l.constants.push_back(is_fixed ? PackedConstant{"weights", DType::i32, to_bytes(fixed)}
                                     : PackedConstant{"weights", DType::f32, to_bytes(weights)});
      l.arguments = {input_arg(0), constant_arg(0), constant_arg(1), output_arg(0)};
    }
    return l;
  }

  static std::vector<Kernel> kernels() {
    return {{"resize_view", "",
             [](const Operation& op, const Core&) {
               return op.in[0]->shape == op.out[0]->shape && plan_of(op).axes.empty();
             },
             [](const Operation&, const Core&) { return Lowered{}; }},
            {"resize", "resize/resize_f32.h",
             [](const Operation& op, const Core&) { return op.out[0]->elements() > 0; }, lower}};
  }

  static std::vector<Sample> samples() {
    return {{"f32[1,3,4,2]", "size=[1,6,8,2]"},
            {"i8[1,3,4,2] q(0.1,3)", "size=[1,5,7,2], coordinates=asymmetric, rounding=floor"},
            {"f32[1,2,4,5]", "size=[1,2,7,9], mode=linear"},
            {"f32[1,4,5,9]", "size=[1,7,3,9], mode=linear, coordinates=align_corners"},
            {"f32[2,3,4,5]", "size=[2,5,3,8], mode=linear, coordinates=pytorch_half_pixel"},
            {"f32[1,1,4,4]", "size=[1,1,3,9], mode=cubic"},
            {"f32[5]", "size=[8], scale=[1.7], mode=linear, coordinates=half_pixel_symmetric"},
            {"i8[1,3,4,2] q(0.1,3)", "size=[1,5,9,2], mode=linear"},
            {"f32[2,3]", "size=[2,3], mode=linear"},
            {"f32[1,9,7]", "size=[1,4,3], mode=linear, antialias=true"},
            {"f32[9,7]", "size=[4,9], mode=cubic, antialias=true, exclude_outside=true"},
            {"f32[5,6]", "size=[4,4], mode=linear, coordinates=tf_crop_and_resize, roi=[0.2,-0.5,0.9,1.5]"},
            {"f32[5]", "size=[4], coordinates=tf_crop_and_resize", "", "attribute-out-of-range"},
            {"f32[2,3]", "size=[4]", "", "shape-mismatch"},
            {"i32[2,3]", "size=[4,6], mode=linear", "", "unsupported-feature"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_resize() { return {define<ResizeBlock>()}; }

}  // namespace nb
