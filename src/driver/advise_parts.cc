#include "driver/advise_parts.h"

#include <limits>

#include "bench/memory_plan.h"
#include "target/external_memory.h"

namespace nb {
namespace {

std::optional<QuotedPrice> price_of(const ExternalMemory& memory, const PriceTerms& terms) {
  return price_at(quoted_prices(memory.name, memory.part, memory.prices, memory.sources, terms.prices),
                  terms.volume);
}

/// Of the catalogue, with room for that many bytes; empty if none has a price in the currency.
std::string cheapest_flash(std::int64_t bytes, const PriceTerms& terms) {
  std::string name;
  double least = std::numeric_limits<double>::infinity();
  for (const ExternalMemory& memory : builtin_memories()) {
    if (memory.kind != ExternalKind::nor_flash || memory.size_bytes < bytes) continue;
    const auto quoted = price_of(memory, terms);
    if (!quoted || quoted->price.currency != terms.currency || price_amount(quoted->price) >= least) continue;
    least = price_amount(quoted->price);
    name = memory.name;
  }
  return name;
}

/// A memory outside the part, as it is on the board.
BoughtPart bought_memory(const std::string& name, const std::string& part, const PriceTerms& terms) {
  if (part.empty()) return {name, std::nullopt};
  Diagnostics unheard;
  const auto memory = find_external_memory(part, unheard);
  return {part, memory ? price_of(*memory, terms) : std::nullopt};
}

}  // namespace

const std::string& base_of(const Board& board) {
  return board.base_name.empty() ? board.name : board.base_name;
}

std::vector<QuotedPrice> part_quotes(const Board& board, const PriceList* prices) {
  return quoted_prices(base_of(board), board.part, board.prices, board.sources, prices);
}

void price_candidate(AdviceCandidate& candidate, const Board& board, const PriceTerms& terms) {
  candidate.parts.push_back({board.part, price_at(part_quotes(board, terms.prices), terms.volume)});
  // A part without flash of its own needs one beside it.
  const Memory* program = program_memory(board);
  if (program->kind == MemoryKind::external_flash)
    candidate.parts.push_back(bought_memory(
        program->name,
        program->part.empty() ? cheapest_flash(candidate.row.flash_bytes.value_or(0), terms) : program->part,
        terms));
  for (const ExternalUse& use : candidate.external)
    candidate.parts.push_back(bought_memory(use.memory, use.part, terms));
  Estimate sum;
  for (const BoughtPart& part : candidate.parts) {
    if (!part.price || part.price->price.currency != terms.currency) {
      candidate.row.blanks["price"] =
          part.price ? "the price of " + part.name + " is in " + part.price->price.currency
                     : "no price of " + part.name + " in the catalogue; --prices FILE adds yours";
      return;
    }
    const double typical = price_amount(part.price->price);
    sum.typical += typical;
    sum.low += part.price->price.amount.low.value_or(typical);
    sum.high += part.price->price.amount.high.value_or(typical);
  }
  candidate.price = sum;
}

}  // namespace nb
