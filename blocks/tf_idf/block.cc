// tf_idf: all there is to know about it. The kernel's header lies beside.
#include <algorithm>
#include <limits>
#include <map>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/tf_idf/attributes.h"

namespace nb {
namespace {

using Gram = std::vector<std::int64_t>;

/// The n-grams that are counted, each once, and their output elements; or why the pool is none.
Checked<std::map<Gram, std::int64_t>> grams_of(const TfIdfAttrs& a) {
  const Fault fault{Kind::attribute_out_of_range, "the pool, its starts and its outputs do not fit together"};
  if (a.min_length < 1 || a.max_length < a.min_length || a.max_skip < 0 || a.max_skip > 65536)
    return Fault{Kind::attribute_out_of_range, "no n-grams have such lengths or skips"};
  std::map<Gram, std::int64_t> grams;
  const auto size = static_cast<std::int64_t>(a.pool.size());
  std::size_t number = 0;
  for (std::size_t k = 0; k < a.starts.size(); ++k) {
    const auto length = static_cast<std::int64_t>(k) + 1;
    const std::int64_t begin = a.starts[k], end = k + 1 < a.starts.size() ? a.starts[k + 1] : size;
    if (begin < 0 || end < begin || end > size || (end - begin) % length != 0) return fault;
    for (std::int64_t at = begin; at < end; at += length, ++number) {
      if (number >= a.outputs.size() || a.outputs[number] < 0 || a.outputs[number] > (1 << 24)) return fault;
      if (length < a.min_length || length > a.max_length) continue;
      grams[Gram(a.pool.begin() + at, a.pool.begin() + at + length)] = a.outputs[number];
    }
  }
  return grams;
}

struct TermFrequencies {
  static constexpr std::string_view name = "tf_idf";
  static constexpr std::string_view doc =
      "y[n, outputs[g]] = how often n-gram g of the pool stands in row n of x, its neighbours at most "
      "max_skip apart, "
      "times a weight";
  using Attrs = TfIdfAttrs;
  static constexpr auto fields = kTfIdfFields;
  static constexpr std::array inputs = {Operand{"x", DTypeSet{DType::i32, DType::i64}}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  static std::int64_t output_count(const Attrs& a) {
    return a.outputs.empty() ? 0 : *std::max_element(a.outputs.begin(), a.outputs.end()) + 1;
  }
  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const auto grams = grams_of(a);
    if (!grams) return grams.fault();
    const Type& x = *op.in[0];
    if (x.rank() < 1 || x.rank() > 2)
      return Fault{Kind::shape_mismatch, type_text(x) + " is neither [C] nor [N,C]"};
    const std::int64_t count = output_count(a);
    if (!a.weights.empty() && static_cast<std::int64_t>(a.weights.size()) < count)
      return Fault{Kind::attribute_out_of_range, "fewer weights than output elements"};
    return std::vector{Type{DType::f32, x.rank() == 1 ? Shape{count} : Shape{x.shape[0], count}}};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const auto grams = *grams_of(a);
    const Elements x(in[0]);
    const auto y = out[0].as<float>();
    const std::int64_t size = in[0].type->shape.back(), count = output_count(a),
                       rows = in[0].type->rank() == 1 ? 1 : in[0].type->shape[0];
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t length = a.min_length; length <= a.max_length; ++length)
        for (std::int64_t step = 1; step <= (length == 1 ? 1 : a.max_skip + 1); ++step)
          for (std::int64_t begin = 0; begin + (length - 1) * step < size; ++begin) {
            Gram gram;
            for (std::int64_t i = 0; i < length; ++i)
              gram.push_back(static_cast<std::int64_t>(x.get_int(row * size + begin + i * step)));
            if (const auto found = grams.find(gram); found != grams.end())
              y[static_cast<std::size_t>(row * count + found->second)] += 1;
          }
      for (std::int64_t i = 0; i < count; ++i) {
        float& value = y[static_cast<std::size_t>(row * count + i)];
        if (a.mode == TfIdfMode::idf) value = value > 0 ? 1.0f : 0.0f;
        if (a.mode != TfIdfMode::tf && !a.weights.empty()) value *= a.weights[static_cast<std::size_t>(i)];
      }
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const auto grams = *grams_of(a);
    std::vector<std::int64_t> wide;
    bool is_narrow = true;
    for (const auto& [gram, output] : grams) {
      wide.push_back(static_cast<std::int64_t>(gram.size()));
      wide.push_back(output);
      wide.insert(wide.end(), gram.begin(), gram.end());
    }
    for (const std::int64_t value : wide) is_narrow = is_narrow && value == static_cast<std::int32_t>(value);
    if (wide.empty()) wide.push_back(0);  // no table is empty
    const std::vector<std::int32_t> narrow(wide.begin(), wide.end());
    Lowered l{.function = "tf_idf", .params_type = "TfIdf"};
    l.params = {{"rows", std::to_string(x.rank() == 1 ? 1 : x.shape[0])},
                {"size", std::to_string(x.shape.back())},
                {"outputs", std::to_string(output_count(a))},
                {"grams", std::to_string(grams.size())},
                {"max_skip", std::to_string(a.max_skip)},
                {"counts", a.mode == TfIdfMode::idf ? "false" : "true"}};
    l.constants = {{"grams", is_narrow ? DType::i32 : DType::i64,
                    is_narrow ? to_bytes(narrow) : to_bytes(wide),
                    "length, output element and elements of each"}};
    const bool is_weighted = a.mode != TfIdfMode::tf && !a.weights.empty();
    if (is_weighted) l.constants.push_back({"weights", DType::f32, to_bytes(a.weights)});
    l.arguments = {input_arg(0), constant_arg(0), is_weighted ? constant_arg(1) : literal_arg("nullptr"),
                   output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"tf_idf", "tf_idf/tf_idf.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    const std::string pool = "pool=[2,3,5,4,5,6,7,8,6,7], starts=[0,4], outputs=[0,1,2,3,4,5,6]";
    return {{"i32[12]", "max_length=2, max_skip=3, " + pool},
            {"i64[2,6]", "min_length=2, max_length=2, mode=tfidf, weights=[1,2,3,4,5,6,7], " + pool},
            {"i64[2,6]", "max_length=2, mode=idf, " + pool},
            {"i32[12]", "starts=[1], " + pool.substr(0, 26), "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_tf_idf() { return {define<TermFrequencies>()}; }

}  // namespace nb
