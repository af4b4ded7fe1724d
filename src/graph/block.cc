#include "graph/block.h"

namespace nb {

const Block* BlockSet::find(std::string_view name) const {
  for (const Block& block : blocks_)
    if (block.name == name) return &block;
  return nullptr;
}

std::vector<std::string> BlockSet::names() const {
  std::vector<std::string> names;
  for (const Block& block : blocks_) names.push_back(block.name);
  return names;
}

Checked<std::vector<Type>> infer_types(const Operation& op) {
  const std::vector<Operand>& operands = op.block->inputs;
  const bool is_variadic = !operands.empty() && operands.back().arity == Arity::variadic;
  if (!is_variadic && op.in.size() > operands.size())
    return Fault{Kind::invalid_model, op.block->name + " takes at most " +
                                          count_text(operands.size(), "operand") + ", got " +
                                          std::to_string(op.in.size())};
  for (std::size_t i = 0; i < std::max(op.in.size(), operands.size()); ++i) {
    const Operand& operand = operand_at(operands, i);
    if (!op.has(i)) {
      if (operand.arity == Arity::one || (operand.arity == Arity::variadic && i < op.in.size()))
        return Fault{Kind::invalid_model,
                     "operand `" + std::string(operand.name) + "` of " + op.block->name + " is missing"};
      continue;
    }
    if (!operand.dtypes.has(op.in[i]->dtype))
      return Fault{Kind::dtype_mismatch, "operand `" + std::string(operand.name) + "` of " + op.block->name +
                                             " cannot be " + type_text(*op.in[i])};
    if (operand.is_constant && op.data[i] == nullptr)
      return Fault{
          Kind::unsupported_feature,
          "operand `" + std::string(operand.name) + "` of " + op.block->name + " is computed at run time",
          "make it an initializer of the model, or freeze it with --freeze INPUT=FILE"};
  }
  auto types = op.block->infer(op);
  if (types) {
    for (const Type& type : *types)
      if (const std::string fault = shape_fault(type.shape, type.dtype); !fault.empty())
        return Fault{Kind::limit_exceeded, "output of " + op.block->name + ": " + fault};
  }
  return types;
}

}  // namespace nb
