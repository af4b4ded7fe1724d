// Runs a TorchScript program with static control flow: what is known when compiling is computed here, each
// operator on tensors goes to the translator and becomes blocks.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/zip.h"
#include "read/torch/script/origins.h"
#include "read/torch/script/value.h"
#include "read/torch/translator.h"

namespace nb::torch::script {

/// What a call is given.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;
  [[nodiscard]] std::size_t size() const { return positional.size(); }
  /// The argument at `i` or of this name; None if there is neither.
  [[nodiscard]] Value get(std::size_t i, std::string_view name) const;
};

/// One reading of one archive. Faults are reported, and thrown as read::Refusal.
class Machine {
 public:
  /// `top` is the archive's folder, "model/". The archive and the graph's builder outlive the machine.
  Machine(ZipArchive& archive, std::string top, std::size_t file_bytes, Translator& translator);

  /// Tensors, by the keys that `written` gives, that are states and not constants. Before anything runs.
  void hold_states(std::unordered_set<std::string> keys) { held_ = std::move(keys); }
  /// The tensors of the file that the program has written over so far.
  [[nodiscard]] std::unordered_set<std::string> written();
  /// The states that were met, in that order.
  [[nodiscard]] const std::vector<ValueId>& states() const { return states_; }

  /// Reads the pickled module.
  Object& load_module();
  /// A method of an object's class; null if it has none of the name.
  const Function* find_method(const Object& object, std::string_view name);
  Value call_function(const Function& function, Object* self, Arguments arguments);

  [[noreturn]] void refuse(Kind kind, const std::string& message, const std::string& help = {});
  [[noreturn]] void invalid(const std::string& message) { refuse(Kind::invalid_model, message); }
  /// Counts work and memory: all together are bounded.
  void charge(std::size_t steps);

  [[nodiscard]] GraphBuilder& build() { return translator_.build(); }
  [[nodiscard]] Translator& translator() { return translator_; }
  [[nodiscard]] Heap& heap() { return heap_; }

  // Values.
  Value attribute(Object& object, std::string_view name);
  [[nodiscard]] Value make_text(std::string text);
  [[nodiscard]] Value make_list(std::vector<Value> items);
  [[nodiscard]] Value make_tuple(std::vector<Value> items, const Class* type = nullptr);
  Value make_constant(const std::string& name, Tensor tensor);
  [[nodiscard]] Value from_item(const Item& item);
  [[nodiscard]] Item to_item(const Value& value, int depth = 0);
  /// Whether they are equal, as Python has it; of tensors whether they are the same.
  [[nodiscard]] bool equals(const Value& a, const Value& b, int depth = 0);
  [[nodiscard]] std::string text_of(const Value& value, int depth = 0);  ///< as str() gives it
  /// The only element of a tensor that is known when compiling, or a number as it is; refuses others, naming
  /// `what` is computed from it.
  [[nodiscard]] Value scalar(const Value& value, std::string_view what);
  [[nodiscard]] bool truth(const Value& value, std::string_view what);
  [[nodiscard]] std::int64_t integer(const Value& value, std::string_view what);
  [[nodiscard]] std::string described(const Value& value) const;
  /// An index of `size` items, counted from the end if negative.
  [[nodiscard]] std::size_t index(const Value& value, std::size_t size);

 private:
  struct Frame {
    const Function* function;
    const Object* module;  ///< whose method runs, or called it
    std::unordered_map<std::string_view, Value> variables;
  };
  enum class Flow : std::uint8_t { on, leave, next, given };
  class Deeper;

  // objects.cc
  Value from_pickle(const Pickle& pickle, PickleId id, std::string_view path, int depth = 0);
  Value from_pickled_tensor(const Pickle& pickle, PickleId id, std::string_view folder,
                            const std::string& name);
  const Pickle& load_pickle(const std::string& name, std::optional<Pickle>& into);
  Value constant(std::string_view name);
  Value make_state(const std::string& name, Tensor tensor);
  SourceFile* find_source(std::string_view module);
  template <class T>
  const T* find_named(std::string_view qualified,
                      const std::unordered_map<std::string_view, T> SourceFile::*all);
  const Class* find_class(std::string_view qualified);
  const Function* find_function(std::string_view qualified);
  /// Where the line comes from: the model's Python if the archive tells it, and the archive's code.
  std::string source(std::string_view file, std::uint32_t line);

  // machine.cc
  Flow run(std::span<const Stmt* const> body, Frame& frame, Value& result);
  Flow run(const Stmt& stmt, Frame& frame, Value& result);
  Flow run_loop(const Stmt& stmt, Frame& frame, Value& result);
  void assign(const Expr& target, const Value& value, Frame& frame);
  Value evaluate(const Expr& expr, Frame& frame);
  Value evaluate_name(std::string_view name, const Frame& frame);
  Value evaluate_attribute(const Expr& expr, Frame& frame);
  Value evaluate_subscript(const Expr& expr, Frame& frame);
  std::vector<Value> evaluate_all(std::span<const Expr* const> exprs, Frame& frame);
  Value evaluate_call(const Expr& expr, Frame& frame);
  bool evaluate_form(std::string_view name, const Expr& expr, Frame& frame, Value& result);
  Value annotated(const Expr& type, const Value& value);
  bool is_instance(const Value& value, const Expr& type);
  Value make_object(const Class& type, Arguments arguments);
  Value call_named(const std::string& name, const Arguments& arguments, Frame& frame);
  Value call_operator(const std::string& name, const Arguments& arguments, const Frame& frame);
  [[nodiscard]] std::string dotted(const Expr& expr, const Frame& frame) const;

  ZipArchive& archive_;
  std::string top_;
  Translator& translator_;
  Heap heap_;
  std::int64_t tensor_budget_;
  std::size_t steps_left_, nodes_left_;
  int depth_ = 0;
  const Function* function_ = nullptr;  ///< which runs, for messages
  const Object* module_ = nullptr;      ///< whose method runs, or called what runs
  std::uint32_t line_ = 0;
  std::optional<Pickle> pickle_, constants_;
  std::unordered_map<PickleId, Value> unpickled_;
  std::unordered_map<std::string, ValueId> tensors_;  ///< by their storage and view
  std::unordered_set<std::string> held_;
  std::vector<ValueId> states_;
  std::unordered_map<std::string, std::unique_ptr<SourceFile>> sources_;
  std::unordered_map<std::string, std::unique_ptr<Origins>> origins_;  ///< by the file of the code
  std::unordered_map<const Expr*, Value> literals_;                    ///< texts that were met
};

/// A function on what is known when compiling; false if it does not apply to these arguments (tensors, above
/// all), so that the translator is asked.
using Builtin = bool (*)(Machine&, const Arguments&, Value& result);
/// By its name in the code ("torch.len", "ops.prim.dtype", "int"); null if there is none.
[[nodiscard]] Builtin find_number_builtin(std::string_view name);
[[nodiscard]] Builtin find_list_builtin(std::string_view name);
[[nodiscard]] Builtin find_tensor_builtin(std::string_view name);

}  // namespace nb::torch::script
