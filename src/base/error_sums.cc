#include "base/error_sums.h"

#include <cmath>

namespace nb {

void ErrorSums::add(std::span<const float> found, std::span<const float> expected) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double f = found[i], y = expected[i];
    noise_ += (f - y) * (f - y);
    signal_ += y * y;
    found_ += f * f;
    product_ += f * y;
  }
  count_ += found.size();
}

double ErrorSums::rmse() const { return count_ == 0 ? 0 : std::sqrt(noise_ / static_cast<double>(count_)); }

std::optional<double> ErrorSums::cos() const {
  if (found_ == 0 || signal_ == 0) return std::nullopt;
  return noise_ == 0 ? 1 : product_ / (std::sqrt(found_) * std::sqrt(signal_));
}

std::optional<double> ErrorSums::signal_to_noise_db() const {
  if (signal_ == 0) return std::nullopt;
  return 10 * std::log10(signal_ / noise_);
}

}  // namespace nb
