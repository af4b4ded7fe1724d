// split-dense: a dense layer of which only parts are used, each by itself, as the queries, keys and values of
// attention are, becomes one layer a part: the parts are made where they are used instead of copied there.
#include <algorithm>
#include <numeric>

#include "blocks/gather/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/split/attributes.h"
#include "pass/pass.h"

namespace nb {
namespace {

using Ints = std::vector<std::int64_t>;

/// A value that is some features of the layer in each of its rows.
struct Part {
  ValueId value;
  Ints features;
};

class Splitter {
 public:
  Splitter(Graph& graph, const BlockSet& blocks)
      : graph_(graph), blocks_(blocks), uses_(graph.use_counts()), users_(graph.values.size()) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      for (const ValueId id : graph.nodes[i].inputs)
        if (id.is_present()) users_[id.index()].push_back(i);
  }

  void run() {
    std::vector<std::vector<Part>> parts(graph_.nodes.size());
    std::vector<bool> is_made(graph_.values.size(), false);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      parts[i] = parts_of(graph_.nodes[i]);
      for (const Part& part : parts[i]) is_made[part.value.index()] = true;
    }
    std::vector<Node> old = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (std::size_t i = 0; i < old.size(); ++i) {
      for (const Part& part : parts[i]) add(old[i], part);
      const auto is_replaced = [&](ValueId id) { return id.index() < is_made.size() && is_made[id.index()]; };
      if (parts[i].empty() && !std::any_of(old[i].outputs.begin(), old[i].outputs.end(), is_replaced))
        graph_.nodes.push_back(std::move(old[i]));
    }
    graph_.remove_dead();
  }

 private:
  [[nodiscard]] const Shape& shape(ValueId id) const { return graph_.at(id).type.shape; }
  [[nodiscard]] bool is_float_constant(ValueId id) const {
    return graph_.is_constant(id) && graph_.at(id).type.dtype == DType::f32 &&
           !graph_.at(id).type.is_quantized();
  }

  /// All that is used of a layer; empty if it stays whole.
  [[nodiscard]] std::vector<Part> parts_of(const Node& node) const {
    if (node.block->name != "dense" || !is_float_constant(node.inputs[1])) return {};
    const bool has_bias = node.inputs.size() > 2 && node.inputs[2].is_present();
    if ((has_bias && !is_float_constant(node.inputs[2])) || uses_[node.inputs[1].index()] != 1) return {};
    const Shape& weights = shape(node.inputs[1]);
    const std::int64_t features = weights[0], rows = graph_.at(node.outputs[0]).type.elements() /
                                                     std::max<std::int64_t>(features, 1);
    if (rows == 0 || features == 0) return {};
    std::vector<Part> parts;
    if (!collect(node.outputs[0], rows, features, 0, parts)) return {};
    std::int64_t used = 0, alone = 0;
    for (const Part& part : parts) {
      const auto count = static_cast<std::int64_t>(part.features.size());
      used += count;
      alone += count % kTogether;
    }
    // Features beside the groups of eight cost about twice as much; a copy some instructions each.
    const std::int64_t more = (alone - features % kTogether) * weights[1];
    return used <= features && more <= 4 * used ? parts : std::vector<Part>();
  }
  static constexpr std::int64_t kTogether = 8;

  /// Adds the parts that users of the value, [rows, features] in any shape, take; false if one takes more.
  bool collect(ValueId id, std::int64_t rows, std::int64_t features, int depth,
               std::vector<Part>& parts) const {
    const auto& users = users_[id.index()];
    if (users.empty() || static_cast<std::size_t>(uses_[id.index()]) != users.size() || depth > 4)
      return false;
    for (const std::size_t i : users) {
      const Node& node = graph_.nodes[i];
      if (node.inputs[0] != id) return false;
      const std::string& block = node.block->name;
      if (block == "reshape") {
        if (!collect(node.outputs[0], rows, features, depth + 1, parts)) return false;
        continue;
      }
      const Shape& x = shape(id);
      std::size_t first = 0;  // axis of the features
      for (std::int64_t n = 1; n != rows && first < x.size();) n *= x[first++];
      const Shape kept(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(first));
      if (element_count(kept) != rows) return false;
      if (parts.size() > 64 || !(block == "slice"   ? add_slice(node, first, parts)
                                 : block == "split" ? add_split(node, first, parts)
                                                    : block == "gather" && add_gather(node, first, parts)))
        return false;
    }
    return true;
  }

