// Operators that pad, repeat, resize and rearrange, and those that make constants.
#include <algorithm>
#include <cmath>

#include "blocks/expand/attributes.h"
#include "blocks/pad/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/resize/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/transpose/attributes.h"
#include "read/tflite/operators.h"

namespace nb::tflite {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kMaxDimension = kMaxTensorBytes;

/// The [rank,2] tensor of elements before and after in operand `operand`.
template <class Attrs>
Result<Attrs> padding_list(Layer& layer, std::size_t operand, std::size_t axes) {
  const auto stated = layer.ints(operand, "the padding");
  if (!stated) return kFailed;
  if (stated->size() != 2 * axes)
    return layer.refuse(Kind::shape_mismatch, "the padding has " + count_text(stated->size(), "element") +
                                                  " for " + count_text(axes, "axis pair"));
  Attrs attributes;
  for (std::size_t i = 0; i < axes; ++i) {
    attributes.before.push_back((*stated)[2 * i]);
    attributes.after.push_back((*stated)[2 * i + 1]);
  }
  for (const std::int64_t one : *stated)
    if (one < 0 || one > kMaxDimension)
      return layer.refuse(Kind::attribute_out_of_range,
                          "the padding " + std::to_string(one) + " is out of range");
  return attributes;
}

Result<ResizeAttrs> resize_attributes(Layer& layer, ResizeMode mode, bool aligns_corners,
                                      bool has_half_pixels) {
  if (!layer.need_rank(0, 4)) return kFailed;
  const auto size = layer.ints(1, "the new size");
  if (!size) return kFailed;
  const Shape& from = layer.in_type(0).shape;
  if (size->size() != 2 || (*size)[0] < 1 || (*size)[1] < 1)
    return layer.refuse(Kind::attribute_out_of_range, "the new size is " + shape_text(*size));
  ResizeAttrs attributes;
  attributes.size = {from[0], (*size)[0], (*size)[1], from[3]};
  attributes.mode = mode;
  attributes.coordinates = aligns_corners    ? ResizeCoordinates::align_corners
                           : has_half_pixels ? ResizeCoordinates::half_pixel
                                             : ResizeCoordinates::asymmetric;
  return attributes;
}

Result<std::int64_t> block_size(Layer& layer, std::int64_t stated) {
  if (!layer.need_rank(0, 4)) return kFailed;
  if (stated < 1 || stated > kMaxDimension)
    return layer.refuse(Kind::attribute_out_of_range,
                        "the block size " + std::to_string(stated) + " is out of range");
  return stated;
}

/// reshape to `split`, transpose by `perm`, reshape to `joined` as output 0 if it is the last step.
Result<ValueId> rearrange(Layer& layer, ValueId x, const Shape& split, const Ints& perm) {
  const auto parts = layer.move("reshape", ReshapeAttrs{split}, x);
  return parts ? layer.move("transpose", TransposeAttrs{perm}, *parts) : parts;
}

/// Block sizes of operand 1, one a spatial axis after the batch.
Result<Ints> block_shape(Layer& layer) {
  auto sizes = layer.ints(1, "the block's shape");
  if (!sizes) return kFailed;
  const int rank = layer.in_type(0).rank();
  if (sizes->empty() || static_cast<int>(sizes->size()) >= rank ||
      2 * static_cast<int>(sizes->size()) > rank + 1)
    return layer.refuse(Kind::shape_mismatch, count_text(sizes->size(), "block size") + " for " +
                                                  shape_text(layer.in_type(0).shape));
  for (const std::int64_t one : *sizes)
    if (one < 1 || one > kMaxDimension)
      return layer.refuse(Kind::attribute_out_of_range,
                          "the block size " + std::to_string(one) + " is out of range");
  return sizes;
}

}  // namespace

