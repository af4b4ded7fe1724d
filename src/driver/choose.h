// Which layers of a model compute in int8, int16 and float32: by what each adds to the outputs' error, what
// it costs on a board, and the loss of accuracy that is allowed.
#pragma once
#include "driver/variants.h"
#include "report/formats.h"

namespace nb {

/// Searches. Start: each layer in its cheapest format; then the layers whose error falls most for what it
/// costs become more precise until the drop is kept, by bisection on measured accuracy. The one with the
/// fewest cycles (fewest instructions where the core's timing is not known, fewest bytes of weights on the
/// host) of all that were measured, keep the drop and fit is chosen. Reports gate-failed, or does-not-fit, if
/// there is none. Errors: those of Variants.
[[nodiscard]] Result<FormatFrontier> choose_formats(const Variants& variants, const Judge& judge,
                                                    double max_drop, const ProgressTeller& progress,
                                                    Diagnostics& diagnostics);

/// All layers that compute, with their errors by themselves and their costs in models of one format
/// throughout; formats are those of the options' --layers, else the base.
[[nodiscard]] Result<std::vector<LayerFormatCost>> layer_formats(const Variants& variants,
                                                                 const ProgressTeller& progress,
                                                                 Diagnostics& diagnostics);

/// The layer as the options' --layers say for all, and in each other format; accuracies if there is a judge.
/// The variants were made with QuantizeOptions::layer, which is refused there if it does not compute. Errors:
/// those of Variants.
[[nodiscard]] Result<LayerExplanation> explain_layer(const Variants& variants, const std::string& layer,
                                                     const Judge* judge, const ProgressTeller& progress,
                                                     Diagnostics& diagnostics);

}  // namespace nb
