#include "blocks/recurrent_integers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/core/gates_s16.h"
#include "blocks/elements.h"
#include "blocks/integer_functions.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

using Of = RecurrentOperand;
constexpr double kSumLimit = 2147483648.0;  ///< of sums times 2^shift
constexpr double kGateLimit = 1 << 29;      ///< of one side's pre-activations, in kGateUnits
constexpr float kMaxStateScale = 0.25f;     ///< beyond it a state's steps are no longer fine
constexpr double kCellUnits = 65536;        ///< steps of a cell's whole

std::int64_t index_of(std::size_t i) { return static_cast<std::int64_t>(i); }

/// The largest magnitude of a type's numbers.
double reach_of(const Type& type) {
  const IntRange range = dtype_range(type.dtype);
  const double zero = type.zero_point();
  return static_cast<double>(type.scale()) * std::max(range.max - zero, zero - range.min - 1);
}

std::size_t first_of(const Operation& op, const std::vector<std::size_t>& operands) {
  for (const std::size_t i : operands)
    if (op.has(i)) return i;
  return IntegerRecurrence::kNone;
}

/// The exponent of h's steps. Without outputs, that of a bounded layer.
int exponent_of(const Operation& op, const IntegerRecurrence& layer) {
  double reach = layer.is_bounded ? 1.0 : 0.0;
  const std::size_t first = first_of(op, layer.first_h);
  if (first != IntegerRecurrence::kNone) reach = std::max(reach, reach_of(*op.in[first]));
  if (!layer.is_bounded)
    for (const Type* out : op.out) reach = std::max(reach, reach_of(*out));
  // A scale that was rounded to a float does not ask for another bit.
  return std::clamp(static_cast<int>(std::ceil(std::log2(reach * (1 - 1e-4)))), -15, 14);
}

struct Constants {
  std::span<const std::int8_t> w, r;
  std::span<const float> b;
};
Constants constants_of(const Operation& op, std::span<const TensorView> data) {
  if (data.empty())
    return {op.constant<std::int8_t>(Of::w), op.constant<std::int8_t>(Of::r),
            op.has(Of::b) ? op.constant<float>(Of::b) : std::span<const float>()};
  return {data[Of::w].as<std::int8_t>(), data[Of::r].as<std::int8_t>(),
          op.has(Of::b) ? std::span<const float>(data[Of::b].as<float>()) : std::span<const float>()};
}

/// The factors of the sums over one operand's rows: multiplier * 2^(shift - 32).
struct Factors {
  std::vector<double> real;
  std::vector<std::int32_t> multiplier;
  int shift = 0;
};
Factors factors_of(const Type& weights, std::int64_t rows, double of_product) {
  Factors factors;
  const auto& scales = weights.quantization->scales;
  double largest = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto scale = static_cast<double>(scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(row)]);
    factors.real.push_back(of_product * scale);
    largest = std::max(largest, factors.real.back());
  }
  const auto multiplier = [&](double real) { return std::round(std::ldexp(real, 32 - factors.shift)); };
  while (factors.shift < 30 && multiplier(largest) >= kSumLimit) ++factors.shift;
  for (const double real : factors.real)
    factors.multiplier.push_back(static_cast<std::int32_t>(std::min(multiplier(real), kSumLimit - 1)));
  return factors;
}

/// Factors and biases of all rows in the order of RecurrentIntegers::rows, and why sums do not fit, if so.
struct Rows {
  std::vector<std::int32_t> numbers;
  Factors x, h;
  std::optional<Fault> fault = {};
};

/// A pre-activation's part in kGateUnits; beyond +-2^30 it saturates.
std::int32_t gate_units(double units) {
  constexpr double kMost = 1 << 30;
  return std::isnan(units) ? 0 : static_cast<std::int32_t>(std::lround(std::clamp(units, -kMost, kMost)));
}

