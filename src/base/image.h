// Pictures: files to pixels, and pixels to another size.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace nb {

/// Pixels of 8 bits, row by row, channels last.
struct Image {
  std::int64_t height = 0, width = 0, channels = 0;
  Bytes pixels;
};

/// What is not decoded: a picture that says to be larger, or a longer file.
inline constexpr std::int64_t kMostPixels = std::int64_t{1} << 25;
inline constexpr std::size_t kMostImageBytes = std::size_t{1} << 28;

/// What nblocks-image writes: three 32-bit words, the magic, height and width; then the pixels. Or it ends
/// with this code, and says why on its standard error.
inline constexpr std::uint32_t kImageMagic = 0x696d626e;
inline constexpr int kExitNoImage = 3;

/// How decoding ended.
struct ImageRead {
  enum class End : std::uint8_t { done, no_image, no_decoder, interrupted } end = End::no_image;
  Image image = {};
  std::string why_not = {};  ///< a sentence fragment behind the file's name
};
/// A PNG, JPEG, BMP or binary PPM or PGM file as grey (1 channel: 0.30 R + 0.59 G + 0.11 B) or RGB (3), by
/// nblocks-image, a process of its own with limits. Transparency is left out, 16 bits become their upper 8.
[[nodiscard]] ImageRead decode_image(ByteSpan file, int channels);

/// The picture stretched to another size: each result is the mean of the pixels weighted by a triangle that
/// reaches as far as the steps of the result, or of the pixels, are apart, whichever is more (bilinear, as
/// Pillow and torchvision's antialias do). Row by row, channels last, 0 to 255.
[[nodiscard]] std::vector<float> resized(const Image& image, std::int64_t height, std::int64_t width);

}  // namespace nb
