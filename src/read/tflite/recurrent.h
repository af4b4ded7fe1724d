// What recurrent layers with variable states share.
#pragma once
#include "read/tflite/translate.h"

namespace nb::tflite {

/// The variable tensor of an operand as a block's state [1,N,H].
[[nodiscard]] Result<ValueId> variable_state(Layer& layer, std::size_t operand, std::int64_t samples,
                                             std::int64_t units);
/// Makes outputs of blocks, [T,1,N,H] if time_major, else [N,T,1,H], one output of the layer each, or one
/// side by side if `merges`.
[[nodiscard]] Status finish_directions(Layer& layer, const std::vector<ValueId>& sequences,
                                       bool is_time_major, bool merges);

}  // namespace nb::tflite
