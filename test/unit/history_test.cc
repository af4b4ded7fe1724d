// What changed between two reports: matching, figures, intervals, reasons, bounds.
#include "report/history.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "report/history_subjects.h"

using namespace nb;
using nlohmann::json;

namespace {

json section(const std::string& verb) {
  return {{"verb", verb},
          {"nblocks", "1.0"},
          {"command", "nblocks " + verb},
          {"schema", {{"name", "nblocks-report"}, {"version", 1}, {"readable_by", 1}}},
          {"options", json::array()},
          {"files", {{{"role", "model"}, {"file", "a.tflite"}, {"sha256", "0123456789abcdef"}}}},
          {"tools", {{{"name", "g++"}, {"version", "g++ 12.2"}}}}};
}

json run_report() {
  return {{"report", section("run")},
          {"model", "a"},
          {"board", "pico"},
          {"fits", true},
          {"latency_ms_estimated", 10.0},
          {"latency_ms_low", 8.0},
          {"latency_ms_high", 12.0},
          {"cycles_estimated", 1000},
          {"instructions", 800},
          {"flash", {{"total_bytes", 4000}, {"weights_bytes", 900}}},
          {"ram", {{"total_bytes", 500}, {"arena_bytes", 300}}},
          {"layers",
           {{{"name", "one"}, {"cycles_estimated", 700}, {"kernel", "slow"}},
            {{"name", "two"}, {"cycles_estimated", 300}, {"kernel", "slow"}}}}};
}

json row(const std::string& file, const std::string& board, double latency_ms) {
  return {{"file", file},   {"model", "a"}, {"format", nullptr},
          {"board", board}, {"fits", true}, {"latency_ms_estimated", latency_ms}};
}

History history_of(const json& before, const json& after) {
  Diagnostics diagnostics;
  auto history = history_between({"old.json", before}, {"new.json", after}, diagnostics);
  REQUIRE(history.is_ok());
  return *std::move(history);
}

std::string refusal_of(const json& before, const json& after) {
  Diagnostics diagnostics;
  REQUIRE_FALSE(history_between({"old.json", before}, {"new.json", after}, diagnostics).is_ok());
  CHECK(diagnostics.all()[0].kind == Kind::bad_report);
  return diagnostics.all()[0].message;
}

std::vector<std::string> differing(const History& history) {
  std::vector<std::string> said;
  for (const Reason& reason : history.reasons)
    if (reason.difference == Difference::some) said.push_back(reason.sentence.en);
  return said;
}

/// What hold_history_gates says; empty if all are kept.
std::vector<std::string> said_of(const HistoryGates& gates, const History& history) {
  Diagnostics diagnostics;
  std::vector<std::string> said;
  (void)hold_history_gates(gates, history, diagnostics);
  for (const Diagnostic& one : diagnostics.all()) said.push_back(one.message);
  return said;
}

}  // namespace

TEST_CASE("history: the same report has no change, and says so") {
  const History history = history_of(run_report(), run_report());
  CHECK(history.is_same());
  CHECK(history.programs.size() == 1);
  CHECK(history.programs[0].layers.empty());
  CHECK(history_summary(history)[0].en == "Nothing changed: all 7 figures are the same.");
  CHECK(differing(history).empty());
  CHECK(std::none_of(history.reasons.begin(), history.reasons.end(),
                     [](const Reason& one) { return one.kind == "unknown"; }));
}

TEST_CASE("history: figures, their paths, relative changes and intervals") {
  json after = run_report();
  after["latency_ms_estimated"] = 11.0;
  after["latency_ms_low"] = 9.0;
  after["latency_ms_high"] = 13.0;
  after["flash"]["total_bytes"] = 3000;
  History history = history_of(run_report(), after);
  const FigureChange* latency = history.programs[0].find("latency_ms");
  REQUIRE(latency != nullptr);
  CHECK(*latency->relative() == doctest::Approx(0.1));
  CHECK(latency->is_within_interval());
  CHECK(latency->is_better() == false);
  CHECK(latency->new_path == "/latency_ms_estimated");
  CHECK(after.at(json::json_pointer(latency->new_path)) == *latency->new_value);
  const FigureChange* flash = history.programs[0].find("flash_bytes");
  CHECK(flash->is_better() == true);
  CHECK_FALSE(flash->is_within_interval());
  CHECK(change_text(*flash).fr == "-25,0 %");
  const json written = history_json(history);
  CHECK(written["programs"][0]["figures"][0]["change"] == 0.1);
  CHECK(written["programs"][0]["figures"][0]["is_within_interval"] == true);
  CHECK(written["is_same"] == false);

  // Each must lie in the other's interval.
  after["latency_ms_low"] = 10.5;
  history = history_of(run_report(), after);
  CHECK_FALSE(history.programs[0].find("latency_ms")->is_within_interval());

  // What one report has alone is told of the same verb, with no change of it.
  after.erase("latency_ms_estimated");
  history = history_of(run_report(), after);
  CHECK_FALSE(history.programs[0].find("latency_ms")->new_value);
  CHECK_FALSE(history.programs[0].find("latency_ms")->relative());
  after["report"]["verb"] = "validate";
  CHECK(history_of(run_report(), after).programs[0].find("latency_ms") == nullptr);
}

