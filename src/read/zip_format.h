// Which model format a zip archive holds: told by its entries, in one place.
#pragma once
#include <string>

#include "base/zip.h"

namespace nb {

enum class ZipFormat {
  pt2,           ///< torch.export.save: models/*.json, archive_format; or serialized_exported_program.json
  torch_script,  ///< torch.jit.save: data.pkl and code/
  torch_pickle,  ///< torch.save: data.pkl without code
  keras,         ///< Keras 3: config.json, and model.weights.h5 or metadata.json
  unknown,
};
[[nodiscard]] ZipFormat zip_format_of(const ZipArchive& archive);

/// The folder that all of a PyTorch archive lies in, "model/"; empty if there is none. Its name is the file's
/// that was saved to.
[[nodiscard]] std::string top_folder(const ZipArchive& archive);

}  // namespace nb
