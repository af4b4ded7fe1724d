// A user's own prices, laid over the catalogue's.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"
#include "target/board.h"

namespace nb {

struct PriceList {
  struct Entry {
    std::string part;  ///< a part, or the name of a board or of an external memory; in any case
    Price price;
    std::string source;
  };
  std::string currency;  ///< what prices are shown in, where a rate leads there
  std::vector<Entry> entries;
  std::map<std::string, double> rates;  ///< [other]: how much of `currency` one of the other is
};

/// A price as it is shown, and who says so.
struct QuotedPrice {
  Price price;
  std::string source;
  bool is_users = false;      ///< of the user's list
  bool is_converted = false;  ///< by a rate of the user's list
};

/// Reads a list. `file` is named in diagnostics (bad-board, with line and rule), and is the source of prices
/// that give none.
Result<PriceList> parse_price_list(std::string_view toml, std::string_view file, Diagnostics& diagnostics);

/// The list of a file; a note for each part that the catalogue lacks, with the nearest. Errors:
/// file-unreadable, bad-board.
Result<PriceList> load_price_list(const std::string& path, Diagnostics& diagnostics);

/// Prices of a part: those of the list if it has any, else the catalogue's, in the list's currency where a
/// rate leads there. `name` is the board's or the memory's. `list` may be null.
[[nodiscard]] std::vector<QuotedPrice> quoted_prices(
    std::string_view name, std::string_view part, const std::vector<Price>& prices,
    const std::map<std::string, std::string, std::less<>>& sources, const PriceList* list);

}  // namespace nb