TEST_CASE("history: layers by name, the largest change first, with their kernels") {
  json after = run_report();
  after["cycles_estimated"] = 1300;
  after["layers"][0]["cycles_estimated"] = 760;
  after["layers"][1]["cycles_estimated"] = 540;
  after["layers"][1]["kernel"] = "fast";
  after["layers"].push_back({{"name", "three"}, {"cycles_estimated", 0}});
  std::swap(after["layers"][0], after["layers"][2]);
  const History history = history_of(run_report(), after);
  const ProgramChange& program = history.programs[0];
  REQUIRE(program.layers.size() == 2);
  CHECK(program.layers[0].name == "two");
  CHECK(*program.layers[0].share == doctest::Approx(0.8));
  CHECK(program.layers[0].words[0].new_word == "fast");
  CHECK(program.layers[0].figures[0].new_path == "/layers/1/cycles_estimated");
  CHECK(*program.layers[1].share == doctest::Approx(0.2));
  CHECK(program.appeared_layers == std::vector<std::string>{"three"});
  // A name that two layers have matches none.
  json twice = after;
  twice["layers"][0]["name"] = "two";
  CHECK(history_of(run_report(), twice).programs[0].layers.size() == 1);
}

TEST_CASE("history: rows are matched by file and board, by model, and by what is left") {
  const auto report = [](const json& rows) { return json{{"report", section("compare")}, {"rows", rows}}; };
  const json before = report({row("a", "x", 1), row("a", "y", 2), row("a", "z", 3)});
  History history = history_of(before, report({row("a", "y", 2), row("a", "x", 1.5), row("a", "w", 9)}));
  REQUIRE(history.programs.size() == 2);
  CHECK(history.programs[0].board == "y");
  CHECK(history.programs[0].is_same());
  CHECK(*history.programs[1].find("latency_ms")->relative() == doctest::Approx(0.5));
  CHECK(history.programs[1].find("latency_ms")->old_path == "/rows/0/latency_ms_estimated");
  CHECK(history.programs[1].find("latency_ms")->new_path == "/rows/1/latency_ms_estimated");
  CHECK(history.gone == std::vector<std::string>{"a on z"});
  CHECK(history.appeared == std::vector<std::string>{"a on w"});

  // The file moved: the model's name matches.
  CHECK(history_of(before, report(json::array({row("b", "x", 1)}))).programs.size() == 1);
  // Another model alone: its boards match.
  json other = row("c", "x", 1);
  other["model"] = "c";
  history = history_of(before, report(json::array({other})));
  CHECK(history.programs[0].old_program == "a");
  CHECK(history.programs[0].program == "c");
  // But not beside a program that was matched, and not if either of two may be meant.
  history = history_of(before, report({row("a", "x", 1), [&] {
                                         json one = other;
                                         one["board"] = "y";
                                         return one;
                                       }()}));
  CHECK(history.programs.size() == 1);
  CHECK(history.appeared == std::vector<std::string>{"c on y"});
  // A run is held against its row.
  json run = run_report();
  run["board"] = "x";
  run["report"]["files"][0]["file"] = "a";
  CHECK(history_of(before, run).programs[0].find("latency_ms")->old_value == 1.0);
}

TEST_CASE("history: ways of an advice are matched by format, goal, memories and board") {
  const auto way = [](const std::string& board, int format, const std::string& memory, double price) {
    json one = row("", board, 5);
    one["format"] = format;
    one["format_name"] = format == 0 ? "int8" : "float32";
    one["prefer"] = "time";
    one["price"] = price;
    one["external"] = json::array();
    if (!memory.empty()) one["external"].push_back({{"memory", memory}, {"holds", "weights"}});
    return one;
  };
  const auto report = [](const json& ranked, const json& others, double value) {
    return json{{"report", section("advise")},
                {"model", "a"},
                {"file", "a.tflite"},
                {"advice",
                 {{"currency", "EUR"},
                  {"metric", "accuracy"},
                  {"formats", {{{"value", value}}, {{"value", 0.95}}}},
                  {"ranked", ranked},
                  {"others", others}}}};
  };
  const json before = report({way("x", 0, "", 2), way("x", 1, "qspi", 3)}, json::array(), 0.90);
  const json after = report(json::array({way("x", 1, "qspi", 3)}),
                            json::array({way("x", 0, "", 2.5), way("x", 0, "qspi", 4)}), 0.93);
  const History history = history_of(before, after);
  REQUIRE(history.programs.size() == 2);
  CHECK(history.programs[0].is_same());
  CHECK(history.programs[0].program == "a (float32, weights in qspi)");
  const FigureChange* value = history.programs[1].find("accuracy");
  CHECK(*value->points_lost == doctest::Approx(-3));
  CHECK(change_text(*value).en == "+3.00 points");
  CHECK(*history.programs[1].find("price")->relative() == doctest::Approx(0.25));
  CHECK(history.appeared.size() == 1);
}

