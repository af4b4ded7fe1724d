// pad: all there is to know about it.
#include <algorithm>
#include <cstring>

#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/elements.h"
#include "blocks/pad/attributes.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

struct PadBlock {
  static constexpr std::string_view name = "pad";
  static constexpr std::string_view doc =
      "y = x with before[k] and after[k] elements added along axis k: a constant, or elements of x";
  using Attrs = PadAttrs;
  static constexpr auto fields = kPadFields;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    if (a.before.size() != x.shape.size() || a.after.size() != x.shape.size())
      return Fault{Kind::attribute_out_of_range,
                   "before and after need one number an axis of " + type_text(x)};
    Type y = x;
    for (std::size_t i = 0; i < x.shape.size(); ++i) {
      const bool fits = std::max(std::abs(a.before[i]), std::abs(a.after[i])) <= kMaxTensorBytes;
      y.shape[i] = fits ? x.shape[i] + a.before[i] + a.after[i] : -1;
      if (y.shape[i] < 0)
        return Fault{Kind::attribute_out_of_range, "padding " + std::to_string(a.before[i]) + " and " +
                                                       std::to_string(a.after[i]) + " of axis " +
                                                       std::to_string(i) + " of " + type_text(x)};
      if (x.shape[i] == 0 && y.shape[i] > 0 && a.mode != PadMode::constant)
        return Fault{Kind::shape_mismatch,
                     type_text(x) + " has no element to repeat along axis " + std::to_string(i)};
    }
    if (y.quantization && y.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "pad of " + type_text(x) + " with a scale per index"};
    return std::vector{std::move(y)};
  }

  /// Zero is a number of every quantized type; another constant is rounded to one.
  static QuantizedForm quantized_form(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const bool is_exact = a.mode != PadMode::constant || a.value == 0.0f;
    return is_exact ? QuantizedForm::moves : QuantizedForm::bounds;
  }

  /// The constant's bits.
  static std::uint64_t fill_bits(const Operation& op) {
    const Type& x = *op.in[0];
    std::uint64_t bits = 0;
    const TensorView view{&x, reinterpret_cast<std::byte*>(&bits)};
    const float value = op.attrs<Attrs>().value;
    if (is_quantized_int(x))
      Elements(view).put_int(0, quantize_value(x, value));
    else
      Elements(view).put(0, static_cast<double>(value));
    return bits;
  }
  static std::int64_t source(PadMode mode, std::int64_t i, std::int64_t size) {
    if (i >= 0 && i < size) return i;
    if (mode == PadMode::constant) return -1;
    if (mode == PadMode::edge) return std::clamp<std::int64_t>(i, 0, size - 1);
    // Walks back and forth (or around) until inside.
    const std::int64_t skip = mode == PadMode::reflect ? 1 : 0;
    if (mode == PadMode::reflect && size == 1) return 0;
    while (i < 0 || i >= size) {
      if (mode == PadMode::wrap)
        i += i < 0 ? size : -size;
      else
        i = i < 0 ? -i - 1 + skip : 2 * size - 1 - skip - i;
    }
    return i;
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Elements x(in[0]), y(out[0]);
    const Shape& shape = out[0].type->shape;
    const Shape steps = row_major(in[0].type->shape);
    const std::uint64_t fill = fill_bits(op);
    const auto size = static_cast<std::int64_t>(dtype_bytes(y.dtype));
    Shape index(shape.size(), 0);
    for (std::int64_t at = 0; at < out[0].type->elements(); ++at) {
      std::int64_t from = 0;
      for (std::size_t k = 0; k < shape.size() && from >= 0; ++k) {
        const std::int64_t i = source(a.mode, index[k] - a.before[k], in[0].type->shape[k]);
        from = i < 0 ? -1 : from + i * steps[k];
      }
      if (from < 0)
        std::memcpy(y.data + at * size, &fill, static_cast<std::size_t>(size));
      else
        y.copy(at, x, from);
      for (std::size_t k = shape.size(); k-- > 0;) {
        if (++index[k] < shape[k]) break;
        index[k] = 0;
      }
    }
  }
  static ChannelFlow channel_flow(const Operation& op, OperandIntervals in) {
    const auto& a = op.attrs<Attrs>();
    if (op.in[0]->rank() == 0 || a.before.back() != 0 || a.after.back() != 0) return {};
    ChannelFlow flow = same_channels(op, in[0]);
    if (a.mode != PadMode::constant || flow.out.empty()) return flow;
    const std::uint64_t bits = fill_bits(op);
    Type one = *op.in[0];
    const auto fill = static_cast<std::int64_t>(
        Elements({&one, const_cast<std::byte*>(reinterpret_cast<const std::byte*>(&bits))}).get_int(0));
    for (Interval& x : flow.out) x = merged(x, {fill, fill});
    return flow;
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }

  static Lowered lower_constant(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Type &x = *op.in[0], &y = *op.out[0];
    const Shape in_steps = row_major(x.shape), out_steps = row_major(y.shape);
    Shape kept;
    std::int64_t in_begin = 0, out_begin = 0;
    for (std::size_t i = 0; i < x.shape.size(); ++i) {
      const std::int64_t first = std::max<std::int64_t>(0, -a.before[i]);
      const std::int64_t last = x.shape[i] + std::min<std::int64_t>(0, a.after[i]);
      kept.push_back(std::max<std::int64_t>(0, last - first));
      in_begin += first * in_steps[i];
      out_begin += std::max<std::int64_t>(0, a.before[i]) * out_steps[i];
    }
    if (element_count(kept) == 0) in_begin = out_begin = 0;
    const auto nest = loop_nest(kept, {in_steps, out_steps});
    const std::string bytes = bytes_literal(x.dtype);
    Lowered l{.function = "pad", .params_type = "Pad<" + bytes + ", " + std::to_string(nest.size()) + ">"};
    l.params = {{"fill", std::to_string(fill_bits(op)) + "u"},
                {"count", std::to_string(y.elements())},
                {"in_begin", std::to_string(in_begin)},
                {"out_begin", std::to_string(out_begin)},
                {"axes", loop_text(nest)}};
    l.arguments = {input_arg(0), output_arg(0)};
    return l;
  }
  static Lowered lower_mapped(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Type &x = *op.in[0], &y = *op.out[0];
    const Shape steps = row_major(x.shape);
    std::string axes;
    std::size_t rank = 0;
    const auto add = [&](Shape axis) { axes += (rank++ == 0 ? "" : ", ") + list_text(axis); };
    if (y.elements() == 0)
      add({0, 1, 0, 0});
    else
      for (std::size_t i = 0; i < x.shape.size(); ++i)
        if (y.shape[i] != 1 || x.shape[i] != 1) add({y.shape[i], x.shape[i], steps[i], a.before[i]});
    if (rank == 0) add({1, 1, 0, 0});
    Lowered l{.function = "pad_mapped<" + bytes_literal(x.dtype) + ">",
              .params_type = "PadMapped<" + std::to_string(rank) + ">"};
    l.params = {{"from", "nb::PadFrom::" + std::string(names_of(a.mode)[static_cast<std::size_t>(a.mode)])},
                {"axes", "{" + axes + "}"}};
    l.arguments = {input_arg(0), output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"pad_view", "",
             [](const Operation& op, const Core&) {
               const auto& a = op.attrs<Attrs>();
               return a.before == Shape(a.before.size(), 0) && a.after == a.before;
             },
             [](const Operation&, const Core&) { return Lowered{}; }},
            {"pad", "pad/pad.h",
             [](const Operation& op, const Core&) { return op.attrs<Attrs>().mode == PadMode::constant; },
             lower_constant},
            {"pad_mapped", "pad/pad.h",
             [](const Operation& op, const Core&) { return op.attrs<Attrs>().mode != PadMode::constant; },
             lower_mapped}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[1,3,4,2]", "before=[0,1,2,0], after=[0,0,1,0], value=1.5"},
            {"i8[1,3,4,2] q(0.1,-7)", "before=[0,1,1,0], after=[0,1,1,0]"},
            {"i8[2,3] q(0.1,-7)", "before=[1,1], after=[0,1], value=2"},
            {"i64[2,3]", "before=[1,-1], after=[-1,2], value=-3"},
            {"bool[3]", "before=[1], after=[1], value=1"},
            {"i16[4] q(0.1,0)", "before=[0], after=[0]"},
            {"f32[3,4]", "before=[2,3], after=[1,2], mode=reflect"},
            {"f32[3,1,4]", "before=[7,1,9], after=[8,2,11], mode=reflect"},
            {"f32[3,4]", "before=[5,3], after=[1,9], mode=symmetric"},
            {"i8[3,4] q(0.1,0)", "before=[2,3], after=[1,2], mode=edge"},
            {"i64[3,4]", "before=[2,-1], after=[1,9], mode=wrap"},
            {"f32[3,4]", "before=[2], after=[1,2]", "", "attribute-out-of-range"},
            {"f32[3,4]", "before=[-2,0], after=[-2,0]", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_pad() { return {define<PadBlock>()}; }

}  // namespace nb
