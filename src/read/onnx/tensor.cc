#include "read/onnx/tensor.h"

#include <charconv>

#include "base/file.h"
#include "base/text.h"
#include "read/onnx/schema.h"

namespace nb::onnx {
namespace {

Fault invalid(std::string message) { return {Kind::invalid_model, std::move(message)}; }

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Checked<ByteSpan> external_bytes(const TensorProto& proto, ExternalFiles& files) {
  std::string_view location;
  std::optional<std::uint64_t> offset = 0, length;
  for (const auto& [key, value] : proto.external) {
    if (key == "location") location = value;
    if (key == "offset" && !(offset = number(value))) return invalid("its external offset is not a number");
    if (key == "length" && !(length = number(value))) return invalid("its external length is not a number");
  }
  auto file = files.bytes(location);
  if (!file) return file.fault();
  if (!length) length = file->size() - std::min<std::uint64_t>(*offset, file->size());
  if (!holds(*file, *offset, *length))
    return invalid("its external data, " + std::to_string(*length) + " bytes at " + std::to_string(*offset) +
                   ", is not inside `" + printable(location) + "` of " + std::to_string(file->size()) +
                   " bytes");
  return file->subspan(static_cast<std::size_t>(*offset), static_cast<std::size_t>(*length));
}

Bytes unpack_nibbles(ByteSpan packed, std::size_t count, bool is_signed) {
  Bytes out(count);
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned nibble = (std::to_integer<unsigned>(packed[i / 2]) >> (i % 2 * 4)) & 0xf;
    out[i] = static_cast<std::byte>(is_signed && nibble > 7 ? nibble | 0xf0 : nibble);
  }
  return out;
}

}  // namespace

std::string element_type_name(std::int64_t element_type) {
  const std::string_view name =
      find_name(kTensorProto_DataTypeNames, static_cast<std::int32_t>(element_type));
  return name.empty() ? "type " + std::to_string(element_type) : std::string(name);
}

std::optional<DType> dtype_of(std::int64_t element_type) {
  using enum TensorProto_DataType;
  switch (static_cast<TensorProto_DataType>(element_type)) {
    case FLOAT:
      return DType::f32;
    case DOUBLE:
      return DType::f64;
    case FLOAT16:
      return DType::f16;
    case BFLOAT16:
      return DType::bf16;
    case INT8:
    case INT4:
      return DType::i8;
    case UINT8:
    case UINT4:
      return DType::u8;
    case INT16:
      return DType::i16;
    case UINT16:
      return DType::u16;
    case INT32:
      return DType::i32;
    case UINT32:
      return DType::u32;
    case INT64:
      return DType::i64;
    case UINT64:
      return DType::u64;
    case BOOL:
      return DType::boolean;
    default:
      return std::nullopt;
  }
}

bool is_nibble(std::int64_t element_type) {
  const auto type = static_cast<TensorProto_DataType>(element_type);
  return type == TensorProto_DataType::INT4 || type == TensorProto_DataType::UINT4;
}

Checked<ByteSpan> ExternalFiles::bytes(std::string_view location) {
  if (const auto found = files_.find(location); found != files_.end()) return ByteSpan(*found->second);
  const std::filesystem::path relative(location);
  bool is_inside = !location.empty() && relative.is_relative() && location.find('\0') == location.npos;
  for (const auto& part : relative) is_inside = is_inside && part != "..";
  if (!is_inside)
    return invalid("its external data lies at `" + printable(location) +
                   "`, which is not a relative path inside the model's folder");
  std::error_code error;
  const auto root = std::filesystem::weakly_canonical(folder_.empty() ? "." : folder_, error);
  const auto full = std::filesystem::weakly_canonical(root / relative, error);
  const auto back = full.lexically_relative(root);
  if (error || back.empty() || *back.begin() == "..")
    return invalid("its external data `" + printable(location) + "` leads out of the model's folder");
  FileRead read = read_file(full);
  if (!read.bytes)
    return Fault{Kind::file_unreadable, "its external data `" + printable(location) + "`: " + read.why_not,
                 "keep the file beside the model"};
  total_bytes_ += read.bytes->size();
  auto& kept = files_[std::string(location)];
  kept = std::make_unique<Bytes>(std::move(*read.bytes));
  return ByteSpan(*kept);
}

Checked<Tensor> read_tensor(const TensorProto& proto, ExternalFiles& files) {
  const auto dtype = dtype_of(proto.data_type);
  if (!dtype)
    return Fault{Kind::unsupported_feature, "has elements of type " + element_type_name(proto.data_type)};
  if (const std::string fault = shape_fault(proto.dims, *dtype); !fault.empty())
    return Fault{Kind::limit_exceeded, fault};
  const auto count = static_cast<std::size_t>(element_count(proto.dims));
  const bool is_packed = is_nibble(proto.data_type);
  const std::size_t stored_bytes =
      is_packed ? (count + 1) / 2 : count * static_cast<std::size_t>(dtype_bytes(*dtype));

  Tensor tensor{{*dtype, proto.dims}, {}};
  ByteSpan raw = proto.raw;
  bool has_raw = proto.has_raw;
  if (proto.is_external) {
    auto bytes = external_bytes(proto, files);
    if (!bytes) return bytes.fault();
    raw = *bytes;
    has_raw = true;
  }
  if (has_raw && !(raw.empty() && stored_bytes != 0)) {
    if (raw.size() != stored_bytes)
      return invalid("has " + std::to_string(raw.size()) + " bytes of data for " + type_text(tensor.type));
    tensor.data = is_packed ? unpack_nibbles(raw, count, *dtype == DType::i8) : Bytes(raw.begin(), raw.end());
  } else {
    const std::size_t wanted = is_packed ? stored_bytes : count;
    const auto elements = typed_elements(proto, wanted);
    if (!elements || elements->size() != wanted)
      return invalid("does not have the " + count_text(wanted, "element") + " of " + type_text(tensor.type));
    Bytes packed(stored_bytes);
    const std::size_t width = is_packed ? 1 : static_cast<std::size_t>(dtype_bytes(*dtype));
    for (std::size_t i = 0; i < wanted; ++i) std::memcpy(packed.data() + i * width, &(*elements)[i], width);
    tensor.data = is_packed ? unpack_nibbles(packed, count, *dtype == DType::i8) : std::move(packed);
  }
  if (*dtype == DType::boolean)
    for (std::byte& element : tensor.data) element = std::byte{element != std::byte{0}};
  return computed_dtype(*dtype) == *dtype ? std::move(tensor) : converted(tensor, DType::f32);
}

}  // namespace nb::onnx
