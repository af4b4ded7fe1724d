// attention: all there is to know about it.
#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/attention/attention.h"
#include "blocks/attention/attention_quantized.h"
#include "blocks/attention/attributes.h"
#include "blocks/attention_integers.h"
#include "blocks/blocks.h"
#include "blocks/elements.h"

namespace nb {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

struct AttentionBlock {
  static constexpr std::string_view name = "attention";
  static constexpr std::string_view doc =
      "y[b,h] = softmax(cap(scale * q[b,h] k[b,h/g]^T) + mask[b,h]) v[b,h/g], g query heads to one of k and "
      "v; "
      "a boolean mask hides where it is false, a float one is added; rows that see no key are 0 or what "
      "`blind` says. Tensors have four axes, in the order that the attributes say";
  using Attrs = AttentionAttrs;
  static constexpr auto fields = kAttentionFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr DTypeSet kElements{DType::f32, DType::i8, DType::i16};
  static constexpr std::array inputs = {
      Operand{"q", kElements}, Operand{"k", kElements}, Operand{"v", kElements},
      Operand{.name = "mask", .dtypes = kFloats | kBooleans, .arity = Arity::optional, .is_real = true}};
  static constexpr std::array outputs = {Operand{"y", kElements}};
  enum : std::size_t { kQ, kK, kV, kMask };

  static bool is_quantized(const Operation& op) { return !is_float(op.in[kQ]->dtype); }

  /// The dimensions of a tensor whose axes are in the order `axes`, as b, h, t, d.
  static Shape by_name(const Shape& shape, const std::string& axes) {
    Shape out;
    for (const char letter : std::string_view("bhtd")) out.push_back(shape[axes.find(letter)]);
    return out;
  }
  static std::string axes_of(const Attrs& a, std::size_t i) {
    return i == kQ ? a.q_axes : i == kK ? a.k_axes : a.v_axes;
  }

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    for (const auto& [field, axes, may_move_d] :
         {std::tuple{"q_axes", &a.q_axes, false}, std::tuple{"k_axes", &a.k_axes, true},
          std::tuple{"v_axes", &a.v_axes, true}, std::tuple{"y_axes", &a.y_axes, false}}) {
      std::string sorted = *axes;
      std::sort(sorted.begin(), sorted.end());
      if (sorted != "bdht" || (!may_move_d && axes->back() != 'd'))
        return Fault{Kind::attribute_out_of_range, std::string(field) + " is `" + *axes +
                                                       "`, not an order of b, h, t and d" +
                                                       (may_move_d ? "" : " that ends in d")};
    }
    for (const std::int64_t n : {a.left, a.right})
      if (n < -1) return Fault{Kind::attribute_out_of_range, "a window of " + std::to_string(n) + " keys"};
    constexpr std::int64_t kFarthest = std::int64_t{1} << 30;
    if (std::max(a.left, a.right) > kFarthest || std::abs(a.offset) > kFarthest)
      return Fault{Kind::attribute_out_of_range, "the window lies too far away"};
    if (!(a.softcap >= 0) || std::isinf(a.softcap))
      return Fault{Kind::attribute_out_of_range, "softcap is " + float_text(a.softcap)};
    std::array<Shape, 3> shapes;
    for (std::size_t i = kQ; i <= kV; ++i) {
      if (op.in[i]->rank() != 4)
        return Fault{Kind::shape_mismatch, "`" + std::string(inputs[i].name) + "` is " +
                                               type_text(*op.in[i]) + ", not of four axes"};
      shapes[i] = by_name(op.in[i]->shape, axes_of(a, i));
    }
    const auto& [q, k, v] = shapes;
    if (k[0] != q[0] || v[0] != q[0] || k[3] != q[3] || v[2] != k[2] || v[1] != k[1] || k[1] == 0 ||
        q[1] % k[1] != 0)
      return Fault{Kind::shape_mismatch, "q " + shape_text(q) + ", k " + shape_text(k) + " and v " +
                                             shape_text(v) + " (b, h, t, d) do not fit"};
    if (op.has(kMask)) {
      const Type scores{DType::f32, {q[0], q[1], q[2], k[2]}};
      const auto both = broadcast({&scores, op.in[kMask]});
      if (!both || *both != scores.shape)
        return Fault{Kind::shape_mismatch,
                     "the mask is " + type_text(*op.in[kMask]) + " for scores " + shape_text(scores.shape)};
    }
    for (const std::size_t i : {kK, kV})
      if (op.in[i]->dtype != op.in[kQ]->dtype)
        return Fault{Kind::dtype_mismatch, "q is " + type_text(*op.in[kQ]) + " and " +
                                               std::string(inputs[i].name) + " is " + type_text(*op.in[i])};
    if (is_quantized(op))
      if (auto fault = check_attention_integers(op, q[3], k[2])) return *fault;
    Shape y;
    for (const char letter : a.y_axes)
      y.push_back(letter == 'd' ? v[3] : q[std::string_view("bhtd").find(letter)]);
    return std::vector{Type{op.in[kQ]->dtype, std::move(y)}};
  }

