#include "read/onnx/read_onnx.h"

#include <algorithm>
#include <new>

#include "blocks/cast/attributes.h"
#include "read/onnx/importer.h"
#include "read/onnx/schema.h"

namespace nb {
namespace onnx {
namespace {

constexpr std::uint64_t kConstantFloor = std::uint64_t{256} << 20;

/// One reading of one model.
class ModelReader {
 public:
  ModelReader(ByteSpan file, const std::filesystem::path& folder, const BlockSet& blocks,
              const ReadOptions& options, Diagnostics& diagnostics)
      : file_(file),
        options_(options),
        diagnostics_(diagnostics),
        files_(folder),
        build_(blocks, diagnostics),
        import_(build_, model_, files_, kConstantFloor + 4 * static_cast<std::uint64_t>(file.size())) {}

  Graph read() {
    if (!parse(file_, model_)) import_.fail(Kind::malformed_file, "the file is cut off or is no ONNX model");
    if (!model_.graph || model_.ir_version <= 0)
      import_.fail(Kind::malformed_file, "the file holds no ONNX graph");
    check_opsets();
    if (!parse(*model_.graph, graph_))
      import_.fail(Kind::malformed_file, "the graph is cut off or inconsistent");
    build_.graph().name = options_.name.empty() ? printable(graph_.name) : options_.name;
    build_.graph().rounding = Rounding::once;
    check_options();
    const std::size_t errors = diagnostics_.error_count();
    import_.check_operators(graph_);
    frame_.opsets = &model_.opsets;
    for (const TensorProto& initializer : graph_.initializers)
      if (!frame_.initializers.emplace(initializer.name, &initializer).second)
        import_.fail(Kind::invalid_model,
                     "two initializers are called `" + printable(initializer.name) + "`");
    for (const ValueInfoProto& input : graph_.inputs)
      if (!goes_well([&] { declare_input(input); })) frame_.unknown.insert(input.name);
    // Where the nodes have no order, there is nothing to say of the outputs.
    const bool is_run = goes_well([&] { import_.run(graph_, frame_); });
    for (const ValueInfoProto& output : graph_.outputs)
      if (is_run && !Importer::is_unknown(frame_, output.name)) goes_well([&] { declare_output(output); });
    if (graph_.outputs.empty()) import_.fail(Kind::invalid_model, "the graph has no outputs");
    if (diagnostics_.error_count() > errors) throw Refusal{};
    if (!build_.make_names_unique()) throw Refusal{};
    build_.graph().remove_dead();
    return std::move(build_.graph());
  }

 private:
  /// Runs a step that may be refused; whether it was not.
  template <class F>
  static bool goes_well(F step) {
    try {
      step();
      return true;
    } catch (const Refusal&) {
      return false;
    }
  }

  void check_opsets() {
    for (const OperatorSet& opset : model_.opsets) {
      const bool is_standard = opset.domain.empty() || opset.domain == "ai.onnx";
      if (is_standard && opset.version > kNewestOpset)
        build_.remark(Kind::remark, "opset " + std::to_string(opset.version) + " is newer than " +
                                        std::to_string(kNewestOpset) + ", the newest known: read as that");
    }
    if (model_.opsets.empty()) import_.fail(Kind::invalid_model, "the model imports no operator set");
  }

  void check_options() {
    for (const auto& [name, tensor] : options_.frozen) {
      std::vector<std::string> names;
      for (const ValueInfoProto& input : graph_.inputs) names.emplace_back(input.name);
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const std::string close = nearest(name, names);
      import_.fail(Kind::usage, "--freeze names `" + name + "`, which is no input of the model", {},
                   close.empty() ? "" : "did you mean `" + close + "`?");
    }
    std::vector<std::string> dims, symbols;
    for (const ValueInfoProto& input : graph_.inputs)
      for (std::size_t i = 0; i < input.dims.size(); ++i) {
        dims.push_back(axis_name(input, i));
        if (!input.dims[i].symbol.empty()) symbols.emplace_back(input.dims[i].symbol);
      }
    dims.insert(dims.end(), symbols.begin(), symbols.end());
    for (const auto& [name, size] : options_.dims) {
      if (std::find(dims.begin(), dims.end(), name) != dims.end()) continue;
      const std::string close = nearest(name, symbols);
      import_.fail(Kind::usage,
                   "--dim names `" + printable(name) + "`, which is no dimension of the model's inputs", {},
                   close.empty() ? "" : "did you mean `" + printable(close) + "`?");
    }
  }

  static bool is_string(std::int64_t element_type) {
    return element_type == static_cast<std::int64_t>(TensorProto_DataType::STRING);
  }

  /// What --dim may call a dimension that has no symbol, or not one of its own.
  static std::string axis_name(const ValueInfoProto& input, std::size_t i) {
    return printable(input.name) + ":" + std::to_string(i);
  }

  [[nodiscard]] std::int64_t dimension(const ValueInfoProto& input, std::size_t i) {
    const Dimension& dim = input.dims[i];
    for (const auto& [name, value] : options_.dims)
      if (name == axis_name(input, i) || (!dim.symbol.empty() && name == dim.symbol)) return value;
    if (dim.value && *dim.value >= 0) return *dim.value;
    const std::string said = dim.symbol.empty() ? "unnamed" : "`" + printable(dim.symbol) + "`";
    if (i == 0 || (!dim.symbol.empty() && dim.symbol == batch_symbol_)) {
      if (i == 0) batch_symbol_ = dim.symbol;
      build_.remark(Kind::assumed_batch, "input `" + printable(input.name) + "`: the leading dimension, " +
                                             said + ", is taken as 1");
      return 1;
    }
    import_.fail(
        Kind::dynamic_shape,
        "input `" + printable(input.name) + "`: dimension " + std::to_string(i) + ", " + said +
            ", is not known",
        {},
        "give it with --dim " + (dim.symbol.empty() ? axis_name(input, i) : printable(dim.symbol)) + "=N");
  }

