#include "bench/samples.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "blocks/quantized.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

std::optional<DType> dtype_of(std::string_view descr) {
  const std::string_view kind = descr.substr(1);
  constexpr std::array<std::pair<std::string_view, DType>, 12> kRows = {{{"f2", DType::f16},
                                                                         {"f4", DType::f32},
                                                                         {"f8", DType::f64},
                                                                         {"i1", DType::i8},
                                                                         {"u1", DType::u8},
                                                                         {"i2", DType::i16},
                                                                         {"u2", DType::u16},
                                                                         {"i4", DType::i32},
                                                                         {"u4", DType::u32},
                                                                         {"i8", DType::i64},
                                                                         {"u8", DType::u64},
                                                                         {"b1", DType::boolean}}};
  for (const auto& [name, dtype] : kRows)
    if (name == kind) return dtype;
  return std::nullopt;
}

std::string descr_of(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return "<f2";
    case DType::f32:
      return "<f4";
    case DType::f64:
      return "<f8";
    case DType::bf16:
      return "<u2";
    case DType::i8:
      return "|i1";
    case DType::u8:
      return "|u1";
    case DType::i16:
      return "<i2";
    case DType::u16:
      return "<u2";
    case DType::i32:
      return "<i4";
    case DType::u32:
      return "<u4";
    case DType::i64:
      return "<i8";
    case DType::u64:
      return "<u8";
    case DType::boolean:
      return "|b1";
  }
  __builtin_unreachable();
}

/// How many samples an array of that shape holds for an input of `type`; 0 if it does not fit.
std::size_t sample_count(const Shape& shape, const Shape& input) {
  if (shape == input) return 1;
  if (shape.size() == input.size() + 1 && std::equal(input.begin(), input.end(), shape.begin() + 1))
    return static_cast<std::size_t>(shape[0]);
  if (!input.empty() && input[0] == 1 && shape.size() == input.size() &&
      std::equal(input.begin() + 1, input.end(), shape.begin() + 1))
    return static_cast<std::size_t>(shape[0]);
  if (!input.empty() && input[0] == 1 &&
      std::equal(input.begin() + 1, input.end(), shape.begin(), shape.end()))
    return 1;
  return 0;
}

/// "element 19 of sample 5": element i of all that `samples` samples hold together.
std::string place_text(std::size_t i, std::size_t samples, std::size_t elements) {
  const std::size_t size = elements / samples;
  return "element " + std::to_string(i % size) + " of sample " + std::to_string(i / size);
}

/// The array's elements as the input's dtype; an empty optional with `why` if values would be lost.
std::optional<Bytes> converted(const Tensor& from, const Type& to, std::size_t samples, std::string& why,
                               bool& is_quantizing) {
  if (from.type.dtype == to.dtype) return from.data;
  const std::vector<double> values = to_doubles(from);
  Bytes out(values.size() * static_cast<std::size_t>(dtype_bytes(to.dtype)));
  is_quantizing = is_float(from.type.dtype) && !is_float(to.dtype) && to.is_quantized();
  if (is_float(from.type.dtype) && !is_float(to.dtype) && !is_quantizing) {
    why = "holds " + std::string(dtype_name(from.type.dtype)) + " for an input of " + type_text(to) +
          " without a scale";
    return std::nullopt;
  }
  if (is_quantizing) {
    const auto odd = std::find_if(values.begin(), values.end(), [](double x) { return !std::isfinite(x); });
    if (odd != values.end()) {
      why = "holds " + float_text(static_cast<float>(*odd)) + " at " +
            place_text(static_cast<std::size_t>(odd - values.begin()), samples, values.size()) +
            ": there is none among the integers of an input of " + type_text(to);
      return std::nullopt;
    }
  }
  bool is_lossless = true;
  visit_dtype(to.dtype, [&](auto zero) {
    using T = decltype(zero);
    auto* data = reinterpret_cast<T*>(out.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (is_quantizing) {
        data[i] = static_cast<T>(quantize_value(to, static_cast<float>(values[i]), i));
      } else if (to.dtype == DType::boolean) {
        data[i] = static_cast<T>(values[i] != 0);
      } else if (std::is_floating_point_v<T>) {
        data[i] = static_cast<T>(values[i]);
      } else {
        const bool fits = values[i] >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
                          values[i] <= static_cast<double>(std::numeric_limits<T>::max());
        is_lossless = is_lossless && fits;
        data[i] = fits ? static_cast<T>(values[i]) : T{};
      }
    }
  });
  if (is_lossless) return out;
  why = "holds values that " + std::string(dtype_name(to.dtype)) + " cannot";
  return std::nullopt;
}