Status pad(Layer& layer) {
  auto attributes = padding_list<PadAttrs>(layer, 1, layer.in_type(0).shape.size());
  if (!attributes) return kFailed;
  if (layer.in(2).is_present()) {
    const auto values = layer.builder().doubles(layer.in(2), "the padding's value");
    if (!values) return kFailed;
    if (values->size() != 1)
      return layer.refuse(Kind::invalid_model, "the padding has " + count_text(values->size(), "value"));
    // The block takes real units; a quantized value has the numbers of the output.
    const Type& type = layer.in_type(2);
    const Quantization* numbers = type.quantization                 ? &*type.quantization
                                  : layer.out_record().quantization ? &*layer.out_record().quantization
                                                                    : nullptr;
    const double value = (*values)[0];
    attributes->value = static_cast<float>(numbers != nullptr && is_integer(type.dtype)
                                               ? numbers->scales[0] * (value - numbers->zero_points[0])
                                               : value);
  }
  return layer.finish("pad", *std::move(attributes), {layer.in(0)});
}

Status mirror_pad(Layer& layer) {
  using O = schema::MirrorPadOptions;
  auto attributes = padding_list<PadAttrs>(layer, 1, layer.in_type(0).shape.size());
  if (!attributes) return kFailed;
  const auto mode = static_cast<schema::MirrorPadMode>(layer.options<O>()[O::mode]);
  if (mode != schema::MirrorPadMode::REFLECT && mode != schema::MirrorPadMode::SYMMETRIC)
    return layer.refuse(Kind::invalid_model, "its mode is " + std::to_string(static_cast<int>(mode)));
  attributes->mode = mode == schema::MirrorPadMode::REFLECT ? PadMode::reflect : PadMode::symmetric;
  return layer.finish("pad", *std::move(attributes), {layer.in(0)});
}

Status broadcast_to(Layer& layer) {
  auto shape = layer.ints(1, "the new shape");
  return shape ? layer.finish("expand", ExpandAttrs{*std::move(shape)}, {layer.in(0)}) : Status(kFailed);
}

Status fill(Layer& layer) {
  auto shape = layer.ints(0, "the new shape");
  return shape ? layer.finish("expand", ExpandAttrs{*std::move(shape)}, {layer.in(1)}) : Status(kFailed);
}

Status zeros_like(Layer& layer) {
  const Type& like = layer.in_type(0);
  const Shape shape = like.shape;
  const ValueId zero = layer.builder().add_constant(layer.record().layer + ".zero",
                                                    make_tensor({like.dtype, {}, like.quantization}));
  return layer.finish("expand", ExpandAttrs{shape}, {zero});
}

Status range(Layer& layer) {
  constexpr double kMaxElements = 1 << 20;
  std::array<double, 3> bounds{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto value = layer.builder().doubles(layer.in(i), "a bound of the range");
    if (!value) return kFailed;
    if (value->size() != 1) return layer.refuse(Kind::invalid_model, "a bound of the range is not a scalar");
    bounds[i] = (*value)[0];
  }
  const double count = std::max(0.0, std::ceil((bounds[1] - bounds[0]) / bounds[2]));
  if (!(count <= kMaxElements))
    return layer.refuse(Kind::attribute_out_of_range,
                        "the range has " + float_text(static_cast<float>(count)) + " elements");
  Tensor tensor = make_tensor({layer.in_type(0).dtype, {static_cast<std::int64_t>(count)}});
  bool is_known = true;
  visit_dtype(tensor.type.dtype, [&](auto zero) {
    using T = decltype(zero);
    is_known =
        tensor.type.dtype == DType::f32 || tensor.type.dtype == DType::i32 || tensor.type.dtype == DType::i64;
    if (!is_known) return;
    const auto to = tensor.as<T>();
    const T first = static_cast<T>(bounds[0]), step = static_cast<T>(bounds[2]);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(first + static_cast<T>(i) * step);
  });
  if (!is_known)
    return layer.refuse(Kind::unsupported_feature, "ranges of " + std::string(dtype_name(tensor.type.dtype)));
  return layer.give(layer.builder().add_constant(layer.out().name, std::move(tensor)));
}

