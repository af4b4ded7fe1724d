#include "report/targets.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "bench/samples.h"

namespace nb {
namespace {

/// The axis that splits `shape` as outer, classes, inner.
Targets along(const Shape& shape, std::size_t axis) {
  Targets targets{.task = Task::classes};
  targets.outer = element_count(std::span(shape).first(axis));
  targets.classes = shape[axis];
  targets.inner = element_count(std::span(shape).subspan(axis + 1));
  return targets;
}

/// The axis of classes, where each other position of an output has a label; the last that fits.
std::optional<Targets> class_axis(const Shape& output, const Shape& labels) {
  for (std::size_t axis = output.size(); axis-- > 0;) {
    if (output[axis] == 1) continue;
    Shape rest = output;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(axis));
    if (without_ones(rest) == without_ones(labels)) return along(output, axis);
  }
  return std::nullopt;
}

bool are_all_zero_or_one(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return v == 0 || v == 1; });
}

/// Whether each row of a sample's classes is one 1 among zeros: the places of the ones.
std::optional<std::vector<std::int64_t>> one_hot(std::span<const double> values, std::int64_t classes) {
  if (classes < 2 || !are_all_zero_or_one(values)) return std::nullopt;
  std::vector<std::int64_t> labels;
  labels.reserve(values.size() / static_cast<std::size_t>(classes));
  for (std::size_t at = 0; at < values.size(); at += static_cast<std::size_t>(classes)) {
    const auto row = values.subspan(at, static_cast<std::size_t>(classes));
    if (std::count(row.begin(), row.end(), 1.0) != 1) return std::nullopt;
    labels.push_back(std::find(row.begin(), row.end(), 1.0) - row.begin());
  }
  return labels;
}

}  // namespace

std::optional<Targets> single_axis(const Shape& shape) {
  if (without_ones(shape).size() != 1) return std::nullopt;
  return along(shape,
               static_cast<std::size_t>(
                   std::find_if(shape.begin(), shape.end(), [](auto n) { return n != 1; }) - shape.begin()));
}

Result<Targets> targets_of(const NpyArray& array, const Type& output, const TargetOptions& options,
                           Diagnostics& diagnostics) {
  const std::string name = "`" + printable(options.array) + "`";
  const auto refuse = [&](std::string message, std::string help = {}) -> Failed {
    return diagnostics.add({.kind = Kind::input_mismatch,
                            .message = name + " " + std::move(message),
                            .file = options.file,
                            .help = std::move(help)});
  };
  const auto tensor = tensor_of(array);
  if (!tensor) return refuse("has a dtype or shape beyond the limits");
  const Shape& shape = tensor->type.shape;
  const std::int64_t elements = output.elements(), samples = options.samples;
  // Of one sample, the axis of samples may be left out.
  const bool has_axis = !shape.empty() && shape[0] == samples;
  if (!has_axis && (samples != 1 || tensor->type.elements() == 0))
    return refuse("has shape " + shape_text(shape) + ", and there " + (samples == 1 ? "is " : "are ") +
                      count_text(static_cast<std::size_t>(samples), "sample"),
                  "the first axis of the targets is the sample, as it is of the inputs");
  const Shape each = has_axis ? Shape(shape.begin() + 1, shape.end()) : shape;
  std::vector<double> values = to_doubles(*tensor);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      return refuse("holds " + std::string(std::isnan(values[i]) ? "NaN" : "an infinity") + " at sample " +
                    std::to_string(i / (values.size() / static_cast<std::size_t>(samples))));
  const bool is_whole =
      std::all_of(values.begin(), values.end(), [](double v) { return v == std::floor(v); });
  const std::int64_t each_elements = element_count(each);
  const bool has_output_shape =
      each_elements == elements && (without_ones(each) == without_ones(output.shape) || each.size() == 1);
  if (has_output_shape) {
    if (const auto axis = single_axis(output.shape))
      if (auto labels = one_hot(values, axis->classes)) {
        Targets targets = *axis;
        targets.labels = std::move(*labels);
        targets.values = std::move(values);
        return targets;
      }
    if (are_all_zero_or_one(values)) {
      Targets targets{.task = Task::binary, .outer = elements, .classes = 2};
      for (const double value : values) targets.labels.push_back(static_cast<std::int64_t>(value));
      targets.values = std::move(values);
      return targets;
    }
    if (tensor->type.dtype == output.dtype && output.is_quantized() && !output.quantization->is_per_axis())
      for (double& value : values) value = static_cast<float>(value - output.zero_point()) * output.scale();
    return Targets{.values = std::move(values)};
  }
  if (options.may_reconstruct && each_elements == 1 && are_all_zero_or_one(values)) {
    Targets targets{.task = Task::reconstruction, .classes = 2};
    for (const double value : values) targets.labels.push_back(static_cast<std::int64_t>(value));
    return targets;
  }
  auto targets = each_elements == 1 ? single_axis(output.shape) : class_axis(output.shape, each);
  if (!targets)
    return refuse(
        "has shape " + shape_text(shape) + " for output `" + options.output + "`, which has " +
            shape_text(output.shape) + " a sample, and " + std::to_string(samples) + " of them",
        "give values of the output's shape, or class indices: one a sample, or one for each position "
        "beside the axis of classes");
  if (!is_whole)
    return refuse("holds numbers that are not whole, and too few to be values of output `" + options.output +
                      "`, which has " + shape_text(output.shape) + " a sample",
                  "class indices are whole numbers from 0");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= static_cast<double>(targets->classes))
      return refuse("holds the label " + float_text(static_cast<float>(values[i])) + " at sample " +
                        std::to_string(static_cast<std::int64_t>(i) / each_elements) + ", and output `" +
                        options.output + "` has " + std::to_string(targets->classes) + " classes",
                    "labels are class indices from 0 to " + std::to_string(targets->classes - 1));
    targets->labels.push_back(static_cast<std::int64_t>(values[i]));
  }
  return std::move(*targets);
}

std::vector<std::int64_t> decisions(const Targets& targets, const std::vector<double>& outputs,
                                    double threshold) {
  std::vector<std::int64_t> decided;
  decided.reserve(outputs.size());
  if (targets.task == Task::binary) {
    for (const double value : outputs) decided.push_back(value > threshold ? 1 : 0);
    return decided;
  }
  const auto classes = static_cast<std::size_t>(targets.classes),
             inner = static_cast<std::size_t>(targets.inner);
  for (std::size_t row = 0; row < outputs.size(); row += classes * inner)
    for (std::size_t i = 0; i < inner; ++i) {
      std::size_t best = 0;
      for (std::size_t c = 1; c < classes; ++c) {
        const double largest = outputs[row + best * inner + i], value = outputs[row + c * inner + i];
        if (value > largest || (std::isnan(value) && !std::isnan(largest))) best = c;
      }
      decided.push_back(static_cast<std::int64_t>(best));
    }
  return decided;
}

}  // namespace nb
