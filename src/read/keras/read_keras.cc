#include "read/keras/read_keras.h"

#include <algorithm>
#include <new>
#include <unordered_set>

#include "base/text.h"
#include "base/zip.h"
#include "blocks/cast/attributes.h"
#include "read/dtypes.h"
#include "read/keras/hdf5.h"
#include "read/keras/importer.h"

namespace nb {
namespace keras {
namespace {

constexpr std::string_view kWeights = "model.weights.h5";

std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The number before the first point of "3.15.0"; 3 if there is none.
int major_version(const std::string& version) {
  if (version.empty() || version[0] < '1' || version[0] > '9') return 3;
  return version[0] - '0';
}

/// An input of the model as its configuration describes it; -1 is a dimension that is not known.
struct InputSpec {
  std::string name, dtype;
  Shape shape;
};

/// What a file holds, of either kind.
struct Contents {
  Json json;  ///< {class_name, config}
  Hdf5 weights;
  bool is_named;        ///< weights by name, as .h5 files have them
  std::string version;  ///< of the Keras that wrote it
};

class ModelReader {
 public:
  ModelReader(const BlockSet& blocks, const ReadOptions& options, Diagnostics& diagnostics)
      : options_(options), diagnostics_(diagnostics), build_(blocks, diagnostics) {}

  Result<Graph> read(ByteSpan file) { return read(is_zip(file) ? open_archive(file) : open_hdf5(file)); }

  Result<Graph> read(Contents contents) {
    const Weights weights(std::move(contents.weights), contents.is_named);
    const std::string class_name = text_of(contents.json, "class_name");
    const Json* config = member(contents.json, "config");
    if (class_name.empty() || config == nullptr)
      fail(Kind::invalid_model, "its configuration has no class_name and config");
    if (!is_model_class(class_name))
      fail(Kind::unsupported_feature, "it is a " + printable(class_name) + ", whose code is not in the file",
           "only Sequential and Functional models say what they compute; write a subclassed one as "
           "keras.Model(inputs, outputs)");
    const ModelConfig model = parse_model(class_name, *config);
    Importer importer(build_, weights, major_version(contents.version));
    importer.check_layers(model);
    const std::vector<InputSpec> specs = inputs_of(model);
    check_options(specs);
    std::vector<ValueId> inputs;
    for (const InputSpec& spec : specs) inputs.push_back(declare_input(spec));
    const std::vector<ValueId> outputs = importer.run(model, {}, "", inputs);
    if (diagnostics_.has_errors()) return kFailed;
    declare_outputs(model, outputs);
    build_.number_inner_names();
    Graph graph = std::move(build_.graph());
    graph.name = options_.name;
    graph.rounding = Rounding::once;
    graph.remove_dead();
    return graph;
  }

 private:
  [[noreturn]] void fail(Kind kind, const std::string& message, const std::string& help = {}) {
    diagnostics_.add({.kind = kind, .message = message, .help = help});
    throw Refusal{};
  }

  // --- files ---

  ByteSpan entry(ZipArchive& archive, std::string_view name) {
    const ZipEntry* found = archive.find(name);
    if (found == nullptr) fail(Kind::malformed_file, "the archive has no " + std::string(name));
    std::string why_not;
    const auto content = archive.content(*found, why_not);
    if (!content) fail(Kind::malformed_file, std::string(name) + " " + why_not);
    return *content;
  }

  Contents open_archive(ByteSpan file) {
    std::string why_not;
    auto archive = ZipArchive::open(file, why_not);
    if (!archive) fail(Kind::malformed_file, "the archive " + why_not);
    Contents contents;
    contents.json = parse_json(as_text(entry(*archive, "config.json")), "config.json");
    if (archive->find("metadata.json") != nullptr)
      contents.version =
          text_of(parse_json(as_text(entry(*archive, "metadata.json")), "metadata.json"), "keras_version");
    if (archive->find(kWeights) == nullptr && archive->find("model.weights.json") != nullptr)
      fail(Kind::unsupported_feature, "its weights are cut into several files",
           "save the model without max_shard_size");
    if (archive->find(kWeights) == nullptr && archive->find("model.weights.npz") != nullptr)
      fail(Kind::unsupported_feature, "its weights are an .npz file", "save the model with h5py installed");
    auto weights = read_hdf5(entry(*archive, kWeights), std::string(kWeights), diagnostics_);
    if (!weights) throw Refusal{};
    contents.weights = *std::move(weights);
    contents.is_named = false;
    return contents;
  }

  Contents open_hdf5(ByteSpan file) {
    auto weights = read_hdf5(file, "the file", diagnostics_);
    if (!weights) throw Refusal{};
    const std::string config = weights->text("", "model_config");
    if (config.empty())
      fail(
          Kind::unsupported_feature, "the HDF5 file holds no model: it has no attribute `model_config`",
          "weights alone do not say what is computed: save the whole model with model.save(\"model.keras\")");
    Contents contents;
    contents.json = parse_json(config, "model_config");
    contents.version = weights->text("", "keras_version");
    if (contents.version.empty()) contents.version = weights->text("model_weights", "keras_version");
    if (contents.version.empty()) contents.version = "2";
    contents.weights = *std::move(weights);
    contents.is_named = true;
    return contents;
  }

