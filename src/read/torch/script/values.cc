// Values of TorchScript programs: made, compared, shown, and taken to and from the translator.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "read/torch/script/machine.h"
#include "read/translation.h"

namespace nb::torch::script {
namespace {
constexpr int kMaxDepth = 32;          // of values within each other
constexpr std::size_t kItemSteps = 4;  // what a value in a list, or eight bytes of text, count for
constexpr std::size_t kBoxSteps = 4;   // what a list or a text counts for itself
}  // namespace

Value Machine::make_text(std::string text) {
  charge(kBoxSteps + text.size() / 8 * kItemSteps);
  return heap_.text(std::move(text));
}
Value Machine::make_list(std::vector<Value> items) {
  charge(kBoxSteps + items.size() * kItemSteps);
  return heap_.list(std::move(items));
}
Value Machine::make_tuple(std::vector<Value> items, const Class* type) {
  charge(kBoxSteps + items.size() * kItemSteps);
  return heap_.tuple(std::move(items), type);
}

Value Machine::from_item(const Item& item) {
  if (item.is_none()) return {};
  if (item.is_bool()) return Value(item.boolean());
  if (item.is_int()) return Value(item.integer());
  if (item.is_float()) return Value(item.number());
  if (item.is_text()) return make_text(item.text());
  if (item.is_tensor()) return Value(item.tensor());
  if (!item.is_list()) return Value::unknown();
  std::vector<Value> items;
  for (const Item& element : item.list()) items.push_back(from_item(element));
  return make_list(std::move(items));
}

Item Machine::to_item(const Value& value, int depth) {
  charge(1);
  switch (value.kind()) {
    case ValueKind::unknown:
      return Item(Unknown{});
    case ValueKind::none:
      return {};
    case ValueKind::boolean:
      return Item(value.integer() != 0);
    case ValueKind::integer:
      return Item(value.integer());
    case ValueKind::real:
      return Item(value.number());
    case ValueKind::text:
    case ValueKind::device:
      return Item(value.text());
    case ValueKind::tensor:
      return Item(value.tensor());
    case ValueKind::list:
    case ValueKind::tuple: {
      if (depth > kMaxDepth) invalid("lists are nested too deeply");
      Item::List items;
      for (const Value& element : value.sequence().items) items.push_back(to_item(element, depth + 1));
      return Item(std::move(items));
    }
    case ValueKind::dict:
    case ValueKind::object:
    case ValueKind::function:
    case ValueKind::type:
      break;
  }
  invalid("an operator is given " + described(value));
}

bool Machine::equals(const Value& a, const Value& b, int depth) {
  charge(1);
  if (depth > kMaxDepth) invalid("lists are nested too deeply");
  if (a.is_number() && b.is_number())
    return a.is_whole() && b.is_whole() ? a.integer() == b.integer() : a.number() == b.number();
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case ValueKind::text:
    case ValueKind::device:
      charge(a.text().size() / 64);
      return a.text() == b.text();
    case ValueKind::list:
    case ValueKind::tuple: {
      const std::vector<Value>&x = a.sequence().items, &y = b.sequence().items;
      if (x.size() != y.size()) return false;
      for (std::size_t i = 0; i < x.size(); ++i)
        if (!equals(x[i], y[i], depth + 1)) return false;
      return true;
    }
    case ValueKind::none:
      return true;
    case ValueKind::tensor:
      return a.tensor() == b.tensor();
    default:
      return a.reference() == b.reference();
  }
}

std::string Machine::text_of(const Value& value, int depth) {
  charge(1);
  if (depth > kMaxDepth) invalid("lists are nested too deeply");
  switch (value.kind()) {
    case ValueKind::none:
      return "None";
    case ValueKind::boolean:
      return value.integer() != 0 ? "True" : "False";
    case ValueKind::integer:
      return std::to_string(value.integer());
    case ValueKind::real:
      return float_text(static_cast<float>(value.number()));
    case ValueKind::text:
    case ValueKind::device:
      return value.text();
    case ValueKind::list:
    case ValueKind::tuple: {
      const bool is_list = value.is(ValueKind::list);
      std::string text = is_list ? "[" : "(";
      for (const Value& item : value.sequence().items) {
        text += (text.size() == 1 ? "" : ", ") + text_of(item, depth + 1);
        charge(text.size() / 64);
        if (text.size() > 10000) break;
      }
      return text + (is_list ? "]" : ")");
    }
    default:
      return described(value);
  }
}

