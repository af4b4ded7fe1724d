// Intervals of predictions: by made-up rows whose answers are known, then what the table must keep.
#include "timing/accuracy.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace nb {
namespace {

/// A row whose published figure is `percent` above the estimate.
TimingRow row_of(std::string_view processor, std::string_view program, double percent, bool is_same = true) {
  return {.id = program,
          .program = program,
          .pipeline = processor,
          .processor = processor,
          .kind = "network",
          .has_same_code = is_same,
          .cycles_published = 1000 * (1 + percent / 100),
          .instructions = 800,
          .cycles_estimated = 1000};
}

/// `count` programs that are 1 %, 2 %, 3 %... off.
std::vector<TimingRow> staircase(std::string_view processor, int count) {
  static constexpr std::array<std::string_view, 20> kNames = {
      "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
  std::vector<TimingRow> rows;
  rows.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    rows.push_back(row_of(processor, kNames.at(static_cast<std::size_t>(i)), i + 1));
  return rows;
}

TEST_CASE("with nine programs the interval reaches to the worst, with nineteen to the last but one") {
  CHECK(interval_basis("x", {}, staircase("x", 9)).interval.high == doctest::Approx(1.09));
  CHECK(interval_basis("x", {}, staircase("x", 9)).interval.low == doctest::Approx(1 / 1.09));
  CHECK(interval_basis("x", {}, staircase("x", 19)).interval.high == doctest::Approx(1.18));
  CHECK_FALSE(interval_basis("x", {}, staircase("x", 9)).is_widened);
}

TEST_CASE("many rows of one program weigh as much as one") {
  auto rows = staircase("x", 19);
  for (int i = 0; i < 100; ++i) rows.push_back(row_of("x", "a", 0.1));
  CHECK(interval_basis("x", {}, rows).interval.high == doctest::Approx(1.18));
  const auto cores = core_accuracy(rows);
  REQUIRE(cores.size() == 1);
  CHECK(cores[0].same_code.rows == 119);
  CHECK(cores[0].same_code.programs == 19);
  REQUIRE(cores[0].same_code.median.has_value());
  CHECK(*cores[0].same_code.median == doctest::Approx(1 - 1 / 1.10).epsilon(0.001));
}

TEST_CASE("few programs: the worse of theirs and of other cores, widened") {
  auto rows = staircase("y", 19);
  CHECK(interval_basis("x", {}, rows).interval.high == doctest::Approx(std::pow(1.18, 2)));  // nothing known
  rows.push_back(row_of("x", "a", 1));
  const IntervalBasis one = interval_basis("x", {}, rows);
  CHECK(one.interval.high == doctest::Approx(std::pow(1.18, 1.5)));
  CHECK(one.is_widened);
  CHECK(one.programs == 1);
  rows.push_back(row_of("x", "b", 50));
  CHECK(interval_basis("x", {}, rows).interval.high == doctest::Approx(std::pow(1.5, 4.0 / 3)));
}

TEST_CASE("rules and rows apart count for nothing; other compilers only where the same code is too rare") {
  auto rows = staircase("x", 9);
  rows.push_back(row_of("x", "rule", 300));
  rows.back().kind = "microbenchmark";
  rows.push_back(row_of("x", "apart", 300));
  rows.back().apart = "flags not known";
  rows.push_back(row_of("x", "other", 300, false));
  CHECK(interval_basis("x", {}, rows).interval.high == doctest::Approx(1.09));
  const auto cores = core_accuracy(rows);
  CHECK(cores[0].same_code.rows == 9);
  CHECK(cores[0].other_compilers.rows == 1);
  CHECK(cores[0].other_coverage == 0.0);
  CHECK(cores[0].rules == 1);
  CHECK(cores[0].rules_met == 0);
  rows.erase(rows.begin());
  CHECK(interval_basis("x", {}, rows).interval.high == doctest::Approx(4));
}

TEST_CASE("coverage leaves the whole program out") {
  auto rows = staircase("x", 18);
  for (int i = 0; i < 5; ++i) rows.push_back(row_of("x", "far", 90));
  const auto cores = core_accuracy(rows);
  // Without the program that is far off, nothing reaches so far.
  CHECK(cores[0].same_code_coverage == doctest::Approx(18.0 / 23));
  CHECK(cores[0].same_code.worst_row == "far");
  CHECK(cores[0].same_code.worst == doctest::Approx(1 / 1.9 - 1));
}

TEST_CASE("under eight rows there is no median") {
  CHECK_FALSE(core_accuracy(staircase("x", 7))[0].same_code.median.has_value());
  CHECK(core_accuracy(staircase("x", 8))[0].same_code.median.has_value());
}

TEST_CASE("a fitted factor helps where all rows are off by the same") {
  std::vector<TimingRow> rows = staircase("x", 12);
  for (TimingRow& row : rows) row.cycles_published = 1200;
  const auto core = core_accuracy(rows)[0];
  REQUIRE(core.median_with_factor.has_value());
  CHECK(*core.median_with_factor < *core.same_code.median / 2);
}

TEST_CASE("a table of timing rows is read, and what is none is not") {
  const std::string good =
      "# models "
      "0\nid,...\nm4/a,prog,cortex-m4f,cortex-m4f,P,b,16000000,0,warm,network,yes,GCC,100.5,ms,o/"
      "r@1,80,99,1,\n";
  const auto rows = parse_timing_rows(good);
  REQUIRE(rows.has_value());
  REQUIRE(rows->size() == 1);
  CHECK(rows->front().cycles_published == 100.5);
  CHECK(rows->front().stall_cycles_estimated == 1);
  CHECK(rows->front().counts());
  CHECK_FALSE(parse_timing_rows("# models 0\nid\nm4/a,prog\n").has_value());
  const std::string no_number = "x\ny\nm4/a,prog,c,c,P,b,1,0,warm,network,yes,GCC,fast,ms,o/r@1,80,99,1,\n";
  CHECK_FALSE(parse_timing_rows(no_number).has_value());
}

TEST_CASE("the table: each row once, with source and a plausible count") {
  const auto rows = timing_rows();
  REQUIRE(rows.size() > 700);
  std::set<std::string_view> ids;
  for (const TimingRow& row : rows) {
    CHECK_MESSAGE(ids.insert(row.id).second, row.id);
    CHECK_MESSAGE(!row.source.empty(), row.id);
    CHECK_MESSAGE(!row.board.empty(), row.id);
    const double per_cycle = static_cast<double>(row.instructions) / row.cycles_published;
    CHECK_MESSAGE(per_cycle > 0.03, row.id);
    CHECK_MESSAGE(per_cycle < 2.5, row.id);
  }
}

TEST_CASE("every core has an interval that holds the estimate itself, by its other name, too") {
  for (const std::string_view processor :
       {"cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55",
        "cortex-m85", "rv32imc", "rv32imac"}) {
    const CycleInterval interval = interval_of(processor);
    CHECK_MESSAGE(interval.low < 1, processor);
    CHECK_MESSAGE(interval.high > 1, processor);
  }
  CHECK(interval_of("cortex-m7sp") == interval_of("cortex-m7"));
  CHECK(interval_of("rv32imac") == interval_of("rv32imac", "hazard3"));
  CHECK(interval_of("rv32imac", "e31").high > 1);
}

}  // namespace
}  // namespace nb
