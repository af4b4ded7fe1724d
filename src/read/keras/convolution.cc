// Convolutions. Keras' images are channels last as the blocks', its kernels [spatial..., in, out]; a layer of
// one spatial axis is one of a single row.
#include <algorithm>

#include "blocks/conv2d/attributes.h"
#include "blocks/conv_transpose2d/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"
#include "read/keras/window.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

/// A kernel [spatial..., A, B] as [kh, kw, A, B].
ValueId kernel_2d(Layer& l, ValueId kernel) {
  const Shape s = l.shape(kernel);
  return s.size() == 3 ? reshape(l, kernel, {1, s[0], s[1], s[2]}) : kernel;
}

ValueId bias_of(Layer& l, std::size_t index, std::int64_t filters) {
  return l.flag("use_bias", true) ? l.weight(index, "bias", {filters}) : ValueId();
}

std::vector<ValueId> operands(ValueId x, ValueId w, ValueId b) {
  std::vector<ValueId> ids = {x, w};
  if (b.is_present()) ids.push_back(b);
  return ids;
}

/// The shape [spatial..., a, b].
Shape with_spatial(const Ints& kernel, std::int64_t a, std::int64_t b) {
  Shape shape = kernel;
  shape.push_back(a);
  shape.push_back(b);
  return shape;
}

/// Each channel with its own kernels [spatial..., C, multiplier].
ValueId depthwise(Layer& l, ValueId image, ValueId kernel, ValueId bias, const Window& w) {
  const Shape s = l.shape(kernel_2d(l, kernel));
  const ValueId weights = reshape(l, kernel, {1, s[0], s[1], s[2] * s[3]});
  return l.add("depthwise_conv2d", DepthwiseConv2dAttrs{w.stride, w.pad, w.dilation},
               operands(image, weights, bias));
}

}  // namespace

void translate_conv(Layer& l) {
  Image image = image_of(l, as_real(l, l.in()));
  const std::int64_t channels = l.dim(image.x, 3), filters = l.integer("filters"),
                     groups = l.integer("groups", 1);
  if (groups < 1 || filters < 1 || channels % groups != 0 || filters % groups != 0)
    l.refuse(Kind::shape_mismatch, std::to_string(groups) + " groups do not divide " +
                                       std::to_string(channels) + " channels and " + std::to_string(filters) +
                                       " filters");
  const Ints size = l.integers("kernel_size", image.axes);
  const Window w = window_of(l, image, size, "strides", "dilation_rate");
  const ValueId kernel = l.weight(0, "kernel", with_spatial(size, channels / groups, filters));
  const ValueId bias = bias_of(l, 1, filters);
  ValueId y;
  if (groups > 1 && groups == channels) {
    const Shape s =
        l.shape(kernel_2d(l, kernel));  // one input channel a filter, filters in the order of channels
    y = l.add("depthwise_conv2d", DepthwiseConv2dAttrs{w.stride, w.pad, w.dilation},
              operands(image.x, reshape(l, kernel, {1, s[0], s[1], filters}), bias));
  } else {
    y = l.add("conv2d", Conv2dAttrs{w.stride, w.pad, w.dilation, groups},
              operands(image.x, transpose(l, kernel_2d(l, kernel), {3, 0, 1, 2}), bias));
  }
  l.output(activated(l, image.back(l, y), l.find("activation")));
}

void translate_depthwise_conv(Layer& l) {
  Image image = image_of(l, as_real(l, l.in()));
  const std::int64_t channels = l.dim(image.x, 3), multiplier = l.integer("depth_multiplier", 1);
  const Ints size = l.integers("kernel_size", image.axes);
  const Window w = window_of(l, image, size, "strides", "dilation_rate");
  // Keras 2 calls the kernel by what it does.
  const std::string_view leaf = l.has_named_weight("depthwise_kernel") ? "depthwise_kernel" : "kernel";
  const ValueId kernel = l.weight(0, leaf, with_spatial(size, channels, multiplier));
  const ValueId y = depthwise(l, image.x, kernel, bias_of(l, 1, channels * multiplier), w);
  l.output(activated(l, image.back(l, y), l.find("activation")));
}

void translate_separable_conv(Layer& l) {
  Image image = image_of(l, as_real(l, l.in()));
  const std::int64_t channels = l.dim(image.x, 3), multiplier = l.integer("depth_multiplier", 1),
                     filters = l.integer("filters");
  const Ints size = l.integers("kernel_size", image.axes);
  const Window w = window_of(l, image, size, "strides", "dilation_rate");
  const ValueId first = l.weight(0, "depthwise_kernel", with_spatial(size, channels, multiplier));
  const ValueId second =
      l.weight(1, "pointwise_kernel", with_spatial(Ints(image.axes, 1), channels * multiplier, filters));
  const ValueId deep = depthwise(l, image.x, first, ValueId(), w);
  const ValueId y =
      l.add("conv2d", Conv2dAttrs{},
            operands(deep, transpose(l, kernel_2d(l, second), {3, 0, 1, 2}), bias_of(l, 2, filters)));
  l.output(activated(l, image.back(l, y), l.find("activation")));
}

void translate_conv_transpose(Layer& l) {
  Image image = image_of(l, as_real(l, l.in()));
  const std::int64_t channels = l.dim(image.x, 3), filters = l.integer("filters"),
                     groups = l.integer("groups", 1);
  if (groups != 1) l.unsupported("a transposed convolution in " + std::to_string(groups) + " groups");
  const Ints size = l.integers("kernel_size", image.axes);
  const Window w = window_of(l, image, size, "strides", "dilation_rate", false);
  const Ints more = l.integers("output_padding", image.axes, {});
  const std::string padding = l.text("padding", "valid");
  ConvTranspose2dAttrs a;
  a.stride = w.stride;
  a.dilation = w.dilation;
  for (std::size_t i = 0; i < 2; ++i) {
    const bool is_row = image.axes == 1 && i == 0;
    const std::int64_t in = l.dim(image.x, static_cast<std::int64_t>(i) + 1), stride = w.stride[i],
                       reach = (w.kernel[i] - 1) * w.dilation[i] + 1, full = (in - 1) * stride + reach;
    std::int64_t out = full;
    if (!is_row && more.empty()) {
      out = padding == "same" ? in * stride : full + std::max<std::int64_t>(stride - reach, 0);
    } else if (!is_row) {
      const std::int64_t given = more[i - (2 - image.axes)];
      if (given < 0 || given >= stride)
        l.refuse(Kind::attribute_out_of_range, "its output_padding is " + std::to_string(given));
      // Of an odd kernel one, of an even one nothing is added to the distance of the outermost inputs.
      out = padding == "same" ? (in - 1) * stride + reach % 2 + given : full + given;
    }
    if (out < 1) l.refuse(Kind::shape_mismatch, "its output would have no pixels");
    const std::int64_t before = padding == "same" ? std::max<std::int64_t>(full - out, 0) / 2 : 0;
    const std::int64_t after = full - before - out;
    a.pad[i] = before;
    a.pad[2 + i] = std::max<std::int64_t>(after, 0);
    a.output_pad[i] = std::max<std::int64_t>(-after, 0);
  }
  const ValueId kernel = l.weight(0, "kernel", with_spatial(size, filters, channels));
  const ValueId y =
      l.add("conv_transpose2d", std::move(a),
            operands(image.x, transpose(l, kernel_2d(l, kernel), {2, 0, 1, 3}), bias_of(l, 1, filters)));
  l.output(activated(l, image.back(l, y), l.find("activation")));
}

}  // namespace nb::keras
