#include "read/builder.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace nb {
namespace {
constexpr std::size_t kMaxNodes = 100'000, kMaxValues = 4 * kMaxNodes;

// Folding must not blow a small file up into gigabytes, nor compute for minutes: what would stays a node.
constexpr std::int64_t kMaxFoldedBytes = std::int64_t{64} << 20;
constexpr std::int64_t kMaxAllFoldedBytes = 4 * kMaxFoldedBytes;
constexpr std::int64_t kMaxFoldedWork = std::int64_t{1} << 29;  // elements touched and multiply-accumulates

/// What computing the node's reference takes, in elements and multiply-accumulates.
std::int64_t work_of(const Operation& op) {
  std::int64_t work = op.block->macs(op);
  for (const auto* types : {&op.in, &op.out})
    for (const Type* type : *types)
      if (type != nullptr) work += type->elements();
  return work;
}
}  // namespace

void GraphBuilder::set_layer(std::string name, std::string origin, std::string source) {
  layer_ = std::move(name);
  origin_ = std::move(origin);
  source_ = std::move(source);
}

ValueId GraphBuilder::add_input(std::string name, Type type) {
  const ValueId id = graph_.add_value({std::move(name), std::move(type), Source::input});
  graph_.inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::add_constant(std::string name, Tensor tensor) {
  return graph_.add_constant(std::move(name), std::move(tensor));
}

ValueId GraphBuilder::add_float(std::string name, float value) {
  return add_constant(std::move(name), make_tensor<float>(DType::f32, {}, std::span(&value, 1)));
}

ValueId GraphBuilder::add_state(std::string name, Type type, std::shared_ptr<const Bytes> first) {
  return graph_.add_value({std::move(name), std::move(type), Source::state, std::move(first)});
}

Result<std::vector<ValueId>> GraphBuilder::add(std::string_view block_name, Attributes attributes,
                                               std::vector<ValueId> inputs, std::vector<NodeOutput> outputs) {
  const Block* block = blocks_.find(block_name);
  if (block == nullptr) return refuse(Kind::internal, "no block is called `" + std::string(block_name) + "`");
  if (graph_.nodes.size() >= kMaxNodes || graph_.values.size() >= kMaxValues)
    return refuse(Kind::limit_exceeded, "the model has more than " + grouped(kMaxNodes) + " nodes");
  Node node{block, std::move(attributes), std::move(inputs), {}, layer_, origin_};
  Operation op = graph_.operation(node);
  auto types = infer_types(op);
  if (!types) return refuse(types.fault().kind, types.fault().message, types.fault().help);
  outputs.resize(types->size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].quantization) (*types)[i].quantization = outputs[i].quantization;
    if (outputs[i].name.empty()) outputs[i].name = layer_;
    if (lacks_scale(op, (*types)[i]))
      return refuse(Kind::invalid_model,
                    "output " + std::to_string(i) + " of " + block->name + " is " + type_text((*types)[i]) +
                        " without a scale, from a quantized operand",
                    "a quantized layer needs the quantization of its output");
    if (const std::string why = quantization_fault((*types)[i]); !why.empty())
      return refuse(Kind::invalid_model, "output `" + printable(outputs[i].name) + "` " + why);
  }

  std::int64_t result_bytes = 0;
  for (const Type& type : *types) result_bytes += type.size_bytes();
  bool is_folded = !node.inputs.empty() && result_bytes <= kMaxFoldedBytes &&
                   folded_bytes_ + result_bytes <= kMaxAllFoldedBytes &&
                   std::all_of(node.inputs.begin(), node.inputs.end(),
                               [&](ValueId id) { return !id.is_present() || is_constant(id); });
  if (is_folded) {
    for (const Type& type : *types) op.out.push_back(&type);
    const std::int64_t work = work_of(op);
    is_folded = work <= kMaxFoldedWork - folded_work_;
    if (is_folded) folded_work_ += work;
  }
  std::vector<ValueId> ids;
  if (is_folded) {
    folded_bytes_ += result_bytes;
    std::vector<TensorView> views;
    for (std::size_t i = 0; i < op.in.size(); ++i)
      views.push_back({op.in[i], op.data[i] ? const_cast<std::byte*>(op.data[i]->data()) : nullptr});
    auto tensors = evaluate(op, views);
    for (std::size_t i = 0; i < tensors.size(); ++i)
      ids.push_back(graph_.add_value({outputs[i].name, std::move(tensors[i].type), Source::constant,
                                      shared(std::move(tensors[i].data))}));
    return ids;
  }
  for (std::size_t i = 0; i < outputs.size(); ++i)
    ids.push_back(graph_.add_value({std::move(outputs[i].name), std::move((*types)[i]), Source::node}));
  node.outputs = ids;
  graph_.nodes.push_back(std::move(node));
  return ids;
}

