#include "read/windows.h"

#include "read/compose.h"

namespace nb::read {
namespace {
constexpr std::int64_t kMaxWindow = 1 << 20;  // keeps sums of window numbers far from overflow
}  // namespace

void check_windows(Translation& l, const Windows& w) {
  for (const Ints* list : {&w.kernel, &w.stride, &w.dilation})
    for (const std::int64_t value : *list)
      if (value < 1 || value > kMaxWindow)
        l.refuse(Kind::attribute_out_of_range, "a window number is " + std::to_string(value));
  for (const Ints* list : {&w.before, &w.after})
    for (const std::int64_t pad : *list)
      if (pad < -kMaxWindow || pad > kMaxWindow)
        l.refuse(Kind::attribute_out_of_range, "a pad is " + std::to_string(pad));
}

void fit_windows(Translation& l, Windows& w, const Shape& spatial, bool is_ceil) {
  w.extra.assign(w.size(), 0);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::int64_t reach = (w.kernel[i] - 1) * w.dilation[i] + 1,
                       room = spatial[i] + w.before[i] + w.after[i] - reach;
    if (room < 0)
      l.refuse(Kind::shape_mismatch, "the window of " + std::to_string(reach) + " is larger than axis " +
                                         std::to_string(i) + " of the padded image");
    if (!is_ceil || room % w.stride[i] == 0) continue;
    const std::int64_t more = w.stride[i] - room % w.stride[i];
    // A last window that would start behind the image and its padding is dropped.
    if (room + more < spatial[i] + w.before[i]) w.extra[i] = more;
  }
}

void check_image(Translation& l, ValueId x, ValueId w) {
  l.require_rank(x, 3, "the image");
  if (l.rank(w) != l.rank(x))
    l.refuse(Kind::shape_mismatch, "image " + shape_text(l.shape(x)) + " and weights " +
                                       shape_text(l.shape(w)) + " differ in rank");
}

ValueId to_nhwc(Translation& l, ValueId x) {
  const Shape s = l.shape(x);
  if (s.size() == 3) return reshape(l, transpose(l, x, {0, 2, 1}), {s[0], 1, s[2], s[1]});
  return transpose(l, x, {0, 2, 3, 1});
}

ValueId from_nhwc(Translation& l, ValueId x, std::size_t spatial_rank) {
  const Shape s = l.shape(x);
  if (spatial_rank == 1) return transpose(l, reshape(l, x, {s[0], s[2], s[3]}), {0, 2, 1});
  return transpose(l, x, {0, 3, 1, 2});
}

Ints two(const Ints& values, std::int64_t for_rows) {
  return values.size() == 1 ? Ints{for_rows, values[0]} : values;
}
Ints four(const Ints& before, const Ints& after) {
  const Ints b = two(before, 0), a = two(after, 0);
  return {b[0], b[1], a[0], a[1]};
}

Ints sum(const Ints& a, const Ints& b) {
  Ints out;
  for (std::size_t i = 0; i < a.size(); ++i) out.push_back(a[i] + b[i]);
  return out;
}

}  // namespace nb::read
