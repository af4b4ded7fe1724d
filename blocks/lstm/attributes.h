// Attributes of lstm, and the operands that readers give it.
//
// With T steps, N samples, D directions (2 if bidirectional), I inputs, H hidden units; the gates stand in
// the order input, output, forget, cell along every axis of 4H; f, g, h are the functions of a direction:
//   z  = w x_t + r h_{t-1} + b          z_i, z_f += peephole * c_{t-1}
//   i, f = f(z_i), f(z_f)                (or f = 1 - i)
//   c_t = clip(f * c_{t-1} + i * g(z_c))   z_o += peephole * c_t,  o = f(z_o)
//   h_t = o * h(c_t)
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
// Integers (blocks/recurrent_integers.h; functions sigmoid, tanh, tanh; no peephole, couple_gates): x
// i8 or i16, y of the same dtype with numbers of its own; w, r i8, zero point 0, one scale or one a row; b
// absent or f32; states i16, zero point 0. Pre-activations have steps of 1/98304, gates and h of 2^-15, c of
// 2^-16.
//
// Quantized (the meaning is that of TensorFlow Lite Micro, told by its integer bias; forward, states, a bias,
// no lengths, no peephole, functions sigmoid, tanh, tanh):
//   x        i8 or i16, per tensor
//   w, r     i8, zero point 0, one scale a row along axis 1 that is the same in all rows of a gate
//   b        [1,4H] i32 (i64 under i16); its scales are x.scale * w.scale[row]
//   state_h  as x's dtype, per tensor, its first contents are its zero point; y has the same quantization
//   state_c  i16, a power of two as scale, zero point 0
// Gate pre-activations are int16 of 2^-12, gate outputs int16 of 2^-15.
#pragma once
#include <tuple>
#include <vector>

#include "blocks/recurrent.h"

namespace nb {

struct LstmAttrs {
  Direction direction = Direction::forward;
  bool time_major = true;
  bool final_state = false;
  std::vector<GateFunction> functions = {};
  std::vector<float> alpha = {}, beta = {};
  float gate_clip = 0.0f;
  float cell_clip = 0.0f;
  bool couple_gates = false;
};
inline constexpr std::tuple kLstmFields{
    Field{"direction", &LstmAttrs::direction, "of time"},
    Field{"time_major", &LstmAttrs::time_major, "x is [T,N,I], else [N,T,I]"},
    Field{"final_state", &LstmAttrs::final_state, "the last h and c are outputs, too"},
    Field{"functions", &LstmAttrs::functions,
          "of gates, cell input and cell output of each direction; empty: sigmoid, tanh, tanh"},
    Field{"alpha", &LstmAttrs::alpha, "first parameter of each function; empty: none has one"},
    Field{"beta", &LstmAttrs::beta, "second parameter of each function; empty: none has one"},
    Field{"gate_clip", &LstmAttrs::gate_clip, "bound of what enters a function, 0: none"},
    Field{"cell_clip", &LstmAttrs::cell_clip, "bound of the cell state, 0: none"},
    Field{"couple_gates", &LstmAttrs::couple_gates, "the forget gate is 1 - input gate"}};

}  // namespace nb
