// The Python face: models, built programs and diagnostics as neuralblocks/ takes them. Decides nothing, as
// cli. Reports and diagnostics cross as JSON text, arrays as (NumPy's type string, shape, bytes). Whatever
// may take long runs without the interpreter's lock; Ctrl-C ends the tool that runs.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "bench/run.h"
#include "blocks/blocks.h"
#include "driver/choose.h"
#include "driver/compare_outputs.h"
#include "driver/program.h"
#include "driver/time_program.h"
#include "driver/validate.h"
#include "report/block_text.h"
#include "report/boards_page.h"
#include "report/report.h"

namespace nb::python {
namespace {

namespace py = nanobind;
using nlohmann::json;

using Shape = std::vector<std::int64_t>;
using Array = std::tuple<std::string, Shape, py::bytes>;
using NamedArray = std::tuple<std::string, std::string, Shape, py::bytes>;

NpyArray npy_from(const std::string& descr, const Shape& shape, const py::bytes& bytes) {
  const auto* data = static_cast<const std::byte*>(bytes.data());
  return {descr, shape, Bytes(data, data + bytes.size())};
}

NamedArrays arrays_from(const std::vector<NamedArray>& given) {
  NamedArrays arrays;
  for (const auto& [name, descr, shape, bytes] : given)
    arrays.emplace_back(name, npy_from(descr, shape, bytes));
  return arrays;
}

/// All that was said, each with its exit code and the text that the command line prints.
json said_json(const Diagnostics& diagnostics) {
  json list = diagnostics_json(diagnostics);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Diagnostic& diagnostic = diagnostics.all()[i];
    list[i]["exit_code"] = row_of(diagnostic.kind).exit_code;
    list[i]["text"] = render_text(diagnostic, false);
  }
  return list;
}
std::string said(const Diagnostics& diagnostics) { return json_text(said_json(diagnostics), -1); }

/// Whether Python wants this call to end: a signal handler of its own raised, KeyboardInterrupt as a rule.
bool is_stopped_by_python() {
  const py::gil_scoped_acquire lock;
  return PyErr_Occurred() != nullptr || PyErr_CheckSignals() != 0;
}

/// Runs `work` without the interpreter's lock. What a library below throws is reported as internal.
template <class Work>
void without_lock(Diagnostics& diagnostics, const Work& work) {
  {
    const py::gil_scoped_release release;
    try {
      work();
    } catch (const std::exception& error) {
      diagnostics.add({.kind = Kind::internal, .message = error.what()});
    }
  }
  if (PyErr_Occurred() != nullptr) throw py::python_error();
}

/// A compiled model with what was said on the way.
struct Model {
  Compiled compiled;
  Diagnostics diagnostics;
  std::optional<FormatFrontier> formats = {};  ///< of `quantize="auto"`
};

/// What `compile` is asked of quantization, as the package gives it.
struct Quantize {
  std::string numbers;      ///< "int8", "int16" or "auto"; empty: nothing is quantized
  std::string calibration;  ///< a path; empty: `samples`
  std::vector<NamedArray> samples;
  bool has_float_ends = false;
  std::vector<std::pair<std::string, std::string>> layers;
  std::vector<NamedArray> test_inputs, test_targets;  ///< of "auto"
  std::string metric = "auto";
  double max_drop = 0.5;
};

/// A program that can run. One run at a time: its files lie in one folder.
struct Runner {
  std::shared_ptr<const Model> model;
  std::unique_ptr<TemporaryFolder> folder;
  Built built;
  bool keeps_state = false;
  std::mutex running;
};

template <class T>
using Answer = std::pair<std::optional<T>, std::string>;

/// `quantize="auto"`: the formats that keep the drop on the test arrays. Errors: see choose_formats.
/// `options` get them, and what calibration found.
Result<FormatFrontier> chosen_formats(const std::string& path, CompileOptions& options,
                                      const std::string& board, const Quantize& quantize,
                                      Diagnostics& diagnostics) {
  const auto metric = find_metric(quantize.metric);
  if (!metric)
    return diagnostics.add({.kind = Kind::usage,
                            .message = "metric `" + printable(quantize.metric) + "` is none",
                            .help = "metrics: " + join(metric_names(), ", ")});
  const auto variants = Variants::of(path, options, board, diagnostics);
  if (!variants) return kFailed;
  const Graph& graph = variants->calibrated().graph();
  NamedArrays targets = arrays_from(quantize.test_targets);
  if (targets.size() == 1 && !graph.public_outputs().empty())
    targets[0].first = graph.at(graph.public_outputs()[0]).name;
  auto set = labelled_set(arrays_from(quantize.test_inputs), targets, graph, {}, diagnostics);
  if (!set) return kFailed;
  if (!set->targets.empty() && set->targets[0]) set->targets[0]->name = "y";
  options.quantize.calibrated = variants->shared_calibrated();
  return choose_formats(*variants, {std::move(*set), {}, *metric}, quantize.max_drop, no_progress,
                        diagnostics);
}

std::pair<std::shared_ptr<Model>, std::string> compile_model(
    const std::string& path, const std::string& board, const std::string& name,
    const std::vector<std::pair<std::string, std::int64_t>>& dims, const std::vector<NamedArray>& frozen,
    const std::vector<std::string>& states, const std::vector<std::string>& streams,
    const std::vector<std::tuple<std::string, std::string, Shape>>& input_types, const Quantize& quantize,
    bool may_change_outputs, const std::tuple<std::string, std::vector<float>, std::vector<float>>& pixels) {
  Diagnostics diagnostics;
  CompileOptions options;
  options.may_change_outputs = may_change_outputs;
  if (!quantize.numbers.empty()) {
    options.quantize = {.numbers = quantize.numbers == "int16" ? DType::i16 : DType::i8,
                        .calibration = quantize.calibration,
                        .arrays = arrays_from(quantize.samples),
                        .has_float_ends = quantize.has_float_ends,
                        .wants_account = true};
    for (const auto& [layer, format] : quantize.layers)
      options.quantize.layers.emplace_back(layer, find_format(format).value_or(DType::i8));
  }
  const auto numbers =
      pixel_numbers(std::get<0>(pixels), std::get<1>(pixels), std::get<2>(pixels), diagnostics);
  if (!numbers) return {nullptr, said(diagnostics)};
  options.pixels = *numbers;
  options.read.name = name;
  options.read.dims = dims;
  options.state.pairs = states;
  options.state.streams = streams;
  for (auto& [input, array] : arrays_from(frozen)) {
    auto tensor = tensor_of(array);
    if (!tensor) {
      diagnostics.add({.kind = Kind::input_mismatch,
                       .message = "the array to freeze `" + printable(input) +
                                  "` with has a dtype or shape beyond the limits"});
      return {nullptr, said(diagnostics)};
    }
    options.read.frozen.emplace_back(input, std::move(*tensor));
  }
  for (const auto& [input, dtype, shape] : input_types) {
    Type type{find_dtype(dtype).value_or(DType::f32), shape};
    if (const std::string fault = shape_fault(shape, type.dtype); !fault.empty()) {
      diagnostics.add({.kind = Kind::usage, .message = "the example of `" + printable(input) + "` " + fault});
      return {nullptr, said(diagnostics)};
    }
    options.read.input_types.emplace_back(input, std::move(type));
  }
  std::shared_ptr<Model> model;
  without_lock(diagnostics, [&] {
    std::optional<FormatFrontier> formats;
    if (quantize.numbers == "auto") {
      auto found = chosen_formats(path, options, board, quantize, diagnostics);
      if (!found || !found->chosen) return;
      formats = std::move(*found);
      options.quantize.layers = formats->choices[*formats->chosen].layers;
    }
    auto compiled = compile_for_board(path, options, board, diagnostics);
    if (compiled)
      model = std::make_shared<Model>(Model{std::move(*compiled), diagnostics, std::move(formats)});
  });
  return {std::move(model), said(diagnostics)};
}

/// What `nblocks analyze --json` prints, and what was said.
std::pair<std::string, std::string> analysis_of(const Model& model) {
  Diagnostics diagnostics = model.diagnostics;
  const bool fits = check_fit(model.compiled.graph, model.compiled.board, diagnostics).is_ok();
  json report = analysis_json(model.compiled.graph, model.compiled.board, nb::analysis_of(model.compiled),
                              fits, model.compiled.quantization);
  if (model.formats) report["formats"] = frontier_json(*model.formats);
  return {json_text(ended_json(report, diagnostics), -1), said(diagnostics)};
}

/// What `nblocks generate --json` prints, after the folder was written.
Answer<std::string> write_folder(const Model& model, const std::string& folder) {
  Diagnostics diagnostics;
  std::optional<std::string> report;
  without_lock(diagnostics, [&] {
    const auto program = write_project(model.compiled, folder, diagnostics);
    if (program)
      report =
          json_text(ended_json(generate_json(model.compiled.graph, *program, model.compiled.board, folder),
                               diagnostics),
                    -1);
  });
  return {std::move(report), said(diagnostics)};
}

std::pair<std::shared_ptr<Runner>, std::string> build_runner(const std::shared_ptr<Model>& model,
                                                             const std::string& optimize, bool keeps_state) {
  Diagnostics diagnostics;
  std::shared_ptr<Runner> runner;
  without_lock(diagnostics, [&] {
    auto folder = std::make_unique<TemporaryFolder>();
    auto built = build_program(model->compiled, folder->path(), {optimize, keeps_state, false}, diagnostics);
    if (!built) return;
    runner = std::make_shared<Runner>();
    runner->model = model;
    runner->folder = std::move(folder);
    runner->built = std::move(*built);
    runner->keeps_state = keeps_state;
  });
  return {std::move(runner), said(diagnostics)};
}

/// Outputs and what `nblocks run --json` prints. Without `inputs` one sample of made-up bytes is run.
Answer<std::pair<std::vector<Array>, std::string>> run_on(
    Runner& runner, const std::optional<std::vector<NamedArray>>& inputs, bool dequantize,
    double timeout_seconds) {
  Diagnostics diagnostics;
  const Compiled& compiled = runner.model->compiled;
  std::optional<NamedArrays> arrays;
  if (inputs) arrays = arrays_from(*inputs);
  std::vector<NpyArray> outputs;
  std::string report;
  bool is_done = false;
  without_lock(diagnostics, [&] {
    Samples samples = pattern_sample(compiled.graph);
    if (arrays) {
      auto given = samples_of(*arrays, compiled.graph, {}, diagnostics);
      if (!given) return;
      samples = std::move(*given);
    } else if (!compiled.graph.inputs.empty()) {
      diagnostics.add({.kind = Kind::remark, .message = "no input: one sample of made-up bytes is run"});
    }
    const std::lock_guard<std::mutex> alone(runner.running);
    const auto run = run_and_time(runner.built.firmware, compiled.graph, samples, compiled.board, {},
                                  {timeout_seconds, {}}, diagnostics);
    if (!run) return;
    outputs = output_arrays(compiled.graph, run->result.outputs, dequantize);
    std::optional<RunCosts> costs;
    if (run->timing) costs = costs_of(*run->timing, compiled.board, {});
    const json found = run_json(compiled.graph, runner.built.program, compiled.board, runner.built.firmware,
                                run->result, costs ? &*costs : nullptr, {});
    report = json_text(ended_json(found, diagnostics), -1);
    is_done = true;
  });
  if (!is_done) return {std::nullopt, said(diagnostics)};
  std::vector<Array> arrays_out;
  for (const NpyArray& array : outputs)
    arrays_out.emplace_back(array.descr, array.shape, py::bytes(array.data.data(), array.data.size()));
  return {std::make_pair(std::move(arrays_out), std::move(report)), said(diagnostics)};
}

/// What `nblocks validate --json` gives: `inputs` are run, `targets` are by the outputs' names. `reference`
/// may be null.
Answer<std::string> validate_on(Runner& runner, const std::vector<NamedArray>& inputs,
                                const std::vector<NamedArray>& targets,
                                const std::shared_ptr<Runner>& reference, double timeout_seconds) {
  Diagnostics diagnostics;
  const Compiled& compiled = runner.model->compiled;
  const NamedArrays given = arrays_from(inputs), wanted = arrays_from(targets);
  std::optional<std::string> report;
  const auto run = [&](Runner& by, const Samples& samples) {
    const std::lock_guard<std::mutex> alone(by.running);
    return run_firmware(by.built.firmware, by.model->compiled.graph, samples, {timeout_seconds, {}},
                        diagnostics);
  };
  without_lock(diagnostics, [&] {
    auto set = labelled_set(given, wanted, compiled.graph, {}, diagnostics);
    if (!set) return;
    if (set->targets.size() == 1 && set->targets[0]) set->targets[0]->name = "y";
    const auto samples = samples_of(given, compiled.graph, {}, diagnostics);
    if (!samples) return;
    const auto count = static_cast<std::int64_t>(samples->count);
    auto wants = targets_of_set(compiled.graph, *set, count, Metric::automatic, {}, diagnostics);
    if (!wants) return;
    Validation validation = described(compiled, count);
    const auto metric = metric_for(Metric::automatic, first_of(*wants), diagnostics);
    if (!metric) return;
    validation.metric = *metric;
    CompareOptions comparing{
        .targets = std::move(*wants), .scoring = {.is_classifier = true}, .keeps_state = runner.keeps_state};
    Ran mine{&compiled.graph, *samples, {}}, theirs;
    if (reference != nullptr) {
      theirs.graph = &reference->model->compiled.graph;
      auto order = match_outputs(compiled.graph, *theirs.graph, {}, diagnostics);
      if (!order) return;
      comparing.order = std::move(*order);
      auto others = reference_samples(*theirs.graph, compiled.graph, *set, samples->count, {}, diagnostics);
      if (!others) return;
      theirs.inputs = std::move(*others);
      auto result = run(*reference, theirs.inputs);
      if (!result) return;
      theirs.outputs = std::move(result->outputs);
    }
    auto result = run(runner, *samples);
    if (!result) return;
    mine.outputs = std::move(result->outputs);
    validation.machine = runner.built.firmware.machine;
    validation.instructions = result->instructions;
    compare_outputs(mine, reference != nullptr ? &theirs : nullptr, *set, comparing, validation, diagnostics);
    report = json_text(ended_json(validation_json(validation), diagnostics), -1);
  });
  return {std::move(report), said(diagnostics)};
}

/// A diagnostic of the package's own, as one of the library's; "internal" if the kind is unknown.
std::string diagnostic(const std::string& kind, const std::string& message, const std::string& file,
                       const std::vector<std::string>& notes, const std::string& help) {
  Diagnostic one{.kind = Kind::internal, .message = message, .file = file, .notes = notes, .help = help};
  for (const KindRow& row : diagnostic_kinds())
    if (row.name == kind) one.kind = row.kind;
  Diagnostics diagnostics;
  diagnostics.add(std::move(one));
  return json_text(said_json(diagnostics)[0], -1);
}

std::string boards() {
  json list = json::array();
  for (const Board& board : builtin_boards()) list.push_back(board_json(board));
  return json_text(list, -1);
}

std::string blocks() {
  json list = json::array();
  for (const Block& block : all_blocks().all()) list.push_back(block_json(block));
  return json_text(list, -1);
}

}  // namespace

