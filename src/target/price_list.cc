#include "target/price_list.h"

#include <algorithm>

#include "base/text.h"
#include "target/board_schema.h"
#include "target/external_memory.h"
#include "target/schema_check.h"

namespace nb {
namespace {

void scale(std::optional<double>& value, double factor) {
  if (value) *value *= factor;
}

QuotedPrice in_currency(QuotedPrice quoted, const PriceList* list) {
  if (list == nullptr || quoted.price.currency == list->currency) return quoted;
  const auto rate = list->rates.find(quoted.price.currency);
  if (rate == list->rates.end()) return quoted;
  scale(quoted.price.amount.low, rate->second);
  scale(quoted.price.amount.typical, rate->second);
  scale(quoted.price.amount.high, rate->second);
  quoted.price.currency = list->currency;
  quoted.is_converted = true;
  return quoted;
}

}  // namespace

Result<PriceList> parse_price_list(std::string_view toml, std::string_view file, Diagnostics& diagnostics) {
  SchemaCheck check(price_list_schema(), "a price list", toml, file, diagnostics);
  const toml::table* top = check.check();
  if (top == nullptr) return kFailed;
  PriceList list{.currency = text_of(*top, "currency")};
  const std::string whole = text_of(*top, "source", std::string(file));
  Sources sources;
  for_each_table(*top, "rate", sources, [&](const toml::table& table) {
    const std::string currency = text_of(table, "currency");
    if (currency == list.currency || list.rates.contains(currency))
      check.refuse(table.source(), "a second rate of " + currency,
                   "each other currency has one rate: how much of the list's currency one of it is");
    list.rates[currency] = *table["amount"].value<double>();
  });
  for_each_table(*top, "price", sources, [&](const toml::table& table) {
    PriceList::Entry entry{text_of(table, "part"), SchemaCheck::read_price(table),
                           text_of(table, "source", whole)};
    if (entry.price.currency.empty()) entry.price.currency = list.currency;
    list.entries.push_back(std::move(entry));
  });
  if (check.is_refused()) return kFailed;
  return list;
}

Result<PriceList> load_price_list(const std::string& path, Diagnostics& diagnostics) {
  const auto text = read_toml_file(path, "price list", diagnostics);
  if (!text) return kFailed;
  auto list = parse_price_list(*text, path, diagnostics);
  if (!list) return kFailed;
  std::vector<std::string> known;
  const auto know = [&](std::string_view name, std::string_view part) {
    known.push_back(to_lower(name));
    if (!part.empty()) known.push_back(to_lower(part));
  };
  for (const Board& board : builtin_boards()) know(board.name, board.part);
  for (const ExternalMemory& memory : builtin_memories()) know(memory.name, memory.part);
  for (const PriceList::Entry& entry : list->entries) {
    const std::string wanted = to_lower(entry.part);
    if (std::ranges::find(known, wanted) != known.end()) continue;
    const std::string near = nearest(wanted, known);
    diagnostics.add(
        {.kind = Kind::remark,
         .message = "the catalogue has no part `" + printable(entry.part) + "`: its price is not used",
         .file = path,
         .help = near.empty() ? "" : "did you mean `" + near + "`?"});
  }
  return list;
}

std::vector<QuotedPrice> quoted_prices(std::string_view name, std::string_view part,
                                       const std::vector<Price>& prices,
                                       const std::map<std::string, std::string, std::less<>>& sources,
                                       const PriceList* list) {
  std::vector<QuotedPrice> quoted;
  if (list != nullptr)
    for (const PriceList::Entry& entry : list->entries) {
      const std::string wanted = to_lower(entry.part);
      if (wanted == to_lower(name) || (!part.empty() && wanted == to_lower(part)))
        quoted.push_back(in_currency({entry.price, entry.source, true}, list));
    }
  if (!quoted.empty()) return quoted;
  for (std::size_t i = 0; i < prices.size(); ++i) {
    const auto source = sources.find("price." + std::to_string(i));
    quoted.push_back(in_currency({prices[i], source == sources.end() ? "" : source->second, false}, list));
  }
  return quoted;
}

}  // namespace nb
