// The values of an ExecuTorch method while it is read: what its instructions wrote, and what they find there
// before.
#pragma once
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "read/torch/pte_program.h"
#include "read/torch/storage.h"
#include "read/torch/translator.h"

namespace nb::torch {

/// Values by their index. Faults are reported at the present layer, or without one, and thrown as
/// read::Refusal.
class PteValues {
 public:
  PteValues(const PteProgram& program, const PteMethod& method, std::size_t file_bytes,
            Translator& translator)
      : program_(program),
        method_(method),
        translator_(translator),
        build_(translator.build()),
        budget_bytes_(tensor_budget(file_bytes)) {}

  /// The tensor that the file declares; null if the value is none.
  [[nodiscard]] const PteTensor* declared(std::size_t index) const {
    return std::get_if<PteTensor>(&method_.values[index]);
  }
  /// The values themselves, those of lists one by one.
  [[nodiscard]] std::vector<std::size_t> flattened(std::span<const std::size_t> indexes);
  /// That some instruction fills the value; said of all before the first one runs.
  void will_be_written(std::size_t index) { written_.insert(index); }

  /// What the value is now. A tensor that nothing was written to is a constant, one kept between runs, or a
  /// view by the plan of memory.
  [[nodiscard]] Item read(std::size_t index);
  void write(std::size_t index, Item item);
  /// What was written, or read, last; null if neither was.
  [[nodiscard]] const Item* find(std::size_t index) const;
  [[nodiscard]] DType dtype_of(const PteTensor& tensor, const std::string& what);

  struct State {
    std::size_t index;
    ValueId id;
  };
  /// The tensors kept between runs that were read.
  [[nodiscard]] const std::vector<State>& states() const { return states_; }

  /// A name for the next layer of an operator: "addmm", "addmm_1", ...
  [[nodiscard]] std::string layer_name(const std::string& op);

 private:
  using Place = std::pair<std::uint32_t, std::uint64_t>;
  static Place place_of(const PteTensor& tensor) { return {tensor.memory, tensor.memory_offset}; }

  [[noreturn]] void refuse(Kind kind, const std::string& message, const std::string& help = {});
  [[noreturn]] void fail(Kind kind, const std::string& message, const std::string& help = {});
  void spend(std::size_t work);
  Tensor stored(const PteTensor& tensor, const std::string& what);
  Item first_of(std::size_t index, const PteTensor& tensor);
  void occupy(std::size_t index);
  [[nodiscard]] bool is_planned_view(std::size_t index, const PteTensor& tensor) const;
  std::size_t shown_by(std::size_t index, const PteTensor& tensor);
  Item planned_view(std::size_t index, const PteTensor& tensor);

  const PteProgram& program_;
  const PteMethod& method_;
  Translator& translator_;
  GraphBuilder& build_;
  std::int64_t budget_bytes_;                                  ///< what tensors may still take
  std::size_t work_ = 0;                                       ///< elements of lists walked so far
  std::unordered_map<std::size_t, Item> values_;               ///< what was written last
  std::unordered_set<std::size_t> written_;                    ///< by some instruction
  std::map<Place, std::size_t> held_;                          ///< by memory: whose value it holds
  std::map<std::pair<std::size_t, std::size_t>, Item> views_;  ///< by the view's index and what it shows
  std::vector<State> states_;
  std::unordered_map<std::string, std::size_t> layers_;  ///< how often each name was given
};

}  // namespace nb::torch
