// What the ONNX specification says of a node: operator sets, attributes, operands, types.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "read/onnx/layer.h"

namespace nb::onnx {

/// Refuses a layer that breaks the rules of its operator in its operator set: an attribute that it does not
/// have, of another type or missing; too many or too few operands; types that it does not take or that
/// disagree. Operators that the specification does not know pass. Throws Refusal.
void check_rules(Layer& layer);

/// What to say of a node that no reader translates: a rewrite that helps, the nearest names, or how to export
/// without its domain. `name` holds its domain.
[[nodiscard]] std::string advice(std::string_view name, std::string_view domain);

/// "axis=1, mode=\"x\"": a node's attributes, the long ones cut.
[[nodiscard]] std::string attributes_text(const NodeProto& node);

}  // namespace nb::onnx
