// Values of the catalogue in words, for its texts and pages.
#pragma once
#include <string>
#include <string_view>

#include "target/board.h"
#include "target/external_memory.h"
#include "target/price_list.h"

namespace nb {

[[nodiscard]] std::string_view state_name(PowerState state);
[[nodiscard]] std::string_view kind_name(CacheKind kind);

/// What may be mapped on a bus: "nor_flash", "psram".
[[nodiscard]] std::vector<std::string> kind_names(const Expansion& expansion);

/// "7-12", "0.70", "up to 75".
[[nodiscard]] std::string range_text(const Range& range);
/// "47 mW (35-55.2) at 120 MHz, 1.8 V".
[[nodiscard]] std::string power_text(const Power& power);
/// "7-12 USD/1000", with a ~ before it if a rate converted it; the quantity of 1 is left out.
[[nodiscard]] std::string price_text(const QuotedPrice& quoted);
/// The part's price, else the board's ("5 USD board"); empty if there is none.
[[nodiscard]] std::string first_price(const Board& board, const PriceList* prices);
[[nodiscard]] std::string first_price(const ExternalMemory& memory, const PriceList* prices);

/// Flash or RAM inside the part, or what lies outside if there is none inside: "2.00 MiB", "16.0 MiB ext".
[[nodiscard]] std::string size_text(const Board& board, bool is_flash);
/// Peak bytes a second as published, else by the bus; empty if neither is known.
[[nodiscard]] std::string peak_text(const ExternalMemory& memory);
[[nodiscard]] std::string latency_text(const ExternalMemory& memory);

}  // namespace nb
