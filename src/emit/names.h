// C++ identifiers out of a model's names, each given once.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>

#include "graph/graph.h"

namespace nb {

/// Hands out identifiers: the wished one, or with a number behind it if it is taken.
class Names {
 public:
  std::string take(const std::string& wished) {
    if (taken_.emplace(wished, 1).second) return wished;
    for (int& n = taken_[wished];;)
      if (const std::string numbered = wished + "_" + std::to_string(++n); taken_.emplace(numbered, 1).second)
        return numbered;
  }

 private:
  std::unordered_map<std::string, int> taken_;  ///< each name, and the last number put behind it
};

/// The names of one model's layers and values as emitted code spells them. What every path in the model
/// starts with ("functional_1/") is left out, and of long names the end is kept.
class ModelNames {
 public:
  explicit ModelNames(const Graph& graph);
  /// "Block1/Conv_2" -> "kBlock1Conv2", a constant of the program.
  std::string constant(std::string_view name);
  /// "Block1/Conv_2" -> "block1_conv_2", a pointer in the function that runs the model.
  std::string pointer(std::string_view name);

 private:
  [[nodiscard]] std::string_view shortened(std::string_view name) const;
  Names names_;
  std::string prefix_;
};

}  // namespace nb
