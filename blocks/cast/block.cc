// cast: all there is to know about it.
#include <cstring>

#include "blocks/blocks.h"
#include "blocks/cast/attributes.h"
#include "blocks/elements.h"

namespace nb {
namespace {

struct CastBlock {
  static constexpr std::string_view name = "cast";
  static constexpr std::string_view doc =
      "y[i] = x[i] as another dtype: floats are truncated and saturate in integers, anything but 0 is true";
  static constexpr bool is_elementwise = true;
  using Attrs = CastAttrs;
  static constexpr auto fields = kCastFields;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    const DType to = op.attrs<Attrs>().to;
    return std::vector{Type{to, x.shape, to == x.dtype ? x.quantization : std::nullopt}};
  }
  static void reference(const Operation&, std::span<const TensorView> in, std::span<const TensorView> out) {
    const Elements x(in[0]), y(out[0]);
    for (std::int64_t i = 0; i < in[0].type->elements(); ++i)
      if (x.dtype == y.dtype)
        y.copy(i, x, i);
      else if (is_float(x.dtype))
        y.put(i, x.get(i));
      else
        y.put_int(i, x.get_int(i));
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }

  /// The type's name in cast/cast.h.
  static std::string name_of(DType dtype) {
    switch (dtype) {
      case DType::f16:
        return "nb::Half";
      case DType::bf16:
        return "nb::Bfloat16";
      case DType::boolean:
        return "nb::Boolean";
      default:
        return std::string(dtype_c_name(dtype));
    }
  }
  static Lowered lower(const Operation& op, const Core&) {
    const DType from = op.in[0]->dtype, to = op.out[0]->dtype;
    Lowered l{.function = "cast<" + name_of(from) + ", " + name_of(to) + ">", .params_type = "Cast"};
    l.params = {{"count", std::to_string(op.in[0]->elements())}};
    l.arguments = {input_arg(0), output_arg(0)};
    if (dtype_bytes(from) == dtype_bytes(to)) l.in_place = {{0, 0}};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"cast_view", "",
             [](const Operation& op, const Core&) { return op.in[0]->dtype == op.out[0]->dtype; },
             [](const Operation&, const Core&) { return Lowered{}; }},
            {"cast", "cast/cast.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    std::vector<Sample> all;
    for (const char* to :
         {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "bool", "f64", "f16", "bf16"})
      all.push_back({"f32[3,5]", "to=" + std::string(to)});
    for (const char* from :
         {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "bool", "f64", "f16", "bf16"})
      all.push_back({std::string(from) + "[3,5]", "to=f32"});
    all.push_back({"i64[7]", "to=i32"});
    all.push_back({"i32[7]", "to=bool"});
    all.push_back({"bool[7]", "to=i64"});
    all.push_back({"f64[7]", "to=i64"});
    all.push_back({"f16[7]", "to=i8"});
    all.push_back({"f32[7]", "to=f32"});
    all.push_back({"f32[2]; f32[2]", "to=i8", "", "invalid-model"});
    return all;
  }
};

struct BitCastBlock {
  static constexpr std::string_view name = "bit_cast";
  static constexpr std::string_view doc =
      "the bits of x[i] as another dtype of the same size: the same memory";
  using Attrs = CastAttrs;
  static constexpr auto fields = kCastFields;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    const DType to = op.attrs<Attrs>().to;
    if (dtype_bytes(to) != dtype_bytes(x.dtype))
      return Fault{Kind::dtype_mismatch,
                   "the bits of " + type_text(x) + " cannot be " + std::string(dtype_name(to)),
                   "both need the same size"};
    return std::vector{Type{to, x.shape}};
  }
  static void reference(const Operation&, std::span<const TensorView> in, std::span<const TensorView> out) {
    if (const auto size = static_cast<std::size_t>(in[0].type->size_bytes()); size > 0)
      std::memcpy(out[0].data, in[0].data, size);
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static std::vector<Kernel> kernels() {
    return {{"bit_cast_view", "", [](const Operation&, const Core&) { return true; },
             [](const Operation&, const Core&) { return Lowered{}; }}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[3,5]", "to=i32"}, {"bool[7]", "to=u8"}, {"f32[2]", "to=i16", "", "dtype-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_cast() { return {define<CastBlock>(), define<BitCastBlock>()}; }

}  // namespace nb
