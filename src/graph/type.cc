#include "graph/type.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace nb {
namespace {

struct DTypeRow {
  std::string_view name, c_name;
  std::int64_t bytes;
};
constexpr std::array<DTypeRow, 13> kDTypes = {{{"f32", "float", 4},
                                               {"f64", "double", 8},
                                               {"f16", "uint16_t", 2},
                                               {"bf16", "uint16_t", 2},
                                               {"i8", "int8_t", 1},
                                               {"u8", "uint8_t", 1},
                                               {"i16", "int16_t", 2},
                                               {"u16", "uint16_t", 2},
                                               {"i32", "int32_t", 4},
                                               {"u32", "uint32_t", 4},
                                               {"i64", "int64_t", 8},
                                               {"u64", "uint64_t", 8},
                                               {"bool", "uint8_t", 1}}};

const DTypeRow& row(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::string_view dtype_name(DType dtype) { return row(dtype).name; }
std::string_view dtype_c_name(DType dtype) { return row(dtype).c_name; }
std::int64_t dtype_bytes(DType dtype) { return row(dtype).bytes; }

std::optional<DType> find_dtype(std::string_view name) {
  for (std::size_t i = 0; i < kDTypes.size(); ++i)
    if (kDTypes[i].name == name) return static_cast<DType>(i);
  return std::nullopt;
}

bool is_float(DType dtype) { return dtype <= DType::bf16; }
bool is_integer(DType dtype) { return dtype >= DType::i8 && dtype <= DType::u64; }

std::int64_t element_count(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t dim : shape) count *= dim;
  return count;
}

Shape without_ones(std::span<const std::int64_t> shape) {
  Shape kept(shape.begin(), shape.end());
  std::erase(kept, 1);
  return kept;
}

std::vector<std::int64_t> inverse_perm(std::span<const std::int64_t> perm) {
  std::vector<std::int64_t> out(perm.size());
  for (std::size_t i = 0; i < perm.size(); ++i)
    out[static_cast<std::size_t>(perm[i])] = static_cast<std::int64_t>(i);
  return out;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  const std::size_t shown = std::min<std::size_t>(shape.size(), 2 * kMaxRank);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ",") + std::to_string(shape[i]);
  return text + (shown < shape.size() ? ",... of rank " + std::to_string(shape.size()) : "") + "]";
}

std::string type_text(const Type& type) {
  return std::string(dtype_name(type.dtype)) + shape_text(type.shape);
}

std::string shape_fault(std::span<const std::int64_t> shape, DType dtype) {
  if (shape.size() > static_cast<std::size_t>(kMaxRank))
    return "rank " + std::to_string(shape.size()) + " exceeds " + std::to_string(kMaxRank);
  std::int64_t size_bytes = dtype_bytes(dtype);
  for (const std::int64_t dim : shape) {
    if (dim < 0) return "dimension " + std::to_string(dim) + " is negative";
    if (__builtin_mul_overflow(size_bytes, dim == 0 ? 1 : dim, &size_bytes) || size_bytes > kMaxTensorBytes)
      return shape_text(shape) + " needs more than 2 GiB";
  }
  return {};
}

std::string quantization_fault(const Type& type) {
  if (!type.quantization) return {};
  const Quantization& q = *type.quantization;
  const bool fits = q.is_per_axis() ? q.axis < type.rank() && static_cast<std::int64_t>(q.scales.size()) ==
                                                                  type.shape[static_cast<std::size_t>(q.axis)]
                                    : q.scales.size() == 1;
  if (!fits || q.zero_points.size() != q.scales.size()) return "has scales that do not match its shape";
  for (const float scale : q.scales)
    if (!(scale > 0) || scale > kMaxScale) return "has the scale " + float_text(scale);
  if (!is_integer(type.dtype)) return {};
  // An axis may be far from 0, as sensor readings are: integers less their zero point stay within 25 bits.
  constexpr std::int32_t kMostZeroPoint = 1 << 23;
  const bool is_signed = type.dtype == DType::i8 || type.dtype == DType::i16 || type.dtype == DType::i32 ||
                         type.dtype == DType::i64;
  const auto bits = static_cast<int>(8 * dtype_bytes(type.dtype));
  const double low = is_signed ? -std::exp2(bits - 1) : 0, high = std::exp2(is_signed ? bits - 1 : bits) - 1;
  for (const std::int32_t zero : q.zero_points)
    if (q.is_per_axis() && type.dtype != DType::i32 ? zero < -kMostZeroPoint || zero > kMostZeroPoint
                                                    : zero < low || zero > high)
      return "has the zero point " + std::to_string(zero) + ", beyond " + std::string(dtype_name(type.dtype));
  return {};
}

Tensor make_tensor(Type type) {
  Tensor tensor{std::move(type), {}};
  tensor.data.resize(static_cast<std::size_t>(tensor.type.size_bytes()));
  return tensor;
}

std::vector<std::int64_t> to_ints(const Tensor& tensor) {
  std::vector<std::int64_t> out;
  if (is_float(tensor.type.dtype)) {
    constexpr double kLimit = 9223372036854774784.0;  // the largest double below 2^63
    for (const double value : to_doubles(tensor))
      out.push_back(std::isnan(value) ? 0 : static_cast<std::int64_t>(std::clamp(value, -kLimit, kLimit)));
    return out;
  }
  visit_dtype(tensor.type.dtype, [&](auto zero) {
    for (const auto value : tensor.as<decltype(zero)>()) out.push_back(static_cast<std::int64_t>(value));
  });
  return out;
}

std::vector<double> to_doubles(const Tensor& tensor) {
  std::vector<double> out;
  const DType dtype = tensor.type.dtype;
  visit_dtype(dtype, [&](auto zero) {
    for (const auto value : tensor.as<decltype(zero)>()) {
      if (dtype == DType::f16)
        out.push_back(half_to_float(static_cast<std::uint16_t>(value)));
      else if (dtype == DType::bf16)
        out.push_back(bfloat16_to_float(static_cast<std::uint16_t>(value)));
      else
        out.push_back(static_cast<double>(value));
    }
  });
  return out;
}

std::vector<double> to_reals(const Tensor& tensor) {
  std::vector<double> reals = to_doubles(tensor);
  const Type& type = tensor.type;
  if (!type.is_quantized() || is_float(type.dtype)) return reals;
  const Quantization& q = *type.quantization;
  const std::size_t inner = q.is_per_axis()
                                ? static_cast<std::size_t>(element_count(
                                      std::span(type.shape).subspan(static_cast<std::size_t>(q.axis) + 1)))
                                : reals.size();
  for (std::size_t i = 0; i < reals.size(); ++i) {
    const std::size_t c = i / inner % q.scales.size();
    reals[i] = static_cast<float>((reals[i] - q.zero_points[c]) * static_cast<double>(q.scales[c]));
  }
  return reals;
}

}  // namespace nb
