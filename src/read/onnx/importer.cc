#include "read/onnx/importer.h"

#include <algorithm>

#include "read/onnx/rules.h"
#include "read/onnx/schema.h"

namespace nb::onnx {
namespace {

constexpr int kMaxDepth = 24;                    // of subgraphs and function calls
constexpr std::size_t kMaxTranslated = 100'000;  // nodes, after inlining and unrolling
constexpr std::size_t kMaxFaults = 100;          // layers refused before reading ends

std::string_view standard(std::string_view domain) { return domain == "ai.onnx" ? "" : domain; }

std::string operator_name(const NodeProto& node) {
  const std::string_view domain = standard(node.domain);
  return (domain.empty() ? "" : printable(domain) + ".") + printable(node.type);
}

/// What is said of a node that no reader translates.
Diagnostic missing(const NodeProto& node, const OperatorRow* row) {
  const std::string name = operator_name(node), attributes = attributes_text(node);
  Diagnostic said{.kind = Kind::unsupported_operator,
                  .message = row ? "needs the block `" + std::string(row->block) + "`, which does not exist"
                                 : "no reader translates the ONNX operator " + name,
                  .layer = printable(node.type) + " `" + layer_name(node) + "`",
                  .help = row ? "" : advice(name, standard(node.domain))};
  if (!attributes.empty()) said.notes.push_back("attributes: " + attributes);
  return said;
}

}  // namespace

std::string layer_name(const NodeProto& node) {
  if (!node.name.empty()) return printable(node.name);
  for (const std::string_view output : node.outputs)
    if (!output.empty()) return printable(output);
  return printable(node.type);
}

void Importer::fail(Kind kind, const std::string& message, const std::string& layer,
                    const std::string& help) {
  build_.diagnostics().add({.kind = kind, .message = message, .layer = layer, .help = help});
  throw Refusal{};
}

const FunctionProto* Importer::find_function(const NodeProto& node) const {
  for (const FunctionProto& function : model_.functions)
    if (function.name == node.type && standard(function.domain) == standard(node.domain) &&
        function.overload == node.overload)
      return &function;
  return nullptr;
}

std::int64_t Importer::opset_of(const Frame& frame, std::string_view domain) const {
  for (const OperatorSet& opset : *frame.opsets)
    if (standard(opset.domain) == standard(domain)) return opset.version;
  return 0;
}

// --- what is missing ---

void Importer::check_nodes(std::span<const NodeProto> nodes, int depth) {
  if (depth > kMaxDepth)
    fail(Kind::limit_exceeded, "subgraphs and functions nest deeper than " + std::to_string(kMaxDepth));
  for (const NodeProto& node : nodes) {
    if (const FunctionProto* function = find_function(node)) {
      if (checked_functions_.insert(function).second) check_nodes(function->nodes, depth + 1);
      continue;
    }
    const OperatorRow* row = find_operator(standard(node.domain), node.type);
    const bool has_block =
        row != nullptr && (row->block.empty() || build_.blocks().find(row->block) != nullptr);
    if (!has_block) missing_.push_back(missing(node, row));
    for (const AttributeProto& attribute : node.attributes) {
      if (!attribute.graph) continue;
      GraphProto graph;
      if (!parse(*attribute.graph, graph))
        fail(Kind::malformed_file, "a subgraph of `" + layer_name(node) + "` is no graph message");
      check_nodes(graph.nodes, depth + 1);
    }
  }
}

void Importer::check_operators(const GraphProto& graph) {
  check_nodes(graph.nodes, 0);
  report_missing(build_.diagnostics(), missing_);
}

// --- names ---

ValueId Importer::find(Frame& frame, std::string_view name) {
  if (const auto value = frame.values.find(name); value != frame.values.end()) return value->second;
  if (const auto initializer = frame.initializers.find(name); initializer != frame.initializers.end()) {
    auto tensor = read_tensor(*initializer->second, files_);
    if (!tensor) frame.unknown.insert(name);  // said once
    if (!tensor)
      fail(tensor.fault().kind, "initializer `" + printable(name) + "` " + tensor.fault().message, {},
           tensor.fault().help);
    const ValueId id = build_.add_constant(frame.prefix + printable(name), std::move(*tensor));
    frame.values[name] = id;
    return id;
  }
  // Frames outside belong to graphs under translation, whose map may gain the initializer that is asked for.
  return frame.outer ? find(const_cast<Frame&>(*frame.outer), name) : ValueId();
}

bool Importer::is_unknown(const Frame& frame, std::string_view name) {
  if (frame.unknown.contains(name)) return true;
  if (frame.values.contains(name) || frame.initializers.contains(name)) return false;
  return frame.outer != nullptr && is_unknown(*frame.outer, name);
}

bool Importer::is_left_out(const Frame& frame, std::string_view name) const {
  if (const auto value = frame.values.find(name); value != frame.values.end())
    return !value->second.is_present();
  return frame.outer != nullptr && is_left_out(*frame.outer, name);
}

void Importer::collect_reads(const NodeProto& node, Names& names, int depth) {
  if (depth > kMaxDepth)
    fail(Kind::limit_exceeded, "subgraphs nest deeper than " + std::to_string(kMaxDepth));
  for (const std::string_view input : node.inputs)
    if (!input.empty()) names.push_back(input);
  for (const AttributeProto& attribute : node.attributes) {
    if (!attribute.graph) continue;
    GraphProto graph;
    if (!parse(*attribute.graph, graph))
      fail(Kind::malformed_file, "a subgraph of `" + layer_name(node) + "` is no graph message");
    for (const NodeProto& inner : graph.nodes) collect_reads(inner, names, depth + 1);
    for (const ValueInfoProto& output : graph.outputs) names.push_back(output.name);
  }
}

/// The nodes in an order in which operands are made before they are used: the file's own where it is one.
std::vector<std::size_t> Importer::order(std::span<const NodeProto> nodes, const Frame& frame,
                                         const std::vector<Names>& reads) {
  std::unordered_map<std::string_view, std::size_t> maker;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const std::string_view output : nodes[i].outputs) {
      if (output.empty()) continue;
      if (!maker.emplace(output, i).second || frame.values.contains(output) ||
          frame.initializers.contains(output))
        fail(Kind::invalid_model, "value `" + printable(output) + "` is made twice",
             printable(nodes[i].type) + " `" + layer_name(nodes[i]) + "`");
    }
  std::vector<std::size_t> waiting(nodes.size(), 0);
  std::vector<std::vector<std::size_t>> readers(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::set<std::size_t> makers;
    for (const std::string_view name : reads[i])
      if (const auto found = maker.find(name); found != maker.end()) makers.insert(found->second);
    waiting[i] = makers.size();
    for (const std::size_t made_by : makers) readers[made_by].push_back(i);
  }
  std::set<std::size_t> ready;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (waiting[i] == 0) ready.insert(i);
  std::vector<std::size_t> sorted;
  while (!ready.empty()) {
    const std::size_t i = *ready.begin();
    ready.erase(ready.begin());
    sorted.push_back(i);
    for (const std::size_t reader : readers[i])
      if (--waiting[reader] == 0) ready.insert(reader);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (waiting[i] != 0)
      fail(Kind::invalid_model, "the graph has a cycle through this node",
           printable(nodes[i].type) + " `" + layer_name(nodes[i]) + "`");
  return sorted;
}

// --- translation ---

void Importer::run(const GraphProto& graph, Frame& frame) {
  if (graph.sparse_initializers > 0) fail(Kind::unsupported_feature, "the graph has sparse initializers");
  std::vector<std::string_view> outputs;
  for (const ValueInfoProto& output : graph.outputs) outputs.push_back(output.name);
  run_nodes(graph.nodes, frame, outputs);
}

void Importer::run_nodes(std::span<const NodeProto> nodes, Frame& frame,
                         std::span<const std::string_view> outputs) {
  if (frame.depth > kMaxDepth)
    fail(Kind::limit_exceeded, "subgraphs and functions nest deeper than " + std::to_string(kMaxDepth));
  std::vector<Names> reads(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    collect_reads(nodes[i], reads[i], 0);
    frame.used.insert(reads[i].begin(), reads[i].end());
  }
  frame.used.insert(outputs.begin(), outputs.end());
  for (const std::size_t i : order(nodes, frame, reads)) run_node(nodes[i], reads[i], frame);
}

void Importer::run_node(const NodeProto& node, const Names& reads, Frame& frame) {
  const auto is_lost = [&](std::string_view name) { return is_unknown(frame, name); };
  // A function can tell more of itself where only some of its inputs are unknown.
  const bool is_skipped = find_function(node) == nullptr && std::ranges::any_of(reads, is_lost);
  if (!is_skipped) {
    try {
      return translate(node, frame);
    } catch (const Refusal&) {
      const Diagnostics& diagnostics = build_.diagnostics();
      if (diagnostics.all().back().kind == Kind::limit_exceeded || ++faults_ > kMaxFaults) throw;
    }
  }
  for (const std::string_view output : node.outputs)
    if (!output.empty()) frame.unknown.insert(output);
}

void Importer::translate(const NodeProto& node, Frame& frame) {
  const std::string name = frame.prefix + layer_name(node);
  if (++translated_nodes_ > kMaxTranslated)
    fail(Kind::limit_exceeded, "the model has more than 100,000 nodes after inlining and unrolling",
         printable(node.type) + " `" + name + "`");
  if (const FunctionProto* function = find_function(node)) {
    call(node, *function, frame, name);
    return;
  }
  const OperatorRow* row = find_operator(standard(node.domain), node.type);
  const std::int64_t opset = opset_of(frame, node.domain);
  if (row == nullptr || (!row->block.empty() && build_.blocks().find(row->block) == nullptr))
    throw Refusal{};  // check_operators has said so
  if (opset <= 0)
    fail(Kind::invalid_model,
         "the model imports no version of the operator set `" + printable(node.domain) + "`",
         printable(node.type) + " `" + name + "`");
  Layer layer(*this, frame, node, *row, opset, name);
  check_rules(layer);
  row->translate(layer);
  for (const std::string_view output : node.outputs)
    if (!output.empty() && frame.used.contains(output) && !frame.values.contains(output))
      layer.unsupported("its output `" + printable(output) + "` is used");
  count_constants();
}

void Importer::call(const NodeProto& node, const FunctionProto& function, Frame& frame,
                    const std::string& name) {
  const std::string where = printable(node.type) + " `" + name + "`";
  if (node.inputs.size() > function.inputs.size() || node.outputs.size() > function.outputs.size())
    fail(Kind::invalid_model, "has more operands than the model's function has", where);
  std::map<std::string_view, const AttributeProto*> bindings;
  for (const AttributeProto& attribute : function.defaults) bindings[attribute.name] = &attribute;
  for (const AttributeProto& attribute : node.attributes) {
    if (attribute.reference.empty()) {
      bindings[attribute.name] = &attribute;
    } else if (frame.bindings != nullptr) {
      const auto bound = frame.bindings->find(attribute.reference);
      if (bound != frame.bindings->end()) bindings[attribute.name] = bound->second;
    }
  }
  Frame inner{
      .depth = frame.depth + 1, .prefix = name + "/", .opsets = &function.opsets, .bindings = &bindings};
  for (std::size_t i = 0; i < function.inputs.size(); ++i) {
    if (i >= node.inputs.size() || node.inputs[i].empty()) {
      inner.values[function.inputs[i]] = ValueId();
      continue;
    }
    if (is_unknown(frame, node.inputs[i])) {
      inner.unknown.insert(function.inputs[i]);
      continue;
    }
    const ValueId id = find(frame, node.inputs[i]);
    if (!id.is_present() && !is_left_out(frame, node.inputs[i]))
      fail(Kind::invalid_model, "its input `" + printable(node.inputs[i]) + "` is made by nothing", where);
    inner.values[function.inputs[i]] = id;
  }
  run_nodes(function.nodes, inner, function.outputs);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    if (is_unknown(inner, function.outputs[i])) {
      frame.unknown.insert(node.outputs[i]);
      continue;
    }
    const ValueId id = find(inner, function.outputs[i]);
    if (!id.is_present())
      fail(Kind::invalid_model,
           "output `" + printable(function.outputs[i]) + "` of the function is made by nothing", where);
    frame.values[node.outputs[i]] = id;
  }
}