  static AttentionSteps steps_of(const Shape& shape, const std::string& axes) {
    const Shape strides = by_name(row_major(shape), axes);
    const auto n = [&](std::size_t i) { return static_cast<std::int32_t>(strides[i]); };
    return {n(0), n(1), n(2), n(3)};
  }
  /// What kernel and reference share.
  static Attention params_of(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Shape q = by_name(op.in[kQ]->shape, a.q_axes), k = by_name(op.in[kK]->shape, a.k_axes),
                v = by_name(op.in[kV]->shape, a.v_axes);
    const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    Attention p{.batch = n(q[0]),
                .heads = n(q[1]),
                .group = n(q[1] / k[1]),
                .queries = n(q[2]),
                .keys = n(k[2]),
                .depth = n(q[3]),
                .value_depth = n(v[3]),
                .q = steps_of(op.in[kQ]->shape, a.q_axes),
                .k = steps_of(op.in[kK]->shape, a.k_axes),
                .v = steps_of(op.in[kV]->shape, a.v_axes),
                .y = steps_of(op.out[0]->shape, a.y_axes),
                .mask = {},
                .scale = a.scale,
                .softcap = a.softcap,
                .left = n(a.left),
                .right = n(a.right),
                .offset = n(a.offset),
                .blind = static_cast<std::int32_t>(a.blind)};
    if (op.has(kMask)) {
      const Shape strides = broadcast_strides(op.in[kMask]->shape, Shape{q[0], q[1], q[2], k[2]});
      p.mask = {n(strides[0]), n(strides[1]), n(strides[2]), n(strides[3])};
    }
    return p;
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Attention p = params_of(op);
    if (is_quantized(op)) return attention_reference(attention_integers(op, p), in, out);
    const Elements q(in[kQ]), k(in[kK]), v(in[kV]), y(out[0]);
    const double cap = static_cast<double>(p.softcap);
    std::vector<double> powers(static_cast<std::size_t>(p.keys));
    each_index(
        Shape{p.batch, p.heads, p.queries}, {Shape{1, 0, 0}, Shape{0, 1, 0}, Shape{0, 0, 1}}, [&](auto at) {
          const std::int64_t b = at[0], h = at[1], i = at[2];
          const KeyRange seen = keys_of_query(p, static_cast<std::int32_t>(i));
          double largest = kMinusInfinity, sum = 0;
          const std::int64_t row = b * p.mask.b + h * p.mask.h + i * p.mask.q;
          const bool is_blind = op.has(kMask) && !is_float(op.in[kMask]->dtype) && p.blind != kBlindZeros &&
                                hides_all(in[kMask].as<std::uint8_t>().data() + row, p.mask.k, seen);
          for (std::int64_t j = seen.begin; j < seen.end; ++j) {
            double score = 0;
            for (std::int64_t d = 0; d < p.depth; ++d)
              score += q.get(b * p.q.b + h * p.q.h + i * p.q.t + d * p.q.d) *
                       k.get(b * p.k.b + h / p.group * p.k.h + j * p.k.t + d * p.k.d);
            score *= static_cast<double>(p.scale);
            if (cap > 0) score = cap * std::tanh(score / cap);
            if (is_blind && p.blind == kBlindMean) score = 0;
            if (op.has(kMask) && !is_blind) {
              const Elements mask(in[kMask]);
              const std::int64_t place = row + j * p.mask.k;
              if (!is_float(mask.dtype))
                score = mask.get_int(place) != 0 ? score : kMinusInfinity;
              else
                score += mask.get(place);
            }
            powers[static_cast<std::size_t>(j)] = score;
            largest = std::max(largest, score);
          }
          for (std::int64_t j = seen.begin; j < seen.end; ++j) {
            double& power = powers[static_cast<std::size_t>(j)];
            power = power == kMinusInfinity ? 0 : std::exp(power - largest);
            sum += power;
          }
          for (std::int64_t d = 0; d < p.value_depth; ++d) {
            double mean = 0;
            for (std::int64_t j = seen.begin; j < seen.end; ++j)
              mean += powers[static_cast<std::size_t>(j)] *
                      v.get(b * p.v.b + h / p.group * p.v.h + j * p.v.t + d * p.v.d);
            y.put(b * p.y.b + h * p.y.h + i * p.y.t + d, sum == 0 ? 0 : mean / sum);
          }
        });
  }

