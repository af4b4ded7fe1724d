#include "read/torch/pte_operators.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "read/torch/numbers.h"
#include "read/torch/schema.h"
#include "read/torch/translator.h"
#include "read/translation.h"

namespace nb::torch {
namespace {

constexpr std::size_t kMaxNameBytes = 120;

/// "aten.add" of "aten::add".
std::string dotted(std::string_view name) {
  std::string text(name.substr(0, kMaxNameBytes));
  if (const std::size_t at = text.find("::"); at != std::string::npos) text.replace(at, 2, ".");
  return text;
}

[[noreturn]] void refuse(GraphBuilder& build, Kind kind, const std::string& message,
                         const std::string& help = {}) {
  (void)build.refuse(kind, message, help);
  throw read::Refusal{};
}

}  // namespace

PteReading pte_operator(const PteOperator& stored) {
  // Numbers that the program computes sizes with: how many arguments they take.
  constexpr std::array<std::pair<std::string_view, std::size_t>, 20> kNumbers = {
      {{"add", 2},  {"sub", 2},   {"mul", 2},   {"floordiv", 2},  {"truediv", 2}, {"mod", 2},     {"eq", 2},
       {"gt", 2},   {"lt", 2},    {"ge", 2},    {"le", 2},        {"sym_max", 2}, {"sym_min", 2}, {"neg", 1},
       {"ceil", 1}, {"round", 1}, {"trunc", 1}, {"sym_float", 1}, {"sym_int", 1}, {"sym_not", 1}}};
  constexpr std::string_view kPrims = "executorch_prim.";
  PteReading op{dotted(stored.name), std::string(stored.overload.substr(0, kMaxNameBytes))};
  if (op.overload.empty()) op.overload = "default";
  const auto is_as = [&](PteKind kind, std::size_t parameters) {
    op.kind = kind;
    op.parameters = parameters;
    return op;
  };
  if (op.name.starts_with(kPrims))
    for (const auto& [name, parameters] : kNumbers)
      if (std::string_view(op.name).substr(kPrims.size()) == name) return is_as(PteKind::numbers, parameters);
  if (op.name == "aten.sym_size") return is_as(PteKind::size, 2);
  if (op.name == "aten.sym_numel") return is_as(PteKind::elements, 1);
  if (op.name == "aten._local_scalar_dense") return is_as(PteKind::element, 1);
  if (op.name == "aten.sym_constrain_range" || op.name == "aten.sym_constrain_range_for_size")
    return is_as(PteKind::assertion, 0);
  if (!is_translated(op.name)) return op;
  for (const Schema& schema : find_schemas(op.name))
    if (schema.overload == op.overload) return is_as(PteKind::tensors, schema.parameters.size());
  return op;
}

Item number_of(Translator& translator, const PteReading& op, const std::vector<Item>& arguments) {
  GraphBuilder& build = translator.build();
  if (std::ranges::any_of(arguments, &Item::is_unknown)) return Item(Unknown{});
  if (op.kind == PteKind::numbers) {
    std::string fault;
    auto result = evaluated(op.name, arguments, fault);
    if (!fault.empty()) refuse(build, Kind::invalid_model, fault);
    if (!result) refuse(build, Kind::invalid_model, "its arguments are no numbers");
    return *std::move(result);
  }
  if (!arguments[0].is_tensor())
    refuse(build, Kind::invalid_model, "it takes a tensor, and gets " + arguments[0].described());
  const ValueId id = translator.current(arguments[0].tensor());
  const Type& type = build.type(id);
  if (op.kind == PteKind::elements) return Item(type.elements());
  if (op.kind == PteKind::size) {
    if (!arguments[1].is_int()) refuse(build, Kind::invalid_model, "the axis is " + arguments[1].described());
    std::int64_t axis = arguments[1].integer();
    if (axis < 0) axis += type.rank();
    if (axis < 0 || axis >= type.rank())
      refuse(build, Kind::invalid_model,
             "axis " + std::to_string(arguments[1].integer()) + " of a tensor of rank " +
                 std::to_string(type.rank()));
    return Item(type.shape[static_cast<std::size_t>(axis)]);
  }
  if (!build.is_constant(id))
    refuse(build, Kind::dynamic_shape, "the program computes with a number that is known only at run time",
           "keep it a tensor, in place of .item()");
  if (type.elements() != 1)
    refuse(build, Kind::invalid_model, "it takes one element of a tensor of " + shape_text(type.shape));
  if (is_float(type.dtype)) {
    const auto value = build.doubles(id, "a number");
    if (!value) throw read::Refusal{};
    return Item(value->front());
  }
  const auto value = build.ints(id, "a number");
  if (!value) throw read::Refusal{};
  return type.dtype == DType::boolean ? Item(value->front() != 0) : Item(value->front());
}

}  // namespace nb::torch
