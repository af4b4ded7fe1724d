// Functions of numbers and texts, as TorchScript's code calls them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "read/torch/numbers.h"
#include "read/torch/script/machine.h"

namespace nb::torch::script {
namespace {

bool has_numbers(const Arguments& a, std::size_t count) {
  return a.size() == count &&
         std::all_of(a.positional.begin(), a.positional.end(), [](const Value& v) { return v.is_number(); });
}
bool are_whole(const Arguments& a) {
  return std::all_of(a.positional.begin(), a.positional.end(), [](const Value& v) { return v.is_whole(); });
}

enum class Arithmetic : std::uint8_t { add, sub, mul, div, floordiv, remainder, pow, min, max, atan2 };

template <Arithmetic kKind>
bool arithmetic(Machine& m, const Arguments& a, Value& result) {
  if (!has_numbers(a, 2)) return false;
  const Value &x = a.positional[0], &y = a.positional[1];
  const bool is_division =
      kKind == Arithmetic::div || kKind == Arithmetic::floordiv || kKind == Arithmetic::remainder;
  if (is_division && y.number() == 0) m.invalid("a number is divided by zero");
  if (are_whole(a) && kKind != Arithmetic::div && kKind != Arithmetic::atan2) {
    const std::int64_t i = x.integer(), j = y.integer();
    std::int64_t n = 0;
    bool overflows = false;
    switch (kKind) {
      case Arithmetic::add:
        overflows = __builtin_add_overflow(i, j, &n);
        break;
      case Arithmetic::sub:
        overflows = __builtin_sub_overflow(i, j, &n);
        break;
      case Arithmetic::mul:
        overflows = __builtin_mul_overflow(i, j, &n);
        break;
      case Arithmetic::floordiv:
      case Arithmetic::remainder:
        overflows = i == std::numeric_limits<std::int64_t>::min() && j == -1;
        if (!overflows) n = kKind == Arithmetic::floordiv ? floor_divided(i, j) : floor_remainder(i, j);
        break;
      case Arithmetic::min:
        n = std::min(i, j);
        break;
      case Arithmetic::max:
        n = std::max(i, j);
        break;
      case Arithmetic::pow: {
        if (j < 0) {
          result = Value(std::pow(static_cast<double>(i), static_cast<double>(j)));
          return true;
        }
        n = 1;
        for (std::int64_t k = 0; k < j && !overflows && (i != 1 && i != 0 && i != -1); ++k)
          overflows = __builtin_mul_overflow(n, i, &n);
        if (i == 0 && j > 0) n = 0;
        if (i == -1 && j % 2 != 0) n = -1;
        break;
      }
      default:
        return false;
    }
    if (overflows) m.invalid("an integer of the program leaves 64 bits");
    result = Value(n);
    return true;
  }
  const double f = x.number(), g = y.number();
  double n = 0;
  switch (kKind) {
    case Arithmetic::add:
      n = f + g;
      break;
    case Arithmetic::sub:
      n = f - g;
      break;
    case Arithmetic::mul:
      n = f * g;
      break;
    case Arithmetic::div:
      n = f / g;
      break;
    case Arithmetic::floordiv:
      n = std::floor(f / g);
      break;
    case Arithmetic::remainder:
      n = f - std::floor(f / g) * g;
      break;
    case Arithmetic::pow:
      n = std::pow(f, g);
      break;
    case Arithmetic::min:
      n = std::min(f, g);
      break;
    case Arithmetic::max:
      n = std::max(f, g);
      break;
    case Arithmetic::atan2:
      n = std::atan2(f, g);
      break;
  }
  result = Value(n);
  return true;
}

template <char kSign>  // '<', '>', 'l' less or equal, 'g' greater or equal
bool compare(Machine&, const Arguments& a, Value& result) {
  if (a.size() != 2) return false;
  const Value &x = a.positional[0], &y = a.positional[1];
  int order = 0;
  if (x.is_whole() && y.is_whole()) {
    order = x.integer() < y.integer() ? -1 : x.integer() > y.integer() ? 1 : 0;
  } else if (x.is_number() && y.is_number()) {
    if (std::isnan(x.number()) || std::isnan(y.number())) {
      result = Value(false);
      return true;
    }
    order = x.number() < y.number() ? -1 : x.number() > y.number() ? 1 : 0;
  } else if (x.is(ValueKind::text) && y.is(ValueKind::text)) {
    order = x.text().compare(y.text());
  } else {
    return false;
  }
  result = Value(kSign == '<'   ? order < 0
                 : kSign == '>' ? order > 0
                 : kSign == 'l' ? order <= 0
                                : order >= 0);
  return true;
}

template <bool kIsEqual>
bool equal(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 2 || a.positional[0].is_tensor() || a.positional[1].is_tensor()) return false;
  result = Value(m.equals(a.positional[0], a.positional[1]) == kIsEqual);
  return true;
}

template <bool kIsSame>
bool same(Machine&, const Arguments& a, Value& result) {
  if (a.size() != 2) return false;
  const Value &x = a.positional[0], &y = a.positional[1];
  const bool is_same =
      x.kind() == y.kind() && (x.is_none() || (x.is_tensor()   ? x.tensor() == y.tensor()
                                               : x.is_number() ? x.number() == y.number()
                                                               : x.reference() == y.reference()));
  result = Value(is_same == kIsSame);
  return true;
}

bool negate(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  result = Value(!m.truth(a.positional[0], "an operand of `not`"));
  return true;
}

template <char kSign>
bool bits(Machine&, const Arguments& a, Value& result) {
  if (!has_numbers(a, 2) || !are_whole(a)) return false;
  const Value &x = a.positional[0], &y = a.positional[1];
  const auto i = static_cast<std::uint64_t>(x.integer()), j = static_cast<std::uint64_t>(y.integer());
  if ((kSign == '<' || kSign == '>') && j > 63) return false;
  const std::uint64_t n = kSign == '&'   ? i & j
                          : kSign == '|' ? i | j
                          : kSign == '^' ? i ^ j
                          : kSign == '<' ? i << j
                                         : static_cast<std::uint64_t>(x.integer() >> j);
  const bool is_bool = x.is(ValueKind::boolean) && y.is(ValueKind::boolean) && kSign != '<' && kSign != '>';
  result = is_bool ? Value(n != 0) : Value(static_cast<std::int64_t>(n));
  return true;
}

template <double (*kFunction)(double)>
bool real(Machine&, const Arguments& a, Value& result) {
  if (!has_numbers(a, 1)) return false;
  result = Value(kFunction(a.positional[0].number()));
  return true;
}

/// ceil, floor and the like of a number are integers.
template <double (*kFunction)(double)>
bool whole(Machine& m, const Arguments& a, Value& result) {
  if (!has_numbers(a, 1)) return false;
  const Value& x = a.positional[0];
  result =
      x.is_whole() ? Value(x.integer()) : Value(m.integer(Value(kFunction(x.number())), "a rounded number"));
  return true;
}

bool neg(Machine& m, const Arguments& a, Value& result) {
  if (!has_numbers(a, 1)) return false;
  const Value& x = a.positional[0];
  if (x.is_whole() && x.integer() == std::numeric_limits<std::int64_t>::min())
    m.invalid("an integer of the program leaves 64 bits");
  result = x.is_whole() ? Value(-x.integer()) : Value(-x.number());
  return true;
}

bool absolute(Machine& m, const Arguments& a, Value& result) {
  if (!has_numbers(a, 1)) return false;
  const Value& x = a.positional[0];
  if (x.is(ValueKind::real)) {
    result = Value(std::abs(x.number()));
    return true;
  }
  if (x.integer() >= 0) {
    result = Value(x.integer());
    return true;
  }
  return neg(m, a, result);
}

bool to_int(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  if (a.positional[0].is(ValueKind::text)) return false;
  result = Value(m.integer(a.positional[0], "an integer"));
  return true;
}
bool to_float(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  if (a.positional[0].is(ValueKind::text)) {
    const std::string& text = a.positional[0].text();
    if (text != "inf" && text != "-inf" && text != "nan") return false;
    result = Value(text == "nan"   ? std::numeric_limits<double>::quiet_NaN()
                   : text == "inf" ? std::numeric_limits<double>::infinity()
                                   : -std::numeric_limits<double>::infinity());
    return true;
  }
  result = Value(m.scalar(a.positional[0], "a number").number());
  return true;
}
bool to_bool(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  result = Value(m.truth(a.positional[0], "a condition"));
  return true;
}
bool item(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  result = m.scalar(a.positional[0], "a number");
  return true;
}
bool to_text(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  result = m.make_text(m.text_of(a.positional[0]));
  return true;
}

/// Each `{}` of the text is the next argument.
bool format(Machine& m, const Arguments& a, Value& result) {
  if (a.size() == 0 || !a.positional[0].is(ValueKind::text)) return false;
  std::string text;
  std::size_t next = 1;
  const std::string& pattern = a.positional[0].text();
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] == '{' && i + 1 < pattern.size() && pattern[i + 1] == '}' && next < a.size()) {
      text += m.text_of(a.positional[next++]);
      m.charge(text.size() / 8);
      ++i;
    } else {
      text += pattern[i];
    }
  result = m.make_text(std::move(text));
  return true;
}

