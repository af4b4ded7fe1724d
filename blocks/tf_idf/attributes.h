// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// What an n-gram's count becomes: itself, 1 or 0, both times the weight.
enum class TfIdfMode : std::uint8_t { tf, idf, tfidf };
inline std::span<const std::string_view> names_of(TfIdfMode) {
  static constexpr std::array<std::string_view, 3> kNames = {"tf", "idf", "tfidf"};
  return kNames;
}

struct TfIdfAttrs {
  TfIdfMode mode = TfIdfMode::tf;
  std::int64_t min_length = 1;
  std::int64_t max_length = 1;
  std::int64_t max_skip = 0;
  std::vector<std::int64_t> pool = {};
  std::vector<std::int64_t> starts = {};
  std::vector<std::int64_t> outputs = {};
  std::vector<float> weights = {};
};
inline constexpr std::tuple kTfIdfFields{
    Field{"mode", &TfIdfAttrs::mode, "what an n-gram's count becomes"},
    Field{"min_length", &TfIdfAttrs::min_length, "of the n-grams counted"},
    Field{"max_length", &TfIdfAttrs::max_length, "of the n-grams counted"},
    Field{"max_skip", &TfIdfAttrs::max_skip, "elements between neighbours of an n-gram, at most"},
    Field{"pool", &TfIdfAttrs::pool, "all 1-grams, then all 2-grams, ..."},
    Field{"starts", &TfIdfAttrs::starts, "where in the pool the n-grams of each length begin"},
    Field{"outputs", &TfIdfAttrs::outputs, "the output element that each n-gram of the pool counts in"},
    Field{"weights", &TfIdfAttrs::weights, "of each output element; empty: 1"}};

}  // namespace nb
