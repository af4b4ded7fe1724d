// Operators that move elements without changing them: reshape, split, join, slice, gather.
#include <algorithm>
#include <numeric>

#include "blocks/arithmetic/attributes.h"
#include "blocks/concat/attributes.h"
#include "blocks/gather/attributes.h"
#include "blocks/quantize/attributes.h"
#include "blocks/reduce/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/split/attributes.h"
#include "blocks/transpose/attributes.h"
#include "read/tflite/operators.h"

namespace nb::tflite {
namespace {

using Ints = std::vector<std::int64_t>;

/// The attribute of an operator that has one number in a tensor.
Result<std::int64_t> single(Layer& layer, std::size_t operand, std::string_view what) {
  const auto values = layer.ints(operand, what);
  if (!values) return kFailed;
  if (values->size() != 1)
    return layer.refuse(Kind::invalid_model,
                        std::string(what) + " has " + count_text(values->size(), "element") + ", not 1");
  return (*values)[0];
}

Status finish_reshape(Layer& layer, Shape shape) {
  return layer.finish("reshape", ReshapeAttrs{std::move(shape)}, {layer.in(0)});
}

/// Splits operand `x` along `axis`, and gives each part, with `shape` if it is not empty.
Status finish_split(Layer& layer, ValueId x, std::int64_t axis, const Ints& sizes, const Shape& shape) {
  if (sizes.size() != layer.output_count())
    return layer.refuse(Kind::invalid_model, "it makes " + count_text(sizes.size(), "part") + " but has " +
                                                 count_text(layer.output_count(), "output"));
  std::vector<ValueId> parts = {x};
  if (sizes.size() > 1) {
    std::vector<NodeOutput> outputs;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      outputs.push_back(layer.out(i));
      if (!shape.empty()) outputs.back().name += ".split";
    }
    auto split = layer.builder().add("split", Attributes(SplitAttrs{axis, sizes}), {x}, std::move(outputs));
    if (!split) return kFailed;
    parts = *std::move(split);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_reshaped = !shape.empty() || parts.size() == 1;
    const Shape wanted = shape.empty() ? layer.type(parts[i]).shape : shape;
    const Status status =
        is_reshaped ? layer.finish("reshape", ReshapeAttrs{wanted}, {parts[i]}, i) : layer.give(parts[i], i);
    if (!status) return kFailed;
  }
  return {};
}

/// `value` in the integers of output 0, if it has others.
Result<ValueId> in_output_numbers(Layer& layer, ValueId value) {
  const auto& wanted = layer.out_record().quantization;
  const auto& has = layer.type(value).quantization;
  if (!wanted || !has || *wanted == *has) return value;
  return layer.add("requantize", QuantizeAttrs{layer.type(value).dtype}, {value}, wanted);
}

}  // namespace

Status reshape(Layer& layer) {
  using O = schema::ReshapeOptions;
  Shape shape;
  if (layer.in(1).is_present()) {
    const auto stated = layer.ints(1, "the new shape");
    if (!stated) return kFailed;
    shape = *stated;
  } else {
    const auto options = layer.options<O>();
    const auto stated = options[O::new_shape];
    for (std::size_t i = 0; i < stated.size(); ++i) shape.push_back(stated[i]);
  }
  if (shape.size() == 1 && shape[0] == 0 && layer.in_type(0).elements() == 1)
    shape.clear();  // how old files say scalar
  const std::int64_t elements = layer.in_type(0).elements();
  std::int64_t known = 1;
  bool is_sound = true;
  for (const std::int64_t dim : shape)
    if (dim != -1) is_sound = is_sound && dim >= 0 && !__builtin_mul_overflow(known, dim, &known);
  const auto open = std::count(shape.begin(), shape.end(), -1);
  if (open == 1 && is_sound && known > 0 && elements % known == 0)
    *std::find(shape.begin(), shape.end(), -1) = elements / known;
  else if (open > 0 || !is_sound || known != elements)
    return layer.refuse(Kind::shape_mismatch,
                        shape_text(layer.in_type(0).shape) + " cannot become " + shape_text(shape));
  return finish_reshape(layer, std::move(shape));
}

