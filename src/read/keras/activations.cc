#include "read/keras/activations.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "blocks/clip/attributes.h"
#include "blocks/cumsum/attributes.h"
#include "blocks/softmax/attributes.h"
#include "blocks/topk/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

ValueId clip(Layer& l, ValueId x, double low, double high) {
  return l.add("clip", ClipAttrs{static_cast<float>(low), static_cast<float>(high)}, {x});
}
ValueId unary_of(Layer& l, ValueId x, std::string_view block) { return unary(l, block, x); }
ValueId with_alpha(Layer& l, ValueId x, std::string_view block, double alpha) {
  return l.add(block, {x}, {{"alpha", static_cast<float>(alpha)}});
}

ValueId selu(Layer& l, ValueId x) {
  return l.add("selu", {x}, {{"alpha", 1.67326324235437728f}, {"gamma", 1.05070098735548049f}});
}

/// Keras 2: 0.2 x + 0.5; Keras 3: x / 6 + 0.5.
double hard_sigmoid_slope(Layer& l) { return l.importer().keras() < 3 ? 0.2 : 1.0 / 6.0; }
ValueId hard_sigmoid(Layer& l, ValueId x, double slope) {
  return l.add("hard_sigmoid", {x}, {{"alpha", static_cast<float>(slope)}, {"beta", 0.5f}});
}

ValueId glu(Layer& l, ValueId x) {
  const std::int64_t rank = l.rank(x), size = l.dim(x, rank - 1);
  if (size % 2 != 0) l.refuse(Kind::shape_mismatch, "glu halves an axis of " + std::to_string(size));
  const ValueId gate = unary(l, "sigmoid", slice_axis(l, x, rank - 1, size / 2, size / 2));
  return binary(l, "mul", slice_axis(l, x, rank - 1, 0, size / 2), gate);
}

/// (x + sqrt(x^2 + 4)) / 2
ValueId squareplus(Layer& l, ValueId x) {
  const ValueId root = unary(l, "sqrt", binary(l, "add", binary(l, "mul", x, x), 4.0));
  return binary(l, "mul", binary(l, "add", x, root), 0.5);
}

/// 0 up to -1, (x + 1)^2 / 4 up to 1, x beyond: c^2 / 4 with c = clip(x + 1, 0, 2), plus what x has above 1.
ValueId sparse_plus(Layer& l, ValueId x) {
  const ValueId c = clip(l, binary(l, "add", x, 1.0), 0, 2);
  const ValueId above = unary(l, "relu", binary(l, "sub", x, 1.0));
  return binary(l, "add", binary(l, "mul", binary(l, "mul", c, c), 0.25), above);
}

/// max(x - t, 0) with t = (sum of s - 1) / k, where k elements are in the support and s are the running sums
/// of the sorted elements there: all of them, as Keras has it, not the last.
ValueId sparsemax(Layer& l, ValueId x) {
  const std::int64_t rank = l.rank(x), axis = rank - 1, n = l.dim(x, axis);
  const ValueId sorted = l.add_all("topk", Attributes(TopkAttrs{axis, n, true, DType::i32}), {x})[0];
  const ValueId sums = l.add("cumsum", CumsumAttrs{axis}, {sorted});
  const ValueId k = cast(l, binary(l, "add", iota(l, n, DType::i32, axis, rank), 1.0), DType::f32);
  const ValueId is_in = binary(l, "greater", binary(l, "add", binary(l, "mul", k, sorted), 1.0), sums);
  const ValueId members = cast(l, is_in, DType::f32);
  const ValueId count = reduce(l, "reduce_sum", members, {axis}, true);
  const ValueId total = reduce(l, "reduce_sum", binary(l, "mul", members, sums), {axis}, true);
  const ValueId t = binary(l, "div", binary(l, "sub", total, 1.0), count);
  return unary(l, "relu", binary(l, "sub", x, t));
}

ValueId last_softmax(Layer& l, ValueId x, bool is_log) { return softmax_over(l, x, {l.rank(x) - 1}, is_log); }

using Function = ValueId (*)(Layer&, ValueId);

