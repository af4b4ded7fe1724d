// C identifiers out of a model's names, each given once.
#pragma once
#include <string>
#include <unordered_set>

#include "base/text.h"

namespace nb {

/// Hands out identifiers: the wished one, or with a number behind it if it is taken.
class Names {
 public:
  std::string take(std::string wished) {
    if (taken_.insert(wished).second) return wished;
    for (int n = 2;; ++n)
      if (const std::string numbered = wished + "_" + std::to_string(n); taken_.insert(numbered).second)
        return numbered;
  }

 private:
  std::unordered_set<std::string> taken_;
};

}  // namespace nb
