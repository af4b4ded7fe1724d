#include "driver/compare_layers.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "base/error_sums.h"
#include "quantize/equalize.h"
#include "quantize/interpret.h"
#include "report/report.h"

namespace nb {
namespace {

constexpr std::int64_t kMostSamples = 100;
constexpr std::size_t kFactorSamples = 16;
/// Multiply-accumulates of both graphs together: a few seconds of the plain references.
constexpr std::int64_t kMostMacs = 1'000'000'000;

/// The first output of a node; absent if it only writes a state.
ValueId result_of(const Node& node) { return node.outputs.empty() ? ValueId() : node.outputs[0]; }

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

/// What twins have in common beside a name.
std::pair<const Block*, Shape> form_of(const Graph& graph, const Node& node) {
  return {node.block, without_ones(graph.at(result_of(node)).type.shape)};
}

/// Nodes of one name, block and shape, where neither graph has two of them.
Pairs match_by_name(const Graph& program, const Graph& reference, bool by_value) {
  using Key = std::tuple<std::string, const Block*, Shape>;
  std::map<Key, std::vector<std::size_t>> mine, theirs;
  for (auto [graph, index] : {std::pair(&program, &mine), std::pair(&reference, &theirs)})
    for (std::size_t i = 0; i < graph->nodes.size(); ++i) {
      const Node& node = graph->nodes[i];
      if (!result_of(node).is_present()) continue;
      const auto [block, shape] = form_of(*graph, node);
      (*index)[{by_value ? graph->at(result_of(node)).name : node.name, block, shape}].push_back(i);
    }
  Pairs pairs;
  for (const auto& [key, nodes] : mine)
    if (const auto found = theirs.find(key);
        found != theirs.end() && nodes.size() == 1 && found->second.size() == 1)
      pairs.emplace_back(nodes[0], found->second[0]);
  return pairs;
}

/// All nodes in order, where the graphs are the same sequence of blocks and shapes but for blocks that only
/// one of them has (those between integers and floats); empty if they are not.
Pairs match_in_order(const Graph& program, const Graph& reference) {
  const auto kept = [](const Graph& graph, const Graph& other) {
    std::vector<std::size_t> nodes;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Block* block = graph.nodes[i].block;
      if (result_of(graph.nodes[i]).is_present() &&
          std::any_of(other.nodes.begin(), other.nodes.end(),
                      [&](const Node& n) { return n.block == block; }))
        nodes.push_back(i);
    }
    return nodes;
  };
  const auto mine = kept(program, reference), theirs = kept(reference, program);
  if (mine.size() != theirs.size()) return {};
  Pairs pairs;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (form_of(program, program.nodes[mine[i]]) != form_of(reference, reference.nodes[theirs[i]])) return {};
    pairs.emplace_back(mine[i], theirs[i]);
  }
  return pairs;
}

/// Nodes that stand for the same layer, in the program's order. A value's name counts before a node's, which
/// a layer of several nodes shares; the order counts unless names speak against it.
Pairs match(const Graph& program, const Graph& reference) {
  std::map<std::size_t, std::size_t> twin, twin_of_theirs;
  const auto take = [&](const Pairs& pairs) {
    for (const auto& [mine, theirs] : pairs)
      if (!twin.contains(mine) && !twin_of_theirs.contains(theirs)) {
        twin[mine] = theirs;
        twin_of_theirs[theirs] = mine;
      }
  };
  take(match_by_name(program, reference, true));
  take(match_by_name(program, reference, false));
  const Pairs in_order = match_in_order(program, reference);
  if (std::all_of(in_order.begin(), in_order.end(), [&](const auto& pair) {
        const auto found = twin.find(pair.first);
        return found == twin.end() || found->second == pair.second;
      }))
    take(in_order);
  return {twin.begin(), twin.end()};
}

