// Images of PyTorch's spatial operators: channels first, with a batch axis that a model may leave out.
#pragma once
#include "read/torch/layer.h"
#include "read/windows.h"

namespace nb::torch {

struct Image {
  ValueId x;          ///< [N,C,spatial...]
  bool has_batch;     ///< else N is 1 and stands for nothing
  std::size_t space;  ///< spatial axes
  [[nodiscard]] Shape spatial(Layer& l) const;
};
/// The image in a parameter with `space` spatial axes; refuses one of neither space + 1 nor space + 2 axes.
[[nodiscard]] Image image_of(Layer& l, std::string_view parameter, std::size_t space);
/// Binds y [N,C,...] as the next result, without the batch axis if the image had none.
void image_result(Layer& l, const Image& image, ValueId y);
/// How many spatial axes an operator has, by its name: "aten.max_pool2d" 2.
[[nodiscard]] std::size_t space_of(Layer& l);
/// A parameter of one number a spatial axis; a single number stands for all.
[[nodiscard]] Ints spatial_numbers(Layer& l, std::string_view parameter, std::size_t space,
                                   std::int64_t fallback);

}  // namespace nb::torch
