#include "read/torch/image.h"

namespace nb::torch {

Shape Image::spatial(Layer& l) const {
  const Shape s = l.shape(x);
  return {s.begin() + 2, s.end()};
}

Image image_of(Layer& l, std::string_view parameter, std::size_t space) {
  const ValueId x = l.tensor(parameter);
  const std::int64_t rank = l.rank(x), channels_first = static_cast<std::int64_t>(space) + 1;
  if (rank != channels_first && rank != channels_first + 1)
    l.refuse(Kind::shape_mismatch, "the image is " + type_text(l.type(x)) + ", without " +
                                       std::to_string(space) + " spatial axes behind its channels");
  const bool has_batch = rank > channels_first;
  return {has_batch ? x : unsqueeze(l, x, {0}), has_batch, space};
}

void image_result(Layer& l, const Image& image, ValueId y) {
  l.result(image.has_batch ? y : squeeze(l, y, {0}));
}

std::size_t space_of(Layer& l) {
  for (const std::size_t space : {1, 2, 3})
    if (l.op().find(std::to_string(space) + "d") != std::string_view::npos) return space;
  l.refuse(Kind::internal, "the name of its operator tells no number of axes");
}

Ints spatial_numbers(Layer& l, std::string_view parameter, std::size_t space, std::int64_t fallback) {
  Ints values = l.integers(parameter, {});
  if (values.empty()) return Ints(space, fallback);
  if (values.size() == 1) values.assign(space, values[0]);
  if (values.size() != space)
    l.invalid("`" + std::string(parameter) + "` does not have one number a spatial axis");
  return values;
}

}  // namespace nb::torch