  /// A file for --freeze has the input's dtype, and its shape where that is known.
  void check_frozen(const ValueInfoProto& input, const Type& given) {
    const std::string name = "--freeze " + printable(input.name) + ": ";
    const auto declared = dtype_of(input.element_type);
    const bool is_number = declared && computed_dtype(*declared) == computed_dtype(given.dtype);
    const bool is_index = declared && is_integer(*declared) && is_integer(given.dtype);
    if (declared && !is_number && !is_index)
      import_.fail(Kind::input_mismatch,
                   name + "the file holds " + std::string(dtype_name(given.dtype)) + ", the input is " +
                       std::string(dtype_name(*declared)),
                   {}, "convert it with numpy's .astype");
    if (!input.is_tensor || !input.has_shape) return;
    std::string wanted;
    bool fits = given.shape.size() == input.dims.size();
    for (std::size_t i = 0; i < input.dims.size(); ++i) {
      const Dimension& dim = input.dims[i];
      const bool is_known = dim.value && *dim.value >= 0;
      wanted += (i == 0 ? "" : ",") + (is_known ? std::to_string(*dim.value) : std::string("?"));
      fits = fits && (!is_known || given.shape[i] == *dim.value);
    }
    if (!fits)
      import_.fail(Kind::input_mismatch,
                   name + "the file has shape " + shape_text(given.shape) + ", the input [" + wanted + "]");
  }

  void declare_input(const ValueInfoProto& input) {
    if (frame_.values.contains(input.name))
      import_.fail(Kind::invalid_model, "two inputs are called `" + printable(input.name) + "`");
    const std::string name = printable(input.name);
    if (const Tensor* tensor = options_.find_frozen(input.name)) {
      check_frozen(input, tensor->type);
      Tensor value = *tensor;
      if (const auto declared = dtype_of(input.element_type);
          declared && computed_dtype(*declared) != value.type.dtype)
        value = converted(value, computed_dtype(*declared));
      else if (computed_dtype(value.type.dtype) != value.type.dtype)
        value = converted(value, DType::f32);
      frame_.values[input.name] = build_.add_constant(name, std::move(value));
      return;
    }
    // Before IR 4 initializers are listed as inputs too; later that makes them defaults, which are taken.
    if (frame_.initializers.contains(input.name)) return;
    if (!input.is_tensor)
      import_.fail(
          Kind::unsupported_feature, "input `" + name + "` is not a tensor", {},
          "programs work on tensors of fixed shape: export the model without sequences, maps and optional "
          "values");
    const auto dtype = dtype_of(input.element_type);
    if (!dtype || is_nibble(input.element_type))
      import_.fail(
          Kind::unsupported_feature,
          "input `" + name + "` has elements of type " + element_type_name(input.element_type), {},
          is_string(input.element_type) ? "do what needs strings before the model, and give it numbers" : "");
    if (!input.has_shape)
      import_.fail(Kind::dynamic_shape, "input `" + name + "` has no shape", {},
                   "freeze it with --freeze " + name + "=FILE.npy, or export the model with shapes");
    Type type{*dtype, {}};
    for (std::size_t i = 0; i < input.dims.size(); ++i) type.shape.push_back(dimension(input, i));
    if (const std::string fault = shape_fault(type.shape, type.dtype); !fault.empty())
      import_.fail(Kind::limit_exceeded, "input `" + name + "`: " + fault);
    build_.set_layer(name, "Input");
    ValueId id = build_.add_input(name, type);
    if (computed_dtype(*dtype) != *dtype) id = convert(id, DType::f32, name + "/f32");
    frame_.values[input.name] = id;
  }

  ValueId convert(ValueId id, DType to, const std::string& name) {
    auto cast = build_.add_one("cast", Attributes(CastAttrs{to}), {id}, {name, {}});
    if (!cast) throw Refusal{};
    return *cast;
  }

  void declare_output(const ValueInfoProto& output) {
    const std::string name = printable(output.name);
    ValueId id = import_.find(frame_, output.name);
    if (!id.is_present()) import_.fail(Kind::invalid_model, "output `" + name + "` is made by nothing");
    build_.set_layer(name, "Output");
    Graph& graph = build_.graph();
    const auto declared = dtype_of(output.element_type);
    const DType made = graph.at(id).type.dtype;
    if (declared && *declared != made) {
      if (computed_dtype(*declared) != made)
        import_.fail(Kind::invalid_model, "output `" + name + "` is declared " +
                                              std::string(dtype_name(*declared)) + " and computed as " +
                                              std::string(dtype_name(made)));
      id = convert(id, *declared, name);
    }
    graph.at(build_.add_output(name, id)).name = name;
  }

  ByteSpan file_;
  const ReadOptions& options_;
  Diagnostics& diagnostics_;
  ModelProto model_;
  GraphProto graph_;
  ExternalFiles files_;
  GraphBuilder build_;
  Importer import_;
  Frame frame_;
  std::string_view batch_symbol_;
};

}  // namespace
}  // namespace onnx

Result<Graph> read_onnx(ByteSpan file, const std::filesystem::path& folder, const BlockSet& blocks,
                        const ReadOptions& options, Diagnostics& diagnostics) {
  return read::guarded(diagnostics, [&]() -> Result<Graph> {
    return onnx::ModelReader(file, folder, blocks, options, diagnostics).read();
  });
}

}  // namespace nb
