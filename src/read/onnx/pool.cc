// Pools over windows and over whole images.
#include <algorithm>
#include <limits>

#include "blocks/average_pool2d/attributes.h"
#include "blocks/max_pool2d/attributes.h"
#include "blocks/max_pool_indices/attributes.h"
#include "read/onnx/operators.h"
#include "read/onnx/window.h"

namespace nb::onnx {
namespace {

Windows windows_of(Layer& l, ValueId x) {
  l.require_rank(x, 3, "the image");
  if (!l.has_attribute("kernel_shape")) l.invalid("attribute `kernel_shape` is missing");
  const Shape s = l.shape(x);
  Windows w = read_windows(l, Shape(s.begin() + 2, s.end()));
  for (std::size_t i = 0; i < w.size(); ++i)
    if (w.before[i] < 0 || w.after[i] < 0)
      l.refuse(Kind::attribute_out_of_range, "a pad of a pool is negative");
  return w;
}

ValueId to_power(Layer& l, ValueId x, double exponent) {
  const ValueId made = power(l, x, exponent);
  return made.is_present() ? made : binary(l, "pow", x, exponent);
}

}  // namespace

void translate_max_pool(Layer& l) {
  const ValueId x = l.in(0);
  const Windows w = windows_of(l, x);
  if (l.wants(1)) {
    const Ints after = sum(w.after, w.extra);
    MaxPoolIndicesAttrs a{w.kernel, w.stride, w.dilation, w.before, l.flag("storage_order", false)};
    a.pad.insert(a.pad.end(), after.begin(), after.end());
    const auto both = l.add_all("max_pool_indices", Attributes(std::move(a)), {x});
    l.output(0, both[0]);
    return l.output(1, both[1]);
  }
  l.output(0, max_pooled(l, x, w));
}

/// The inverse: elements go back to where they were largest, zeros elsewhere. Indices count in a tensor of
/// the shape that the windows imply; an output_shape that is larger adds zeros behind.
void translate_max_unpool(Layer& l) {
  const ValueId x = l.in(0);
  l.require_rank(x, 3, "the image");
  const Shape s = l.shape(x);
  const std::size_t n = s.size() - 2;
  const Ints kernel = l.integers("kernel_shape"), stride = l.integers("strides", Ints(n, 1)),
             pads = l.integers("pads", Ints(2 * n, 0));
  if (kernel.size() != n || stride.size() != n || pads.size() != 2 * n)
    l.invalid("kernel_shape, strides or pads do not have one number a spatial axis");
  for (const Ints* list : {&kernel, &stride, &pads})
    for (const std::int64_t value : *list)
      if (value < (list == &pads ? 0 : 1) || value > (1 << 20))
        l.refuse(Kind::attribute_out_of_range, "a window number is " + std::to_string(value));
  if (l.shape(l.in(1)) != s)
    l.refuse(Kind::shape_mismatch, "the indices do not have the shape of the elements");
  Shape shape = {s[0], s[1]};
  for (std::size_t i = 0; i < n; ++i) {
    shape.push_back((s[i + 2] - 1) * stride[i] - pads[i] - pads[n + i] + kernel[i]);
    if (shape.back() < 1 || shape.back() > 1'000'000'000)
      l.refuse(Kind::attribute_out_of_range,
               "an axis of the result would have " + std::to_string(shape.back()));
  }
  const auto rank = static_cast<std::int64_t>(s.size());
  const Shape flat = {product(shape, 0, rank)}, picked = {product(s, 0, rank)};
  if (const std::string fault = shape_fault(shape, l.dtype(x)); !fault.empty())
    l.refuse(Kind::limit_exceeded, "the result: " + fault);
  const ValueId zeros = expand(l, scalar(l, 0, l.dtype(x)), flat);
  const ValueId y = l.add("scatter_elements", {zeros, reshape(l, l.in(1), picked), reshape(l, x, picked)});
  Ints more(s.size(), 0);
  if (l.has(2)) {
    const Ints asked = l.ints(l.in(2), "output_shape");
    if (asked.size() != s.size()) l.invalid("output_shape does not have one number an axis");
    for (std::size_t i = 0; i < s.size(); ++i) more[i] = asked[i] - shape[i];
    if (*std::min_element(more.begin(), more.end()) < 0)
      l.refuse(Kind::attribute_out_of_range, "output_shape is smaller than " + shape_text(shape));
  }
  l.output(0, pad_constant(l, reshape(l, y, shape), Ints(s.size(), 0), more, 0.0f));
}

ValueId average_pooled(Layer& l, ValueId x) {
  const bool counts = l.flag("count_include_pad", false);
  return pooled(l, x, counts ? Pool::average_with_padding : Pool::average_inside, windows_of(l, x));
}

void translate_average_pool(Layer& l) { l.output(0, average_pooled(l, l.in(0))); }

/// The p-norm: the mean of |x|^p over a window whose padding counts, times the window's size.
void translate_lp_pool(Layer& l) {
  const double p =
      static_cast<double>(l.opset < 2 ? static_cast<std::int64_t>(l.real("p", 2)) : l.integer("p", 2));
  const ValueId x = l.in(0);
  Windows w = windows_of(l, x);
  // What ceil_mode adds counts as zeros, too.
  for (std::size_t i = 0; i < w.size(); ++i) {
    w.after[i] += w.extra[i];
    w.extra[i] = 0;
  }
  const ValueId mean = pooled(l, to_power(l, unary(l, "abs", x), p), Pool::average_with_padding, w);
  const ValueId total =
      binary(l, "mul", mean, static_cast<double>(product(w.kernel, 0, static_cast<std::int64_t>(w.size()))));
  l.output(0, p == 1 ? total : p == 2 ? unary(l, "sqrt", total) : binary(l, "pow", total, 1 / p));
}

void translate_global_pool(Layer& l) {
  const ValueId x = l.in(0);
  if (l.type() == "GlobalLpPool") {
    const double p = static_cast<double>(l.integer("p", 2));
    l.require_rank(x, 2, "the image");
    const ValueId total =
        reduce(l, "reduce_sum", to_power(l, unary(l, "abs", x), p), axes_from(2, l.rank(x)), true);
    return l.output(0, p == 1 ? total : binary(l, "pow", total, 1 / p));
  }
  l.output(0, globally_pooled(l, x, l.type() == "GlobalMaxPool"));
}

}  // namespace nb::onnx