GraphProto Importer::subgraph(Layer& layer, std::string_view attribute) {
  GraphProto graph;
  if (!parse(layer.graph(attribute), graph))
    layer.refuse(Kind::malformed_file, "attribute `" + std::string(attribute) + "` is no graph message");
  return graph;
}

std::vector<ValueId> Importer::run_subgraph(Layer& layer, const GraphProto& graph,
                                            std::span<const ValueId> arguments, const std::string& label) {
  if (graph.inputs.size() != arguments.size())
    layer.invalid("its subgraph takes " + count_text(graph.inputs.size(), "input") + " and is given " +
                  std::to_string(arguments.size()));
  Frame& around = layer.frame();
  Frame inner{.outer = &around,
              .depth = around.depth + 1,
              .prefix = layer.name() + "/" + label + "/",
              .opsets = around.opsets,
              .bindings = around.bindings};
  for (std::size_t i = 0; i < arguments.size(); ++i) inner.values[graph.inputs[i].name] = arguments[i];
  for (const TensorProto& initializer : graph.initializers)
    inner.initializers[initializer.name] = &initializer;
  run(graph, inner);
  std::vector<ValueId> outputs;
  for (const ValueInfoProto& output : graph.outputs) {
    if (is_unknown(inner, output.name)) throw Refusal{};  // said where its value was refused
    outputs.push_back(find(inner, output.name));
    if (!outputs.back().is_present())
      layer.invalid("output `" + printable(output.name) + "` of its subgraph is made by nothing");
  }
  build_.set_layer(layer.name(), printable(layer.node().type));
  return outputs;
}

void Importer::count_constants() {
  const auto& values = build_.graph().values;
  for (; counted_values_ < values.size(); ++counted_values_)
    if (values[counted_values_].source == Source::constant)
      constant_bytes_ += static_cast<std::uint64_t>(values[counted_values_].type.size_bytes());
  if (constant_bytes_ > max_constant_bytes_ + 4 * files_.total_bytes())
    fail(Kind::limit_exceeded, "constants computed while reading exceed " +
                                   bytes_text(static_cast<std::int64_t>(max_constant_bytes_)));
}

}  // namespace nb::onnx
