// Convolutions, dense layers, matrix products and pools.
#include <algorithm>

#include "blocks/average_pool2d/attributes.h"
#include "blocks/conv2d/attributes.h"
#include "blocks/conv_transpose2d/attributes.h"
#include "blocks/dense/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "blocks/matmul/attributes.h"
#include "blocks/max_pool2d/attributes.h"
#include "blocks/reshape/attributes.h"
#include "read/tflite/operators.h"

namespace nb::tflite {
namespace {

using Ints = std::vector<std::int64_t>;

/// Padding before and after along one axis so that ceil(size / stride) windows fit, the odd element after.
std::pair<std::int64_t, std::int64_t> same_padding(std::int64_t size, std::int64_t kernel,
                                                   std::int64_t stride) {
  const std::int64_t windows = (size + stride - 1) / stride;
  const std::int64_t total = std::max<std::int64_t>(0, (windows - 1) * stride + kernel - size);
  return {total / 2, total - total / 2};
}

/// The attribute `pad` (top, left, bottom, right) of windows of `kernel` rows and columns, dilation counted.
Result<Ints> padding_of(Layer& layer, std::int8_t code, const Shape& image, const Ints& kernel,
                        const Ints& stride) {
  using schema::Padding;
  if (static_cast<Padding>(code) == Padding::VALID) return Ints{0, 0, 0, 0};
  if (static_cast<Padding>(code) != Padding::SAME)
    return layer.refuse(Kind::invalid_model,
                        "its padding is " + std::to_string(code) + ", neither SAME nor VALID");
  const auto [top, bottom] = same_padding(image[1], kernel[0], stride[0]);
  const auto [left, right] = same_padding(image[2], kernel[1], stride[1]);
  return Ints{top, left, bottom, right};
}

Status need_positive(Layer& layer, const Ints& values, std::string_view what) {
  for (const std::int64_t value : values)
    if (value < 1)
      return layer.refuse(Kind::attribute_out_of_range,
                          std::string(what) + " " + shape_text(values) + " is not positive");
  return {};
}

/// What conv_2d and depthwise_conv_2d share; `kernel` in rows and columns.
template <class Attrs, class Options>
Status convolution(Layer& layer, Attrs attributes, const Table<Options>& options) {
  if (!layer.need_rank(0, 4) || !layer.need_rank(1, 4)) return kFailed;
  const Shape& filter = layer.in_type(1).shape;
  attributes.stride = {options[Options::stride_h], options[Options::stride_w]};
  attributes.dilation = {options[Options::dilation_h_factor], options[Options::dilation_w_factor]};
  if (!need_positive(layer, attributes.stride, "the stride") ||
      !need_positive(layer, attributes.dilation, "the dilation"))
    return kFailed;
  const Ints kernel = {(filter[1] - 1) * attributes.dilation[0] + 1,
                       (filter[2] - 1) * attributes.dilation[1] + 1};
  const auto pad =
      padding_of(layer, options[Options::padding], layer.in_type(0).shape, kernel, attributes.stride);
  if (!pad) return kFailed;
  attributes.pad = *pad;
  if (const auto& joined = layer.record().joined_dilation) {
    attributes.dilation = joined->dilation;
    attributes.pad = joined->pad;
  }
  const auto weights = layer.weights(1);
  if (!weights) return kFailed;
  std::vector<ValueId> operands = {layer.in(0), *weights};
  if (layer.in(2).is_present()) {
    const auto bias = layer.weights(2);
    if (!bias) return kFailed;
    operands.push_back(*bias);
  }
  return layer.finish_activated(layer.block(), std::move(attributes), std::move(operands),
                                options[Options::fused_activation_function]);
}

/// Attributes of a pool, but for its activation.
template <class Attrs>
Result<Attrs> pool_attributes(Layer& layer, const Table<schema::Pool2DOptions>& options) {
  using O = schema::Pool2DOptions;
  if (!layer.need_rank(0, 4)) return kFailed;
  Attrs attributes;
  attributes.kernel = {options[O::filter_height], options[O::filter_width]};
  attributes.stride = {options[O::stride_h], options[O::stride_w]};
  if (!need_positive(layer, attributes.kernel, "the window") ||
      !need_positive(layer, attributes.stride, "the stride"))
    return kFailed;
  const auto pad =
      padding_of(layer, options[O::padding], layer.in_type(0).shape, attributes.kernel, attributes.stride);
  if (!pad) return kFailed;
  attributes.pad = *pad;
  return attributes;
}

template <class Attrs>
Status pool(Layer& layer) {
  const auto options = layer.options<schema::Pool2DOptions>();
  auto attributes = pool_attributes<Attrs>(layer, options);
  return attributes ? layer.finish_activated(layer.block(), *std::move(attributes), {layer.in(0)},
                                             options[schema::Pool2DOptions::fused_activation_function])
                    : Status(kFailed);
}

}  // namespace

Status conv_2d(Layer& layer) {
  Conv2dAttrs attributes;
  if (!layer.need_rank(0, 4) || !layer.need_rank(1, 4)) return kFailed;
  const std::int64_t channels = layer.in_type(0).shape[3], depth = layer.in_type(1).shape[3];
  if (depth < 1 || channels % depth != 0)
    return layer.refuse(Kind::shape_mismatch, "filters of depth " + std::to_string(depth) +
                                                  " do not divide " + std::to_string(channels) +
                                                  " input channels");
  attributes.groups = channels / depth;
  return convolution(layer, std::move(attributes), layer.options<schema::Conv2DOptions>());
}

Status depthwise_conv_2d(Layer& layer) {
  return convolution(layer, DepthwiseConv2dAttrs{}, layer.options<schema::DepthwiseConv2DOptions>());
}

Status transpose_conv(Layer& layer) {
  using O = schema::TransposeConvOptions;
  const auto options = layer.options<O>();
  if (!layer.need_rank(1, 4) || !layer.need_rank(2, 4)) return kFailed;
  const auto wanted = layer.ints(0, "the output's shape");
  if (!wanted) return kFailed;
  const Shape filter = layer.in_type(1).shape, image = layer.in_type(2).shape;
  if (wanted->size() != 4)
    return layer.refuse(Kind::shape_mismatch,
                        "the output's shape has " + count_text(wanted->size(), "element") + ", not 4");
  if (const std::string fault = shape_fault(*wanted, DType::f32); !fault.empty())
    return layer.refuse(Kind::limit_exceeded, "the output's shape " + shape_text(*wanted) + ": " + fault);
  ConvTranspose2dAttrs attributes;
  attributes.stride = {options[O::stride_h], options[O::stride_w]};
  if (!need_positive(layer, attributes.stride, "the stride")) return kFailed;
  // The padding is that of the convolution from the output to the input. What the stated output lacks below
  // and right of the full one is cropped; what it has beyond is output_pad.
  auto pad = padding_of(layer, options[O::padding], *wanted, {filter[1], filter[2]}, attributes.stride);
  if (!pad) return kFailed;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t full = (image[axis + 1] - 1) * attributes.stride[axis] + filter[axis + 1];
    const std::int64_t after = full - (*pad)[axis] - (*wanted)[axis + 1];
    (*pad)[axis + 2] = std::max<std::int64_t>(after, 0);
    attributes.output_pad[axis] = std::max<std::int64_t>(-after, 0);
  }
  attributes.pad = *pad;
  const auto weights = layer.weights(1);
  if (!weights) return kFailed;
  std::vector<ValueId> operands = {layer.in(2), *weights};
  if (layer.in(3).is_present()) {
    const auto bias = layer.weights(3);
    if (!bias) return kFailed;
    operands.push_back(*bias);
  }
  return layer.finish_activated("conv_transpose2d", std::move(attributes), std::move(operands),
                                options[O::fused_activation_function]);
}

