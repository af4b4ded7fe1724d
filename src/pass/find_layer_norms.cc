// find-layer-norms: a normalization written out in means, squares and roots becomes the block layer_norm.
// What its last node computes is looked at as a formula in a row's elements, their mean and their inverse
// deviation, so that all orders of the same operations are found.
#include <algorithm>

#include "blocks/layer_norm/attributes.h"
#include "blocks/reduce/attributes.h"
#include "pass/pass.h"
#include "pass/pattern.h"
#include "quantize/channel_line.h"

namespace nb {
namespace {

/// One number an element of a row, or one for all; empty: 0.
using Row = std::vector<double>;

Row combined(const Row& a, const Row& b, double (*f)(double, double)) {
  Row out(std::max(a.size(), b.size()));
  const auto at = [](const Row& row, std::size_t i) {
    return row.empty() ? 0 : row[row.size() == 1 ? 0 : i];
  };
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(at(a, i), at(b, i));
  return out;
}
Row product(const Row& a, const Row& b) {
  return a.empty() || b.empty() ? Row() : combined(a, b, [](double x, double y) { return x * y; });
}

/// Numbers times the element x, the row's mean, and 1.
struct Terms {
  Row x, mean, one;
  [[nodiscard]] bool is_zero() const { return x.empty() && mean.empty() && one.empty(); }
  [[nodiscard]] bool is_row() const { return x.empty() && mean.empty(); }
  [[nodiscard]] Terms times(const Row& row) const {
    return {product(x, row), product(mean, row), product(one, row)};
  }
};
/// plain + scaled * inverse deviation.
struct Formula {
  Terms plain, scaled;
};

Formula sum(const Formula& a, const Formula& b, double sign) {
  const Row factor = {sign};
  const auto add = [&](const Row& p, const Row& q) {
    const Row r = product(q, factor);
    return p.empty() ? r : r.empty() ? p : combined(p, r, [](double x, double y) { return x + y; });
  };
  const auto terms = [&](const Terms& p, const Terms& q) {
    return Terms{add(p.x, q.x), add(p.mean, q.mean), add(p.one, q.one)};
  };
  return {terms(a.plain, b.plain), terms(a.scaled, b.scaled)};
}

/// Absent unless one factor is a number or a multiple of the inverse deviation.
std::optional<Formula> product(const Formula& a, const Formula& b) {
  const auto by = [](const Formula& f, const Formula& g) -> std::optional<Formula> {
    if (g.scaled.is_zero() && g.plain.is_row())
      return Formula{f.plain.times(g.plain.one), f.scaled.times(g.plain.one)};
    if (g.plain.is_zero() && g.scaled.is_row() && f.scaled.is_zero())
      return Formula{{}, f.plain.times(g.scaled.one)};
    return std::nullopt;
  };
  const auto found = by(a, b);
  return found ? found : by(b, a);
}

/// What makes a normalization: rows of x along `axis` and the axes after it.
struct Core {
  ValueId x;
  std::int64_t axis = 0;
  double epsilon = 0;
  bool is_centered = false;
  const Node* root = nullptr;  ///< makes the deviation (sqrt) or its inverse (rsqrt)
  std::vector<const Node*> nodes = {};
};

class Search {
 public:
  explicit Search(const Pattern& pattern) : pattern_(pattern) {}

  /// The normalization that ends in `last`.
  struct Found {
    ValueId x;
    LayerNormAttrs attributes;
    Row scale, bias;
    std::vector<const Node*> nodes;
  };
  std::optional<Found> at(const Node& last) {
    core_ = core_above(last);
    if (!core_ || pattern_.type(last.outputs[0]) != pattern_.type(core_->x)) return std::nullopt;
    nodes_ = core_->nodes;
    left_ = kMostNodes;
    const auto formula = formula_of(last.outputs[0]);
    if (!formula || !formula->plain.x.empty() || !formula->plain.mean.empty()) return std::nullopt;
    const Terms& scaled = formula->scaled;
    const Row minus = core_->is_centered ? product(scaled.x, {-1.0}) : Row();
    if (scaled.x.empty() || !scaled.one.empty() || scaled.mean != minus) return std::nullopt;
    if (!pattern_.can_replace(nodes_, last)) return std::nullopt;
    LayerNormAttrs attributes{core_->axis, static_cast<float>(core_->epsilon)};
    attributes.centered = core_->is_centered;
    return Found{core_->x, attributes, scaled.x, formula->plain.one, nodes_};
  }

