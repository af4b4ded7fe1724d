// Sums that tell how far values are from what they should be.
#pragma once
#include <cstddef>
#include <optional>
#include <span>

namespace nb {

/// Errors of values that come piece by piece, as far as sums without means tell.
class ErrorSums {
 public:
  void add(std::span<const float> found, std::span<const float> expected);  ///< both of one size
  [[nodiscard]] double rmse() const;                                        ///< 0 of nothing
  [[nodiscard]] std::optional<double> cos() const;
  /// 10 log10 of the power of `expected` over that of the error: infinite without an error, absent where
  /// `expected` is zero.
  [[nodiscard]] std::optional<double> signal_to_noise_db() const;

 private:
  std::size_t count_ = 0;
  double noise_ = 0, signal_ = 0, found_ = 0, product_ = 0;
};

}  // namespace nb
