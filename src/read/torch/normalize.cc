// Normalizations.
#include "read/normalize.h"

#include <algorithm>
#include <limits>

#include "read/torch/operators.h"

namespace nb::torch {
namespace {

float epsilon_of(Layer& l, std::string_view name) { return static_cast<float>(l.real(name)); }

/// A number a channel, `fallback` each where the argument is None.
ValueId a_channel(Layer& l, std::string_view parameter, std::int64_t channels, double fallback) {
  if (!l.has(parameter)) return expand(l, scalar(l, fallback), {channels});
  const ValueId given = l.tensor(parameter);
  if (l.type(given).elements() != channels)
    l.refuse(Kind::shape_mismatch, "`" + std::string(parameter) + "` is " + type_text(l.type(given)) +
                                       " for " + std::to_string(channels) + " channels");
  return reshape(l, given, {channels});
}

/// Mean and 1 / sqrt(variance + epsilon) over axes, which vanish.
struct Statistics {
  ValueId mean, variance, inverse_deviation;
};
Statistics statistics(Layer& l, ValueId x, const Ints& axes, float epsilon) {
  Statistics s;
  const ValueId mean = reduce(l, "reduce_mean", x, axes, true);
  const ValueId centered = binary(l, "sub", x, mean);
  s.mean = reduce(l, "reduce_mean", x, axes, false);
  s.variance = reduce(l, "reduce_mean", binary(l, "mul", centered, centered), axes, false);
  s.inverse_deviation = unary(l, "rsqrt", binary(l, "add", s.variance, static_cast<double>(epsilon)));
  return s;
}

Ints all_but(std::int64_t axis, std::int64_t rank) {
  Ints axes = axes_from(0, rank);
  axes.erase(axes.begin() + axis);
  return axes;
}

ValueId nothing(Layer& l) { return floats(l, {}, {0}); }

}  // namespace

/// batch_norm and its native forms; these give the statistics that were used as further results.
void translate_batch_norm(Layer& l) {
  const ValueId x = l.tensor("input");
  l.require_rank(x, 2, "the input");
  const bool has_running = l.has("running_mean") && l.has("running_var");
  const bool is_training =
      l.op() == "aten._batch_norm_with_update" || l.flag("training", !l.takes("running_mean"));
  const std::int64_t channels = l.dim(x, 1), rank = l.rank(x);
  const float epsilon = epsilon_of(l, "eps");
  const ValueId scale = a_channel(l, "weight", channels, 1), bias = a_channel(l, "bias", channels, 0);
  const bool is_native = l.op() != "aten.batch_norm";
  if (!is_training) {
    if (!has_running) l.invalid("it is not in training and has no running statistics");
    l.result(batch_norm(l, x, scale, bias, a_channel(l, "running_mean", channels, 0),
                        a_channel(l, "running_var", channels, 1), 1, epsilon));
    if (is_native) {
      l.result(nothing(l));
      l.result(nothing(l));
    }
    return;
  }
  if (has_running)
    l.unsupported("a batch normalization in training mode, which moves its running statistics",
                  "export the model in eval mode: module.eval()");
  const Statistics s = statistics(l, x, all_but(1, rank), epsilon);
  l.result(l.dim(x, 0) == 1 && rank > 2 ? instance_norm(l, x, scale, bias, epsilon)
                                        : batch_norm(l, x, scale, bias, s.mean, s.variance, 1, epsilon));
  if (is_native) {
    l.result(s.mean);
    l.result(s.inverse_deviation);
  }
}

void translate_instance_norm(Layer& l) {
  const ValueId x = l.tensor("input");
  l.require_rank(x, 3, "the input");
  const std::int64_t channels = l.dim(x, 1);
  const float epsilon = epsilon_of(l, "eps");
  if (!l.flag("use_input_stats", true)) {
    if (!l.has("running_mean") || !l.has("running_var"))
      l.invalid("it takes no statistics of its input and has no running ones");
    return l.result(batch_norm(l, x, a_channel(l, "weight", channels, 1), a_channel(l, "bias", channels, 0),
                               a_channel(l, "running_mean", channels, 0),
                               a_channel(l, "running_var", channels, 1), 1, epsilon));
  }
  l.result(instance_norm(l, x, l.optional_tensor("weight"), l.optional_tensor("bias"), epsilon));
}

void translate_group_norm(Layer& l) {
  const ValueId x = l.tensor("input");
  l.require_rank(x, 2, "the input");
  const bool is_native = l.op() == "aten.native_group_norm";
  const std::int64_t groups = l.integer(is_native ? "group" : "num_groups"), rank = l.rank(x);
  const float epsilon = static_cast<float>(l.real("eps", 1e-5));
  ValueId y = group_normal(l, x, groups, epsilon);
  if (l.has("weight")) y = binary(l, "mul", y, along_axis(l, l.tensor("weight"), 1, rank));
  if (l.has("bias")) y = binary(l, "add", y, along_axis(l, l.tensor("bias"), 1, rank));
  l.result(y);
  if (!is_native) return;
  const Shape s = l.shape(x);
  const ValueId grouped = reshape(l, x, {s[0], groups, s[1] / groups * product(s, 2, rank)});
  const Statistics moments = statistics(l, grouped, {2}, epsilon);
  l.result(moments.mean);
  l.result(moments.inverse_deviation);
}

/// layer_norm and rms_norm. The moments that native forms give are a node of their own, which goes where
/// nothing reads them.
void translate_layer_norm(Layer& l) {
  const ValueId x = l.tensor("input");
  const Ints row = l.integers("normalized_shape");
  const Shape s = l.shape(x);
  if (row.empty() || row.size() > s.size() ||
      !std::equal(row.begin(), row.end(), s.end() - static_cast<std::ptrdiff_t>(row.size())))
    l.refuse(Kind::shape_mismatch,
             "normalized_shape " + shape_text(row) + " is not how " + shape_text(s) + " ends");
  const bool is_rms = l.op().find("rms_norm") != std::string_view::npos;
  LayerNormAttrs a;
  a.axis = l.rank(x) - static_cast<std::int64_t>(row.size());
  a.epsilon = static_cast<float>(
      l.real("eps", is_rms ? static_cast<double>(std::numeric_limits<float>::epsilon()) : 1e-5));
  a.centered = !is_rms;
  l.result(layer_norm(l, x, l.optional_tensor("weight"), l.optional_tensor("bias"), a)[0]);
  if (l.op() == "aten.layer_norm" || l.op() == "aten.rms_norm") return;
  a.moments = true;
  const auto made = l.add_all("layer_norm", Attributes(a), {x});
  if (!is_rms) l.result(made[1]);
  l.result(made[2]);
}

}  // namespace nb::torch
