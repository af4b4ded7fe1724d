#include "read/torch/script/machine.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "read/translation.h"

namespace nb::torch::script {
namespace {

constexpr int kMaxDepth = 1200;  // expressions, statements and calls within each other
constexpr std::size_t kMaxArguments = 1 << 16;

}  // namespace

/// Counts how deep evaluation is nested.
class Machine::Deeper {
 public:
  explicit Deeper(Machine& machine) : machine_(machine) {
    if (++machine_.depth_ > kMaxDepth) {
      --machine_.depth_;
      machine_.invalid("calls are nested too deeply");
    }
  }
  ~Deeper() { --machine_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Machine& machine_;
};

Value Arguments::get(std::size_t i, std::string_view name) const {
  if (i < positional.size()) return positional[i];
  for (const auto& [given, value] : named)
    if (given == name) return value;
  return {};
}

void Machine::refuse(Kind kind, const std::string& message, const std::string& help) {
  std::string layer, origin;
  std::vector<std::string> notes;
  if (function_ != nullptr) {
    origin = source(function_->file, line_);
    layer = "`" + printable(function_->name, 60) + "` at code/" + printable(function_->file, 120) + ":" +
            std::to_string(line_);
  }
  if (!origin.empty() && !origin.starts_with("code/")) notes.push_back("in the model: " + origin);
  (void)build().diagnostics().add(
      {.kind = kind, .message = message, .layer = std::move(layer), .notes = std::move(notes), .help = help});
  throw read::Refusal{};
}

void Machine::charge(std::size_t steps) {
  if (steps > steps_left_)
    refuse(Kind::limit_exceeded, "the program takes more steps than are allowed when compiling",
           "a loop may have no end; `while` loops and recursion are run while compiling");
  steps_left_ -= steps;
}

Value Machine::call_function(const Function& function, Object* self, Arguments arguments) {
  const Deeper deeper(*this);
  charge(1 + arguments.positional.size());
  const Object* const outer = module_;
  if (self != nullptr) module_ = self;  // a plain function belongs to the module that calls it
  Frame frame{&function, module_, {}};
  if (self != nullptr) arguments.positional.insert(arguments.positional.begin(), Value(self));
  if (arguments.positional.size() > function.parameters.size())
    invalid("`" + printable(function.name, 60) + "` is given " +
            count_text(arguments.positional.size(), "argument") + " and takes " +
            std::to_string(function.parameters.size()));
  const Function* const caller = function_;
  const std::uint32_t line = line_;
  for (std::size_t i = 0; i < function.parameters.size(); ++i) {
    const Parameter& parameter = function.parameters[i];
    const auto named = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const auto& pair) { return pair.first == parameter.name; });
    if (i < arguments.positional.size())
      frame.variables[parameter.name] = arguments.positional[i];
    else if (named != arguments.named.end())
      frame.variables[parameter.name] = named->second;
    else if (parameter.fallback != nullptr)
      frame.variables[parameter.name] = evaluate(*parameter.fallback, frame);
    else
      invalid("`" + printable(function.name, 60) + "` is called without `" + printable(parameter.name, 60) +
              "`");
  }
  function_ = &function;
  line_ = function.line;
  Value result;
  (void)run(function.body, frame, result);
  function_ = caller;
  line_ = line;
  module_ = outer;
  return result;
}

Machine::Flow Machine::run(std::span<const Stmt* const> body, Frame& frame, Value& result) {
  for (const Stmt* stmt : body)
    if (const Flow flow = run(*stmt, frame, result); flow != Flow::on) return flow;
  return Flow::on;
}

Machine::Flow Machine::run(const Stmt& stmt, Frame& frame, Value& result) {
  const Deeper deeper(*this);
  charge(1);
  line_ = stmt.line;
  switch (stmt.kind) {
    case StmtKind::pass:
      return Flow::on;
    case StmtKind::leave:
      return Flow::leave;
    case StmtKind::next:
      return Flow::next;
    case StmtKind::expression:
      (void)evaluate(*stmt.value, frame);
      return Flow::on;
    case StmtKind::assign:
      assign(*stmt.target, evaluate(*stmt.value, frame), frame);
      return Flow::on;
    case StmtKind::give:
      result = stmt.value != nullptr ? evaluate(*stmt.value, frame) : Value();
      return Flow::given;
    case StmtKind::branch:
      return run(truth(evaluate(*stmt.value, frame), "the condition of an `if`") ? stmt.body : stmt.other,
                 frame, result);
    case StmtKind::repeat:
    case StmtKind::loop:
      return run_loop(stmt, frame, result);
    case StmtKind::scope:
      return run(stmt.body, frame, result);  // no_grad, autocast off: nothing here
    case StmtKind::check:
      if (truth(evaluate(*stmt.value, frame), "an assertion")) return Flow::on;
      invalid("the model's own assertion does not hold" +
              (stmt.target == nullptr ? "" : ": " + printable(text_of(evaluate(*stmt.target, frame)))));
    case StmtKind::raise:
      invalid("the model raises an error" +
              (stmt.value == nullptr ? "" : ": " + printable(text_of(evaluate(*stmt.value, frame)))));
  }
  return Flow::on;
}