TEST_CASE("history: reasons name what differs, and what reports cannot tell") {
  json after = run_report();
  after["report"]["nblocks"] = "1.1";
  after["report"]["files"][0]["sha256"] = "fedcba9876543210";
  after["report"]["tools"] = {{{"name", "g++"}, {"version", "g++ 13.1"}},
                              {{"name", "qemu"}, {"version", nullptr}}};
  after["report"]["options"] = {{{"name", "--optimize"}, {"values", {"O3"}}},
                                {{"name", "--output"}, {"values", {"out"}}},
                                {{"name", "--float-io"}, {"values", json::array()}}};
  CHECK(differing(history_of(run_report(), after)) ==
        std::vector<std::string>{
            "Model: another file, `a.tflite` with SHA-256 fedcba987654, was `a.tflite` with 0123456789ab.",
            "nblocks: 1.1, was 1.0.", "g++: 13.1, was 12.2.", "qemu: ?, new here.",
            "--float-io: given, was not given.", "--optimize: O3, was not given."});

  // A folder has no digest: it may be the reason.
  json before = run_report();
  before["report"]["files"].push_back({{"role", "calibration"}, {"file", "c"}, {"sha256", nullptr}});
  after = before;
  after["cycles_estimated"] = 5;
  History history = history_of(before, after);
  CHECK(std::any_of(history.reasons.begin(), history.reasons.end(), [](const Reason& one) {
    return one.kind == "calibration" && one.difference == Difference::unknown;
  }));

  // Nothing that is named differs, but figures do.
  after = run_report();
  after["cycles_estimated"] = 900;
  history = history_of(run_report(), after);
  CHECK(history.reasons.back().kind == "unknown");
  CHECK(history.programs[0].conditions[0].en.starts_with("The instructions are as many as before"));

  // A renamed file with the same content is the same.
  after = run_report();
  after["report"]["files"][0]["file"] = "b.tflite";
  CHECK(differing(history_of(run_report(), after)).empty());
}

TEST_CASE("history: conditions of a board that are others") {
  json before = run_report(), after = run_report();
  before["cost_basis"] = {{"clock_hz", 120000000}, {"run_power", {{"mw", {{"typical", 40}}}}}};
  after["cost_basis"] = {{"clock_hz", 80000000}, {"run_power", {{"mw", {{"typical", 30}}}}}};
  after["board"] = "other";
  const auto conditions = history_of(before, after).programs[0].conditions;
  REQUIRE(conditions.size() == 3);
  CHECK(conditions[0].en == "Board: other, was pico.");
  CHECK(conditions[1].en == "Clock: 80.0 MHz, was 120.");
  CHECK(conditions[2].fr == "Puissance en marche : 30,0 mW, au lieu de 40,0.");
}

TEST_CASE("history: bounds hold typical values, and a figure that is lost keeps none") {
  json after = run_report();
  after["latency_ms_estimated"] = 10.5;
  after["ram"]["total_bytes"] = 510;
  History history = history_of(run_report(), after);
  CHECK(said_of({.max_slower = 0.05, .max_larger = 0.02}, history).empty());
  const auto said = said_of({.max_slower = 0.04, .max_larger = 0.01}, history);
  REQUIRE(said.size() == 2);
  CHECK(said[0] ==
        "latency of `a` on `pico` is 10.5 ms, was 10.0 ms: 5 % more, at most 4 % is asked (--max-slower)");
  CHECK(said[1] ==
        "ram of `a` on `pico` is 510 bytes, was 500 bytes: 2 % more, at most 1 % is asked (--max-larger)");

  after["latency_ms_estimated"] = nullptr;
  after["fits"] = false;
  history = history_of(run_report(), after);
  CHECK(said_of({.max_slower = 10.0}, history)[0] ==
        "latency of `a` on `pico` is not known any more, was 10.0 ms: the program does not fit, at most "
        "1e+03 % is "
        "asked (--max-slower)");

  // Where neither has time, cycles are held, then instructions.
  json before = run_report();
  for (json* report : {&before, &after}) report->erase("latency_ms_estimated");
  after["cycles_estimated"] = 2000;
  CHECK(said_of({.max_slower = 0.5}, history_of(before, after))[0].starts_with("cycles of"));
  // No figure to hold.
  Diagnostics diagnostics;
  CHECK(hold_history_gates({.max_drop = 1.0}, history, diagnostics).empty());
  CHECK(diagnostics.all()[0].kind == Kind::usage);
}