 private:
  static constexpr int kMostNodes = 24;

  [[nodiscard]] const Shape& shape(ValueId id) const { return pattern_.type(id).shape; }

  /// The first root above a node that is one of a mean of squares.
  [[nodiscard]] std::optional<Core> core_above(const Node& last) const {
    std::vector<const Node*> open = {&last};
    for (std::size_t i = 0; i < open.size() && open.size() < 12; ++i)
      for (const ValueId id : open[i]->inputs) {
        const Node* node = pattern_.maker(id);
        if (node == nullptr) continue;
        const std::string& block = node->block->name;
        if (block == "sqrt" || block == "rsqrt") {
          if (auto core = core_of(*node)) return core;
        } else if (block == "add" || block == "sub" || block == "mul" || block == "div" || block == "neg" ||
                   block == "reciprocal" || block == "reshape") {
          open.push_back(node);
        }
      }
    return std::nullopt;
  }

  /// root(mean((x - mean(x))^2) + epsilon), or root(mean(x^2) + epsilon).
  [[nodiscard]] std::optional<Core> core_of(const Node& root) const {
    Core core;
    core.root = &root;
    core.nodes = {&root};
    ValueId id = pattern_.before_reshapes(root.inputs[0], core.nodes);
    if (const Node* add = pattern_.maker(id, "add")) {
      const auto parts = pattern_.with_number(*add);
      if (!parts || !(parts->second >= 0)) return std::nullopt;
      core.nodes.push_back(add);
      core.epsilon = parts->second;
      id = parts->first;
    }
    id = pattern_.before_reshapes(id, core.nodes);
    // mean(x^2) - mean(x)^2, not below 0.
    if (const Node* relu = pattern_.maker(id, "relu")) {
      core.nodes.push_back(relu);
      id = relu->inputs[0];
    } else if (const Node* most = pattern_.maker(id, "maximum")) {
      const auto parts = pattern_.with_number(*most);
      if (!parts || parts->second != 0) return std::nullopt;
      core.nodes.push_back(most);
      id = parts->first;
    }
    ValueId mean_squared;
    if (const Node* difference = pattern_.maker(id, "sub")) {
      core.nodes.push_back(difference);
      mean_squared = difference->inputs[1];
      id = pattern_.before_reshapes(difference->inputs[0], core.nodes);
    }
    const Node* mean = pattern_.maker(id, "reduce_mean");
    if (mean == nullptr) return std::nullopt;
    core.nodes.push_back(mean);
    const Node* square = pattern_.maker(mean->inputs[0]);
    if (square == nullptr || is_bounded(*square)) return std::nullopt;
    core.nodes.push_back(square);
    const std::string& block = square->block->name;
    ValueId base = square->inputs[0], center;
    if (block == "squared_difference") {
      if (mean_squared.is_present()) return std::nullopt;
      center = square->inputs[1];
      if (!is_mean_of(center, base, *mean, core.nodes)) {
        std::swap(base, center);
        if (!is_mean_of(center, base, *mean, core.nodes)) return std::nullopt;
      }
    } else {
      if (!is_square(*square)) return std::nullopt;
      if (mean_squared.is_present()) {
        const Node* other = pattern_.maker(pattern_.before_reshapes(mean_squared, core.nodes));
        if (other == nullptr || !is_square(*other) || !is_mean_of(other->inputs[0], base, *mean, core.nodes))
          return std::nullopt;
        core.nodes.push_back(other);
        center = other->inputs[0];
      }
      std::vector<const Node*> more;
      const Node* difference = pattern_.maker(base, "sub");
      if (!center.is_present() && difference != nullptr &&
          is_mean_of(difference->inputs[1], difference->inputs[0], *mean, more)) {
        base = difference->inputs[0];
        center = difference->inputs[1];
        core.nodes.push_back(difference);
        core.nodes.insert(core.nodes.end(), more.begin(), more.end());
      }
    }
    core.is_centered = center.is_present();
    core.x = base;
    const auto axis = row_axis(shape(base), mean->attributes.as<ReduceAttrs>().axes);
    const Type& x = pattern_.type(base);
    if (!axis || shape(mean->inputs[0]) != shape(base) || x.dtype != DType::f32 || x.is_quantized())
      return std::nullopt;
    core.axis = *axis;
    const Shape rows = shape_of_mean(shape(base), *axis);
    if (pattern_.type(root.outputs[0]).elements() != element_count(rows)) return std::nullopt;
    if (core.is_centered && !mean_squared.is_present() && padded(center, rows.size()) != rows)
      return std::nullopt;
    return core;
  }

