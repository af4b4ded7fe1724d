// nblocks: the command line. Options here, verbs in commands*.cc.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>

#include "base/process.h"
#include "base/text.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/reports.h"

namespace {

using nb::cli::Options;

/// How the model is read.
void add_reading_options(CLI::App& verb, Options& options) {
  verb.add_option("--dim", options.dims, "size of a symbolic dimension of the model; may be repeated")
      ->type_name("NAME=N")
      ->allow_extra_args(false);
  verb.add_option("--input-shape", options.input_shapes,
                  "an input of a TorchScript model, which has no shapes unless it was traced: its shape, and "
                  "its dtype if it "
                  "is not f32 (i64, bool, ...); may be repeated")
      ->type_name("INPUT=N,N,...[:DTYPE]")
      ->allow_extra_args(false);
  verb.add_option("--freeze", options.frozen, "compile an input as a constant, from .npy; may be repeated")
      ->type_name("INPUT=FILE")
      ->allow_extra_args(false);
  verb.add_option("--state", options.states,
                  "keep an input between steps: its next value is that output; may be repeated")
      ->type_name("INPUT=OUTPUT")
      ->allow_extra_args(false);
  verb.add_option("--stream", options.streams,
                  "one time step a call, of a model that takes a sequence; AXIS of time is 1 if left out")
      ->type_name("INPUT[:AXIS]")
      ->allow_extra_args(false);
}

/// What goes with --quantize, and the model's name.
void add_number_options(CLI::App& verb, Options& options) {
  verb.add_option("--layers", options.layers,
                  "with --quantize: layers that get other numbers (int8, int16 or float32)")
      ->type_name("NAME=NUMBERS,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb.add_option(
          "--calibrate", options.calibration,
          "samples of the model's inputs for --quantize: .npz, .npy, or a folder of .npy or of pictures")
      ->type_name("DATA");
  verb.add_option("--calibrate-first", options.calibrate_first,
                  "only so many samples of --calibrate, the first; all if left out")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 30));
  verb.add_flag("--float-io", options.has_float_ends, "with --quantize: inputs and outputs stay float");
  verb.add_option(
          "--requantize", options.requantize,
          "of a quantized model: `fast` rounds once instead of as its own runtime does, which may change "
          "outputs by a step; run and validate count how many")
      ->type_name("HOW")
      ->check(nb::cli::one_of({"fast"}));
  verb.add_option("--prefer", options.prefer,
                  "kernels for the shortest time, or the least RAM or flash; time if left out")
      ->type_name("WHAT")
      ->check(nb::cli::one_of({"time", "ram", "flash"}));
  verb.add_option("--name", options.name, "the model's name in C; the file's if left out")->type_name("NAME");
}

void add_model_options(CLI::App& verb, Options& options, const std::string& standard_board) {
  verb.add_option("model", options.model,
                  "a .pt2, .pt, .pte, .keras, .h5, .onnx or .tflite file, or graph text (docs/graph-text.md)")
      ->required()
      ->type_name("FILE");
  verb.add_option("-b,--board", options.board,
                  "one of `nblocks boards`, or a .toml file; " + standard_board + " if left out")
      ->type_name("BOARD");
  add_reading_options(verb, options);
  verb.add_option(
          "--quantize", options.quantize,
          "make integers of a float model: int8, int16 (activations of 16, weights of 8 bits), or auto: "
          "each layer int8, int16 or float32 as --max-drop and the board allow")
      ->type_name("NUMBERS")
      ->check(nb::cli::one_of({"int8", "int16", "auto"}));
  verb.add_option("--max-drop", options.max_drop,
                  "with --quantize auto: points that may be lost against the float model, on --data; 0.5 if "
                  "left out; below 0 a gain. A point is 1/100 of accuracy, 10 % more of an error")
      ->type_name("POINTS");
  add_number_options(verb, options);
}

/// The labelled set that --quantize auto and explain measure on.
void add_judge_options(CLI::App& verb, Options& options) {
  verb.add_option(
          "-d,--data", options.data,
          "with --quantize auto: .npz with inputs (x) and targets (y); that of --calibrate if left out")
      ->type_name("FILE");
  verb.add_option("--labels", options.labels, "targets: another array of the data than y, or a .npy file")
      ->type_name("NAME|FILE");
  verb.add_option(
          "--metric", options.metric,
          "accuracy balanced-accuracy auc mse rmse mae l2r nse cos; what fits the targets if left out")
      ->type_name("METRIC");
}

