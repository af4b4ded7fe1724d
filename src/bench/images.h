// Pictures as samples of a model's input.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/npy.h"
#include "base/samples.h"
#include "graph/graph.h"

namespace nb {

/// What a float input holds of a pixel p from 0 to 255: (p * scale - mean) / std, in float32 as NumPy and
/// PyTorch compute it.
struct PixelNumbers {
  double numerator = 1, denominator = 255;       ///< the scale
  std::vector<float> mean = {}, deviation = {};  ///< one a channel, or one for all; empty: 0 and 1
  bool is_given = false;                         ///< by the user
  /// The model was quantized on such numbers. Otherwise int8 and uint8 inputs that have a scale take pixels
  /// as they are, unless these were given.
  bool is_of_calibration = false;
};

/// What was asked for: a scale ("1/255" or "0.0039"), means and deviations, each empty if not given. Errors:
/// usage.
[[nodiscard]] Result<PixelNumbers> pixel_numbers(std::string_view scale, const std::vector<float>& mean,
                                                 const std::vector<float>& deviation,
                                                 Diagnostics& diagnostics);

/// Whether a file's name ends as that of a picture: .png, .jpg, .jpeg, .bmp, .ppm, .pgm.
[[nodiscard]] bool is_picture(const std::filesystem::path& path);

/// The pictures in a folder and in those below, in the order of their names.
[[nodiscard]] std::vector<std::filesystem::path> pictures_in(const std::filesystem::path& folder);

/// Reads pictures for the graph's one input: [height, width, channels] or [channels, height, width], with 1
/// or 3 channels and a leading 1 or none, or [height, width]. A picture of another size is stretched to it
/// (base/image.h). Float inputs hold `numbers`, integers with a scale stand for them; but int8 and uint8 hold
/// the pixels (less 128 for int8) where they have no scale, or where nobody asked for numbers. Errors, each
/// at its file: input-mismatch, file-unreadable, usage.
class PictureReader {
 public:
  /// Reports if the input takes no pictures. The graph outlives the reader.
  [[nodiscard]] static Result<PictureReader> make(const Graph& graph, const PixelNumbers& numbers,
                                                  const std::filesystem::path& from,
                                                  Diagnostics& diagnostics);

  /// One sample, an array of the input's shape.
  [[nodiscard]] Result<NpyArray> read(const std::filesystem::path& file, Diagnostics& diagnostics);
  /// All of them. Remarks say how many were stretched and which numbers the pixels became.
  [[nodiscard]] Result<Samples> read_all(const std::vector<std::filesystem::path>& files,
                                         Diagnostics& diagnostics);
  /// The same as one array, first axis the sample.
  [[nodiscard]] Result<NpyArray> read_array(const std::vector<std::filesystem::path>& files,
                                            Diagnostics& diagnostics);

 private:
  PictureReader(const Graph& graph, PixelNumbers numbers, std::string from)
      : graph_(&graph), numbers_(std::move(numbers)), from_(std::move(from)) {}
  [[nodiscard]] const Type& type() const { return graph_->at(graph_->inputs[0]).type; }
  [[nodiscard]] Status check_count(const std::vector<std::filesystem::path>& files,
                                   Diagnostics& diagnostics) const;
  void tell(std::size_t count, Diagnostics& diagnostics) const;

  const Graph* graph_;
  PixelNumbers numbers_;
  std::string from_;  ///< what the user named
  std::int64_t height_ = 0, width_ = 0, channels_ = 0;
  bool has_channels_first_ = false;
  bool is_raw_ = false;  ///< pixels as they are
  std::size_t stretched_ = 0;
};

}  // namespace nb
