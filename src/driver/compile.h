// The straight line, from a model file to a program. The only place that names every station.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "bench/samples.h"
#include "emit/emit.h"
#include "graph/graph.h"
#include "pass/pass.h"
#include "read/builder.h"
#include "target/core.h"

namespace nb {

/// How a float model becomes integers.
struct QuantizeOptions {
  std::optional<DType> numbers;       ///< of activations: i8 or i16; absent: the model stays as it is
  std::filesystem::path calibration;  ///< samples of the model's inputs, as read_samples takes them
  NamedArrays arrays = {};            ///< the same where there is no file
  std::shared_ptr<const Calibrated> calibrated = {};  ///< of this model and core: it is not calibrated again
  std::size_t first_samples = 0;                      ///< of the file: the first that many; 0: all
  LayerFormats layers = {};     ///< i8, i16 or f32 by the names of layers that get others
  std::string layer = {};       ///< that is asked about; refused before any work if there is none
  bool has_float_ends = false;  ///< inputs and outputs of the model stay float
  bool wants_account = false;   ///< Compiled::quantization is filled: runs some samples more
  ProgressTeller progress = no_progress;
};

/// What a user asks of a compilation.
struct CompileOptions {
  ReadOptions read;
  StateRequest state = {};
  QuantizeOptions quantize = {};
  PixelNumbers pixels = {};  ///< of pictures among samples
  KernelGoal goal = KernelGoal::time;
  /// A quantized model's integer layers round once (docs/decisions/0008), not as the model's own runtime
  /// does.
  bool may_change_outputs = false;
  std::string stop_after;  ///< a pass's name, "read", or empty: all
  std::string from;        ///< graph text only: the pass to begin with; empty: the one that its phase needs
};

/// The formats that are recognised by content.
enum class Format { tflite, onnx, pt2, torch_script, torch_pickle, pte, keras, graph_text, unknown };
[[nodiscard]] Format format_of(ByteSpan file);
/// "TFLite", "ONNX", ...; empty if unknown.
[[nodiscard]] std::string_view title_of(Format format);

/// Reads a model file of one of these formats to a verified graph. Errors: file-unreadable, unknown-format,
/// and those of the readers.
[[nodiscard]] Result<Graph> read_model(const std::filesystem::path& path, const ReadOptions& options,
                                       Diagnostics& diagnostics);

/// What `options` ask of quantization; both are kept by reference.
[[nodiscard]] QuantizeRequest quantize_request(const CompileOptions& options, Diagnostics& diagnostics);

/// A model compiled as far as asked: the graph, ready to emit if the line was walked to its end. `account`
/// takes what quantization decided for each value; null: nobody wants to know.
[[nodiscard]] Result<Graph> compile(const std::filesystem::path& path, const CompileOptions& options,
                                    const Core& core, const std::string& board, Diagnostics& diagnostics,
                                    std::vector<QuantizedValue>* account = nullptr);

}  // namespace nb
