#include "read/dtypes.h"

#include <cmath>
#include <limits>

namespace nb::read {
namespace {

/// The number nearest to x that a To can hold; 0 for NaN.
template <class To>
To saturated(double x) {
  if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(x);
  } else {
    // The highest int64 is no double; the one above it is.
    const double low = static_cast<double>(std::numeric_limits<To>::lowest()),
                 end = std::exp2(std::numeric_limits<To>::digits);
    if (x >= end) return std::numeric_limits<To>::max();
    return x >= low ? static_cast<To>(x) : x < low ? std::numeric_limits<To>::lowest() : To{0};
  }
}

}  // namespace

DType computed_dtype(DType dtype) { return is_float(dtype) ? DType::f32 : dtype; }

Tensor converted(const Tensor& tensor, DType to) {
  Tensor out = make_tensor({to, tensor.type.shape});
  visit_dtype(to, [&](auto zero) {
    using To = decltype(zero);
    const auto y = out.as<To>();
    if (is_float(tensor.type.dtype)) {
      const auto x = to_doubles(tensor);
      for (std::size_t i = 0; i < x.size(); ++i)
        y[i] = to == DType::boolean ? x[i] != 0 : saturated<To>(x[i]);
    } else {
      const auto x = to_ints(tensor);
      for (std::size_t i = 0; i < x.size(); ++i)
        y[i] = to == DType::boolean ? x[i] != 0 : static_cast<To>(x[i]);
    }
  });
  return out;
}

}  // namespace nb::read
