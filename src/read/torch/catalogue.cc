#include "read/torch/catalogue.h"

#include "read/torch/layer.h"
#include "read/torch/schema.h"

namespace nb {

std::vector<TorchOperator> torch_catalogue() {
  std::vector<TorchOperator> all;
  for (const std::string& name : torch::translated_operators()) {
    TorchOperator op{name, {}, {}, std::string(torch::find_operator(name)->block)};
    for (const torch::Schema& schema : torch::find_schemas(name)) op.overloads.emplace_back(schema.overload);
    for (const std::string_view ending : {"_", "_copy"}) {
      const std::string variant = name + std::string(ending);
      if (torch::find_operator(variant) == nullptr && !torch::find_schemas(variant).empty())
        op.variants.push_back(variant);
    }
    all.push_back(std::move(op));
  }
  return all;
}

}  // namespace nb
