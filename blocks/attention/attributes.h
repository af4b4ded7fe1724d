// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <span>
#include <tuple>

#include "graph/attributes.h"

namespace nb {

/// What a query gets whose boolean mask hides all keys.
enum class Blind : std::uint8_t {
  zeros,
  mean,     ///< of the values of its window: all scores became one number
  unmasked  ///< what it gets without the mask: all scores were moved by one number
};
inline std::span<const std::string_view> names_of(Blind) {
  static constexpr std::array<std::string_view, 3> kNames = {"zeros", "mean", "unmasked"};
  return kNames;
}

struct AttentionAttrs {
  float scale = 1.0f;
  float softcap = 0.0f;
  std::int64_t left = -1;
  std::int64_t right = -1;
  std::int64_t offset = 0;
  Blind blind = Blind::zeros;
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
    Field{"blind", &AttentionAttrs::blind,
          "what a query gets whose boolean mask hides all keys: zeros, the mean of its window's values, or "
          "what it gets without the mask"},
    Field{"q_axes", &AttentionAttrs::q_axes,
          "order of q's axes: b batch, h heads, t rows, d features; d last"},
    Field{"k_axes", &AttentionAttrs::k_axes, "order of k's axes"},
    Field{"v_axes", &AttentionAttrs::v_axes, "order of v's axes"},
    Field{"y_axes", &AttentionAttrs::y_axes, "order of y's axes; d last"}};

}  // namespace nb
