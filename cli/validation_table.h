// What validate prints for people.
#pragma once
#include "report/validation.h"

namespace nb::cli {

/// The errors of each output, the metric, the confusion matrix of up to 16 classes, layers, gates.
void print_validation(const Validation& validation);

}  // namespace nb::cli
