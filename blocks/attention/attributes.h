// Attributes of the blocks in this folder.
#pragma once
#include <tuple>

#include "graph/attributes.h"

namespace nb {

struct AttentionAttrs {
  float scale = 1.0f;
  float softcap = 0.0f;
  std::int64_t left = -1;
  std::int64_t right = -1;
  std::int64_t offset = 0;
  std::string q_axes = "bhtd";
  std::string k_axes = "bhtd";
  std::string v_axes = "bhtd";
  std::string y_axes = "bhtd";
};
inline constexpr std::tuple kAttentionFields{
    Field{"scale", &AttentionAttrs::scale, "factor on the products of q and k"},
    Field{"softcap", &AttentionAttrs::softcap, "s becomes softcap * tanh(s / softcap); 0: it stays"},
    Field{"left", &AttentionAttrs::left, "keys before its own place that a query sees; -1: all"},
    Field{"right", &AttentionAttrs::right, "keys after its own place that a query sees; 0: causal; -1: all"},
    Field{"offset", &AttentionAttrs::offset, "place of the first query among the keys"},
    Field{"q_axes", &AttentionAttrs::q_axes,
          "order of q's axes: b batch, h heads, t rows, d features; d last"},
    Field{"k_axes", &AttentionAttrs::k_axes, "order of k's axes"},
    Field{"v_axes", &AttentionAttrs::v_axes, "order of v's axes"},
    Field{"y_axes", &AttentionAttrs::y_axes, "order of y's axes; d last"}};

}  // namespace nb
