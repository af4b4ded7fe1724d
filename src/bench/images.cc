#include "bench/images.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/file.h"
#include "base/image.h"
#include "base/text.h"
#include "bench/samples.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;  // of all samples

bool parse_number(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

std::string list_text(const std::vector<float>& values) {
  std::vector<std::string> words;
  for (const float value : values) words.push_back(float_text(value));
  return join(words, ",");
}

/// Two numbers with a slash, or one.
bool parse_scale(std::string_view text, PixelNumbers& numbers) {
  const std::size_t slash = text.find('/');
  double numerator = 0, denominator = 1;
  if (!parse_number(text.substr(0, slash), numerator)) return false;
  if (slash != std::string_view::npos && !parse_number(text.substr(slash + 1), denominator)) return false;
  if (!(numerator > 0) || !(denominator > 0) || !(255 * numerator / denominator < 1e30)) return false;
  numbers.numerator = numerator;
  numbers.denominator = denominator;
  return true;
}

}  // namespace

Result<PixelNumbers> pixel_numbers(std::string_view scale, const std::vector<float>& mean,
                                   const std::vector<float>& deviation, Diagnostics& diagnostics) {
  PixelNumbers pixels{.mean = mean, .deviation = deviation};
  pixels.is_given = !scale.empty() || !mean.empty() || !deviation.empty();
  if (!scale.empty() && !parse_scale(scale, pixels))
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--image-scale `" + printable(scale) +
                                       "` is not a number above 0, nor two with a slash between them",
                            .help = "as in --image-scale 1/255, or --image-scale 1 for 0 to 255"});
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(mean.begin(), mean.end(), is_finite))
    return diagnostics.add({.kind = Kind::usage, .message = "--image-mean is not finite"});
  for (const float value : deviation)
    if (!is_finite(value) || !(value > 0))
      return diagnostics.add(
          {.kind = Kind::usage, .message = "--image-std is " + float_text(value) + ", not above 0"});
  return pixels;
}

bool is_picture(const fs::path& path) {
  static constexpr std::array<std::string_view, 6> kEndings = {".png", ".jpg", ".jpeg",
                                                               ".bmp", ".ppm", ".pgm"};
  return std::find(kEndings.begin(), kEndings.end(), to_lower(path.extension().string())) != kEndings.end();
}

std::vector<fs::path> pictures_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && at != end; at.increment(error))
    if (std::error_code ignored; is_picture(at->path()) && at->is_regular_file(ignored))
      files.push_back(at->path());
  std::sort(files.begin(), files.end());
  return files;
}

Result<PictureReader> PictureReader::make(const Graph& graph, const PixelNumbers& numbers,
                                          const fs::path& from, Diagnostics& diagnostics) {
  const auto refuse = [&](Kind kind, std::string message, std::string help = {}) -> Failed {
    return diagnostics.add(
        {.kind = kind, .message = std::move(message), .file = from.string(), .help = std::move(help)});
  };
  if (graph.inputs.size() != 1)
    return refuse(Kind::input_mismatch,
                  "pictures are for models of one input, this one has " + std::to_string(graph.inputs.size()),
                  "give an .npz with in0, in1, ...");
  PictureReader reader(graph, numbers, from.string());
  const Value& input = graph.at(graph.inputs[0]);
  const std::string what = "input `" + input.name + "` " + type_text(input.type);
  Shape shape = input.type.shape;
  if (shape.size() == 4 && shape[0] == 1) shape.erase(shape.begin());
  if (shape.size() == 2) shape.push_back(1);
  const auto is_channels = [](std::int64_t n) { return n == 1 || n == 3; };
  const bool is_first = shape.size() == 3 && is_channels(shape[0]),
             is_last = shape.size() == 3 && is_channels(shape[2]);
  if (is_first == is_last || input.type.elements() == 0)
    return refuse(Kind::input_mismatch,
                  what + (is_first ? " may have its channels first or last" : " does not take a picture"),
                  is_first
                      ? "give the samples as .npy"
                      : "an input of pictures is [height,width,channels] or [channels,height,width] with "
                        "1 or 3 channels and a leading 1 or none; give other data as .npy");
  reader.has_channels_first_ = is_first;
  if (is_first) std::rotate(shape.begin(), shape.begin() + 1, shape.end());
  reader.height_ = shape[0], reader.width_ = shape[1], reader.channels_ = shape[2];
  for (const auto& [name, values] : {std::pair{"mean", &numbers.mean}, std::pair{"std", &numbers.deviation}})
    if (values->size() > 1 && values->size() != static_cast<std::size_t>(reader.channels_))
      return refuse(Kind::usage, "--image-" + std::string(name) + " has " + std::to_string(values->size()) +
                                     " values for the " + count_text(reader.channels_, "channel") + " of " +
                                     what);
  const bool is_byte = input.type.dtype == DType::i8 || input.type.dtype == DType::u8;
  reader.is_raw_ =
      is_byte && (!input.type.is_quantized() || !(numbers.is_given || numbers.is_of_calibration));
  if (!is_byte && input.type.dtype != DType::f32 && !input.type.is_quantized())
    return refuse(Kind::input_mismatch, what + " does not take a picture: float, int8 or uint8 would");
  if (reader.is_raw_ && numbers.is_given)
    return refuse(Kind::usage, what + " has no scale: it takes pixels as they are",
                  "leave out --image-scale, --image-mean and --image-std");
  return reader;
}

