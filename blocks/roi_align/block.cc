// roi_align: all there is to know about it. The kernel's header lies beside.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/roi_align/attributes.h"

namespace nb {
namespace {

struct RoiAligning {
  static constexpr std::string_view name = "roi_align";
  static constexpr std::string_view doc =
      "y[r, i, j, c] = mean of bilinear samples of x[image_of[r], ..., c] in bin (i, j) of region rois[r] = "
      "(left, "
      "top, right, bottom); samples more than a pixel outside are 0";
  using Attrs = RoiAlignAttrs;
  static constexpr auto fields = kRoiAlignFields;
  static constexpr std::array inputs = {Operand{"x", kFloats}, Operand{"rois", kFloats},
                                        Operand{"image_of", DTypeSet{DType::i32, DType::i64}}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type &x = *op.in[0], &rois = *op.in[1], &image_of = *op.in[2];
    if (x.rank() != 4 || rois.rank() != 2 || rois.shape[1] != 4 || image_of.shape != Shape{rois.shape[0]})
      return Fault{Kind::shape_mismatch, "regions " + type_text(rois) + " of images " + type_text(image_of) +
                                             " in " + type_text(x)};
    if (x.elements() == 0 && rois.shape[0] > 0)
      return Fault{Kind::shape_mismatch, type_text(x) + " has nothing to sample"};
    if (a.size.size() != 2 || a.size[0] < 1 || a.size[1] < 1 || a.size[0] > 65536 || a.size[1] > 65536)
      return Fault{Kind::attribute_out_of_range, "size is two positive numbers"};
    if (a.sampling < 0 || a.sampling > 4096)
      return Fault{Kind::attribute_out_of_range, "sampling is " + std::to_string(a.sampling)};
    return std::vector{Type{DType::f32, {rois.shape[0], a.size[0], a.size[1], x.shape[3]}}};
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Shape& xs = in[0].type->shape;
    const auto x = in[0].as<float>(), rois = in[1].as<float>(), y = out[0].as<float>();
    const Elements image_of(in[2]);
    std::size_t at = 0;
    for (std::int64_t r = 0; r < in[1].type->shape[0]; ++r) {
      double corner[4];
      for (int k = 0; k < 4; ++k)
        corner[k] =
            static_cast<double>(rois[static_cast<std::size_t>(r * 4 + k)]) * static_cast<double>(a.scale) -
            (a.half_pixel ? 0.5 : 0.0);
      Wide image = image_of.get_int(r);
      if (image < 0) image += xs[0];
      image = std::clamp<Wide>(image, 0, xs[0] - 1);
      double size[2] = {corner[3] - corner[1], corner[2] - corner[0]};
      for (int k = 0; k < 2; ++k) {
        if (!a.half_pixel) size[k] = std::max(size[k], 1.0);
        size[k] /= static_cast<double>(a.size[static_cast<std::size_t>(k)]);
      }
      std::int64_t samples[2];
      for (int k = 0; k < 2; ++k)
        samples[k] = a.sampling > 0 ? a.sampling
                     : size[k] > 0  ? static_cast<std::int64_t>(std::min(std::ceil(size[k]), 4096.0))
                                    : 0;
      for (std::int64_t i = 0; i < a.size[0]; ++i)
        for (std::int64_t j = 0; j < a.size[1]; ++j)
          for (std::int64_t c = 0; c < xs[3]; ++c) {
            double sum = 0, largest = -INFINITY;
            for (std::int64_t s = 0; s < samples[0] * samples[1]; ++s) {
              const double place[2] = {
                  corner[1] + (static_cast<double>(i) + (static_cast<double>(s / samples[1]) + 0.5) /
                                                            static_cast<double>(samples[0])) *
                                  size[0],
                  corner[0] + (static_cast<double>(j) + (static_cast<double>(s % samples[1]) + 0.5) /
                                                            static_cast<double>(samples[1])) *
                                  size[1]};
              for (int k = 0; k < 4; ++k) {  // the pixel above or below, left or right
                double weight = 1;
                std::int64_t pixel[2];
                for (int axis = 0; axis < 2; ++axis) {
                  const auto length = static_cast<double>(xs[static_cast<std::size_t>(axis) + 1]);
                  const bool is_second = (axis == 0 ? k / 2 : k % 2) == 1;
                  const double p = std::clamp(place[axis], 0.0, length - 1),
                               low = std::min(std::floor(p), length - 1);
                  pixel[axis] = static_cast<std::int64_t>(is_second ? std::min(low + 1, length - 1) : low);
                  weight *= is_second ? p - low : 1 - (p - low);
                  if (!(place[axis] >= -1 && place[axis] <= length)) weight = 0;
                }
                const auto from = static_cast<std::size_t>(
                    ((static_cast<std::int64_t>(image) * xs[1] + pixel[0]) * xs[2] + pixel[1]) * xs[3] + c);
                sum += weight * static_cast<double>(x[from]);
                largest = std::max(largest, weight * static_cast<double>(x[from]));
              }
            }
            const auto count = static_cast<double>(std::max<std::int64_t>(samples[0] * samples[1], 1));
            y[at++] = static_cast<float>(!a.is_max ? sum / count : std::isinf(largest) ? 0.0 : largest);
          }
    }
  }

  static std::int64_t macs(const Operation& op) {
    const std::int64_t samples = std::max<std::int64_t>(op.attrs<Attrs>().sampling, 1);
    return op.out[0]->elements() * samples * samples * 4;
  }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Shape& x = op.in[0]->shape;
    Lowered l{.function = "roi_align", .params_type = "RoiAlign"};
    l.params = {{"images", std::to_string(x[0])},
                {"height", std::to_string(x[1])},
                {"width", std::to_string(x[2])},
                {"channels", std::to_string(x[3])},
                {"regions", std::to_string(op.in[1]->shape[0])},
                {"bins_h", std::to_string(a.size[0])},
                {"bins_w", std::to_string(a.size[1])},
                {"sampling", std::to_string(a.sampling)},
                {"is_max", a.is_max ? "true" : "false"},
                {"half_pixel", a.half_pixel ? "true" : "false"},
                {"scale", float_literal(a.scale)}};
    l.arguments = {input_arg(0), input_arg(1), input_arg(2), output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {
        {"roi_align", "roi_align/roi_align.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,6,7,3]; f32[3,4]; i64[3]", "size=[2,3], sampling=2, scale=3"},
            {"f32[1,6,7,1]; f32[2,4]; i32[2]", "size=[2,2], half_pixel=false, is_max=true, scale=4"},
            {"f32[1,6,7]; f32[2,4]; i32[2]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_roi_align() { return {define<RoiAligning>()}; }

}  // namespace nb
