// Which line of the model's own Python a line of TorchScript's code comes from, as the archive's .debug_pkl
// tells.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace nb::torch::script {

/// Of one file of code. Places are for messages only: what cannot be read is left out.
class Origins {
 public:
  /// `debug` is the content of the .debug_pkl, `code` the text that its offsets count in.
  Origins(ByteSpan debug, std::string_view code);

  /// "model.py:21 in forward", of traced code the innermost place outside PyTorch; empty if not known.
  [[nodiscard]] std::string at(std::uint32_t line) const;

 private:
  std::map<std::uint32_t, std::string> lines_;
};

}  // namespace nb::torch::script
