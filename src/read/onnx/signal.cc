// Fourier transforms.
#include "blocks/dft/attributes.h"
#include "read/onnx/operators.h"

namespace nb::onnx {

void translate_dft(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t rank = l.rank(x);
  DftAttrs a;
  a.axis = l.opset < 20 ? l.integer("axis", 1) : l.has(2) ? l.one_int(l.in(2), "axis") : -2;
  a.axis = l.axis(a.axis, rank);
  a.inverse = l.flag("inverse", false);
  a.onesided = l.flag("onesided", false);
  if (l.has(1)) {
    a.length = l.one_int(l.in(1), "dft_length");
    if (a.length < 1) l.refuse(Kind::attribute_out_of_range, "dft_length is " + std::to_string(a.length));
  }
  l.output(0, l.add("dft", a, {x}));
}

/// Frames of the signal [N, L(, 1 or 2)] a step apart, times the window, transformed: [N, frames,
/// frequencies, 2].
void translate_stft(Layer& l) {
  ValueId x = l.in(0);
  l.require_rank(x, 2, "the signal");
  if (l.rank(x) == 2) x = unsqueeze(l, x, {2});
  const std::int64_t step = l.one_int(l.in(1), "frame_step"), size = l.dim(x, 1);
  const std::int64_t length = l.has(3)   ? l.one_int(l.in(3), "frame_length")
                              : l.has(2) ? l.dim(l.in(2), 0)
                                         : size;
  if (step < 1 || length < 1 || length > size)
    l.refuse(Kind::attribute_out_of_range, "frames of " + std::to_string(length) + ", " +
                                               std::to_string(step) + " apart, of a signal of " +
                                               std::to_string(size));
  const std::int64_t frames = (size - length) / step + 1;
  if (frames * length > (std::int64_t{1} << 22))
    l.refuse(Kind::limit_exceeded, "it has more than 2^22 samples in all frames");
  Ints places;
  for (std::int64_t frame = 0; frame < frames; ++frame)
    for (std::int64_t i = 0; i < length; ++i) places.push_back(frame * step + i);
  ValueId y = gather(l, x, ints(l, places, {frames, length}), 1);
  if (l.has(2)) y = binary(l, "mul", y, unsqueeze(l, l.in(2), {1}));
  l.output(0, l.add("dft", DftAttrs{2, 0, false, l.flag("onesided", true)}, {y}));
}

}  // namespace nb::onnx
