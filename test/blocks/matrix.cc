// The block matrix: every sample of every block, on every kernel that applies on a core, against the
// reference. All of them are the layers of one program, which is emitted, built and run as a user's model is:
// on the host with address and undefined-behaviour checks, on a virtual board as its firmware. Usage:
// nb_block_matrix BOARD [BLOCK...] | coverage Exit 1: something differs. 77: the board's tools are missing.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/process.h"
#include "base/text.h"
#include "bench/build.h"
#include "bench/run.h"
#include "blocks/blocks.h"
#include "emit/emit.h"
#include "pass/pass.h"
#include "target/board.h"
#include "target/cores.h"
#include "test/blocks/cases.h"

namespace nb::test {
namespace {

constexpr int kRuns = 2;

/// Kernels that samples cannot reach, and who tries them instead.
constexpr std::pair<std::string_view, std::string_view> kTriedElsewhere[] = {
    {"tree_ensemble tree_ensemble", "its tables of nodes must fit together: test/conformance, TreeEnsemble"}};

/// A layer of the program: a case on one kernel.
struct Layer {
  const Case* the_case;
  const Kernel* kernel;
  bool is_in_place;  ///< its operands are nobody else's, so that the planner may overwrite them
};

class Matrix {
 public:
  Matrix(const Board& board, Rounding rounding) : board_(board) { graph_.rounding = rounding; }

  /// Adds the layers of a case; true if some kernel applies.
  bool add(const Case& c) {
    const Operation op = c.operation();
    bool is_any = false;
    std::vector<ValueId> shared;
    for (const Kernel& kernel : c.block->kernels) {
      if (!kernel.applies(op, board_.core)) continue;
      const Lowered lowered = kernel.lower(op, board_.core);
      if (shared.empty()) shared = operands(c);
      add_layer(c, kernel, shared, lowered, false);
      const bool has_state = std::any_of(c.block->inputs.begin(), c.block->inputs.end(),
                                         [](const Operand& operand) { return operand.is_state; });
      if (has_state) shared.clear();  // each layer has a state of its own
      if (!lowered.in_place.empty()) add_layer(c, kernel, operands(c), lowered, true);
      is_any = true;
    }
    return is_any;
  }

  /// Builds, runs, compares; prints what differs. False if anything does.
  bool run(Diagnostics& diagnostics) {
    graph_.name = "matrix";
    graph_.phase = Phase::lowered;
    graph_.board = board_.name;
    PassContext context{all_blocks(), board_.core, diagnostics};
    if (!verify(graph_, diagnostics) || !plan_memory(graph_, context)) return false;
    graph_.phase = Phase::planned;
    const auto program = emit_program(graph_, board_.core, diagnostics);
    if (!program) return false;
    const TemporaryFolder folder;
    const auto firmware =
        build_firmware(*program, graph_, board_, folder.path(),
                       {board_.is_host() ? "O0" : "", false, board_.is_host()}, diagnostics);
    if (!firmware) return false;
    Samples samples{kRuns, {}};
    for (int run = 0; run < kRuns; ++run)
      for (const auto& [c, operand] : input_operands_) {
        const Bytes bytes = c->values(operand, run);
        samples.bytes.insert(samples.bytes.end(), bytes.begin(), bytes.end());
      }
    const auto result = run_firmware(*firmware, graph_, samples, {300, {}}, diagnostics);
    return result && compare(result->outputs.bytes);
  }

  [[nodiscard]] const std::vector<Layer>& layers() const { return layers_; }

 private:
  std::vector<ValueId> operands(const Case& c) {
    std::vector<ValueId> ids;
    for (std::size_t i = 0; i < c.in.size(); ++i) {
      if (!c.in[i]) {
        ids.emplace_back();
        continue;
      }
      const Operand& operand = c.block->inputs[std::min(i, c.block->inputs.size() - 1)];
      const std::string name = c.name + " " + std::string(operand.name);
      if (c.constants[i]) {
        ids.push_back(graph_.add_constant(name, {*c.in[i], *c.constants[i]}));
      } else if (operand.is_state) {
        ids.push_back(
            graph_.add_value({name, *c.in[i], Source::state, std::make_shared<const Bytes>(c.values(i, 0))}));
      } else {
        ids.push_back(graph_.add_value({name, *c.in[i], Source::input}));
        graph_.inputs.push_back(ids.back());
        input_operands_.emplace_back(&c, i);
      }
    }
    return ids;
  }

  void add_layer(const Case& c, const Kernel& kernel, const std::vector<ValueId>& inputs,
                 const Lowered& lowered, bool is_in_place) {
    Node node{c.block, c.attributes, inputs, {}, c.name + " " + kernel.name, c.name, kernel.name};
    node.scratch_bytes = lowered.scratch_bytes;
    for (const Type& type : c.out) {
      node.outputs.push_back(graph_.add_value({node.name, type}));
      graph_.outputs.push_back(node.outputs.back());
    }
    graph_.nodes.push_back(std::move(node));
    layers_.push_back({&c, &kernel, is_in_place});
  }

