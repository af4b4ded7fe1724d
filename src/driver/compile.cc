#include "driver/compile.h"

#include <algorithm>

#include "base/file.h"
#include "blocks/blocks.h"
#include "pass/pass.h"
#include "read/keras/hdf5.h"
#include "read/keras/read_keras.h"
#include "read/onnx/read_onnx.h"
#include "read/tflite/read_tflite.h"
#include "read/torch/pte_program.h"
#include "read/torch/read_pt2.h"
#include "read/torch/read_pte.h"
#include "read/torch/read_script.h"
#include "read/zip_format.h"

namespace nb {
namespace fs = std::filesystem;

namespace {

std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An ONNX ModelProto starts with one of its own fields; protobuf has no magic number.
bool looks_like_onnx(ByteSpan file) {
  if (file.size() < 4) return false;
  const auto tag = static_cast<unsigned>(file[0]);
  const unsigned field = tag >> 3, wire = tag & 7u;
  return (wire == 0 && (field == 1 || field == 5)) ||
         (wire == 2 &&
          (field == 2 || field == 3 || field == 4 || field == 6 || field == 7 || field == 8 || field == 14));
}

Result<Graph> read_graph_text(const fs::path& path, ByteSpan file, Diagnostics& diagnostics) {
  const std::string name = constants_file_of(as_text(file));
  Bytes constants;
  if (!name.empty()) {
    if (fs::path(name).filename() != name)
      return diagnostics.add(
          {.kind = Kind::graph_syntax,
           .message = "the constants file `" + printable(name) + "` must lie beside the text"});
    FileRead read = read_file(path.parent_path() / name);
    if (!read.bytes)
      return diagnostics.add(
          {.kind = Kind::file_unreadable, .message = "constants file `" + name + "`: " + read.why_not});
    constants = std::move(*read.bytes);
  }
  return parse_graph(as_text(file), constants, all_blocks(), diagnostics, path.string());
}

/// What is said of a file of no format.
Diagnostic unknown_format(ByteSpan file) {
  if (std::string why_not; is_zip(file)) {
    if (!ZipArchive::open(file, why_not))
      return {.kind = Kind::malformed_file, .message = "the file is a zip archive that " + why_not};
    return {.kind = Kind::unknown_format,
            .message = "the file is a zip archive without a model of PyTorch (.pt2, .pt) or Keras (.keras)",
            .help = "export the model anew, or copy the file again"};
  }
  if (as_text(file).starts_with("PK\x03\x04"))
    return {.kind = Kind::malformed_file,
            .message = "the file begins as a zip archive and has no directory: it is cut off",
            .help = "export the model anew, or copy the file again"};
  return {
      .kind = Kind::unknown_format,
      .message = file.empty()
                     ? "the file is empty"
                     : "the file is neither PyTorch (.pt2, .pt, .pte), Keras, ONNX, TFLite nor graph text",
      .help =
          "export the model with torch.export.save (.pt2), torch.onnx.export (.onnx) or Keras' "
          "model.save (.keras), or convert it to .tflite"};
}

}  // namespace

Format format_of(ByteSpan file) {
  if (file.size() >= 8 && as_text(file).substr(4, 4) == "TFL3") return Format::tflite;
  if (torch::is_pte(file)) return Format::pte;
  if (as_text(file).starts_with("nblocks graph ")) return Format::graph_text;
  if (keras::is_hdf5(file)) return Format::keras;
  if (is_zip(file)) {
    std::string why_not;
    const auto archive = ZipArchive::open(file, why_not);
    if (!archive) return Format::unknown;
    switch (zip_format_of(*archive)) {
      case ZipFormat::pt2:
        return Format::pt2;
      case ZipFormat::torch_script:
        return Format::torch_script;
      case ZipFormat::torch_pickle:
        return Format::torch_pickle;
      case ZipFormat::keras:
        return Format::keras;
      case ZipFormat::unknown:
        return Format::unknown;
    }
  }
  if (is_plain_pickle(file)) return Format::torch_pickle;
  return looks_like_onnx(file) ? Format::onnx : Format::unknown;
}

std::string_view title_of(Format format) {
  switch (format) {
    case Format::tflite:
      return "TFLite";
    case Format::onnx:
      return "ONNX";
    case Format::pt2:
      return "PyTorch, exported";
    case Format::torch_script:
      return "TorchScript";
    case Format::torch_pickle:
      return "PyTorch, pickled";
    case Format::pte:
      return "ExecuTorch";
    case Format::keras:
      return "Keras";
    case Format::graph_text:
      return "graph text";
    case Format::unknown:
      return "";
  }
  __builtin_unreachable();
}

Result<Graph> read_model(const fs::path& path, const ReadOptions& asked, Diagnostics& diagnostics) {
  if (std::error_code ignored; fs::is_regular_file(path / "saved_model.pb", ignored))
    return diagnostics.add(
        {.kind = Kind::unknown_format,
         .message =
             "`" + printable(path.string()) + "` is a TensorFlow SavedModel, which is read in Python only",
         .file = path.string(),
         .help = "where TensorFlow is installed: neuralblocks.compile(\"" + printable(path.string()) +
                 "\"), or write open(\"model.tflite\", "
                 "\"wb\").write(tf.lite.TFLiteConverter.from_saved_model(\"" +
                 printable(path.string()) + "\").convert())"});
  const FileRead file = read_file(path);
  if (!file.bytes)
    return diagnostics.add(
        {.kind = Kind::file_unreadable, .message = "`" + printable(path.string()) + "`: " + file.why_not});
  ReadOptions options = asked;
  if (options.name.empty()) options.name = path.stem().string();
  Result<Graph> graph = kFailed;
  const Format format = format_of(*file.bytes);
  const bool is_script = format == Format::torch_script || format == Format::torch_pickle;
  if (!options.input_types.empty() && !is_script && format != Format::unknown)
    return diagnostics.add(
        {.kind = Kind::usage,
         .message = "--input-shape is for TorchScript models; this file has the shapes of its inputs",
         .file = path.string(),
         .help = "a symbolic dimension is given with --dim NAME=N"});
  switch (format) {
    case Format::tflite:
      graph = read_tflite(*file.bytes, all_blocks(), options, diagnostics);
      break;
    case Format::onnx:
      graph = read_onnx(*file.bytes, path.parent_path(), all_blocks(), options, diagnostics);
      break;
    case Format::pt2:
      graph = read_pt2(*file.bytes, all_blocks(), options, diagnostics);
      break;
    case Format::torch_script:
      graph = read_torch_script(*file.bytes, all_blocks(), options, diagnostics);
      break;
    case Format::torch_pickle:
      refuse_torch_pickle(*file.bytes, diagnostics);
      break;
    case Format::pte:
      graph = read_pte(*file.bytes, all_blocks(), options, diagnostics);
      break;
    case Format::keras:
      graph = read_keras(*file.bytes, all_blocks(), options, diagnostics);
      break;
    case Format::graph_text:
      graph = read_graph_text(path, *file.bytes, diagnostics);
      break;
    case Format::unknown:
      diagnostics.add(unknown_format(*file.bytes));
  }
  diagnostics.set_file(path.string());
  if (!graph) return kFailed;
  if (graph->name.empty()) graph->name = options.name;
  Diagnostics found;
  const bool is_valid = verify(*graph, found).is_ok();
  for (Diagnostic diagnostic : found.all()) {
    // A broken graph out of graph text is its writer's mistake, not one of a reader.
    if (format == Format::graph_text && diagnostic.kind == Kind::verify_failed)
      diagnostic.kind = Kind::invalid_model;
    diagnostic.file = path.string();
    diagnostics.add(std::move(diagnostic));
  }
  if (!is_valid) return kFailed;
  return graph;
}

namespace {

/// --requantize fast, of a model as it was read.
Status round_faster(Graph& graph, Diagnostics& diagnostics) {
  const bool has_integers = std::any_of(graph.values.begin(), graph.values.end(), [](const Value& value) {
    return value.type.is_quantized() && !is_float(value.type.dtype);
  });
  if (!has_integers)
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--requantize is for a model that is quantized; this one is float",
                            .help = "--quantize int8 --calibrate samples.npz makes integers of it"});
  if (graph.rounding == Rounding::once)
    diagnostics.add(
        {.kind = Kind::remark, .message = "the model's integers round once as it is: nothing changes"});
  graph.rounding = Rounding::once;
  return {};
}

}  // namespace