std::string numbers_text(const Quantization& q) {
  if (!q.is_per_axis())
    return "scale " + float_text(q.scales[0]) + " and zero point " + std::to_string(q.zero_points[0]);
  const auto [least, most] = std::minmax_element(q.scales.begin(), q.scales.end());
  return count_text(q.scales.size(), "scale") + " from " + float_text(*least) + " to " + float_text(*most) +
         ", each with its zero point, along axis " + std::to_string(q.axis);
}

}  // namespace

std::optional<Tensor> tensor_of(const NpyArray& array) {
  const auto dtype = dtype_of(array.descr);
  if (!dtype || !shape_fault(array.shape, *dtype).empty()) return std::nullopt;
  return Tensor{Type{*dtype, array.shape}, array.data};
}

NpyArray npy_of(DType dtype, Shape shape, Bytes data) {
  return {descr_of(dtype), std::move(shape), std::move(data)};
}

NamedArrays::const_iterator input_array(const NamedArrays& arrays, const Graph& graph, std::size_t index) {
  const std::string number = std::to_string(index);
  std::vector<std::string> names = {graph.at(graph.inputs[index]).name, "in" + number, "x" + number};
  // numpy.savez calls an array without a name arr_0.
  if (index == 0) names.insert(names.end(), {"x", "arr_0"});
  for (const std::string& name : names)
    for (auto found = arrays.begin(); found != arrays.end(); ++found)
      if (found->first == name) return found;
  return arrays.end();
}

Result<Samples> samples_of(const NamedArrays& arrays, const Graph& graph, const std::string& file,
                           Diagnostics& diagnostics) {
  const auto refuse = [&](Kind kind, std::string message, std::string help = {}) -> Failed {
    return diagnostics.add(
        {.kind = kind, .message = std::move(message), .file = file, .help = std::move(help)});
  };
  std::string why;
  std::vector<Bytes> data;
  std::vector<std::string> names;
  std::size_t count = 0;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const Value& input = graph.at(graph.inputs[i]);
    const auto found = input_array(arrays, graph, i);
    if (found == arrays.end()) {
      std::vector<std::string> given, wanted;
      for (const auto& pair : arrays) given.push_back(pair.first);
      for (std::size_t k = 0; k < graph.inputs.size(); ++k)
        wanted.push_back("`" + graph.at(graph.inputs[k]).name + "` or in" + std::to_string(k));
      return refuse(Kind::input_mismatch,
                    "no array for input `" + input.name + "`: there are " + printable(join(given, ", ")),
                    "name the arrays " + join(wanted, "; "));
    }
    const auto tensor = tensor_of(found->second);
    if (!tensor)
      return refuse(Kind::input_mismatch,
                    "array `" + printable(found->first) + "` has a dtype or shape beyond the limits");
    const Shape& shape = tensor->type.shape;
    if (!shape.empty() && shape[0] == 0 && input.type.elements() > 0)
      return refuse(
          Kind::input_mismatch,
          "array `" + printable(found->first) + "` of shape " + shape_text(shape) + " has no samples",
          "its first axis is that of samples, and has to have some");
    const std::size_t samples = sample_count(shape, input.type.shape);
    if (samples == 0)
      return refuse(Kind::input_mismatch,
                    "array `" + printable(found->first) + "` has shape " + shape_text(shape) + ", input `" +
                        input.name + "` is " + type_text(input.type),
                    "give " + shape_text(input.type.shape) + ", or one more leading axis of samples");
    if (i > 0 && samples != count)
      return refuse(Kind::input_mismatch, "the inputs have " + std::to_string(count) + " and " +
                                              std::to_string(samples) + " samples");
    count = samples;
    bool is_quantizing = false;
    auto bytes = converted(*tensor, input.type, samples, why, is_quantizing);
    if (!bytes)
      return refuse(
          Kind::input_mismatch, "array `" + printable(found->first) + "` " + why,
          is_quantizing ? "give finite numbers: what stands for a missing value is the model's to say" : "");
    names.push_back(found->first);
    if (is_quantizing)
      diagnostics.add({.kind = Kind::input_quantized,
                       .message = "array `" + printable(found->first) + "` is " +
                                  std::string(dtype_name(tensor->type.dtype)) + ": quantized with " +
                                  numbers_text(*input.type.quantization)});
    data.push_back(std::move(*bytes));
  }
  Samples out{count, {}, {{0, file, std::move(names)}}};
  for (std::size_t n = 0; n < count; ++n)
    for (const Bytes& bytes : data)
      out.bytes.insert(out.bytes.end(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / count * n),
                       bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / count * (n + 1)));
  return out;
}

