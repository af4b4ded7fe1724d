// Channels scaled between layers: the same function, and integers that lose less.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "blocks/blocks.h"
#include "quantize/equalize.h"
#include "quantize/search.h"

namespace nb {
namespace {

/// Statements of a graph under construction.
class Text {
 public:
  /// A constant of random elements, its channels (last or first axis) in `loud` 50 times (`is_loud`) or a
  /// 50th of the others.
  std::string constant(const Shape& shape, int axis, bool is_loud, float offset = 0) {
    const std::string id = "%" + std::to_string(count_++);
    std::string text;
    for (std::int64_t i = 0; i < element_count(shape); ++i) {
      const std::size_t c = index_along(shape, axis, static_cast<std::size_t>(i));
      const float factor = axis >= 0 && (c == 1 || c == 6) ? (is_loud ? 50.0f : 0.02f) : 1.0f;
      text += (i == 0 ? "" : ",") +
              std::to_string(factor * (offset + 0.001f * static_cast<float>(random_() % 801) - 0.4f));
    }
    constants_ +=
        "const " + id + " \"c" + id.substr(1) + "\" : f32" + shape_text(shape) + " = [" + text + "]\n";
    return id;
  }
  std::string input(const Shape& shape) {
    const std::string id = "%" + std::to_string(count_++);
    nodes_ += "input " + id + " \"x\" : f32" + shape_text(shape) + "\n";
    return id;
  }
  std::string node(const std::string& call, const Shape& shape) {
    const std::string id = "%" + std::to_string(count_++);
    nodes_ += id + " \"v" + id.substr(1) + "\" : f32" + shape_text(shape) + " = " + call + " layer \"l" +
              id.substr(1) + "\" from \"L\"\n";
    return id;
  }
  Graph graph(const std::string& output) {
    Diagnostics diagnostics;
    auto graph = parse_graph("nblocks graph 1\nmodel \"net\"\nphase simplified\nrounding once\n" +
                                 constants_ + nodes_ + "output " + output + "\n",
                             {}, all_blocks(), diagnostics);
    REQUIRE_MESSAGE(graph, (diagnostics.all().empty() ? "" : diagnostics.all()[0].message));
    return *graph;
  }

