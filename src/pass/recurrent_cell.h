// Steps of recurrent layers that are written out: what find-recurrences takes for one.
#pragma once
#include <optional>
#include <vector>

#include "blocks/recurrent.h"
#include "pass/row_sum.h"

namespace nb {

/// A gate: a function of a sum of products. Without a function: a gate that the step does not have, because
/// it meets a state of zeros.
struct CellGate {
  std::optional<GateCall> call = {};
  RowSum sum = {};
};

enum class CellKind : std::uint8_t { lstm, gru, rnn };

/// One step. Gates stand in the order of the block: input, output, forget, cell; update, reset, new; one.
struct CellStep {
  CellKind kind = CellKind::rnn;
  std::size_t node = 0;  ///< that makes h
  ValueId h, c;          ///< c of an lstm
  std::vector<CellGate> gates = {};
  std::optional<GateCall> hidden = {};  ///< lstm: of the cell on its way to h
  /// lstm: the cell before, gru: h before, as the step reads it beside the gates; absent: zeros.
  std::optional<Row> before = {};
  bool negates_update = false;  ///< gru: the update gate is 1 - gates[0]
  bool resets_after = false;
  RowSum reset_sum = {};              ///< gru that resets after: what the reset gate scales
  std::optional<Row> reset_row = {};  ///< gru that resets before: the reset gate times h
  std::vector<Row> rows = {};         ///< origins of the products, each once, without reset_row: x, perhaps h
  std::vector<Row> read = {};         ///< the same rows as dense layers read them
};

[[nodiscard]] inline bool is_same_call(const GateCall& a, const GateCall& b) {
  return a.function == b.function && a.alpha == b.alpha && a.beta == b.beta;
}

/// The step whose h the node makes, if it is one. A `before` that is a constant of zeros is absent.
[[nodiscard]] std::optional<CellStep> find_cell(const RowReader& reader, std::size_t node);

}  // namespace nb
