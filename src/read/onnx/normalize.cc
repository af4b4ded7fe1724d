// Normalizations.
#include <cmath>

#include "blocks/average_pool2d/attributes.h"
#include "read/normalize.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
void translate_batch_normalization(Layer& l) {
  const ValueId x = l.in(0);
  const bool is_training = l.opset >= 14 && l.flag("training_mode", false);
  for (std::size_t i = is_training ? 3 : 1; i < 5; ++i) l.refuse_output(i, "a statistic of training");
  l.require_rank(x, 1, "the input");
  const float epsilon = l.real("epsilon", 1e-5f);
  const std::int64_t rank = l.rank(x), axis = rank > 1 ? 1 : 0;
  const ValueId scale = l.in(1), bias = l.in(2);
  ValueId mean = l.in(3), variance = l.in(4);
  if (l.opset < 9 && !l.flag("spatial", true)) {
    // One mean and variance an element of [C,H,W], which broadcasts over the batch as it is.
    const ValueId deviation = unary(l, "sqrt", binary(l, "add", variance, static_cast<double>(epsilon)));
    const ValueId normal = binary(l, "div", binary(l, "sub", x, mean), deviation);
    return l.output(0, binary(l, "add", binary(l, "mul", normal, scale), bias));
  }
  if (is_training) {
    // The statistics of this batch; the running ones move towards them.
    Ints others = axes_from(0, rank);
    others.erase(others.begin() + axis);
    const ValueId batch_mean = reduce(l, "reduce_mean", x, others, true);
    const ValueId centered = binary(l, "sub", x, batch_mean);
    const ValueId batch_variance =
        reduce(l, "reduce_mean", binary(l, "mul", centered, centered), others, false);
    const double momentum = static_cast<double>(l.real("momentum", 0.9f));
    const auto moved = [&](ValueId running, ValueId batch) {
      return binary(l, "add", binary(l, "mul", running, momentum), binary(l, "mul", batch, 1 - momentum));
    };
    const ValueId batch_mean_flat = reshape(l, batch_mean, l.shape(mean));
    if (l.wants(1)) l.output(1, moved(mean, batch_mean_flat));
    if (l.wants(2)) l.output(2, moved(variance, batch_variance));
    mean = batch_mean_flat;
    variance = batch_variance;
  }
  l.output(0, batch_norm(l, x, scale, bias, mean, variance, axis, epsilon));
}

void translate_instance_normalization(Layer& l) {
  const ValueId x = l.in(0);
  l.require_rank(x, 3, "the input");
  l.output(0, instance_norm(l, x, l.in(1), l.in(2), l.real("epsilon", 1e-5f)));
}

void translate_group_normalization(Layer& l) {
  const ValueId x = l.in(0);
  l.require_rank(x, 2, "the input");
  const Shape s = l.shape(x);
  const std::int64_t groups = l.integer("num_groups"), rank = l.rank(x);
  ValueId y = group_normal(l, x, groups, l.real("epsilon", 1e-5f));
  const auto along_channels = [&](ValueId p) {  // before opset 21 one number a group
    if (l.type(p).elements() == s[1]) return along_axis(l, p, 1, rank);
    const ValueId repeated = expand(l, reshape(l, p, {groups, 1}), {groups, s[1] / groups});
    return along_axis(l, reshape(l, repeated, {s[1]}), 1, rank);
  };
  y = binary(l, "mul", y, along_channels(l.in(1)));
  l.output(0, binary(l, "add", y, along_channels(l.in(2))));
}

void translate_layer_normalization(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t axis = l.axis(l.integer("axis", -1), l.rank(x));
  // The type in which the moments are computed; every float type is f32 here.
  if (!is_float(l.element_type("stash_type", DType::f32)))
    l.refuse(Kind::attribute_out_of_range, "stash_type is no float type");
  const bool has_moments = l.wants(1) || l.wants(2);
  const auto made = layer_norm(l, x, l.in(1), l.optional(2), {axis, l.real("epsilon", 1e-5f), has_moments});
  l.output(0, made[0]);
  if (!has_moments) return;
  l.output(1, made[1]);
  l.output(2, made[2]);
}

void translate_rms_normalization(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t axis = l.axis(l.integer("axis", -1), l.rank(x));
  LayerNormAttrs attributes{axis, l.real("epsilon", 1e-5f)};
  attributes.centered = false;
  l.output(0, layer_norm(l, x, l.in(1), {}, attributes)[0]);
}

void translate_mean_variance_normalization(Layer& l) {
  const ValueId x = l.in(0);
  const Ints axes = l.axes(l.integers("axes", {0, 2, 3}), l.rank(x));
  const ValueId mean = reduce(l, "reduce_mean", x, axes, true);
  const ValueId mean_square = reduce(l, "reduce_mean", binary(l, "mul", x, x), axes, true);
  const ValueId variance = binary(l, "sub", mean_square, binary(l, "mul", mean, mean));
  const ValueId deviation = binary(l, "add", unary(l, "sqrt", variance), 1e-9);
  l.output(0, binary(l, "div", binary(l, "sub", x, mean), deviation));
}

/// x / |x|_p along an axis, 0 where the norm is 0.
void translate_lp_normalization(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t p = l.integer("p", 2), axis = l.axis(l.integer("axis", -1), l.rank(x));
  if (p != 1 && p != 2) l.refuse(Kind::attribute_out_of_range, "p is neither 1 nor 2");
  const ValueId norm = reduce(l, p == 1 ? "reduce_l1" : "reduce_l2", x, {axis}, true);
  const ValueId is_zero = binary(l, "equal", norm, 0.0);
  const ValueId safe = where(l, is_zero, scalar(l, 1), norm);
  l.output(0, binary(l, "div", x, safe));
}

/// x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta.
void translate_lrn(Layer& l) {
  const ValueId x = l.in(0);
  l.require_rank(x, 2, "the input");
  const Shape s = l.shape(x);
  const std::int64_t size = l.integer("size"), rank = l.rank(x);
  if (size < 1 || size > 4096) l.refuse(Kind::attribute_out_of_range, "size is " + std::to_string(size));
  const double alpha = static_cast<double>(l.real("alpha", 1e-4f)),
               beta = static_cast<double>(l.real("beta", 0.75f));
  // The channels as rows, the rest as channels: an average pool whose padding counts.
  const ValueId image = reshape(l, binary(l, "mul", x, x), {s[0], s[1], 1, product(s, 2, rank)});
  const std::int64_t before = (size - 1) / 2;
  const ValueId mean =
      l.add("average_pool2d",
            AveragePool2dAttrs{{size, 1}, {1, 1}, {before, 0, size - 1 - before, 0}, {1, 1}, true}, {image});
  ValueId denominator = binary(l, "mul", reshape(l, mean, s), alpha);
  denominator = binary(l, "add", denominator, static_cast<double>(l.real("bias", 1.0f)));
  l.output(0, binary(l, "div", x, binary(l, "pow", denominator, beta)));
}

}  // namespace nb::onnx
