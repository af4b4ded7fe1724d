// dft: all there is to know about it. The kernel's header lies beside.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "blocks/blocks.h"
#include "blocks/dft/attributes.h"
#include "blocks/elements.h"

namespace nb {
namespace {

struct FourierTransform {
  static constexpr std::string_view name = "dft";
  static constexpr std::string_view doc =
      "y[.., k, .., :] = sum over t of x[.., t, .., :] * e^(-2 pi i k t / length) along an axis; the last "
      "axis is 2 "
      "(real and imaginary part) or 1 (real)";
  using Attrs = DftAttrs;
  static constexpr auto fields = kDftFields;
  static constexpr std::array inputs = {Operand{"x", kFloats}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  struct Plan {
    std::int64_t outer, inner, in_size, in_parts, out_size, out_parts, length;
  };
  static Checked<Plan> plan_of(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const auto axis = checked_axis(a.axis, x.rank());
    if (!axis) return axis.fault();
    const std::int64_t parts = x.rank() < 2 ? 0 : x.shape.back();
    if ((parts != 1 && parts != 2) || *axis == x.rank() - 1)
      return Fault{Kind::shape_mismatch,
                   "axis " + std::to_string(*axis) + " of " + type_text(x) + " is no signal",
                   "the last axis is 1 (real) or 2 (complex), and is not transformed"};
    const AxisSplit s = split_at(x.shape, *axis);
    const bool gives_real = a.inverse && a.onesided;
    const std::int64_t length = a.length != 0 ? a.length : gives_real ? 2 * (s.size - 1) : s.size;
    if (length < 1 || length > (std::int64_t{1} << 20))
      return Fault{Kind::attribute_out_of_range, "a transform of length " + std::to_string(length)};
    const bool halves = a.onesided && !a.inverse;
    return Plan{s.outer, s.inner / parts, s.size, parts, halves ? length / 2 + 1 : length, gives_real ? 1 : 2,
                length};
  }
  /// Odd primes, then at most one two, then fours: half the sampling rate, where the turns are +1 and -1,
  /// stays exact. An inverse takes the even factors first, as numpy does, so that both round alike.
  static Shape factors_of(std::int64_t length, bool inverse) {
    Shape even, odd;
    for (; length % 4 == 0; length /= 4) even.push_back(4);
    if (length % 2 == 0) {
      even.insert(even.begin(), 2);
      length /= 2;
    }
    for (std::int64_t prime = 3; prime * prime <= length; prime += 2)
      for (; length % prime == 0; length /= prime) odd.push_back(prime);
    if (length > 1) odd.push_back(length);
    Shape &first = inverse ? even : odd, &last = inverse ? odd : even;
    first.insert(first.end(), last.begin(), last.end());
    return first;
  }
  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto plan = plan_of(op);
    if (!plan) return plan.fault();
    Shape shape = op.in[0]->shape;
    shape[static_cast<std::size_t>(*checked_axis(op.attrs<Attrs>().axis, op.in[0]->rank()))] = plan->out_size;
    shape.back() = plan->out_parts;
    return std::vector{Type{DType::f32, std::move(shape)}};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Plan p = *plan_of(op);
    const auto x = in[0].as<float>(), y = out[0].as<float>();
    const bool mirrors = a.inverse && a.onesided;
    for (std::int64_t o = 0; o < p.outer; ++o)
      for (std::int64_t j = 0; j < p.inner; ++j)
        for (std::int64_t k = 0; k < p.out_size; ++k) {
          double re = 0, im = 0;
          for (std::int64_t t = 0; t < p.length; ++t) {
            const bool is_mirrored = mirrors && 2 * t > p.length;
            const std::int64_t from = is_mirrored ? p.length - t : t;
            if (from >= p.in_size) continue;
            const auto at = static_cast<std::size_t>(((o * p.in_size + from) * p.inner + j) * p.in_parts);
            const double xr = static_cast<double>(x[at]);
            double xi = p.in_parts == 2 ? static_cast<double>(x[at + 1]) : 0.0;
            if (is_mirrored) xi = -xi;
            if (mirrors && (t == 0 || 2 * t == p.length)) xi = 0;
            const double angle = (a.inverse ? 2 : -2) * std::numbers::pi *
                                 static_cast<double>(k * t % p.length) / static_cast<double>(p.length);
            re += xr * std::cos(angle) - xi * std::sin(angle);
            im += xr * std::sin(angle) + xi * std::cos(angle);
          }
          const double factor = a.inverse ? 1.0 / static_cast<double>(p.length) : 1.0;
          const auto to = static_cast<std::size_t>(((o * p.out_size + k) * p.inner + j) * p.out_parts);
          y[to] = static_cast<float>(re * factor);
          if (p.out_parts == 2) y[to + 1] = static_cast<float>(im * factor);
        }
  }
  static std::int64_t macs(const Operation& op) {
    const Plan p = *plan_of(op);
    std::int64_t steps = 0;
    for (const std::int64_t factor : factors_of(p.length, op.attrs<Attrs>().inverse)) steps += factor;
    return p.outer * p.inner * p.length * steps * 2;
  }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Plan p = *plan_of(op);
    const Shape factors = factors_of(p.length, a.inverse);
    Lowered l{.function = "dft", .params_type = "Dft"};
    l.params = {{"outer", std::to_string(p.outer)},
                {"inner", std::to_string(p.inner)},
                {"in_size", std::to_string(p.in_size)},
                {"in_parts", std::to_string(p.in_parts)},
                {"out_size", std::to_string(p.out_size)},
                {"out_parts", std::to_string(p.out_parts)},
                {"length", std::to_string(p.length)},
                {"inverse", a.inverse ? "true" : "false"},
                {"mirrors", a.inverse && a.onesided ? "true" : "false"},
                {"factors", list_text(factors)}};
    std::vector<float> turns;
    for (std::int64_t k = 0; k < p.length; ++k) {
      const double angle =
          (a.inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(k) / static_cast<double>(p.length);
      turns.push_back(static_cast<float>(std::cos(angle)));
      turns.push_back(static_cast<float>(std::sin(angle)));
    }
    l.constants = {{"turns", DType::f32, to_bytes(turns), "cosine and sine of each step of the circle"}};
    l.arguments = {input_arg(0), constant_arg(0), output_arg(0), scratch_arg("float")};
    const std::int64_t largest = factors.empty() ? 1 : *std::max_element(factors.begin(), factors.end());
    l.scratch_bytes = (p.length + largest) * 2 * 8;
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"dft", "dft/dft.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,16,1]", "onesided=true"},
            {"f32[2,10,3,2]", "axis=1"},
            {"f32[2,5,2]", "axis=1, inverse=true, onesided=true"},
            {"f32[1,6,2]", "inverse=true, length=9"},
            {"f32[1,20,1]", "length=8"},
            {"f32[1,60,2]", "inverse=true"},
            {"f32[1,77,1]"},
            {"f32[4,3]", "axis=0", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_dft() { return {define<FourierTransform>()}; }

}  // namespace nb
