// Pools of images with channels first over windows and over whole images.
#include <algorithm>

#include "blocks/average_pool2d/attributes.h"
#include "blocks/max_pool2d/attributes.h"
#include "read/compose.h"
#include "read/windows.h"

namespace nb::read {
namespace {

ValueId pool_nhwc(Translation& l, ValueId x, Pool pool, const Ints& kernel, const Ints& stride,
                  const Ints& dilation, const Ints& pad) {
  if (pool == Pool::max) return l.add("max_pool2d", MaxPool2dAttrs{kernel, stride, pad, dilation}, {x});
  return l.add("average_pool2d",
               AveragePool2dAttrs{kernel, stride, pad, dilation, pool == Pool::average_with_padding}, {x});
}

}  // namespace

// Padding that counts is made explicit where ceil_mode adds some that does not.
ValueId pooled(Translation& l, ValueId x, Pool pool, Windows w) {
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

ValueId max_pooled(Translation& l, ValueId x, const Windows& w) {
  const bool has_scale = l.type(x).is_quantized() && dtype_bytes(l.dtype(x)) <= 2;
  if (is_float(l.dtype(x)) || has_scale) return pooled(l, x, Pool::max, w);
  // Integers without a scale: floats hold them exactly up to 2^24.
  if (dtype_bytes(l.dtype(x)) > 2) l.unsupported("a pool of " + type_text(l.type(x)));
  return cast(l, pooled(l, cast(l, x, DType::f32), Pool::max, w), l.dtype(x));
}

ValueId globally_pooled(Translation& l, ValueId x, bool is_max) {
  const Shape s = l.shape(x);
  if (s.size() != 4 || s[2] == 0 || s[3] == 0) {
    l.require_rank(x, 2, "the image");
    return reduce(l, is_max ? "reduce_max" : "reduce_mean", x, axes_from(2, l.rank(x)), true);
  }
  // A whole image is one window, so that layouts cancel around it.
  const ValueId y = pool_nhwc(l, to_nhwc(l, x), is_max ? Pool::max : Pool::average_inside, {s[2], s[3]},
                              {1, 1}, {1, 1}, {0, 0, 0, 0});
  return from_nhwc(l, y, 2);
}

}  // namespace nb::read