Status squeeze(Layer& layer) {
  using O = schema::SqueezeOptions;
  const auto options = layer.options<O>();
  const auto dims = options[O::squeeze_dims];
  const Shape from = layer.in_type(0).shape;
  std::vector<bool> drops(from.size(), false);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const auto axis = layer.axis(dims[i], static_cast<std::int64_t>(from.size()));
    if (!axis) return kFailed;
    drops[static_cast<std::size_t>(*axis)] = true;
  }
  Shape to;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (drops[i] && from[i] != 1)
      return layer.refuse(Kind::shape_mismatch,
                          "axis " + std::to_string(i) + " of " + shape_text(from) + " is not 1");
    if (dims.empty() ? from[i] != 1 : !drops[i]) to.push_back(from[i]);
  }
  return finish_reshape(layer, std::move(to));
}

Status expand_dims(Layer& layer) {
  const auto stated = single(layer, 1, "the axis");
  if (!stated) return kFailed;
  Shape shape = layer.in_type(0).shape;
  const auto axis = layer.axis(*stated, static_cast<std::int64_t>(shape.size()) + 1);
  if (!axis) return kFailed;
  shape.insert(shape.begin() + *axis, 1);
  return finish_reshape(layer, std::move(shape));
}

Status transpose(Layer& layer) {
  const auto stated = layer.ints(1, "the permutation");
  if (!stated) return kFailed;
  TransposeAttrs attributes;
  for (const std::int64_t one : *stated) {
    const auto axis = layer.axis(one, layer.in_type(0).rank());
    if (!axis) return kFailed;
    attributes.perm.push_back(*axis);
  }
  Ints sorted = attributes.perm;
  std::sort(sorted.begin(), sorted.end());
  bool is_permutation = sorted.size() == layer.in_type(0).shape.size();
  for (std::size_t i = 0; i < sorted.size(); ++i)
    is_permutation = is_permutation && sorted[i] == static_cast<std::int64_t>(i);
  if (!is_permutation)
    return layer.refuse(
        Kind::attribute_out_of_range,
        shape_text(*stated) + " is no permutation of the axes of " + shape_text(layer.in_type(0).shape));
  return layer.finish("transpose", std::move(attributes), {layer.in(0)});
}

Status concatenation(Layer& layer) {
  using O = schema::ConcatenationOptions;
  const auto options = layer.options<O>();
  const auto axis = layer.axis(options[O::axis], layer.in_type(0).rank());
  if (!axis) return kFailed;
  std::vector<ValueId> parts;
  for (const ValueId input : layer.inputs()) {
    if (!input.is_present()) return layer.refuse(Kind::invalid_model, "an operand is missing");
    const auto part = in_output_numbers(layer, input);
    if (!part) return kFailed;
    parts.push_back(*part);
  }
  const auto activation = layer.activation(options[O::fused_activation_function]);
  if (!activation) return kFailed;
  if (!activation->is_clamp() && !activation->is_tanh)
    return layer.finish("concat", ConcatAttrs{*axis}, std::move(parts));
  auto quantization = layer.out_record().quantization;
  return layer.give_activated(
      layer.add("concat", ConcatAttrs{*axis}, std::move(parts), std::move(quantization)),
      options[O::fused_activation_function]);
}

Status pack(Layer& layer) {
  using O = schema::PackOptions;
  Shape shape = layer.in_type(0).shape;
  const auto axis = layer.axis(layer.options<O>()[O::axis], static_cast<std::int64_t>(shape.size()) + 1);
  if (!axis) return kFailed;
  shape.insert(shape.begin() + *axis, 1);
  std::vector<ValueId> parts;
  for (const ValueId input : layer.inputs()) {
    if (!input.is_present()) return layer.refuse(Kind::invalid_model, "an operand is missing");
    const auto part = layer.move("reshape", ReshapeAttrs{shape}, input);
    if (!part) return kFailed;
    parts.push_back(*part);
  }
  return layer.finish("concat", ConcatAttrs{*axis}, std::move(parts));
}

