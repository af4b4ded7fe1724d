#include "report/changes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace nb {

OutputChanges changes_between(const Graph& graph, const Samples& found, const Samples& exact) {
  OutputChanges changes;
  changes.samples = static_cast<std::int64_t>(std::min(found.count, exact.count));
  for (std::int64_t n = 0; n < changes.samples; ++n) {
    const ByteSpan mine = found.sample(static_cast<std::size_t>(n)),
                   theirs = exact.sample(static_cast<std::size_t>(n));
    std::size_t at = 0;
    const std::int64_t before = changes.changed;
    for (const ValueId id : graph.public_outputs()) {
      const Type& type = graph.at(id).type;
      visit_dtype(type.dtype, [&](auto zero) {
        using T = decltype(zero);
        for (std::int64_t i = 0; i < type.elements(); ++i, at += sizeof(T)) {
          ++changes.values;
          if (std::memcmp(mine.data() + at, theirs.data() + at, sizeof(T)) == 0) continue;
          T a, b;
          std::memcpy(&a, mine.data() + at, sizeof(T));
          std::memcpy(&b, theirs.data() + at, sizeof(T));
          ++changes.changed;
          changes.largest =
              std::max(changes.largest, std::fabs(static_cast<double>(a) - static_cast<double>(b)));
        }
      });
    }
    changes.changed_samples += changes.changed > before ? 1 : 0;
  }
  return changes;
}

nlohmann::json changes_json(const OutputChanges& changes) {
  return {{"values", changes.values},
          {"changed", changes.changed},
          {"samples", changes.samples},
          {"changed_samples", changes.changed_samples},
          {"largest_change_steps", changes.largest}};
}

std::string changes_text(const OutputChanges& changes) {
  std::string text = grouped(changes.changed) + " of " + grouped(changes.values) + " output values";
  if (changes.changed == 0) return text;
  return text + ", in " + grouped(changes.changed_samples) + " of " + grouped(changes.samples) +
         " samples, by at most " + float_text(static_cast<float>(changes.largest)) +
         (changes.largest == 1 ? " step" : " steps");
}

}  // namespace nb
