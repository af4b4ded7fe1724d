// What earlier PyTorch wrote into .pt2 files: tensors as archives of torch.save within the archive (2.6 to
// 2.8), and the graph beside them without folders (2.6 and 2.7).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "read/torch/pt2_program.h"

namespace nb::torch {

/// The entries of torch.export.save in 2.6 and 2.7, all at the top.
inline constexpr const char* kFlatProgram = "serialized_exported_program.json";
inline constexpr const char* kFlatWeights = "serialized_state_dict.pt";
inline constexpr const char* kFlatConstants = "serialized_constants.pt";

/// The bytes as characters.
[[nodiscard]] inline std::string_view characters(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

using Pt2Storages = std::unordered_map<std::string, Pt2Storage>;

/// The tensors of the entry `path`, which torch.save wrote: those of a dict by name, or the only one by "".
/// Their elements are not read; what else the dict holds is passed over. An entry of 0 bytes has none. The
/// storages refer to `archive`, which outlives them. Faults: malformed-file, unsupported-feature.
[[nodiscard]] Checked<Pt2Storages> read_saved_tensors(ZipArchive& archive, const std::string& path);

/// The JSON with texts for the numbers that JSON does not have, "Infinity", "-Infinity" and "NaN", as later
/// versions write them; absent if there is none of them.
[[nodiscard]] std::optional<std::string> with_quoted_floats(std::string_view json);

}  // namespace nb::torch