Result<NpyArray> PictureReader::read(const fs::path& file, Diagnostics& diagnostics) {
  const auto refuse = [&](Kind kind, const std::string& message) -> Failed {
    return diagnostics.add({.kind = kind,
                            .message = "`" + printable(file.filename().string()) + "` " + message,
                            .file = file.string()});
  };
  const FileRead bytes = read_file(file, kMostImageBytes);
  if (!bytes.bytes) return refuse(Kind::file_unreadable, "cannot be read: " + bytes.why_not);
  const ImageRead decoded = decode_image(*bytes.bytes, static_cast<int>(channels_));
  if (decoded.end == ImageRead::End::interrupted)
    return diagnostics.add({.kind = Kind::interrupted, .message = "interrupted"});
  if (decoded.end == ImageRead::End::no_decoder)
    return diagnostics.add({.kind = Kind::tool_missing,
                            .message = decoded.why_not,
                            .help = "build nblocks again (./build.sh), or give the samples as .npy"});
  if (decoded.end != ImageRead::End::done) return refuse(Kind::input_mismatch, decoded.why_not);
  const Image& image = decoded.image;
  const auto pixels = static_cast<std::size_t>(height_ * width_),
             channels = static_cast<std::size_t>(channels_);
  std::vector<float> values;
  if (image.height == height_ && image.width == width_) {
    for (const std::byte pixel : image.pixels) values.push_back(static_cast<float>(pixel));
  } else {
    values = resized(image, height_, width_);
    ++stretched_;
  }
  const auto of_channel = [&](const std::vector<float>& all, std::size_t c, float otherwise) {
    return all.empty() ? otherwise : all[all.size() == 1 ? 0 : c];
  };
  std::vector<float> numbers(values.size());
  Bytes raw(values.size());
  for (std::size_t c = 0; c < channels; ++c) {
    const float mean = of_channel(numbers_.mean, c, 0), deviation = of_channel(numbers_.deviation, c, 1);
    for (std::size_t i = 0; i < pixels; ++i) {
      const float value = values[i * channels + c];
      const std::size_t to = has_channels_first_ ? c * pixels + i : i * channels + c;
      const auto scaled =
          static_cast<float>(static_cast<double>(value) * numbers_.numerator / numbers_.denominator);
      numbers[to] = (scaled - mean) / deviation;
      const auto whole = static_cast<int>(std::clamp(std::nearbyint(value), 0.0f, 255.0f));
      raw[to] = static_cast<std::byte>(type().dtype == DType::i8 ? whole - 128 : whole);
    }
  }
  return is_raw_ ? npy_of(type().dtype, type().shape, std::move(raw))
                 : npy_of(DType::f32, type().shape, to_bytes(numbers));
}

Status PictureReader::check_count(const std::vector<fs::path>& files, Diagnostics& diagnostics) const {
  const auto each = static_cast<std::uint64_t>(type().elements()) * (is_raw_ ? 1 : sizeof(float));
  if (files.size() <= kMostBytes / std::max<std::uint64_t>(each, 1)) return {};
  return diagnostics.add({.kind = Kind::input_mismatch,
                          .message = count_text(files.size(), "picture") + " are more than " +
                                     grouped(static_cast<std::int64_t>(kMostBytes)) + " bytes for " +
                                     type_text(type()),
                          .file = from_,
                          .help = "some hundreds are enough"});
}

void PictureReader::tell(std::size_t count, Diagnostics& diagnostics) const {
  std::string message = count_text(count, "picture");
  if (stretched_ > 0)
    message += (stretched_ == count ? std::string() : ", " + std::to_string(stretched_) + " of them") +
               " stretched to " + std::to_string(width_) + " x " + std::to_string(height_);
  if (is_raw_) {
    message += type().dtype == DType::i8 ? ": pixels less 128" : ": pixels as they are";
  } else {
    message += ": pixels times " + float_text(static_cast<float>(numbers_.numerator)) +
               (numbers_.denominator == 1 ? "" : "/" + float_text(static_cast<float>(numbers_.denominator)));
    if (!numbers_.mean.empty()) message += ", less " + list_text(numbers_.mean);
    if (!numbers_.deviation.empty()) message += ", over " + list_text(numbers_.deviation);
  }
  diagnostics.add({.kind = Kind::remark,
                   .message = message,
                   .file = from_,
                   .help = numbers_.is_given || is_raw_
                               ? ""
                               : "--image-scale, --image-mean and --image-std: as the model was trained"});
}

Result<Samples> PictureReader::read_all(const std::vector<fs::path>& files, Diagnostics& diagnostics) {
  if (!check_count(files, diagnostics)) return kFailed;
  Samples all;
  for (const fs::path& file : files) {
    auto array = read(file, diagnostics);
    if (!array) return kFailed;
    Diagnostics said;  // that a picture was quantized, for each
    const NamedArrays named = {{graph_->at(graph_->inputs[0]).name, std::move(*array)}};
    const auto sample = samples_of(named, *graph_, file.string(), said);
    if (!sample) {
      for (const Diagnostic& diagnostic : said.all()) diagnostics.add(diagnostic);
      return kFailed;
    }
    all.sources.push_back({all.count, file.string(), {}});
    ++all.count;
    all.bytes.insert(all.bytes.end(), sample->bytes.begin(), sample->bytes.end());
  }
  tell(files.size(), diagnostics);
  return all;
}

Result<NpyArray> PictureReader::read_array(const std::vector<fs::path>& files, Diagnostics& diagnostics) {
  if (!check_count(files, diagnostics)) return kFailed;
  NpyArray all;
  for (const fs::path& file : files) {
    auto array = read(file, diagnostics);
    if (!array) return kFailed;
    if (all.shape.empty()) {
      all = std::move(*array);
      all.shape.insert(all.shape.begin(), static_cast<std::int64_t>(files.size()));
    } else {
      all.data.insert(all.data.end(), array->data.begin(), array->data.end());
    }
  }
  tell(files.size(), diagnostics);
  return all;
}

}  // namespace nb
