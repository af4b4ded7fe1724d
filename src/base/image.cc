#include "base/image.h"

#include <algorithm>
#include <cmath>
#include <csignal>

#include "base/process.h"
#include "base/text.h"

namespace nb {
namespace {

/// Of nblocks-image.
constexpr std::uint64_t kMemoryBytes = std::uint64_t{1} << 30, kMaxCpuSeconds = 20;

/// Which of a line's elements make one result, and their weights.
struct Weights {
  std::size_t first = 0;
  std::vector<float> of;
};

std::vector<Weights> triangles(std::int64_t from, std::int64_t to) {
  std::vector<Weights> all;
  const double step = static_cast<double>(from) / static_cast<double>(to), reach = std::max(step, 1.0);
  for (std::int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * step;
    const auto first = static_cast<std::int64_t>(std::max(0.0, std::floor(center - reach + 0.5)));
    const auto end =
        static_cast<std::int64_t>(std::min(static_cast<double>(from), std::floor(center + reach + 0.5)));
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t k = first; k < end; ++k) {
      weights.push_back(std::max(0.0, 1 - std::fabs((static_cast<double>(k) + 0.5 - center) / reach)));
      sum += weights.back();
    }
    Weights one{static_cast<std::size_t>(first), {}};
    for (const double weight : weights) one.of.push_back(static_cast<float>(weight / sum));
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

ImageRead decode_image(ByteSpan file, int channels) {
  using End = ImageRead::End;
  const auto ended = [](End end, std::string why) { return ImageRead{end, {}, std::move(why)}; };
  const auto program = find_companion("NBLOCKS_IMAGE", {"nblocks-image", "../lib/nblocks/nblocks-image",
                                                        "../nblocks-image", "../libexec/nblocks-image"});
  if (program.empty())
    return ended(End::no_decoder, "nblocks-image, which decodes pictures, is not beside nblocks");
  const std::size_t most = static_cast<std::size_t>(kMostPixels * channels) + 3 * sizeof(std::uint32_t);
  const ProcessBounds bounds{.output_bytes = most,
                             .memory_bytes = kMemoryBytes + 2 * file.size(),
                             .cpu_seconds = kMaxCpuSeconds,
                             .input = file};
  const auto end =
      run_process({program.string(), std::to_string(channels)}, {}, 2.0 * kMaxCpuSeconds, bounds);
  if (!end) return ended(End::no_decoder, "`" + program.string() + "` cannot be started");
  if (end->is_interrupted) return ended(End::interrupted, "interrupted");
  const std::string no_image = "is no picture that can be read (PNG, JPEG, BMP, binary PPM or PGM)";
  if (end->exit_code == kExitNoImage)
    return ended(End::no_image, no_image + ": " + printable(trim(end->err)));
  if (end->timed_out || end->signal == SIGXCPU || end->signal == SIGKILL)
    return ended(End::no_image, "takes too long to decode");
  if (end->signal != 0) return ended(End::no_image, no_image + ": it is broken");
  const ByteSpan out = as_byte_span(end->out);
  if (end->exit_code != 0 || out.size() < 3 * sizeof(std::uint32_t) ||
      load<std::uint32_t>(out, 0) != kImageMagic)
    return ended(End::no_image, no_image + ": the decoder ended with code " + std::to_string(end->exit_code));
  Image image{load<std::uint32_t>(out, 4), load<std::uint32_t>(out, 8), channels, {}};
  const ByteSpan pixels = out.subspan(3 * sizeof(std::uint32_t));
  if (image.height < 1 || image.width < 1 || image.height * image.width > kMostPixels ||
      pixels.size() != static_cast<std::size_t>(image.height * image.width * image.channels))
    return ended(End::no_image, no_image + ": it is broken");
  image.pixels.assign(pixels.begin(), pixels.end());
  return {End::done, std::move(image), {}};
}

std::vector<float> resized(const Image& image, std::int64_t height, std::int64_t width) {
  const std::vector<Weights> columns = triangles(image.width, width), rows = triangles(image.height, height);
  const auto channels = static_cast<std::size_t>(image.channels), line = columns.size() * channels;
  std::vector<float> narrow(static_cast<std::size_t>(image.height) * line), out(rows.size() * line);
  for (std::size_t r = 0; r < static_cast<std::size_t>(image.height); ++r)
    for (std::size_t c = 0; c < columns.size(); ++c)
      for (std::size_t k = 0; k < columns[c].of.size(); ++k) {
        const std::size_t at = (r * static_cast<std::size_t>(image.width) + columns[c].first + k) * channels;
        for (std::size_t d = 0; d < channels; ++d)
          narrow[r * line + c * channels + d] += columns[c].of[k] * static_cast<float>(image.pixels[at + d]);
      }
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t k = 0; k < rows[r].of.size(); ++k)
      for (std::size_t i = 0; i < line; ++i)
        out[r * line + i] += rows[r].of[k] * narrow[(rows[r].first + k) * line + i];
  return out;
}

}  // namespace nb