namespace {

/// The .npy files of a folder, one after the other, or its pictures.
Result<Samples> samples_of_folder(const fs::path& folder, const Graph& graph, const PixelNumbers& pixels,
                                  Diagnostics& diagnostics) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (to_lower(entry.path().extension().string()) == ".npy") files.push_back(entry.path());
  const std::vector<fs::path> pictures = pictures_in(folder);
  if (error || files.empty() == pictures.empty())
    return diagnostics.add(
        {.kind = Kind::input_mismatch,
         .message = "the folder `" + printable(folder.string()) + "` " +
                    (error           ? "cannot be read: " + error.message()
                     : files.empty() ? "has no .npy files and no pictures"
                                     : "has " + count_text(files.size(), ".npy file") + " and " +
                                           count_text(pictures.size(), "picture")),
         .file = folder.string(),
         .help = error || files.empty()
                     ? ""
                     : "samples are all .npy files or all pictures: keep others elsewhere"});
  if (!pictures.empty()) {
    auto reader = PictureReader::make(graph, pixels, folder, diagnostics);
    if (!reader) return kFailed;
    return reader->read_all(pictures, diagnostics);
  }
  std::sort(files.begin(), files.end());
  Samples all;
  for (const fs::path& file : files) {
    auto samples = read_samples(file, graph, pixels, diagnostics);
    if (!samples) return kFailed;
    for (SampleSource& source : samples->sources) {
      source.first += all.count;
      all.sources.push_back(std::move(source));
    }
    all.count += samples->count;
    all.bytes.insert(all.bytes.end(), samples->bytes.begin(), samples->bytes.end());
  }
  return all;
}

}  // namespace

Result<Samples> read_samples(const fs::path& path, const Graph& graph, const PixelNumbers& pixels,
                             Diagnostics& diagnostics) {
  if (std::error_code ignored; fs::is_directory(path, ignored))
    return samples_of_folder(path, graph, pixels, diagnostics);
  if (is_picture(path) && !graph.inputs.empty()) {
    auto reader = PictureReader::make(graph, pixels, path, diagnostics);
    if (!reader) return kFailed;
    return reader->read_all({path}, diagnostics);
  }
  const auto refuse = [&](Kind kind, std::string message, std::string help = {}) -> Failed {
    return diagnostics.add(
        {.kind = kind, .message = std::move(message), .file = path.string(), .help = std::move(help)});
  };
  const FileRead file = read_file(path);
  if (file.bytes && graph.inputs.empty()) {
    diagnostics.add({.kind = Kind::remark, .message = "the model has no inputs: --input is left aside"});
    return Samples{1, {}};
  }
  if (!file.bytes)
    return refuse(Kind::file_unreadable, "input file `" + printable(path.string()) + "`: " + file.why_not);
  std::size_t sample_bytes = 0;
  for (const ValueId id : graph.inputs)
    sample_bytes += static_cast<std::size_t>(graph.at(id).type.size_bytes());

  const std::string extension = to_lower(path.extension().string());
  NamedArrays arrays;
  std::string why;
  if (extension == ".npz") {
    auto found = parse_npz(*file.bytes, why);
    if (!found) return refuse(Kind::input_mismatch, "the file " + why);
    arrays = std::move(*found);
  } else if (extension == ".npy") {
    auto found = parse_npy(*file.bytes, why);
    if (!found) return refuse(Kind::input_mismatch, "the file " + why);
    if (graph.inputs.size() != 1)
      return refuse(Kind::input_mismatch, "one array for " + count_text(graph.inputs.size(), "input"),
                    "give an .npz with in0, in1, ...");
    arrays.emplace_back(graph.at(graph.inputs[0]).name, std::move(*found));
  } else if (extension == ".bin") {
    if (sample_bytes == 0 || file.bytes->size() % sample_bytes != 0 || file.bytes->empty())
      return refuse(Kind::input_mismatch, std::to_string(file.bytes->size()) +
                                              " bytes are not a multiple of a sample's " +
                                              std::to_string(sample_bytes));
    return Samples{file.bytes->size() / sample_bytes, *file.bytes, {{0, path.string(), {}}}};
  } else {
    return refuse(Kind::usage, "`" + printable(path.string()) + "` is not .npz, .npy, .bin or a picture",
                  "save the inputs with numpy.savez");
  }

  return samples_of(arrays, graph, path.string(), diagnostics);
}

