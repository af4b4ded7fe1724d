#include "bench/labelled.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "blocks/quantized.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

/// The arrays of a .npz, or that of a .npy under the name `x`.
Result<NamedArrays> read_arrays(const fs::path& path, Diagnostics& diagnostics) {
  const auto refuse = [&](Kind kind, std::string message, std::string help = {}) -> Failed {
    return diagnostics.add(
        {.kind = kind, .message = std::move(message), .file = path.string(), .help = std::move(help)});
  };
  const FileRead file = read_file(path);
  if (!file.bytes)
    return refuse(Kind::file_unreadable, "data file `" + printable(path.string()) + "`: " + file.why_not);
  const std::string extension = to_lower(path.extension().string());
  std::string why;
  if (extension == ".npz") {
    auto arrays = parse_npz(*file.bytes, why);
    if (!arrays) return refuse(Kind::input_mismatch, "the file " + why);
    return std::move(*arrays);
  }
  if (extension != ".npy")
    return refuse(Kind::usage, "`" + printable(path.string()) + "` is neither .npz nor .npy",
                  "save inputs and labels with numpy.savez(FILE, x=x, y=y)");
  auto array = parse_npy(*file.bytes, why);
  if (!array) return refuse(Kind::input_mismatch, "the file " + why);
  return NamedArrays{{"x", std::move(*array)}};
}

/// Pictures of a folder as `x`; if they lie in folders, the index of each one's among these as `y`.
Result<NamedArrays> read_pictures(const fs::path& folder, const Graph& graph, const PixelNumbers& pixels,
                                  Diagnostics& diagnostics) {
  const auto refuse = [&](const std::string& message) -> Failed {
    return diagnostics.add({.kind = Kind::input_mismatch,
                            .message = "the folder `" + printable(folder.string()) + "` " + message,
                            .file = folder.string(),
                            .help = "pictures with labels lie in a folder for each class"});
  };
  const std::vector<fs::path> files = pictures_in(folder);
  if (files.empty()) return refuse("has no pictures");
  std::vector<std::string> classes;
  for (const fs::path& file : files) classes.push_back(file.lexically_relative(folder).begin()->string());
  std::vector<std::string> names = classes;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<std::int64_t> labels;
  std::size_t loose = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    loose += files[i].parent_path() == folder ? 1 : 0;
    labels.push_back(std::find(names.begin(), names.end(), classes[i]) - names.begin());
  }
  if (loose > 0 && loose < files.size())
    return refuse("has " + count_text(loose, "picture") + " of its own beside those in folders");
  auto reader = PictureReader::make(graph, pixels, folder, diagnostics);
  if (!reader) return kFailed;
  auto images = reader->read_array(files, diagnostics);
  if (!images) return kFailed;
  NamedArrays arrays = {{"x", std::move(*images)}};
  if (loose > 0) return arrays;
  std::vector<std::string> told;
  for (std::size_t i = 0; i < names.size(); ++i) told.push_back(names[i] + " " + std::to_string(i));
  diagnostics.add({.kind = Kind::remark,
                   .message = "labels are those of the folders: " + printable(join(told, ", ")),
                   .file = folder.string()});
  arrays.emplace_back("y", npy_of(DType::i64, {static_cast<std::int64_t>(labels.size())}, to_bytes(labels)));
  return arrays;
}

std::string names_text(const NamedArrays& arrays) {
  std::vector<std::string> names;
  for (const auto& pair : arrays) names.push_back(pair.first);
  return names.empty() ? "none" : printable(join(names, ", "));
}

/// Where a float array holds what is no number, in words; empty if nowhere.
std::string fault_of(const NpyArray& array) {
  const auto tensor = tensor_of(array);
  if (!tensor || !is_float(tensor->type.dtype) || array.shape.empty()) return "";
  const std::vector<double> values = to_doubles(*tensor);
  std::size_t count = 0, first = 0;
  for (std::size_t i = values.size(); i-- > 0;)
    if (!std::isfinite(values[i])) {
      first = i;
      ++count;
    }
  if (count == 0) return "";
  const std::size_t each = values.size() / static_cast<std::size_t>(array.shape[0]);
  return count_text(count, "value") + " that " + (count == 1 ? "is" : "are") +
         " NaN or infinite, the first in sample " + std::to_string(first / each);
}

}  // namespace