QuantizeRequest quantize_request(const CompileOptions& asked, Diagnostics& diagnostics) {
  const QuantizeOptions& options = asked.quantize;
  QuantizeRequest request{.numbers = options.numbers,
                          .layers = options.layers,
                          .layer = options.layer,
                          .has_float_ends = options.has_float_ends,
                          .calibrated = options.calibrated,
                          .progress = options.progress};
  request.calibration = [&](const Graph& graph) {
    auto samples = options.arrays.empty()
                       ? read_samples(options.calibration, graph, asked.pixels, diagnostics)
                       : samples_of(options.arrays, graph, {}, diagnostics);
    if (samples && options.first_samples > 0 && options.first_samples < samples->count) {
      samples->bytes.resize(samples->bytes.size() / samples->count * options.first_samples);
      samples->count = options.first_samples;
    }
    return samples;
  };
  return request;
}

Result<Graph> compile(const fs::path& path, const CompileOptions& options, const Core& core,
                      const std::string& board, Diagnostics& diagnostics,
                      std::vector<QuantizedValue>* account) {
  // A frozen input that is also a state is the state's first contents.
  ReadOptions read = options.read;
  StateRequest state = options.state;
  std::erase_if(read.frozen, [&](auto& frozen) {
    const bool is_first = std::any_of(state.pairs.begin(), state.pairs.end(), [&](const std::string& pair) {
      return pair.starts_with(frozen.first + "=");
    });
    if (is_first) state.first.push_back(std::move(frozen));
    return is_first;
  });
  auto graph = read_model(path, read, diagnostics);
  if (!graph) return kFailed;
  if (!state.is_empty() && (graph->phase != Phase::read || !options.from.empty()))
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--state and --stream are for models that no pass has changed",
                            .help = "give them where the model is read"});
  graph->model_macs += graph->macs();
  if (options.may_change_outputs && !round_faster(*graph, diagnostics)) return kFailed;
  if (options.stop_after == "read") return graph;
  if (graph->board.empty()) graph->board = board;
  PassContext context{
      all_blocks(), core, diagnostics, std::move(state), quantize_request(options, diagnostics),
      options.goal};
  if (account != nullptr)
    context.quantize.account = [account](std::vector<QuantizedValue> values) {
      *account = std::move(values);
    };
  const Status status = run_pipeline(*graph, context, options.stop_after, options.from);
  diagnostics.set_file(path.string());
  if (!status) return kFailed;
  return graph;
}

}  // namespace nb
