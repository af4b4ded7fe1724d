// Attributes of rnn, and the operands that readers give it.
//
// With T steps, N samples, D directions (2 if bidirectional), I inputs, H hidden units, and
// its function f a direction: h_t = f(w x_t + r h_{t-1} + b).
//
// operand      type                       meaning
// 0 x          [T,N,I], or [N,T,I] unless time_major
// 1 w          [D,H,I]   constant
// 2 r          [D,H,H]   constant
// 3 b          [D,H], or [D,2H]: of w, then of r; optional, constant
// 4 lengths    i32 [N]    steps of each sample; later outputs are 0; optional
// 5 initial_h  [D,N,H]    optional, else 0
// 6 state_h    [D,N,H]    optional: kept between runs, read instead of initial_h, overwritten by the last h
// Outputs: y [T,D,N,H], or [N,T,D,H] unless time_major; with final_state also y_h [D,N,H].
//
// Integers (blocks/recurrent_integers.h; functions tanh or relu, no gate_clip): x i8 or i16, y of the same
// dtype with numbers of its own; w, r i8, zero point 0, one scale or one a row; b stays f32; states i16, zero
// point 0. Pre-activations have steps of 1/98304; h, int16, of 2^-15, or with relu of the power of two that
// reaches as far as y and the states.
#pragma once
#include <tuple>
#include <vector>

#include "blocks/recurrent.h"

namespace nb {

struct RnnAttrs {
  Direction direction = Direction::forward;
  bool time_major = true;
  bool final_state = false;
  std::vector<GateFunction> functions = {};
  std::vector<float> alpha = {}, beta = {};
  float gate_clip = 0.0f;
};
inline constexpr std::tuple kRnnFields{
    Field{"direction", &RnnAttrs::direction, "of time"},
    Field{"time_major", &RnnAttrs::time_major, "x is [T,N,I], else [N,T,I]"},
    Field{"final_state", &RnnAttrs::final_state, "the last h is an output, too"},
    Field{"functions", &RnnAttrs::functions, "of each direction; empty: tanh"},
    Field{"alpha", &RnnAttrs::alpha, "first parameter of each function; empty: none has one"},
    Field{"beta", &RnnAttrs::beta, "second parameter of each function; empty: none has one"},
    Field{"gate_clip", &RnnAttrs::gate_clip, "bound of what enters a function, 0: none"}};

}  // namespace nb