Rows rows_of(const Operation& op, const IntegerRecurrence& layer, int exponent, const Constants& constants) {
  const SequenceSizes s = layer.sizes(op);
  const Type& x = *op.in[Of::x];
  const std::int64_t rows = layer.gates * s.units;
  Rows all{{},
           factors_of(*op.in[Of::w], rows, static_cast<double>(x.scale()) * kGateUnits),
           factors_of(*op.in[Of::r], rows, std::ldexp(kGateUnits, exponent - 15))};
  const bool has_both = op.has(Of::b) && op.in[Of::b]->shape[1] == 2 * rows;
  const auto bias = [&](std::int64_t d, std::int64_t row, bool of_h) {
    if (!op.has(Of::b) || (of_h && !has_both)) return 0.0;
    const std::int64_t at = d * op.in[Of::b]->shape[1] + (of_h ? rows : 0) + row;
    return static_cast<double>(constants.b[static_cast<std::size_t>(at)]) * kGateUnits;
  };
  const IntRange range = dtype_range(x.dtype);
  const auto check = [&](const char* side, double sum, const Factors& factors, std::size_t row,
                         double offset) {
    const double gate = sum * factors.real[row] + std::fabs(offset);
    const bool is_narrow = std::ldexp(sum, factors.shift) < kSumLimit;
    if (all.fault || (gate < kGateLimit && is_narrow)) return;
    const std::string what =
        "the sums over " + std::string(side) + " of row " + std::to_string(row) + " of " + op.block->name;
    if (gate < kGateLimit)
      all.fault = Fault{Kind::unsupported_feature, what + " do not fit in 32 bits",
                        "rows of fewer elements, or of smaller weights, do"};
    else
      all.fault = Fault{Kind::unsupported_feature,
                        what + " reach " + float_text(static_cast<float>(gate / kGateUnits)) +
                            ", too much for its integers",
                        "keep pre-activations within +-5000"};
  };
  for (std::int64_t d = 0; d < s.directions; ++d) {
    std::vector<std::int32_t> biases, apart;
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto at = static_cast<std::size_t>(row);
      const auto sums = [&](std::span<const std::int8_t> weights, std::int64_t width) {
        std::pair<double, double> sum{0, 0};
        for (std::int64_t k = 0; k < width; ++k) {
          const double weight = weights[static_cast<std::size_t>((d * rows + row) * width + k)];
          sum.first += weight;
          sum.second += std::fabs(weight);
        }
        return sum;
      };
      const bool is_apart = row / s.units == index_of(layer.apart);
      const auto [w_sum, w_size] = sums(constants.w, s.inputs);
      const double of_x =
          bias(d, row, false) + (is_apart ? 0 : bias(d, row, true)) - x.zero_point() * w_sum * all.x.real[at];
      const double of_h = is_apart ? bias(d, row, true) : 0;
      check("x", w_size * -range.min, all.x, at, of_x);
      check("h", sums(constants.r, s.units).second * 32768, all.h, at, of_h);
      biases.push_back(gate_units(of_x));
      if (is_apart) apart.push_back(gate_units(of_h));
    }
    for (const auto& part : {all.x.multiplier, biases, all.h.multiplier, apart})
      all.numbers.insert(all.numbers.end(), part.begin(), part.end());
  }
  return all;
}

/// A state's or output's type, if it is what such layers take.
std::optional<Fault> check_wide(const Operation& op, const Type& type, std::string_view name) {
  if (type.dtype == DType::i16 && type.quantization && !type.quantization->is_per_axis() &&
      type.zero_point() == 0 && type.scale() < kMaxStateScale)
    return std::nullopt;
  const bool has_numbers = type.quantization && !type.quantization->is_per_axis();
  return Fault{Kind::unsupported_feature,
               std::string(name) + " of " + op.block->name + " of integers is " + type_text(type) +
                   (has_numbers ? " with scale " + float_text(type.scale()) + " and zero point " +
                                      std::to_string(type.zero_point())
                                : ""),
               "it is i16 with one scale below 0.25 and zero point 0"};
}

}  // namespace

SequenceSizes IntegerRecurrence::sizes(const Operation& op) const {
  return sequence_sizes(op.in[Of::x]->shape, op.in[Of::r]->shape[2], direction, time_major);
}

Fault no_integer_form(const Operation& op, const std::string& what) {
  return {Kind::unsupported_feature, op.block->name + " with " + what + " has no integer form"};
}

