// Images and windows as Keras states them.
#pragma once
#include "read/keras/layer.h"

namespace nb::keras {

/// The input of a layer of one or two spatial axes, as NHWC: one spatial axis is the columns of a single row.
struct Image {
  ValueId x;
  std::size_t axes;  ///< spatial: 1 or 2
  bool is_channels_last;
  /// A result NHWC in the layout of the layer's input.
  [[nodiscard]] ValueId back(Layer& l, ValueId y) const;
};
/// By the number that ends the layer's class, Conv1D or Conv2D, and its data_format.
[[nodiscard]] Image image_of(Layer& l, ValueId x);

/// Of two axes each; pad: top, left, bottom, right.
struct Window {
  Ints kernel, stride, dilation, pad = {0, 0, 0, 0};
};
/// The window with that kernel (one number a spatial axis) and the layer's padding. `strides` and `dilation`
/// name members of the configuration; an empty name stands for ones. Without `is_fitted`, pads stay 0 and the
/// window may be larger than the image.
[[nodiscard]] Window window_of(Layer& l, const Image& image, const Ints& kernel, std::string_view strides,
                               std::string_view dilation, bool is_fitted = true);

/// The number of spatial axes that ends a class's name, "Conv2DTranspose" -> 2.
[[nodiscard]] std::size_t spatial_axes(std::string_view class_name);

}  // namespace nb::keras