/// One row a function: by a block of one operand, or by steps.
struct FunctionRow {
  std::string_view block;
  Function steps = nullptr;
};
const std::map<std::string, FunctionRow, std::less<>>& functions() {
  static const std::map<std::string, FunctionRow, std::less<>> kFunctions = {
      {"celu", {"", [](Layer& l, ValueId x) { return with_alpha(l, x, "celu", 1); }}},
      {"elu", {"", [](Layer& l, ValueId x) { return with_alpha(l, x, "elu", 1); }}},
      {"exponential", {"exp"}},
      {"gelu", {"", [](Layer& l, ValueId x) { return gelu(l, x, false); }}},
      {"glu", {"", glu}},
      {"hard_shrink",
       {"",
        [](Layer& l, ValueId x) {
          return l.add("shrink", {x}, {{"alpha", 0.5f}, {"beta", 0.0f}});
        }}},
      {"hard_sigmoid", {"", [](Layer& l, ValueId x) { return hard_sigmoid(l, x, hard_sigmoid_slope(l)); }}},
      {"hard_silu", {"hard_swish"}},
      {"hard_swish", {"hard_swish"}},
      {"hard_tanh", {"", [](Layer& l, ValueId x) { return clip(l, x, -1, 1); }}},
      {"leaky_relu", {"", [](Layer& l, ValueId x) { return with_alpha(l, x, "leaky_relu", 0.2); }}},
      {"linear", {"", [](Layer&, ValueId x) { return x; }}},
      {"log_sigmoid", {"log_sigmoid"}},
      {"log_softmax", {"", [](Layer& l, ValueId x) { return last_softmax(l, x, true); }}},
      {"mish", {"mish"}},
      {"relu", {"relu"}},
      {"relu6", {"relu6"}},
      {"selu", {"", selu}},
      {"sigmoid", {"sigmoid"}},
      {"silu", {"", [](Layer& l, ValueId x) { return with_alpha(l, x, "silu", 1); }}},
      {"soft_shrink",
       {"",
        [](Layer& l, ValueId x) {
          return l.add("shrink", {x}, {{"alpha", 0.5f}, {"beta", 0.5f}});
        }}},
      {"softmax", {"", [](Layer& l, ValueId x) { return last_softmax(l, x, false); }}},
      {"softplus", {"softplus"}},
      {"softsign", {"softsign"}},
      {"sparse_plus", {"", sparse_plus}},
      {"sparse_sigmoid",
       {"",
        [](Layer& l, ValueId x) {
          return l.add("hard_sigmoid", {x}, {{"alpha", 0.5f}, {"beta", 0.5f}});
        }}},
      {"sparsemax", {"", sparsemax}},
      {"squareplus", {"", squareplus}},
      {"swish", {"", [](Layer& l, ValueId x) { return with_alpha(l, x, "silu", 1); }}},
      {"tanh", {"tanh"}},
      {"tanh_shrink", {"", [](Layer& l, ValueId x) { return binary(l, "sub", x, unary(l, "tanh", x)); }}},
  };
  return kFunctions;
}

/// The function's name, or empty if the activation is a layer.
std::string function_name(Layer& l, const Json& activation) {
  if (activation.is_string()) return printable(activation.get<std::string>());
  if (!activation.is_object()) l.invalid("its activation is neither a name nor an object");
  if (text_of(activation, "class_name") != "function") return {};
  return printable(text_of(activation, "config"));
}

}  // namespace

std::vector<std::string> translated_activations() {
  std::vector<std::string> names;
  for (const auto& [name, row] : functions()) names.push_back(name);
  return names;
}

ValueId activated(Layer& l, ValueId x, const std::string& name) {
  const auto found = functions().find(name);
  if (found == functions().end()) {
    const std::string close = nearest(name, translated_activations());
    l.unsupported("the activation `" + name + "`", close.empty()
                                                       ? "docs/keras.md lists those that are translated"
                                                       : "did you mean `" + close + "`?");
  }
  if (found->second.steps != nullptr) return found->second.steps(l, x);
  return unary_of(l, x, found->second.block);
}

ValueId activated(Layer& l, ValueId x, const Json* activation) {
  if (activation == nullptr || activation->is_null()) return x;
  const std::string name = function_name(l, *activation);
  if (!name.empty()) return activated(l, x, name);
  const auto outputs = l.call(*activation, "activation", {{tensor_argument(x)}, {}});
  return outputs[0];
}

std::optional<GateCall> gate_function(Layer& l, const Json* activation, std::string_view fallback) {
  std::string name(fallback);
  const Json* config = nullptr;
  if (activation != nullptr && activation->is_null()) name = "linear";
  if (activation != nullptr && !activation->is_null()) {
    name = function_name(l, *activation);
    if (name.empty()) {
      name = text_of(*activation, "class_name");
      config = member(*activation, "config");
    }
  }
  const auto parameter = [&](std::string_view newer, std::string_view older, double standard) {
    for (const std::string_view key : {newer, older})
      if (const Json* found = config == nullptr ? nullptr : member(*config, key);
          found != nullptr && found->is_number())
        return static_cast<float>(found->get<double>());
    return static_cast<float>(standard);
  };
  if (name == "sigmoid") return GateCall{GateFunction::sigmoid};
  if (name == "tanh") return GateCall{GateFunction::tanh};
  if (name == "relu") return GateCall{GateFunction::relu};
  if (name == "relu6") return GateCall{GateFunction::relu6};
  if (name == "softsign") return GateCall{GateFunction::softsign};
  if (name == "softplus") return GateCall{GateFunction::softplus};
  if (name == "linear") return GateCall{GateFunction::affine, 1.0f, 0.0f};
  if (name == "hard_sigmoid")
    return GateCall{GateFunction::hard_sigmoid, static_cast<float>(hard_sigmoid_slope(l)), 0.5f};
  if (name == "sparse_sigmoid") return GateCall{GateFunction::hard_sigmoid, 0.5f, 0.5f};
  if (name == "leaky_relu") return GateCall{GateFunction::leaky_relu, 0.2f, 0.0f};
  if (name == "elu") return GateCall{GateFunction::elu, 1.0f, 0.0f};
  if (name == "LeakyReLU")
    return GateCall{GateFunction::leaky_relu, parameter("negative_slope", "alpha", 0.3), 0.0f};
  if (name == "ELU") return GateCall{GateFunction::elu, parameter("alpha", "alpha", 1.0), 0.0f};
  return std::nullopt;
}

