// What analyze and run print for people.
#pragma once
#include "report/report.h"

namespace nb::cli {

/// The end of a long name: that is where names of one model differ.
[[nodiscard]] std::string end_of(const std::string& name);

/// Layers, then totals.
void print_analysis(const Graph& graph, const Board& board, const Analysis& analysis);

/// Layers with their instructions, then totals and the files written.
/// What --quantize decided for each value, and the signal-to-noise ratio that it leaves; nothing without it.
void print_quantization(const std::vector<QuantizedValue>& values);
void print_run(const Graph& graph, const Program& program, const Board& board, const Firmware& firmware,
               const RunResult& result, const RunCosts* costs, const std::vector<std::string>& files);
/// Cycles, milliseconds, energy, duty cycle, and what is not known or was assumed.
void print_costs(const Cost& total, double stall_cycles, const CostBasis& basis,
                 const std::optional<DutyCost>& duty, const std::vector<std::string>& assumptions);

}  // namespace nb::cli
