// Tensors as views of storages: transposed, expanded, and those that reach beyond.
#include <doctest/doctest.h>

#include <limits>

#include "read/torch/storage.h"

namespace nb::torch {
namespace {

constexpr std::int64_t kLarge = std::numeric_limits<std::int64_t>::max();

Bytes counted(std::int32_t count) {
  std::vector<std::int32_t> values;
  for (std::int32_t i = 0; i < count; ++i) values.push_back(i);
  return to_bytes(values);
}

std::vector<std::int64_t> elements(const Bytes& storage, const StridedView& view) {
  std::string why_not;
  std::int64_t budget = 1 << 20;
  const auto tensor = contiguous(storage, view, budget, why_not);
  REQUIRE_MESSAGE(tensor.has_value(), why_not);
  CHECK(tensor->type.shape == view.sizes);
  CHECK(budget == (1 << 20) - tensor->type.size_bytes());
  return to_ints(*tensor);
}

void refused(const StridedView& view, std::string_view what, std::int64_t budget = 1 << 20) {
  std::string why_not;
  CHECK_FALSE(contiguous(counted(12), view, budget, why_not).has_value());
  INFO(why_not);
  CHECK(why_not.find(what) != std::string::npos);
}

TEST_CASE("views are gathered in row-major order") {
  using List = std::vector<std::int64_t>;
  const Bytes storage = counted(12);
  CHECK(elements(storage, {DType::i32, {2, 3}, {3, 1}, 4}) == List{4, 5, 6, 7, 8, 9});
  CHECK(elements(storage, {DType::i32, {3, 2}, {1, 3}, 0}) == List{0, 3, 1, 4, 2, 5});
  CHECK(elements(storage, {DType::i32, {2, 2, 3}, {1, 6, 2}, 0}) ==
        List{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11});
  CHECK(elements(storage, {DType::i32, {2, 3}, {0, 1}, 9}) == List{9, 10, 11, 9, 10, 11});
  CHECK(elements(storage, {DType::i32, {}, {}, 11}) == List{11});
  CHECK(elements(storage, {DType::i32, {1, 12}, {kLarge, 1}, 0}).size() == 12);
  CHECK(elements(storage, {DType::i32, {2, 1, 3}, {6, kLarge, 2}, 1}) == List{1, 3, 5, 7, 9, 11});
  CHECK(elements(storage, {DType::i32, {3, 0}, {kLarge, kLarge}, kLarge}).empty());
  CHECK(elements(storage, {DType::boolean, {3}, {4}, 0}) == List{0, 1, 1});
  CHECK(elements(storage, {DType::i64, {2}, {5}, 0}) ==
        List{std::int64_t{1} << 32, 10 | std::int64_t{11} << 32});
  CHECK(elements(storage, {DType::i16, {3}, {2}, 2}) == List{1, 2, 3});
}

TEST_CASE("views that reach beyond their storage, or take too much, are refused") {
  refused({DType::i32, {13}, {1}, 0}, "beyond its storage of 12 elements");
  refused({DType::i32, {12}, {1}, 1}, "beyond its storage");
  refused({DType::i32, {1}, {1}, 12}, "beyond its storage");
  refused({DType::i32, {2}, {kLarge}, 0}, "beyond its storage");
  refused({DType::i32, {3}, {kLarge}, 0}, "beyond its storage");
  refused({DType::i32, {1}, {1}, kLarge}, "beyond its storage");
  refused({DType::i32, {2, 2}, {kLarge, kLarge}, kLarge}, "beyond its storage");
  refused({DType::i64, {7}, {1}, 0}, "beyond its storage of 6 elements");
  refused({DType::i32, {2}, {-1}, 5}, "negative");
  refused({DType::i32, {-2}, {1}, 5}, "negative");
  refused({DType::i32, {2}, {1}, -5}, "negative");
  refused({DType::i32, {2, 2}, {1}, 0}, "2 sizes and 1 strides");
  refused({DType::i32, {1 << 20, 1 << 20}, {0, 0}, 0}, "limits");
  refused({DType::i32, {1 << 18, 1 << 18, 1 << 18}, {0, 0, 0}, 0}, "limits");
  refused({DType::i32, {1 << 19}, {0}, 0}, "together");
}

TEST_CASE("PyTorch's numbers of dtypes") {
  for (const std::int64_t number : {0, 1, 2, 3, 4, 5, 6, 7, 11, 15, 27, 28, 29}) {
    const auto dtype = dtype_of_scalar_type(number);
    REQUIRE(dtype.has_value());
    CHECK(scalar_type_of(*dtype) == number);
  }
  for (const std::int64_t number : {-1, 8, 9, 10, 12, 13, 14, 30})
    CHECK_FALSE(dtype_of_scalar_type(number).has_value());
}

}  // namespace
}  // namespace nb::torch
