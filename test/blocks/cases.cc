#include "test/blocks/cases.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace nb::test {
namespace {

/// A pseudo-random sequence that is the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1dULL >> 16;
  }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }

 private:
  std::uint64_t state_;
};

/// What an operand's integers may be; those of 8 and 16 bits take their whole range unless it means
/// positions.
struct Range {
  std::int64_t low, high;
};

Range integer_range(const Block& block, const Operand& operand, const Type& type, bool is_constant) {
  if (operand.name == "indices") return {0, 1};
  if (operand.name == "lengths") return {1, 2};
  if (block.name.starts_with("shift") && operand.name == "b") return {0, 7};
  const bool is_unsigned = type.dtype == DType::u8 || type.dtype == DType::u16 || type.dtype == DType::u32 ||
                           type.dtype == DType::u64;
  if (type.dtype == DType::boolean) return {0, 1};
  if (dtype_bytes(type.dtype) <= 2) {
    const std::int64_t count = std::int64_t{1} << (8 * dtype_bytes(type.dtype));
    // Weights are symmetric: the lowest value is not one of them.
    if (is_constant && !is_unsigned) return {1 - count / 2, count / 2 - 1};
    return is_unsigned ? Range{0, count - 1} : Range{-count / 2, count / 2 - 1};
  }
  if (is_constant) return {-2000, 2000};
  return is_unsigned ? Range{0, 9} : Range{-9, 9};
}

/// Splits "a=1, b=[2,3], c=x" at the commas outside brackets.
std::vector<std::string> split_attributes(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::optional<std::string> read_sample(Case& c) {
  c.attributes = c.block->attributes.make();
  if (!c.sample->attributes.empty())
    for (const std::string& part : split_attributes(c.sample->attributes)) {
      const std::size_t equals = part.find('=');
      if (equals == std::string::npos ||
          !c.block->attributes.set(c.attributes, trim(std::string_view(part).substr(0, equals)),
                                   trim(std::string_view(part).substr(equals + 1))))
        return "attribute `" + part + "` cannot be read";
    }
  for (std::string_view text : split(c.sample->inputs, ';')) {
    text = trim(text);
    const bool is_constant = text.starts_with("const ");
    if (is_constant) text = trim(text.substr(6));
    c.in.emplace_back();
    c.constants.emplace_back();
    if (text.empty()) continue;
    c.in.back() = parse_type(text);
    if (!c.in.back()) return "operand `" + std::string(text) + "` cannot be read";
    if (is_constant) {
      c.constants.back() = std::make_shared<const Bytes>();  // so that values() knows
      c.constants.back() = std::make_shared<const Bytes>(c.values(c.in.size() - 1, 0));
    }
  }
  return std::nullopt;
}

template <class T>
bool is_near(T expected, T actual, double largest) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) && std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual)) return expected == actual;
  return std::abs(static_cast<double>(expected) - static_cast<double>(actual)) <=
         2e-5 * std::abs(static_cast<double>(expected)) + 2e-6 * largest;
}

}  // namespace

Operation Case::operation() const {
  Operation op{block, &attributes, {}, {}, {}, name};
  for (std::size_t i = 0; i < in.size(); ++i) {
    op.in.push_back(in[i] ? &*in[i] : nullptr);
    op.data.push_back(constants[i].get());
  }
  for (const Type& type : out) op.out.push_back(&type);
  op.rounding = rounding;
  return op;
}

bool Case::is_quantized() const {
  const auto is_it = [](const Type& type) { return type.is_quantized(); };
  return std::any_of(in.begin(), in.end(), [&](const auto& type) { return type && is_it(*type); }) ||
         std::any_of(out.begin(), out.end(), is_it);
}

