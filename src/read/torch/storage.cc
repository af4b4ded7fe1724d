#include "read/torch/storage.h"

#include <algorithm>
#include <array>

namespace nb::torch {
namespace {

struct ScalarTypeRow {
  std::int64_t number;
  DType dtype;
};
constexpr std::array<ScalarTypeRow, 13> kScalarTypes = {{{0, DType::u8},
                                                         {1, DType::i8},
                                                         {2, DType::i16},
                                                         {3, DType::i32},
                                                         {4, DType::i64},
                                                         {5, DType::f16},
                                                         {6, DType::f32},
                                                         {7, DType::f64},
                                                         {11, DType::boolean},
                                                         {15, DType::bf16},
                                                         {27, DType::u16},
                                                         {28, DType::u32},
                                                         {29, DType::u64}}};

/// One past the largest index that the view reaches; absent on overflow. The view has elements.
std::optional<std::int64_t> end_index(const StridedView& view) {
  std::int64_t last = view.offset;
  for (std::size_t i = 0; i < view.sizes.size(); ++i) {
    std::int64_t span = 0;
    if (__builtin_mul_overflow(view.sizes[i] - 1, view.strides[i], &span) ||
        __builtin_add_overflow(last, span, &last))
      return std::nullopt;
  }
  std::int64_t end = 0;
  if (__builtin_add_overflow(last, std::int64_t{1}, &end)) return std::nullopt;
  return end;
}

bool is_dense(const StridedView& view) {
  std::int64_t step = 1;
  for (std::size_t i = view.sizes.size(); i-- > 0;) {
    if (view.sizes[i] != 1 && view.strides[i] != step) return false;
    step *= view.sizes[i];
  }
  return true;
}

/// The innermost dimension in one loop, those outside it as an odometer. All indexes were checked.
template <std::size_t kBytes>
void gather(const std::byte* from, const StridedView& view, std::byte* to) {
  const std::size_t rank = view.sizes.size();
  const std::int64_t row = rank == 0 ? 1 : view.sizes[rank - 1],
                     step = rank == 0 ? 0 : view.strides[rank - 1];
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < rank; ++i) rows *= view.sizes[i];
  std::vector<std::int64_t> at(rank, 0);
  std::int64_t begin = view.offset;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < row; ++i, to += kBytes)
      std::memcpy(to, from + static_cast<std::size_t>(begin + i * step) * kBytes, kBytes);
    for (std::size_t axis = rank - 1; rank > 1 && axis-- > 0;) {
      if (at[axis] + 1 < view.sizes[axis]) {
        begin += view.strides[axis];
        ++at[axis];
        break;
      }
      begin -= view.strides[axis] * at[axis];
      at[axis] = 0;
    }
  }
}

}  // namespace

std::optional<Tensor> contiguous(ByteSpan storage, const StridedView& view, std::int64_t& budget_bytes,
                                 std::string& why_not) {
  const auto fail = [&](std::string why) {
    why_not = std::move(why);
    return std::nullopt;
  };
  if (view.sizes.size() != view.strides.size())
    return fail("has " + std::to_string(view.sizes.size()) + " sizes and " +
                std::to_string(view.strides.size()) + " strides");
  const auto is_negative = [](std::int64_t n) { return n < 0; };
  if (view.offset < 0 || std::any_of(view.sizes.begin(), view.sizes.end(), is_negative) ||
      std::any_of(view.strides.begin(), view.strides.end(), is_negative))
    return fail("has a negative size, stride or offset");
  if (const std::string fault = shape_fault(view.sizes, view.dtype); !fault.empty())
    return fail("has a shape beyond the limits: " + fault);
  Type type{view.dtype, view.sizes};
  const std::int64_t elements = type.elements(), item_bytes = dtype_bytes(view.dtype);
  if (elements == 0) return make_tensor(std::move(type));
  const auto end = end_index(view);
  if (!end || static_cast<std::uint64_t>(*end) > storage.size() / static_cast<std::uint64_t>(item_bytes))
    return fail("reaches beyond its storage of " +
                std::to_string(storage.size() / static_cast<std::size_t>(item_bytes)) + " elements");
  const std::int64_t bytes = elements * item_bytes;
  if (bytes > budget_bytes)
    return fail("needs " + std::to_string(bytes) +
                " bytes, more than tensors of a file of this size may take together");
  budget_bytes -= bytes;
  Tensor tensor{std::move(type), {}};
  if (is_dense(view)) {
    const auto first = storage.begin() + view.offset * item_bytes;
    tensor.data.assign(first, first + bytes);
  } else {
    tensor.data.resize(static_cast<std::size_t>(bytes));
    switch (item_bytes) {
      case 1:
        gather<1>(storage.data(), view, tensor.data.data());
        break;
      case 2:
        gather<2>(storage.data(), view, tensor.data.data());
        break;
      case 4:
        gather<4>(storage.data(), view, tensor.data.data());
        break;
      default:
        gather<8>(storage.data(), view, tensor.data.data());
    }
  }
  if (view.dtype == DType::boolean)
    for (std::byte& value : tensor.data) value = value == std::byte{0} ? std::byte{0} : std::byte{1};
  return tensor;
}

std::optional<DType> dtype_of_scalar_type(std::int64_t number) {
  for (const ScalarTypeRow& row : kScalarTypes)
    if (row.number == number) return row.dtype;
  return std::nullopt;
}

std::int64_t scalar_type_of(DType dtype) {
  for (const ScalarTypeRow& row : kScalarTypes)
    if (row.dtype == dtype) return row.number;
  return -1;
}

}  // namespace nb::torch