  [[nodiscard]] bool is_square(const Node& node) const {
    const std::string& block = node.block->name;
    return !is_bounded(node) && (block == "square" || (block == "mul" && node.inputs[0] == node.inputs[1]) ||
                                 (block == "pow" && pattern_.number(node.inputs[1]) == 2.0));
  }

  /// Whether `id` is the mean of x along the axes of another mean.
  bool is_mean_of(ValueId id, ValueId x, const Node& like, std::vector<const Node*>& nodes) const {
    std::vector<const Node*> passed;
    const Node* mean = pattern_.maker(pattern_.before_reshapes(id, passed), "reduce_mean");
    if (mean == nullptr || mean->inputs[0] != x ||
        mean->attributes.as<ReduceAttrs>().axes != like.attributes.as<ReduceAttrs>().axes)
      return false;
    nodes.insert(nodes.end(), passed.begin(), passed.end());
    nodes.push_back(mean);
    return true;
  }

  /// The first axis if these, but for axes of 1, are the last of the shape, and rows are longer than 1.
  static std::optional<std::int64_t> row_axis(const Shape& shape, const std::vector<std::int64_t>& axes) {
    const auto is_one = [&](std::size_t i) {
      return std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) != axes.end();
    };
    std::size_t axis = shape.size();
    std::int64_t size = 1;
    while (axis > 0 && is_one(axis - 1)) size *= shape[--axis];
    for (std::size_t i = 0; i < axis; ++i)
      if (is_one(i) && shape[i] != 1) return std::nullopt;
    if (size <= 1) return std::nullopt;
    return static_cast<std::int64_t>(axis);
  }
  static Shape shape_of_mean(Shape shape, std::int64_t axis) {
    std::fill(shape.begin() + axis, shape.end(), 1);
    return shape;
  }
  /// With axes of 1 in front.
  [[nodiscard]] Shape padded(ValueId id, std::size_t rank) const {
    Shape out = shape(id);
    out.insert(out.begin(), rank - std::min(rank, out.size()), 1);
    return out;
  }

  /// A float constant that is the same for each row.
  [[nodiscard]] std::optional<Row> row_of(ValueId id) const {
    if (const auto number = pattern_.number(id)) return Row{*number};
    const Graph& graph = pattern_.graph();
    if (!graph.is_constant(id) || pattern_.type(id).dtype != DType::f32) return std::nullopt;
    const Shape& x = shape(core_->x);
    Shape row = x;
    std::fill(row.begin(), row.begin() + core_->axis, 1);
    if (padded(id, x.size()) != row) return std::nullopt;
    return to_doubles({graph.at(id).type, *graph.at(id).data});
  }

  /// Whether the value lies along the elements of x, or is one a row, so that operations between these mean
  /// what the formula says. Numbers of a row by themselves, [rows], may meet only their like.
  [[nodiscard]] bool is_aligned(const Node& node) const {
    const Shape& x = shape(core_->x);
    const Shape mean = shape_of_mean(x, core_->axis);
    const Shape& y = shape(node.outputs[0]);
    if (y != x && element_count(y) != element_count(mean)) return false;
    for (const ValueId id : node.inputs) {
      if (pattern_.graph().is_constant(id)) {
        if (y != x && pattern_.type(id).elements() != 1) return false;
        continue;
      }
      if (y == x ? shape(id) != x && padded(id, x.size()) != mean : shape(id) != y) return false;
    }
    return true;
  }