/// Whether the layer's sums are rounded once: LiteRT's reference kernel does so where each output has a scale
/// of its own. It judges the models that TensorFlow Lite Micro cannot run.
bool rounds_once(Layer& layer, ValueId weights) {
  const Type &w = layer.type(weights), &x = layer.in_type(0);
  return !layer.translation().runs_on_micro() && x.dtype == DType::i8 && w.dtype == DType::i8 &&
         w.quantization->is_per_axis() && w.quantization->zero_points[0] == 0 &&
         (!layer.in(2).is_present() || layer.in_type(2).dtype == DType::i32);
}

Status fully_connected(Layer& layer) {
  using O = schema::FullyConnectedOptions;
  const auto options = layer.options<O>();
  if (options[O::weights_format] != 0)
    return layer.refuse(Kind::unsupported_feature, "its weights are shuffled for a particular processor",
                        "export the model with default weights");
  if (!layer.need_rank(1, 2)) return kFailed;
  const auto weights = layer.weights(1);
  if (!weights) return kFailed;
  const Shape w = layer.type(*weights).shape, x = layer.in_type(0).shape;
  const std::int64_t elements = element_count(x);
  if (w[1] < 1 || elements % w[1] != 0)
    return layer.refuse(Kind::shape_mismatch,
                        "weights " + shape_text(w) + " do not fit the input " + shape_text(x));

  // The block takes [...,in]; all leading axes count as rows.
  ValueId input = layer.in(0);
  const bool keeps_axes = options[O::keep_num_dims] && !x.empty() && x.back() == w[1];
  const bool is_matrix = x.size() == 2 && x[1] == w[1];
  if (!is_matrix && !keeps_axes) {
    const auto rows = layer.move("reshape", ReshapeAttrs{{elements / w[1], w[1]}}, input);
    if (!rows) return kFailed;
    input = *rows;
  }
  std::vector<ValueId> operands = {input, *weights};
  if (layer.in(2).is_present()) {
    const auto bias = layer.weights(2);
    if (!bias) return kFailed;
    operands.push_back(*bias);
  }
  const std::int8_t activation = options[O::fused_activation_function];
  DenseAttrs attributes;
  attributes.rounds_once = rounds_once(layer, *weights);
  const bool is_dynamic = !layer.builder().is_constant(*weights) && is_float(layer.type(*weights).dtype);
  if (is_dynamic) {
    auto product = layer.add("matmul", MatmulAttrs{.transpose_b = true}, {operands[0], operands[1]});
    if (product && operands.size() == 3)
      product = layer.builder().add_one("add", {*product, operands[2]}, {layer.record().layer + ".bias", {}});
    return layer.give_activated(product, activation);
  }
  // The file may shape the rows in another way than [rows, out]: the same elements.
  const Shape stated = layer.out_record().shape;
  Shape made = layer.type(input).shape;
  made.back() = w[0];
  const bool is_reshaped = stated != made && !layer.translation().has_free_shapes() &&
                           !layer.out_record().has_dynamic_shape() &&
                           element_count(stated) == element_count(made);
  if (!is_reshaped) return layer.finish_activated("dense", attributes, std::move(operands), activation);
  const auto clamp = layer.activation(activation);
  if (!clamp) return kFailed;
  attributes.clamp_min = clamp->min;
  attributes.clamp_max = clamp->max;
  auto product = layer.add("dense", attributes, std::move(operands), layer.out_record().quantization);
  if (product && clamp->is_tanh) product = layer.builder().add_one("tanh", {*product});
  return product ? layer.finish("reshape", ReshapeAttrs{stated}, {*product}) : Status(kFailed);
}