void define(py::module_& module) {
  stop_tools_when(is_stopped_by_python);
  module.attr("version") = NB_VERSION;
  py::class_<Quantize>(module, "Quantize")
      .def(py::init<>())
      .def_rw("numbers", &Quantize::numbers)
      .def_rw("calibration", &Quantize::calibration)
      .def_rw("samples", &Quantize::samples)
      .def_rw("has_float_ends", &Quantize::has_float_ends)
      .def_rw("layers", &Quantize::layers)
      .def_rw("test_inputs", &Quantize::test_inputs)
      .def_rw("test_targets", &Quantize::test_targets)
      .def_rw("metric", &Quantize::metric)
      .def_rw("max_drop", &Quantize::max_drop);
  py::class_<Model>(module, "Model").def("analysis", analysis_of).def("write_project", write_folder);
  py::class_<Runner>(module, "Runner")
      .def("run", run_on, py::arg("inputs").none(), py::arg("dequantize"), py::arg("timeout_seconds"))
      .def("validate", validate_on, py::arg("inputs"), py::arg("targets"), py::arg("reference").none(),
           py::arg("timeout_seconds"));
  module.def("compile", compile_model);
  module.def("build", build_runner);
  module.def("diagnostic", diagnostic);
  module.def("boards", boards);
  module.def("blocks", blocks);
}

}  // namespace nb::python

NB_MODULE(_native, module) { nb::python::define(module); }
