#include "read/keras/importer.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace nb::keras {
namespace {

constexpr int kMaxDepth = 24;               // of models and wrappers
constexpr std::size_t kMaxCalls = 100'000;  // of layers, also in models that are called several times
constexpr std::size_t kMaxFaults = 100;     // layers refused before reading ends
constexpr int kMaxArgumentDepth = 32;

using CallKey = std::pair<std::string, std::int64_t>;

std::string where(const LayerConfig& layer, const std::string& prefix) {
  return printable(layer.class_name) + " `" + prefix + printable(layer.name) + "`";
}

}  // namespace

/// The values of one model's calls.
struct Importer::Frame {
  std::map<CallKey, std::vector<ValueId>> values = {};
  std::set<CallKey> unknown = {};  ///< what a fault keeps from being known; said once
};

std::optional<DType> Importer::find_dtype(std::string_view name) {
  static const std::map<std::string_view, DType> kTypes = {
      {"float32", DType::f32}, {"float64", DType::f64}, {"float16", DType::f16}, {"bfloat16", DType::bf16},
      {"int8", DType::i8},     {"uint8", DType::u8},    {"int16", DType::i16},   {"uint16", DType::u16},
      {"int32", DType::i32},   {"uint32", DType::u32},  {"int64", DType::i64},   {"uint64", DType::u64},
      {"bool", DType::boolean}};
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

void Importer::fail(Kind kind, const std::string& message, const std::string& layer,
                    const std::string& help) {
  build_.diagnostics().add({.kind = kind, .message = message, .layer = layer, .help = help});
  throw Refusal{};
}

void Importer::count_weight(std::int64_t bytes) {
  constexpr std::int64_t kMaxWeightBytes = std::int64_t{4} << 30;
  weight_bytes_ += bytes;
  if (weight_bytes_ > kMaxWeightBytes) fail(Kind::limit_exceeded, "the weights exceed 4 GiB");
}

// --- what is missing ---

void Importer::check_json(const Json& layer, int depth, const std::string& prefix) {
  check_layer(parse_layer(layer), depth, prefix);
}

void Importer::check_layer(const LayerConfig& layer, int depth, const std::string& prefix) {
  if (depth > kMaxDepth)
    fail(Kind::limit_exceeded, "models and wrappers nest deeper than " + std::to_string(kMaxDepth));
  if (is_model_class(layer.class_name)) {
    const ModelConfig model = parse_model(layer.class_name, *layer.config);
    for (const LayerConfig& inner : model.layers)
      check_layer(inner, depth + 1, prefix + printable(layer.name) + "/");
    return;
  }
  for (const char* name : {"layer", "backward_layer"})
    if (const Json* inner = member(*layer.config, name);
        inner != nullptr && inner->is_object() && member(*inner, "class_name") != nullptr)
      check_json(*inner, depth + 1, prefix + printable(layer.name) + "/");
  const LayerRow* row = find_layer(layer.class_name);
  const bool has_block =
      row != nullptr && (row->block.empty() || build_.blocks().find(row->block) != nullptr);
  if (has_block) return;
  std::string help(obstacle(layer.class_name));
  if (help.empty()) {
    std::vector<std::string> names = translated_layers();
    const std::string close = nearest(layer.class_name, names);
    help = "docs/keras.md lists the layers that are translated" +
           (close.empty() ? std::string(", and layers that they are made of can stand for it")
                          : "; did you mean `" + close + "`?");
  }
  missing_.push_back(
      {.kind = Kind::unsupported_operator,
       .message = row != nullptr ? "needs the block `" + std::string(row->block) + "`, which does not exist"
                                 : "no reader translates the Keras layer " + printable(layer.class_name),
       .layer = where(layer, prefix),
       .help = help});
}

void Importer::check_layers(const ModelConfig& model) {
  for (const LayerConfig& layer : model.layers) check_layer(layer, 0, "");
  report_missing(build_.diagnostics(), missing_);
}

// --- translation ---

Argument Importer::resolve(const Json& json, const Frame& frame, int depth) {
  if (depth > kMaxArgumentDepth)
    throw ConfigFault{Kind::limit_exceeded, "the arguments of a call nest too deep"};
  if (const auto reference = as_reference(json)) {
    const auto found = frame.values.find({reference->layer, reference->call});
    if (found == frame.values.end() || reference->tensor < 0 ||
        static_cast<std::size_t>(reference->tensor) >= found->second.size())
      throw ConfigFault{Kind::invalid_model, "it reads output " + std::to_string(reference->tensor) +
                                                 " of call " + std::to_string(reference->call) + " of `" +
                                                 printable(reference->layer) + "`, which does not exist"};
    return tensor_argument(found->second[static_cast<std::size_t>(reference->tensor)]);
  }
  // A list or a dictionary is one of tensors if there is one in it.
  if (references_in({json, {}}).empty()) return {Argument::What::value, {}, {}, json};
  Argument list{Argument::What::list, {}, {}, {}};
  const Json* items = member(json, "items");  // of a "__tuple__"
  for (const Json& inner : items != nullptr ? *items : json)
    list.items.push_back(resolve(inner, frame, depth + 1));
  return list;
}

std::vector<ValueId> Importer::translate(const LayerConfig& layer, Scope scope, const std::string& name,
                                         Arguments arguments) {
  const std::string at = printable(layer.class_name) + " `" + name + "`";
  if (++calls_ > kMaxCalls) fail(Kind::limit_exceeded, "the model has more than 100,000 calls of layers", at);
  if (depth_ >= kMaxDepth)
    fail(Kind::limit_exceeded, "models and wrappers nest deeper than " + std::to_string(kMaxDepth), at);
  ++depth_;
  struct Leave {
    int& depth;
    ~Leave() { --depth; }
  } const leave{depth_};

  try {
    if (is_model_class(layer.class_name)) {
      const ModelConfig model = parse_model(layer.class_name, *layer.config);
      std::vector<ValueId> inputs;
      for (const Argument& argument : arguments.positional) argument.collect(inputs);
      for (const auto& [keyword, argument] : arguments.named) argument.collect(inputs);
      return run(model, scope, name + "/", inputs);
    }
    const LayerRow* row = find_layer(layer.class_name);
    if (row == nullptr || (!row->block.empty() && build_.blocks().find(row->block) == nullptr))
      throw Refusal{};  // check_layers has said so
    const std::size_t first_value = build_.graph().values.size();
    Layer translated(*this, *row, layer, std::move(scope), name, std::move(arguments));
    if (const Json* policy = member(*layer.config, "dtype"))
      if (const std::string type = text_of(*policy, "class_name");
          type.find("Quantized") != std::string::npos || type == "Int8DTypePolicy")
        translated.unsupported("it was quantized by Keras (`" + printable(type) + "`)",
                               "save the float model; a .tflite or QDQ .onnx file keeps quantized layers");
    row->translate(translated);
    std::vector<ValueId> outputs = translated.outputs();
    if (outputs.empty()) translated.refuse(Kind::internal, "its translation gave no output");
    if (row->masks == Masks::passes && !translated.arguments().positional.empty()) {
      std::vector<ValueId> inputs = translated.inputs();
      for (const ValueId id : inputs)
        if (mask(id).is_present() && !mask(outputs[0]).is_present()) set_mask(outputs[0], mask(id));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].index() >= first_value && build_.graph().at(outputs[i]).source == Source::node)
        build_.graph().at(outputs[i]).name = i == 0 ? name : name + ":" + std::to_string(i);
    return outputs;
  } catch (const ConfigFault& fault) {
    fail(fault.kind, fault.message, at, fault.help);
  }
}

