// Power figures of boards and how they are read, energy of runs, duty cycles, durations, batteries.
#include <doctest/doctest.h>

#include <string>

#include "base/resources.h"
#include "base/text.h"
#include "target/battery.h"
#include "target/board.h"
#include "timing/cost.h"
#include "timing/energy.h"

namespace nb {
namespace {

Board board_of(const char* name) {
  Diagnostics diagnostics;
  const auto board = find_board(name, diagnostics);
  REQUIRE(board.is_ok());
  return *board;
}

PowerFigure run_figure(const Board& board, const PowerRequest& request = {}) {
  const PowerAnswer answer = run_power(board, request);
  REQUIRE(answer.figure.has_value());
  CHECK(answer.why_not.empty());
  return *answer.figure;
}

TEST_CASE("a figure of inference is taken as it was measured") {
  const Board board = board_of("nucleo-l4r5zi");
  const PowerFigure at_1v8 = run_figure(board, {.supply_mv = 1800});
  CHECK(at_1v8.mw.low == doctest::Approx(35.0));
  CHECK(at_1v8.mw.typical == doctest::Approx(47));
  CHECK(at_1v8.mw.high == doctest::Approx(55.2));
  CHECK(at_1v8.readings.empty());
  CHECK(at_1v8.source == "MLPerf Tiny energy results, 36 rows, median");
  CHECK(board.powers[*at_1v8.row].supply_mv == 1800);
  CHECK(run_figure(board, {.supply_mv = 3000}).mw.typical == doctest::Approx(75.1));
}

TEST_CASE(
    "other supplies: the current of a linear regulator, the power of a switching one, both if not known") {
  // The L4R5's rows are of its LDO: 3.3 V at the current of 3.0 V.
  const PowerFigure ldo = run_figure(board_of("nucleo-l4r5zi"), {.supply_mv = 3300});
  CHECK(ldo.mw.typical == doctest::Approx(75.1 * 1.1));
  REQUIRE(ldo.readings.size() == 1);
  CHECK(ldo.readings[0] == "at the current of 3 V");
  Board board = board_of("nucleo-u575zi-q");
  const PowerFigure either = run_figure(board, {.supply_mv = 3600});
  CHECK(either.mw.low == doctest::Approx(22.7));  // of 1.8 V
  CHECK(either.mw.typical == doctest::Approx(50));
  CHECK(either.mw.high == doctest::Approx(54.4));
  CHECK(either.readings[0].starts_with("from 1.8 V, regulator not known"));
  for (Power& power : board.powers) power.regulator = Regulator::smps;
  CHECK(run_figure(board, {.supply_mv = 3600}).mw.typical == doctest::Approx(25));
}

TEST_CASE("other clocks: along two figures, else by the share that stays") {
  const Board c3 = board_of("esp32-c3");
  const PowerFigure between = run_figure(c3, {.clock_hz = 120'000'000});
  const double low = 30.0 * 5, high = 41.25 * 5;  // mA of the board at 5 V, 80 and 160 MHz
  CHECK(between.mw.typical == doctest::Approx((low + high) / 2).epsilon(0.002));
  CHECK(between.is_of_board);
  const Board l4 = board_of("nucleo-l4r5zi");
  const PowerFigure slow = run_figure(l4, {.clock_hz = 60'000'000, .supply_mv = 1800});
  CHECK(slow.mw.typical == doctest::Approx(47 * (0.02 + 0.98 / 2)));
  CHECK(slow.mw.low == doctest::Approx(35.0 * 0.5));
  CHECK(slow.mw.high == doctest::Approx(55.2 * (0.24 + 0.76 / 2)));
  REQUIRE(slow.readings.size() == 1);
  CHECK(slow.readings[0].starts_with("measured at 120 MHz"));
}

TEST_CASE("a headline and CoreMark are read as what inference takes beside them") {
  // 84 uA/MHz at 170 MHz and 3 V, of no load that it names.
  const PowerFigure headline = run_figure(board_of("nucleo-g474re"), {.supply_mv = 3000});
  CHECK(headline.mw.typical == doctest::Approx(0.084 * 170 * 3.0 * 2.18));
  CHECK(headline.mw.low == doctest::Approx(0.084 * 170 * 3.0));
  CHECK(headline.mw.low < headline.mw.typical);
  CHECK(headline.mw.typical < headline.mw.high);
  // 2.6 mA in CoreMark at 3 V.
  const PowerFigure coremark = run_figure(board_of("nrf54l15-dk"));
  CHECK(coremark.mw.typical == doctest::Approx(2.6 * 3.0 * 1.05));
  CHECK(coremark.readings == std::vector<std::string>{"inference takes 1.05 times a figure of coremark"});
}

TEST_CASE("an accelerator's figure is not the core's, and no figure is said") {
  const Board xg24 = board_of("xg24-dk2601b");
  CHECK(xg24.powers[*run_figure(xg24).row].load != PowerLoad::accelerator);
  const PowerAnswer none = run_power(board_of("nucleo-g0b1re"), {});
  CHECK_FALSE(none.figure.has_value());
  CHECK(none.why_not == "no power figure of `nucleo-g0b1re` in the catalogue");
  CHECK(sleep_power(board_of("nucleo-g0b1re"), {}).why_not ==
        "no sleep figure of `nucleo-g0b1re` in the catalogue");
}

TEST_CASE("a measured figure stands for the catalogue's, with the spread of models in one software") {
  const PowerFigure own = run_figure(board_of("rpi-pico"), {.measured_mw = 47});
  CHECK(own.mw.typical == 47);
  CHECK(own.mw.high == doctest::Approx(47 * 1.1));
  CHECK(own.source == "measured");
  CHECK_FALSE(own.row.has_value());
}

TEST_CASE("sleep is a sleep figure, else that of an idle core") {
  const PowerAnswer sleep = sleep_power(board_of("cc2340r5"), {.supply_mv = 3000});
  REQUIRE(sleep.figure.has_value());
  CHECK(sleep.figure->mw.typical == doctest::Approx(0.00072 * 3.0).epsilon(0.02));
  const PowerAnswer idle = sleep_power(board_of("teensy40"), {});
  REQUIRE(idle.figure.has_value());
  CHECK(idle.figure->mw.typical == doctest::Approx(57 * 5));
  CHECK(idle.figure->readings[0] == "no figure of sleep: that of an idle core");
}

TEST_CASE("every figure of the catalogue is read at any clock and supply: positive, ascending") {
  for (const Board& board : builtin_boards())
    for (const int supply_mv : {1800, 3000, 3300})
      for (const std::int64_t clock_hz : {8'000'000, 48'000'000, 100'000'000}) {
        CAPTURE(board.name);
        const PowerRequest request{.clock_hz = clock_hz, .supply_mv = supply_mv};
        for (const PowerAnswer& answer : {run_power(board, request), sleep_power(board, request)}) {
          CHECK(answer.figure.has_value() == answer.why_not.empty());
          if (!answer.figure) continue;
          CHECK(answer.figure->mw.low > 0);
          CHECK(answer.figure->mw.low <= answer.figure->mw.typical);
          CHECK(answer.figure->mw.typical <= answer.figure->mw.high);
          CHECK_FALSE(answer.figure->source.empty());
        }
      }
}

TEST_CASE("energy of a run: spreads add as squares") {
  const Estimate exact = run_energy_uj({50, 50, 50}, {9, 10, 12});
  CHECK(exact.low == doctest::Approx(450));
  CHECK(exact.typical == doctest::Approx(500));
  CHECK(exact.high == doctest::Approx(600));
  const Estimate both = run_energy_uj({40, 50, 60}, {9, 10, 12});
  CHECK(both.high > 600);
  CHECK(both.high < 720);
  CHECK(both.low < 450);
  CHECK(both.low > 360);
}

TEST_CASE("duty cycles, and what batteries make of them") {
  Diagnostics diagnostics;
  const auto coin = find_battery("CR2450", diagnostics);
  REQUIRE(coin.is_ok());
  CHECK(coin->nominal_mv == 3000);
  // 60 mW for 100 ms of 10 s, 9 uW between: 0.6 + 0.00891 mW.
  const auto cycle = duty_cycle({60, 60, 60}, {100, 100, 100}, {0.009, 0.009, 0.009}, 10'000);
  REQUIRE(cycle.has_value());
  CHECK(cycle->share == doctest::Approx(0.01));
  CHECK(cycle->average_mw.typical == doctest::Approx(0.6 + 0.009 * 0.99));
  CHECK(battery_current_ma(*coin, cycle->average_mw).typical == doctest::Approx(0.60891 / 3));
  const double leak_mw = 620 * 3 * 0.01 / 8766;  // one percent a year
  CHECK(battery_days(*coin, cycle->average_mw).typical ==
        doctest::Approx(620 * 3 / (0.60891 + leak_mw) / 24));
  const Estimate days = battery_days(*coin, {0.5, 0.6, 0.8});
  CHECK(days.low < days.typical);
  CHECK(days.typical < days.high);
  CHECK_FALSE(duty_cycle({60, 60, 60}, {100, 100, 100}, {1, 1, 1}, 99).has_value());
}

TEST_CASE("durations") {
  Diagnostics diagnostics;
  const auto ms = [&](const char* text) { return *parse_duration_ms(text, "--period", diagnostics); };
  CHECK(ms("10s") == 10'000);
  CHECK(ms("250ms") == 250);
  CHECK(ms("1h") == 3'600'000);
  CHECK(ms("1.5 min") == 90'000);
  CHECK(ms("500us") == doctest::Approx(0.5));
  CHECK(ms("1d") == 86'400'000);
  CHECK_FALSE(diagnostics.has_errors());
  for (const char* text :
       {"", "10", "s", "-1s", "0s", "1e3s", "nan s", "inf", "10 parsecs", "20000d", "1s2", "0x10s"}) {
    CAPTURE(text);
    Diagnostics refused;
    CHECK_FALSE(parse_duration_ms(text, "--period", refused).is_ok());
    REQUIRE(refused.all().size() == 1);
    CHECK(refused.all()[0].kind == Kind::usage);
    CHECK(refused.all()[0].message.starts_with("--period takes a duration"));
  }
}

TEST_CASE("batteries by name, in series, and as given") {
  Diagnostics diagnostics;
  CHECK(find_battery("cr2032", diagnostics)->capacity_mah == 225);
  const auto two = find_battery("2xAA-alkaline", diagnostics);
  REQUIRE(two.is_ok());
  CHECK(two->nominal_mv == 3000);
  CHECK(two->capacity_mah == 2900);
  CHECK(*two->cutoff_mv == 1600);
  CHECK(two->name == "2xaa-alkaline");
  const auto own = find_battery("250mAh@3.0V", diagnostics);
  REQUIRE(own.is_ok());
  CHECK(own->nominal_mv == 3000);
  CHECK(own->capacity_mah == 250);
  CHECK_FALSE(own->self_discharge_percent_per_year.has_value());
  CHECK_FALSE(diagnostics.has_errors());
  for (const char* text : {"", "CR2540", "1xcr2032", "250mAh", "250mAh@", "0mAh@3V", "250mAh@3V0",
                           "nanmAh@3V", "-5mAh@3V", "250mAh@0.0001V", "99999999mAh@3V"}) {
    CAPTURE(text);
    Diagnostics refused;
    CHECK_FALSE(find_battery(text, refused).is_ok());
    REQUIRE(refused.all().size() == 1);
    CHECK(refused.all()[0].kind == Kind::unknown_battery);
    CHECK(refused.exit_code() == 2);
  }
  Diagnostics near;
  (void)find_battery("CR2540", near);
  CHECK(near.all()[0].help == "did you mean `cr2450`?");
}

TEST_CASE("what else the core runs is power, too, and its sleep that much shorter") {
  CostBasis basis;
  basis.sleep.figure = PowerFigure{.mw = {1, 2, 3}};
  const CostRequest request{.battery = Battery{.nominal_mv = 3000, .capacity_mah = 100}};
  DutyCost duty{.cycle = DutyCycle{.share = 0.1, .average_mw = {4, 5, 6}}, .days = Estimate{1, 1, 1}};
  const OtherRun other{"b", Estimate{10, 10, 10}, Estimate{200, 200, 200}, 100};
  add_runs(duty, {other}, basis, request);
  REQUIRE(duty.cycle.has_value());
  CHECK(duty.cycle->share == doctest::Approx(0.2));
  CHECK(duty.cycle->average_mw.typical == doctest::Approx(5 + 200.0 / 100 - 2 * 10.0 / 100));
  CHECK(duty.cycle->average_mw.low == doctest::Approx(4 + 2 - 0.1));
  CHECK(duty.days->typical == doctest::Approx(100 * 3 / 6.8 / 24));
  OtherRun unknown = other;
  unknown.energy_uj.reset();
  DutyCost beside = duty;
  add_runs(beside, {unknown}, basis, request);
  CHECK_FALSE(beside.cycle.has_value());
  CHECK_FALSE(beside.days.has_value());
  CHECK(beside.why_not.find("`b`") != std::string::npos);
  OtherRun long_one = other;
  long_one.latency_ms = Estimate{95, 95, 95};
  add_runs(duty, {long_one}, basis, request);
  CHECK_FALSE(duty.cycle.has_value());
}

TEST_CASE("every battery parses, is named as its file and has the source of its values") {
  Diagnostics diagnostics;
  const auto batteries = parse_battery_catalogue(diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) MESSAGE(render_text(diagnostic, false));
  REQUIRE(batteries.is_ok());
  const auto files = resources_under("src/target/batteries/");
  REQUIRE(batteries->size() == files.size());
  CHECK(batteries->size() >= 10);
  for (std::size_t i = 0; i < files.size(); ++i) {
    CHECK(files[i].path == "src/target/batteries/" + (*batteries)[i].name + ".toml");
    CHECK_FALSE((*batteries)[i].sources.at("").empty());
  }
  const auto refused = [](const std::string& toml, std::string_view what) {
    Diagnostics bad;
    CHECK_FALSE(parse_battery(toml, "b.toml", bad).is_ok());
    REQUIRE_FALSE(bad.all().empty());
    CHECK(bad.all()[0].kind == Kind::bad_board);
    CHECK(bad.all()[0].message.find(what) != std::string::npos);
  };
  const std::string good =
      "name = \"b\"\ntitle = \"B\"\nchemistry = \"c\"\nnominal_mv = 3000\ncapacity_mah = 100\nsource = "
      "\"s\"\n";
  CHECK(parse_battery(good, "b.toml", diagnostics).is_ok());
  refused(good + "cutoff_mv = 3000\n", "a cut-off at or above");
  refused(good + "self_discharge_percent_per_year = 0\n", "absurd value 0");
  refused(good.substr(0, good.find("capacity")), "no \"capacity_mah\"");
}

}  // namespace
}  // namespace nb
