// Attributes of lstm, and the operands that readers give it.
//
// With T steps, N samples, D directions (2 if bidirectional), I inputs, H hidden units; the gates stand in
// the order input, output, forget, cell along every axis of 4H:
//   z  = w x_t + r h_{t-1} + b          z_i, z_f += peephole * c_{t-1}
//   i, f = gate_activation(z_i, z_f)     g = cell_activation(z_c)
//   c_t = clip(f * c_{t-1} + i * g)      z_o += peephole * c_t,  o = gate_activation(z_o)
//   h_t = o * hidden_activation(c_t)
//
// operand      type                       meaning
// 0 x          [T,N,I], or [N,T,I] unless time_major
// 1 w          [D,4H,I]   constant
// 2 r          [D,4H,H]   constant
// 3 b          [D,4H], or [D,8H]: of w, then of r (their sum counts); optional, constant
// 4 lengths    i32 [N]    steps of each sample; later outputs are 0; optional
// 5 initial_h  [D,N,H]    optional, else 0
// 6 initial_c  [D,N,H]    optional, else 0
// 7 peephole   [D,3H]     of the gates input, output, forget; optional, constant
// 8 state_h    [D,N,H]    optional: kept between runs, read instead of initial_h, overwritten by the last h
// 9 state_c    [D,N,H]    optional: the same for c; both or neither
// Outputs: y [T,D,N,H], or [N,T,D,H] unless time_major; with final_state also y_h and y_c [D,N,H].
//
// Quantized (the meaning is that of TensorFlow Lite Micro; D = 1, no lengths, no peephole, tanh and sigmoid):
//   x        i8 or i16, per tensor          w, r  i8, zero point 0, one scale a row along axis 1: each gate's
//   scale H times b        [1,4H] i32 (i64 under i16), the biases of w; its scales are x.scale * w.scale[row]
//   state_h  as x's dtype, per tensor, its first contents are its zero point; y has the same quantization
//   state_c  i16, a power of two as scale, zero point 0
// Gate pre-activations are int16 of gate_scales (empty: 2^-12 each), gate outputs int16 of 2^-15.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// The order in which time is walked.
enum class LstmDirection : std::uint8_t { forward, reverse, bidirectional };
inline std::span<const std::string_view> names_of(LstmDirection) {
  static constexpr std::array<std::string_view, 3> kNames = {"forward", "reverse", "bidirectional"};
  return kNames;
}

/// The functions that gates, cell input and cell output pass through.
enum class LstmActivation : std::uint8_t { sigmoid, tanh, relu, relu6, hard_sigmoid, identity };
inline std::span<const std::string_view> names_of(LstmActivation) {
  static constexpr std::array<std::string_view, 6> kNames = {"sigmoid", "tanh",         "relu",
                                                             "relu6",   "hard_sigmoid", "identity"};
  return kNames;
}

struct LstmAttrs {
  LstmDirection direction = LstmDirection::forward;
  bool time_major = true;
  bool final_state = false;
  LstmActivation gate_activation = LstmActivation::sigmoid;
  LstmActivation cell_activation = LstmActivation::tanh;
  LstmActivation hidden_activation = LstmActivation::tanh;
  float gate_clip = 0.0f;
  float cell_clip = 0.0f;
  bool couple_gates = false;
  std::vector<float> gate_scales = {};
  float hidden_scale = 0.0f;
  std::int64_t hidden_zero_point = 0;
};
inline constexpr std::tuple kLstmFields{
    Field{"direction", &LstmAttrs::direction, "of time"},
    Field{"time_major", &LstmAttrs::time_major, "x is [T,N,I], else [N,T,I]"},
    Field{"final_state", &LstmAttrs::final_state, "the last h and c are outputs, too"},
    Field{"gate_activation", &LstmAttrs::gate_activation, "of the gates input, output, forget"},
    Field{"cell_activation", &LstmAttrs::cell_activation, "of the cell's input"},
    Field{"hidden_activation", &LstmAttrs::hidden_activation, "of the cell on its way to h"},
    Field{"gate_clip", &LstmAttrs::gate_clip, "bound of what enters an activation, 0: none"},
    Field{"cell_clip", &LstmAttrs::cell_clip, "bound of the cell state, 0: none"},
    Field{"couple_gates", &LstmAttrs::couple_gates, "the forget gate is 1 - input gate"},
    Field{"gate_scales", &LstmAttrs::gate_scales,
          "quantized: scales of the pre-activations of input, output, forget, cell; empty: 2^-12"},
    Field{"hidden_scale", &LstmAttrs::hidden_scale,
          "quantized: of h before a projection, as the model states it; 0: that of state_h"},
    Field{"hidden_zero_point", &LstmAttrs::hidden_zero_point, "quantized: belongs to hidden_scale"}};

}  // namespace nb
