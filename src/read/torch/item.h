// A value of a PyTorch program while it is translated: a tensor of the graph, or something known when
// compiling.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graph/graph.h"

namespace nb::torch {

struct None {};
/// What a fault keeps from being known: the fault is reported, whatever reads the value says nothing.
struct Unknown {};

/// None, a bool, an int, a float, a string, a tensor, or a list (or tuple) of such. Dtypes are ints in c10's
/// numbering (0 uint8, 1 int8, 2 int16, 3 int32, 4 int64, 5 half, 6 float, 7 double, 11 bool, 15 bfloat16).
class Item {
 public:
  using List = std::vector<Item>;

  Item() = default;  ///< None
  Item(None) {}      // NOLINT(google-explicit-constructor)
  explicit Item(Unknown unknown) : value_(unknown) {}
  explicit Item(bool value) : value_(value) {}
  explicit Item(std::int64_t value) : value_(value) {}
  explicit Item(double value) : value_(value) {}
  explicit Item(std::string value) : value_(std::move(value)) {}
  explicit Item(ValueId value) : value_(value) {}
  explicit Item(List items) : value_(std::make_shared<const List>(std::move(items))) {}
  explicit Item(const std::vector<std::int64_t>& values);

  [[nodiscard]] bool is_none() const { return std::holds_alternative<None>(value_); }
  [[nodiscard]] bool is_unknown() const;  ///< also a list that holds something unknown
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  [[nodiscard]] bool is_float() const { return std::holds_alternative<double>(value_); }
  [[nodiscard]] bool is_number() const { return is_bool() || is_int() || is_float(); }
  [[nodiscard]] bool is_text() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_tensor() const { return std::holds_alternative<ValueId>(value_); }
  [[nodiscard]] bool is_list() const { return std::holds_alternative<std::shared_ptr<const List>>(value_); }

  // Of an item that is one.
  [[nodiscard]] bool boolean() const { return std::get<bool>(value_); }
  [[nodiscard]] std::int64_t integer() const;  ///< of a bool, too
  [[nodiscard]] double number() const;         ///< of a bool, an int or a float
  [[nodiscard]] const std::string& text() const { return std::get<std::string>(value_); }
  [[nodiscard]] ValueId tensor() const { return std::get<ValueId>(value_); }
  [[nodiscard]] const List& list() const { return *std::get<std::shared_ptr<const List>>(value_); }

  /// "a tensor", "the number 2.5", "a list of 3", for messages.
  [[nodiscard]] std::string described() const;

 private:
  std::variant<None, Unknown, bool, std::int64_t, double, std::string, ValueId, std::shared_ptr<const List>>
      value_;
};

}  // namespace nb::torch