/// What channels of a value, the index of its last axis, were divided by. Those of a model's own values are
/// 1; of equalized ones the factors that fit best.
class FittedFactors {
 public:
  FittedFactors(const Graph& program, const Node& node)
      : is_equalized_(program.at(result_of(node)).name.find(kEqualized) != std::string::npos) {
    const Shape& shape = program.at(result_of(node)).type.shape;
    if (is_equalized_) sums_.resize(shape.empty() ? 1 : static_cast<std::size_t>(shape.back()));
  }
  [[nodiscard]] bool is_equalized() const { return is_equalized_; }
  void add(std::span<const float> found, std::span<const float> wanted) {
    for (std::size_t i = 0; is_equalized_ && i < found.size() && i < wanted.size(); ++i) {
      auto& [product, square] = sums_[i % sums_.size()];
      product += static_cast<double>(found[i]) * static_cast<double>(wanted[i]);
      square += static_cast<double>(found[i]) * static_cast<double>(found[i]);
    }
  }
  [[nodiscard]] std::vector<float> restored(std::vector<float> found) const {
    for (std::size_t i = 0; is_equalized_ && i < found.size(); ++i)
      if (const auto& [product, square] = sums_[i % sums_.size()]; product > 0)
        found[i] *= static_cast<float>(product / square);
    return found;
  }

 private:
  bool is_equalized_;
  std::vector<std::pair<double, double>> sums_;  ///< by channel
};

/// Whether a node gave its first operand's bytes as they are.
bool hands_on(const Interpreter& interpreter, const Node& node) {
  if (node.inputs.empty() || !node.inputs[0].is_present()) return false;
  const TensorView in = interpreter.view(node.inputs[0]), out = interpreter.view(result_of(node));
  return in.type->dtype == out.type->dtype && in.type->quantization == out.type->quantization &&
         in.type->size_bytes() == out.type->size_bytes() &&
         std::memcmp(in.data, out.data, static_cast<std::size_t>(in.type->size_bytes())) == 0;
}

}  // namespace

LayerComparison compare_layers(const Graph& program, const Samples& samples, const Graph& reference,
                               const Samples& reference_samples, bool keeps_state,
                               const std::function<void(std::size_t, std::size_t)>& progress) {
  const auto pairs = match(program, reference);
  LayerComparison comparison;
  const auto results = std::count_if(program.nodes.begin(), program.nodes.end(),
                                     [](const Node& node) { return result_of(node).is_present(); });
  comparison.unmatched = static_cast<std::int64_t>(results) - static_cast<std::int64_t>(pairs.size());
  if (pairs.empty()) return comparison;
  const std::int64_t affordable = kMostMacs / std::max<std::int64_t>(1, program.macs() + reference.macs());
  const auto count = static_cast<std::size_t>(std::min<std::int64_t>(
      static_cast<std::int64_t>(samples.count), std::clamp<std::int64_t>(affordable, 1, kMostSamples)));
  comparison.samples = static_cast<std::int64_t>(count);
  Interpreter mine(program), theirs(reference);
  std::vector<FittedFactors> factors;
  for (const auto& pair : pairs) factors.emplace_back(program, program.nodes[pair.first]);
  const auto run = [&](std::size_t n) {
    if (n == 0 || !keeps_state) {
      mine.reset();
      theirs.reset();
    }
    mine.run(samples.sample(n));
    theirs.run(reference_samples.sample(n));
  };
  const auto of_mine = [&](std::size_t i) { return mine.reals(result_of(program.nodes[pairs[i].first])); };
  const auto of_theirs = [&](std::size_t i) {
    return theirs.reals(result_of(reference.nodes[pairs[i].second]));
  };
  if (std::any_of(factors.begin(), factors.end(), [](const auto& f) { return f.is_equalized(); }))
    for (std::size_t n = 0; n < std::min(count, kFactorSamples); ++n) {
      run(n);
      for (std::size_t i = 0; i < pairs.size(); ++i)
        if (factors[i].is_equalized()) factors[i].add(of_mine(i), of_theirs(i));
    }
  std::vector<ErrorSums> sums(pairs.size());
  std::vector<bool> is_handed_on(pairs.size(), true);
  for (std::size_t n = 0; n < count; ++n) {
    progress(n, count);
    run(n);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      is_handed_on[i] = is_handed_on[i] && hands_on(mine, program.nodes[pairs[i].first]);
      sums[i].add(factors[i].restored(of_mine(i)), of_theirs(i));
    }
  }
  const auto rows = layer_rows(program);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (is_handed_on[i]) continue;
    const LayerRow& row = rows[pairs[i].first];
    comparison.layers.push_back(
        {row.name, row.block, row.output, sums[i].rmse(), sums[i].cos(), sums[i].signal_to_noise_db()});
  }
  return comparison;
}

}  // namespace nb
