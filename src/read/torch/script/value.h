// Values of a TorchScript program while it runs with static control flow: tensors of the graph, and what is
// known when compiling.
#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "read/torch/pickle.h"
#include "read/torch/script/syntax.h"

namespace nb::torch::script {

struct Object;
struct Dict;
struct Sequence;

enum class ValueKind : std::uint8_t {
  unknown,  ///< after a fault that was reported
  none,
  boolean,
  integer,
  real,
  text,
  device,  ///< text: its name; programs here have one
  tensor,
  list,
  tuple,
  dict,
  object,    ///< a module or another instance of a class
  function,  ///< of the program
  type,      ///< a class of the program
};

/// One value; what it refers to lives in a Heap. Lists, dicts and objects are shared, as in Python.
class Value {
 public:
  Value() = default;  ///< None
  [[nodiscard]] static Value unknown() { return Value(ValueKind::unknown); }
  explicit Value(bool value) : kind_(ValueKind::boolean), integer_(value ? 1 : 0) {}
  explicit Value(std::int64_t value) : kind_(ValueKind::integer), integer_(value) {}
  explicit Value(double value) : kind_(ValueKind::real), real_(value) {}
  explicit Value(ValueId value)
      : kind_(ValueKind::tensor), integer_(static_cast<std::int64_t>(value.index())) {}
  Value(const std::string* text, ValueKind kind) : kind_(kind), text_(text) {}
  Value(Sequence* items, ValueKind kind) : kind_(kind), items_(items) {}
  explicit Value(Dict* dict) : kind_(ValueKind::dict), dict_(dict) {}
  explicit Value(Object* object) : kind_(ValueKind::object), object_(object) {}
  explicit Value(const Function* function) : kind_(ValueKind::function), function_(function) {}
  explicit Value(const Class* type) : kind_(ValueKind::type), type_(type) {}

  [[nodiscard]] ValueKind kind() const { return kind_; }
  [[nodiscard]] bool is(ValueKind kind) const { return kind_ == kind; }
  [[nodiscard]] bool is_none() const { return kind_ == ValueKind::none; }
  [[nodiscard]] bool is_tensor() const { return kind_ == ValueKind::tensor; }
  [[nodiscard]] bool is_whole() const { return kind_ == ValueKind::boolean || kind_ == ValueKind::integer; }
  [[nodiscard]] bool is_number() const { return is_whole() || kind_ == ValueKind::real; }
  [[nodiscard]] bool is_sequence() const { return kind_ == ValueKind::list || kind_ == ValueKind::tuple; }

  // Of a value that is one.
  [[nodiscard]] std::int64_t integer() const { return integer_; }  ///< of a bool, too
  [[nodiscard]] double number() const {
    return kind_ == ValueKind::real ? real_ : static_cast<double>(integer_);
  }
  [[nodiscard]] const std::string& text() const { return *text_; }  ///< of a device, too
  [[nodiscard]] ValueId tensor() const { return ValueId(static_cast<std::size_t>(integer_)); }
  [[nodiscard]] Sequence& sequence() const { return *items_; }
  [[nodiscard]] Dict& dict() const { return *dict_; }
  [[nodiscard]] Object& object() const { return *object_; }
  [[nodiscard]] const Function& function() const { return *function_; }
  [[nodiscard]] const Class& type() const { return *type_; }
  /// What it refers to, for identity.
  [[nodiscard]] const void* reference() const { return text_; }

 private:
  explicit Value(ValueKind kind) : kind_(kind) {}

  ValueKind kind_ = ValueKind::none;
  union {
    std::int64_t integer_ = 0;
    double real_;
    const std::string* text_;
    Sequence* items_;
    Dict* dict_;
    Object* object_;
    const Function* function_;
    const Class* type_;
  };
};

/// Of a list or a tuple.
struct Sequence {
  std::vector<Value> items;
  const Class* type = nullptr;  ///< of a tuple with names: its class
};

struct Dict {
  std::vector<std::pair<Value, Value>> items;  ///< in the order of insertion
};

struct Object {
  const Class* type = nullptr;
  std::string path;            ///< from the outermost module: "features.0"; that one's is empty
  PickleId state = kNoPickle;  ///< attributes as the file has them
  std::unordered_map<std::string, Value> known;  ///< those that were read or written
};

/// Where the values of one program live, up to its end: a program that runs away is stopped by its steps.
class Heap {
 public:
  [[nodiscard]] Value text(std::string value) {
    return {&texts_.emplace_back(std::move(value)), ValueKind::text};
  }
  [[nodiscard]] Value device(std::string value) {
    return {&texts_.emplace_back(std::move(value)), ValueKind::device};
  }
  [[nodiscard]] Value list(std::vector<Value> items) {
    return {&sequences_.emplace_back(Sequence{std::move(items)}), ValueKind::list};
  }
  [[nodiscard]] Value tuple(std::vector<Value> items, const Class* type = nullptr) {
    return {&sequences_.emplace_back(Sequence{std::move(items), type}), ValueKind::tuple};
  }
  [[nodiscard]] Value dict() { return Value(&dicts_.emplace_back()); }
  [[nodiscard]] Value object() { return Value(&objects_.emplace_back()); }

 private:
  std::deque<std::string> texts_;
  std::deque<Sequence> sequences_;
  std::deque<Dict> dicts_;
  std::deque<Object> objects_;
};

}  // namespace nb::torch::script