  // --- inputs ---

  /// A shape of a configuration, the batch first.
  Shape shape_of(const Json& json, const std::string& name) {
    const Json* items = json.is_object() ? member(json, "items") : &json;
    if (items == nullptr || !items->is_array() || items->size() > kMaxRank)
      fail(Kind::invalid_model, "input `" + name + "` has no shape");
    Shape shape;
    for (const Json& dim : *items) {
      if (!dim.is_null() && (!dim.is_number_integer() || dim < 0 || dim > kMaxTensorBytes))
        fail(Kind::invalid_model, "input `" + name + "` has a dimension that is none");
      shape.push_back(dim.is_null() ? -1 : dim.get<std::int64_t>());
    }
    if (shape.empty()) fail(Kind::invalid_model, "input `" + name + "` has no batch axis");
    return shape;
  }

  InputSpec spec_of(const LayerConfig& layer) {
    InputSpec spec{printable(layer.name), text_of(*layer.config, "dtype"), {}};
    for (const char* flag : {"sparse", "ragged"})
      if (const Json* found = member(*layer.config, flag);
          found != nullptr && found->is_boolean() && found->get<bool>())
        fail(Kind::unsupported_feature, "input `" + spec.name + "` is " + flag, "give it as a dense tensor");
    for (const char* key : {"batch_shape", "batch_input_shape"})
      if (const Json* found = member(*layer.config, key); found != nullptr && !found->is_null()) {
        spec.shape = shape_of(*found, spec.name);
        return spec;
      }
    fail(Kind::invalid_model, "input `" + spec.name + "` has no shape");
  }

  std::vector<InputSpec> inputs_of(const ModelConfig& model) {
    if (!model.is_sequential) {
      std::vector<InputSpec> specs;
      for (const Reference& reference : model.inputs) {
        const auto layer = std::find_if(model.layers.begin(), model.layers.end(),
                                        [&](const LayerConfig& one) { return one.name == reference.layer; });
        if (layer == model.layers.end())
          fail(Kind::invalid_model,
               "the model's input `" + printable(reference.layer) + "` is no layer of it");
        specs.push_back(spec_of(*layer));
      }
      return specs;
    }
    if (model.layers.empty()) fail(Kind::invalid_model, "the model has no layers");
    const LayerConfig& first = model.layers[0];
    if (first.class_name == "InputLayer") return {spec_of(first)};
    // The first layer says what it takes, or what the model was built for; that of a model within is its own.
    InputSpec spec{"input", "", {}};
    const Json* shape = member(*first.config, "batch_input_shape");
    if (shape != nullptr && !shape->is_null()) spec.dtype = text_of(*first.config, "dtype");
    if (shape == nullptr || shape->is_null()) shape = member(*model.config, "build_input_shape");
    if ((shape == nullptr || shape->is_null()) && is_model_class(first.class_name)) {
      auto inner = inputs_of(parse_model(first.class_name, *first.config));
      if (inner.size() != 1) fail(Kind::invalid_model, "the model's first layer takes several inputs");
      return inner;
    }
    if (shape == nullptr || shape->is_null())
      fail(Kind::invalid_model, "the model was never built: its input has no shape",
           "begin the model with keras.Input(shape), and save it again");
    spec.shape = shape_of(*shape, spec.name);
    return {spec};
  }

  /// What --dim calls a dimension.
  static std::string axis_name(const InputSpec& spec, std::size_t i) {
    return spec.name + ":" + std::to_string(i);
  }

  void check_options(const std::vector<InputSpec>& specs) {
    std::vector<std::string> names, dims;
    for (const InputSpec& spec : specs) {
      names.push_back(spec.name);
      for (std::size_t i = 0; i < spec.shape.size(); ++i) dims.push_back(axis_name(spec, i));
    }
    const auto check = [&](const std::string& given, const std::vector<std::string>& known,
                           const std::string& what) {
      if (std::find(known.begin(), known.end(), given) != known.end()) return;
      const std::string close = nearest(given, known);
      fail(Kind::usage, what, close.empty() ? "" : "did you mean `" + close + "`?");
    };
    for (const auto& [name, tensor] : options_.frozen)
      check(name, names, "--freeze names `" + printable(name) + "`, which is no input of the model");
    for (const auto& [name, size] : options_.dims)
      check(name, dims, "--dim names `" + printable(name) + "`, which is no dimension of the model's inputs");
  }