Status unpack(Layer& layer) {
  using O = schema::UnpackOptions;
  Shape shape = layer.in_type(0).shape;
  const auto axis = layer.axis(layer.options<O>()[O::axis], static_cast<std::int64_t>(shape.size()));
  if (!axis) return kFailed;
  const std::int64_t count = shape[static_cast<std::size_t>(*axis)];
  if (count != static_cast<std::int64_t>(layer.output_count()))
    return layer.refuse(Kind::shape_mismatch, "axis " + std::to_string(*axis) + " of " + shape_text(shape) +
                                                  " does not make " +
                                                  count_text(layer.output_count(), "output"));
  shape.erase(shape.begin() + *axis);
  if (shape.empty()) {  // scalars: an empty shape is what finish_split takes as "as it is"
    const Ints ones(layer.output_count(), 1);
    auto parts = count == 1
                     ? Result<std::vector<ValueId>>(std::vector{layer.in(0)})
                     : layer.builder().add("split", Attributes(SplitAttrs{*axis, ones}), {layer.in(0)});
    if (!parts) return kFailed;
    for (std::size_t i = 0; i < parts->size(); ++i)
      if (!layer.finish("reshape", ReshapeAttrs{}, {(*parts)[i]}, i)) return kFailed;
    return {};
  }
  return finish_split(layer, layer.in(0), *axis, Ints(static_cast<std::size_t>(count), 1), shape);
}

Status split(Layer& layer) {
  const auto stated = single(layer, 0, "the axis");
  if (!stated) return kFailed;
  const auto axis = layer.axis(*stated, layer.in_type(1).rank());
  if (!axis) return kFailed;
  const std::int64_t size = layer.in_type(1).shape[static_cast<std::size_t>(*axis)];
  const auto parts = static_cast<std::int64_t>(layer.output_count());
  if (size % parts != 0)
    return layer.refuse(Kind::shape_mismatch, "axis " + std::to_string(*axis) + " of " +
                                                  shape_text(layer.in_type(1).shape) +
                                                  " does not split into " + std::to_string(parts));
  return finish_split(layer, layer.in(1), *axis, Ints(layer.output_count(), size / parts), {});
}

Status split_v(Layer& layer) {
  const auto stated = single(layer, 2, "the axis");
  auto sizes = layer.ints(1, "the sizes of the parts");
  if (!stated || !sizes) return kFailed;
  const auto axis = layer.axis(*stated, layer.in_type(0).rank());
  if (!axis) return kFailed;
  const std::int64_t size = layer.in_type(0).shape[static_cast<std::size_t>(*axis)];
  std::int64_t sum = 0;
  bool is_sound = std::count(sizes->begin(), sizes->end(), -1) <= 1;
  for (const std::int64_t part : *sizes) {
    is_sound = is_sound && part >= -1 && part <= size;
    if (is_sound && part > 0) sum += part;
    is_sound = is_sound && sum <= size;
  }
  for (std::int64_t& part : *sizes)
    if (is_sound && part == -1) {
      part = size - sum;
      sum = size;
    }
  if (!is_sound || sum != size)
    return layer.refuse(Kind::shape_mismatch, "parts of " + shape_text(*sizes) + " do not make up axis " +
                                                  std::to_string(*axis) + " of " +
                                                  shape_text(layer.in_type(0).shape));
  return finish_split(layer, layer.in(0), *axis, *sizes, {});
}

Status slice(Layer& layer) {
  const auto begin = layer.ints(1, "the first index"), size = layer.ints(2, "the size");
  if (!begin || !size) return kFailed;
  const Shape from = layer.in_type(0).shape;
  if (begin->size() != from.size() || size->size() != from.size())
    return layer.refuse(Kind::shape_mismatch, shape_text(*begin) + " and " + shape_text(*size) +
                                                  " do not index " + shape_text(from));
  SliceAttrs attributes{*begin, *size, Ints(from.size(), 1)};
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (attributes.begin[i] < 0 || attributes.begin[i] > from[i] || attributes.size[i] < -1 ||
        attributes.size[i] > from[i] - attributes.begin[i])
      return layer.refuse(Kind::attribute_out_of_range, "the slice at " + shape_text(*begin) + " of size " +
                                                            shape_text(*size) + " leaves " +
                                                            shape_text(from));
    if (attributes.size[i] == -1) attributes.size[i] = from[i] - attributes.begin[i];
  }
  return layer.finish("slice", std::move(attributes), {layer.in(0)});
}