  std::optional<Formula> formula_of(ValueId id) {
    if (id == core_->x) return Formula{{{1.0}, {}, {}}, {}};
    if (pattern_.graph().is_constant(id)) {
      const auto row = row_of(id);
      return row ? std::optional(Formula{{{}, {}, *row}, {}}) : std::nullopt;
    }
    const Node* node = pattern_.maker(id);
    if (node == nullptr || is_bounded(*node) || --left_ < 0) return std::nullopt;
    const std::string& block = node->block->name;
    nodes_.push_back(node);
    if (node == core_->root)
      return block == "rsqrt" ? std::optional(Formula{{}, {{}, {}, {1.0}}}) : std::nullopt;
    if (block == "reduce_mean") {
      std::vector<const Node*> same;
      const bool is_mean = core_->is_centered && is_mean_of(id, core_->x, *core_mean(), same);
      return is_mean ? std::optional(Formula{{{}, {1.0}, {}}, {}}) : std::nullopt;
    }
    if (block == "reshape") {
      const Shape &from = shape(node->inputs[0]), &x = shape(core_->x);
      const bool is_kept =
          element_count(from) == element_count(shape_of_mean(x, core_->axis)) || from == shape(id);
      return is_kept ? formula_of(node->inputs[0]) : std::nullopt;
    }
    if (!is_aligned(*node)) return std::nullopt;
    if (block == "neg" || block == "reciprocal") {
      if (block == "reciprocal") return inverse_of(node->inputs[0]);
      const auto x = formula_of(node->inputs[0]);
      return x ? std::optional(sum({}, *x, -1)) : std::nullopt;
    }
    if (block != "add" && block != "sub" && block != "mul" && block != "div") return std::nullopt;
    const auto a = formula_of(node->inputs[0]);
    if (!a) return std::nullopt;
    const auto b = block == "div" ? inverse_of(node->inputs[1]) : formula_of(node->inputs[1]);
    if (!b) return std::nullopt;
    if (block == "mul" || block == "div") return product(*a, *b);
    return sum(*a, *b, block == "add" ? 1 : -1);
  }

  /// 1 / value, for the deviation and for constants.
  std::optional<Formula> inverse_of(ValueId id) {
    if (auto row = pattern_.graph().is_constant(id) ? row_of(id) : std::nullopt) {
      for (double& value : *row) value = 1 / value;
      return Formula{{{}, {}, *row}, {}};
    }
    const ValueId base = pattern_.before_reshapes(id, nodes_);
    if (pattern_.maker(base) != core_->root || core_->root->block->name != "sqrt") return std::nullopt;
    return Formula{{}, {{}, {}, {1.0}}};
  }

  /// The mean of squares.
  [[nodiscard]] const Node* core_mean() const {
    for (const Node* node : core_->nodes)
      if (node->block->name == "reduce_mean") return node;
    return nullptr;
  }

  const Pattern& pattern_;
  std::optional<Core> core_;
  std::vector<const Node*> nodes_;
  int left_ = 0;  ///< nodes that may still be looked at
};

ValueId add_row(Graph& graph, const std::string& name, const Shape& shape, const Row& row) {
  std::vector<float> values(row.begin(), row.end());
  if (values.size() == 1) values.resize(static_cast<std::size_t>(element_count(shape)), values[0]);
  return graph.add_constant(name, make_tensor<float>(DType::f32, shape, values));
}

}  // namespace

Status find_layer_norms(Graph& graph, PassContext& context) {
  if (has_empty_tensor(graph)) return {};
  const Block* layer_norm = context.blocks.find("layer_norm");
  const Pattern pattern(graph);
  Search search(pattern);
  std::vector<std::pair<std::size_t, Search::Found>> all;
  std::unordered_set<const Node*> taken;
  // The longest formula ends in the last node.
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    const std::string& block = node.block->name;
    if ((block != "add" && block != "sub" && block != "mul" && block != "div") || is_bounded(node) ||
        taken.contains(&node))
      continue;
    auto found = search.at(node);
    if (!found) continue;
    taken.insert(found->nodes.begin(), found->nodes.end());
    all.emplace_back(i, std::move(*found));
  }
  for (auto& [i, found] : all) {
    Node& node = graph.nodes[i];
    const Shape& x = graph.at(found.x).type.shape;
    const Shape row(x.begin() + found.attributes.axis, x.end());
    node.block = layer_norm;
    node.attributes = Attributes(found.attributes);
    node.inputs = {found.x};
    const bool has_bias = std::any_of(found.bias.begin(), found.bias.end(), [](double b) { return b != 0; });
    if (found.scale != Row{1.0})
      node.inputs.push_back(add_row(graph, node.name + "/scale", row, found.scale));
    else if (has_bias)
      node.inputs.emplace_back();
    if (has_bias) node.inputs.push_back(add_row(graph, node.name + "/bias", row, found.bias));
  }
  graph.remove_dead();
  return {};
}

}  // namespace nb