/// One axis after the other: [before,1,rest] becomes [before,times,rest].
Status tile(Layer& layer) {
  const auto times = layer.ints(1, "the repetitions");
  if (!times) return kFailed;
  Shape shape = layer.in_type(0).shape;
  if (times->size() != shape.size())
    return layer.refuse(Kind::shape_mismatch,
                        count_text(times->size(), "repetition") + " for " + shape_text(shape));
  ValueId x = layer.in(0);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t n = (*times)[i];
    if (n < 0 || n > kMaxDimension)
      return layer.refuse(Kind::attribute_out_of_range, std::to_string(n) + " repetitions");
    if (n == 1) continue;
    const std::int64_t before = element_count(std::span(shape).first(i)),
                       rest = element_count(std::span(shape).subspan(i));
    const auto folded = layer.move("reshape", ReshapeAttrs{{before, 1, rest}}, x);
    const auto repeated = folded ? layer.move("expand", ExpandAttrs{{before, n, rest}}, *folded) : folded;
    if (!repeated) return kFailed;
    shape[i] *= n;
    const auto whole = layer.move("reshape", ReshapeAttrs{shape}, *repeated);
    if (!whole) return kFailed;
    x = *whole;
  }
  return layer.finish("reshape", ReshapeAttrs{shape}, {x});
}

Status resize_bilinear(Layer& layer) {
  using O = schema::ResizeBilinearOptions;
  const auto options = layer.options<O>();
  auto attributes =
      resize_attributes(layer, ResizeMode::linear, options[O::align_corners], options[O::half_pixel_centers]);
  return attributes ? layer.finish("resize", *std::move(attributes), {layer.in(0)}) : Status(kFailed);
}

/// Input index: round(y * scale) with aligned corners, floor((y + 0.5) * scale) with half pixels, else
/// floor(y * scale). A half-pixel coordinate is half less than that, which rounding half up makes good.
Status resize_nearest_neighbor(Layer& layer) {
  using O = schema::ResizeNearestNeighborOptions;
  const auto options = layer.options<O>();
  auto attributes = resize_attributes(layer, ResizeMode::nearest, options[O::align_corners],
                                      options[O::half_pixel_centers]);
  if (!attributes) return kFailed;
  attributes->rounding = attributes->coordinates == ResizeCoordinates::asymmetric
                             ? ResizeRounding::floor
                             : ResizeRounding::round_prefer_ceil;
  return layer.finish("resize", *std::move(attributes), {layer.in(0)});
}

Status space_to_depth(Layer& layer) {
  using O = schema::SpaceToDepthOptions;
  const auto size = block_size(layer, layer.options<O>()[O::block_size]);
  if (!size) return kFailed;
  const std::int64_t b = *size;
  const Shape s = layer.in_type(0).shape;
  if (s[1] % b != 0 || s[2] % b != 0)
    return layer.refuse(Kind::shape_mismatch,
                        "blocks of " + std::to_string(b) + " do not divide " + shape_text(s));
  const auto moved =
      rearrange(layer, layer.in(0), {s[0], s[1] / b, b, s[2] / b, b, s[3]}, {0, 1, 3, 2, 4, 5});
  return moved ? layer.finish("reshape", ReshapeAttrs{{s[0], s[1] / b, s[2] / b, b * b * s[3]}}, {*moved})
               : Status(kFailed);
}

Status depth_to_space(Layer& layer) {
  using O = schema::DepthToSpaceOptions;
  const auto size = block_size(layer, layer.options<O>()[O::block_size]);
  if (!size) return kFailed;
  const std::int64_t b = *size;
  const Shape s = layer.in_type(0).shape;
  if (s[3] % b != 0 || s[3] / b % b != 0)
    return layer.refuse(Kind::shape_mismatch,
                        "blocks of " + std::to_string(b) + " do not divide " + shape_text(s));
  const std::int64_t depth = s[3] / b / b;
  const auto moved = rearrange(layer, layer.in(0), {s[0], s[1], s[2], b, b, depth}, {0, 1, 3, 2, 4, 5});
  return moved ? layer.finish("reshape", ReshapeAttrs{{s[0], s[1] * b, s[2] * b, depth}}, {*moved})
               : Status(kFailed);
}

