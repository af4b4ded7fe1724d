// grid_sample: all there is to know about it. The kernel's header lies beside.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/grid_sample/attributes.h"

namespace nb {
namespace {

double mirrored(double x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return low;
  double phase = std::fmod(x - low, 2 * range);
  if (phase < 0) phase += 2 * range;
  return low + (phase <= range ? phase : 2 * range - phase);
}

struct GridSampling {
  static constexpr std::string_view name = "grid_sample";
  static constexpr std::string_view doc =
      "y[n, p..., c] = x[n, ..., c] interpolated at grid[n, p...] = (column, row, ...), -1 to 1 across the "
      "image";
  using Attrs = GridSampleAttrs;
  static constexpr auto fields = kGridSampleFields;
  static constexpr std::array inputs = {Operand{"x", kFloats}, Operand{"grid", kFloats}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type &x = *op.in[0], &grid = *op.in[1];
    const int spatial = x.rank() - 2;
    if (spatial < 1 || spatial > 3 || grid.rank() < 2 || grid.shape.back() != spatial ||
        grid.shape[0] != x.shape[0])
      return Fault{Kind::shape_mismatch, "no grid over " + type_text(x) + " is " + type_text(grid),
                   "x is [N, 1 to 3 spatial axes, C], grid [N, ..., as many coordinates]"};
    if (x.elements() == 0 && grid.elements() != 0)
      return Fault{Kind::shape_mismatch, type_text(x) + " has nothing to sample"};
    Shape shape(grid.shape.begin(), grid.shape.end() - 1);
    shape.push_back(x.shape.back());
    return std::vector{Type{DType::f32, std::move(shape)}};
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Shape& xs = in[0].type->shape;
    const std::size_t axes = xs.size() - 2;
    const std::int64_t channels = xs.back(), batch = xs[0],
                       points = in[1].type->elements() /
                                std::max<std::int64_t>(static_cast<std::int64_t>(axes) * batch, 1),
                       image = element_count(std::span(xs).subspan(1));
    const auto x = in[0].as<float>(), grid = in[1].as<float>(), y = out[0].as<float>();
    const std::int64_t taps = a.mode == SampleMode::nearest ? 1 : a.mode == SampleMode::linear ? 2 : 4;
    std::int64_t combinations = 1;
    for (std::size_t k = 0; k < axes; ++k) combinations *= taps;
    for (std::int64_t p = 0; p < batch * points; ++p)
      for (std::int64_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (std::int64_t combination = 0; combination < combinations; ++combination) {
          std::int64_t rest = combination, from = 0;
          double weight = 1;
          for (std::size_t k = 0; k < axes; ++k) {
            const auto length = static_cast<double>(xs[k + 1]);
            const double g = static_cast<double>(grid[static_cast<std::size_t>(p) * axes + axes - 1 - k]);
            const double low = a.align_corners ? 0 : -0.5, high = a.align_corners ? length - 1 : length - 0.5;
            double at = a.align_corners ? (g + 1) / 2 * (length - 1) : ((g + 1) * length - 1) / 2;
            if (a.mode == SampleMode::nearest) at = std::nearbyint(at);
            if (a.padding == SamplePadding::border && (at < low || at > high))
              at = std::clamp(at, 0.0, length - 1);
            if (a.padding == SamplePadding::reflection) at = mirrored(at, low, high);
            if (!(at > -4)) at = -4;
            at = std::min(at, length + 4);
            double pixel = std::floor(at) + static_cast<double>(rest % taps) - (taps == 4 ? 1 : 0);
            rest /= taps;
            const double d = std::fabs(at - pixel);
            if (a.mode == SampleMode::linear) weight *= 1 - d;
            if (a.mode == SampleMode::cubic)
              weight *= d <= 1 ? (1.25 * d - 2.25) * d * d + 1 : ((-0.75 * d + 3.75) * d - 6) * d + 3;
            if (a.padding == SamplePadding::zeros && (pixel < 0 || pixel >= length)) weight = 0;
            if (a.padding == SamplePadding::reflection) pixel = std::trunc(mirrored(pixel, low, high));
            from = from * xs[k + 1] + static_cast<std::int64_t>(std::clamp(pixel, 0.0, length - 1));
          }
          const auto at = static_cast<std::size_t>(p / points * image + from * channels + c);
          if (weight != 0) sum += weight * static_cast<double>(x[at]);
        }
        y[static_cast<std::size_t>(p * channels + c)] = static_cast<float>(sum);
      }
  }

  static std::int64_t macs(const Operation& op) {
    const SampleMode mode = op.attrs<Attrs>().mode;
    std::int64_t taps = 1;
    for (int k = 0; k < op.in[0]->rank() - 2; ++k) taps *= mode == SampleMode::linear ? 2 : 4;
    return mode == SampleMode::nearest ? 0 : op.out[0]->elements() * taps;
  }

  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Shape& x = op.in[0]->shape;
    const std::int64_t axes = static_cast<std::int64_t>(x.size()) - 2;
    Lowered l{.function = "grid_sample", .params_type = "GridSample<" + std::to_string(axes) + ">"};
    l.params = {{"batch", std::to_string(x[0])},
                {"points", std::to_string(op.in[1]->elements() / std::max<std::int64_t>(axes * x[0], 1))},
                {"channels", std::to_string(x.back())},
                {"sizes", list_text(std::span(x).subspan(1, static_cast<std::size_t>(axes)))},
                {"mode", std::to_string(static_cast<int>(a.mode))},
                {"padding", std::to_string(static_cast<int>(a.padding))},
                {"align_corners", a.align_corners ? "true" : "false"}};
    l.arguments = {input_arg(0), input_arg(1), output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"grid_sample", "grid_sample/grid_sample.h", [](const Operation&, const Core&) { return true; },
             lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,4,5,3]; f32[2,3,2,2]"},
            {"f32[1,4,5,3]; f32[1,6,2]", "mode=nearest, padding=border, align_corners=true"},
            {"f32[1,4,5,2]; f32[1,3,3,2]", "mode=cubic, padding=reflection"},
            {"f32[1,6,2]; f32[1,4,1]", "padding=reflection, align_corners=true"},
            {"f32[1,2,3,4,2]; f32[1,5,3]", "padding=border"},
            {"f32[1,4,5,3]; f32[1,6,3]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_grid_sample() { return {define<GridSampling>()}; }

}  // namespace nb