 private:
  std::string constants_, nodes_;
  int count_ = 0;
  std::mt19937 random_{5};
};

Samples samples_of(const Graph& graph, std::size_t count = 64) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> all(count * static_cast<std::size_t>(graph.at(graph.inputs[0]).type.elements()));
  for (float& x : all) x = normal(random);
  return {count, to_bytes(all)};
}

double snr_db(const Graph& graph, const Graph& scaled, const Samples& set, std::optional<DType> numbers) {
  const OutputErrors errors(graph, all_blocks(), set, set.count, 1);
  NumberPlan plan{formats_of(scaled, numbers.value_or(DType::i8)),
                  plan_ranges(scaled, observe(scaled, set, no_progress)), true};
  if (!numbers) plan.formats.assign(scaled.nodes.size(), DType::f32);
  return -10 * std::log10(std::max(errors.of(scaled, scaled, plan), 1e-12));
}

/// Decibels that equalizing gains in integers; it must be the same function.
double gain_db(const Graph& graph, DType numbers) {
  const Samples set = samples_of(graph);
  Graph scaled = graph;
  const NumberPlan plan{formats_of(graph, numbers), plan_ranges(graph, observe(graph, set, no_progress)),
                        true};
  CHECK(equalize_channels(scaled, all_blocks(), set, plan, no_progress));
  Diagnostics diagnostics;
  CHECK(verify(scaled, diagnostics).is_ok());
  CHECK(snr_db(graph, scaled, set, std::nullopt) > 90);
  return snr_db(graph, scaled, set, numbers) - snr_db(graph, graph, set, numbers);
}

/// A block of a transformer whose normalizations have outlier channels that the layers behind undo.
Graph transformer() {
  Text t;
  const std::string x = t.input({1, 6, 8});
  const auto dense = [&](const std::string& of, const Shape& shape, std::int64_t in, bool is_behind) {
    const std::string w = t.constant({shape.back(), in}, is_behind ? 1 : -1, false);
    return t.node("dense(" + of + ", " + w + ")", shape);
  };
  const auto norm = [&](const std::string& of) {
    const std::string scale = t.constant({8}, 0, true, 1), bias = t.constant({8}, 0, true);
    return t.node("layer_norm(" + of + ", " + scale + ", " + bias + ") {axis=2}", {1, 6, 8});
  };
  const std::string h = norm(x);
  std::vector<std::string> parts;
  for (int i = 0; i < 3; ++i)
    parts.push_back(t.node("reshape(" + dense(h, {1, 6, 8}, 8, true) + ") {shape=[1,6,2,4]}", {1, 6, 2, 4}));
  const std::string a =
      t.node("attention(" + parts[0] + ", " + parts[1] + ", " + parts[2] +
                 ") {scale=0.5, q_axes=\"bthd\", k_axes=\"bthd\", v_axes=\"bthd\", y_axes=\"bthd\"}",
             {1, 6, 2, 4});
  const std::string o = dense(t.node("reshape(" + a + ") {shape=[1,6,8]}", {1, 6, 8}), {1, 6, 8}, 8, false);
  const std::string r = t.node("add(" + x + ", " + o + ")", {1, 6, 8});
  const std::string f = t.node("gelu(" + dense(norm(r), {1, 6, 16}, 8, true) + ")", {1, 6, 16});
  return t.graph(t.node("add(" + r + ", " + dense(f, {1, 6, 8}, 16, false) + ")", {1, 6, 8}));
}

TEST_CASE("outlier channels of normalizations go to the weights behind") {
  const Graph graph = transformer();
  const Scalable all = scalable_channels(graph);
  CHECK(all.channels.size() == 3);  // two normalizations, and the values
  CHECK(all.pairs.size() == 1);
  CHECK(gain_db(graph, DType::i8) > 6);
  CHECK(gain_db(graph, DType::i16) > 3);
}

/// Attention of `heads` query heads and `groups` of keys and values, four features each; outliers in channels
/// 1 and 6 of queries that the keys undo, or of values that the layer behind undoes.
Graph attention(std::int64_t heads, std::int64_t groups, const std::string& loud,
                const std::string& behind = "") {
  Text t;
  const std::string x = t.input({1, 6, 8});
  const auto made = [&](std::int64_t of, const std::string& name) {
    const bool is_loud = loud == name, is_quiet = loud == "q" && name == "k";
    const std::string w = t.constant({4 * of, 8}, is_loud || is_quiet ? 0 : -1, is_loud);
    const std::string bias = t.constant({4 * of}, is_loud || is_quiet ? 0 : -1, is_loud);
    const std::string y = t.node("dense(" + x + ", " + w + ", " + bias + ")", {1, 6, 4 * of});
    const std::string split =
        t.node("reshape(" + y + ") {shape=[1,6," + std::to_string(of) + ",4]}", {1, 6, of, 4});
    return behind == name ? t.node("tanh(" + split + ")", {1, 6, of, 4}) : split;
  };
  const std::string q = made(heads, "q"), k = made(groups, "k"), v = made(groups, "v");
  const std::string a =
      t.node("attention(" + q + ", " + k + ", " + v +
                 ") {scale=0.25, q_axes=\"bthd\", k_axes=\"bthd\", v_axes=\"bthd\", y_axes=\"bthd\"}",
             {1, 6, heads, 4});
  const std::string flat =
      t.node("reshape(" + a + ") {shape=[1,6," + std::to_string(4 * heads) + "]}", {1, 6, 4 * heads});
  const std::string o = t.constant({8, 4 * heads}, loud == "v" ? 1 : -1, false);
  return t.graph(t.node("dense(" + flat + ", " + o + ")", {1, 6, 8}));
}

TEST_CASE("outlier channels of queries go to the keys, and back") {
  const double gain = gain_db(attention(2, 2, "q"), DType::i8);
  MESSAGE("queries and keys gain ", gain, " dB");
  CHECK(gain > 10);  // int16 of them loses nothing beside what weights of int8 do
}

TEST_CASE("outlier channels of values go to the layer behind attention") {
  for (const DType numbers : {DType::i8, DType::i16}) {
    const double gain = gain_db(attention(2, 2, "v"), numbers);
    MESSAGE(format_name(numbers), ": values gain ", gain, " dB");
    CHECK(gain > 10);
  }
}

TEST_CASE("heads that share keys and values share factors") {
  const Graph graph = attention(4, 2, "");
  const Scalable all = scalable_channels(graph);
  REQUIRE(all.channels.size() == 1);
  REQUIRE(all.pairs.size() == 1);
  const ScalablePair& pair = all.pairs[0];
  CHECK(pair.sets == 8);
  for (std::size_t c = 0; c < 16; ++c) CHECK(pair.queries.set[c] == pair.keys.set[c / 8 * 4 + c % 4]);
  const std::vector<double> factor = {4, 0.25, 3, 7, 0.125, 9, 1, 1.5};
  Graph scaled = graph;
  scale_channels(scaled, pair, factor);
  scale_channels(scaled, all.channels[0], factor);
  CHECK(snr_db(graph, scaled, samples_of(graph), std::nullopt) > 90);
}

TEST_CASE("queries and keys that others see, or that are bent, stay as they are") {
  for (const std::string bent : {"q", "k"}) CHECK(scalable_channels(attention(2, 2, "", bent)).pairs.empty());
  CHECK(scalable_channels(attention(2, 2, "", "v")).channels.empty());
  Graph graph = attention(2, 2, "");
  graph.outputs.push_back(graph.nodes[0].outputs[0]);
  CHECK(scalable_channels(graph).pairs.empty());
}

TEST_CASE("convolutions and dense layers with relu and pooling between share ranges") {
  Text t;
  const std::string x = t.input({1, 6, 6, 2});
  const std::string first = t.constant({8, 3, 3, 2}, 0, true), bias = t.constant({8}, 0, true);
  const std::string y = t.node(
      "relu(" + t.node("conv2d(" + x + ", " + first + ", " + bias + ") {pad=[1,1,1,1]}", {1, 6, 6, 8}) + ")",
      {1, 6, 6, 8});
  const std::string depth = t.constant({1, 3, 3, 8}, -1, false);
  const std::string d = t.node("depthwise_conv2d(" + y + ", " + depth + ") {pad=[1,1,1,1]}", {1, 6, 6, 8});
  const std::string p = t.node("max_pool2d(" + d + ") {kernel=[2,2], stride=[2,2]}", {1, 3, 3, 8});
  const std::string m = t.node("reduce_mean(" + p + ") {axes=[1,2], keep_dims=false}", {1, 8});
  const std::string w = t.constant({4, 8}, 1, false);
  const Graph graph = t.graph(t.node("dense(" + m + ", " + w + ")", {1, 4}));
  CHECK(scalable_channels(graph).channels.size() == 2);
  CHECK(gain_db(graph, DType::i8) > 6);
}

TEST_CASE("channels that others see stay as they are") {
  const auto made = [](const std::string& between, const Shape& shape) {
    Text t;
    const std::string x = t.input({1, 8}), w = t.constant({8, 8}, 0, true), v = t.constant({4, 8}, 1, false);
    const std::string y = t.node("dense(" + x + ", " + w + ")", {1, 8});
    std::string call = between;
    call.replace(call.find('Y'), 1, y);
    const std::string z = t.node(call, shape);
    return t.graph(t.node("dense(" + z + ", " + v + ")", {1, 4}));
  };
  CHECK(scalable_channels(made("relu(Y)", {1, 8})).channels.size() == 1);
  CHECK(scalable_channels(made("tanh(Y)", {1, 8})).channels.empty());          // no factor passes
  CHECK(scalable_channels(made("clip(Y) {max=6}", {1, 8})).channels.empty());  // nor a bound
}

TEST_CASE("means and maxima of several channels are channels of none") {
  for (const std::string block : {"reduce_mean", "reduce_max"}) {
    Text t;
    const std::string x = t.input({1, 3}), w = t.constant({3, 3}, -1, false),
                      v = t.constant({4, 1}, -1, false);
    const std::string y = t.node("dense(" + x + ", " + w + ")", {1, 3});
    const std::string m = t.node(block + "(" + y + ") {axes=[1]}", {1, 1});
    CHECK(scalable_channels(t.graph(t.node("dense(" + m + ", " + v + ")", {1, 4}))).channels.empty());
  }
}

}  // namespace
}  // namespace nb
