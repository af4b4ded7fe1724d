// Losses: their forward values.
#include "blocks/softmax/attributes.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

/// -w[t] * x[n,t,...] of log-probabilities x [N,C,...] and targets t [N,...], reduced as attribute
/// `reduction`.
ValueId negative_log_likelihood(Layer& l, ValueId x, ValueId target, ValueId weight) {
  const std::int64_t rank = l.rank(x);
  l.require_rank(x, 2, "the input");
  if (l.rank(target) != rank - 1) l.refuse(Kind::shape_mismatch, "the targets differ in rank");
  const std::int64_t classes = l.dim(x, 1);
  const std::string reduction = l.text("reduction", "mean");
  const ValueId mask = one_hot_mask(l, unsqueeze(l, target, {1}), classes, 1);
  const ValueId chosen = where(l, mask, x, scalar(l, 0));
  const ValueId picked = reduce(l, "reduce_sum", chosen, {1}, false);
  // The weight of each target: of its class, 0 where ignored.
  ValueId factor;
  if (weight.is_present())
    factor =
        reduce(l, "reduce_sum", where(l, mask, along_axis(l, weight, 1, rank), scalar(l, 0)), {1}, false);
  if (l.has_attribute("ignore_index")) {
    const ValueId is_ignored = binary(l, "equal", target, static_cast<double>(l.integer("ignore_index")));
    factor = where(l, is_ignored, scalar(l, 0), factor.is_present() ? factor : scalar(l, 1));
  }
  ValueId loss = unary(l, "neg", factor.is_present() ? binary(l, "mul", picked, factor) : picked);
  if (reduction == "none") return loss;
  const Ints axes = axes_from(0, rank - 1);
  if (reduction == "sum") return reduce(l, "reduce_sum", loss, axes, false);
  if (reduction != "mean") l.invalid("`reduction` is none of none, sum, mean");
  if (!factor.is_present()) return reduce(l, "reduce_mean", loss, axes, false);
  return binary(l, "div", reduce(l, "reduce_sum", loss, axes, false),
                reduce(l, "reduce_sum", factor, axes, false));
}

}  // namespace

void translate_negative_log_likelihood_loss(Layer& l) {
  l.output(0, negative_log_likelihood(l, l.in(0), l.in(1), l.optional(2)));
}

void translate_softmax_cross_entropy_loss(Layer& l) {
  const ValueId log_probability = l.add("log_softmax", SoftmaxAttrs{1, 1.0f}, {l.in(0)});
  l.output(0, negative_log_likelihood(l, log_probability, l.in(1), l.optional(2)));
  l.output(1, log_probability);
}

}  // namespace nb::onnx
