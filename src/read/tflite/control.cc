// WHILE: its body written out once a step, where the number of steps is known when compiling.
#include "read/tflite/operators.h"

namespace nb::tflite {
namespace {

constexpr std::int64_t kMaxSteps = 4096;

}  // namespace

Status while_loop(Layer& layer) {
  using O = schema::WhileOptions;
  const auto options = layer.options<O>();
  const std::int32_t condition = options[O::cond_subgraph_index], body = options[O::body_subgraph_index];
  if (condition < 1 || body < 1) return layer.refuse(Kind::invalid_model, "it names no condition or no body");
  GraphBuilder& builder = layer.builder();
  const std::string name = layer.record().layer, type = layer.record().type;
  std::vector<ValueId> carried = layer.inputs();
  for (std::int64_t step = 0;; ++step) {
    const std::string label = name + "/step" + std::to_string(step) + "/";
    const auto goes_on = layer.translation().run_subgraph(condition, carried, label);
    builder.set_layer(name, type);
    if (!goes_on) return kFailed;
    if (goes_on->size() != 1 || element_count(builder.type((*goes_on)[0]).shape) != 1)
      return layer.refuse(Kind::invalid_model, "its condition is not one element");
    if (!builder.is_constant((*goes_on)[0]))
      return layer.refuse(Kind::dynamic_shape, "how often it runs is known only at run time",
                          "loops over a fixed number of steps are supported");
    const auto value = builder.ints((*goes_on)[0], "its condition");
    if (!value) return kFailed;
    if ((*value)[0] == 0) break;
    if (step == kMaxSteps)
      return layer.refuse(Kind::limit_exceeded, "it runs more than " + std::to_string(kMaxSteps) + " steps");
    auto next = layer.translation().run_subgraph(body, carried, label);
    builder.set_layer(name, type);
    if (!next) return kFailed;
    if (next->size() != carried.size())
      return layer.refuse(Kind::invalid_model, "its body has " + std::to_string(next->size()) +
                                                   " outputs, the loop " + std::to_string(carried.size()));
    carried = *std::move(next);
  }
  for (std::size_t i = 0; i < layer.output_count(); ++i) {
    if (i >= carried.size()) return layer.refuse(Kind::invalid_model, "it has more outputs than values");
    if (!layer.give(carried[i], i)) return kFailed;
  }
  return {};
}

}  // namespace nb::tflite
