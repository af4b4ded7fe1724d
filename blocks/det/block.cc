// det: all there is to know about it. The kernel's header lies beside.
#include <algorithm>
#include <cmath>
#include <utility>

#include "blocks/blocks.h"

namespace nb {
namespace {

struct Determinant {
  static constexpr std::string_view name = "det";
  static constexpr std::string_view doc = "y[...] = the determinant of the matrix x[..., :, :]";
  using Attrs = NoAttrs;
  static constexpr auto fields = kNoFields;
  static constexpr std::array inputs = {Operand{"x", kFloats}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    if (x.rank() < 2 || x.shape.back() != x.shape[x.shape.size() - 2])
      return Fault{Kind::shape_mismatch, type_text(x) + " is not [..., n, n]"};
    return std::vector{Type{DType::f32, {x.shape.begin(), x.shape.end() - 2}}};
  }
  static void reference(const Operation&, std::span<const TensorView> in, std::span<const TensorView> out) {
    const auto n = static_cast<std::size_t>(in[0].type->shape.back());
    const auto x = in[0].as<float>(), y = out[0].as<float>();
    for (std::size_t m = 0; m < y.size(); ++m) {
      std::vector<double> a(x.begin() + static_cast<std::ptrdiff_t>(m * n * n),
                            x.begin() + static_cast<std::ptrdiff_t>((m + 1) * n * n));
      double product = 1;
      for (std::size_t k = 0; k < n && product != 0; ++k) {
        std::size_t pivot = k;
        for (std::size_t i = k; i < n; ++i)
          if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
        if (pivot != k) product = -product;
        for (std::size_t j = 0; j < n; ++j) std::swap(a[k * n + j], a[pivot * n + j]);
        product *= a[k * n + k];
        for (std::size_t i = k + 1; i < n && product != 0; ++i)
          for (std::size_t j = n; j-- > k;) a[i * n + j] -= a[i * n + k] / a[k * n + k] * a[k * n + j];
      }
      y[m] = static_cast<float>(product);
    }
  }
  static std::int64_t macs(const Operation& op) {
    const std::int64_t n = op.in[0]->shape.back();
    return op.out[0]->elements() * n * n * n / 3;
  }
  static Lowered lower(const Operation& op, const Core&) {
    const std::int64_t n = op.in[0]->shape.back();
    Lowered l{.function = "det", .params_type = "Det"};
    l.params = {{"count", std::to_string(op.out[0]->elements())}, {"size", std::to_string(n)}};
    l.arguments = {input_arg(0), output_arg(0), scratch_arg("float")};
    l.scratch_bytes = std::max<std::int64_t>(n * n, 1) * 4;
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"det", "det/det.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,4,4]"}, {"f32[1,1]"}, {"f32[3,4]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_det() { return {define<Determinant>()}; }

}  // namespace nb