TEST_CASE("history: points of accuracy and of errors") {
  const auto report = [](const char* metric, double value) {
    json one = run_report();
    one["report"]["verb"] = "validate";
    one["metric"] = {{"name", metric}, {"program", value}};
    return one;
  };
  History history = history_of(report("accuracy", 0.9), report("accuracy", 0.88));
  CHECK(said_of({.max_drop = 2.0}, history).empty());
  CHECK(said_of({.max_drop = 1.9}, history).size() == 1);
  CHECK(history.programs[0].find("accuracy")->is_better() == false);
  // 10 % more of an error is a point.
  history = history_of(report("rmse", 1.0), report("rmse", 1.2));
  CHECK(said_of({.max_drop = 2.0}, history).empty());
  CHECK(said_of({.max_drop = 1.9}, history).size() == 1);
  CHECK(change_text(*history.programs[0].find("rmse")).en == "+20.0 %");
  // Another metric is no change of this one.
  history = history_of(report("rmse", 1.0), report("mae", 1.2));
  CHECK_FALSE(history.programs[0].find("mae")->old_value);
  // What was zero has no relative change, but is more.
  json before = run_report(), after = run_report();
  before["ram"]["total_bytes"] = 0;
  history = history_of(before, after);
  CHECK_FALSE(history.programs[0].find("ram_bytes")->relative());
  CHECK(said_of({.max_larger = 5.0}, history).size() == 1);
}

TEST_CASE("history: reports that cannot be compared") {
  json failed = {{"report", section("run")}, {"ok", false}, {"diagnostics", json::array()}};
  CHECK(refusal_of(failed, run_report()) ==
        "`old.json` has no figures to compare: it is of `run`, which failed");
  json explain = {{"report", section("explain")}, {"ok", true}, {"alternatives", json::array()}};
  CHECK(refusal_of(run_report(), explain) == "`new.json` has no figures to compare: it is of `explain`");
  const json rows = {{"report", section("compare")}, {"rows", {row("b", "x", 1), row("b", "y", 2)}}};
  CHECK(refusal_of(run_report(), rows) ==
        "`old.json` (run) and `new.json` (compare) have nothing in common: no figure of one program on one "
        "board");
  // Two kinds of figures of one program.
  json timed = {{"report", section("time")}, {"latency_ms_estimated", 1.0}};
  json sized = {{"report", section("generate")}, {"weights_bytes", 7}};
  CHECK(refusal_of(timed, sized).find("nothing in common") != std::string::npos);
}

TEST_CASE("history: JSON of any shape is read as far as it is a report") {
  const json shapes = {nullptr,
                       1,
                       "text",
                       json::array({1, nullptr, json::object()}),
                       json::object(),
                       {{"name", 1}},
                       json::array({{{"name", json::array()}}})};
  const json report = run_report();
  for (const auto& [key, value] : report.items())
    for (const json& shape : shapes) {
      json broken = report;
      broken[key] = shape;
      Diagnostics diagnostics;
      auto history = history_between({"old.json", broken}, {"new.json", report}, diagnostics);
      if (history) CHECK_FALSE(history_json(*history).dump().empty());
      if (key != "report") continue;
      for (const auto& [part, ignored] : report["report"].items()) {
        broken = report;
        broken["report"][part] = shape;
        Diagnostics again;
        (void)history_between({"old.json", report}, {"new.json", broken}, again);
      }
    }
  for (const json& shape : shapes)
    for (const char* list : {"rows", "advice"}) {
      json broken = {{"report", section("compare")}};
      broken[list] = shape;
      Diagnostics diagnostics;
      (void)history_between({"old.json", broken}, {"new.json", broken}, diagnostics);
    }
}

TEST_CASE("parse_percentage") {
  const auto read = [](const char* text) {
    Diagnostics diagnostics;
    const auto value = parse_percentage(text, "--max-slower", diagnostics);
    return value ? *value : -1;
  };
  CHECK(read("5%") == doctest::Approx(0.05));
  CHECK(read("0%") == 0);
  CHECK(read("0.5%") == doctest::Approx(0.005));
  for (const char* text : {"", "%", "5", "-1%", "5%%", "5 %", "inf%", "nan%", "x%"}) CHECK(read(text) == -1);
}
