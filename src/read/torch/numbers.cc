#include "read/torch/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nb::torch {
namespace {

constexpr double kLargest = 9007199254740992.0;  // 2^53: beyond it doubles skip integers

std::optional<Item> integer_of(double value, std::string& fault) {
  if (!(std::abs(value) <= kLargest)) {
    fault = "its result is no integer below 2^53";
    return Item();
  }
  return Item(static_cast<std::int64_t>(value));
}

/// An integer result where no overflow occurs.
template <class F>
std::optional<Item> arithmetic(const Item& a, const Item& b, F overflows, double real, std::string& fault) {
  if (a.is_float() || b.is_float()) return Item(real);
  std::int64_t result = 0;
  if (overflows(a.integer(), b.integer(), &result)) fault = "its result is beyond 2^63";
  return Item(result);
}

std::optional<Item> quotient(std::string_view op, const Item& a, const Item& b, std::string& fault) {
  if (b.number() == 0) {
    fault = "it divides by 0";
    return Item();
  }
  if (op == "truediv") return Item(a.number() / b.number());
  if (a.is_float() || b.is_float()) {
    const double whole = std::floor(a.number() / b.number());
    return Item(op == "floordiv" ? whole : a.number() - whole * b.number());
  }
  const std::int64_t x = a.integer(), y = b.integer();
  if (y == -1) return Item(op == "floordiv" && x != INT64_MIN ? -x : std::int64_t{0});
  return Item(op == "floordiv" ? floor_divided(x, y) : floor_remainder(x, y));
}

std::optional<Item> of_two(std::string_view op, const Item& a, const Item& b, std::string& fault) {
  const double x = a.number(), y = b.number();
  const bool is_real = a.is_float() || b.is_float();
  const auto compare = [&](auto relation) {
    return Item(is_real ? relation(x, y) : relation(a.integer(), b.integer()));
  };
  const auto add = [](std::int64_t p, std::int64_t q, std::int64_t* r) {
    return __builtin_add_overflow(p, q, r);
  };
  const auto sub = [](std::int64_t p, std::int64_t q, std::int64_t* r) {
    return __builtin_sub_overflow(p, q, r);
  };
  const auto mul = [](std::int64_t p, std::int64_t q, std::int64_t* r) {
    return __builtin_mul_overflow(p, q, r);
  };
  if (op == "add") return arithmetic(a, b, add, x + y, fault);
  if (op == "sub") return arithmetic(a, b, sub, x - y, fault);
  if (op == "mul") return arithmetic(a, b, mul, x * y, fault);
  if (op == "truediv" || op == "floordiv" || op == "mod") return quotient(op, a, b, fault);
  if (op == "pow")
    return is_real || y < 0 ? std::optional(Item(std::pow(x, y))) : integer_of(std::pow(x, y), fault);
  if (op == "sym_max" || op == "max") return x < y ? b : a;
  if (op == "sym_min" || op == "min") return y < x ? b : a;
  if (op == "eq") return compare(std::equal_to<>());
  if (op == "ne") return compare(std::not_equal_to<>());
  if (op == "lt") return compare(std::less<>());
  if (op == "le") return compare(std::less_equal<>());
  if (op == "gt") return compare(std::greater<>());
  if (op == "ge") return compare(std::greater_equal<>());
  if (op == "and_") return Item(a.integer() != 0 && b.integer() != 0);
  if (op == "or_") return Item(a.integer() != 0 || b.integer() != 0);
  return std::nullopt;
}

std::optional<Item> of_one(std::string_view op, const Item& a, std::string& fault) {
  const double x = a.number();
  if (op == "neg") return a.is_float() ? Item(-x) : Item(-a.integer());
  if (op == "pos") return a;
  if (op == "abs") return a.is_float() ? Item(std::abs(x)) : Item(std::abs(a.integer()));
  if (op == "sym_not" || op == "not_") return Item(x == 0);
  if (op == "sym_float") return Item(x);
  if (op == "sqrt" || op == "_sym_sqrt") return Item(std::sqrt(x));
  if (op == "trunc" || op == "sym_int") return integer_of(std::trunc(x), fault);
  if (op == "floor") return integer_of(std::floor(x), fault);
  if (op == "ceil") return integer_of(std::ceil(x), fault);
  if (op == "round") return integer_of(std::nearbyint(x), fault);
  return std::nullopt;
}

}  // namespace

std::int64_t floor_divided(std::int64_t x, std::int64_t y) {
  const std::int64_t quotient = x / y;
  return x % y != 0 && (x < 0) != (y < 0) ? quotient - 1 : quotient;
}

std::int64_t floor_remainder(std::int64_t x, std::int64_t y) {
  const std::int64_t rest = x % y;
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

std::optional<Item> evaluated(std::string_view op, std::span<const Item> arguments, std::string& fault) {
  constexpr std::array<std::string_view, 5> kNamespaces = {"_operator.", "math.", "torch.", "builtins.",
                                                           "executorch_prim."};
  const auto prefix =
      std::ranges::find_if(kNamespaces, [&](std::string_view p) { return op.starts_with(p); });
  if (prefix == kNamespaces.end()) return std::nullopt;
  op.remove_prefix(prefix->size());
  if (op == "getitem" && arguments.size() == 2 && arguments[0].is_list() && arguments[1].is_int()) {
    const auto& list = arguments[0].list();
    const std::int64_t size = static_cast<std::int64_t>(list.size()), i = arguments[1].integer();
    if (i < -size || i >= size) {
      fault = "element " + std::to_string(i) + " is outside a list of " + std::to_string(size);
      return Item();
    }
    return list[static_cast<std::size_t>(i < 0 ? i + size : i)];
  }
  if (!std::ranges::all_of(arguments, &Item::is_number)) return std::nullopt;
  if (arguments.size() == 2) return of_two(op, arguments[0], arguments[1], fault);
  if (arguments.size() == 1) return of_one(op, arguments[0], fault);
  return std::nullopt;
}

}  // namespace nb::torch
