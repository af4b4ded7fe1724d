// How the operators of an ExecuTorch program are read.
#pragma once
#include <cstdint>
#include <string>

#include "read/torch/pte_program.h"
#include "read/torch/translator.h"

namespace nb::torch {

enum class PteKind : std::uint8_t {
  missing,    ///< no reader translates it
  tensors,    ///< by the translator
  numbers,    ///< of numbers, known when compiling
  size,       ///< one size of a tensor, a number
  elements,   ///< how many elements a tensor has, a number
  element,    ///< of a tensor of one element, a number
  assertion,  ///< what it says of sizes was checked when exporting
};

struct PteReading {
  std::string name, overload;  ///< "aten.add", "out"
  PteKind kind = PteKind::missing;
  std::size_t parameters = 0;  ///< arguments before outs and what is returned
};

[[nodiscard]] PteReading pte_operator(const PteOperator& stored);

/// What a call gives that is a number, known when compiling: of kind `numbers`, `size`, `elements`,
/// `element`. Reports at the present layer, and throws read::Refusal.
[[nodiscard]] Item number_of(Translator& translator, const PteReading& op,
                             const std::vector<Item>& arguments);

}  // namespace nb::torch
