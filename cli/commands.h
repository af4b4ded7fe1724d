// The verbs of nblocks. Each returns its exit code.
#pragma once
#include <string>
#include <vector>

#include "diag/diagnostics.h"

namespace nb::cli {

/// What the command line said; one struct for all verbs, each reads its part.
struct Options {
  std::string model, board, input, output, stop_after, from, name, topic;
  std::vector<std::string> dims, input_shapes, frozen, states, streams;
  std::string optimize, save_build, format;
  double timeout_seconds = 600;
  bool is_json = false, is_markdown = false, is_quiet = false, dequantize = false, keeps_state = false,
       has_sanitizers = false;
};

int analyze(const Options& options);
int generate(const Options& options);
int run(const Options& options);
int boards(const Options& options);
int blocks(const Options& options);
int explain(const Options& options);
int doctor(const Options& options);

/// Prints what was collected: text to stderr, or one JSON object {"ok": false, "diagnostics": [...]} to
/// stdout if the verb failed under --json. Returns the exit code.
int finish(const Diagnostics& diagnostics, const Options& options);
[[nodiscard]] bool wants_color(int descriptor);

}  // namespace nb::cli
