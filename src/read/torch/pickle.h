// The pickles of PyTorch's files: read as a tree of values. Nothing is imported, called or executed; the few
// names that a pickle may give are known here by what they make.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/type.h"
#include "read/torch/storage.h"

namespace nb::torch {

struct PickleNode;
/// An index into Pickle::nodes.
using PickleId = std::uint32_t;
inline constexpr PickleId kNoPickle = ~PickleId{0};

enum class PickleKind : std::uint8_t {
  none,
  boolean,  ///< integer: 0 or 1
  integer,
  real,
  text,     ///< also bytes
  list,     ///< items
  tuple,    ///< items
  dict,     ///< items: key, value, key, value, ...
  global,   ///< text: the module, name: what is named in it
  storage,  ///< text: the key, under which its bytes lie; dtype; integer: its elements
  tensor,   ///< of `view`, within the storage items[0]
  object,   ///< of the class items[0], a global; items[1], if there: its state
};

/// A view as the pickle gives it, before anything is checked.
struct PickleTensor {
  StridedView view;
  std::optional<Quantization> quantization;
};

/// One value. Values are shared, and a list may hold itself: whoever walks bounds the depth and the steps.
/// Texts lie in the bytes that were parsed.
struct PickleNode {
  PickleKind kind = PickleKind::none;
  DType dtype = DType::f32;
  std::uint32_t tensor = 0;  ///< of tensors: the index into Pickle::tensors
  std::uint32_t offset = 0;  ///< of the opcode that made it
  union {
    std::int64_t integer = 0;
    double real;
  };
  std::string_view text = {}, name = {};
  std::vector<PickleId> items = {};
};

struct Pickle {
  std::vector<PickleNode> nodes;
  std::vector<PickleTensor> tensors;
  PickleId root = kNoPickle;
  [[nodiscard]] const PickleNode& at(PickleId id) const { return nodes[id]; }
  /// The value of a dict's text key; kNoPickle if absent or `id` is no dict.
  [[nodiscard]] PickleId find(PickleId id, std::string_view key) const;
};

/// Why a pickle was not read.
struct PickleFault {
  std::string message;      ///< the rest of a sentence about the pickle ("has ...")
  std::string global = {};  ///< the name, "module.name", if it is one that is not allowed
};

/// Reads one pickle of protocol 2 to 5 from the beginning of `bytes` to its STOP; `bytes` must outlive it.
/// Names allowed: PyTorch's rebuilding of tensors and parameters, its storages, OrderedDict,
/// torch.jit's build_*list and restore_type_tag, and classes below `__torch__`, which stay names. Memory is
/// at most proportional to the bytes, and bounded.
[[nodiscard]] std::optional<Pickle> parse_pickle(ByteSpan bytes, PickleFault& fault);

/// Whether the bytes begin as a pickle of protocol 2 or later.
[[nodiscard]] bool looks_like_pickle(ByteSpan bytes);

}  // namespace nb::torch
