// What of Keras is read: for documentation and `nblocks blocks --of keras`.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace nb {

struct KerasCatalogue {
  std::vector<std::pair<std::string, std::string>> layers;  ///< class, the block that it mainly becomes or ""
  std::vector<std::pair<std::string, std::string>> operations;  ///< of keras.ops, the same
  std::vector<std::string> activations;                      ///< by the names that configurations give them
  std::vector<std::pair<std::string, std::string>> refused;  ///< class, what stands for it
};
[[nodiscard]] KerasCatalogue keras_catalogue();

}  // namespace nb
