// Ids that are types: an index that cannot be mistaken for another.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>

namespace nb {

/// An index into a vector of Thing. Default-constructed ids are absent.
template <class Thing>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::size_t index) : index_(static_cast<std::int32_t>(index)) {}
  [[nodiscard]] constexpr bool is_present() const { return index_ >= 0; }
  [[nodiscard]] constexpr std::size_t index() const { return static_cast<std::size_t>(index_); }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  std::int32_t index_ = -1;
};

}  // namespace nb