Status dynamic_update_slice(Layer& layer) {
  const auto start = layer.ints(2, "the first index");
  if (!start) return kFailed;
  const Shape whole = layer.in_type(0).shape, part = layer.in_type(1).shape;
  bool fits = part.size() == whole.size() && start->size() == whole.size();
  for (std::size_t i = 0; fits && i < whole.size(); ++i) fits = part[i] <= whole[i];
  if (!fits)
    return layer.refuse(Kind::shape_mismatch, shape_text(part) + " at " + shape_text(*start) +
                                                  " does not fit into " + shape_text(whole));
  std::size_t axis = 0;
  int differing = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (part[i] == whole[i]) continue;
    axis = i;
    ++differing;
  }
  if (differing == 0) return layer.finish("reshape", ReshapeAttrs{whole}, {layer.in(1)});
  if (differing > 1)
    return layer.refuse(
        Kind::unsupported_feature,
        "it replaces " + shape_text(part) + " in " + shape_text(whole) + ", which is short in several axes");
  // The part stays within the whole, whatever the index.
  const std::int64_t first = std::clamp<std::int64_t>((*start)[axis], 0, whole[axis] - part[axis]);
  std::vector<ValueId> parts;
  const auto keep = [&](std::int64_t begin, std::int64_t size) {
    if (size == 0) return true;
    SliceAttrs kept{Ints(whole.size(), 0), whole, Ints(whole.size(), 1)};
    kept.begin[axis] = begin;
    kept.size[axis] = size;
    const auto piece = layer.move("slice", std::move(kept), layer.in(0));
    if (piece) parts.push_back(*piece);
    return static_cast<bool>(piece);
  };
  if (!keep(0, first)) return kFailed;
  parts.push_back(layer.in(1));
  if (!keep(first + part[axis], whole[axis] - part[axis] - first)) return kFailed;
  return layer.finish("concat", ConcatAttrs{static_cast<std::int64_t>(axis)}, std::move(parts));
}