std::string Machine::described(const Value& value) const {
  switch (value.kind()) {
    case ValueKind::unknown:
      return "an unknown value";
    case ValueKind::none:
      return "None";
    case ValueKind::boolean:
      return value.integer() != 0 ? "True" : "False";
    case ValueKind::integer:
      return "the number " + std::to_string(value.integer());
    case ValueKind::real:
      return "the number " + float_text(static_cast<float>(value.number()));
    case ValueKind::text:
      return "the text `" + printable(value.text(), 60) + "`";
    case ValueKind::device:
      return "a device";
    case ValueKind::tensor:
      return "a tensor";
    case ValueKind::list:
      return "a list of " + std::to_string(value.sequence().items.size());
    case ValueKind::tuple:
      return "a tuple of " + std::to_string(value.sequence().items.size());
    case ValueKind::dict:
      return "a dict of " + std::to_string(value.dict().items.size());
    case ValueKind::object:
      return "an object of `" + printable(value.object().type->qualified, 120) + "`";
    case ValueKind::function:
      return "the function `" + printable(value.function().name, 60) + "`";
    case ValueKind::type:
      return "the class `" + printable(value.type().name, 60) + "`";
  }
  return "a value";
}

Value Machine::scalar(const Value& value, std::string_view what) {
  if (value.is_number()) return value;
  if (value.is(ValueKind::unknown)) throw read::Refusal{};  // its fault was reported
  if (!value.is_tensor()) invalid(std::string(what) + " is " + described(value));
  const ValueId id = translator_.current(value.tensor());
  if (build().type(id).elements() != 1)
    invalid(std::string(what) + " is a tensor of shape " + shape_text(build().type(id).shape));
  if (!build().is_constant(id))
    refuse(Kind::dynamic_shape, std::string(what) + " is computed at run time, from a tensor",
           "programs have no control flow on data: trace the module with torch.jit.trace, or freeze the "
           "input that "
           "determines it with --freeze INPUT=FILE.npy");
  const Tensor tensor = build().constant(id);
  if (is_float(tensor.type.dtype)) return Value(to_doubles(tensor)[0]);
  const std::int64_t number = to_ints(tensor)[0];
  return tensor.type.dtype == DType::boolean ? Value(number != 0) : Value(number);
}

bool Machine::truth(const Value& value, std::string_view what) {
  switch (value.kind()) {
    case ValueKind::none:
      return false;
    case ValueKind::text:
      return !value.text().empty();
    case ValueKind::list:
    case ValueKind::tuple:
      return !value.sequence().items.empty();
    case ValueKind::dict:
      return !value.dict().items.empty();
    case ValueKind::object:
    case ValueKind::function:
    case ValueKind::type:
    case ValueKind::device:
      return true;
    default: {
      const Value number = scalar(value, what);
      return number.is_whole() ? number.integer() != 0 : number.number() != 0;
    }
  }
}

std::int64_t Machine::integer(const Value& value, std::string_view what) {
  const Value number = scalar(value, what);
  if (number.is_whole()) return number.integer();
  constexpr double kLimit = 9223372036854774784.0;  // the largest double below 2^63
  if (!(std::abs(number.number()) <= kLimit)) invalid(std::string(what) + " is " + text_of(number));
  return static_cast<std::int64_t>(number.number());
}

std::size_t Machine::index(const Value& value, std::size_t size) {
  const std::int64_t given = integer(value, "an index");
  const auto count = static_cast<std::int64_t>(size);
  const std::int64_t at = given < 0 ? given + count : given;
  if (at < 0 || at >= count) invalid("index " + std::to_string(given) + " of " + count_text(size, "item"));
  return static_cast<std::size_t>(at);
}

}  // namespace nb::torch::script
