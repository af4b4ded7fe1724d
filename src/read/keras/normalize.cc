// Normalizations.
#include <algorithm>

#include "blocks/batch_norm/attributes.h"
#include "blocks/layer_norm/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

/// The layer's `axis`: one number or a list, counted from the front, rising.
Ints axes_of(Layer& l, std::int64_t rank) {
  Ints axes = l.axes(l.integers("axis", 0, {-1}), rank);
  std::sort(axes.begin(), axes.end());
  if (axes.empty()) l.invalid("its axis is an empty list");
  return axes;
}

Shape sizes(Layer& l, ValueId x, const Ints& axes) {
  Shape shape;
  for (const std::int64_t axis : axes) shape.push_back(l.dim(x, axis));
  return shape;
}

/// A constant of those sizes so that it broadcasts to `rank` axes.
ValueId along(Layer& l, ValueId p, const Ints& axes, std::int64_t rank) {
  const Shape s = l.shape(p);
  Shape shape(static_cast<std::size_t>(rank), 1);
  for (std::size_t i = 0; i < axes.size(); ++i) shape[static_cast<std::size_t>(axes[i])] = s[i];
  return reshape(l, p, shape);
}

/// The block layer_norm over any axes: they are moved to the end, and back.
ValueId normalized(Layer& l, ValueId x, const Ints& axes, ValueId scale, ValueId bias,
                   LayerNormAttrs attributes) {
  const std::int64_t rank = l.rank(x), first = rank - static_cast<std::int64_t>(axes.size());
  Ints perm;
  for (std::int64_t i = 0; i < rank; ++i)
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) perm.push_back(i);
  perm.insert(perm.end(), axes.begin(), axes.end());
  attributes.axis = first;
  std::vector<ValueId> operands = {transpose(l, x, perm), scale, bias};
  while (!operands.back().is_present()) operands.pop_back();
  return transpose(l, l.add("layer_norm", attributes, std::move(operands)), inverse_perm(perm));
}

ValueId ones(Layer& l, const Shape& shape) {
  return floats(l, std::vector<float>(static_cast<std::size_t>(element_count(shape)), 1.0f), shape);
}
ValueId zeros(Layer& l, const Shape& shape) {
  return floats(l, std::vector<float>(static_cast<std::size_t>(element_count(shape)), 0.0f), shape);
}

}  // namespace

void translate_batch_normalization(Layer& l) {
  refuse_training(l);
  const ValueId x = as_real(l, l.in());
  const Ints axes = axes_of(l, l.rank(x));
  if (axes.size() != 1) l.unsupported("a batch normalization over several axes");
  if (l.flag("renorm", false)) l.unsupported("batch renormalization");
  const Shape channels = {l.dim(x, axes[0])};
  std::size_t next = 0;
  const ValueId gamma = l.flag("scale", true) ? l.weight(next++, "gamma", channels) : ones(l, channels);
  const ValueId beta = l.flag("center", true) ? l.weight(next++, "beta", channels) : zeros(l, channels);
  const ValueId mean = l.weight(next++, "moving_mean", channels);
  const ValueId variance = l.weight(next, "moving_variance", channels);
  const auto epsilon = static_cast<float>(l.real("epsilon", 1e-3));
  l.output(l.add("batch_norm", BatchNormAttrs{axes[0], epsilon}, {x, gamma, beta, mean, variance}));
}

void translate_layer_normalization(Layer& l) {
  const ValueId x = as_real(l, l.in());
  const std::int64_t rank = l.rank(x);
  const Ints axes = axes_of(l, rank);
  const Shape row = sizes(l, x, axes);
  const double epsilon = l.real("epsilon", 1e-3);
  const bool is_rms = l.flag("rms_scaling", false);
  std::size_t next = 0;
  const bool has_scale = l.flag("scale", true) || is_rms, has_bias = l.flag("center", true) && !is_rms;
  const ValueId gamma = has_scale ? l.weight(next++, "gamma", row) : ValueId();
  const ValueId beta = has_bias ? l.weight(next, "beta", row) : ValueId();
  if (!is_rms)
    return l.output(normalized(l, x, axes, gamma, beta, LayerNormAttrs{0, static_cast<float>(epsilon)}));
  // The deviation from the mean scales x itself.
  const ValueId centered = binary(l, "sub", x, reduce(l, "reduce_mean", x, axes, true));
  const ValueId variance = reduce(l, "reduce_mean", binary(l, "mul", centered, centered), axes, true);
  const ValueId inverse = unary(l, "rsqrt", binary(l, "add", variance, epsilon));
  l.output(binary(l, "mul", binary(l, "mul", x, inverse), along(l, gamma, axes, rank)));
}

void translate_rms_normalization(Layer& l) {
  const ValueId x = as_real(l, l.in());
  const Ints axes = axes_of(l, l.rank(x));
  LayerNormAttrs attributes{0, static_cast<float>(l.real("epsilon", 1e-6))};
  attributes.centered = false;
  l.output(normalized(l, x, axes, l.weight(0, "scale", sizes(l, x, axes)), ValueId(), attributes));
}

void translate_group_normalization(Layer& l) {
  const ValueId x = as_real(l, l.in());
  const std::int64_t rank = l.rank(x);
  const Ints axes = axes_of(l, rank);
  if (axes.size() != 1 || axes[0] == 0) l.invalid("its axis is not one behind the batch");
  const std::int64_t channels = l.dim(x, axes[0]), given = l.integer("groups", 32),
                     groups = given == -1 ? channels : given;
  if (groups < 1 || channels % groups != 0)
    l.refuse(Kind::attribute_out_of_range,
             std::to_string(groups) + " groups do not divide " + std::to_string(channels) + " channels");
  // Channels first, so that a group is one row.
  Ints perm = {0, axes[0]};
  for (std::int64_t i = 1; i < rank; ++i)
    if (i != axes[0]) perm.push_back(i);
  const ValueId moved = transpose(l, x, perm);
  const Shape s = l.shape(moved);
  const ValueId rows = reshape(l, moved, {s[0], groups, channels / groups * product(s, 2, rank)});
  const LayerNormAttrs attributes{2, static_cast<float>(l.real("epsilon", 1e-3))};
  ValueId y = transpose(l, reshape(l, l.add("layer_norm", attributes, {rows}), s), inverse_perm(perm));
  std::size_t next = 0;
  if (l.flag("scale", true))
    y = binary(l, "mul", y, along(l, l.weight(next++, "gamma", {channels}), axes, rank));
  if (l.flag("center", true))
    y = binary(l, "add", y, along(l, l.weight(next, "beta", {channels}), axes, rank));
  l.output(y);
}

ValueId unit_vectors(Layer& l, ValueId x, Ints axes) {
  const ValueId norm = reduce(l, "reduce_l2", x, std::move(axes), true);
  return binary(l, "div", x, binary(l, "maximum", norm, 1e-12));
}

void translate_unit_normalization(Layer& l) {
  const ValueId x = as_real(l, l.in());
  l.output(unit_vectors(l, x, axes_of(l, l.rank(x))));
}

}  // namespace nb::keras
