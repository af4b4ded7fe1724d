// What a value is: its dtype, its shape, and how its integers stand for real numbers.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace nb {

enum class DType : std::uint8_t { f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64, boolean };

[[nodiscard]] std::string_view dtype_name(DType dtype);  ///< "f32", "i8", "bool", ...
[[nodiscard]] std::optional<DType> find_dtype(std::string_view name);
[[nodiscard]] std::string_view dtype_c_name(DType dtype);  ///< "float", "int8_t", ...; bool is "uint8_t"
[[nodiscard]] std::int64_t dtype_bytes(DType dtype);
[[nodiscard]] bool is_float(DType dtype);
[[nodiscard]] bool is_integer(DType dtype);  ///< not bool

/// Known, non-negative dimensions, outermost first. A scalar has none.
using Shape = std::vector<std::int64_t>;

[[nodiscard]] std::int64_t element_count(std::span<const std::int64_t> shape);
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);  ///< "[1,49,10,1]"

/// The dimensions that are not 1.
[[nodiscard]] Shape without_ones(std::span<const std::int64_t> shape);

/// The order of axes that undoes `perm`.
[[nodiscard]] std::vector<std::int64_t> inverse_perm(std::span<const std::int64_t> perm);

/// real = scale * (integer - zero_point); one scale, or one an index along `axis`.
struct Quantization {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;  ///< as many as scales
  int axis = -1;                          ///< -1: one scale for the whole tensor
  [[nodiscard]] bool is_per_axis() const { return axis >= 0; }
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

struct Type {
  DType dtype = DType::f32;
  Shape shape;
  std::optional<Quantization> quantization = {};
  [[nodiscard]] std::int64_t elements() const { return element_count(shape); }
  [[nodiscard]] std::int64_t size_bytes() const { return elements() * dtype_bytes(dtype); }
  [[nodiscard]] int rank() const { return static_cast<int>(shape.size()); }
  [[nodiscard]] float scale() const { return quantization->scales[0]; }
  [[nodiscard]] std::int32_t zero_point() const { return quantization->zero_points[0]; }
  [[nodiscard]] bool is_quantized() const { return quantization.has_value(); }
  friend bool operator==(const Type&, const Type&) = default;
};

/// "i8[1,49,10,1]" without quantization.
[[nodiscard]] std::string type_text(const Type& type);

/// Dimensions, and all tensors, stay below these (diagnostic limit-exceeded).
inline constexpr int kMaxRank = 8;
inline constexpr float kMaxScale = 1e30f;  ///< of quantization: beyond it floats end before integers do
inline constexpr std::int64_t kMaxTensorBytes = (std::int64_t{1} << 31) - 1;
/// Why the shape breaks a limit, empty if it does not.
[[nodiscard]] std::string shape_fault(std::span<const std::int64_t> shape, DType dtype);

/// Why the type's quantization has no meaning, empty if it has one or the type has none: its scales are
/// positive and finite, one or one an index of the axis; its zero points are as many, in the range of the
/// dtype.
[[nodiscard]] std::string quantization_fault(const Type& type);

/// A type and its elements in row-major order, little-endian.
struct Tensor {
  Type type;
  Bytes data;
  template <class T>
  [[nodiscard]] std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }
  template <class T>
  [[nodiscard]] std::span<T> as() {
    return {reinterpret_cast<T*>(data.data()), data.size() / sizeof(T)};
  }
};

/// A zero-filled tensor.
[[nodiscard]] Tensor make_tensor(Type type);
template <class T>
[[nodiscard]] Tensor make_tensor(DType dtype, Shape shape, std::span<const T> values) {
  return {Type{dtype, std::move(shape)}, to_bytes(values)};
}

/// The elements as int64 (floats truncated and saturated, NaN as 0) or as double.
[[nodiscard]] std::vector<std::int64_t> to_ints(const Tensor& tensor);
[[nodiscard]] std::vector<double> to_doubles(const Tensor& tensor);
/// As double; integers that have scales as the real numbers that they stand for, in the precision of f32.
[[nodiscard]] std::vector<double> to_reals(const Tensor& tensor);

/// Calls f with a value of the C++ type of the dtype (bool: uint8_t; f16 and bf16: uint16_t).
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::f16:
    case DType::bf16:
    case DType::u16:
      return f(std::uint16_t{});
    case DType::i8:
      return f(std::int8_t{});
    case DType::boolean:
    case DType::u8:
      return f(std::uint8_t{});
    case DType::i16:
      return f(std::int16_t{});
    case DType::i32:
      return f(std::int32_t{});
    case DType::u32:
      return f(std::uint32_t{});
    case DType::i64:
      return f(std::int64_t{});
    case DType::u64:
      return f(std::uint64_t{});
  }
  __builtin_unreachable();
}

}  // namespace nb
