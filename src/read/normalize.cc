#include "read/normalize.h"

#include "blocks/batch_norm/attributes.h"
#include "read/compose.h"

namespace nb::read {
namespace {

/// Mean, and 1 / sqrt(variance + epsilon), over axes; both keep them as 1.
struct Moments {
  ValueId centered, inverse_deviation, mean;
};
Moments moments(Translation& l, ValueId x, const Ints& axes, float epsilon) {
  Moments m;
  m.mean = reduce(l, "reduce_mean", x, axes, true);
  m.centered = binary(l, "sub", x, m.mean);
  const ValueId variance = reduce(l, "reduce_mean", binary(l, "mul", m.centered, m.centered), axes, true);
  const ValueId deviation = unary(l, "sqrt", binary(l, "add", variance, static_cast<double>(epsilon)));
  m.inverse_deviation = unary(l, "reciprocal", deviation);
  return m;
}

/// The operand as the block layer_norm takes it, one number an element of a row; absent if it is not the same
/// for each row.
ValueId of_row(Translation& l, ValueId p, const Shape& row) {
  Shape shape = l.shape(p);
  while (shape.size() > row.size() && shape.front() == 1) shape.erase(shape.begin());
  return shape.size() > row.size() ? ValueId() : expand(l, reshape(l, p, shape), row);
}

/// y * scale + bias, each one number a channel of axis 1 or absent.
ValueId with_channels(Translation& l, ValueId y, ValueId scale, ValueId bias) {
  const std::int64_t rank = l.rank(y);
  if (scale.is_present()) y = binary(l, "mul", y, along_axis(l, scale, 1, rank));
  return bias.is_present() ? binary(l, "add", y, along_axis(l, bias, 1, rank)) : y;
}

}  // namespace

ValueId batch_norm(Translation& l, ValueId x, ValueId scale, ValueId bias, ValueId mean, ValueId variance,
                   std::int64_t axis, float epsilon) {
  const std::int64_t rank = l.rank(x);
  if (l.is_constant(scale) && l.is_constant(bias) && l.is_constant(mean) && l.is_constant(variance))
    return l.add("batch_norm", BatchNormAttrs{axis, epsilon}, {x, scale, bias, mean, variance});
  const ValueId deviation = unary(l, "sqrt", binary(l, "add", variance, static_cast<double>(epsilon)));
  const ValueId factor = binary(l, "div", scale, deviation);
  const ValueId centered = binary(l, "sub", x, along_axis(l, mean, axis, rank));
  const ValueId scaled = binary(l, "mul", centered, along_axis(l, factor, axis, rank));
  return binary(l, "add", scaled, along_axis(l, bias, axis, rank));
}

ValueId instance_norm(Translation& l, ValueId x, ValueId scale, ValueId bias, float epsilon) {
  const Moments m = moments(l, x, axes_from(2, l.rank(x)), epsilon);
  return with_channels(l, binary(l, "mul", m.centered, m.inverse_deviation), scale, bias);
}

ValueId group_normal(Translation& l, ValueId x, std::int64_t groups, float epsilon) {
  const Shape s = l.shape(x);
  if (groups < 1 || s[1] % groups != 0)
    l.refuse(Kind::attribute_out_of_range, "the groups do not divide the channels");
  const ValueId grouped = reshape(l, x, {s[0], groups, s[1] / groups * product(s, 2, l.rank(x))});
  const Moments m = moments(l, grouped, {2}, epsilon);
  return reshape(l, binary(l, "mul", m.centered, m.inverse_deviation), s);
}

std::vector<ValueId> layer_norm(Translation& l, ValueId x, ValueId scale, ValueId bias,
                                const LayerNormAttrs& attributes) {
  const Shape all = l.shape(x), row(all.begin() + attributes.axis, all.end());
  const auto as_row = [&](ValueId p) { return p.is_present() ? of_row(l, p, row) : ValueId(); };
  const ValueId row_scale = as_row(scale);
  // The block adds a bias after its scale, so a scale that it cannot take keeps the bias out as well.
  const ValueId row_bias = scale.is_present() && !row_scale.is_present() ? ValueId() : as_row(bias);
  std::vector<ValueId> operands = {x, row_scale, row_bias};
  while (!operands.back().is_present()) operands.pop_back();
  auto made = l.add_all("layer_norm", Attributes(attributes), std::move(operands));
  if (scale.is_present() && !row_scale.is_present()) made[0] = binary(l, "mul", made[0], scale);
  if (bias.is_present() && !row_bias.is_present()) made[0] = binary(l, "add", made[0], bias);
  return made;
}

}  // namespace nb::read