std::optional<Fault> check_integers(const Operation& op, const IntegerRecurrence& layer) {
  const Type& x = *op.in[Of::x];
  if (const SequenceSizes s = layer.sizes(op); s.inputs == 0 || s.units == 0)
    return no_integer_form(op, "no inputs or units");
  const auto operand_name = [&](std::size_t i) { return std::string(op.block->inputs[i].name); };
  for (const std::size_t i : {Of::x, Of::w, Of::r})
    if (auto fault = check_quantized(op, i)) return fault;
  if (x.quantization->is_per_axis())
    return Fault{Kind::unsupported_feature, "x of " + op.block->name + " has a scale per index"};
  for (const std::size_t i : {Of::w, Of::r}) {
    if (op.in[i]->dtype != DType::i8)
      return Fault{Kind::dtype_mismatch,
                   operand_name(i) + " of " + op.block->name + " of integers is " + type_text(*op.in[i])};
    const Quantization& q = *op.in[i]->quantization;
    if (q.is_per_axis() && q.axis != 1)
      return Fault{Kind::unsupported_feature, operand_name(i) + " of " + op.block->name +
                                                  " has scales along axis " + std::to_string(q.axis) +
                                                  ", not along its rows, axis 1"};
    if (std::any_of(q.zero_points.begin(), q.zero_points.end(), [](std::int32_t z) { return z != 0; }))
      return Fault{Kind::unsupported_feature,
                   operand_name(i) + " of " + op.block->name + " has a zero point"};
  }
  if (op.has(Of::b) && op.in[Of::b]->dtype != DType::f32)
    return Fault{Kind::dtype_mismatch,
                 "b of " + op.block->name + " of integers is " + type_text(*op.in[Of::b])};
  for (const auto* states : {&layer.first_h, &layer.first_c})
    for (const std::size_t i : *states)
      if (op.has(i))
        if (auto fault = check_wide(op, *op.in[i], operand_name(i))) return fault;
  if (!layer.is_bounded) return std::nullopt;  // it is known with the outputs how far h reaches
  if (!op.is_constant(Of::w) || !op.is_constant(Of::r) || (op.has(Of::b) && !op.is_constant(Of::b)))
    return std::nullopt;
  return rows_of(op, layer, exponent_of(op, layer), constants_of(op, {})).fault;
}

bool can_be_integers(const Operation& op, const IntegerRecurrence& layer) {
  for (std::size_t i = 0; i < op.out.size(); ++i) {
    const Type& type = *op.out[i];
    if (!type.quantization || type.quantization->is_per_axis()) return false;
    if (i > 0 && check_wide(op, type, "")) return false;
  }
  return layer.is_bounded || !rows_of(op, layer, exponent_of(op, layer), constants_of(op, {})).fault;
}

std::string StepsOf::text() const {
  return "{" + std::to_string(bound) + ", " + std::to_string(left) + ", " + std::to_string(multiplier) + "}";
}

namespace {

StepsOf steps_of(double factor, double bound) {
  StepsOf steps;
  const auto multiplier = [&] { return std::round(std::ldexp(factor, 32 - steps.left)); };
  while (steps.left < 16 && multiplier() >= kSumLimit) ++steps.left;
  steps.multiplier = static_cast<std::int32_t>(std::min(multiplier(), kSumLimit - 1));
  steps.bound = static_cast<std::int32_t>(std::clamp(bound, 1.0, kSumLimit - 1));
  return steps;
}

}  // namespace

StepsOf steps_to_s16(double factor) { return steps_of(factor, std::floor(65536 / factor)); }

std::int32_t clip_steps(float bound, double units) {
  constexpr double kMost = kSumLimit - 1;
  const double steps = bound > 0 ? std::round(static_cast<double>(bound) * units) : kMost;
  return static_cast<std::int32_t>(std::min(steps, kMost));
}

std::int32_t in_steps_of(const StepsOf& steps, std::int32_t x) {
  const std::int64_t shifted = std::int64_t{std::clamp(x, -steps.bound, steps.bound)} << steps.left;
  return static_cast<std::int32_t>((shifted * steps.multiplier + (std::int64_t{1} << 31)) >> 32);
}