Samples pattern_sample(const Graph& graph) {
  Samples out{1, {}};
  for (const ValueId id : graph.inputs) {
    Tensor tensor = make_tensor(graph.at(id).type);
    visit_dtype(tensor.type.dtype, [&](auto zero) {
      using T = decltype(zero);
      std::size_t i = 0;
      for (T& value : tensor.as<T>()) {
        const int byte = static_cast<std::int8_t>(i++ * 37 + 11);
        if constexpr (std::is_floating_point_v<T>)
          value = static_cast<T>(byte) / 128;
        else if (sizeof(T) == 1 && tensor.type.dtype != DType::boolean)
          value = static_cast<T>(byte);
        else
          value = static_cast<T>(i % 2);
      }
    });
    out.bytes.insert(out.bytes.end(), tensor.data.begin(), tensor.data.end());
  }
  return out;
}

std::vector<Tensor> output_tensors(const Graph& graph, const Samples& outputs) {
  std::vector<Tensor> tensors;
  std::size_t offset = 0;
  for (const ValueId id : graph.public_outputs()) {
    Type type = graph.at(id).type;
    const auto size = static_cast<std::size_t>(type.size_bytes());
    if (outputs.count != 1) {
      type.shape.insert(type.shape.begin(), static_cast<std::int64_t>(outputs.count));
      if (type.quantization && type.quantization->is_per_axis()) ++type.quantization->axis;
    }
    Tensor tensor{std::move(type), {}};
    for (std::size_t n = 0; n < outputs.count; ++n) {
      const ByteSpan part = outputs.sample(n).subspan(offset, size);
      tensor.data.insert(tensor.data.end(), part.begin(), part.end());
    }
    offset += size;
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

std::vector<NpyArray> output_arrays(const Graph& graph, const Samples& outputs, bool dequantize) {
  std::vector<NpyArray> arrays;
  for (Tensor& tensor : output_tensors(graph, outputs)) {
    if (dequantize && tensor.type.is_quantized() && !is_float(tensor.type.dtype)) {
      const std::vector<double> reals = to_reals(tensor);
      tensor =
          make_tensor<float>(DType::f32, tensor.type.shape, std::vector<float>(reals.begin(), reals.end()));
    }
    arrays.push_back(npy_of(tensor.type.dtype, tensor.type.shape, std::move(tensor.data)));
  }
  return arrays;
}

Result<std::vector<std::string>> write_outputs(const fs::path& folder, const Graph& graph,
                                               const Samples& outputs, bool dequantize,
                                               Diagnostics& diagnostics) {
  std::vector<std::string> files;
  for (const NpyArray& array : output_arrays(graph, outputs, dequantize)) {
    std::string why_not;
    const fs::path path = folder / ("out" + std::to_string(files.size()) + ".npy");
    if (!write_file(path, npy_bytes(array), why_not))
      return diagnostics.add(
          {.kind = Kind::file_unwritable, .message = "`" + path.string() + "`: " + why_not});
    files.push_back(path.string());
  }
  return files;
}

}  // namespace nb
