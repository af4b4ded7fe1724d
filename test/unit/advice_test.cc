// Advice: fronts, orders, limits, what would have to give, and the layers that leave a part.
#include "advise/advice.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace nb {
namespace {

AdviceCandidate candidate(std::size_t format, std::optional<double> price, double latency_ms,
                          std::optional<double> energy_uj = std::nullopt) {
  AdviceCandidate one{.format = format, .board = "b", .base = "b"};
  if (price) one.price = Estimate{*price, *price, *price};
  one.row.costs = RunCosts{};
  one.row.costs->total.latency_ms = Estimate{latency_ms * 0.9, latency_ms, latency_ms * 1.1};
  if (energy_uj) one.row.costs->total.energy_uj = Estimate{*energy_uj, *energy_uj, *energy_uj};
  return one;
}

Advice advice_of(std::vector<AdviceCandidate> candidates) {
  Advice advice{.model = "m", .currency = "EUR", .metric = Metric::accuracy, .samples = 100};
  advice.formats = {{.name = "float32", .layers = {{"*", DType::f32}}, .is_made_here = true},
                    {.name = "int8", .is_made_here = true}};
  advice.formats[0].value = Estimate{0.93, 0.95, 0.97};
  advice.formats[0].drop = 0;
  advice.formats[1].value = Estimate{0.92, 0.94, 0.96};
  advice.formats[1].drop = 1;
  advice.candidates = std::move(candidates);
  return advice;
}

TEST_CASE("answers are ordered by what is asked, unknown figures last") {
  Advice advice = advice_of({candidate(0, 5, 10), candidate(1, 3, 20), candidate(1, std::nullopt, 5)});
  judge(advice);
  CHECK(advice.ranked == std::vector<std::size_t>{1, 0, 2});
  advice.rank_by = RankBy::latency;
  judge(advice);
  CHECK(advice.ranked == std::vector<std::size_t>{2, 0, 1});
  advice.rank_by = RankBy::value;
  judge(advice);
  CHECK(advice.ranked == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("the front has what nothing beats in price, latency, energy and accuracy at once") {
  Advice advice = advice_of({candidate(0, 5, 10, 100), candidate(1, 3, 20, 90), candidate(1, 3, 21, 90),
                             candidate(0, 6, 10, 100), candidate(1, std::nullopt, 5)});
  judge(advice);
  std::vector<bool> front;
  for (const AdviceCandidate& one : advice.candidates) front.push_back(one.is_on_front);
  CHECK(front == std::vector<bool>{true, true, false, false, true});
}

TEST_CASE("a limit keeps out what breaks it, and what nobody knows") {
  Advice advice = advice_of({candidate(0, 5, 10), candidate(1, 3, 20), candidate(1, std::nullopt, 5)});
  advice.limits = {.max_latency_ms = 15, .max_price = 6};
  judge(advice);
  CHECK(advice.ranked == std::vector<std::size_t>{0});
  REQUIRE(advice.candidates[1].breaches.size() == 1);
  CHECK(advice.candidates[1].breaches[0].bound == Bound::latency);
  CHECK(advice.candidates[2].breaches[0].bound == Bound::price);
  // What 20 ms would bring: a cheaper answer. More money brings none.
  REQUIRE(advice.relaxations.size() == 1);
  REQUIRE(advice.relaxations[0].moves.size() == 1);
  CHECK(advice.relaxations[0].moves[0].bound == Bound::latency);
  CHECK(advice.relaxations[0].moves[0].value == 20);
}

TEST_CASE("where nothing keeps all limits, the smallest move that lets one in comes first") {
  Advice advice = advice_of({candidate(0, 5, 30), candidate(1, 8, 10), candidate(1, 5.5, 16)});
  advice.limits = {.max_latency_ms = 15, .max_price = 6};
  judge(advice);
  CHECK(advice.ranked.empty());
  REQUIRE(advice.relaxations.size() == 2);
  CHECK(advice.relaxations[0].moves[0].bound == Bound::latency);
  CHECK(advice.relaxations[0].moves[0].value == 16);
  CHECK(advice.relaxations[1].moves[0].bound == Bound::price);
  CHECK(advice.relaxations[1].moves[0].value == 8);
  put_into_words(advice);
  CHECK(advice.relaxations[0].text.en.find("--max-latency of 16.0 ms instead of 15.0 ms") == 5);
  CHECK_FALSE(advice.relaxations[0].text.fr.empty());
}

TEST_CASE("accuracy and its drop are limits; of a metric that should be small, the most") {
  Advice advice = advice_of({candidate(0, 5, 10), candidate(1, 3, 20)});
  advice.limits.min_value = 0.945;
  judge(advice);
  CHECK(advice.ranked == std::vector<std::size_t>{0});
  advice.limits = {.max_drop = 0.5};
  judge(advice);
  CHECK(advice.ranked == std::vector<std::size_t>{0});
  advice.limits = {.min_value = 0.945};
  advice.metric = Metric::mse;
  judge(advice);
  CHECK(advice.ranked == std::vector<std::size_t>{1});
}

TEST_CASE("a reserve that alone keeps a program out is what would have to give") {
  AdviceLimits limits{.reserve_ram_bytes = 65536, .reserve_flash_bytes = 1000};
  const Misfit lacks_ram{"all RAM", "reserve", 65536, 40000};
  auto reserves = reserve_breaches(limits, {lacks_ram, {"bank", "program", 5600, 5000}});
  REQUIRE(reserves.has_value());
  REQUIRE(reserves->size() == 2);
  CHECK((*reserves)[0].value == 40000);
  CHECK((*reserves)[1].value == 400);
  CHECK_FALSE(reserve_breaches(limits, {lacks_ram, {"sram", "arena", 100000, 90000}}).has_value());
  CHECK_FALSE(reserve_breaches(limits, {{"bank", "program", 6001, 5000}}).has_value());
  CHECK_FALSE(reserve_breaches({}, {{"bank", "program", 5600, 5000}}).has_value());
  Advice advice = advice_of({candidate(1, 3, 20), candidate(0, 3, 10)});
  advice.limits = limits;
  advice.limits.max_latency_ms = 15;
  advice.candidates[0].reserves = *reserve_breaches(limits, {lacks_ram});
  judge(advice);
  // It is out, and beats nothing; to be let in it needs more time, too, while the other is in.
  CHECK(advice.ranked == std::vector<std::size_t>{1});
  CHECK(advice.candidates[0].breaches.size() == 2);
  CHECK_FALSE(advice.candidates[0].is_on_front);
  CHECK(advice.relaxations.empty());
}

TEST_CASE("where no single move helps, the fewest together are told") {
  Advice advice = advice_of({candidate(0, 5, 40, 90), candidate(1, 8, 30, 80), candidate(0, 9, 10, 99)});
  advice.limits = {.max_latency_ms = 10, .max_energy_mj = 0.05, .max_price = 4};
  judge(advice);
  REQUIRE(advice.relaxations.size() == 1);
  const Relaxation& move = advice.relaxations[0];
  CHECK(move.candidate == 2);
  REQUIRE(move.moves.size() == 2);
  put_into_words(advice);
  CHECK(move.text.en.find("--max-energy") < move.text.en.find(" and --max-price of 9.00 EUR"));
}

TEST_CASE("of candidates that the same move lets in, that which ranks first is told") {
  Advice advice = advice_of({candidate(0, 5, 40), candidate(1, 5, 30)});
  advice.limits.max_price = 4;
  judge(advice);
  REQUIRE(advice.relaxations.size() == 1);
  CHECK(advice.relaxations[0].candidate == 1);
}

TEST_CASE("what is ruled out is counted under each limit that it misses") {
  Advice advice = advice_of({candidate(0, 5, 40), candidate(1, 8, 30), candidate(1, 2, 9)});
  advice.limits = {.max_latency_ms = 10, .max_price = 6};
  judge(advice);
  put_into_words(advice);
  REQUIRE(advice.ruled_out.size() == 2);
  CHECK(advice.ruled_out[0].reason == "max-latency");
  CHECK(advice.ruled_out[0].count == 2);
  CHECK(advice.ruled_out[0].alone == 1);
  CHECK(advice.ruled_out[1].count == 1);
  CHECK(advice.ruled_out[1].alone == 0);
}

TEST_CASE("a price is that of the largest quantity up to the volume") {
  const auto quoted = [](double amount, std::optional<std::int64_t> quantity, bool is_of_board = false) {
    QuotedPrice one;
    one.price.amount.typical = amount;
    one.price.quantity = quantity;
    one.price.is_of_board = is_of_board;
    return one;
  };
  const std::vector<QuotedPrice> prices = {quoted(20, 1, true), quoted(5, 1), quoted(4, 100), quoted(3, 1000),
                                           quoted(2, 10000)};
  CHECK(price_amount(price_at(prices, 50)->price) == 5);
  CHECK(price_amount(price_at(prices, 5000)->price) == 3);
  CHECK(price_amount(price_at(prices, 1'000'000)->price) == 2);
  CHECK(price_amount(price_at({prices[3], prices[4]}, 10)->price) == 3);
  CHECK_FALSE(price_at({prices[0]}, 10).has_value());
}

TEST_CASE("the report says of each answer what to do, in both languages, and null for what is not known") {
  Advice advice = advice_of({candidate(1, std::nullopt, 12)});
  advice.candidates[0].external = {{.memory = "qspi",
                                    .part = "w25q64jv",
                                    .size_bytes = 8 << 20,
                                    .used_bytes = 300'000,
                                    .is_added = true,
                                    .layers = {"a<b>", "c"}}};
  advice.candidates[0].slowdown_ms = 3.25;
  judge(advice);
  put_into_words(advice);
  const nlohmann::json one = advice_json(advice).at("advice").at("ranked").at(0);
  CHECK(one.at("price").is_null());
  CHECK(one.at("energy_uj_estimated").is_null());
  CHECK(one.at("rank") == 1);
  const std::string step = one.at("steps").at(1).at("en");
  CHECK(step.find("a<b>, c") != std::string::npos);
  CHECK(step.find("8.00 MiB") != std::string::npos);
  CHECK(step.find("+3.25 ms") != std::string::npos);
  CHECK(one.at("steps").at(1).at("fr").get<std::string>().find("flash externe") != std::string::npos);
}

}  // namespace
}  // namespace nb
