// find-activations: GELU and SiLU written out in erf, tanh or sigmoid become the blocks of that name. What
// the last node computes is looked at as a polynomial in x and in that function, so that all orders of the
// same operations are found.
#include <array>
#include <cmath>

#include "blocks/unary/attributes.h"
#include "pass/pass.h"
#include "pass/pattern.h"
#include "quantize/channel_line.h"

namespace nb {
namespace {

/// c[0] + c[1] x + c[2] x^2 + c[3] x^3.
using Polynomial = std::array<double, 4>;

bool is_nearly(const Polynomial& a, const Polynomial& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!nb::is_nearly(a[i], b[i])) return false;
  return true;
}

/// plain + bent * f, f the erf, tanh or sigmoid.
struct Formula {
  Polynomial plain{}, bent{};
};

std::optional<Polynomial> product(const Polynomial& a, const Polynomial& b) {
  Polynomial out{};
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      if (a[i] * b[j] == 0) continue;
      if (i + j > 3) return std::nullopt;
      out[i + j] += a[i] * b[j];
    }
  return out;
}
std::optional<Formula> product(const Formula& a, const Formula& b) {
  const auto plain = product(a.plain, b.plain), one = product(a.plain, b.bent),
             other = product(a.bent, b.plain), square = product(a.bent, b.bent);
  if (!plain || !one || !other || square != Polynomial{}) return std::nullopt;
  Formula out{*plain, *one};
  for (std::size_t i = 0; i < 4; ++i) out.bent[i] += (*other)[i];
  return out;
}
Formula sum(Formula a, const Formula& b, double sign) {
  for (std::size_t i = 0; i < 4; ++i) {
    a.plain[i] += sign * b.plain[i];
    a.bent[i] += sign * b.bent[i];
  }
  return a;
}

class Search {
 public:
  explicit Search(const Pattern& pattern) : pattern_(pattern) {}

  struct Found {
    std::string_view block;
    UnaryAttrs attributes;
    ValueId x;
    std::vector<const Node*> nodes;
  };
  std::optional<Found> at(const Node& last) {
    const Node* f = function_above(last);
    if (f == nullptr) return std::nullopt;
    const Type& type = pattern_.type(last.outputs[0]);
    // x may be any value that the function's operand is computed from.
    std::vector<ValueId> candidates = {f->inputs[0]};
    for (std::size_t i = 0; i < candidates.size() && candidates.size() < 8; ++i)
      if (const Node* node = pattern_.maker(candidates[i]); node != nullptr && is_step(*node))
        candidates.insert(candidates.end(), node->inputs.begin(), node->inputs.end());
    for (const ValueId x : candidates) {
      if (!x.is_present() || pattern_.type(x) != type) continue;
      nodes_ = {f};
      const auto operand = formula(f->inputs[0], x, nullptr),
                 y = operand ? formula(last.outputs[0], x, f) : operand;
      if (!y) continue;
      auto found = known(f->block->name, operand->plain, *y);
      if (!found || !pattern_.can_replace(nodes_, last)) continue;
      found->x = x;
      found->nodes = nodes_;
      return found;
    }
    return std::nullopt;
  }

 private:
  static bool is_step(const Node& node) {
    const std::string& block = node.block->name;
    return block == "add" || block == "sub" || block == "mul" || block == "div" || block == "pow" ||
           block == "square" || block == "neg";
  }

  [[nodiscard]] const Node* function_above(const Node& last) const {
    std::vector<const Node*> open = {&last};
    for (std::size_t i = 0; i < open.size() && open.size() < 8; ++i)
      for (const ValueId id : open[i]->inputs) {
        const Node* node = pattern_.maker(id);
        if (node == nullptr) continue;
        const std::string& block = node->block->name;
        if (block == "erf" || block == "tanh" || block == "sigmoid") return node;
        if (is_step(*node)) open.push_back(node);
      }
    return nullptr;
  }

