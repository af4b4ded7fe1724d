// drop-constant-channels: what goes, what stays, and that no output byte changes.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

#include "blocks/blocks.h"
#include "pass/pass.h"
#include "target/cores.h"

namespace nb {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;
struct Scale {
  float scale = 0.05f;
  std::int32_t zero = -128;
};

/// A graph under construction, layer by layer.
class Net {
 public:
  Graph graph;

  explicit Net(DType activations = DType::i8) : dtype_(activations) { graph.name = "net"; }

  ValueId input(Shape shape, Scale s = {0.03f, -5}) {
    Value value{"x", {dtype_, std::move(shape), quantization(s)}, Source::input};
    graph.inputs.push_back(graph.add_value(std::move(value)));
    return graph.inputs.back();
  }
  ValueId weights(Shape shape, int axis, const std::vector<std::int8_t>& elements,
                  std::vector<float> scales = {}) {
    Tensor tensor = make_tensor<std::int8_t>(DType::i8, shape, elements);
    const auto count = static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
    if (scales.empty()) scales.assign(count, 0.01f);
    tensor.type.quantization = Quantization{std::move(scales), std::vector<std::int32_t>(count, 0), axis};
    return graph.add_constant("w", std::move(tensor));
  }
  ValueId bias(const std::vector<std::int32_t>& elements) {
    return graph.add_constant(
        "b", make_tensor<std::int32_t>(DType::i32, {static_cast<std::int64_t>(elements.size())}, elements));
  }
  ValueId add(const std::string& block, std::vector<ValueId> inputs, const Settings& settings = {},
              Scale s = {}) {
    Node node{
        .block = all_blocks().find(block), .inputs = std::move(inputs), .name = "layer", .origin = "TEST"};
    REQUIRE(node.block != nullptr);
    node.attributes = node.block->attributes.make();
    for (const auto& [name, text] : settings)
      REQUIRE(node.block->attributes.set(node.attributes, name, text));
    node.name += std::to_string(graph.nodes.size());
    auto types = infer_types(graph.operation(node));
    REQUIRE_MESSAGE(types, types.fault().message);
    Type type = (*types)[0];
    if (!type.is_quantized()) type.quantization = quantization(s);
    node.outputs = {graph.add_value({"v", std::move(type), Source::node})};
    graph.nodes.push_back(std::move(node));
    return graph.nodes.back().outputs[0];
  }
  /// 1x1 convolution with these rows of weights, one an output channel.
  ValueId conv(ValueId x, const std::vector<std::vector<std::int8_t>>& rows,
               const std::vector<std::int32_t>& b, Settings settings = {}, std::int64_t kernel = 1) {
    std::vector<std::int8_t> flat;
    const std::int64_t channels = graph.at(x).type.shape.back();
    for (const auto& row : rows)
      for (std::int64_t t = 0; t < kernel * kernel; ++t) flat.insert(flat.end(), row.begin(), row.end());
    const ValueId w = weights({static_cast<std::int64_t>(rows.size()), kernel, kernel, channels}, 0, flat);
    std::vector<ValueId> operands = {x, w};
    if (!b.empty()) operands.push_back(bias(b));
    return add("conv2d", std::move(operands), settings);
  }
  void output(ValueId id) { graph.outputs.push_back(id); }