bool raise(Machine& m, const Arguments& a, Value&) {
  m.invalid("the model raises an error" +
            (a.size() == 0 ? "" : ": " + printable(m.text_of(a.positional[0]))));
}

/// Of what a loop counts in.
bool range_length(Machine& m, const Arguments& a, Value& result) {
  if (!has_numbers(a, 3) || !are_whole(a)) return false;
  const std::int64_t low = a.positional[0].integer(), high = a.positional[1].integer(),
                     step = a.positional[2].integer();
  std::int64_t span = 0;
  if (step == 0 || step == std::numeric_limits<std::int64_t>::min() ||
      __builtin_sub_overflow(high, low, &span))
    m.invalid("a range has no length");
  const bool is_empty = step > 0 ? span <= 0 : span >= 0;
  result =
      Value(is_empty ? std::int64_t{0} : 1 + (step > 0 ? span - 1 : -(span + 1)) / (step > 0 ? step : -step));
  return true;
}
bool derive_index(Machine& m, const Arguments& a, Value& result) {
  if (!has_numbers(a, 3) || !are_whole(a)) return false;
  std::int64_t n = 0;
  if (__builtin_mul_overflow(a.positional[0].integer(), a.positional[2].integer(), &n) ||
      __builtin_add_overflow(a.positional[1].integer(), n, &n))
    m.invalid("an integer of the program leaves 64 bits");
  result = Value(n);
  return true;
}

