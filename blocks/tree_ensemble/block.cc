// tree_ensemble: all there is to know about it. The kernel's header lies beside.
#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/blocks.h"
#include "blocks/tree_ensemble/attributes.h"

namespace nb {
namespace {

struct TreeEnsembleBlock {
  static constexpr std::string_view name = "tree_ensemble";
  static constexpr std::string_view doc =
      "y[n, t] = aggregate of the weights of the leaves of target t that row n of x reaches, one a tree. A "
      "node: "
      "feature, comparison (<=, <, >=, >, ==, !=, in; + 8: a NaN is true), next if true and if false (a node "
      "or "
      "~leaf), begin and end of its members";
  using Attrs = TreeEnsembleAttrs;
  static constexpr auto fields = kTreeEnsembleFields;
  static constexpr DTypeSet kIndices{DType::i32};
  static constexpr std::array inputs = {
      Operand{"x", kFloats},
      Operand{.name = "nodes", .dtypes = kIndices, .is_constant = true},
      Operand{.name = "splits", .dtypes = kFloats, .is_constant = true},
      Operand{.name = "roots", .dtypes = kIndices, .is_constant = true},
      Operand{.name = "leaf_targets", .dtypes = kIndices, .is_constant = true},
      Operand{.name = "leaf_weights", .dtypes = kFloats, .is_constant = true},
      Operand{.name = "members", .dtypes = kFloats, .arity = Arity::optional, .is_constant = true}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const auto is_list = [&](std::size_t i) { return op.in[i]->rank() == 1; };
    if (x.rank() != 2 || op.in[1]->rank() != 2 || op.in[1]->shape[1] != 6 || !is_list(2) || !is_list(3) ||
        !is_list(4) || op.in[5]->shape != op.in[4]->shape || op.in[2]->shape[0] != op.in[1]->shape[0] ||
        (op.has(6) && !is_list(6)))
      return Fault{Kind::shape_mismatch, "the trees' tables do not fit together or to " + type_text(x)};
    if (a.targets < 1 || a.targets > (1 << 24))
      return Fault{Kind::attribute_out_of_range, std::to_string(a.targets) + " targets"};
    if (const char* why = broken(op)) return Fault{Kind::invalid_model, why};
    return std::vector{Type{DType::f32, {x.shape[0], a.targets}}};
  }
  /// Why following the nodes would not end in a leaf, null if it does: every node goes on to later ones or to
  /// leaves.
  static const char* broken(const Operation& op) {
    const auto nodes = op.constant<std::int32_t>(1), roots = op.constant<std::int32_t>(3),
               targets = op.constant<std::int32_t>(4);
    const auto count = static_cast<std::int32_t>(nodes.size() / 6),
               leaves = static_cast<std::int32_t>(targets.size()),
               members = op.has(6) ? static_cast<std::int32_t>(op.in[6]->elements()) : 0;
    const auto goes_on = [&](std::int32_t next, std::int32_t after) {
      return next >= 0 ? next > after && next < count : ~next < leaves;
    };
    for (const std::int32_t root : roots)
      if (!goes_on(root, -1)) return "a root is no node or leaf";
    for (const std::int32_t target : targets)
      if (target < 0 || target >= op.attrs<Attrs>().targets) return "a leaf's target is none";
    for (std::int32_t i = 0; i < count; ++i) {
      const auto node = nodes.subspan(static_cast<std::size_t>(i) * 6, 6);
      if (node[0] < 0 || node[0] >= op.in[0]->shape[1]) return "a node compares a feature that is not there";
      if ((node[1] & ~8) < 0 || (node[1] & ~8) > 6) return "a node compares in no known way";
      if (!goes_on(node[2], i) || !goes_on(node[3], i))
        return "a node does not go on to a later node or to a leaf";
      if (node[4] < 0 || node[5] < node[4] || node[5] > members) return "a node's members are not there";
    }
    return nullptr;
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const auto x = in[0].as<float>(), splits = in[2].as<float>(), weights = in[5].as<float>(),
               y = out[0].as<float>();
    const auto nodes = in[1].as<std::int32_t>(), roots = in[3].as<std::int32_t>(),
               targets = in[4].as<std::int32_t>();
    const auto rows = static_cast<std::size_t>(in[0].type->shape[0]),
               features = static_cast<std::size_t>(in[0].type->shape[1]),
               width = static_cast<std::size_t>(a.targets);
    for (std::size_t row = 0; row < rows; ++row) {
      std::vector<std::vector<float>> reached(width);
      for (std::int32_t at : roots) {
        while (at >= 0) {
          const auto node = nodes.subspan(static_cast<std::size_t>(at) * 6, 6);
          const float value = x[row * features + static_cast<std::size_t>(node[0])],
                      split = splits[static_cast<std::size_t>(at)];
          bool is_member = false;
          for (std::int32_t m = node[4]; m < node[5]; ++m)
            is_member = is_member || in[6].as<float>()[static_cast<std::size_t>(m)] == value;
          const bool results[] = {value <= split, value<split, value >= split, value> split, value == split,
                                  value != split, is_member};
          const bool is_true = results[node[1] & 7] || ((node[1] & 8) != 0 && std::isnan(value));
          at = is_true ? node[2] : node[3];
        }
        reached[static_cast<std::size_t>(targets[static_cast<std::size_t>(~at)])].push_back(
            weights[static_cast<std::size_t>(~at)]);
      }
      for (std::size_t t = 0; t < width; ++t) {
        constexpr float kLargest = std::numeric_limits<float>::max();
        float value = a.aggregate == TreeAggregate::min   ? kLargest
                      : a.aggregate == TreeAggregate::max ? -kLargest
                                                          : 0.0f;
        double sum = 0;
        for (const float weight : reached[t]) {
          sum += static_cast<double>(weight);
          if (a.aggregate == TreeAggregate::min) value = std::min(value, weight);
          if (a.aggregate == TreeAggregate::max) value = std::max(value, weight);
        }
        if (a.aggregate == TreeAggregate::average) sum /= static_cast<double>(roots.size());
        y[row * width + t] = a.aggregate == TreeAggregate::sum || a.aggregate == TreeAggregate::average
                                 ? static_cast<float>(sum)
                                 : value;
      }
    }
  }
  static std::int64_t macs(const Operation& op) { return op.in[0]->shape[0] * op.in[3]->elements(); }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Shape& x = op.in[0]->shape;
    Lowered l{.function = "tree_ensemble", .params_type = "TreeEnsemble"};
    l.params = {{"rows", std::to_string(x[0])},
                {"features", std::to_string(x[1])},
                {"targets", std::to_string(a.targets)},
                {"trees", std::to_string(op.in[3]->elements())},
                {"aggregate", std::to_string(static_cast<int>(a.aggregate))}};
    l.arguments = {input_arg(0),
                   input_arg(1),
                   input_arg(2),
                   input_arg(3),
                   input_arg(4),
                   input_arg(5),
                   op.has(6) ? input_arg(6) : input_arg(2),
                   output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"tree_ensemble", "tree_ensemble/tree_ensemble.h",
             [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,3]; const i32[1,5]; const f32[1]; const i32[1]; const i32[2]; const f32[2]", "", "",
             "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_tree_ensemble() { return {define<TreeEnsembleBlock>()}; }

}  // namespace nb
