// Operators that sample an image at places that the model computes.
#include <algorithm>

#include "blocks/col2im/attributes.h"
#include "blocks/deform_conv2d/attributes.h"
#include "blocks/grid_sample/attributes.h"
#include "blocks/roi_align/attributes.h"
#include "read/onnx/operators.h"
#include "read/onnx/window.h"
#include "read/sampling.h"

namespace nb::onnx {

void translate_affine_grid(Layer& l) {
  l.output(0, affine_grid(l, l.in(0), l.ints(l.in(1), "size"), l.flag("align_corners", false)));
}

void translate_grid_sample(Layer& l) {
  const ValueId x = l.in(0);
  l.require_rank(x, 3, "the image");
  const std::string mode = l.text("mode", l.opset < 20 ? "bilinear" : "linear"),
                    padding = l.text("padding_mode", "zeros");
  GridSampleAttrs a;
  if (mode == "linear" || mode == "bilinear")
    a.mode = SampleMode::linear;
  else if (mode == "cubic" || mode == "bicubic")
    a.mode = SampleMode::cubic;
  else if (mode == "nearest")
    a.mode = SampleMode::nearest;
  else
    l.invalid("`mode` is `" + mode + "`");
  if (padding == "border")
    a.padding = SamplePadding::border;
  else if (padding == "reflection")
    a.padding = SamplePadding::reflection;
  else if (padding != "zeros")
    l.invalid("`padding_mode` is `" + padding + "`");
  a.align_corners = l.flag("align_corners", false);
  l.output(0, grid_sampled(l, x, l.in(1), a));
}

void translate_roi_align(Layer& l) {
  const ValueId x = l.in(0);
  if (l.rank(x) != 4) l.invalid("the image is not [N,C,H,W]");
  const std::string mode = l.text("mode", "avg"),
                    coordinates = l.text("coordinate_transformation_mode",
                                         l.opset < 16 ? "output_half_pixel" : "half_pixel");
  if (mode != "avg" && mode != "max") l.invalid("`mode` is neither avg nor max");
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    l.invalid("`coordinate_transformation_mode` is neither half_pixel nor output_half_pixel");
  RoiAlignAttrs a;
  a.size = {l.integer("output_height", 1), l.integer("output_width", 1)};
  a.is_max = mode == "max";
  a.half_pixel = coordinates == "half_pixel";
  a.sampling = l.integer("sampling_ratio", 0);
  a.scale = l.real("spatial_scale", 1.0f);
  l.output(0, channels_first(l, l.add("roi_align", a, {channels_last(l, x), l.in(1), l.in(2)})));
}

void translate_deform_conv(Layer& l) {
  const ValueId x = l.in(0), w = l.in(1);
  if (l.rank(x) != 4 || l.rank(w) != 4)
    l.unsupported("a deformable convolution of " + type_text(l.type(x)) + " by " + type_text(l.type(w)),
                  "two spatial axes are");
  const Shape s = l.shape(x), ws = l.shape(w);
  const Windows window = read_windows(l, {s[2], s[3]}, {ws[2], ws[3]});
  if (std::min({window.before[0], window.before[1], window.after[0], window.after[1]}) < 0)
    l.refuse(Kind::attribute_out_of_range, "a pad is negative");
  DeformConv2dAttrs a;
  a.stride = window.stride;
  a.dilation = window.dilation;
  a.pad = four(window.before, window.after);
  a.groups = l.integer("group", 1);
  a.offset_groups = l.integer("offset_group", 1);
  const std::int64_t taps = ws[2] * ws[3];
  // [N, groups * taps * parts, H, W] -> [N, H, W, groups, taps(, parts)]
  const auto spread = [&](ValueId value, Shape behind) {
    const Shape vs = l.shape(value);
    if (vs.size() != 4 || vs[1] != product(behind, 0, static_cast<std::int64_t>(behind.size())))
      l.refuse(Kind::shape_mismatch, type_text(l.type(value)) + " does not move " + std::to_string(taps) +
                                         " taps in " + std::to_string(a.offset_groups) + " groups");
    Shape shape = {vs[0], vs[2], vs[3]};
    shape.insert(shape.end(), behind.begin(), behind.end());
    return reshape(l, channels_last(l, value), shape);
  };
  std::vector<ValueId> operands = {channels_last(l, x), transpose(l, w, {0, 2, 3, 1}),
                                   spread(l.in(2), {a.offset_groups, taps, 2}), l.optional(3)};
  operands.push_back(l.has(4) ? spread(l.in(4), {a.offset_groups, taps}) : ValueId());
  l.output(0, channels_first(l, l.add("deform_conv2d", std::move(a), operands)));
}

void translate_col2im(Layer& l) {
  Col2ImAttrs a;
  a.image = l.ints(l.in(1), "image_shape");
  a.kernel = l.ints(l.in(2), "block_shape");
  const std::size_t n = a.image.size();
  a.stride = l.integers("strides", Ints(n, 1));
  a.dilation = l.integers("dilations", Ints(n, 1));
  a.pad = l.integers("pads", Ints(2 * n, 0));
  l.output(0, l.add("col2im", std::move(a), {l.in(0)}));
}

void translate_det(Layer& l) { l.output(0, unary(l, "det", l.in(0))); }

}  // namespace nb::onnx