std::shared_ptr<const Bytes> GraphBuilder::shared(Bytes folded) {
  const auto view = [](const Bytes& bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  if (const auto found = folded_.find(view(folded)); found != folded_.end()) return found->second;
  auto kept = std::make_shared<const Bytes>(std::move(folded));
  folded_.emplace(view(*kept), kept);
  return kept;
}

Result<ValueId> GraphBuilder::add_one(std::string_view block, Attributes attributes,
                                      std::vector<ValueId> inputs, NodeOutput output) {
  auto ids = add(block, std::move(attributes), std::move(inputs), {std::move(output)});
  if (!ids) return kFailed;
  return (*ids)[0];
}

Result<ValueId> GraphBuilder::add_one(std::string_view block, std::vector<ValueId> inputs,
                                      NodeOutput output) {
  const Block* found = blocks_.find(block);
  if (found == nullptr) return refuse(Kind::internal, "no block is called `" + std::string(block) + "`");
  return add_one(block, found->attributes.make(), std::move(inputs), std::move(output));
}

ValueId GraphBuilder::add_output(std::string name, ValueId id) {
  const bool is_output = std::find(graph_.outputs.begin(), graph_.outputs.end(), id) != graph_.outputs.end();
  if (is_output || graph_.at(id).source != Source::node) {
    const Block* identity = blocks_.find("identity");
    const ValueId copy = graph_.add_value({std::move(name), graph_.at(id).type, Source::node});
    graph_.nodes.push_back({identity, identity->attributes.make(), {id}, {copy}, layer_, origin_});
    id = copy;
  }
  graph_.outputs.push_back(id);
  return id;
}

Status GraphBuilder::make_names_unique() {
  std::unordered_set<std::string> names;
  for (const auto* ids : {&graph_.inputs, &graph_.outputs})
    for (const ValueId id : *ids)
      if (!names.insert(graph_.at(id).name).second)
        return diagnostics_.add({.kind = Kind::invalid_model,
                                 .message = "two inputs or outputs are called `" + graph_.at(id).name + "`"});
  number_inner_names();
  return {};
}

void GraphBuilder::number_inner_names() {
  std::unordered_set<std::string> names;
  std::vector<bool> is_interface(graph_.values.size(), false);
  for (const auto* ids : {&graph_.inputs, &graph_.outputs})
    for (const ValueId id : *ids) {
      is_interface[id.index()] = true;
      names.insert(graph_.at(id).name);
    }
  std::unordered_map<std::string, int> numbers;
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    if (is_interface[i]) continue;
    const std::string wanted = graph_.values[i].name;
    std::string name = wanted;
    while (!names.insert(name).second) name = wanted + "_" + std::to_string(++numbers[wanted]);
    graph_.values[i].name = std::move(name);
  }
}

void report_missing(Diagnostics& diagnostics, std::span<const Diagnostic> missing) {
  for (std::size_t i = 0; i < missing.size() && i < kMaxMissingReported; ++i) diagnostics.add(missing[i]);
  if (missing.size() > kMaxMissingReported)
    diagnostics.add(
        {.kind = Kind::unsupported_operator,
         .message = "and " + count_text(missing.size() - kMaxMissingReported, "layer") + " more"});
}

const Tensor* ReadOptions::find_frozen(std::string_view input) const {
  const auto found = std::ranges::find(frozen, input, &std::pair<std::string, Tensor>::first);
  return found == frozen.end() ? nullptr : &found->second;
}

Failed GraphBuilder::refuse(Kind kind, std::string message, std::string help) {
  return diagnostics_.add({.kind = kind,
                           .message = std::move(message),
                           .layer = origin_.empty() ? "" : origin_ + " `" + layer_ + "`",
                           .notes = source_.empty() ? std::vector<std::string>() : std::vector{source_},
                           .help = std::move(help)});
}

void GraphBuilder::remark(Kind kind, std::string message) {
  for (const Diagnostic& said : diagnostics_.all())
    if (said.message == message) return;
  diagnostics_.add({.kind = kind,
                    .message = std::move(message),
                    .layer = origin_.empty() ? "" : origin_ + " `" + layer_ + "`"});
}

Result<std::vector<std::int64_t>> GraphBuilder::ints(ValueId id, std::string_view what) {
  if (!is_constant(id))
    return refuse(Kind::dynamic_shape,
                  std::string(what) + " is computed at run time, from `" + graph_.at(id).name + "`",
                  "freeze the input that determines it with --freeze INPUT=FILE.npy");
  const Tensor tensor = constant(id);
  if (is_float(tensor.type.dtype)) {
    constexpr double kLimit = 9007199254740992.0;  // 2^53
    for (const double value : to_doubles(tensor))
      if (!(std::abs(value) <= kLimit))
        return refuse(Kind::invalid_model, std::string(what) + " is " +
                                               float_text(static_cast<float>(value)) + ", not an integer");
  }
  return to_ints(tensor);
}

Result<std::vector<double>> GraphBuilder::doubles(ValueId id, std::string_view what) {
  if (!is_constant(id))
    return refuse(Kind::dynamic_shape,
                  std::string(what) + " is computed at run time, from `" + graph_.at(id).name + "`",
                  "freeze the input that determines it with --freeze INPUT=FILE.npy");
  return to_doubles(constant(id));
}

Tensor GraphBuilder::constant(ValueId id) const {
  const Value& value = graph_.at(id);
  return {value.type, *value.data};
}

}  // namespace nb
