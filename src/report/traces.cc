#include "report/traces.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "report/json_reads.h"

namespace nb {
namespace {

using nlohmann::json;

/// One thing that takes time, and the groups that it is in.
struct Span {
  std::vector<std::string> path;  ///< itself last
  double start = 0, end = 0;
  json details;
};

struct Timeline {
  std::string name, track;
  bool is_in_cycles = false;
  double end = 0;
  std::vector<Span> spans;
};

/// The groups of a layer's name, and its whole name.
std::vector<std::string> path_of(const json& layer) {
  std::vector<std::string> path;
  for (const json& group : find_list(layer, "/path"))
    if (group.is_string()) path.push_back(group.get<std::string>());
  if (!path.empty()) path.pop_back();
  path.push_back(find_text(layer, "/name"));
  return path;
}

std::optional<Timeline> timeline_of(const json& report) {
  const bool has_layers = !find_list(report, "/layers").empty();
  const json& parts = find_list(report, has_layers ? "/layers" : "/functions");
  const auto clock = find_number(report, "/cost_basis/clock_hz");
  const auto all = find_number(report, "/cycles_estimated");
  if (!all || parts.empty()) return std::nullopt;
  Timeline timeline{
      .name = find_text(report, has_layers ? "/model" : "/report/options/0/values/0"),
      .track = has_layers ? "layers, estimated" : "functions, estimated; by cycles, not in order of time",
      .is_in_cycles = !clock};
  timeline.name += (timeline.name.empty() ? "" : " on ") + find_text(report, "/board");
  const double scale = clock ? 1e6 / *clock : 1;
  double now = 0;
  for (const json& part : parts) {
    const auto cycles = find_number(part, "/cycles_estimated");
    if (!cycles) continue;
    Span span{path_of(part), now * scale, (now + *cycles) * scale, json::object()};
    for (const char* key : {"cycles_estimated", "cycles_low", "cycles_high", "instructions", "macs",
                            "energy_uj_estimated", "kernel", "format"})
      if (part.contains(key)) span.details[key] = part[key];
    now += *cycles;
    timeline.spans.push_back(std::move(span));
  }
  if (now < *all) {
    timeline.spans.push_back({{"(between)"}, now * scale, *all * scale, json::object()});
    now = *all;
  }
  timeline.end = now * scale;
  return timeline;
}

/// Calls `open` and `close` with the path so far as groups begin and end, spans within them.
template <class Open, class Close>
void walk(const std::vector<Span>& spans, const Open& open, const Close& close) {
  std::vector<std::string> now;
  double at = 0;
  for (const Span& span : spans) {
    std::size_t shared = 0;
    while (shared < now.size() && shared + 1 < span.path.size() && now[shared] == span.path[shared]) ++shared;
    while (now.size() > shared) {
      close(now, at);
      now.pop_back();
    }
    while (now.size() < span.path.size()) {
      now.push_back(span.path[now.size()]);
      open(now, span.start, now.size() == span.path.size() ? &span : nullptr);
    }
    at = span.end;
    close(now, at);
    now.pop_back();
  }
  for (; !now.empty(); now.pop_back()) close(now, at);
}

}  // namespace

std::optional<json> speedscope_json(const json& report) {
  const auto timeline = timeline_of(report);
  if (!timeline) return std::nullopt;
  json frames = json::array(), events = json::array();
  std::unordered_map<std::string, std::size_t> numbers;
  const auto frame_of = [&](const std::string& name) {
    const auto [found, is_new] = numbers.try_emplace(name, frames.size());
    if (is_new) frames.push_back({{"name", name}});
    return found->second;
  };
  walk(
      timeline->spans,
      [&](const auto& path, double at, const Span*) {
        events.push_back({{"type", "O"}, {"frame", frame_of(path.back())}, {"at", at}});
      },
      [&](const auto& path, double at) {
        events.push_back({{"type", "C"}, {"frame", frame_of(path.back())}, {"at", at}});
      });
  return json{{"$schema", "https://www.speedscope.app/file-format-schema.json"},
              {"exporter", "nblocks " NB_VERSION},
              {"name", timeline->name},
              {"activeProfileIndex", 0},
              {"shared", {{"frames", std::move(frames)}}},
              {"profiles",
               {{{"type", "evented"},
                 {"name", timeline->track},
                 {"unit", timeline->is_in_cycles ? "none" : "microseconds"},
                 {"startValue", 0},
                 {"endValue", timeline->end},
                 {"events", std::move(events)}}}}};
}

std::optional<json> chrome_trace_json(const json& report) {
  const auto timeline = timeline_of(report);
  if (!timeline) return std::nullopt;
  json events = json::array();
  const auto name_track = [&](const char* what, const std::string& name) {
    events.push_back({{"ph", "M"}, {"name", what}, {"pid", 1}, {"tid", 1}, {"args", {{"name", name}}}});
  };
  name_track("process_name", timeline->name);
  name_track("thread_name", timeline->track);
  std::vector<std::size_t> open_events;
  walk(
      timeline->spans,
      [&](const auto& path, double at, const Span* span) {
        open_events.push_back(events.size());
        events.push_back({{"ph", "X"},
                          {"name", path.back()},
                          {"cat", span != nullptr ? "layer" : "group"},
                          {"pid", 1},
                          {"tid", 1},
                          {"ts", at},
                          {"args", span != nullptr ? span->details : json::object()}});
      },
      [&](const auto&, double at) {
        json& event = events[open_events.back()];
        event["dur"] = at - event["ts"].template get<double>();
        open_events.pop_back();
      });
  return json{{"traceEvents", std::move(events)},
              {"displayTimeUnit", "ms"},
              {"otherData",
               {{"exporter", "nblocks " NB_VERSION},
                {"unit", timeline->is_in_cycles ? "a microsecond is a cycle" : "microseconds"}}}};
}

}  // namespace nb
