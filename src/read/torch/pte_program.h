// An ExecuTorch program (.pte) as plain records: what its tables say, every index checked, nothing
// translated.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "diag/diagnostics.h"
#include "graph/type.h"
#include "read/flatbuffer.h"
#include "read/torch/item.h"

namespace nb::torch {

/// A tensor of the values table. Its memory is planned by the program, given from outside, or in the file.
struct PteTensor {
  std::int64_t scalar_type = 0;         ///< c10's number
  Shape sizes;                          ///< non-negative; the upper bounds if `is_dynamic`
  std::vector<std::uint8_t> dim_order;  ///< a permutation of the axes, outermost in memory first
  std::int64_t storage_offset = 0;      ///< in elements
  std::uint32_t buffer = 0;             ///< 0: no data in the file
  std::uint64_t mutable_group = 0;      ///< of allocated tensors: which list of offsets `buffer` indexes
  bool is_allocated = false;            ///< has memory that the program writes
  std::uint32_t memory = 0;             ///< of allocated tensors: which
  std::uint64_t memory_offset = 0;      ///< in bytes; tensors of one place are views of each other
  bool is_dynamic = false;
  bool is_external = false;  ///< its data is in another file
  std::string_view name;     ///< in the Python model; mostly empty
};
/// Indexes of values; -1 for None.
struct PteIndexes {
  std::vector<std::int64_t> items;
};
using PteValue = std::variant<None, std::int64_t, bool, double, std::string_view, PteTensor, PteIndexes,
                              std::vector<double>, std::vector<bool>>;

struct PteKernelCall {
  std::size_t op = 0;
  std::vector<std::size_t> arguments;  ///< value indexes: the schema's arguments, outs, what is returned
};
struct PteDelegateCall {
  std::size_t delegate = 0;
};
struct PteMove {
  std::size_t from = 0, to = 0;
};
struct PteJumpFalse {
  std::size_t condition = 0, destination = 0;  ///< a value, an instruction of the chain or its end
};
struct PteFree {};
struct PteInstruction {
  std::variant<PteKernelCall, PteDelegateCall, PteMove, PteJumpFalse, PteFree> what;
  std::string source;  ///< "model.py:12 in forward", mostly empty
};

struct PteOperator {
  std::string_view name, overload;  ///< "aten::add", "out"
};

/// One entry point.
struct PteMethod {
  std::string_view name;
  std::vector<PteValue> values;
  std::vector<std::size_t> inputs, outputs;         ///< value indexes
  std::vector<std::vector<PteInstruction>> chains;  ///< run one after the other
  std::vector<PteOperator> operators;
  std::vector<std::string_view> delegates;  ///< their ids
};

struct PteProgram {
  std::vector<PteMethod> methods;

  /// The bytes from the beginning of a tensor's data to the end of what may hold it; absent, with the reason,
  /// if the file has none for it.
  [[nodiscard]] std::optional<ByteSpan> storage_of(const PteTensor& tensor, std::string& why_not) const;

  struct Offsets {
    std::size_t segment = 0;
    std::vector<std::uint64_t> offsets;
  };
  std::vector<ByteSpan> constants;  ///< those within the tables
  std::vector<ByteSpan> segments;
  Offsets constant_offsets;
  std::vector<Offsets> mutable_offsets;
};

/// Whether the bytes are a .pte file, by their identifier.
[[nodiscard]] bool is_pte(ByteSpan file);

/// Reads the tables; views in the result point into `file`. Reports malformed-file and limit-exceeded.
[[nodiscard]] Result<PteProgram> parse_pte(ByteSpan file, Diagnostics& diagnostics);

}  // namespace nb::torch
