// What a Keras model keeps in an HDF5 file: tensors and texts by path.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "diag/diagnostics.h"
#include "graph/type.h"
#include "read/keras/hdf5_stream.h"

namespace nb::keras {

/// The first bytes of an HDF5 file.
inline constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n";

/// Whether the bytes are an HDF5 file: the signature stands at 0, or at 512, 1024, 2048, ... behind a user's
/// block.
[[nodiscard]] bool is_hdf5(ByteSpan file);

/// One dataset; the elements lie in the Hdf5 that it is of.
struct StoredTensor {
  ElementKind kind = ElementKind::f32;
  Shape shape;
  ByteSpan elements;
};

/// The groups and datasets of one file. Paths have no leading slash: "layers/dense/vars/0". Moveable only:
/// spans point into it.
class Hdf5 {
 public:
  Hdf5() = default;
  Hdf5(Hdf5&&) noexcept = default;
  Hdf5& operator=(Hdf5&&) noexcept = default;
  Hdf5(const Hdf5&) = delete;
  Hdf5& operator=(const Hdf5&) = delete;

  [[nodiscard]] const StoredTensor* find(const std::string& path) const;
  /// The texts of an attribute of the object at `path`; null if it has none. Lists that were cut into
  /// `name0`, `name1`,
  /// ... are whole.
  [[nodiscard]] const std::vector<std::string>* texts(const std::string& path, const std::string& name) const;
  /// The one text of an attribute; empty if there is none.
  [[nodiscard]] std::string text(const std::string& path, const std::string& name) const;
  /// Why the object at `path` was not read; empty if it was, or is not there.
  [[nodiscard]] std::string why_left_out(const std::string& path) const;
  /// All datasets in the order of their paths.
  [[nodiscard]] const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }
  /// All attributes, by (path, name).
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, std::vector<std::string>>& attributes()
      const {
    return texts_;
  }

  /// Reads a stream (hdf5_stream.h), trusting nothing in it; why not if it is none.
  [[nodiscard]] std::string parse(std::string stream);

 private:
  void join_lists();

  std::string stream_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> texts_;
  std::map<std::string, std::string> left_out_;
};

/// Reads `file` in a process of its own, with limits on its time, memory and output. Reports malformed-file,
/// limit-exceeded, tool-missing (nblocks-hdf5 was not built) and interrupted; `what` is what the bytes are
/// called.
[[nodiscard]] Result<Hdf5> read_hdf5(ByteSpan file, const std::string& what, Diagnostics& diagnostics);

}  // namespace nb::keras
