// What a way to build a model buys: the part, its flash, and memories beside it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "advise/advice.h"
#include "target/board.h"

namespace nb {

/// At what prices are taken.
struct PriceTerms {
  std::optional<std::int64_t> volume;
  std::string currency;
  const PriceList* prices = nullptr;  ///< the user's, before the catalogue's
};

/// The board's own name, without additions.
[[nodiscard]] const std::string& base_of(const Board& board);

/// All prices of a board's part.
[[nodiscard]] std::vector<QuotedPrice> part_quotes(const Board& board, const PriceList* prices);

/// Fills in parts and price. Absent, with the reason among the row's blanks: a part has none in the currency.
void price_candidate(AdviceCandidate& candidate, const Board& board, const PriceTerms& terms);

}  // namespace nb