RecurrentIntegers recurrent_integers(const Operation& op, const IntegerRecurrence& layer,
                                     std::span<const TensorView> data) {
  const SequenceSizes s = layer.sizes(op);
  const std::int64_t rows = layer.gates * s.units;
  const Constants constants = constants_of(op, data);
  RecurrentIntegers numbers;
  numbers.exponent = exponent_of(op, layer);
  const Rows of = rows_of(op, layer, numbers.exponent, constants);
  numbers.rows = of.numbers;
  numbers.x_shift = of.x.shift;
  numbers.h_shift = of.h.shift;
  for (std::int64_t d = 0; d < s.directions; ++d)
    for (const auto& [from, width] : {std::pair(constants.w, s.inputs), std::pair(constants.r, s.units)}) {
      const auto part =
          from.subspan(static_cast<std::size_t>(d * rows * width), static_cast<std::size_t>(rows * width));
      numbers.weights.insert(numbers.weights.end(), part.begin(), part.end());
    }
  numbers.weights.insert(numbers.weights.end(), 8, 0);

  const Type& y = *op.out[0];
  const double h_step = std::ldexp(1.0, numbers.exponent - 15);
  const auto scale = [](const Type& type) { return static_cast<double>(type.scale()); };
  numbers.y = steps_to_s16(h_step / scale(y));
  numbers.y_zero = y.zero_point();
  const std::size_t h = first_of(op, layer.first_h), c = first_of(op, layer.first_c);
  const auto last = [&](std::size_t first, std::size_t output) -> const Type* {
    if (layer.final_state) return op.out[output];
    const bool is_kept = first != IntegerRecurrence::kNone && op.block->inputs[first].is_state;
    return is_kept ? op.in[first] : nullptr;
  };
  if (h != IntegerRecurrence::kNone) numbers.first_h = steps_to_s16(scale(*op.in[h]) / h_step);
  if (const Type* type = last(h, 1)) numbers.last_h = steps_to_s16(h_step / scale(*type));
  if (layer.first_c.empty()) return numbers;
  if (c != IntegerRecurrence::kNone) numbers.first_c = steps_of(scale(*op.in[c]) * kCellUnits, 32768);
  if (const Type* type = last(c, 2)) numbers.last_c = steps_to_s16(1 / kCellUnits / scale(*type));
  return numbers;
}