  bool compare(const Bytes& outputs) {
    std::size_t at = 0;
    std::set<std::string> failed;
    for (int run = 0; run < kRuns; ++run)
      for (const Layer& layer : layers_) {
        const std::vector<Tensor> expected = layer.the_case->expected(run);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          const auto size = static_cast<std::size_t>(expected[i].type.size_bytes());
          Tensor actual{expected[i].type, {}};
          actual.data.assign(outputs.begin() + static_cast<std::ptrdiff_t>(at),
                             outputs.begin() + static_cast<std::ptrdiff_t>(at + size));
          at += size;
          const std::string text = difference(expected[i], actual);
          const std::string name = layer.the_case->name + " (" + layer.the_case->sample->inputs + ") {" +
                                   layer.the_case->sample->attributes + "} on " + layer.kernel->name +
                                   (layer.is_in_place ? " in place" : "") +
                                   (graph_.rounding == Rounding::once ? " rounding once" : "");
          if (!text.empty() && failed.insert(name).second)
            std::printf("FAILED %s: output %zu, run %d: %s\n", name.c_str(), i, run, text.c_str());
        }
      }
    return failed.empty();
  }

  const Board& board_;
  Graph graph_;
  std::vector<Layer> layers_;
  std::vector<std::pair<const Case*, std::size_t>> input_operands_;  ///< of each graph input
};

std::vector<Case> all_cases(const std::vector<std::string>& only, bool& is_good) {
  std::vector<Case> cases;
  std::vector<std::string> faults;
  for (const Block& block : all_blocks().all())
    if (only.empty() || std::find(only.begin(), only.end(), block.name) != only.end())
      for (Case& c : cases_of(block, faults)) cases.push_back(std::move(c));
  for (const std::string& fault : faults) std::printf("FAILED %s\n", fault.c_str());
  is_good = faults.empty();
  return cases;
}

/// Which kernels no sample reaches on any core, and which samples no kernel takes on any.
bool report_coverage() {
  bool is_good = true;
  const std::vector<Case> cases = all_cases({}, is_good);
  std::map<std::string, bool> kernels;
  for (const Block& block : all_blocks().all())
    for (const Kernel& kernel : block.kernels) kernels[block.name + " " + kernel.name];
  std::size_t without = 0;
  for (const Case& c : cases) {
    bool is_taken = false;
    for (const Rounding rounding : {Rounding::twice, Rounding::once}) {
      Case rounded = c;
      rounded.rounding = rounding;
      for (const CoreRow& row : core_rows())
        for (const Kernel& kernel : c.block->kernels)
          if (kernel.applies(rounded.operation(), row.core))
            is_taken = kernels[c.block->name + " " + kernel.name] = true;
    }
    if (is_taken) continue;
    ++without;
    std::printf("reference only: %s (%s)\n", c.name.c_str(), c.sample->inputs.c_str());
  }
  std::size_t missed = 0;
  for (const auto& [name, is_reached] : kernels) {
    if (is_reached) continue;
    const auto* elsewhere = std::find_if(std::begin(kTriedElsewhere), std::end(kTriedElsewhere),
                                         [&](const auto& row) { return row.first == name; });
    if (elsewhere != std::end(kTriedElsewhere)) {
      std::printf("tried elsewhere: %s, %s\n", name.c_str(), std::string(elsewhere->second).c_str());
      continue;
    }
    ++missed;
    std::printf("FAILED no sample reaches kernel %s\n", name.c_str());
  }
  std::printf("%zu blocks, %zu samples (%zu without a kernel), %zu of %zu kernels reached\n",
              all_blocks().all().size(), cases.size(), without, kernels.size() - missed, kernels.size());
  return is_good && missed == 0;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    std::fprintf(stderr, "usage: nb_block_matrix BOARD [BLOCK...] | coverage\n");
    return 2;
  }
  if (arguments[0] == "coverage") return report_coverage() ? 0 : 1;
  Diagnostics diagnostics;
  const auto finish = [&](bool is_good) {
    for (const Diagnostic& diagnostic : diagnostics.all())
      std::fputs(render_text(diagnostic, false).c_str(), stdout);
    for (const Diagnostic& diagnostic : diagnostics.all())
      if (diagnostic.kind == Kind::tool_missing) return 77;
    return is_good && !diagnostics.has_errors() ? 0 : 1;
  };
  const auto board = find_board(arguments[0], diagnostics);
  if (!board) return finish(false);
  bool is_good = true;
  const std::vector<Case> cases = all_cases({arguments.begin() + 1, arguments.end()}, is_good);
  for (const Rounding rounding : {Rounding::twice, Rounding::once}) {
    std::vector<Case> tried;
    for (const Case& c : cases) {
      if (rounding == Rounding::once && !c.is_quantized()) continue;
      tried.push_back(c);
      tried.back().rounding = rounding;
    }
    if (tried.empty()) continue;
    Matrix matrix(*board, rounding);
    std::size_t without = 0;
    for (const Case& c : tried) without += matrix.add(c) ? 0 : 1;
    is_good = matrix.run(diagnostics) && is_good;
    std::printf("%s, rounding %s: %zu samples, %zu layers, %d runs; %zu samples without a kernel\n",
                board->name.c_str(), rounding == Rounding::once ? "once" : "twice", tried.size(),
                matrix.layers().size(), kRuns, without);
  }
  return finish(is_good);
}

}  // namespace
}  // namespace nb::test

int main(int argc, char** argv) { return nb::test::run({argv + 1, argv + argc}); }
