// nblocks: the command line. Options here, verbs in commands*.cc.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "bench/process.h"
#include "cli/commands.h"

namespace {

using nb::cli::Options;

/// The exit code for a command line that cannot be read.
constexpr int kUsage = 2;

void add_model_options(CLI::App& verb, Options& options) {
  verb.add_option("model", options.model, "model file: .onnx, .tflite, or graph text")->required();
  verb.add_option("-b,--board", options.board, "a board of `nblocks boards`, or a .toml file");
  verb.add_option("--dim", options.dims, "NAME=N: a symbolic dimension of the model (repeatable)");
  verb.add_option("--freeze", options.frozen, "INPUT=FILE.npy: compile an input as a constant (repeatable)");
  verb.add_option("--name", options.name, "the model's name in C (default: the file's)");
}

void add_output_options(CLI::App& verb, Options& options) {
  verb.add_flag("--json", options.is_json, "one JSON object on stdout, nothing else");
  verb.add_flag("-q,--quiet", options.is_quiet, "no notes");
}

}  // namespace

int main(int argc, char** argv) {
  nb::stop_tools_on_interrupt();
  CLI::App app("Neural Blocks: trained models to small, readable C++ for microcontrollers", "nblocks");
  app.set_version_flag("--version", std::string("nblocks ") + NB_VERSION);
  app.require_subcommand(1);
  Options options;
  std::function<int(const Options&)> verb;
  const auto add = [&](const char* name, const char* doc, int (*function)(const Options&)) {
    CLI::App* sub = app.add_subcommand(name, doc);
    sub->callback([&verb, function] { verb = function; });
    return sub;
  };

  CLI::App* analyze =
      add("analyze", "layers, macc, weights, RAM: what is known without a compiler", nb::cli::analyze);
  add_model_options(*analyze, options);
  add_output_options(*analyze, options);
  analyze->add_option("--stop-after", options.stop_after,
                      "print the graph after a pass (`read`, or a pass of `nblocks explain passes`) and end");
  analyze->add_option("--from", options.from, "graph text: begin with this pass");
  analyze->add_option("-o,--output", options.output,
                      "with --stop-after: write the graph text there, constants beside it");

  CLI::App* generate = add("generate", "write the C++ program for a board", nb::cli::generate);
  add_model_options(*generate, options);
  add_output_options(*generate, options);
  generate->add_option("-o,--output", options.output, "folder of the program")->required();

  CLI::App* run = add("run", "build, run on a virtual board, count", nb::cli::run);
  add_model_options(*run, options);
  add_output_options(*run, options);
  run->add_option("-i,--input", options.input, ".npz, .npy or .bin with one sample or many");
  run->add_option("-o,--output", options.output, "folder for the outputs as .npy");
  run->add_option("--timeout", options.timeout_seconds, "seconds that the firmware may run");
  run->add_option("-O,--optimize", options.optimize,
                  "optimization of emitted code: O0 O1 O2 O3 Os (default: the board's)")
      ->check(CLI::IsMember({"O0", "O1", "O2", "O3", "Os"}));
  run->add_option("--save-build", options.save_build, "keep the build in this folder");
  run->add_flag("--dequantize", options.dequantize, "outputs as float");
  run->add_flag("--keep-state", options.keeps_state, "state carries on from sample to sample");
  run->add_flag("--sanitize", options.has_sanitizers, "host only: undefined-behaviour and address checks");

  CLI::App* boards = add("boards", "the catalogue", nb::cli::boards);
  boards->add_option("name", options.topic, "one board in full");
  add_output_options(*boards, options);
  CLI::App* blocks = add("blocks", "the operators", nb::cli::blocks);
  blocks->add_option("name", options.topic, "one block in full");
  add_output_options(*blocks, options);
  blocks->add_flag("--markdown", options.is_markdown, "all of them as a page, docs/blocks.md");
  CLI::App* explain = add("explain", "a diagnostic, a block, or `passes`", nb::cli::explain);
  explain->add_option("topic", options.topic, "the name of a diagnostic or a block, or `passes`");
  CLI::App* doctor = add("doctor", "which tools are there", nb::cli::doctor);
  add_output_options(*doctor, options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kUsage;
  }
  try {
    return verb(options);
  } catch (const std::exception& error) {  // of a library below, or no memory
    nb::Diagnostics diagnostics;
    diagnostics.add({.kind = nb::Kind::internal, .message = error.what()});
    return nb::cli::finish(diagnostics, options);
  }
}