void walk_integers(const Operation& op, const IntegerRecurrence& layer, const RecurrentIntegers& numbers,
                   std::span<const TensorView> in, std::span<const TensorView> out,
                   const std::function<void(std::span<const std::int16_t>)>& begin,
                   const std::function<void(const IntegerStep&)>& step) {
  const SequenceSizes s = layer.sizes(op);
  const std::int64_t rows = layer.gates * s.units;
  const std::int64_t numbers_size = 3 * rows + (layer.apart == IntegerRecurrence::kNone ? 0 : s.units);
  const Elements x(in[Of::x]), y(out[0]);
  const IntRange y_range = dtype_range(op.out[0]->dtype);
  const std::size_t first_h = first_of(op, layer.first_h), first_c = first_of(op, layer.first_c);
  const auto kept = [&](std::size_t first, std::size_t output) -> std::int16_t* {
    if (layer.final_state) return out[output].as<std::int16_t>().data();
    const bool is_kept = first != IntegerRecurrence::kNone && op.block->inputs[first].is_state;
    return is_kept ? in[first].as<std::int16_t>().data() : nullptr;
  };
  // Saturation counts only where sums do not fit, and no kernel takes the layer.
  const auto high = [](std::int64_t sum, int shift, std::int32_t multiplier) {
    const Wide product = (static_cast<Wide>(sum) << shift) * multiplier + (std::int64_t{1} << 31);
    return static_cast<std::int32_t>(std::clamp<Wide>(product >> 32, -(1 << 30), 1 << 30));
  };
  const auto gate_sum = [](std::int64_t a, std::int64_t b) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(a + b, -(1 << 30), 1 << 30));
  };
  const auto narrow = [](std::int32_t value) {
    return static_cast<std::int16_t>(std::clamp(value, -32768, 32767));
  };
  for (std::int64_t d = 0; d < s.directions; ++d)
    for (std::int64_t n = 0; n < s.samples; ++n) {
      const std::int64_t at = (d * s.samples + n) * s.units;
      const std::int32_t* of = numbers.rows.data() + d * numbers_size;
      const std::int8_t* w = numbers.weights.data() + d * rows * (s.inputs + s.units);
      const std::int8_t* r = w + rows * s.inputs;
      std::vector<std::int16_t> h(static_cast<std::size_t>(s.units), 0);
      std::vector<std::int32_t> c(layer.first_c.empty() ? 0 : h.size(), 0), z(static_cast<std::size_t>(rows));
      for (std::size_t u = 0; u < h.size(); ++u) {
        if (first_h != IntegerRecurrence::kNone)
          h[u] = narrow(in_steps_of(numbers.first_h, in[first_h].as<std::int16_t>()[at + index_of(u)]));
        if (first_c != IntegerRecurrence::kNone)
          c[u] = in_steps_of(numbers.first_c, in[first_c].as<std::int16_t>()[at + index_of(u)]);
      }
      begin(h);
      const std::function<std::int32_t(std::int64_t, std::span<const std::int16_t>)> recurrent =
          [&](std::int64_t row, std::span<const std::int16_t> vector) {
            std::int64_t sum = 0;
            for (std::int64_t k = 0; k < s.units; ++k)
              sum += std::int64_t{vector[static_cast<std::size_t>(k)]} * r[row * s.units + k];
            const bool is_apart = row / s.units == index_of(layer.apart);
            return gate_sum(high(sum, numbers.h_shift, of[2 * rows + row]),
                            is_apart ? of[3 * rows + row % s.units] : 0);
          };
      const std::int64_t length =
          op.has(Of::lengths)
              ? std::clamp<std::int64_t>(in[Of::lengths].as<std::int32_t>()[static_cast<std::size_t>(n)], 0,
                                         s.steps)
              : s.steps;
      const bool is_reverse = d == 1 || layer.direction == Direction::reverse;
      for (std::int64_t i = 0; i < s.steps; ++i) {
        const std::int64_t t = i < length && is_reverse ? length - 1 - i : i;
        for (std::int64_t row = 0; i < length && row < rows; ++row) {
          std::int64_t sum = 0;
          for (std::int64_t k = 0; k < s.inputs; ++k)
            sum += static_cast<std::int64_t>(x.get_int(n * s.x_sample + t * s.x_step + k)) *
                   w[row * s.inputs + k];
          z[static_cast<std::size_t>(row)] = gate_sum(of[rows + row], high(sum, numbers.x_shift, of[row]));
        }
        if (i < length) step({d, z, h, c, recurrent});
        for (std::size_t u = 0; u < h.size(); ++u)
          y.put_int(n * s.y_sample + d * s.y_direction + t * s.y_step + index_of(u),
                    i < length
                        ? std::clamp(numbers.y_zero + in_steps_of(numbers.y, h[u]), y_range.min, y_range.max)
                        : numbers.y_zero);
      }
      for (std::size_t u = 0; u < h.size(); ++u) {
        if (auto* to = kept(first_h, 1)) to[at + index_of(u)] = narrow(in_steps_of(numbers.last_h, h[u]));
        if (layer.first_c.empty()) continue;
        if (auto* to = kept(first_c, 2)) to[at + index_of(u)] = narrow(in_steps_of(numbers.last_c, c[u]));
      }
    }
}

std::vector<std::int16_t> gate_table() {
  std::vector<std::int16_t> table;
  for (const std::uint16_t value : sigmoid_table()) table.push_back(static_cast<std::int16_t>(value - 32768));
  table.push_back(32767);
  return table;
}

namespace {

/// Rows in the order of PairedRowsS16: four rows are two words an element pair.
std::vector<std::int8_t> pair_rows(std::span<const std::int8_t> weights, std::int64_t rows, std::int64_t n) {
  std::vector<std::int8_t> packed;
  const auto weight = [&](std::int64_t row, std::int64_t k) {
    return row < rows && k < n ? static_cast<int>(weights[static_cast<std::size_t>(row * n + k)]) : 0;
  };
  for (std::int64_t row = 0; row < rows; row += 4)
    for (std::int64_t k = 0; k < (n + 3) / 4 * 4; k += 2)
      for (const std::int64_t a : {row, row + 2})
        for (const std::int64_t element : {k, k + 1}) {
          const int half = 256 * weight(a + 1, element) + weight(a, element);
          packed.push_back(static_cast<std::int8_t>(half & 0xff));
          packed.push_back(static_cast<std::int8_t>(half >> 8));
        }
  return packed;
}

/// All weights of a layer, call by call.
std::vector<std::int8_t> paired(const Operation& op, const IntegerRecurrence& layer,
                                std::span<const std::int8_t> weights) {
  const SequenceSizes s = layer.sizes(op);
  std::vector<std::int8_t> packed;
  const auto take = [&](std::int64_t rows, std::int64_t n) {
    const auto part = pair_rows(weights.first(static_cast<std::size_t>(rows * n)), rows, n);
    packed.insert(packed.end(), part.begin(), part.end());
    weights = weights.subspan(static_cast<std::size_t>(rows * n));
  };
  for (std::int64_t d = 0; d < s.directions; ++d) {
    take(layer.gates * s.units, s.inputs);
    for (const std::int64_t gates : layer.parts) take(gates * s.units, s.units);
  }
  return packed;
}

}  // namespace

