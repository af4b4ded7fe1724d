#include "quantize/check_samples.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/text.h"
#include "quantize/interpret.h"

namespace nb {
namespace {

constexpr std::size_t kFewSamples = 16;

class SampleCheck {
 public:
  SampleCheck(const Graph& graph, const Samples& set, Diagnostics& diagnostics)
      : graph_(graph), set_(set), diagnostics_(diagnostics) {}

  Status run() {
    const std::size_t errors = diagnostics_.error_count();
    std::size_t first = 0;
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      const Type& type = graph_.at(graph_.inputs[i]).type;
      if (type.dtype == DType::f32 && !check_floats(i, first)) return kFailed;
      first += static_cast<std::size_t>(type.size_bytes());
    }
    for (const Node& node : graph_.nodes)
      if (node.block->name == "attention") check_mask(node);
    if (diagnostics_.error_count() != errors) return kFailed;
    if (set_.count < kFewSamples)
      diagnostics_.add({.kind = Kind::few_samples,
                        .message = count_text(set_.count, "sample") +
                                   " of calibration data: ranges of values may be missed",
                        .file = file_of_all(),
                        .help = "give 100 or more samples that cover what the model sees in use"});
    return {};
  }

 private:
  /// What sample n was read from; null if nobody knows.
  [[nodiscard]] const SampleSource* source_of(std::size_t n) const {
    const SampleSource* found = nullptr;
    for (const SampleSource& source : set_.sources)
      if (source.first <= n) found = &source;
    return found;
  }
  /// The file, or the folder of several.
  [[nodiscard]] std::string file_of_all() const {
    if (set_.sources.empty()) return {};
    const std::string& file = set_.sources[0].file;
    return set_.sources.size() == 1 ? file : std::filesystem::path(file).parent_path().string();
  }
  /// "input `x`", "input `x` (array `in0`)".
  [[nodiscard]] std::string input_text(std::size_t i, const SampleSource* source) const {
    const std::string& name = graph_.at(graph_.inputs[i]).name;
    std::string text = "input `" + printable(name) + "`";
    if (source != nullptr && i < source->arrays.size() && source->arrays[i] != name)
      text += " (array `" + printable(source->arrays[i]) + "`)";
    return text;
  }
  Failed refuse(std::string message, std::string file, std::string help) {
    return diagnostics_.add({.kind = Kind::bad_calibration,
                             .message = std::move(message),
                             .file = std::move(file),
                             .help = std::move(help)});
  }

  /// Of an input of floats that begin `first` bytes into a sample. Fails at the first that is no number.
  Status check_floats(std::size_t input, std::size_t first) {
    const auto count = static_cast<std::size_t>(graph_.at(graph_.inputs[input]).type.size_bytes()) / 4;
    float least = INFINITY, most = -INFINITY;
    for (std::size_t n = 0; n < set_.count; ++n) {
      const auto* x = reinterpret_cast<const float*>(set_.sample(n).data() + first);
      for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(x[i])) {
          const SampleSource* source = source_of(n);
          return refuse("sample " + std::to_string(n - (source == nullptr ? 0 : source->first)) + " of " +
                            input_text(input, source) + " holds " + float_text(x[i]) + " at element " +
                            std::to_string(i),
                        source == nullptr ? "" : source->file,
                        "calibration samples are what the model sees in use: finite numbers");
        }
        least = std::min(least, x[i]);
        most = std::max(most, x[i]);
      }
    }
    if (count > 0 && least == most)
      refuse("all elements of all " + std::to_string(set_.count) + " samples of " +
                 input_text(input, source_of(0)) + " are " + float_text(least),
             file_of_all(), "give samples of real data: ranges are taken from them");
    return {};
  }

  /// Of attention with a boolean mask that comes from inputs which are no floats, through any layers.
  void check_mask(const Node& attention) {
    constexpr std::size_t kMask = 3;
    if (attention.inputs.size() <= kMask || !attention.inputs[kMask].is_present()) return;
    const ValueId mask = attention.inputs[kMask];
    if (graph_.at(mask).type.dtype != DType::boolean) return;
    Graph makes_mask = graph_;
    makes_mask.kept.clear();
    makes_mask.outputs = {mask};
    makes_mask.remove_dead();
    std::vector<std::size_t> makers;
    for (std::size_t i = 0; i < makes_mask.inputs.size(); ++i) {
      const ValueId id = makes_mask.inputs[i];
      const bool is_read = makes_mask.outputs[0] == id ||
                           std::any_of(makes_mask.nodes.begin(), makes_mask.nodes.end(), [&](const Node& n) {
                             return std::find(n.inputs.begin(), n.inputs.end(), id) != n.inputs.end();
                           });
      if (!is_read) continue;
      if (is_float(makes_mask.at(id).type.dtype)) return;
      makers.push_back(i);
    }
    const bool has_state = std::any_of(makes_mask.values.begin(), makes_mask.values.end(),
                                       [](const Value& value) { return value.source == Source::state; });
    if (makers.empty() || has_state) return;
    Interpreter interpreter(makes_mask);
    for (std::size_t n = 0; n < set_.count; ++n) {
      interpreter.run(set_.sample(n));
      const auto sees = interpreter.view(makes_mask.outputs[0]).as<std::uint8_t>();
      if (std::any_of(sees.begin(), sees.end(), [](std::uint8_t s) { return s != 0; })) return;
    }
    std::vector<std::string> names;
    for (const std::size_t i : makers) names.push_back(input_text(i, source_of(0)));
    refuse("in all " + std::to_string(set_.count) + " samples " + join(names, " and ") +
               " hides every key from the attention layer `" + printable(attention.name) + "`",
           file_of_all(), "give samples with the mask that the model sees in use");
  }

  const Graph& graph_;
  const Samples& set_;
  Diagnostics& diagnostics_;
};

}  // namespace

Status check_samples(const Graph& graph, const Samples& set, Diagnostics& diagnostics) {
  return SampleCheck(graph, set, diagnostics).run();
}

}  // namespace nb
