#include "read/torch/layer.h"

#include <algorithm>

#include "base/text.h"
#include "read/dtypes.h"

namespace nb::torch {
namespace {
const Item kNone;
}  // namespace

Layer::Layer(GraphBuilder& builder, const Call& call, const OperatorRow& row, const Schema& schema,
             std::vector<Item> arguments)
    : Translation(builder, call.layer, call.op, call.source),
      row_(row),
      schema_(schema),
      arguments_(std::move(arguments)) {}

bool Layer::takes(std::string_view parameter) const {
  return std::ranges::find(schema_.parameters, parameter, &Parameter::name) != schema_.parameters.end();
}

const Item& Layer::item(std::string_view parameter) const {
  const auto found = std::ranges::find(schema_.parameters, parameter, &Parameter::name);
  if (found == schema_.parameters.end()) return kNone;
  return arguments_[static_cast<std::size_t>(found - schema_.parameters.begin())];
}

bool Layer::has(std::string_view parameter) const { return !item(parameter).is_none(); }

ValueId Layer::tensor(std::string_view parameter) {
  const Item& given = item(parameter);
  if (given.is_tensor()) return given.tensor();
  if (!given.is_number())
    invalid("`" + std::string(parameter) + "` is " + given.described() + " instead of a tensor");
  if (given.is_float()) return scalar(*this, given.number());
  return read::ints(*this, {given.integer()}, {}, given.is_bool() ? DType::boolean : DType::i64);
}

ValueId Layer::optional_tensor(std::string_view parameter) {
  return has(parameter) ? tensor(parameter) : ValueId();
}

std::vector<ValueId> Layer::tensors(std::string_view parameter) {
  const Item& given = item(parameter);
  if (!given.is_list())
    invalid("`" + std::string(parameter) + "` is " + given.described() + " instead of a list of tensors");
  std::vector<ValueId> ids;
  for (const Item& element : given.list()) {
    if (!element.is_tensor())
      invalid("`" + std::string(parameter) + "` holds " + element.described() + " instead of a tensor");
    ids.push_back(element.tensor());
  }
  return ids;
}

std::int64_t Layer::integer(std::string_view parameter) {
  const Item& given = item(parameter);
  if (given.is_tensor()) return one_int(given.tensor(), parameter);
  if (!given.is_int() && !given.is_bool())
    invalid("`" + std::string(parameter) + "` is " + given.described() + " instead of an integer");
  return given.integer();
}
std::int64_t Layer::integer(std::string_view parameter, std::int64_t fallback) {
  return has(parameter) ? integer(parameter) : fallback;
}

bool Layer::flag(std::string_view parameter, bool fallback) {
  if (!has(parameter)) return fallback;
  return integer(parameter) != 0;
}

double Layer::real(std::string_view parameter) {
  const Item& given = item(parameter);
  if (given.is_tensor()) return one_double(given.tensor(), parameter);
  if (!given.is_number())
    invalid("`" + std::string(parameter) + "` is " + given.described() + " instead of a number");
  return given.number();
}
double Layer::real(std::string_view parameter, double fallback) {
  return has(parameter) ? real(parameter) : fallback;
}

std::string Layer::text(std::string_view parameter, std::string_view fallback) {
  const Item& given = item(parameter);
  if (given.is_none()) return std::string(fallback);
  if (!given.is_text())
    invalid("`" + std::string(parameter) + "` is " + given.described() + " instead of a text");
  return given.text();
}

Ints Layer::integers(std::string_view parameter) {
  const Item& given = item(parameter);
  if (!given.is_list())
    invalid("`" + std::string(parameter) + "` is " + given.described() + " instead of a list of integers");
  Ints values;
  for (const Item& element : given.list()) {
    if (element.is_tensor()) {
      values.push_back(one_int(element.tensor(), parameter));
      continue;
    }
    if (!element.is_int() && !element.is_bool())
      invalid("`" + std::string(parameter) + "` holds " + element.described() + " instead of an integer");
    values.push_back(element.integer());
  }
  return values;
}
Ints Layer::integers(std::string_view parameter, const Ints& fallback) {
  return has(parameter) ? integers(parameter) : fallback;
}

std::optional<DType> Layer::element_type(std::string_view parameter) {
  if (!has(parameter)) return std::nullopt;
  const std::int64_t number = integer(parameter);
  const auto dtype = dtype_of_scalar_type(number);
  if (!dtype) unsupported("`" + std::string(parameter) + "` is scalar type " + std::to_string(number));
  if (computed_dtype(*dtype) != *dtype && *dtype != DType::f64)
    build.remark(Kind::remark, std::string(dtype_name(*dtype)) + " values are computed as f32");
  return computed_dtype(*dtype);
}

namespace {

/// bool < integers < floats.
int category(DType dtype) { return is_float(dtype) ? 2 : dtype == DType::boolean ? 0 : 1; }

/// The dtype that holds both, of one category (u8 beside a signed integer: the next wider signed one).
DType wider(DType a, DType b) {
  if (a == b) return a;
  if (category(a) != category(b)) return category(a) > category(b) ? a : b;
  if (is_float(a)) return DType::f32;
  const auto is_unsigned = [](DType t) {
    return t == DType::u8 || t == DType::u16 || t == DType::u32 || t == DType::u64;
  };
  if (is_unsigned(a) == is_unsigned(b)) return dtype_bytes(a) > dtype_bytes(b) ? a : b;
  const DType plain = is_unsigned(a) ? a : b, other = is_unsigned(a) ? b : a;
  if (dtype_bytes(other) > dtype_bytes(plain)) return other;
  return plain == DType::u8 ? DType::i16 : plain == DType::u16 ? DType::i32 : DType::i64;
}

/// An operand's dtype and how much it weighs: 2 a tensor with axes, 1 one without, 0 a number.
struct Weighed {
  DType dtype;
  int weight;
};
Weighed weighed(Layer& l, std::string_view parameter) {
  const Item& item = l.item(parameter);
  if (!item.is_tensor())
    return {item.is_float() ? DType::f32 : item.is_bool() ? DType::boolean : DType::i64, 0};
  return {l.dtype(item.tensor()), l.rank(item.tensor()) > 0 ? 2 : 1};
}

DType promoted_dtype(const Weighed& a, const Weighed& b) {
  if (a.weight == b.weight) return wider(a.dtype, b.dtype);
  const Weighed &heavy = a.weight > b.weight ? a : b, &light = a.weight > b.weight ? b : a;
  return category(light.dtype) > category(heavy.dtype) ? light.dtype : heavy.dtype;
}

}  // namespace

Promoted promoted(Layer& l, std::string_view a, std::string_view b) {
  const DType dtype = promoted_dtype(weighed(l, a), weighed(l, b));
  const auto operand = [&](std::string_view parameter) {
    const Item& item = l.item(parameter);
    if (item.is_number() && is_float(dtype)) return scalar(l, item.number());
    return cast(l, l.tensor(parameter), dtype);
  };
  return {operand(a), operand(b)};
}

}  // namespace nb::torch
