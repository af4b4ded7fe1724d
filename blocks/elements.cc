#include "blocks/elements.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace nb {
namespace {

template <class T>
T at(const std::byte* data, std::int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}
template <class T>
void set(std::byte* data, std::int64_t i, T value) {
  std::memcpy(data + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

/// Truncation that saturates; NaN is 0.
template <class T>
T truncated(double value) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(value)) return 0;
  if (value <= static_cast<double>(Limits::min())) return Limits::min();
  if (value >= static_cast<double>(Limits::max())) return Limits::max();
  return static_cast<T>(value);
}

template <class T>
constexpr ElementAccess number_access() {
  ElementAccess a{};
  a.get = [](const std::byte* d, std::int64_t i) { return static_cast<double>(at<T>(d, i)); };
  if constexpr (std::is_floating_point_v<T>) {
    a.get_int = [](const std::byte* d, std::int64_t i) {
      return Wide{truncated<std::int64_t>(static_cast<double>(at<T>(d, i)))};
    };
    a.put = [](std::byte* d, std::int64_t i, double v) { set(d, i, static_cast<T>(v)); };
    a.put_int = [](std::byte* d, std::int64_t i, Wide v) { set(d, i, static_cast<T>(v)); };
  } else {
    a.get_int = [](const std::byte* d, std::int64_t i) { return static_cast<Wide>(at<T>(d, i)); };
    a.put = [](std::byte* d, std::int64_t i, double v) { set(d, i, truncated<T>(v)); };
    a.put_int = [](std::byte* d, std::int64_t i, Wide v) { set(d, i, static_cast<T>(v)); };
  }
  return a;
}

constexpr ElementAccess half_access() {
  ElementAccess a{};
  a.get = [](const std::byte* d, std::int64_t i) {
    return static_cast<double>(half_to_float(at<std::uint16_t>(d, i)));
  };
  a.get_int = [](const std::byte* d, std::int64_t i) {
    return Wide{truncated<std::int64_t>(static_cast<double>(half_to_float(at<std::uint16_t>(d, i))))};
  };
  a.put = [](std::byte* d, std::int64_t i, double v) { set(d, i, float_to_half(static_cast<float>(v))); };
  a.put_int = [](std::byte* d, std::int64_t i, Wide v) { set(d, i, float_to_half(static_cast<float>(v))); };
  return a;
}

/// Nearest bfloat16, ties to even.
std::uint16_t to_bfloat16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

constexpr ElementAccess bfloat_access() {
  ElementAccess a{};
  a.get = [](const std::byte* d, std::int64_t i) {
    return static_cast<double>(bfloat16_to_float(at<std::uint16_t>(d, i)));
  };
  a.get_int = [](const std::byte* d, std::int64_t i) {
    return Wide{truncated<std::int64_t>(static_cast<double>(bfloat16_to_float(at<std::uint16_t>(d, i))))};
  };
  a.put = [](std::byte* d, std::int64_t i, double v) { set(d, i, to_bfloat16(static_cast<float>(v))); };
  a.put_int = [](std::byte* d, std::int64_t i, Wide v) { set(d, i, to_bfloat16(static_cast<float>(v))); };
  return a;
}

constexpr ElementAccess bool_access() {
  ElementAccess a = number_access<std::uint8_t>();
  a.put = [](std::byte* d, std::int64_t i, double v) { set(d, i, std::uint8_t{v != 0}); };
  a.put_int = [](std::byte* d, std::int64_t i, Wide v) { set(d, i, std::uint8_t{v != 0}); };
  return a;
}

}  // namespace

const ElementAccess& element_access(DType dtype) {
  // In the order of DType.
  static constexpr std::array<ElementAccess, 13> kAccess = {number_access<float>(),
                                                            number_access<double>(),
                                                            half_access(),
                                                            bfloat_access(),
                                                            number_access<std::int8_t>(),
                                                            number_access<std::uint8_t>(),
                                                            number_access<std::int16_t>(),
                                                            number_access<std::uint16_t>(),
                                                            number_access<std::int32_t>(),
                                                            number_access<std::uint32_t>(),
                                                            number_access<std::int64_t>(),
                                                            number_access<std::uint64_t>(),
                                                            bool_access()};
  return kAccess[static_cast<std::size_t>(dtype)];
}