/// Of verbs that read samples.
void add_picture_options(CLI::App& verb, Options& options) {
  verb.add_option("--image-scale", options.image_scale,
                  "pictures: a float input holds (pixel * SCALE - MEAN) / STD; 1/255 if left out")
      ->type_name("SCALE");
  verb.add_option("--image-mean", options.image_mean, "one for all channels, or one for each; 0 if left out")
      ->type_name("MEAN,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb.add_option("--image-std", options.image_std, "likewise; 1 if left out")
      ->type_name("STD,...")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_output_options(CLI::App& verb, Options& options) {
  verb.add_flag("--json", options.is_json, "one JSON object on stdout, nothing else");
  verb.add_flag("-q,--quiet", options.is_quiet, "errors only, no notes");
}

/// Of verbs whose findings can be kept.
void add_report_option(CLI::App& verb, Options& options) {
  const bool has_times = nb::cli::has_times(verb.get_name());
  verb.add_option("--report", options.reports,
                  std::string("write what was found to a file, by its ending ") +
                      (has_times ? nb::cli::kReportEndings : nb::cli::kDocumentEndings) +
                      "; may be repeated (docs/report.md)")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

void add_analyze_options(CLI::App& verb, Options& options) {
  add_model_options(verb, options, "cortex-m4f");
  add_judge_options(verb, options);
  add_picture_options(verb, options);
  add_output_options(verb, options);
  add_report_option(verb, options);
  verb.add_option("--stop-after", options.stop_after,
                  "print the graph after this pass (`nblocks explain passes`, or `read`) and end")
      ->type_name("PASS");
  verb.add_option("--from", options.from, "graph text: begin with this pass")->type_name("PASS");
  verb.add_option("-o,--output", options.output,
                  "with --stop-after: write the graph text there, its constants beside it")
      ->type_name("FILE");
  verb.footer("Example: nblocks analyze kws.tflite --board nucleo-l4r5zi");
}

void add_generate_options(CLI::App& verb, Options& options) {
  add_model_options(verb, options, "cortex-m4f");
  add_judge_options(verb, options);
  add_picture_options(verb, options);
  add_output_options(verb, options);
  add_report_option(verb, options);
  verb.add_option("-o,--output", options.output, "folder of the program; its README.md says how to build it")
      ->required()
      ->type_name("FOLDER");
  verb.footer("Example: nblocks generate kws.tflite --board nucleo-l4r5zi --output kws");
}

/// Of verbs that build and run the program.
void add_build_options(CLI::App& verb, Options& options) {
  verb.add_flag("--keep-state", options.keeps_state,
                "state carries on from sample to sample, as it does with --state and --stream");
  verb.add_option("-O,--optimize", options.optimize,
                  "of emitted code: O0 O1 O2 O3 Os; the board's if left out")
      ->type_name("LEVEL")
      ->check(nb::cli::one_of({"O0", "O1", "O2", "O3", "Os"}));
  verb.add_flag("--sanitize", options.has_sanitizers,
                "host: check for undefined behaviour and stray accesses");
  verb.add_option("--timeout", options.timeout_seconds, "seconds that the program may run; 600 if left out")
      ->type_name("SECONDS");
  verb.add_option("--save-build", options.save_build, "keep sources, objects and firmware there")
      ->type_name("FOLDER");
}

void add_what_if_option(CLI::App& verb, Options& options) {
  verb.add_option("--what-if", options.what_if,
                  "other conditions than the board's: clock=96MHz, wait_states=5, cache=off, prefetch=off")
      ->type_name("KEY=VALUE,...")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_duty_options(CLI::App& verb, Options& options) {
  verb.add_option("--sleep-mw", options.sleep_mw, "with --period: what a board takes between runs, measured")
      ->type_name("MW")
      ->check(CLI::Range(1e-9, 1e6));
  verb.add_option("--supply-mv", options.supply_mv,
                  "the supply; as the power figure was measured, if left out")
      ->type_name("MV")
      ->check(CLI::Range(500, 60000));
  verb.add_option("--period", options.period, "a run each 10s, 250ms, 5min, 1h: average power and current")
      ->type_name("TIME");
  verb.add_option("--battery", options.battery,
                  "with --period: how long it lasts; CR2450, 2xAA-alkaline, 250mAh@3.0V")
      ->type_name("BATTERY");
}

/// Of verbs that say what a run costs.
void add_cost_options(CLI::App& verb, Options& options) {
  add_what_if_option(verb, options);
  verb.add_option("--measured-mw", options.measured_mw,
                  "your own measurement of the board while it runs, in place of the catalogue's figures")
      ->type_name("MW")
      ->check(CLI::Range(1e-6, 1e6));
  add_duty_options(verb, options);
}

void add_run_options(CLI::App& verb, Options& options) {
  add_model_options(verb, options, "host");
  add_judge_options(verb, options);
  add_picture_options(verb, options);
  add_output_options(verb, options);
  add_report_option(verb, options);
  verb.add_option(
          "-i,--input", options.input,
          ".npz (arrays named as the inputs, or in0, in1, ...), .npy, raw .bin, a picture, or a folder "
          "of .npy or of pictures; one sample or many")
      ->type_name("FILE");
  verb.add_option("-o,--output", options.output, "write each output there as .npy")->type_name("FOLDER");
  verb.add_flag("--dequantize", options.dequantize, "quantized outputs as float");
  add_build_options(verb, options);
  add_cost_options(verb, options);
  verb.footer("Example: nblocks run kws.tflite --board nucleo-l4r5zi --input test.npz --output out");
}

void add_validate_options(CLI::App& verb, Options& options) {
  add_model_options(verb, options, "host");
  add_picture_options(verb, options);
  add_output_options(verb, options);
  add_report_option(verb, options);
  verb.add_option("-d,--data", options.data,
                  ".npz with the inputs (x, or x0, x1, ..., or their names) and targets (y), first axis the "
                  "sample; "
                  ".npy of the inputs; or a folder of pictures, those of a class in a folder of its own")
      ->required()
      ->type_name("FILE");
  verb.add_option("--labels", options.labels,
                  "what the output should be: another array of the data than y, or a .npy file")
      ->type_name("NAME|FILE");
  verb.add_option(
          "--reference", options.reference,
          "the float model that MODEL was made of; MODEL itself, in float on this computer, if left out")
      ->type_name("FILE");
  verb.add_option(
          "--metric", options.metric,
          "accuracy balanced-accuracy auc mse rmse mae l2r nse cos; what fits the targets if left out")
      ->type_name("METRIC");
  verb.add_option("--threshold", options.threshold,
                  "an output of one value decides for class 1 above it; 0.5 of outputs within 0 to 1, else 0")
      ->type_name("VALUE");
  const auto gate = [&](const char* name, std::optional<double>& limit, const char* doc) {
    verb.add_option(name, limit, std::string(doc) + "; else exit code 6")->type_name("VALUE");
  };
  gate("--min-acc", options.min_acc, "least accuracy against the labels, 0 to 1");
  gate("--min-cos", options.min_cos, "least cosine to the reference's outputs");
  gate("--max-rmse", options.max_rmse, "most root mean square error against the reference");
  gate("--max-mae", options.max_mae, "most mean absolute error against the reference");
  gate("--max-l2r", options.max_l2r, "most relative error against the reference");
  verb.add_option("--samples", options.samples, "the first N samples only")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30));
  add_build_options(verb, options);
  verb.footer(
      "Example: nblocks validate kws_int8.tflite --reference kws.tflite --data test.npz --board "
      "nucleo-l4r5zi");
}

void add_time_options(CLI::App& verb, Options& options) {
  verb.add_option("firmware", options.model, "an ELF file, linked for a virtual machine of the board's core")
      ->type_name("FIRMWARE");
  verb.add_option("-b,--board", options.board, "one of `nblocks boards`, or a .toml file")
      ->type_name("BOARD");
  verb.add_option("--from", options.from, "where to begin: a symbol, or 0x...")->type_name("SYMBOL");
  verb.add_option("--to", options.to, "where to end; when --from returns, if left out")->type_name("SYMBOL");
  verb.add_option("--memory-map", options.memory_map,
                  "which memories of the board addresses or sections of the file stand for")
      ->type_name("LOW-HIGH|.SECTION=MEMORY,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb.add_option("--timeout", options.timeout_seconds, "seconds that the program may run; 600 if left out")
      ->type_name("SECONDS");
  verb.add_flag("--rows", options.has_rows,
                "without a firmware: published measurements beside what the models say of them, by core");
  verb.add_flag("--markdown", options.is_markdown,
                "with --rows: the cores as tables of docs/timing-accuracy.md");
  add_output_options(verb, options);
  add_report_option(verb, options);
  add_cost_options(verb, options);
  verb.footer(
      "Example: nblocks time firmware.elf --board nucleo-l4r5zi --from filter --memory-map .rodata=flash");
}

/// What a comparison is held against.
void add_history_options(CLI::App& verb, Options& options) {
  verb.add_option("--against", options.against,
                  "a .json file that --report wrote: what changed since, and why (docs/history.md)")
      ->type_name("FILE");
  const auto bound = [&](const char* name, std::string& limit, const char* doc) {
    verb.add_option(name, limit, std::string("with --against: ") + doc + "; else exit code 6")
        ->type_name("PERCENT");
  };
  bound("--max-slower", options.max_slower, "how much longer an inference may take, as 5%");
  bound("--max-larger", options.max_larger, "how much more flash and RAM each it may take, as 2%");
  verb.add_option("--max-drop", options.max_lost,
                  "with --against: points that may be lost; a point is 1/100 of accuracy, 10 % more of an "
                  "error; else exit code 6")
      ->type_name("POINTS")
      ->check(nb::cli::at_least(0));
}

/// Of verbs that look at many.
void add_boards_option(CLI::App& verb, Options& options, const char* names) {
  verb.add_option(names, options.boards,
                  "some of `nblocks boards`, patterns of their names (nucleo-*), or .toml files; if left out "
                  "all that programs are built for")
      ->type_name("BOARD,...")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_compare_options(CLI::App& verb, Options& options) {
  verb.add_option("model", options.words,
                  "one or several model files, of any format that `run` takes; with --against also a kept "
                  "report")
      ->required()
      ->type_name("FILE...");
  add_boards_option(verb, options, "--boards");
  verb.add_option("--quantize", options.formats, "number formats of a float model, a table each")
      ->type_name("int8,int16,float32")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(nb::cli::one_of({"int8", "int16", "float32"}));
  add_reading_options(verb, options);
  add_number_options(verb, options);
  add_picture_options(verb, options);
  add_what_if_option(verb, options);
  add_duty_options(verb, options);
  verb.add_option("--prices", options.prices, "your own prices, before the catalogue's (docs/add-a-board.md)")
      ->type_name("FILE");
  verb.add_option("--resume", options.resume,
                  "keep what was run there, and do not run again what is there already")
      ->type_name("FOLDER");
  verb.add_option("-j,--jobs", options.jobs,
                  "programs that are built and run at a time; if left out one a core "
                  "of this computer")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  verb.add_option("--timeout", options.timeout_seconds, "seconds that a program may run; 600 if left out")
      ->type_name("SECONDS");
  add_history_options(verb, options);
  add_output_options(verb, options);
  add_report_option(verb, options);
  verb.footer("Example: nblocks compare kws.tflite --boards nucleo-l4r5zi,nucleo-h743zi2,rpi-pico2");
}

void add_advise_options(CLI::App& verb, Options& options) {
  const auto text = [&](const char* name, std::string& to, const char* type, const char* doc) {
    verb.add_option(name, to, doc)->type_name(type);
  };
  verb.add_option("model", options.model, "a model file, of any format that `run` takes")
      ->required()
      ->type_name("FILE");
  text("-d,--data", options.data, "FILE",
       "a labelled set, .npz with inputs (x) and targets (y): accuracy is measured on it");
  text("--labels", options.labels, "NAME|FILE", "targets: another array of the data than y, or a .npy file");
  text("--metric", options.metric, "METRIC",
       "accuracy balanced-accuracy auc mse rmse mae l2r nse cos; what fits the targets if left out");
  text("--calibrate", options.calibration, "DATA",
       "samples of a float model's inputs, for integers; the first of --data if left out");
  verb.add_flag("--float-io", options.has_float_ends, "inputs and outputs stay float");
  text("--max-latency", options.max_latency, "TIME", "of one inference: 75ms, 2s");
  text("--max-energy", options.max_energy, "ENERGY", "of one inference: 5mJ, 300uJ");
  text("--max-price", options.max_price, "PRICE", "of the part and the memories beside it: 5EUR, 4.20USD");
  verb.add_option("--min-acc", options.min_acc, "least of the metric (most of an error)")->type_name("VALUE");
  verb.add_option("--max-drop", options.max_drop,
                  "points that may be lost against the float model. A point is 1/100 of accuracy, 10 % more "
                  "of an error")
      ->type_name("POINTS")
      ->check(nb::cli::at_least(0));
  text("--reserve-ram", options.reserve_ram, "BYTES", "RAM inside the part that other firmware needs: 64K");
  text("--reserve-flash", options.reserve_flash, "BYTES", "likewise of flash: 256K");
  text("--cpu-share", options.cpu_share, "SHARE",
       "with --period: how much of the core's time is for this: 30%");
  verb.add_option("--with", options.companions,
                  "another model on the same part, as it is, and how often it runs; may be repeated")
      ->type_name("MODEL[=PERIOD]")
      ->allow_extra_args(false);
  verb.add_option("--or", options.alternatives,
                  "another model for the same task, such as a smaller one, that takes the same data: a way "
                  "like the others; may be repeated")
      ->type_name("MODEL")
      ->allow_extra_args(false);
  verb.add_option("--volume", options.volume, "prices at that many a year; as published if left out")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  text("--prices", options.prices, "FILE", "your own prices, before the catalogue's (docs/add-a-board.md)");
  text("--rate", options.rate, "RATE", "a rate of exchange: USD=0.92EUR");
  verb.add_option("--rank", options.rank_by, "what answers are ordered by; price if left out")
      ->type_name("BY")
      ->check(nb::cli::one_of({"price", "latency", "energy", "accuracy"}));
  add_boards_option(verb, options, "-b,--boards");
  add_reading_options(verb, options);
  verb.add_option("--name", options.name, "the model's name in C; the file's if left out")->type_name("NAME");
  add_picture_options(verb, options);
  add_what_if_option(verb, options);
  add_duty_options(verb, options);
  text("--resume", options.resume, "FOLDER",
       "keep what was measured there, and do not measure again what is there already");
  verb.add_option("--check", options.checked,
                  "answers that are run on their virtual boards, the first; 5 if left out")
      ->type_name("N")
      ->check(CLI::Range(0, 1000));
  verb.add_option(
          "--show", options.shown,
          "answers whose steps and command are printed, the first; 3 if left out; and the first of each "
          "other way")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  verb.add_flag("--exhaustive", options.is_exhaustive,
                "try also what another way of the same kind makes needless");
  verb.add_option("-j,--jobs", options.jobs,
                  "programs that are built and run at a time; one a core of this computer if left out")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  verb.add_option("--timeout", options.timeout_seconds, "seconds that a program may run; 600 if left out")
      ->type_name("SECONDS");
  add_output_options(verb, options);
  add_report_option(verb, options);
  verb.footer(
      "Example: nblocks advise net.onnx --data test.npz --max-latency 75ms --max-price 5USD --reserve-ram "
      "64K");
}

void add_explain_options(CLI::App& verb, Options& options) {
  add_model_options(verb, options, "cortex-m4f");
  CLI::Option* topic = verb.get_option("model");
  topic->required(false)
      ->type_name("TOPIC|MODEL")
      ->description(
          "the name of a diagnostic or a block, or `passes` (none: all names); or a model, with --quantize "
          "and "
          "--calibrate");
  verb.add_option("layer", options.layer, "a layer of the model; all if left out")->type_name("LAYER");
  add_judge_options(verb, options);
  add_picture_options(verb, options);
  add_output_options(verb, options);
  add_report_option(verb, options);
  verb.footer("Example: nblocks explain net.onnx fc1 --quantize int8 --calibrate train.npz --data test.npz");
}

void add_catalogue_options(CLI::App& verb, Options& options, const char* topic) {
  verb.add_option("name", options.topic, topic)->type_name("NAME");
  add_output_options(verb, options);
}

void add_boards_options(CLI::App& verb, Options& options) {
  verb.add_option(
          "what", options.words,
          "list (or nothing): all boards; show NAME, or NAME alone: one in full, with the sources of its "
          "values; memories [NAME]: the external memories; new NAME --like BOARD: a file to begin a board "
          "with; check [FILE...]: what is wrong with boards, external memories and price lists, or with "
          "the whole catalogue")
      ->type_name("WHAT");
  verb.add_option("--like", options.like, "new: the board to begin from, the nearest relative")
      ->type_name("BOARD");
  verb.add_option("-o,--output", options.output, "new: where to write it; NAME.toml if left out")
      ->type_name("FILE");
  verb.add_option("--prices", options.prices, "your own prices, before the catalogue's (docs/add-a-board.md)")
      ->type_name("FILE");
  verb.add_flag("--markdown", options.is_markdown, "list: the catalogue as a page, docs/boards.md");
  add_output_options(verb, options);
  verb.footer(
      "Example: nblocks boards new my-board --like nucleo-f411re && nblocks boards check my-board.toml");
}

void add_kept_report_options(CLI::App& verb, Options& options) {
  verb.add_option("report", options.model, "a .json file that --report wrote")->required()->type_name("FILE");
  verb.add_option(
          "-o,--output", options.reports,
          std::string("draw it to a file, by its ending ") + nb::cli::kReportEndings + "; may be repeated")
      ->required()
      ->type_name("FILE")
      ->allow_extra_args(false);
  add_output_options(verb, options);
  verb.footer("Example: nblocks report kws.json --output kws.trace.json");
}

}  // namespace

int main(int argc, char** argv) {
  nb::stop_tools_on_interrupt();
  CLI::App app("Neural Blocks: trained models to small, readable C++ for microcontrollers.", "nblocks");
  app.get_formatter()->column_width(26);
  app.get_formatter()->label("REQUIRED", "(required)");
  app.set_version_flag("--version", std::string("nblocks ") + NB_VERSION, "print the version and exit");
  app.set_help_flag("-h,--help", "print this help and exit");
  app.require_subcommand(1);
  app.footer(
      "`nblocks VERB --help` has the options of each. Exit codes: 0 ok, 1 internal, 2 usage, 3 model not "
      "supported,\n"
      "4 does not fit the board, 5 tool missing, 6 a gate failed, 130 interrupted.");
  Options options;
  std::function<int(const Options&)> verb;
  const auto add = [&](const char* name, const char* doc, int (*function)(const Options&)) {
    CLI::App* sub = app.add_subcommand(name, doc);
    sub->callback([&verb, function] { verb = function; });
    return sub;
  };
  add_analyze_options(
      *add("analyze", "What a model needs: layers, macc, weights, RAM. Needs no compiler.", nb::cli::analyze),
      options);
  add_generate_options(*add("generate", "Write the C++ program of a model for a board.", nb::cli::generate),
                       options);
  add_run_options(*add("run", "Build a model, run it on a virtual board, count instructions.", nb::cli::run),
                  options);
  add_validate_options(
      *add("validate", "Compare a program with its float model on a labelled set: accuracy, errors, gates.",
           nb::cli::validate),
      options);
  add_time_options(*add("time", "How long a stretch of any firmware takes on a board.", nb::cli::time),
                   options);
  add_compare_options(
      *add("compare", "Models on many boards: what fits, cycles, milliseconds, energy, price.",
           nb::cli::compare),
      options);
  add_advise_options(
      *add("advise", "What to do so that a model fits: numbers, kernels, memories, parts; with their costs.",
           nb::cli::advise),
      options);
  add_boards_options(
      *add("boards", "The boards and external memories: what they hold, how fast, at what power and price.",
           nb::cli::boards),
      options);
  CLI::App* blocks = add("blocks", "The operators that models are made of.", nb::cli::blocks);
  add_catalogue_options(*blocks, options, "one block in full: operands, attributes, kernels");
  blocks->add_flag("--markdown", options.is_markdown, "all of them in full as a page, docs/blocks.md");
  blocks->add_option("--of", options.format, "the operators of a model format instead, and their blocks")
      ->type_name("FORMAT")
      ->check(nb::cli::one_of({"keras", "torch"}));
  add_explain_options(
      *add("explain",
           "What a diagnostic means; why a layer of a model has its numbers, and what others cost.",
           nb::cli::explain),
      options);
  add_kept_report_options(
      *add("report", "Draw a report that was kept as .json again, as another file.", nb::cli::report),
      options);
  add_output_options(*add("doctor", "Which compilers and virtual machines are there.", nb::cli::doctor),
                     options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return nb::cli::refuse_command_line(app, error, argc, argv);
  }
  nb::cli::keep_command(*app.get_subcommands()[0], argc, argv, options);
  if (nb::Diagnostics diagnostics; !nb::cli::check_reports(options, diagnostics)) {
    options.reports.clear();
    return nb::cli::finish(diagnostics, options);
  }
  try {
    return verb(options);
  } catch (const std::exception& error) {  // of a library below, or no memory
    nb::Diagnostics diagnostics;
    diagnostics.add({.kind = nb::Kind::internal, .message = error.what()});
    return nb::cli::finish(diagnostics, options);
  }
}