Machine::Flow Machine::run_loop(const Stmt& stmt, Frame& frame, Value& result) {
  if (stmt.kind == StmtKind::loop) {
    for (;;) {
      charge(1);
      line_ = stmt.line;
      if (!truth(evaluate(*stmt.value, frame), "the condition of a `while`")) return Flow::on;
      const Flow flow = run(stmt.body, frame, result);
      if (flow == Flow::leave) return Flow::on;
      if (flow == Flow::given) return flow;
    }
  }
  const Expr& over = *stmt.value;
  std::int64_t begin = 0, end = 0, step = 1;
  const bool is_range =
      over.kind == ExprKind::call && over.items[0]->kind == ExprKind::name && over.items[0]->text == "range";
  Value items;
  if (is_range) {
    std::vector<std::int64_t> bounds;
    for (const Value& bound : evaluate_all(over.items.subspan(1), frame))
      bounds.push_back(integer(bound, "the bound of a `for`"));
    if (bounds.empty() || bounds.size() > 3 || (bounds.size() == 3 && bounds[2] == 0))
      invalid("a range has one to three bounds");
    begin = bounds.size() > 1 ? bounds[0] : 0;
    end = bounds.size() > 1 ? bounds[1] : bounds[0];
    step = bounds.size() > 2 ? bounds[2] : 1;
  } else {
    items = evaluate(over, frame);
    if (!items.is_sequence()) refuse(Kind::unsupported_feature, "a `for` runs over " + described(items));
    end = std::numeric_limits<std::int64_t>::max();
  }
  for (std::int64_t i = begin; step > 0 ? i < end : i > end;) {
    charge(1);
    if (!is_range && static_cast<std::size_t>(i) >= items.sequence().items.size()) break;
    assign(*stmt.target, is_range ? Value(i) : items.sequence().items[static_cast<std::size_t>(i)], frame);
    const Flow flow = run(stmt.body, frame, result);
    if (flow == Flow::leave) break;
    if (flow == Flow::given) return flow;
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Flow::on;
}

void Machine::assign(const Expr& target, const Value& value, Frame& frame) {
  switch (target.kind) {
    case ExprKind::name:
      frame.variables[target.text] = value;
      return;
    case ExprKind::tuple:
    case ExprKind::list: {
      if (value.is(ValueKind::unknown)) {
        for (const Expr* part : target.items) assign(*part, value, frame);
        return;
      }
      if (!value.is_sequence()) invalid("what is taken apart is " + described(value));
      const std::vector<Value> items = value.sequence().items;
      if (items.size() != target.items.size())
        invalid(count_text(items.size(), "value") + " are assigned to " +
                count_text(target.items.size(), "variable"));
      charge(items.size());
      for (std::size_t i = 0; i < items.size(); ++i) assign(*target.items[i], items[i], frame);
      return;
    }
    case ExprKind::attribute: {
      const Value owner = evaluate(*target.items[0], frame);
      if (!owner.is(ValueKind::object)) invalid("an attribute of " + described(owner) + " is assigned");
      if (owner.object().state != kNoPickle && value.is_tensor())
        refuse(Kind::unsupported_feature,
               "the model keeps a tensor from one run to the next, in `" +
                   printable(owner.object().path + "." + std::string(target.text), 120) + "`",
               "make it an input and an output, and name the pair with --state INPUT=OUTPUT; or export with "
               "torch.export, which marks it");
      owner.object().known.insert_or_assign(std::string(target.text), value);
      return;
    }
    case ExprKind::subscript: {
      const Value owner = evaluate(*target.items[0], frame);
      const Value key = evaluate(*target.items[1], frame);
      Arguments arguments{{owner, key, value}, {}};
      (void)call_named("torch._set_item", arguments, frame);
      return;
    }
    default:
      invalid("nothing can be assigned to what stands before `=`");
  }
}

std::vector<Value> Machine::evaluate_all(std::span<const Expr* const> exprs, Frame& frame) {
  std::vector<Value> values;
  values.reserve(exprs.size());
  for (const Expr* expr : exprs) values.push_back(evaluate(*expr, frame));
  return values;
}

Value Machine::evaluate(const Expr& expr, Frame& frame) {
  const Deeper deeper(*this);
  charge(1);
  switch (expr.kind) {
    case ExprKind::none:
      return {};
    case ExprKind::boolean:
      return Value(expr.integer != 0);
    case ExprKind::integer:
      return Value(expr.integer);
    case ExprKind::real:
      return Value(expr.real);
    case ExprKind::text:
      if (const auto known = literals_.find(&expr); known != literals_.end()) return known->second;
      return literals_[&expr] = make_text(std::string(expr.text));
    case ExprKind::name:
      return evaluate_name(expr.text, frame);
    case ExprKind::attribute:
      return evaluate_attribute(expr, frame);
    case ExprKind::subscript:
      return evaluate_subscript(expr, frame);
    case ExprKind::call:
      return evaluate_call(expr, frame);
    case ExprKind::tuple:
      return make_tuple(evaluate_all(expr.items, frame));
    case ExprKind::list:
      return make_list(evaluate_all(expr.items, frame));
    case ExprKind::dict: {
      charge(8);
      const Value dict = heap_.dict();
      for (std::size_t i = 0; i + 1 < expr.items.size(); i += 2) {
        const Value key = evaluate(*expr.items[i], frame);
        Arguments arguments{{dict, key, evaluate(*expr.items[i + 1], frame)}, {}};
        (void)call_named("torch._set_item", arguments, frame);
      }
      return dict;
    }
    case ExprKind::both:
    case ExprKind::either: {
      const Value first = evaluate(*expr.items[0], frame);
      const bool is_true = truth(first, "an operand of `and` or `or`");
      return is_true == (expr.kind == ExprKind::either) ? first : evaluate(*expr.items[1], frame);
    }
    case ExprKind::conditional:
      return evaluate(*expr.items[truth(evaluate(*expr.items[1], frame), "the condition of an `if`") ? 0 : 2],
                      frame);
    case ExprKind::keyword:
    case ExprKind::slice:
      break;
  }
  invalid("an expression has no value");
}

Value Machine::evaluate_name(std::string_view name, const Frame& frame) {
  if (const auto found = frame.variables.find(name); found != frame.variables.end()) return found->second;
  if (name == "inf") return Value(std::numeric_limits<double>::infinity());
  if (name == "nan") return Value(std::numeric_limits<double>::quiet_NaN());
  invalid("`" + printable(name, 60) + "` has no value here");
}

/// The dotted name that an expression is, if it begins with no variable: "torch.add"; empty for others.
std::string Machine::dotted(const Expr& expr, const Frame& frame) const {
  constexpr std::size_t kMostParts = 64;
  std::vector<std::string_view> parts;
  const Expr* at = &expr;
  for (; at->kind == ExprKind::attribute && parts.size() < kMostParts; at = at->items[0])
    parts.push_back(at->text);
  if (at->kind != ExprKind::name || frame.variables.contains(at->text)) return {};
  std::string name(at->text);
  for (std::size_t i = parts.size(); i-- > 0;) name.append(".").append(parts[i]);
  return name;
}

Value Machine::evaluate_attribute(const Expr& expr, Frame& frame) {
  if (const std::string name = dotted(expr, frame); !name.empty()) {
    if (name.starts_with("CONSTANTS.")) return constant(std::string_view(name).substr(10));
    if (const Function* function = find_function(name)) return Value(function);
    if (const Class* type = find_class(name)) return Value(type);
    invalid("`" + printable(name, 120) + "` is no value of the program");
  }
  const Value owner = evaluate(*expr.items[0], frame);
  if (owner.is(ValueKind::unknown)) return owner;
  if (owner.is(ValueKind::object)) return attribute(owner.object(), expr.text);
  if (owner.is(ValueKind::tuple) && owner.sequence().type != nullptr) {
    const auto& names = owner.sequence().type->attributes;
    for (std::size_t i = 0; i < names.size() && i < owner.sequence().items.size(); ++i)
      if (names[i].name == expr.text) return owner.sequence().items[i];
  }
  if (owner.is_tensor() || owner.is(ValueKind::device)) {
    Arguments arguments{{owner}, {}};
    return call_named("ops.prim." + std::string(expr.text), arguments, frame);
  }
  invalid(described(owner) + " has no attribute `" + printable(expr.text, 60) + "`");
}

Value Machine::evaluate_subscript(const Expr& expr, Frame& frame) {
  const Value owner = evaluate(*expr.items[0], frame);
  const Expr& at = *expr.items[1];
  if (owner.is(ValueKind::unknown)) return owner;
  if (at.kind != ExprKind::slice) {
    Arguments arguments{{owner, evaluate(at, frame)}, {}};
    return call_named("torch.__getitem__", arguments, frame);
  }
  Arguments arguments{{owner}, {}};
  for (const Expr* part : at.items)
    arguments.positional.push_back(part == nullptr ? Value() : evaluate(*part, frame));
  return call_named("torch.slice", arguments, frame);
}

Value Machine::evaluate_call(const Expr& expr, Frame& frame) {
  const Expr& callee = *expr.items[0];
  const std::string name = dotted(callee, frame);
  Value result;
  if (!name.empty() && evaluate_form(name, expr, frame, result)) return result;
  if (expr.items.size() > kMaxArguments) invalid("a call has too many arguments");

  // What is called comes before its arguments, so that layers come in the order in which they run.
  Value owner;
  std::string_view method;
  if (name.empty()) {
    if (callee.kind == ExprKind::attribute) {
      owner = evaluate(*callee.items[0], frame);
      method = callee.text;
    } else {
      owner = evaluate(callee, frame);
    }
  }
  Arguments arguments;
  for (const Expr* item : expr.items.subspan(1))
    if (item->kind == ExprKind::keyword)
      arguments.named.emplace_back(item->text, evaluate(*item->items[0], frame));
    else
      arguments.positional.push_back(evaluate(*item, frame));
  line_ = expr.line;
  if (!name.empty()) return call_named(name, arguments, frame);
  if (owner.is(ValueKind::unknown)) return owner;
  if (method.empty()) {
    if (owner.is(ValueKind::function)) return call_function(owner.function(), nullptr, std::move(arguments));
    if (owner.is(ValueKind::type)) return make_object(owner.type(), std::move(arguments));
    invalid("what is called is " + described(owner));
  }
  if (owner.is(ValueKind::object)) {
    Object* self = &owner.object();
    if (const Function* function = find_method(*self, method))
      return call_function(*function, self, std::move(arguments));
    const Value member = attribute(*self, method);
    if (member.is(ValueKind::function))
      return call_function(member.function(), nullptr, std::move(arguments));
    invalid("`" + printable(self->type->qualified, 120) + "` has no method `" + printable(method, 60) + "`");
  }
  // A method of a tensor, a list or a text is the operator of that name.
  arguments.positional.insert(arguments.positional.begin(), owner);
  return call_named("torch." + std::string(method), arguments, frame);
}

/// Calls whose first argument is a type, and the like; whether it is one.
bool Machine::evaluate_form(std::string_view name, const Expr& expr, Frame& frame, Value& result) {
  const std::size_t count = expr.items.size() - 1;
  if (name == "uninitialized") {
    result = {};
    return true;
  }
  if ((name == "annotate" || name == "unchecked_cast" || name == "ops.prim.unchecked_cast") && count == 2) {
    result = annotated(*expr.items[1], evaluate(*expr.items[2], frame));
    return true;
  }
  if (name == "isinstance" && count == 2) {
    result = Value(is_instance(evaluate(*expr.items[1], frame), *expr.items[2]));
    return true;
  }
  if (name == "getattr" && count >= 2) {
    const Value owner = evaluate(*expr.items[1], frame);
    const Value member = evaluate(*expr.items[2], frame);
    if (!owner.is(ValueKind::object) || !member.is(ValueKind::text))
      invalid("getattr takes an object and a name");
    result = attribute(owner.object(), member.text());
    return true;
  }
  if (name.ends_with(".__new__") && name.starts_with("__torch__.")) {
    const Class* type = find_class(name.substr(0, name.size() - 8));
    if (type == nullptr) invalid("the archive's code has no class `" + printable(name, 120) + "`");
    charge(16);
    result = heap_.object();
    result.object().type = type;
    return true;
  }
  return false;
}

/// annotate(T, x): x, or the number in it where T is one.
Value Machine::annotated(const Expr& type, const Value& value) {
  if (!value.is_tensor() || type.kind != ExprKind::name) return value;
  if (type.text == "number" || type.text == "int" || type.text == "float" || type.text == "bool") {
    const Value number = scalar(value, "a number");
    if (type.text == "int" && number.is(ValueKind::real)) return Value(integer(number, "a number"));
    if (type.text == "float") return Value(number.number());
    return number;
  }
  return value;
}

bool Machine::is_instance(const Value& value, const Expr& type) {
  if (type.kind == ExprKind::tuple || type.kind == ExprKind::list)
    return std::any_of(type.items.begin(), type.items.end(),
                       [&](const Expr* one) { return is_instance(value, *one); });
  const Expr& head = type.kind == ExprKind::subscript ? *type.items[0] : type;
  const std::string name = dotted(head, Frame{nullptr, nullptr, {}});
  if (name == "Tensor") return value.is_tensor();
  if (name == "int") return value.is(ValueKind::integer);
  if (name == "float") return value.is(ValueKind::real);
  if (name == "bool") return value.is(ValueKind::boolean);
  if (name == "number") return value.is_number();
  if (name == "str") return value.is(ValueKind::text);
  if (name == "NoneType" || name == "None") return value.is_none();
  if (name == "List" || name == "list") return value.is(ValueKind::list);
  if (name == "Tuple" || name == "tuple") return value.is(ValueKind::tuple);
  if (name == "Dict" || name == "dict") return value.is(ValueKind::dict);
  if (name == "Optional" && type.kind == ExprKind::subscript)
    return value.is_none() || is_instance(value, *type.items[1]);
  if (name.starts_with("__torch__.")) {
    const Class* wanted = find_class(name);
    if (value.is(ValueKind::object)) return value.object().type == wanted;
    if (value.is(ValueKind::tuple)) return wanted != nullptr && value.sequence().type == wanted;
    return false;
  }
  refuse(Kind::unsupported_feature, "isinstance asks for `" + printable(name, 60) + "`");
}

Value Machine::make_object(const Class& type, Arguments arguments) {
  if (type.base == "NamedTuple") {
    if (arguments.positional.size() != type.attributes.size())
      invalid("`" + printable(type.qualified, 120) + "` is made of other than its fields");
    return make_tuple(std::move(arguments.positional), &type);
  }
  charge(16);
  const Value made = heap_.object();
  made.object().type = &type;
  if (const Function* function = find_method(made.object(), "__init__"))
    (void)call_function(*function, &made.object(), std::move(arguments));
  return made;
}

Value Machine::call_named(const std::string& name, const Arguments& arguments, Frame& frame) {
  charge(1 + arguments.size());
  if (name.starts_with("__torch__.")) {
    if (const Function* function = find_function(name)) return call_function(*function, nullptr, arguments);
    if (const Class* type = find_class(name)) return make_object(*type, arguments);
    invalid("the archive's code has no `" + printable(name, 120) + "`");
  }
  const auto is_unknown = [](const Value& value) { return value.is(ValueKind::unknown); };
  if (std::any_of(arguments.positional.begin(), arguments.positional.end(), is_unknown))
    return Value::unknown();
  Value result;
  for (const auto find : {find_number_builtin, find_list_builtin, find_tensor_builtin})
    if (const Builtin builtin = find(name); builtin != nullptr && builtin(*this, arguments, result))
      return result;
  return call_operator(name, arguments, frame);
}

Value Machine::call_operator(const std::string& name, const Arguments& arguments, const Frame& frame) {
  Call call;
  std::string_view rest = name;
  if (rest.starts_with("torch.")) {
    call.op = "aten." + std::string(rest.substr(6));
  } else if (rest.starts_with("ops.")) {
    call.op = rest.substr(4);
  } else {
    refuse(Kind::unsupported_operator, "no reader knows the function `" + printable(name, 120) + "`");
  }
  for (const Value& value : arguments.positional) call.positional.push_back(to_item(value));
  for (const auto& [key, value] : arguments.named) call.named.emplace_back(std::string(key), to_item(value));
  const std::string_view op = rest.substr(rest.rfind('.') + 1);
  const std::string path = frame.module == nullptr ? "" : frame.module->path;
  const bool is_leaf = frame.module != nullptr && !path.empty() &&
                       std::none_of(frame.module->known.begin(), frame.module->known.end(),
                                    [](const auto& member) { return member.second.is(ValueKind::object); });
  call.layer = is_leaf ? path : path.empty() ? std::string(op) : path + "." + std::string(op);
  if (frame.function != nullptr) call.source = source(frame.function->file, line_);
  std::vector<Item> results = translator_.call(call);
  if (translator_.is_hopeless()) throw read::Refusal{};
  if (results.empty()) return {};
  if (results.size() == 1) return from_item(results[0]);
  std::vector<Value> values;
  for (const Item& item : results) values.push_back(from_item(item));
  return make_tuple(std::move(values));
}

}  // namespace nb::torch::script
