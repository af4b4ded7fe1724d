// ONNX tensors as ours.
#pragma once
#include "graph/block.h"
#include "read/dtypes.h"
#include "read/onnx/proto.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace nb::onnx {
using namespace read;

/// Our dtype of an ONNX element type as the file stores it; int4 and uint4 are i8 and u8. Absent: a type that
/// cannot be compiled (strings, complex numbers, 2-, 4-, 6- and 8-bit floats).
[[nodiscard]] std::optional<DType> dtype_of(std::int64_t element_type);
/// "FLOAT8E4M3FN", or "type 99".
[[nodiscard]] std::string element_type_name(std::int64_t element_type);
/// Whether the element type is one of the 4-bit integers, two of which share a byte.
[[nodiscard]] bool is_nibble(std::int64_t element_type);

/// Where initializers may lie beside the model: files in its folder, read once each.
class ExternalFiles {
 public:
  explicit ExternalFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// The bytes of `location`, which must be a relative path that stays inside the folder.
  [[nodiscard]] Checked<ByteSpan> bytes(std::string_view location);
  [[nodiscard]] std::size_t total_bytes() const { return total_bytes_; }

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::unique_ptr<Bytes>, std::less<>> files_;
  std::size_t total_bytes_ = 0;
};

/// The tensor with its elements; float16, bfloat16 and double become f32, int4 and uint4 become i8 and u8.
[[nodiscard]] Checked<Tensor> read_tensor(const TensorProto& proto, ExternalFiles& files);

}  // namespace nb::onnx