 private:
  static Quantization quantization(Scale s) { return {{s.scale}, {s.zero}, -1}; }
  DType dtype_;
};

std::vector<Bytes> run(const Graph& graph, const std::vector<Bytes>& inputs) {
  std::vector<Bytes> contents(graph.values.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) contents[graph.inputs[i].index()] = inputs[i];
  for (std::size_t v = 0; v < graph.values.size(); ++v)
    if (graph.values[v].source == Source::constant) contents[v] = *graph.values[v].data;
  for (const Node& node : graph.nodes) {
    std::vector<TensorView> views;
    for (const ValueId id : node.inputs)
      views.push_back(id.is_present() ? TensorView{&graph.at(id).type, contents[id.index()].data()}
                                      : TensorView{});
    auto results = evaluate(graph.operation(node), views);
    for (std::size_t i = 0; i < results.size(); ++i)
      contents[node.outputs[i].index()] = std::move(results[i].data);
  }
  std::vector<Bytes> outputs;
  for (const ValueId id : graph.outputs) outputs.push_back(contents[id.index()]);
  return outputs;
}

Bytes random_bytes(std::mt19937& random, const Type& type) {
  Bytes bytes(static_cast<std::size_t>(type.size_bytes()));
  // Now and then all the same, at an end of the range.
  const auto kind = random() % 6;
  for (std::byte& b : bytes)
    b = static_cast<std::byte>(kind == 0 ? 0x80 : kind == 1 ? 0x7f : random() & 0xff);
  return bytes;
}

/// The graph after the pass; it must be sound and give the same bytes.
Graph dropped(const Graph& graph, std::uint32_t seed = 1) {
  Graph after = graph;
  Diagnostics diagnostics;
  PassContext context{all_blocks(), find_core_row("cortex-m4f")->core, diagnostics};
  REQUIRE(verify(graph, diagnostics));
  REQUIRE(drop_constant_channels(after, context));
  REQUIRE(verify(after, diagnostics));
  std::mt19937 random(seed);
  for (int sample = 0; sample < 6; ++sample) {
    std::vector<Bytes> inputs;
    for (const ValueId id : graph.inputs) inputs.push_back(random_bytes(random, graph.at(id).type));
    CHECK(run(graph, inputs) == run(after, inputs));
  }
  return after;
}

std::int64_t channels(const Graph& graph, std::size_t node) {
  return graph.at(graph.nodes[node].outputs[0]).type.shape.back();
}

const std::vector<std::vector<std::int8_t>> kHead = {{3, -20, 7, 1, 9}, {-11, 5, 30, 2, -4}};

TEST_CASE("a channel of zero weights goes, and its bias moves into the next layer's") {
  Net net;
  const ValueId x = net.input({1, 3, 3, 2});
  const ValueId a = net.conv(x, {{1, 2}, {0, 0}, {-3, 4}, {5, 6}, {0, 0}}, {10, 4000, 30, 40, -9000});
  SUBCASE("a bias is there") { net.output(net.conv(a, kHead, {100, -100})); }
  SUBCASE("the bias is made") { net.output(net.conv(a, kHead, {})); }
  const Graph after = dropped(net.graph);
  CHECK(channels(after, 0) == 3);
  CHECK(after.nodes[1].inputs.size() == 3);
  CHECK(after.at(after.nodes[0].inputs[1]).type.quantization->scales.size() == 3);
}

TEST_CASE("a channel that the clamp pins goes") {
  Net net;
  const ValueId x = net.input({1, 3, 3, 2});
  const std::int32_t low = -40000;
  const ValueId a =
      net.conv(x, {{1, 2}, {1, 1}, {-3, 4}, {5, 6}, {2, 0}}, {10, low, 30, low, 50}, {{"clamp_min", "0"}});
  net.output(net.conv(a, kHead, {}));
  const Graph after = dropped(net.graph);
  CHECK(channels(after, 0) == 3);
  CHECK(after.nodes[1].inputs.size() == 2);  // the pinned number is the zero point: nothing to add
}

TEST_CASE("padding shows a constant beside the zero point: it stays") {
  for (const bool is_zero : {false, true}) {
    Net net;
    const ValueId x = net.input({1, 4, 4, 2});
    const ValueId a = net.conv(x, {{1, 2}, {0, 0}, {-3, 4}, {5, 6}, {2, 0}},
                               {10, is_zero ? -900 : 900, 30, 40, 50}, {{"clamp_min", "0"}});
    net.output(net.conv(a, kHead, {1, 2}, {{"pad", "[1,1,1,1]"}}, 3));
    CHECK(channels(dropped(net.graph), 0) == (is_zero ? 4 : 5));
  }
}

TEST_CASE("both sides of a sum lose a channel, or none") {
  for (const bool both : {true, false}) {
    Net net;
    const ValueId x = net.input({1, 3, 3, 2});
    const ValueId a = net.conv(x, {{1, 2}, {0, 0}, {-3, 4}, {5, 6}, {2, 0}}, {10, 900, 30, 40, 50});
    const std::int8_t w = both ? 0 : 7;
    const ValueId b = net.conv(x, {{1, 2}, {w, 0}, {0, 0}, {5, 6}, {2, 0}}, {10, -200, 30, 40, 50});
    net.output(net.conv(net.add("add", {a, b}), kHead, {}));
    const Graph after = dropped(net.graph);
    for (const std::size_t layer : {0u, 1u, 2u}) CHECK(channels(after, layer) == (both ? 4 : 5));
  }
}

TEST_CASE("a chain of depthwise layers loses all multiples of a channel") {
  Net net;
  const ValueId x = net.input({1, 4, 4, 2});
  const ValueId a = net.conv(x, {{40, 20}, {0, 0}, {-30, 40}, {50, 60}, {70, 0}}, {10, -900, 30, 40, 50},
                             {{"clamp_min", "0"}});
  std::vector<std::int8_t> w(90);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<std::int8_t>(i % 23) - 11;
  const ValueId d =
      net.add("depthwise_conv2d", {a, net.weights({1, 3, 3, 10}, 3, w)}, {{"pad", "[1,1,1,1]"}});
  const ValueId p = net.add("max_pool2d", {net.add("relu", {d})}, {{"kernel", "[2,2]"}});
  const ValueId m = net.add("reduce_mean", {p}, {{"axes", "[1,2]"}, {"keep_dims", "false"}});
  std::vector<std::int8_t> head(20, 3);
  net.output(net.add("dense", {m, net.weights({2, 10}, 0, head)}));
  const Graph after = dropped(net.graph);
  CHECK(channels(after, 0) == 4);
  CHECK(channels(after, 1) == 8);
  CHECK(channels(after, 4) == 8);
  CHECK(after.at(after.nodes[1].inputs[1]).type.shape == Shape{1, 3, 3, 8});
}

TEST_CASE("flattening loses a channel at each position; concatenation loses that of its part") {
  Net net;
  const ValueId x = net.input({1, 2, 2, 2});
  const ValueId a = net.conv(x, {{1, 2}, {0, 0}, {-3, 4}}, {10, 900, 30});
  const ValueId b = net.conv(x, {{0, 0}, {5, 6}}, {10, 900});
  const ValueId c = net.add("concat", {a, b}, {{"axis", "3"}}, {0.07f, 3});
  const ValueId flat = net.add("reshape", {c}, {{"shape", "[1,20]"}});
  std::vector<std::int8_t> head(60);
  for (std::size_t i = 0; i < head.size(); ++i) head[i] = static_cast<std::int8_t>(i * 5 % 67) - 33;
  net.output(net.add("dense", {flat, net.weights({3, 20}, 0, head)}));
  const Graph after = dropped(net.graph);
  CHECK(channels(after, 0) == 2);
  CHECK(channels(after, 1) == 1);
  CHECK(channels(after, 2) == 3);
  CHECK(channels(after, 3) == 12);
}

TEST_CASE("one channel stays where all are constant") {
  Net net;
  const ValueId x = net.input({1, 3, 3, 2});
  const ValueId a = net.conv(x, {{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}}, {10, 900, 30, 40, 50});
  net.output(net.conv(a, kHead, {}));
  CHECK(channels(dropped(net.graph), 0) == 1);
}

TEST_CASE("four channels stay four") {
  Net net;
  const ValueId x = net.input({1, 3, 3, 2});
  const ValueId a = net.conv(x, {{0, 0}, {1, 0}, {0, 2}, {0, 0}}, {10, 900, 30, 40});
  net.output(net.conv(a, {{1, 2, 3, 4}}, {}));
  CHECK(channels(dropped(net.graph), 0) == 4);
}

TEST_CASE("what others read stays") {
  Net net;
  const ValueId x = net.input({1, 3, 3, 2});
  const ValueId a = net.conv(x, {{1, 2}, {0, 0}, {-3, 4}, {5, 6}, {2, 0}}, {10, 900, 30, 40, 50});
  net.output(net.conv(a, kHead, {}));
  SUBCASE("the model's output") { net.output(a); }
  SUBCASE("a block that mixes in its own way") {
    net.output(net.add("softmax", {a}, {}, {1.0f / 256, -128}));
  }
  CHECK(channels(dropped(net.graph), 0) == 5);
}

TEST_CASE("two layers that share their weights part") {
  Net net;
  const ValueId x = net.input({1, 3, 3, 2});
  const ValueId a = net.conv(x, {{1, 2}, {0, 0}, {-3, 4}, {5, 6}, {2, 0}}, {10, 900, 30, 40, 50});
  const ValueId b = net.conv(x, {{0, 0}, {0, 3}, {-3, 4}, {5, 6}, {2, 0}}, {10, 900, 30, 40, 50});
  const ValueId w = net.weights({1, 1, 1, 5}, 0, {1, 2, 3, 4, 5});
  net.output(net.add("conv2d", {a, w}));
  net.output(net.add("conv2d", {b, w}));
  const Graph after = dropped(net.graph);
  CHECK(channels(after, 0) == 4);
  CHECK(channels(after, 1) == 4);
}

TEST_CASE("a channel that meets only zeros goes though it varies") {
  Net net;
  const ValueId x = net.input({1, 3, 3, 2});
  const ValueId a = net.conv(x, {{1, 2}, {7, -3}, {-3, 4}}, {10, 900, 30});
  net.output(net.conv(a, {{4, 0, 3}, {5, 0, -6}}, {}));
  CHECK(channels(dropped(net.graph), 0) == 2);
}

TEST_CASE("a bias that would overflow stays as it is") {
  Net net;
  const ValueId x = net.input({1, 3, 3, 2});
  const ValueId a = net.conv(x, {{1, 2}, {0, 0}, {-3, 4}}, {10, 9000, 30});
  net.output(net.conv(a, {{4, 100, 3}}, {2147483647}));
  CHECK(channels(dropped(net.graph), 0) == 3);
}

TEST_CASE("int16 activations") {
  Net net(DType::i16);
  const ValueId x = net.input({1, 3, 3, 2}, {0.001f, 0});
  const ValueId w = net.weights({3, 1, 1, 2}, 0, {1, 2, 0, 0, -3, 4});
  const std::vector<std::int64_t> b = {10, 900'000, 30};
  const ValueId bias = net.graph.add_constant("b", make_tensor<std::int64_t>(DType::i64, {3}, b));
  const ValueId a = net.add("conv2d", {x, w, bias}, {}, {0.002f, 0});
  net.output(net.add("conv2d", {a, net.weights({1, 1, 1, 3}, 0, {5, -6, 7})}, {}, {0.002f, 0}));
  CHECK(channels(dropped(net.graph), 0) == 2);
}

/// Layers of all kinds, with channels that are dead in several ways.
class RandomNet {
 public:
  explicit RandomNet(std::uint32_t seed) : random_(seed) {}

  Graph make() {
    ValueId v = net_.input({1, 2 + pick(5), 2 + pick(5), 1 + pick(4)}, scale());
    const std::int64_t layers = 3 + pick(6);
    for (std::int64_t i = 0; i < layers; ++i) v = layer(v);
    if (pick(2) == 0) {
      v = net_.add("reduce_mean", {v}, {{"axes", "[1,2]"}, {"keep_dims", "false"}}, scale());
    } else {
      const std::int64_t all = net_.graph.at(v).type.elements();
      v = net_.add("reshape", {v}, {{"shape", "[1," + std::to_string(all) + "]"}});
    }
    net_.output(summed("dense", v, {1 + pick(4), net_.graph.at(v).type.shape.back()}, 0, {}));
    if (pick(3) == 0) net_.output(net_.add("softmax", {net_.graph.outputs[0]}, {}, {1.0f / 256, -128}));
    net_.graph.remove_dead();
    return net_.graph;
  }

 private:
  std::int64_t pick(std::int64_t below) {
    return static_cast<std::int64_t>(random_() % static_cast<unsigned>(below));
  }
  Scale scale() {
    return {0.01f + 0.002f * static_cast<float>(pick(40)),
            static_cast<std::int32_t>(pick(4) == 0 ? -128 : pick(200) - 100)};
  }
  Settings clamp() {
    switch (pick(3)) {
      case 0:
        return {{"clamp_min", "0"}};
      case 1:
        return {{"clamp_min", "0"}, {"clamp_max", "6"}};
      default:
        return {};
    }
  }
  std::string pads(std::int64_t most) {
    const auto one = [&] { return std::to_string(pick(most + 1)); };
    return "[" + one() + "," + one() + "," + one() + "," + one() + "]";
  }

  /// A layer of weights of that shape, output channels along `axis`; some of them dead.
  ValueId summed(const std::string& block, ValueId x, Shape shape, int axis, Settings settings) {
    const auto along = static_cast<std::size_t>(axis);
    const std::int64_t outs = shape[along], inner = element_count(std::span(shape).subspan(along + 1));
    std::vector<std::int8_t> w(static_cast<std::size_t>(element_count(shape)));
    std::vector<std::int32_t> b(static_cast<std::size_t>(outs));
    std::vector<float> scales(b.size());
    const std::int64_t blind = axis == 0 && pick(3) == 0 ? pick(shape.back()) : -1;
    for (std::size_t i = 0; i < w.size(); ++i)
      w[i] =
          static_cast<std::int8_t>(static_cast<std::int64_t>(i) % shape.back() == blind ? 0 : pick(61) - 30);
    for (std::size_t o = 0; o < b.size(); ++o) {
      scales[o] = 0.002f + 0.001f * static_cast<float>(pick(20));
      b[o] = static_cast<std::int32_t>(pick(4001) - 2000);
      const std::int64_t kind = pick(6);
      if (kind == 0) b[o] = -400000;     // pinned low
      if (kind == 1) scales[o] = 1e-9f;  // rounds to zero
      if (kind != 2) continue;           // no weights
      for (std::size_t i = 0; i < w.size(); ++i)
        if (static_cast<std::int64_t>(i) / inner % outs == static_cast<std::int64_t>(o)) w[i] = 0;
    }
    std::vector<ValueId> operands = {x, net_.weights(shape, axis, w, scales)};
    if (pick(4) != 0) operands.push_back(net_.bias(b));
    return net_.add(block, std::move(operands), settings, scale());
  }

  ValueId layer(ValueId x) {
    const Shape shape = net_.graph.at(x).type.shape;
    const std::int64_t channels = shape[3], k = 1 + pick(std::min<std::int64_t>({3, shape[1], shape[2]}));
    const std::string kernel = "[" + std::to_string(k) + "," + std::to_string(k) + "]";
    Settings settings = clamp();
    static constexpr std::int64_t kCounts[] = {1, 2, 3, 4, 5, 7, 8, 12};
    switch (pick(10)) {
      case 0:
      case 1:
      case 2:
        settings.push_back({"pad", pads(k - 1)});
        return summed("conv2d", x, {kCounts[pick(8)], k, k, channels}, 0, settings);
      case 3:
      case 4:
        settings.push_back({"pad", pads(k - 1)});
        return summed("depthwise_conv2d", x, {1, k, k, channels * (channels < 9 ? 1 + pick(2) : 1)}, 3,
                      settings);
      case 5:
        return net_.add(pick(2) == 0 ? "max_pool2d" : "average_pool2d", {x},
                        {{"kernel", kernel}, {"pad", pads(k - 1)}});
      case 6: {
        const ValueId y = summed("conv2d", x, {channels, 1, 1, channels}, 0, settings);
        static const char* const kBlocks[] = {"add", "sub", "mul"};
        return net_.add(kBlocks[pick(3)], {x, y}, clamp(), scale());
      }
      case 7: {
        const ValueId y = summed("conv2d", x, {kCounts[pick(5)], 1, 1, channels}, 0, settings);
        return net_.add("concat", {x, y}, {{"axis", "3"}}, scale());
      }
      case 8: {
        const std::string around = "[0," + std::to_string(pick(2)) + "," + std::to_string(pick(2)) + ",0]";
        return net_.add("pad", {x},
                        {{"before", around}, {"after", around}, {"value", pick(2) == 0 ? "0" : "1.5"}});
      }
      default: {
        static const char* const kBlocks[] = {"relu", "sigmoid", "abs", "leaky_relu"};
        return net_.add(kBlocks[pick(4)], {x}, {}, scale());
      }
    }
  }

  std::mt19937 random_;
  Net net_;
};

TEST_CASE("random networks keep every byte") {
  int narrowed = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    const Graph graph = RandomNet(seed).make();
    const Graph after = dropped(graph, seed);
    REQUIRE(after.nodes.size() == graph.nodes.size());
    if (after.weights_bytes() < graph.weights_bytes()) ++narrowed;
    const Graph again = dropped(after, seed);
    CHECK(again.weights_bytes() == after.weights_bytes());
  }
  CHECK(narrowed > 100);
}

}  // namespace
}  // namespace nb