  /// The features at the given places of each of the axes from `first` on.
  static Ints picked(const Shape& x, std::size_t first, const std::vector<Ints>& places) {
    Ints features = {0};
    for (std::size_t axis = first; axis < x.size(); ++axis) {
      Ints longer;
      for (const std::int64_t before : features)
        for (const std::int64_t place : places[axis]) longer.push_back(before * x[axis] + place);
      features = std::move(longer);
    }
    return features;
  }
  static std::vector<Ints> all_places(const Shape& x) {
    std::vector<Ints> places;
    for (const std::int64_t size : x) {
      places.emplace_back(static_cast<std::size_t>(size));
      std::iota(places.back().begin(), places.back().end(), 0);
    }
    return places;
  }

  bool add_slice(const Node& node, std::size_t first, std::vector<Part>& parts) const {
    const auto& a = node.attributes.as<SliceAttrs>();
    const Shape& x = shape(node.inputs[0]);
    for (std::size_t i = 0; i < first; ++i)
      if (a.size[i] != x[i] || a.begin[i] != 0) return false;
    if (graph_.at(node.outputs[0]).type.elements() == 0) return false;
    std::vector<Ints> places(x.size());
    for (std::size_t i = first; i < x.size(); ++i)
      for (std::int64_t n = 0; n < a.size[i]; ++n) places[i].push_back(a.begin[i] + n * a.step[i]);
    parts.push_back({node.outputs[0], picked(x, first, places)});
    return true;
  }
  bool add_split(const Node& node, std::size_t first, std::vector<Part>& parts) const {
    const auto& a = node.attributes.as<SplitAttrs>();
    const Shape& x = shape(node.inputs[0]);
    const auto axis = static_cast<std::size_t>(a.axis);
    if (axis < first) return false;
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      std::vector<Ints> places = all_places(x);
      if (a.sizes[i] == 0) return false;
      places[axis].assign(static_cast<std::size_t>(a.sizes[i]), 0);
      std::iota(places[axis].begin(), places[axis].end(), begin);
      begin += a.sizes[i];
      if (uses_[node.outputs[i].index()] > 0) parts.push_back({node.outputs[i], picked(x, first, places)});
    }
    return true;
  }
  bool add_gather(const Node& node, std::size_t first, std::vector<Part>& parts) const {
    const auto& a = node.attributes.as<GatherAttrs>();
    const Shape& x = shape(node.inputs[0]);
    const auto axis = static_cast<std::size_t>(a.axis);
    if (axis < first || a.batch_dims != 0 || !graph_.is_constant(node.inputs[1])) return false;
    const Value& indices = graph_.at(node.inputs[1]);
    std::vector<Ints> places = all_places(x);
    places[axis] = to_ints({indices.type, *indices.data});
    for (std::int64_t& place : places[axis]) {
      if (place < 0) place += x[axis];
      if (place < 0 || place >= x[axis]) return false;
    }
    if (graph_.at(node.outputs[0]).type.elements() == 0) return false;
    parts.push_back({node.outputs[0], picked(x, first, places)});
    return true;
  }

  /// The rows of a constant that make some features.
  ValueId rows_of(ValueId id, const Ints& features) {
    const Value& value = graph_.at(id);
    const std::size_t size = value.data->size() / static_cast<std::size_t>(value.type.shape[0]);
    Tensor rows{value.type, {}};
    rows.type.shape[0] = static_cast<std::int64_t>(features.size());
    for (const std::int64_t feature : features) {
      const auto begin = value.data->begin() + feature * static_cast<std::ptrdiff_t>(size);
      rows.data.insert(rows.data.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
    }
    return graph_.add_constant(std::string(value.name), std::move(rows));
  }
  void add(const Node& layer, const Part& part) {
    Node dense = layer;
    for (std::size_t i = 1; i < dense.inputs.size(); ++i)
      if (dense.inputs[i].is_present()) dense.inputs[i] = rows_of(dense.inputs[i], part.features);
    Type type = graph_.at(layer.outputs[0]).type;
    type.shape.back() = static_cast<std::int64_t>(part.features.size());
    const Shape wanted = shape(part.value);
    if (type.shape == wanted) {
      dense.outputs = {part.value};
      graph_.nodes.push_back(std::move(dense));
      return;
    }
    const ValueId made = graph_.add_value({graph_.at(part.value).name + ".features", std::move(type)});
    dense.outputs = {made};
    graph_.nodes.push_back(std::move(dense));
    graph_.nodes.push_back({blocks_.find("reshape"),
                            Attributes(ReshapeAttrs{wanted}),
                            {made},
                            {part.value},
                            layer.name,
                            layer.origin});
  }

  Graph& graph_;
  const BlockSet& blocks_;
  std::vector<int> uses_;
  std::vector<std::vector<std::size_t>> users_;
};

}  // namespace

Status split_dense(Graph& graph, PassContext& context) {
  if (has_empty_tensor(graph)) return {};
  Splitter(graph, context.blocks).run();
  return {};
}

}  // namespace nb
