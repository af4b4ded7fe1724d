// The types of the inputs that a TorchScript module was traced with.
#pragma once
#include <string>
#include <unordered_map>

#include "base/zip.h"
#include "graph/type.h"
#include "read/torch/script/syntax.h"

namespace nb::torch::script {

/// What `traced_inputs.pkl` tells of the tensors that `forward` takes: sizes and dtype by name, `p.0` and
/// `p.1` of the parts of a tuple `p`. Their elements are not read. Empty if the archive does not have it or
/// it does not fit `forward`; `why_not` then says so, as a whole sentence without its full stop.
[[nodiscard]] std::unordered_map<std::string, Type> traced_types(ZipArchive& archive, const std::string& top,
                                                                 const Function& forward,
                                                                 std::string& why_not);

}  // namespace nb::torch::script
