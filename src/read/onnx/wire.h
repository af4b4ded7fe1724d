// The protobuf wire format: fields in a byte string, every length checked before it is used.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace nb::onnx {

/// How a field's value is written.
enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// One field: `value` of the scalar types, `bytes` of the length-delimited one (a view into the message).
struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::varint;
  std::uint64_t value = 0;
  ByteSpan bytes = {};

  [[nodiscard]] std::int64_t as_int() const { return static_cast<std::int64_t>(value); }
  [[nodiscard]] float as_float() const {
    const auto bits = static_cast<std::uint32_t>(value);
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
  }
  [[nodiscard]] std::string_view as_text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

/// Walks the fields of one message. Never reads outside it; ends at the first fault.
class WireReader {
 public:
  explicit WireReader(ByteSpan message) : message_(message) {}

  /// The next field; false at the end or at a fault.
  [[nodiscard]] bool next(WireField& field) {
    if (at_ == message_.size() || is_faulty_) return false;
    std::uint64_t key = 0;
    if (!varint(key) || key > 0xffffffffu || (key >> 3) == 0) return fault();
    field.number = static_cast<std::uint32_t>(key >> 3);
    field.type = static_cast<WireType>(key & 7);
    field.bytes = {};
    field.value = 0;
    switch (field.type) {
      case WireType::varint:
        return varint(field.value) || fault();
      case WireType::fixed64:
        return fixed<std::uint64_t>(field.value) || fault();
      case WireType::fixed32:
        return fixed<std::uint32_t>(field.value) || fault();
      case WireType::bytes: {
        std::uint64_t size = 0;
        if (!varint(size) || !holds(message_, at_, size)) return fault();
        field.bytes = message_.subspan(at_, static_cast<std::size_t>(size));
        at_ += static_cast<std::size_t>(size);
        return true;
      }
    }
    return fault();  // groups (3, 4) are obsolete; 6 and 7 do not exist
  }

  /// One varint without a key, as packed repeated fields hold them; false at the end or at a fault.
  [[nodiscard]] bool next_packed(std::uint64_t& value) {
    if (at_ == message_.size() || is_faulty_) return false;
    return varint(value) || fault();
  }

  [[nodiscard]] bool is_faulty() const { return is_faulty_; }

 private:
  bool fault() {
    is_faulty_ = true;
    return false;
  }

  bool varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < message_.size(); shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(message_[at_++]);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  template <class T>
  bool fixed(std::uint64_t& value) {
    if (!holds(message_, at_, sizeof(T))) return false;
    value = load<T>(message_, at_);
    at_ += sizeof(T);
    return true;
  }

  ByteSpan message_;
  std::size_t at_ = 0;
  bool is_faulty_ = false;
};

}  // namespace nb::onnx