  std::int64_t dimension(const InputSpec& spec, std::size_t i) {
    const std::string name = axis_name(spec, i);
    for (const auto& [given, size] : options_.dims)
      if (given == name) return size;
    if (spec.shape[i] >= 0) return spec.shape[i];
    if (i > 0)
      fail(Kind::dynamic_shape, "input `" + spec.name + "`: dimension " + std::to_string(i) + " is not known",
           "give it with --dim " + name + "=N");
    build_.remark(Kind::assumed_batch,
                  "input `" + spec.name + "`: the leading dimension, the batch, is taken as 1");
    return 1;
  }

  ValueId declare_input(const InputSpec& spec) {
    const std::string dtype = spec.dtype.empty() ? "float32" : spec.dtype;
    const auto declared = Importer::find_dtype(dtype);
    if (!declared)
      fail(Kind::unsupported_feature, "input `" + spec.name + "` has elements of type " + printable(dtype),
           dtype == "string" ? "do what needs strings before the model, and give it numbers" : "");
    build_.set_layer(spec.name, "InputLayer");
    for (const auto& [name, tensor] : options_.frozen) {
      if (name != spec.name) continue;
      bool fits = tensor.type.shape.size() == spec.shape.size();
      for (std::size_t i = 0; fits && i < spec.shape.size(); ++i)
        fits = spec.shape[i] == -1 || spec.shape[i] == tensor.type.shape[i];
      if (!fits)
        fail(Kind::input_mismatch,
             "--freeze " + name + ": the file has shape " + shape_text(tensor.type.shape));
      if (is_float(*declared) != is_float(tensor.type.dtype))
        fail(Kind::input_mismatch,
             "--freeze " + name + ": the file holds " + std::string(dtype_name(tensor.type.dtype)) +
                 ", the input is " + std::string(dtype_name(*declared)),
             "convert it with numpy's .astype");
      return build_.add_constant(spec.name,
                                 read::converted(tensor, is_float(*declared) ? DType::f32 : *declared));
    }
    Type type{*declared, {}};
    for (std::size_t i = 0; i < spec.shape.size(); ++i) type.shape.push_back(dimension(spec, i));
    if (const std::string fault = shape_fault(type.shape, type.dtype); !fault.empty())
      fail(Kind::limit_exceeded, "input `" + spec.name + "`: " + fault);
    const ValueId id = build_.add_input(spec.name, type);
    if (!is_float(*declared) || *declared == DType::f32) return id;
    build_.remark(Kind::remark, std::string(dtype_name(*declared)) + " values are computed as f32");
    auto cast = build_.add_one("cast", Attributes(CastAttrs{DType::f32}), {id}, {spec.name + "/f32", {}});
    if (!cast) throw Refusal{};
    return *cast;
  }

  // --- outputs ---

  /// Outputs bear the names of the layers that give them.
  void declare_outputs(const ModelConfig& model, const std::vector<ValueId>& outputs) {
    std::unordered_set<std::string> names;
    for (const ValueId id : build_.graph().inputs) names.insert(build_.graph().at(id).name);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::string wanted =
          printable(model.is_sequential ? model.layers.back().name : model.outputs[i].layer);
      std::string name = wanted;
      for (int number = 1; !names.insert(name).second; ++number) name = wanted + "_" + std::to_string(number);
      build_.set_layer(name, "Output");
      build_.graph().at(build_.add_output(name, outputs[i])).name = name;
    }
  }

  const ReadOptions& options_;
  Diagnostics& diagnostics_;
  GraphBuilder build_;
};

/// A reading whose ends are diagnostics, whatever was thrown.
template <class F>
Result<Graph> guarded(Diagnostics& diagnostics, F read) {
  return read::guarded(diagnostics, [&]() -> Result<Graph> {
    try {
      return read();
    } catch (const ConfigFault& fault) {
      return diagnostics.add({.kind = fault.kind, .message = fault.message, .help = fault.help});
    } catch (const nlohmann::json::exception& error) {
      return diagnostics.add(
          {.kind = Kind::internal, .message = std::string("reading the configuration: ") + error.what()});
    }
  });
}

}  // namespace
}  // namespace keras

Result<Graph> read_keras(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                         Diagnostics& diagnostics) {
  return keras::guarded(diagnostics,
                        [&] { return keras::ModelReader(blocks, options, diagnostics).read(file); });
}

Result<Graph> read_keras_parts(std::string_view config, std::string stream, bool is_named,
                               const BlockSet& blocks, const ReadOptions& options, Diagnostics& diagnostics) {
  return keras::guarded(diagnostics, [&]() -> Result<Graph> {
    keras::Contents contents{
        keras::parse_json(config, "the configuration"), {}, is_named, is_named ? "2.15" : "3.0"};
    if (const std::string why = contents.weights.parse(std::move(stream)); !why.empty())
      return diagnostics.add({.kind = Kind::malformed_file, .message = "the stream: " + why});
    return keras::ModelReader(blocks, options, diagnostics).read(std::move(contents));
  });
}

}  // namespace nb