Status strided_slice(Layer& layer) {
  using O = schema::StridedSliceOptions;
  const auto options = layer.options<O>();
  const auto begin = layer.ints(1, "the first index"), end = layer.ints(2, "the last index"),
             step = layer.ints(3, "the step");
  if (!begin || !end || !step) return kFailed;
  const Shape from = layer.in_type(0).shape;
  const std::size_t entries = begin->size();
  if (end->size() != entries || step->size() != entries || entries > 2 * static_cast<std::size_t>(kMaxRank))
    return layer.refuse(Kind::shape_mismatch,
                        "first index, last index and step do not have as many elements");
  const auto has_bit = [&](const ScalarField<std::int32_t>& mask, std::size_t i) {
    return i < 32 && ((static_cast<std::uint32_t>(options[mask]) >> i) & 1u) != 0;
  };
  std::size_t new_axes = 0, ellipses = 0;
  for (std::size_t i = 0; i < entries; ++i) {
    const bool is_ellipsis = has_bit(O::ellipsis_mask, i);
    ellipses += is_ellipsis ? 1 : 0;
    new_axes += !is_ellipsis && has_bit(O::new_axis_mask, i) ? 1 : 0;
  }
  const std::size_t indexed = entries - new_axes - ellipses;
  if (ellipses > 1 || indexed > from.size())
    return layer.refuse(Kind::shape_mismatch, std::to_string(indexed) + " indices for " + shape_text(from));

  SliceAttrs attributes;
  Shape to;  // the slice without shrunk axes, with new ones
  const auto keep_axis = [&] {
    const std::int64_t size = from[attributes.begin.size()];
    attributes.begin.push_back(0);
    attributes.size.push_back(size);
    attributes.step.push_back(1);
    to.push_back(size);
  };
  for (std::size_t i = 0; i < entries; ++i) {
    if (has_bit(O::ellipsis_mask, i)) {
      for (std::size_t n = indexed; n < from.size(); ++n) keep_axis();
      continue;
    }
    if (has_bit(O::new_axis_mask, i)) {
      to.push_back(1);
      continue;
    }
    const std::int64_t size = from[attributes.begin.size()], stride = (*step)[i];
    const auto bounded = [&](std::int64_t index) {
      const std::int64_t wrapped = index < 0 ? index + size : index;
      return stride > 0 ? std::clamp<std::int64_t>(wrapped, 0, size)
                        : std::clamp<std::int64_t>(wrapped, -1, size - 1);
    };
    if (stride == 0 || stride < -kMaxTensorBytes || stride > kMaxTensorBytes)
      return layer.refuse(Kind::attribute_out_of_range,
                          "the step " + std::to_string(stride) + " is out of range");
    std::int64_t first = has_bit(O::begin_mask, i) ? (stride > 0 ? 0 : size - 1) : bounded((*begin)[i]);
    std::int64_t last = (*end)[i];
    if (options[O::offset] && __builtin_add_overflow((*begin)[i], last, &last))
      return layer.refuse(Kind::attribute_out_of_range, "the last index is out of range");
    last = has_bit(O::end_mask, i) ? (stride > 0 ? size : -1) : bounded(last);
    if (has_bit(O::shrink_axis_mask, i)) {
      const std::int64_t stated = has_bit(O::begin_mask, i) ? 0 : (*begin)[i];
      first = stated < 0 ? stated + size : stated;
      if (first < 0 || first >= size)
        return layer.refuse(Kind::attribute_out_of_range,
                            "index " + std::to_string(stated) + " of an axis of " + std::to_string(size));
      attributes.begin.push_back(first);
      attributes.size.push_back(1);
      attributes.step.push_back(1);
      continue;
    }
    const std::int64_t span = stride > 0 ? last - first : first - last,
                       stretch = stride > 0 ? stride : -stride;
    const std::int64_t count = span <= 0 ? 0 : (span + stretch - 1) / stretch;
    attributes.begin.push_back(count == 0 ? 0 : first);
    attributes.size.push_back(count);
    attributes.step.push_back(count <= 1 ? 1 : stride);
    to.push_back(count);
  }
  while (attributes.begin.size() < from.size()) keep_axis();
  if (attributes.size == to) return layer.finish("slice", std::move(attributes), {layer.in(0)});
  const auto part = layer.move("slice", std::move(attributes), layer.in(0));
  return part ? layer.finish("reshape", ReshapeAttrs{to}, {*part}) : Status(kFailed);
}

Status reverse_v2(Layer& layer) {
  const auto stated = layer.ints(1, "the list of axes");
  if (!stated) return kFailed;
  const Shape from = layer.in_type(0).shape;
  SliceAttrs attributes{Shape(from.size(), 0), from, Ints(from.size(), 1)};
  for (const std::int64_t one : *stated) {
    const auto axis = layer.axis(one, static_cast<std::int64_t>(from.size()));
    if (!axis) return kFailed;
    const auto i = static_cast<std::size_t>(*axis);
    if (from[i] < 2) continue;
    attributes.begin[i] = from[i] - 1;
    attributes.step[i] = -1;
  }
  return layer.finish("slice", std::move(attributes), {layer.in(0)});
}

Status gather(Layer& layer) {
  using O = schema::GatherOptions;
  const auto options = layer.options<O>();
  const auto axis = layer.axis(options[O::axis], layer.in_type(0).rank());
  if (!axis) return kFailed;
  std::int64_t batch_dims = options[O::batch_dims];
  if (batch_dims < 0) batch_dims += layer.in_type(1).rank();
  if (batch_dims < 0 || batch_dims > *axis || batch_dims > layer.in_type(1).rank())
    return layer.refuse(Kind::attribute_out_of_range, std::to_string(options[O::batch_dims]) + " batch axes");
  const auto data = layer.weights(0);
  return data ? layer.finish("gather", GatherAttrs{*axis, batch_dims}, {*data, layer.in(1)})
              : Status(kFailed);
}

