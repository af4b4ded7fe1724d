// Convolutions and transposed convolutions.
#include "read/torch/image.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

/// Window numbers of weights [.., .., kernel...], padding as in `padding`, a list or "same" or "valid".
Windows windows_of(Layer& l, ValueId w, std::size_t space) {
  const Shape ws = l.shape(w);
  Windows window;
  window.kernel.assign(ws.begin() + 2, ws.end());
  window.stride = spatial_numbers(l, "stride", space, 1);
  window.dilation = spatial_numbers(l, "dilation", space, 1);
  if (!l.item("padding").is_text()) {
    window.before = window.after = spatial_numbers(l, "padding", space, 0);
    check_windows(l, window);
    return window;
  }
  const std::string padding = l.text("padding");
  window.before = window.after = Ints(space, 0);
  check_windows(l, window);
  if (padding == "valid") return window;
  if (padding != "same") l.invalid("`padding` is `" + padding + "`, neither same nor valid");
  for (std::size_t i = 0; i < space; ++i) {
    if (window.stride[i] != 1) l.invalid("`padding` is same with a stride");
    const std::int64_t total = window.dilation[i] * (window.kernel[i] - 1);
    window.before[i] = total / 2;
    window.after[i] = total - total / 2;
  }
  return window;
}

}  // namespace

void translate_convolution(Layer& l) {
  const ValueId w = l.tensor("weight"), b = l.optional_tensor("bias");
  l.require_rank(w, 3, "the weight");
  const std::size_t space = l.shape(w).size() - 2;
  const Image image = image_of(l, "input", space);
  Windows window = windows_of(l, w, space);
  const std::int64_t groups = l.integer("groups", 1);
  const bool is_transposed = l.flag("transposed") || l.op().find("conv_transpose") != std::string_view::npos;
  if (is_transposed) {
    const Ints more = spatial_numbers(l, "output_padding", space, 0);
    for (const std::int64_t n : more)
      if (n < 0 || n > (1 << 20))
        l.refuse(Kind::attribute_out_of_range, "an output padding is " + std::to_string(n));
    return image_result(l, image, convolve_transposed(l, image.x, w, b, window, more, groups));
  }
  fit_windows(l, window, image.spatial(l), false);
  image_result(l, image, convolve(l, image.x, w, b, window, groups));
}

}  // namespace nb::torch
