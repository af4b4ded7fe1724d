// Which operators of PyTorch are read: for documentation and `nblocks blocks --of torch`.
#pragma once
#include <string>
#include <vector>

namespace nb {

struct TorchOperator {
  std::string name;                    ///< "aten.conv2d"
  std::vector<std::string> overloads;  ///< "default", "padding"
  std::vector<std::string> variants;   ///< the same operator written in place or as a copy: "aten.relu_"
  std::string block;                   ///< that it becomes, "" if several
};
/// In the order of their names.
[[nodiscard]] std::vector<TorchOperator> torch_catalogue();

}  // namespace nb