std::vector<ValueId> Importer::run_sequential(const ModelConfig& model, const std::vector<Scope>& scopes,
                                              const std::string& prefix, const std::vector<ValueId>& inputs) {
  if (inputs.size() != 1)
    fail(Kind::invalid_model, "a Sequential model is called with " + count_text(inputs.size(), "tensor"),
         "Sequential `" + printable(model.name) + "`");
  std::vector<ValueId> values = inputs;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const LayerConfig& layer = model.layers[i];
    if (layer.class_name == "InputLayer") continue;
    Arguments arguments;
    if (values.size() == 1) {
      arguments.positional.push_back(tensor_argument(values[0]));
    } else {
      Argument list{Argument::What::list, {}, {}, {}};
      for (const ValueId id : values) list.items.push_back(tensor_argument(id));
      arguments.positional.push_back(std::move(list));
    }
    values = translate(layer, scopes[i], prefix + printable(layer.name), std::move(arguments));
  }
  return values;
}

std::vector<ValueId> Importer::run(const ModelConfig& model, const Scope& scope, const std::string& prefix,
                                   const std::vector<ValueId>& inputs) {
  const std::vector<Scope> scopes = weights_.layers(scope, model);
  if (model.is_sequential) return run_sequential(model, scopes, prefix, inputs);
  if (inputs.size() != model.inputs.size())
    fail(Kind::invalid_model,
         "a model with " + count_text(model.inputs.size(), "input") + " is called with " +
             count_text(inputs.size(), "tensor"),
         "Functional `" + printable(model.name) + "`");
  Frame frame;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    frame.values[{model.inputs[i].layer, model.inputs[i].call}] = {inputs[i]};

  // Calls in an order in which tensors are made before they are used: the model's own where it is one.
  struct Pending {
    std::size_t layer;
    std::int64_t call;
    std::vector<CallKey> reads;
    std::size_t waiting = 0;
  };
  std::vector<Pending> pending;
  std::map<CallKey, std::size_t> maker;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    for (std::size_t j = 0; j < model.layers[i].calls.size(); ++j) {
      const Call& call = model.layers[i].calls[j];
      Pending next{i, model.layers[i].first_call + static_cast<std::int64_t>(j), {}, 0};
      for (const Reference& reference : references_in(call))
        next.reads.emplace_back(reference.layer, reference.call);
      if (frame.values.contains({model.layers[i].name, next.call})) continue;  // an input
      maker[{model.layers[i].name, next.call}] = pending.size();
      pending.push_back(std::move(next));
    }
  std::vector<std::vector<std::size_t>> readers(pending.size());
  std::set<std::size_t> ready;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const std::set<CallKey> reads(pending[i].reads.begin(), pending[i].reads.end());
    for (const CallKey& key : reads) {
      if (const auto made = maker.find(key); made != maker.end()) {
        readers[made->second].push_back(i);
        ++pending[i].waiting;
      } else if (!frame.values.contains(key)) {
        fail(Kind::invalid_model,
             "it reads call " + std::to_string(key.second) + " of `" + printable(key.first) +
                 "`, which does not exist",
             where(model.layers[pending[i].layer], prefix));
      }
    }
    if (pending[i].waiting == 0) ready.insert(i);
  }

  const std::size_t faults_before = faults_;
  std::size_t done = 0;
  while (!ready.empty()) {
    const std::size_t i = *ready.begin();
    ready.erase(ready.begin());
    ++done;
    for (const std::size_t reader : readers[i])
      if (--pending[reader].waiting == 0) ready.insert(reader);
    const LayerConfig& layer = model.layers[pending[i].layer];
    const CallKey key{layer.name, pending[i].call};
    const bool is_lost = std::any_of(pending[i].reads.begin(), pending[i].reads.end(),
                                     [&](const CallKey& read) { return frame.unknown.contains(read); });
    if (!is_lost) {
      try {
        const Call& call = layer.calls[static_cast<std::size_t>(pending[i].call - layer.first_call)];
        Arguments arguments;
        for (const Json& argument : call.arguments)
          arguments.positional.push_back(resolve(argument, frame, 0));
        for (auto it = call.keywords.begin(); it != call.keywords.end(); ++it)
          arguments.named[it.key()] = resolve(*it, frame, 0);
        frame.values[key] =
            translate(layer, scopes[pending[i].layer], prefix + printable(layer.name), std::move(arguments));
        continue;
      } catch (const Refusal&) {
        if (build_.diagnostics().all().back().kind == Kind::limit_exceeded || ++faults_ > kMaxFaults) throw;
      } catch (const ConfigFault& fault) {
        fail(fault.kind, fault.message, where(layer, prefix), fault.help);
      }
    }
    frame.unknown.insert(key);
  }
  if (done != pending.size())
    for (const Pending& left : pending)
      if (left.waiting != 0)
        fail(Kind::invalid_model, "the model has a cycle through this layer",
             where(model.layers[left.layer], prefix));
  if (faults_ != faults_before) throw Refusal{};

  std::vector<ValueId> outputs;
  for (const Reference& output : model.outputs) {
    const auto found = frame.values.find({output.layer, output.call});
    if (found == frame.values.end() || output.tensor < 0 ||
        static_cast<std::size_t>(output.tensor) >= found->second.size())
      fail(Kind::invalid_model, "the model's output " + std::to_string(output.tensor) + " of call " +
                                    std::to_string(output.call) + " of `" + printable(output.layer) +
                                    "` does not exist");
    outputs.push_back(found->second[static_cast<std::size_t>(output.tensor)]);
  }
  return outputs;
}

}  // namespace nb::keras