Bytes Case::values(std::size_t i, int run) const {
  if (constants[i] && !constants[i]->empty()) return *constants[i];
  const Type& type = *in[i];
  const Operand& operand = block->inputs[std::min(i, block->inputs.size() - 1)];
  Tensor tensor = make_tensor(type);
  Random random(hash_bytes(as_byte_span(name)) + i * 7919 + static_cast<std::uint64_t>(run) * 104729);
  const Range range = integer_range(*block, operand, type, constants[i] != nullptr);
  visit_dtype(type.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::size_t n = 0;
    for (T& value : tensor.as<T>()) {
      ++n;
      if constexpr (std::is_floating_point_v<T>) {
        static constexpr double kSpecial[] = {0.0, 1.0, -1.0, 0.5, 10.0, -10.0, 2.5};
        value = n % 6 == 5 ? static_cast<T>(kSpecial[random.between(0, 6)])
                           : static_cast<T>(random.between(-2000, 2000)) / static_cast<T>(1000);
        if (operand.name == "variance") value = std::abs(value) + T{1} / T{8};
      } else if (type.dtype == DType::f16) {
        value = static_cast<T>(float_to_half(static_cast<float>(random.between(-2000, 2000)) / 1000.0f));
      } else if (type.dtype == DType::bf16) {
        value = static_cast<T>(0x3f80 + random.between(0, 64));  // 1 to 1.5
      } else {
        const std::int64_t pick = n % 7 == 6 ? random.between(0, 1) == 0 ? range.low : range.high
                                             : random.between(range.low, range.high);
        value = static_cast<T>(pick);
      }
    }
  });
  return std::move(tensor.data);
}

std::vector<Tensor> Case::expected(int run) const {
  const Operation op = operation();
  std::vector<Bytes> data(in.size());
  std::vector<TensorView> views(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!in[i]) continue;
    data[i] = block->inputs[std::min(i, block->inputs.size() - 1)].is_state ? values(i, 0) : values(i, run);
    views[i] = {&*in[i], data[i].data()};
  }
  return evaluate(op, views);
}

std::vector<Case> cases_of(const Block& block, std::vector<std::string>& faults) {
  std::vector<Case> cases;
  for (std::size_t n = 0; n < block.samples.size(); ++n) {
    Case c{.block = &block, .sample = &block.samples[n], .name = block.name + " " + std::to_string(n)};
    const auto fail = [&](const std::string& why) { faults.push_back(c.name + ": " + why); };
    if (const auto why = read_sample(c)) {
      fail(*why);
      continue;
    }
    const auto types = infer_types(c.operation());
    if (!c.sample->fault.empty()) {
      if (types)
        fail("is taken, where " + std::string(c.sample->fault) + " is due");
      else if (row_of(types.fault().kind).name != c.sample->fault)
        fail("is refused with " + std::string(row_of(types.fault().kind).name) + ", not " +
             std::string(c.sample->fault));
      continue;
    }
    if (!types) {
      fail("is refused: " + types.fault().message);
      continue;
    }
    c.out = *types;
    if (!c.sample->outputs.empty()) {
      const auto texts = split(c.sample->outputs, ';');
      for (std::size_t i = 0; i < c.out.size() && i < texts.size(); ++i) {
        const auto type = parse_type(trim(texts[i]));
        if (!type || type->dtype != c.out[i].dtype || type->shape != c.out[i].shape)
          fail("output " + std::to_string(i) + " is " + type_text(c.out[i]) + ", not " +
               std::string(texts[i]));
        else
          c.out[i] = *type;
      }
    }
    cases.push_back(std::move(c));
  }
  return cases;
}

std::string difference(const Tensor& expected, const Tensor& actual) {
  if (expected.data.size() != actual.data.size())
    return std::to_string(actual.data.size()) + " bytes, not " + std::to_string(expected.data.size());
  std::string text;
  visit_dtype(expected.type.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto wanted = expected.as<T>();
    const auto found = actual.as<T>();
    double largest = 0;
    for (const T value : wanted)
      if (std::is_floating_point_v<T> && std::isfinite(static_cast<double>(value)))
        largest = std::max(largest, std::abs(static_cast<double>(value)));
    for (std::size_t i = 0; i < wanted.size() && text.empty(); ++i) {
      bool is_equal = wanted[i] == found[i];
      if constexpr (std::is_floating_point_v<T>) is_equal = is_near(wanted[i], found[i], largest);
      if (!is_equal)
        text = "element " + std::to_string(i) + " is " + std::to_string(found[i]) + ", not " +
               std::to_string(wanted[i]);
    }
  });
  return text;
}

}  // namespace nb::test