/// A constant integer factor with a scale per index, as TensorFlow Lite Micro reads it: the first scale for
/// all.
ValueId with_first_scale(Layer& layer, ValueId factor) {
  const Type& type = layer.type(factor);
  if (!layer.builder().is_constant(factor) || !type.is_quantized() || !type.quantization->is_per_axis())
    return factor;
  layer.builder().remark(Kind::remark, "its factor " + type_text(type) +
                                           " has a scale per index: the first counts for all, as in the "
                                           "interpreter");
  Tensor tensor = layer.builder().constant(factor);
  tensor.type.quantization =
      Quantization{{type.quantization->scales[0]}, {type.quantization->zero_points[0]}, -1};
  return layer.builder().add_constant(layer.record().layer + ".factor", std::move(tensor));
}

Status batch_matmul(Layer& layer) {
  using O = schema::BatchMatMulOptions;
  const auto options = layer.options<O>();
  const auto a = layer.weights(0), b = layer.weights(1);
  if (!a || !b) return kFailed;
  return layer.finish("matmul", MatmulAttrs{options[O::adj_x], options[O::adj_y]},
                      {with_first_scale(layer, *a), with_first_scale(layer, *b)});
}

Status max_pool_2d(Layer& layer) { return pool<MaxPool2dAttrs>(layer); }
Status average_pool_2d(Layer& layer) { return pool<AveragePool2dAttrs>(layer); }

/// sqrt of the mean of the squares.
Status l2_pool_2d(Layer& layer) {
  const auto options = layer.options<schema::Pool2DOptions>();
  auto attributes = pool_attributes<AveragePool2dAttrs>(layer, options);
  if (!attributes) return kFailed;
  const auto squares = layer.builder().add_one("square", {layer.in(0)});
  if (!squares) return kFailed;
  const auto mean = layer.add("average_pool2d", *std::move(attributes), {*squares});
  if (!mean) return kFailed;
  return layer.give_activated(layer.builder().add_one("sqrt", {*mean}, layer.out()),
                              options[schema::Pool2DOptions::fused_activation_function]);
}

}  // namespace nb::tflite