/// pad; [n, s/b, b, ...] to [b, ..., n, s/b, ...]; the blocks join the batch.
Status space_to_batch_nd(Layer& layer) {
  const auto blocks = block_shape(layer);
  if (!blocks) return kFailed;
  const std::size_t spatial = blocks->size();
  auto padding = padding_list<PadAttrs>(layer, 2, spatial);
  if (!padding) return kFailed;
  const std::size_t rank = layer.in_type(0).shape.size();
  padding->before.insert(padding->before.begin(), 0);
  padding->after.insert(padding->after.begin(), 0);
  padding->before.resize(rank, 0);
  padding->after.resize(rank, 0);
  const auto padded = layer.move("pad", *std::move(padding), layer.in(0));
  if (!padded) return kFailed;
  const Shape from = layer.type(*padded).shape;
  Shape parts = {from[0]}, to = {from[0]};
  Ints perm;
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::int64_t b = (*blocks)[i];
    if (from[i + 1] % b != 0)
      return layer.refuse(Kind::shape_mismatch,
                          "blocks " + shape_text(*blocks) + " do not divide " + shape_text(from));
    parts.insert(parts.end(), {from[i + 1] / b, b});
    perm.push_back(static_cast<std::int64_t>(2 * i + 2));
    to.push_back(from[i + 1] / b);
    if (__builtin_mul_overflow(to[0], b, to.data()))
      return layer.refuse(Kind::limit_exceeded, "blocks " + shape_text(*blocks) + " make too many samples");
  }
  perm.push_back(0);
  for (std::size_t i = 0; i < spatial; ++i) perm.push_back(static_cast<std::int64_t>(2 * i + 1));
  for (std::size_t i = spatial + 1; i < rank; ++i) {
    perm.push_back(static_cast<std::int64_t>(parts.size()));
    parts.push_back(from[i]);
    to.push_back(from[i]);
  }
  const auto moved = rearrange(layer, *padded, parts, perm);
  return moved ? layer.finish("reshape", ReshapeAttrs{to}, {*moved}) : Status(kFailed);
}

/// [b, ..., n, s, ...] to [n, s, b, ...]; the blocks join space; crop.
Status batch_to_space_nd(Layer& layer) {
  const auto blocks = block_shape(layer);
  if (!blocks) return kFailed;
  const std::size_t spatial = blocks->size();
  const auto crops = padding_list<PadAttrs>(layer, 2, spatial);
  if (!crops) return kFailed;
  const Shape from = layer.in_type(0).shape;
  const std::size_t rank = from.size();
  std::int64_t samples = from[0];
  Shape parts, whole;
  for (const std::int64_t b : *blocks) {
    if (samples % b != 0)
      return layer.refuse(Kind::shape_mismatch,
                          "blocks " + shape_text(*blocks) + " do not divide " + shape_text(from));
    samples /= b;
    parts.push_back(b);
  }
  parts.push_back(samples);
  parts.insert(parts.end(), from.begin() + 1, from.end());
  whole.push_back(samples);
  Ints perm = {static_cast<std::int64_t>(spatial)};
  SliceAttrs part{{0}, {samples}, Ints(rank, 1)};
  for (std::size_t i = 0; i < spatial; ++i) {
    perm.insert(perm.end(), {static_cast<std::int64_t>(spatial + 1 + i), static_cast<std::int64_t>(i)});
    const std::int64_t size = from[i + 1] * (*blocks)[i];
    whole.push_back(size);
    part.begin.push_back(crops->before[i]);
    part.size.push_back(size - crops->before[i] - crops->after[i]);
    if (part.size.back() < 0)
      return layer.refuse(Kind::attribute_out_of_range,
                          "the crops leave nothing of " + std::to_string(size) + " elements");
  }
  for (std::size_t i = spatial + 1; i < rank; ++i) {
    perm.push_back(static_cast<std::int64_t>(spatial + i));
    whole.push_back(from[i]);
    part.begin.push_back(0);
    part.size.push_back(from[i]);
  }
  const auto moved = rearrange(layer, layer.in(0), parts, perm);
  if (!moved) return kFailed;
  if (part.size == whole) return layer.finish("reshape", ReshapeAttrs{whole}, {*moved});
  const auto uncropped = layer.move("reshape", ReshapeAttrs{whole}, *moved);
  return uncropped ? layer.finish("slice", std::move(part), {*uncropped}) : Status(kFailed);
}

}  // namespace nb::tflite
