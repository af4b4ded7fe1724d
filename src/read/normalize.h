// Normalizations that several formats have.
#pragma once
#include "blocks/layer_norm/attributes.h"
#include "read/translation.h"

namespace nb::read {

/// (x - mean) / sqrt(variance + epsilon) * scale + bias with one number an index of `axis` each; the block
/// batch_norm if all are constants.
[[nodiscard]] ValueId batch_norm(Translation& l, ValueId x, ValueId scale, ValueId bias, ValueId mean,
                                 ValueId variance, std::int64_t axis, float epsilon);
/// x [N,C,spatial...] normalized over each sample's and channel's spatial axes; scale and bias [C], which may
/// be absent.
[[nodiscard]] ValueId instance_norm(Translation& l, ValueId x, ValueId scale, ValueId bias, float epsilon);
/// x [N,C,spatial...] normalized over each sample's groups of channels, without scale and bias.
[[nodiscard]] ValueId group_normal(Translation& l, ValueId x, std::int64_t groups, float epsilon);
/// Over the axes from attributes.axis on; scale and bias broadcast to x and may be absent. The output, and
/// where attributes ask for them, mean and inverse deviation.
[[nodiscard]] std::vector<ValueId> layer_norm(Translation& l, ValueId x, ValueId scale, ValueId bias,
                                              const LayerNormAttrs& attributes);

}  // namespace nb::read
