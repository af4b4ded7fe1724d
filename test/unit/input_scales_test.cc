// Inputs with numbers for each index of an axis: the graph keeps its function, the layers behind see channels
// of one range, and nothing is computed for it in integers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "blocks/blocks.h"
#include "quantize/observe.h"
#include "quantize/plan.h"
#include "quantize/search.h"

namespace nb {
namespace {

/// Channels of one range each: [low, high].
using Ranges = std::vector<std::pair<float, float>>;
const Ranges kUnlikeRanges = {{950, 1050}, {-0.001f, 0.001f}, {0, 40}};

Graph parsed(const std::string& body) {
  Diagnostics diagnostics;
  auto graph = parse_graph("nblocks graph 1\nmodel \"net\"\nphase simplified\nrounding once\n" + body, {},
                           all_blocks(), diagnostics);
  REQUIRE_MESSAGE(graph, (diagnostics.all().empty() ? "" : diagnostics.all()[0].message));
  return *graph;
}

/// " = [0,0,...]" of a constant whose elements come later.
std::string zeros(std::size_t count) {
  std::string text = " = [0";
  for (std::size_t i = 1; i < count; ++i) text += ",0";
  return text + "]\n";
}

/// Gives the constant called `name` these elements.
void fill(Graph& graph, const std::string& name, const std::vector<float>& elements) {
  for (Value& value : graph.values)
    if (value.name == name) value.data = std::make_shared<const Bytes>(to_bytes(elements));
}
/// Gives the constant called `name` random elements times `size`.
void fill(Graph& graph, const std::string& name, float size, unsigned seed) {
  std::mt19937 random(seed);
  for (Value& value : graph.values) {
    if (value.name != name) continue;
    std::vector<float> elements(static_cast<std::size_t>(value.type.elements()));
    for (float& element : elements) element = size * (static_cast<float>(random() % 2001) / 1000 - 1);
    value.data = std::make_shared<const Bytes>(to_bytes(elements));
  }
}

/// Samples whose channels (index along an axis with `inner` elements behind) are spread over their ranges.
Samples spread(const Graph& graph, const Ranges& ranges, std::size_t inner, std::size_t count = 200) {
  std::mt19937 random(7);
  Samples set{count, {}};
  std::vector<float> all;
  for (std::size_t n = 0; n < count; ++n)
    for (std::int64_t i = 0; i < graph.at(graph.inputs[0]).type.elements(); ++i) {
      const auto [low, high] = ranges[static_cast<std::size_t>(i) / inner % ranges.size()];
      all.push_back(low + (high - low) * static_cast<float>(random() % 10001) / 10000);
    }
  set.bytes = to_bytes(all);
  return set;
}

std::vector<std::vector<float>> outputs_of(const Graph& graph, const Samples& set) {
  std::vector<std::vector<float>> outputs(set.count);
  run_samples(graph, set, [&](std::size_t n, const Interpreter& at) {
    for (const ValueId id : graph.public_outputs())
      for (const float real : at.reals(id)) outputs[n].push_back(real);
  });
  return outputs;
}

double snr_db(const std::vector<std::vector<float>>& wanted, const std::vector<std::vector<float>>& found) {
  double power = 0, error = 0;
  for (std::size_t n = 0; n < wanted.size(); ++n)
    for (std::size_t i = 0; i < wanted[n].size(); ++i) {
      power += std::pow(static_cast<double>(wanted[n][i]), 2);
      error += std::pow(static_cast<double>(wanted[n][i] - found[n][i]), 2);
    }
  return 10 * std::log10(power / error);
}

Graph integers(const Graph& graph, const Samples& set, const std::vector<ScaledInput>& inputs, DType dtype,
               bool has_float_ends = true) {
  NumberPlan plan{formats_of(graph, dtype), plan_ranges(graph, observe(graph, set, no_progress), inputs),
                  has_float_ends};
  return annotated(graph, graph, all_blocks(), plan);
}

/// Scales the input, checks that the float graph is the same function, and gives the decibels that its
/// integers gain.
double gain_db(const Graph& graph, const Samples& set, DType dtype, ScaledGraph& scaled) {
  auto found = with_scaled_inputs(graph, all_blocks(), set, {});
  REQUIRE(found.has_value());
  scaled = *std::move(found);
  Diagnostics diagnostics;
  REQUIRE(verify(scaled.graph, diagnostics).is_ok());
  const auto wanted = outputs_of(graph, set);
  CHECK(snr_db(wanted, outputs_of(scaled.graph, set)) > 80);
  return snr_db(wanted, outputs_of(integers(scaled.graph, set, scaled.inputs, dtype), set)) -
         snr_db(wanted, outputs_of(integers(graph, set, {}, dtype), set));
}

/// A dense layer whose weights hold the normalization of its inputs.
Graph dense_graph(std::string consts = "", std::string front = "", const std::string& x = "%0") {
  Graph graph = parsed("const %1 \"w\" : f32[2,3] = [0.02,900,-0.05,-0.01,400,0.02]\n" + std::move(consts) +
                       "input %0 \"x\" : f32[4,3]\n" + std::move(front) + "%9 \"y\" : f32[4,2] = dense(" + x +
                       ", %1) layer \"l\" from \"L\"\noutput %9\n");
  return graph;
}

TEST_CASE("channels of unlike ranges get scales of their own") {
  const Graph graph = dense_graph();
  const Samples set = spread(graph, kUnlikeRanges, 1);
  for (const DType dtype : {DType::i8, DType::i16}) {
    ScaledGraph scaled;
    CHECK(gain_db(graph, set, dtype, scaled) > 15);
    REQUIRE(scaled.inputs.size() == 1);
    CHECK(scaled.inputs[0].axis == 1);
    const Type type = scaled.inputs[0].type({4, 3}, dtype);
    CHECK(quantization_fault(type).empty());
    const double steps = dtype == DType::i8 ? 254 : 65023;
    for (std::size_t c = 0; c < 3; ++c) {
      const auto [low, high] = kUnlikeRanges[c];
      const auto scale = static_cast<double>(type.quantization->scales[c]);
      CHECK(scale == doctest::Approx(static_cast<double>(high - low) / steps).epsilon(0.02));
      const IntRange range = dtype_range(dtype);
      CHECK((range.min - type.quantization->zero_points[c]) * scale <= static_cast<double>(low) + scale);
      CHECK((range.max - type.quantization->zero_points[c]) * scale >= static_cast<double>(high) - scale);
    }
  }
}

TEST_CASE("integers of a scaled input are taken as they are") {
  const Graph graph = dense_graph();
  const Samples set = spread(graph, kUnlikeRanges, 1);
  const auto scaled = with_scaled_inputs(graph, all_blocks(), set, {});
  REQUIRE(scaled.has_value());
  for (const DType dtype : {DType::i8, DType::i16}) {
    const Graph made = integers(scaled->graph, set, scaled->inputs, dtype, false);
    Diagnostics diagnostics;
    CHECK(verify(made, diagnostics).is_ok());
    CHECK(made.at(made.inputs[0]).type == scaled->inputs[0].type({4, 3}, dtype));
    REQUIRE(made.nodes[0].block->name == "renumber");
    // The reals of both ends are what the batch_norm makes of them, to a fifth of a step.
    const Type &x = made.at(made.inputs[0]).type, &z = made.at(made.nodes[0].outputs[0]).type;
    const IntRange range = dtype_range(dtype);
    for (std::size_t c = 0; c < 3; ++c)
      for (const std::int32_t q : {range.min, range.max}) {
        const double real =
            (q - x.quantization->zero_points[c]) * static_cast<double>(x.quantization->scales[c]);
        const double wanted = real / scaled->inputs[0].factor[c] + scaled->inputs[0].shift[c] / 128.0;
        const auto step = static_cast<double>(z.scale());
        CHECK(std::fabs((q - z.zero_point()) * step - wanted) < 0.2 * step);
      }
  }
}

TEST_CASE("a model's own normalization becomes part of its input's numbers") {
  const Graph graph =
      dense_graph("const %2 \"m\" : f32[3] = [1000,0,20]\nconst %3 \"s\" : f32[3] = [29,-0.0006,12]\n",
                  "%4 \"c\" : f32[4,3] = sub(%0, %2) layer \"a\" from \"A\"\n%5 \"z\" : f32[4,3] = div(%4, "
                  "%3) layer \"b\" "
                  "from \"B\"\n",
                  "%5");
  const Samples set = spread(graph, kUnlikeRanges, 1);
  ScaledGraph scaled;
  CHECK(gain_db(graph, set, DType::i8, scaled) > 15);
  CHECK(scaled.inputs[0].has_front);
  CHECK(scaled.graph.nodes.size() == 2);
}

TEST_CASE("padding allows no offset: the model's own is a whole number of steps") {
  Graph graph = parsed("const %1 \"w\" : f32[2,3,3,1]" + zeros(18) +
                       "const %2 \"m\" : f32[] = [-60]\nconst %3 \"s\" : f32[] = [0.07]\ninput %0 "
                       "\"x\" : f32[1,8,8,1]\n%4 \"c\" : f32[1,8,8,1] = sub(%0, %2) layer \"a\" from "
                       "\"A\"\n%5 \"z\" : f32[1,8,8,1] "
                       "= mul(%4, %3) layer \"b\" from \"B\"\n%6 \"y\" : f32[1,8,8,2] = conv2d(%5, %1) "
                       "{pad=[1,1,1,1]} layer \"l\" "
                       "from \"L\"\noutput %6\n");
  fill(graph, "w", 1, 3);
  const Samples set = spread(graph, {{-95, -30}}, 1);
  ScaledGraph scaled;
  CHECK(gain_db(graph, set, DType::i8, scaled) > 1);
  // 0 lies beyond the integers.
  const Quantization numbers = *scaled.inputs[0].type({1, 8, 8, 1}, DType::i8).quantization;
  CHECK(numbers.scales.size() == 1);
  CHECK(numbers.zero_points[0] > 127);
}

TEST_CASE("recurrent layers take scales into their weights, other readers get the input back") {
  Graph graph = parsed(
      "const %1 \"w\" : f32[1,16,3]" + zeros(48) + "const %2 \"r\" : f32[1,16,4]" + zeros(64) +
      "input %0 \"x\" : f32[1,5,3]\n%3 \"h\" : "
      "f32[1,5,1,4] = lstm(%0, %1, %2) {time_major=false} layer \"l\" from \"L\"\n%4 \"last\" : f32[1,1,1] = "
      "slice(%0) {begin=[0,4,2], size=[1,1,1], step=[1,1,1]} layer \"s\" from \"S\"\n%5 \"a\" : f32[1,1,1] = "
      "tanh(%4) "
      "layer \"t\" from \"T\"\noutput %3\noutput %5\n");
  fill(graph, "r", 1, 4);
  std::vector<float> w;
  for (int row = 0; row < 16; ++row)
    w.insert(w.end(), {0.02f * static_cast<float>(row % 5 - 2), 700, -0.03f});
  fill(graph, "w", w);
  const Samples set = spread(graph, kUnlikeRanges, 1);
  ScaledGraph scaled;
  CHECK(gain_db(graph, set, DType::i8, scaled) > 6);
  CHECK(std::count_if(scaled.graph.nodes.begin(), scaled.graph.nodes.end(),
                      [](const Node& node) { return node.block->name == "batch_norm"; }) == 2);
}

TEST_CASE("a window of former inputs holds what the input is scaled to") {
  Graph graph = parsed(
      "const %1 \"w\" : f32[2,9]" + zeros(18) +
      "state %2 \"window\" : f32[1,3,3]\ninput %0 \"x\" : f32[1,1,3]\n%3 \"all\" "
      ": "
      "f32[1,4,3] = concat(%2, %0) {axis=1} layer \"c\" from \"C\"\n%4 \"next\" : f32[1,3,3] = slice(%3) "
      "{begin=[0,1,0], size=[1,3,3], step=[1,1,1]} layer \"s\" from \"S\"\n%5 \"flat\" : f32[1,9] = "
      "reshape(%4) "
      "{shape=[1,9]} layer \"r\" from \"R\"\n%6 \"y\" : f32[1,2] = dense(%5, %1) layer \"l\" from "
      "\"L\"\noutput "
      "%6\nkeep %2 = %4\n");
  std::vector<float> w;
  for (int row = 0; row < 6; ++row) w.insert(w.end(), {0.02f * static_cast<float>(row % 3 - 1), 700, -0.03f});
  fill(graph, "w", w);
  // The window begins with zeros.
  const Samples set = spread(graph, {{-50, 50}, {-0.001f, 0.001f}, {-20, 40}}, 1);
  ScaledGraph scaled;
  CHECK(gain_db(graph, set, DType::i8, scaled) > 10);
}

TEST_CASE("inputs stay as they are where scales are of no use") {
  const Graph graph = dense_graph();
  const auto scaled = [](const Graph& of, const Ranges& ranges) {
    return with_scaled_inputs(of, all_blocks(), spread(of, ranges, 1), {}).has_value();
  };
  CHECK_FALSE(scaled(graph, {{-1, 1}, {-2, 1}, {0, 1}}));  // alike
  const Graph without =
      parsed("input %0 \"x\" : f32[1,3]\n%1 \"y\" : f32[1,3] = tanh(%0) layer \"t\" from \"T\"\noutput %1\n");
  CHECK_FALSE(scaled(without, kUnlikeRanges));  // no weights
  const Graph mixed = parsed(
      "const %1 \"w\" : f32[1,2] = [1,2]\ninput %0 \"x\" : f32[1,2,3]\n%2 \"t\" : f32[1,3,2] = transpose(%0) "
      "{perm=[0,2,1]} layer \"t\" from \"T\"\n%3 \"r\" : f32[3,2] = reshape(%2) {shape=[3,2]} layer \"r\" "
      "from "
      "\"R\"\n%4 \"y\" : f32[3,1] = dense(%3, %1) layer \"l\" from \"L\"\noutput %4\n");
  CHECK_FALSE(scaled(mixed, kUnlikeRanges));  // one weight reads all channels
  for (const std::string bend : {"relu(%0)", "reduce_max(%0) {axes=[0]}"}) {
    const Graph bent = parsed(
        "const %1 \"w\" : f32[1,3] = [1,2,3]\ninput %0 \"x\" : f32[1,3]\n%2 \"b\" : f32[1,3] = " + bend +
        " layer \"b\" from \"B\"\n%3 \"y\" : f32[1,1] = dense(%2, %1) layer \"l\" from "
        "\"L\"\noutput %3\n");
    const auto found = with_scaled_inputs(bent, all_blocks(), spread(bent, kUnlikeRanges, 1), {});
    // Either it stays, or what bends gets the input back.
    if (found)
      CHECK(snr_db(outputs_of(bent, spread(bent, kUnlikeRanges, 1)),
                   outputs_of(found->graph, spread(bent, kUnlikeRanges, 1))) > 80);
  }
}

TEST_CASE("channels that are always the same") {
  const Graph graph = dense_graph();
  for (const float still : {0.0f, 5.0f}) {
    const Samples set = spread(graph, {{950, 1050}, {still, still}, {0, 4}}, 1);
    ScaledGraph scaled;
    (void)gain_db(graph, set, DType::i8, scaled);
    const Type type = scaled.inputs[0].type({4, 3}, DType::i8);
    CHECK(quantization_fault(type).empty());
  }
}

TEST_CASE("scales are taken only where the outputs come nearer") {
  const Graph graph = dense_graph();
  const Samples unlike = spread(graph, kUnlikeRanges, 1),
                alike = spread(graph, {{-1, 1}, {-1, 1}, {-1, 1}}, 1);
  CHECK(
      better_inputs(graph, all_blocks(), unlike, DType::i8, observe(graph, unlike, no_progress)).has_value());
  CHECK_FALSE(
      better_inputs(graph, all_blocks(), alike, DType::i8, observe(graph, alike, no_progress)).has_value());
}

}  // namespace
}  // namespace nb
