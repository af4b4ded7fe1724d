#include "blocks/windowed.h"

#include "blocks/core/taps.h"

namespace nb {

Checked<Window2d> make_window(const Type& x, std::int64_t kernel_h, std::int64_t kernel_w,
                              const std::vector<std::int64_t>& stride, const std::vector<std::int64_t>& pad,
                              const std::vector<std::int64_t>& dilation) {
  if (x.rank() != 4)
    return Fault{Kind::shape_mismatch, "the image is " + type_text(x) + ", not NHWC of rank 4"};
  if (stride.size() != 2 || pad.size() != 4 || dilation.size() != 2)
    return Fault{Kind::attribute_out_of_range, "stride and dilation have 2 numbers, pad has 4"};
  constexpr std::int64_t kLargest = 1 << 24;
  const auto in_range = [](std::int64_t value, std::int64_t low) {
    return value >= low && value <= kLargest;
  };
  for (int i = 0; i < 2; ++i) {
    const auto u = static_cast<std::size_t>(i);
    if (!in_range(stride[u], 1) || !in_range(dilation[u], 1))
      return Fault{Kind::attribute_out_of_range, "stride and dilation are at least 1"};
    if (!in_range(pad[u], 0) || !in_range(pad[u + 2], 0))
      return Fault{Kind::attribute_out_of_range, "pad is at least 0"};
  }
  if (!in_range(kernel_h, 1) || !in_range(kernel_w, 1) || !in_range(x.shape[1], 0) ||
      !in_range(x.shape[2], 0))
    return Fault{Kind::attribute_out_of_range, "the kernel is at least 1 and the image at most 2^24"};
  const auto out_size = [&](std::int64_t in, std::int64_t kernel, std::size_t axis) {
    const std::int64_t span = in + pad[axis] + pad[axis + 2] - dilation[axis] * (kernel - 1) - 1;
    return span < 0 ? std::int64_t{0} : span / stride[axis] + 1;
  };
  const std::int64_t out_h = out_size(x.shape[1], kernel_h, 0), out_w = out_size(x.shape[2], kernel_w, 1);
  if (out_h < 1 || out_w < 1)
    return Fault{Kind::shape_mismatch, "a kernel of " + std::to_string(kernel_h) + "x" +
                                           std::to_string(kernel_w) + " with dilation " +
                                           shape_text(dilation) + " exceeds the padded image of " +
                                           std::to_string(x.shape[1] + pad[0] + pad[2]) + "x" +
                                           std::to_string(x.shape[2] + pad[1] + pad[3])};
  const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  return Window2d{{n(x.shape[1]), n(x.shape[2])}, {n(out_h), n(out_w)},   {n(kernel_h), n(kernel_w)},
                  {n(stride[0]), n(stride[1])},   {n(pad[0]), n(pad[1])}, {n(dilation[0]), n(dilation[1])}};
}

bool meets_image(std::int32_t out, std::int32_t stride, std::int32_t pad, std::int32_t kernel,
                 std::int32_t dilation, std::int32_t in) {
  for (std::int32_t y = 0; y < out; ++y) {
    const Taps taps = taps_inside(y * stride - pad, kernel, dilation, in);
    if (taps.begin >= taps.end) return false;
  }
  return true;
}

bool meets_image(const Window2d& w) {
  return meets_image(w.out.h, w.stride.h, w.pad.h, w.kernel.h, w.dilation.h, w.in.h) &&
         meets_image(w.out.w, w.stride.w, w.pad.w, w.kernel.w, w.dilation.w, w.in.w);
}

Param window_param(const Window2d& w) {
  const auto pair = [](const Size2d& s) {
    return "{" + std::to_string(s.h) + ", " + std::to_string(s.w) + "}";
  };
  return {"window: in, out, kernel, stride, pad, dilation",
          "{" + pair(w.in) + ", " + pair(w.out) + ", " + pair(w.kernel) + ", " + pair(w.stride) + ", " +
              pair(w.pad) + ", " + pair(w.dilation) + "}"};
}

}  // namespace nb
