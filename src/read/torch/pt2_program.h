// A .pt2 archive (torch.export.save) as plain records: the graph's nodes, and where its tensors lie.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/zip.h"
#include "graph/block.h"
#include "read/torch/item.h"
#include "read/torch/storage.h"

namespace nb::torch {

struct Pt2Graph;

/// An argument or result: something known, or the name of a value, or a list of such, or a graph.
struct Pt2Argument {
  enum class Kind : std::uint8_t { known, name, list, graph, unsupported } kind = Kind::known;
  Item item = {};
  std::string name = {};  ///< of a value; of an unsupported kind of argument, its tag ("as_custom_obj")
  std::vector<Pt2Argument> list = {};
  std::shared_ptr<const Pt2Graph> graph = {};
};

struct Pt2Node {
  std::string target;                                       ///< "torch.ops.aten.conv2d.default"
  std::vector<std::pair<std::string, Pt2Argument>> inputs;  ///< by the schema's names; "" by position
  std::vector<Pt2Argument> outputs;
  std::string name;    ///< of the node in the exported graph
  std::string module;  ///< path of the innermost nn.Module, "encoder.layers.0.norm1"; empty in the outermost
  std::string source;  ///< `File "net.py", line 12, in forward`; empty if the export does not carry it

  /// "aten.conv2d" and "default" of "torch.ops.aten.conv2d.default".
  [[nodiscard]] std::pair<std::string, std::string> operator_name() const;
};

/// One dimension: a number, or an expression of symbols.
struct Pt2Dimension {
  std::int64_t size = 0;
  std::string symbols = {};  ///< "s77", "2*s3"; empty if it is a number
};

struct Pt2Tensor {
  std::int64_t scalar_type = 0;  ///< c10's number
  std::vector<Pt2Dimension> sizes;
  std::vector<std::int64_t> strides;  ///< empty where one is symbolic
  std::int64_t offset = 0;
  bool is_strided = true;  ///< the layout
};

struct Pt2Graph {
  std::vector<Pt2Argument> inputs, outputs;
  std::deque<Pt2Node> nodes;
  std::unordered_map<std::string, Pt2Tensor> tensors;  ///< types of inputs (and perhaps other values) by name
};

/// What one input or output of the outermost graph is.
struct Pt2Spec {
  std::string kind;  ///< "parameter", "buffer", "user_input", "buffer_mutation", ...
  Pt2Argument argument;
  std::string
      target;  ///< the parameter's, buffer's or constant's name in the model; of a mutation, what is written
};

/// Where a parameter, buffer or constant lies.
struct Pt2Storage {
  std::string path;  ///< of the entry, within its archive
  Pt2Tensor tensor;
  bool is_pickled = false;                   ///< as what is no plain tensor
  bool is_quantized = false;                 ///< with a scale of its own, in the eager mode's manner
  std::shared_ptr<ZipArchive> archive = {};  ///< of torch.save, within the file's; null: the file's itself
};

struct Pt2Program {
  std::string torch_version;
  Pt2Graph graph;
  std::vector<Pt2Spec> inputs, outputs;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> ranges;  ///< of symbols: least and most
  std::unordered_map<std::string, Pt2Storage> storages;                 ///< by name in the model
};

/// Reads the JSON parts of an archive that torch.export.save wrote in PyTorch 2.6 or later, and where its
/// tensors lie. The program refers to `archive`, which outlives it. Trusts nothing; faults name what was
/// observed.
[[nodiscard]] Checked<Pt2Program> read_pt2_program(ZipArchive& archive);

}  // namespace nb::torch
