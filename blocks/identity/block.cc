// identity: all there is to know about it.
#include <cstring>

#include "blocks/blocks.h"

namespace nb {
namespace {

struct Identity {
  static constexpr std::string_view name = "identity";
  static constexpr std::string_view doc = "y = x, the same memory";
  using Attrs = NoAttrs;
  static constexpr auto fields = kNoFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) { return std::vector{*op.in[0]}; }
  static void reference(const Operation&, std::span<const TensorView> in, std::span<const TensorView> out) {
    if (const auto size = static_cast<std::size_t>(in[0].type->size_bytes()); size > 0)
      std::memcpy(out[0].data, in[0].data, size);
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static std::vector<Kernel> kernels() {
    return {{"identity_view", "", [](const Operation&, const Core&) { return true; },
             [](const Operation&, const Core&) { return Lowered{}; }}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,3]"}, {"i8[4] q(0.5,-1)"}, {"f32[]; f32[]", "", "", "invalid-model"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_identity() { return {define<Identity>()}; }

}  // namespace nb