bool can_be_paired(const Operation& op) {
  const auto is_fit = [](std::int8_t weight) { return weight != -128; };
  const Constants constants = constants_of(op, {});
  return std::all_of(constants.w.begin(), constants.w.end(), is_fit) &&
         std::all_of(constants.r.begin(), constants.r.end(), is_fit);
}

std::vector<Kernel> integer_kernels(const std::string& block, bool (*is_integers)(const Operation&),
                                    IntegerRecurrence (*layer_of)(const Operation&), LowerIntegers paired,
                                    LowerIntegers plain) {
  const auto applies = [=](const Operation& op) {
    return is_integers(op) && can_be_integers(op, layer_of(op));
  };
  const std::string path = block + "/" + block + "_s16";
  return {
      {block + "_s16_dsp", path + "_dsp.h",
       [=](const Operation& op, const Core& core) {
         return core.has_dsp && !core.has_mve && is_integers(op) && can_be_paired(op) && applies(op);
       },
       paired},
      {block + "_s16", path + ".h", [=](const Operation& op, const Core&) { return applies(op); }, plain}};
}

std::string rows_type(bool in_pairs) { return in_pairs ? "nb::PairedRowsS16" : "nb::RowsS16"; }

Lowered lowered_integers(const Operation& op, const IntegerRecurrence& layer,
                         const RecurrentIntegers& numbers, Lowered call, std::int64_t scratch_words,
                         bool in_pairs) {
  const auto text = [](std::int64_t value) { return std::to_string(value); };
  const std::string sequence = sequence_param(layer.sizes(op), layer.direction).text;
  call.params.insert(call.params.begin(),
                     {"sequence; shifts of x and h; first h, y, last h; y's numbers",
                      "{" + sequence + ", " + text(numbers.x_shift) + ", " + text(numbers.h_shift) + ", " +
                          numbers.first_h.text() + ", " + numbers.y.text() + ", " + numbers.last_h.text() +
                          ", " + text(numbers.y_zero) + "}"});
  call.constants = {
      {"weights", DType::i8, to_bytes(in_pairs ? paired(op, layer, numbers.weights) : numbers.weights),
       std::string("of each direction: rows over x, then over h") + (in_pairs ? ", in pairs" : "")},
      {"rows", DType::i32, to_bytes(numbers.rows),
       "of each direction: factors over x, biases, factors over h"},
      {"sigmoid", DType::i16, to_bytes(gate_table()), "65536 * sigmoid(i / 24) - 32768"}};
  const std::size_t h = first_of(op, layer.first_h), c = first_of(op, layer.first_c);
  const auto first = [](std::size_t i) {
    return i == IntegerRecurrence::kNone ? literal_arg("nullptr") : input_arg(i);
  };
  const auto last = [&](std::size_t i, std::size_t output) {
    if (layer.final_state) {
      if (i != IntegerRecurrence::kNone) call.in_place.emplace_back(i, output);
      return output_arg(output);
    }
    const bool is_kept = i != IntegerRecurrence::kNone && op.block->inputs[i].is_state;
    return is_kept ? input_arg(i) : literal_arg("nullptr");
  };
  const bool has_cell = !layer.first_c.empty();
  call.arguments = {input_arg(Of::x),
                    constant_arg(0),
                    constant_arg(1),
                    constant_arg(2),
                    op.has(Of::lengths) ? input_arg(Of::lengths) : literal_arg("nullptr"),
                    first(h)};
  if (has_cell) call.arguments.push_back(first(c));
  call.arguments.push_back(last(h, 1));
  if (has_cell) call.arguments.push_back(last(c, 2));
  call.arguments.push_back(output_arg(0));
  call.arguments.push_back(scratch_arg("int32_t"));
  call.scratch_bytes = 4 * scratch_words;
  return call;
}

}  // namespace nb