bool nothing(Machine&, const Arguments&, Value& result) {
  result = {};
  return true;
}
template <bool kValue>
bool always(Machine&, const Arguments&, Value& result) {
  result = Value(kValue);
  return true;
}

double rounded_even(double x) { return std::nearbyint(x); }

struct Row {
  std::string_view name;
  Builtin function;
};
constexpr Row kRows[] = {
    {"torch.add", arithmetic<Arithmetic::add>},
    {"torch.sub", arithmetic<Arithmetic::sub>},
    {"torch.mul", arithmetic<Arithmetic::mul>},
    {"torch.div", arithmetic<Arithmetic::div>},
    {"torch.floordiv", arithmetic<Arithmetic::floordiv>},
    {"torch.floor_divide", arithmetic<Arithmetic::floordiv>},
    {"torch.remainder", arithmetic<Arithmetic::remainder>},
    {"torch.pow", arithmetic<Arithmetic::pow>},
    {"torch.atan2", arithmetic<Arithmetic::atan2>},
    {"ops.prim.min", arithmetic<Arithmetic::min>},
    {"ops.prim.max", arithmetic<Arithmetic::max>},
    {"torch.lt", compare<'<'>},
    {"torch.gt", compare<'>'>},
    {"torch.le", compare<'l'>},
    {"torch.ge", compare<'g'>},
    {"torch.eq", equal<true>},
    {"torch.ne", equal<false>},
    {"torch.__is__", same<true>},
    {"torch.__isnot__", same<false>},
    {"torch.__not__", negate},
    {"torch.__and__", bits<'&'>},
    {"torch.__or__", bits<'|'>},
    {"torch.__xor__", bits<'^'>},
    {"torch.__lshift__", bits<'<'>},
    {"torch.__rshift__", bits<'>'>},
    {"torch.neg", neg},
    {"torch.abs", absolute},
    {"ops.prim.abs", absolute},
    {"abs", absolute},
    {"torch.ceil", whole<std::ceil>},
    {"torch.floor", whole<std::floor>},
    {"torch.round", real<rounded_even>},
    {"torch.trunc", real<std::trunc>},
    {"torch.sqrt", real<std::sqrt>},
    {"torch.exp", real<std::exp>},
    {"torch.expm1", real<std::expm1>},
    {"torch.log", real<std::log>},
    {"torch.log1p", real<std::log1p>},
    {"torch.log2", real<std::log2>},
    {"torch.log10", real<std::log10>},
    {"torch.sin", real<std::sin>},
    {"torch.cos", real<std::cos>},
    {"torch.tan", real<std::tan>},
    {"torch.asin", real<std::asin>},
    {"torch.acos", real<std::acos>},
    {"torch.atan", real<std::atan>},
    {"torch.sinh", real<std::sinh>},
    {"torch.cosh", real<std::cosh>},
    {"torch.tanh", real<std::tanh>},
    {"int", to_int},
    {"torch.Int", to_int},
    {"torch.IntImplicit", to_int},
    {"float", to_float},
    {"torch.Float", to_float},
    {"torch.FloatImplicit", to_float},
    {"bool", to_bool},
    {"torch.Bool", to_bool},
    {"torch.item", item},
    {"torch.ScalarImplicit", item},
    {"str", to_text},
    {"torch.str", to_text},
    {"torch.format", format},
    {"ops.prim.RaiseException", raise},
    {"torch.__range_length", range_length},
    {"torch.__derive_index", derive_index},
    {"torch.warn", nothing},
    {"ops.prim.Print", nothing},
    {"print", nothing},
    {"torch._assert_tensor_metadata", nothing},
    {"torch.is_scripting", always<true>},
    {"ops.prim.is_scripting", always<true>},
    {"torch.is_grad_enabled", always<false>},
    {"torch._get_tracing_state", always<false>},
    {"torch.is_autocast_enabled", always<false>},
    {"torch.is_autocast_cpu_enabled", always<false>},
    {"ops.prim.AutogradAnyNonZero", always<false>},
};

}  // namespace

Builtin find_number_builtin(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.function;
  return nullptr;
}

}  // namespace nb::torch::script