/// A tuple of indices along the last axis becomes one index into the leading axes of x taken as one.
Status gather_nd(Layer& layer) {
  GraphBuilder& builder = layer.builder();
  const Shape from = layer.in_type(0).shape, where = layer.in_type(1).shape;
  if (where.empty() || where.back() < 1 || where.back() > static_cast<std::int64_t>(from.size()))
    return layer.refuse(Kind::shape_mismatch,
                        "indices " + shape_text(where) + " do not fit " + shape_text(from));
  const auto depth = static_cast<std::size_t>(where.back());
  Ints strides(depth, 1);
  for (std::size_t i = depth - 1; i > 0; --i) strides[i - 1] = strides[i] * from[i];
  const Shape places(where.begin(), where.end() - 1);
  Shape rows = {element_count(std::span(from).first(depth))};
  rows.insert(rows.end(), from.begin() + static_cast<std::ptrdiff_t>(depth), from.end());

  Result<ValueId> index = layer.in(1);
  if (builder.is_constant(layer.in(1))) {
    const auto tuples = layer.ints(1, "the indices");
    if (!tuples) return kFailed;
    Ints flat(static_cast<std::size_t>(element_count(places)), 0);
    for (std::size_t i = 0; i < tuples->size(); ++i) {
      const std::int64_t one = (*tuples)[i];
      if (one < 0 || one >= from[i % depth])
        return layer.refuse(Kind::attribute_out_of_range, "index " + std::to_string(one) + " of an axis of " +
                                                              std::to_string(from[i % depth]));
      flat[i / depth] += one * strides[i % depth];
    }
    index = builder.add_constant(layer.record().layer + ".index",
                                 make_tensor<std::int64_t>(DType::i64, places, flat));
  } else if (depth > 1) {
    const DType dtype = layer.in_type(1).dtype;
    Tensor factors = make_tensor({dtype, {where.back()}});
    visit_dtype(dtype, [&](auto zero) {
      using T = decltype(zero);
      for (std::size_t i = 0; i < depth; ++i) factors.as<T>()[i] = static_cast<T>(strides[i]);
    });
    const ValueId factor = builder.add_constant(layer.record().layer + ".strides", std::move(factors));
    const auto products = layer.add("mul", ArithmeticAttrs{}, {layer.in(1), factor});
    if (!products) return kFailed;
    index =
        layer.add("reduce_sum", ReduceAttrs{{static_cast<std::int64_t>(places.size())}, false}, {*products});
  } else {
    index = layer.add("reshape", ReshapeAttrs{places}, {layer.in(1)});
  }
  const auto data = layer.weights(0);
  if (!index || !data) return kFailed;
  const auto flat_data = depth == 1 ? data : layer.move("reshape", ReshapeAttrs{rows}, *data);
  return flat_data ? layer.finish("gather", GatherAttrs{}, {*flat_data, *index}) : Status(kFailed);
}

Status embedding_lookup(Layer& layer) {
  // Operand 1 is the table, operand 0 the row numbers.
  const auto table = layer.weights(1);
  return table ? layer.finish("gather", GatherAttrs{}, {*table, layer.in(0)}) : Status(kFailed);
}

Status shape(Layer& layer) {
  const Shape from = layer.in_type(0).shape;
  const auto rank = static_cast<std::int64_t>(from.size());
  if (layer.out_record().type == TensorType::INT64)
    return layer.give(
        layer.builder().add_constant(layer.out().name, make_tensor<std::int64_t>(DType::i64, {rank}, from)));
  const std::vector<std::int32_t> narrow(from.begin(), from.end());
  return layer.give(
      layer.builder().add_constant(layer.out().name, make_tensor<std::int32_t>(DType::i32, {rank}, narrow)));
}

Status rank(Layer& layer) {
  const std::int32_t rank = layer.in_type(0).rank();
  return layer.give(layer.builder().add_constant(
      layer.out().name, make_tensor<std::int32_t>(DType::i32, {}, std::span(&rank, 1))));
}

}  // namespace nb::tflite