  static std::int64_t macs(const Operation& op) {
    const Attention p = params_of(op);
    std::int64_t pairs = 0;
    for (std::int32_t i = 0; i < p.queries; ++i) {
      const KeyRange seen = keys_of_query(p, i);
      pairs += seen.end - seen.begin;
    }
    return pairs * p.batch * p.heads * (p.depth + p.value_depth);
  }

  /// The members that both parameter structs begin with.
  static std::vector<Param> geometry(const Attention& p) {
    const auto steps = [](const AttentionSteps& s) { return list_text(Shape{s.b, s.h, s.t, s.d}); };
    return {{"batch", std::to_string(p.batch)},
            {"heads", std::to_string(p.heads)},
            {"group", std::to_string(p.group)},
            {"queries", std::to_string(p.queries)},
            {"keys", std::to_string(p.keys)},
            {"depth", std::to_string(p.depth)},
            {"value_depth", std::to_string(p.value_depth)},
            {"q", steps(p.q)},
            {"k", steps(p.k)},
            {"v", steps(p.v)},
            {"y", steps(p.y)},
            {"mask", list_text(Shape{p.mask.b, p.mask.h, p.mask.q, p.mask.k})},
            {"left", std::to_string(p.left)},
            {"right", std::to_string(p.right)},
            {"offset", std::to_string(p.offset)},
            {"blind", std::to_string(p.blind)}};
  }
  static void allow_in_place(const Operation& op, Lowered& l) {
    const auto& a = op.attrs<Attrs>();
    if (a.q_axes == a.y_axes && op.in[kQ]->shape == op.out[0]->shape) l.in_place = {{0, 0}};
    l.in_place_alone = true;
  }

