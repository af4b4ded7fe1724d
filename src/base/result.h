// Whether something worked. What went wrong stands in the Diagnostics that the callee was given.
#pragma once
#include <optional>
#include <utility>

namespace nb {

/// The value of a function that reported why it failed.
struct Failed {};
inline constexpr Failed kFailed{};

/// A T, or nothing after a diagnostic was reported.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Failed) {}                              // NOLINT(google-explicit-constructor)
  [[nodiscard]] explicit operator bool() const { return value_.has_value(); }
  [[nodiscard]] bool is_ok() const { return value_.has_value(); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
};

/// Success or failure without a value.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Failed) : ok_(false) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] explicit operator bool() const { return ok_; }
  [[nodiscard]] bool is_ok() const { return ok_; }

 private:
  bool ok_ = true;
};

}  // namespace nb
