// The pickle of a traced module's example inputs: {"forward": [tensor, (tensor, tensor), ...]}.
#include "read/torch/script/traced.h"

#include "read/torch/pickle.h"

namespace nb::torch::script {
namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxSteps = 4096;

/// The tensors in one argument. What is no tensor has no type. A pickle's values may be shared or hold
/// themselves: `steps` bounds the walk.
void add_types(const Pickle& pickle, PickleId id, const std::string& name, int depth, std::size_t& steps,
               std::unordered_map<std::string, Type>& types) {
  if (depth > kMaxDepth || steps == 0) return;
  --steps;
  const PickleNode& node = pickle.at(id);
  if (node.kind == PickleKind::tensor) {
    const PickleTensor& tensor = pickle.tensors[node.tensor];
    if (!tensor.quantization) types.emplace(name, Type{tensor.view.dtype, tensor.view.sizes});
  } else if (node.kind == PickleKind::tuple) {
    for (std::size_t i = 0; i < node.items.size() && steps != 0; ++i)
      add_types(pickle, node.items[i], name + "." + std::to_string(i), depth + 1, steps, types);
  }
}

}  // namespace

std::unordered_map<std::string, Type> traced_types(ZipArchive& archive, const std::string& top,
                                                   const Function& forward, std::string& why_not) {
  const ZipEntry* entry = archive.find(top + "traced_inputs.pkl");
  if (entry == nullptr) {
    why_not = "the file has no `traced_inputs.pkl`, in which traced modules carry those of their example";
    return {};
  }
  std::string fault_of_zip;
  const auto bytes = archive.content(*entry, fault_of_zip);
  if (!bytes) {
    why_not = "`traced_inputs.pkl` is not read: the archive " + fault_of_zip;
    return {};
  }
  PickleFault fault;
  const auto pickle = parse_pickle(*bytes, fault);
  if (!pickle) {
    why_not = "`traced_inputs.pkl` " + fault.message;
    return {};
  }
  const PickleId found = pickle->find(pickle->root, "forward");
  const std::size_t taken = forward.parameters.empty() ? 0 : forward.parameters.size() - 1;
  if (found == kNoPickle ||
      (pickle->at(found).kind != PickleKind::list && pickle->at(found).kind != PickleKind::tuple) ||
      pickle->at(found).items.size() != taken) {
    why_not = "`traced_inputs.pkl` has no list of the " + std::to_string(taken) + " that `forward` takes";
    return {};
  }
  std::unordered_map<std::string, Type> types;
  std::size_t steps = kMaxSteps;
  for (std::size_t i = 0; i < taken; ++i)
    add_types(*pickle, pickle->at(found).items[i], std::string(forward.parameters[i + 1].name), 0, steps,
              types);
  why_not = "`traced_inputs.pkl` has no tensor there";
  return types;
}

}  // namespace nb::torch::script