ValueId rectified(Layer& l, ValueId x, const Rectifier& r) {
  if (r.threshold == 0 && r.negative_slope == 0) {
    if (!r.max_value) return unary(l, "relu", x);
    return *r.max_value == 6 ? unary(l, "relu6", x) : clip(l, x, 0, *r.max_value);
  }
  ValueId y;
  if (r.threshold == 0) {
    y = with_alpha(l, x, "leaky_relu", r.negative_slope);
  } else {
    const ValueId below = binary(l, "mul", binary(l, "sub", x, r.threshold), r.negative_slope);
    y = where(l, binary(l, "greater_equal", x, r.threshold), x, below);
  }
  return r.max_value ? binary(l, "minimum", y, *r.max_value) : y;
}

ValueId softmax_over(Layer& l, ValueId x, Ints axes, bool is_log) {
  const std::int64_t rank = l.rank(x);
  axes = l.axes(std::move(axes), rank);
  const std::string_view block = is_log ? "log_softmax" : "softmax";
  if (axes.empty()) l.invalid("its axis is an empty list");
  if (axes.size() == 1) return l.add(block, SoftmaxAttrs{axes[0], 1.0f}, {x});
  // The axes last and joined, one softmax, and back.
  Ints perm;
  for (std::int64_t i = 0; i < rank; ++i)
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) perm.push_back(i);
  const std::size_t kept = perm.size();
  std::sort(axes.begin(), axes.end());
  perm.insert(perm.end(), axes.begin(), axes.end());
  const ValueId moved = transpose(l, x, perm);
  const Shape s = l.shape(moved);
  Shape joined(s.begin(), s.begin() + static_cast<std::ptrdiff_t>(kept));
  joined.push_back(product(s, static_cast<std::int64_t>(kept), rank));
  const auto axis = static_cast<std::int64_t>(kept);
  const ValueId y = l.add(block, SoftmaxAttrs{axis, 1.0f}, {reshape(l, moved, joined)});
  return transpose(l, reshape(l, y, s), inverse_perm(perm));
}

// --- layers ---

void translate_activation(Layer& l) { l.output(activated(l, as_real(l, l.in()), l.find("activation"))); }

void translate_relu(Layer& l) {
  Rectifier r{l.real("negative_slope", 0), l.real("threshold", 0), {}};
  if (l.has("max_value")) r.max_value = l.real("max_value", 0);
  l.output(rectified(l, as_real(l, l.in()), r));
}

void translate_leaky_relu(Layer& l) {
  const double slope = l.real(l.has("negative_slope") ? "negative_slope" : "alpha", 0.3);
  l.output(with_alpha(l, as_real(l, l.in()), "leaky_relu", slope));
}

void translate_thresholded_relu(Layer& l) {
  l.output(with_alpha(l, as_real(l, l.in()), "thresholded_relu", l.real("theta", 1)));
}

void translate_elu(Layer& l) { l.output(with_alpha(l, as_real(l, l.in()), "elu", l.real("alpha", 1))); }

void translate_prelu(Layer& l) {
  const ValueId x = as_real(l, l.in());
  Shape slopes = l.shape(x);
  slopes.erase(slopes.begin());
  for (const std::int64_t axis : l.integers("shared_axes", 0, {})) {
    if (axis < 1 || axis > static_cast<std::int64_t>(slopes.size()))
      l.refuse(Kind::attribute_out_of_range,
               "its shared axis " + std::to_string(axis) + " is outside the input");
    slopes[static_cast<std::size_t>(axis) - 1] = 1;
  }
  l.output(binary(l, "prelu", x, l.weight(0, "alpha", slopes)));
}

void translate_softmax(Layer& l) {
  const std::vector<ValueId> ids = l.inputs();
  ValueId x = as_real(l, ids[0]);
  ValueId mask = l.tensor(1, "mask");
  if (!mask.is_present()) mask = l.mask_of(ids[0]);
  const Ints axes = l.integers("axis", 0, {-1});
  if (!mask.is_present()) return l.output(softmax_over(l, x, axes, false));
  if (l.dtype(mask) != DType::boolean) mask = binary(l, "greater", as_real(l, mask), 0.5);
  x = where(l, mask, x, scalar(l, -1e30));
  l.output(where(l, mask, softmax_over(l, x, axes, false), scalar(l, 0)));
}

}  // namespace nb::keras