Result<LabelledSet> labelled_set(const NamedArrays& arrays, const NamedArrays& targets, const Graph& graph,
                                 const std::string& file, Diagnostics& diagnostics) {
  LabelledSet set;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const auto found = input_array(arrays, graph, i);
    if (found == arrays.end()) {
      [[maybe_unused]] const auto said = samples_of(arrays, graph, file, diagnostics);  // says what is there
      return kFailed;
    }
    const auto& [name, array] = *found;
    const bool is_empty = std::find(array.shape.begin(), array.shape.end(), 0) != array.shape.end();
    const std::string fault = is_empty ? "" : fault_of(array);
    if (is_empty || !fault.empty())
      return diagnostics.add(
          {.kind = Kind::input_mismatch,
           .message = "array `" + printable(name) + "` " +
                      (is_empty ? "is empty: its shape is " + shape_text(array.shape) : "holds " + fault),
           .file = file,
           .help = is_empty ? "" : "outputs of such samples mean nothing: leave them out"});
    set.inputs.emplace_back(name, array);
  }
  for (std::size_t i = 0; i < graph.public_outputs().size(); ++i) {
    const std::string number = std::to_string(i);
    std::vector<std::string> names = {graph.at(graph.public_outputs()[i]).name, "y" + number, "out" + number};
    if (i == 0) names.insert(names.begin() + 1, "y");
    std::optional<NamedTarget> target;
    for (const std::string& name : names)
      for (const auto& [theirs, array] : targets)
        if (!target && theirs == name) target = NamedTarget{theirs, array};
    set.targets.push_back(std::move(target));
  }
  return set;
}

Result<LabelledSet> read_labelled(const fs::path& path, const std::string& labels, const Graph& graph,
                                  const PixelNumbers& pixels, Diagnostics& diagnostics) {
  std::error_code ignored;
  auto arrays = fs::is_directory(path, ignored) ? read_pictures(path, graph, pixels, diagnostics)
                                                : read_arrays(path, diagnostics);
  if (!arrays) return kFailed;
  NamedArrays targets;
  if (to_lower(labels).ends_with(".npy")) {
    auto read = read_arrays(labels, diagnostics);
    if (!read) return kFailed;
    targets.emplace_back("y", std::move((*read)[0].second));
  } else if (!labels.empty()) {
    const auto found =
        std::find_if(arrays->begin(), arrays->end(), [&](const auto& pair) { return pair.first == labels; });
    if (found == arrays->end())
      return diagnostics.add({.kind = Kind::input_mismatch,
                              .message = "no array `" + printable(labels) +
                                         "`, which --labels names: there are " + names_text(*arrays),
                              .file = path.string()});
    targets.emplace_back("y", found->second);
  } else {
    targets = *arrays;
  }
  auto set = labelled_set(*arrays, targets, graph, path.string(), diagnostics);
  // Messages name the array as the user does.
  if (set && !labels.empty() && set->targets.size() > 0 && set->targets[0]) set->targets[0]->name = labels;
  if (set &&
      std::none_of(set->targets.begin(), set->targets.end(), [](const auto& t) { return t.has_value(); }))
    diagnostics.add({.kind = Kind::remark,
                     .message = "the data has no `y`, only " + names_text(*arrays) +
                                ": the program is compared with its reference alone",
                     .file = path.string(),
                     .help = "--labels names the array, or a .npy file, of what the output should be"});
  return set;
}

std::optional<Tensor> real_values(const NpyArray& array, const Type& input) {
  auto tensor = tensor_of(array);
  if (!tensor || tensor->type.dtype != input.dtype || !input.is_quantized()) return tensor;
  std::vector<float> real;
  const Quantization& numbers = *input.quantization;
  for (const double q : to_doubles(*tensor)) {
    const std::size_t c = index_along(input.shape, numbers.axis, real.size());
    real.push_back(static_cast<float>(q - numbers.zero_points[c]) * numbers.scales[c]);
  }
  return make_tensor<float>(DType::f32, array.shape, real);
}

Result<NamedArrays> inputs_for(const Graph& other, const LabelledSet& set, const Graph& graph,
                               const std::string& file, Diagnostics& diagnostics) {
  if (other.inputs.size() != graph.inputs.size())
    return diagnostics.add({.kind = Kind::input_mismatch,
                            .message = "the reference has " + count_text(other.inputs.size(), "input") +
                                       ", the model " + std::to_string(graph.inputs.size()),
                            .file = file});
  NamedArrays arrays;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const Value &mine = graph.at(graph.inputs[i]), &theirs = other.at(other.inputs[i]);
    NpyArray array = set.inputs[i].second;
    if (is_float(theirs.type.dtype))
      if (auto real = real_values(array, mine.type); real && real->type.dtype == DType::f32)
        array = npy_of(DType::f32, array.shape, std::move(real->data));
    if (theirs.type.shape != mine.type.shape) {
      if (without_ones(theirs.type.shape) != without_ones(mine.type.shape))
        return diagnostics.add({.kind = Kind::input_mismatch,
                                .message = "input `" + theirs.name + "` of the reference has shape " +
                                           shape_text(theirs.type.shape) + ", input `" + mine.name +
                                           "` of the model " + shape_text(mine.type.shape),
                                .file = file,
                                .help = "a reference takes the same data: export both from one model"});
      std::int64_t elements = 1;
      for (const std::int64_t n : array.shape) elements *= n;
      array.shape = theirs.type.shape;
      array.shape.insert(array.shape.begin(), elements / std::max<std::int64_t>(1, theirs.type.elements()));
    }
    arrays.emplace_back(theirs.name, std::move(array));
  }
  return arrays;
}

}  // namespace nb
