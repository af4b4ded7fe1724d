// reshape: all there is to know about it.
#include <cstring>

#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/reshape/attributes.h"

namespace nb {
namespace {

struct Reshape {
  static constexpr std::string_view name = "reshape";
  static constexpr std::string_view doc =
      "y = the elements of x in the same order under another shape, the same memory";
  using Attrs = ReshapeAttrs;
  static constexpr auto fields = kReshapeFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    Type y{x.dtype, op.attrs<Attrs>().shape, x.quantization};
    if (!shape_fault(y.shape, y.dtype).empty() || y.elements() != x.elements())
      return Fault{Kind::shape_mismatch,
                   type_text(x) + " does not have the elements of " + shape_text(y.shape)};
    // A scale an index stays only if its axis keeps its elements: as many before it, as many along it.
    if (y.quantization && y.quantization->is_per_axis() && x.elements() > 0) {
      const auto axis = static_cast<std::size_t>(x.quantization->axis);
      const std::int64_t before = element_count(std::span(x.shape).first(axis));
      int moved = -1;
      std::int64_t outer = 1;
      for (std::size_t i = 0; i < y.shape.size(); outer *= y.shape[i++])
        if (outer == before && y.shape[i] == x.shape[axis]) moved = static_cast<int>(i);
      if (moved < 0)
        return Fault{Kind::unsupported_feature, "the quantized axis of " + type_text(x) +
                                                    " is torn by reshaping to " + shape_text(y.shape)};
      y.quantization->axis = moved;
    }
    return std::vector{std::move(y)};
  }
  static void reference(const Operation&, std::span<const TensorView> in, std::span<const TensorView> out) {
    if (const auto size = static_cast<std::size_t>(in[0].type->size_bytes()); size > 0)
      std::memcpy(out[0].data, in[0].data, size);
  }
  /// The last axis stays, or takes in axes before it.
  static ChannelFlow channel_flow(const Operation& op, OperandIntervals in) {
    const Type &x = *op.in[0], &y = *op.out[0];
    if (x.rank() == 0 || y.rank() == 0 || x.shape.back() == 0 || y.shape.back() % x.shape.back() != 0)
      return {};
    ChannelFlow flow{.form = ChannelFlow::Form::keeps, .sources = {{}}, .shape_attribute = "shape"};
    for (std::int64_t c = 0; c < y.shape.back(); ++c) {
      flow.sources[0].push_back(c % x.shape.back());
      if (!in[0].empty()) flow.out.push_back(in[0][c % x.shape.back()]);
    }
    return flow;
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static std::vector<Kernel> kernels() {
    return {{"reshape_view", "", [](const Operation&, const Core&) { return true; },
             [](const Operation&, const Core&) { return Lowered{}; }}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,3,4]", "shape=[6,4]"},
            {"i8[1,2,2,3] q(0.5,-1)", "shape=[1,12]"},
            {"i64[1]", "shape=[]"},
            {"f32[2,3]", "shape=[4,2]", "", "shape-mismatch"},
            {"f32[2,3]", "shape=[-1]", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_reshape() { return {define<Reshape>()}; }

}  // namespace nb