  /// What the value is in terms of x and of `f` (if not null).
  std::optional<Formula> formula(ValueId id, ValueId x, const Node* f) {
    if (id == x) return Formula{{0, 1, 0, 0}, {}};
    if (const auto number = pattern_.number(id)) return Formula{{*number, 0, 0, 0}, {}};
    const Node* node = pattern_.maker(id);
    if (node == nullptr || nodes_.size() > 24) return std::nullopt;
    if (node == f) return Formula{{}, {1, 0, 0, 0}};
    if (!is_step(*node) || is_bounded(*node) || pattern_.type(id) != pattern_.type(x)) return std::nullopt;
    nodes_.push_back(node);
    const std::string& block = node->block->name;
    const auto a = formula(node->inputs[0], x, f);
    if (!a) return std::nullopt;
    if (block == "neg") return sum({}, *a, -1);
    if (block == "square") return product(*a, *a);
    if (block == "div" || block == "pow") {
      const auto number = pattern_.number(node->inputs[1]);
      if (!number) return std::nullopt;
      if (block == "div") return product(*a, Formula{{1 / *number, 0, 0, 0}, {}});
      if (*number != 2 && *number != 3) return std::nullopt;
      const auto square = product(*a, *a);
      return square && *number == 3 ? product(*square, *a) : square;
    }
    const auto b = formula(node->inputs[1], x, f);
    if (!b) return std::nullopt;
    if (block == "mul") return product(*a, *b);
    return sum(*a, *b, block == "add" ? 1 : -1);
  }

  /// The block of plain + bent * f(operand).
  static std::optional<Found> known(std::string_view f, const Polynomial& operand, const Formula& y) {
    const Polynomial zero{}, half{0, 0.5, 0, 0}, one{0, 1, 0, 0};
    // sqrt(2 / pi) (x + 0.044715 x^3), the operand of tanh; twice that of a sigmoid.
    const double slope = std::sqrt(2 / 3.14159265358979323846);
    const bool is_by_tanh = f == "tanh";
    if (f == "erf") {
      const bool is_gelu = is_nearly(operand, {0, std::sqrt(0.5), 0, 0}) && is_nearly(y.plain, half) &&
                           is_nearly(y.bent, half);
      return is_gelu ? std::optional(Found{"gelu", {}, {}, {}}) : std::nullopt;
    }
    // x sigmoid(u) = x / 2 + x / 2 tanh(u / 2).
    if (!is_nearly(y.plain, is_by_tanh ? half : zero) || !is_nearly(y.bent, is_by_tanh ? half : one))
      return std::nullopt;
    const double factor = is_by_tanh ? 1 : 2;
    if (is_nearly(operand, {0, factor * slope, 0, factor * slope * 0.044715})) {
      UnaryAttrs attributes;
      attributes.approximate = true;
      return Found{"gelu", attributes, {}, {}};
    }
    if (operand[0] != 0 || operand[2] != 0 || operand[3] != 0) return std::nullopt;
    UnaryAttrs attributes;
    attributes.alpha = static_cast<float>(is_by_tanh ? 2 * operand[1] : operand[1]);
    return Found{"silu", attributes, {}, {}};
  }

  const Pattern& pattern_;
  std::vector<const Node*> nodes_;
};

}  // namespace

Status find_activations(Graph& graph, PassContext& context) {
  if (has_empty_tensor(graph)) return {};
  const Pattern pattern(graph);
  Search search(pattern);
  std::vector<std::pair<std::size_t, Search::Found>> all;
  std::unordered_set<const Node*> taken;
  // The longest formula ends in the last node.
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    const std::string& block = node.block->name;
    if ((block != "mul" && block != "div" && block != "add") || is_bounded(node) || taken.contains(&node) ||
        graph.at(node.outputs[0]).type.dtype != DType::f32 || graph.at(node.outputs[0]).type.is_quantized())
      continue;
    auto found = search.at(node);
    if (!found) continue;
    taken.insert(found->nodes.begin(), found->nodes.end());
    all.emplace_back(i, std::move(*found));
  }
  for (const auto& [i, found] : all) {
    Node& node = graph.nodes[i];
    node.block = context.blocks.find(found.block);
    node.attributes = Attributes(found.attributes);
    node.inputs = {found.x};
  }
  graph.remove_dead();
  return {};
}

}  // namespace nb
