// Pools over windows and over whole images.
#include <algorithm>
#include <limits>

#include "blocks/average_pool2d/attributes.h"
#include "blocks/max_pool2d/attributes.h"
#include "blocks/max_pool_indices/attributes.h"
#include "read/onnx/compose.h"
#include "read/onnx/operators.h"
#include "read/onnx/window.h"

namespace nb::onnx {
namespace {

/// How windows are reduced.
enum class Pool : std::uint8_t { max, average_inside, average_with_padding };

ValueId pool_nhwc(Layer& l, ValueId x, Pool pool, const Ints& kernel, const Ints& stride,
                  const Ints& dilation, const Ints& pad) {
  if (pool == Pool::max) return l.add("max_pool2d", MaxPool2dAttrs{kernel, stride, pad, dilation}, {x});
  return l.add("average_pool2d",
               AveragePool2dAttrs{kernel, stride, pad, dilation, pool == Pool::average_with_padding}, {x});
}

Ints sum(const Ints& a, const Ints& b) {
  Ints out;
  for (std::size_t i = 0; i < a.size(); ++i) out.push_back(a[i] + b[i]);
  return out;
}

/// x [N,C,spatial...] pooled; padding that counts is made explicit where ceil_mode adds some that does not.
ValueId pooled(Layer& l, ValueId x, Pool pool, Windows w) {
  const bool has_extra = std::any_of(w.extra.begin(), w.extra.end(), [](auto n) { return n > 0; });
  if (pool == Pool::average_with_padding && has_extra) {
    Ints before(w.size() + 2, 0), after = before;
    std::copy(w.before.begin(), w.before.end(), before.begin() + 2);
    std::copy(w.after.begin(), w.after.end(), after.begin() + 2);
    x = pad_constant(l, x, before, after, 0.0f);
    w.before = w.after = Ints(w.size(), 0);
    pool = Pool::average_inside;
  }
  const Ints after = sum(w.after, w.extra);
  if (w.size() <= 2)
    return from_nhwc(l,
                     pool_nhwc(l, to_nhwc(l, x), pool, two(w.kernel, 1), two(w.stride, 1), two(w.dilation, 1),
                               four(w.before, after)),
                     w.size());
  // Windows of more axes are products of windows of one or two: pool those one pair after the other, where
  // the axes before the pair are the batch and those behind it the channels.
  ValueId y = x;
  for (std::size_t i = 0; i < w.size(); i += 2) {
    const bool is_pair = i + 1 < w.size();
    const auto of = [&](const Ints& values, std::int64_t one) {
      return is_pair ? Ints{values[i], values[i + 1]} : Ints{values[i], one};
    };
    const Shape s = l.shape(y);
    const auto at = static_cast<std::int64_t>(i) + 2, rank = static_cast<std::int64_t>(s.size()),
               behind = at + (is_pair ? 2 : 1);
    const Shape image = {product(s, 0, at), l.dim(y, at), is_pair ? l.dim(y, at + 1) : 1,
                         product(s, behind, rank)};
    const Ints b = of(w.before, 0), a = of(after, 0);
    const ValueId part = pool_nhwc(l, reshape(l, y, image), pool, of(w.kernel, 1), of(w.stride, 1),
                                   of(w.dilation, 1), {b[0], b[1], a[0], a[1]});
    Shape shape = s;
    shape[static_cast<std::size_t>(at)] = l.dim(part, 1);
    if (is_pair) shape[static_cast<std::size_t>(at) + 1] = l.dim(part, 2);
    y = reshape(l, part, shape);
  }
  return y;
}

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

/// Over all spatial axes; a whole image is one window, so that layouts cancel around it.
ValueId global(Layer& l, ValueId x, std::string_view reduction) {
  l.require_rank(x, 2, "the image");
  return reduce(l, reduction, x, axes_from(2, l.rank(x)), true);
}

ValueId power(Layer& l, ValueId x, double exponent) {
  if (exponent == 1) return x;
  return exponent == 2 ? binary(l, "mul", x, x) : binary(l, "pow", x, exponent);
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
  const bool has_scale = l.type(x).is_quantized() && dtype_bytes(l.dtype(x)) <= 2;
  if (is_float(l.dtype(x)) || has_scale) return l.output(0, pooled(l, x, Pool::max, w));
  // Integers without a scale: floats hold them exactly up to 2^24.
  if (dtype_bytes(l.dtype(x)) > 2) l.unsupported("a pool of " + type_text(l.type(x)));
  l.output(0, cast(l, pooled(l, cast(l, x, DType::f32), Pool::max, w), l.dtype(x)));
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
  const ValueId mean = pooled(l, power(l, unary(l, "abs", x), p), Pool::average_with_padding, w);
  const ValueId total =
      binary(l, "mul", mean, static_cast<double>(product(w.kernel, 0, static_cast<std::int64_t>(w.size()))));
  l.output(0, p == 1 ? total : p == 2 ? unary(l, "sqrt", total) : binary(l, "pow", total, 1 / p));
}

ValueId globally_pooled(Layer& l, ValueId x, bool is_max) {
  const Shape s = l.shape(x);
  if (s.size() != 4 || s[2] == 0 || s[3] == 0) return global(l, x, is_max ? "reduce_max" : "reduce_mean");
  const ValueId y = pool_nhwc(l, to_nhwc(l, x), is_max ? Pool::max : Pool::average_inside, {s[2], s[3]},
                              {1, 1}, {1, 1}, {0, 0, 0, 0});
  return from_nhwc(l, y, 2);
}

void translate_global_pool(Layer& l) {
  const ValueId x = l.in(0);
  if (l.type() == "GlobalLpPool") {
    const double p = static_cast<double>(l.integer("p", 2));
    const ValueId total = global(l, power(l, unary(l, "abs", x), p), "reduce_sum");
    return l.output(0, p == 1 ? total : binary(l, "pow", total, 1 / p));
  }
  l.output(0, globally_pooled(l, x, l.type() == "GlobalMaxPool"));
}

}  // namespace nb::onnx
