// Attributes of gru, and the operands that readers give it.
//
// With T steps, N samples, D directions (2 if bidirectional), I inputs, H hidden units; the gates stand in
// the order update, reset, new along every axis of 3H; f, g are the functions of a direction:
//   u, r = f(w_u x_t + r_u h_{t-1} + b_u), f(the same of r)
//   n = g(w_n x_t + bw_n + r_n (r * h_{t-1}) + br_n), or with reset_after g(w_n x_t + bw_n + r * (r_n h_{t-1}
//   + br_n)) h_t = (1 - u) * n + u * h_{t-1}
//
// operand      type                       meaning
// 0 x          [T,N,I], or [N,T,I] unless time_major
// 1 w          [D,3H,I]   constant
// 2 r          [D,3H,H]   constant
// 3 b          [D,3H], or [D,6H]: of w, then of r; optional, constant
// 4 lengths    i32 [N]    steps of each sample; later outputs are 0; optional
// 5 initial_h  [D,N,H]    optional, else 0
// 6 state_h    [D,N,H]    optional: kept between runs, read instead of initial_h, overwritten by the last h
// Outputs: y [T,D,N,H], or [N,T,D,H] unless time_major; with final_state also y_h [D,N,H].
//
// Integers (blocks/recurrent_integers.h; functions sigmoid, tanh, no gate_clip): x i8 or i16, y of the same
// dtype with numbers of its own; w, r i8, zero point 0, one scale or one a row; b stays f32; states i16, zero
// point 0. Pre-activations have steps of 1/98304, gates of 2^-15, h 14 bits more than its int16.
#pragma once
#include <tuple>
#include <vector>

#include "blocks/recurrent.h"

namespace nb {

struct GruAttrs {
  Direction direction = Direction::forward;
  bool time_major = true;
  bool final_state = false;
  std::vector<GateFunction> functions = {};
  std::vector<float> alpha = {}, beta = {};
  float gate_clip = 0.0f;
  bool reset_after = false;
};
inline constexpr std::tuple kGruFields{
    Field{"direction", &GruAttrs::direction, "of time"},
    Field{"time_major", &GruAttrs::time_major, "x is [T,N,I], else [N,T,I]"},
    Field{"final_state", &GruAttrs::final_state, "the last h is an output, too"},
    Field{"functions", &GruAttrs::functions,
          "of gates and new value of each direction; empty: sigmoid, tanh"},
    Field{"alpha", &GruAttrs::alpha, "first parameter of each function; empty: none has one"},
    Field{"beta", &GruAttrs::beta, "second parameter of each function; empty: none has one"},
    Field{"gate_clip", &GruAttrs::gate_clip, "bound of what enters a function, 0: none"},
    Field{"reset_after", &GruAttrs::reset_after, "the reset gate scales r h + its bias, else h"}};

}  // namespace nb