void Elements::copy(std::int64_t i, const Elements& from, std::int64_t j) const {
  const auto size = static_cast<std::size_t>(dtype_bytes(dtype));
  std::memcpy(data + i * static_cast<std::int64_t>(size), from.data + j * static_cast<std::int64_t>(size),
              size);
}

Checked<Shape> broadcast(std::initializer_list<const Type*> types) {
  std::size_t rank = 0;
  for (const Type* type : types) rank = std::max(rank, type->shape.size());
  Shape shape(rank, 1);
  for (const Type* type : types)
    for (std::size_t i = 0; i < type->shape.size(); ++i) {
      std::int64_t& dim = shape[rank - type->shape.size() + i];
      const std::int64_t mine = type->shape[i];
      if (dim == mine || mine == 1) continue;
      if (dim != 1) {
        std::string text;
        for (const Type* each : types) text += (text.empty() ? "" : " and ") + shape_text(each->shape);
        return Fault{Kind::shape_mismatch, text + " do not broadcast",
                     "aligned at the last axis, two dimensions must be equal or one of them 1"};
      }
      dim = mine;
    }
  return shape;
}

Shape row_major(std::span<const std::int64_t> shape) {
  Shape strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

Shape broadcast_strides(std::span<const std::int64_t> shape, std::span<const std::int64_t> to) {
  Shape strides(to.size(), 0);
  const Shape own = row_major(shape);
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1) strides[to.size() - shape.size() + i] = own[i];
  return strides;
}

std::vector<LoopAxis> loop_nest(std::span<const std::int64_t> shape, std::initializer_list<Shape> strides) {
  std::vector<LoopAxis> nest;
  const std::vector<std::int64_t> still(strides.size(), 0);
  if (element_count(shape) == 0) return {{0, still}};
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    LoopAxis axis{shape[i], {}};
    for (const Shape& s : strides) axis.step.push_back(s[i]);
    bool merges = !nest.empty();
    for (std::size_t t = 0; merges && t < axis.step.size(); ++t)
      merges = nest.back().step[t] == axis.step[t] * axis.size;
    if (merges) axis.size *= nest.back().size, nest.pop_back();
    nest.push_back(std::move(axis));
  }
  if (nest.empty()) nest.push_back({1, still});
  return nest;
}

std::string list_text(std::span<const std::int64_t> values) {
  std::string text = "{";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(values[i]);
  return text + "}";
}

std::string loop_text(const std::vector<LoopAxis>& nest) {
  std::string text = "{";
  for (const LoopAxis& axis : nest) {
    text += (text.size() == 1 ? "{" : ", {") + std::to_string(axis.size);
    for (const std::int64_t step : axis.step) text += ", " + std::to_string(step);
    text += "}";
  }
  return text + "}";
}

void each_index(std::span<const std::int64_t> shape, std::initializer_list<Shape> strides,
                const std::function<void(std::span<const std::int64_t>)>& f) {
  if (element_count(shape) == 0) return;
  std::vector<std::int64_t> index(shape.size(), 0), offset(strides.size(), 0);
  for (;;) {
    f(offset);
    std::size_t k = shape.size();
    while (k > 0) {
      --k;
      const bool more = ++index[k] < shape[k];
      std::size_t t = 0;
      for (const Shape& s : strides) offset[t++] += more ? s[k] : -s[k] * (shape[k] - 1);
      if (more) break;
      index[k] = 0;
      if (k == 0) return;
    }
    if (shape.empty()) return;
  }
}

bool same_numbers(const Type& a, const Type& b) {
  return a.dtype == b.dtype && a.quantization == b.quantization;
}

bool is_quantized_int(const Type& type) {
  return is_integer(type.dtype) && type.is_quantized() && !type.quantization->is_per_axis() &&
         dtype_bytes(type.dtype) <= 2;
}

Checked<std::int64_t> checked_axis(std::int64_t axis, int rank) {
  const std::int64_t positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank)
    return Fault{Kind::attribute_out_of_range,
                 "axis " + std::to_string(axis) + " of a tensor of rank " + std::to_string(rank)};
  return positive;
}

AxisSplit split_at(std::span<const std::int64_t> shape, std::int64_t axis) {
  const auto i = static_cast<std::size_t>(axis);
  return {element_count(shape.first(i)), shape[i], element_count(shape.subspan(i + 1))};
}

std::string bytes_literal(DType dtype) { return std::to_string(dtype_bytes(dtype)); }

}  // namespace nb