  static Lowered lower(const Operation& op, const Core&) {
    const Attention p = params_of(op);
    const bool is_bool = op.has(kMask) && !is_float(op.in[kMask]->dtype);
    Lowered l{.function = is_bool ? "attention<uint8_t>" : "attention<float>", .params_type = "Attention"};
    l.params = geometry(p);
    l.params.insert(l.params.end() - 4,
                    {{"scale", float_literal(p.scale)}, {"softcap", float_literal(p.softcap)}});
    l.arguments = {input_arg(kQ), input_arg(kK),
                   input_arg(kV), op.has(kMask) ? input_arg(kMask) : literal_arg("nullptr"),
                   output_arg(0), scratch_arg("float")};
    l.scratch_bytes = 4 * attention_scratch(p.queries, p.keys, p.depth);
    allow_in_place(op, l);
    return l;
  }
  static Lowered lower_quantized(const Operation& op, const Core& core) {
    const Attention shape = params_of(op);
    const AttentionIntegers integers = attention_integers(op, shape);
    // Helium reads keys where they lie.
    const bool keeps = op.in[kQ]->dtype == DType::i8 && !core.has_mve && shape.left < 0 && shape.right < 0 &&
                       attention_keeps(shape.queries, shape.keys, shape.depth, shape.value_depth,
                                       op.in[kQ]->elements() + op.in[kK]->elements() + op.in[kV]->elements());
    Lowered l{.function = attention_function(op, keeps), .params_type = "AttentionQuantized"};
    l.params = geometry(shape);
    add_attention_params(integers, l.params);
    l.constants = {{"powers", DType::u32, to_bytes(integers.table),
                    op.in[kQ]->dtype == DType::i8
                        ? "2^(-i / 128) in 2^-17, times 2^14, and its fall to the next in 2^-21"
                        : "2^(-i / 128) in 2^-31"}};
    if (!integers.mask.empty())
      l.constants.push_back(
          {"mask", DType::i32, to_bytes(integers.mask), "in the units of scaled scores; the lowest hides"});
    l.arguments = {input_arg(kQ),
                   input_arg(kK),
                   input_arg(kV),
                   !integers.mask.empty() ? constant_arg(1)
                   : op.has(kMask)        ? input_arg(kMask)
                                          : literal_arg("nullptr"),
                   constant_arg(0),
                   output_arg(0),
                   scratch_arg("int8_t")};
    l.scratch_bytes =
        attention_quantized_scratch(shape.queries, shape.keys, shape.depth, shape.value_depth, keeps);
    allow_in_place(op, l);
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"attention", "attention/attention.h",
             [](const Operation& op, const Core&) { return !is_quantized(op); }, lower},
            {"attention_quantized", "attention/attention_quantized.h",
             [](const Operation& op, const Core&) {
               return is_quantized(op) && op.out[0]->is_quantized() &&
                      attention_integers(op, params_of(op)).is_exact;
             },
             lower_quantized}};
  }
  static std::vector<Sample> samples() {
    return {
        {"f32[1,2,10,8]; f32[1,2,10,8]; f32[1,2,10,8]", "scale=0.35"},
        {"f32[2,9,2,4]; f32[2,2,4,13]; f32[2,13,2,11]; f32[9,13]",
         "scale=0.5, q_axes=\"bthd\", k_axes=\"bhdt\", v_axes=\"bthd\", y_axes=\"bthd\""},
        {"f32[2,4,3,5]; f32[2,2,17,5]; f32[2,2,17,6]; bool[2,1,1,17]", "scale=-0.4, softcap=1.5"},
        {"f32[2,2,5,4]; f32[2,2,9,4]; f32[2,2,9,3]; bool[2,1,5,1]", "scale=0.5, blind=mean, left=6"},
        {"f32[2,2,5,4]; f32[2,2,9,4]; f32[2,2,9,3]; bool[5,1]", "scale=-0.5, blind=unmasked"},
        {"i8[2,2,5,4] q(0.05,3); i8[2,2,9,4] q(0.04,-7); i8[2,2,9,3] q(0.03,11); bool[2,1,5,1]",
         "scale=0.5, blind=mean, left=6", "i8[2,2,5,3] q(0.02,-4)"},
        {"i8[2,2,5,4] q(0.05,3); i8[2,2,9,4] q(0.04,-7); i8[2,2,9,3] q(0.03,11); bool[5,1]",
         "scale=-0.5, blind=unmasked", "i8[2,2,5,3] q(0.02,-4)"},
        {"i16[2,2,5,4] q(0.0003,0); i16[2,2,9,4] q(0.0002,3); i16[2,2,9,3] q(0.0002,-50); bool[2,1,5,1]",
         "scale=-0.5, blind=mean", "i16[2,2,5,3] q(0.0001,5)"},
        {"f32[19,1,6,8]; f32[19,1,2,8]; f32[19,1,2,8]",
         "right=0, q_axes=\"tbhd\", k_axes=\"tbhd\", v_axes=\"tbhd\", y_axes=\"tbhd\""},
        {"f32[1,1,21,16]; f32[1,1,30,16]; f32[1,1,30,16]; f32[1,1,30]", "left=10, right=2, offset=9"},
        {"f32[1,1,12,3]; f32[1,1,4,3]; f32[1,1,4,1]", "left=2, right=0, offset=-4"},
        {"f32[1,1,1,8]; f32[1,1,40,8]; f32[1,1,40,8]"},
        {"i8[1,2,10,8] q(0.05,3); i8[1,2,10,8] q(0.04,-7); i8[1,2,10,8] q(0.03,11)", "scale=0.35",
         "i8[1,2,10,8] q(0.02,-4)"},
        {"i8[2,9,2,6] q(0.05,-128); i8[2,2,6,13] q(0.02,5); i8[2,13,2,11] q(0.03,0); const f32[9,13]",
         "scale=0.5, q_axes=\"bthd\", k_axes=\"bhdt\", v_axes=\"bthd\", y_axes=\"bthd\"",
         "i8[2,9,2,11] q(0.04,3)"},
        {"i8[2,4,3,5] q(0.02,7); i8[2,2,17,5] q(0.02,9); i8[2,2,17,6] q(0.02,1); bool[2,1,1,17]",
         "scale=-0.4", "i8[2,4,3,6] q(0.015,-1)"},
        {"i8[19,1,6,8] q(0.02,0); i8[19,1,2,8] q(0.02,0); i8[19,1,2,8] q(0.02,0)",
         "right=0, q_axes=\"tbhd\", k_axes=\"tbhd\", v_axes=\"tbhd\", y_axes=\"tbhd\"",
         "i8[19,1,6,8] q(0.02,0)"},
        {"i8[1,1,21,16] q(0.03,1); i8[1,1,30,16] q(0.03,1); i8[1,1,30,16] q(0.03,1); const f32[1,1,30]",
         "left=10, right=2, offset=9", "i8[1,1,21,16] q(0.02,1)"},
        {"i8[1,1,12,3] q(0.5,0); i8[1,1,4,3] q(0.5,0); i8[1,1,4,1] q(0.1,0)", "left=2, right=0, offset=-4",
         "i8[1,1,12,1] q(0.2,-100)"},
        {"i8[1,2,5,32] q(0.02,0); i8[1,1,300,32] q(0.02,0); i8[1,1,300,33] q(0.02,9)", "scale=0.1",
         "i8[1,2,5,33] q(0.01,0)"},
        {"i8[1,1,17,20] q(0.02,0); i8[1,1,61,20] q(0.02,4); i8[1,1,61,19] q(0.02,9)", "scale=0.1",
         "i8[1,1,17,19] q(0.01,0)"},
        {"i8[2,27,8,6] q(0.03,5); i8[2,4,6,21] q(0.02,4); i8[2,21,4,11] q(0.02,9); const f32[27,21]",
         "scale=-0.3, q_axes=\"bthd\", k_axes=\"bhdt\", v_axes=\"bthd\", y_axes=\"bthd\"",
         "i8[2,27,8,11] q(0.01,0)"},
        {"i8[1,6,33,16] q(0.03,0); i8[1,6,66,16] q(0.02,4); i8[1,6,66,16] q(0.02,9); bool[33,66]",
         "scale=0.25, blind=mean", "i8[1,6,33,16] q(0.005,-3)"},
        {"i8[1,5,19,8] q(0.03,0); i8[1,5,20,8] q(0.02,4); i8[1,5,20,8] q(0.02,9)", "scale=0.25, right=2",
         "i8[1,5,19,8] q(0.005,-3)"},
        {"i16[1,2,9,8] q(0.0003,0); i16[1,2,10,8] q(0.0002,3); i16[1,2,10,7] q(0.0002,-50)", "scale=0.35",
         "i16[1,2,9,7] q(0.0001,0)"},
        {"i16[1,3,9,8] q(0.0003,0); i16[1,1,300,8] q(0.0002,3); i16[1,1,300,7] q(0.0002,-50); bool[300]",
         "scale=-0.35", "i16[1,3,9,7] q(0.0001,5)"},
        {"i8[1,2,3,4]; i8[1,2,5,4]; i8[1,2,5,4]", "", "", "invalid-model"},
        {"i8[1,2,3,4] q(1,0); f32[1,2,5,4]; i8[1,2,5,4] q(1,0)", "", "", "dtype-mismatch"},
        {"i8[1,2,3,4] q(1,0); i8[1,2,5,4] q(1,0); i8[1,2,5,4] q(1,0)", "softcap=2", "",
         "unsupported-feature"},
        {"i8[1,2,3,4] q(1,0); i8[1,2,5,4] q(1,0); i8[1,2,5,4] q(1,0); f32[5]", "", "", "unsupported-feature"},
        {"i16[1,2,3,4] q(1,5); i16[1,2,5,4] q(1,0); i16[1,2,5,4] q(1,0)", "", "", "unsupported-feature"},
        {"i8[1,1,1,4] q(1,0); i8[1,1,40000,4] q(1,0); i8[1,1,40000,4] q(1,0)", "", "", "limit-exceeded"},
        {"f32[1,2,3,4]; f32[1,2,5,4]; f32[1,2,6,4]", "", "", "shape-mismatch"},
        {"f32[1,3,3,4]; f32[1,2,5,4]; f32[1,2,5,4]", "", "", "shape-mismatch"},
        {"f32[1,2,3,4]; f32[1,2,5,4]; f32[1,2,5,4]; f32[4,5]", "", "", "shape-mismatch"},
        {"f32[2,3,4]; f32[1,2,5,4]; f32[1,2,5,4]", "", "", "shape-mismatch"},
        {"f32[1,2,3,4]; f32[1,2,5,4]; f32[1,2,5,4]", "q_axes=\"bhdt\"", "", "attribute-out-of-range"},
        {"f32[1,2,3,4]; f32[1,2,5,4]; f32[1,2,5,4]", "v_axes=\"bhtt\"", "", "attribute-out-of-range"},
        {"f32[1,2,3,4]; f32[1,2,5,4]; f32[1,2,5,4]", "left=-3", "", "attribute-out-of-range"},
        {"f32[1,2,3,4]; f32[1,2,5,4]; f32[1,2,5,4]", "softcap=-1", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_attention() { return {define<AttentionBlock>()}; }

}  // namespace nb
