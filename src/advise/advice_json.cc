#include <cmath>
#include <nlohmann/json.hpp>

#include "advise/advice.h"
#include "base/text.h"
#include "report/formats.h"
#include "report/json_values.h"

namespace nb {
namespace {

using nlohmann::json;

json sentences_json(const std::vector<Sentence>& sentences) {
  json list = json::array();
  for (const Sentence& sentence : sentences) list.push_back(sentence_json(sentence));
  return list;
}

/// Null for what is not known.
json finite(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json limits_json(const AdviceLimits& limits) {
  return {{"max_latency_ms", or_null(limits.max_latency_ms)},
          {"max_energy_mj", or_null(limits.max_energy_mj)},
          {"max_price", or_null(limits.max_price)},
          {"min_value", or_null(limits.min_value)},
          {"max_drop_points", or_null(limits.max_drop)},
          {"max_cpu_share", or_null(limits.max_cpu_share)},
          {"reserve_ram_bytes", limits.reserve_ram_bytes},
          {"reserve_flash_bytes", limits.reserve_flash_bytes}};
}

json format_json(const AdviceFormat& format) {
  json one = {{"model", format.model},
              {"file", format.file},
              {"name", text_or_null(format.name)},
              {"layers", layers_option(format.layers)},
              {"is_made_here", format.is_made_here},
              {"rounds_fast", format.rounds_fast},
              {"drop_points", or_null(format.drop)}};
  one["value"] = format.value ? json(format.value->typical) : json(nullptr);
  const bool has_interval = format.value && format.value->low < format.value->high;
  one["value_low"] = has_interval ? json(format.value->low) : json(nullptr);
  one["value_high"] = has_interval ? json(format.value->high) : json(nullptr);
  return one;
}

json external_json(const std::vector<ExternalUse>& uses) {
  json list = json::array();
  for (const ExternalUse& use : uses)
    list.push_back({{"memory", use.memory},
                    {"part", text_or_null(use.part)},
                    {"size_bytes", use.size_bytes},
                    {"used_bytes", use.used_bytes},
                    {"holds", use.is_arena ? "arena" : "weights"},
                    {"is_added", use.is_added},
                    {"layers", use.layers}});
  return list;
}

json parts_json(const std::vector<BoughtPart>& parts) {
  json list = json::array();
  for (const BoughtPart& part : parts)
    list.push_back({{"name", part.name}, {"price", part.price ? price_json(*part.price) : json(nullptr)}});
  return list;
}

json companions_json(const std::vector<CompanionCost>& companions) {
  json list = json::array();
  for (const CompanionCost& one : companions)
    list.push_back({{"model", one.model},
                    {"flash_bytes", one.flash_bytes},
                    {"arena_bytes", one.arena_bytes},
                    {"reserved_ram_bytes", one.reserved_ram_bytes},
                    {"latency_ms_estimated", one.latency_ms ? json(one.latency_ms->typical) : json(nullptr)},
                    {"energy_uj_estimated", one.energy_uj ? json(one.energy_uj->typical) : json(nullptr)},
                    {"period_ms", or_null(one.period_ms)}});
  return list;
}

json candidate_json(const AdviceCandidate& candidate, const Advice& advice, const json& rank) {
  json breaches = json::array();
  for (const Breach& breach : candidate.breaches)
    breaches.push_back(
        {{"bound", name_of(breach.bound)}, {"limit", breach.limit}, {"value", finite(breach.value)}});
  json one = comparison_row_json(candidate.row);
  for (const char* of_comparison : {"file", "model", "is_on_front", "format", "price", "prices"})
    one.erase(of_comparison);
  one.update({{"rank", rank},
              {"title", sentence_json(candidate.title)},
              {"steps", sentences_json(candidate.steps)},
              {"command", candidate.command},
              {"format", candidate.format},
              {"format_name", text_or_null(advice.formats[candidate.format].name)},
              {"prefer", name_of(candidate.goal)},
              {"way", name_of(candidate.way)},
              {"board", candidate.board},
              {"base_board", candidate.base},
              {"external", external_json(candidate.external)},
              {"parts", parts_json(candidate.parts)},
              {"price", candidate.price ? json(candidate.price->typical) : json(nullptr)},
              {"price_low", candidate.price ? json(candidate.price->low) : json(nullptr)},
              {"price_high", candidate.price ? json(candidate.price->high) : json(nullptr)},
              {"slowdown_ms", or_null(candidate.slowdown_ms)},
              {"breaches", std::move(breaches)},
              {"is_on_front", candidate.is_on_front}});
  if (!candidate.companions.empty()) one["companions"] = companions_json(candidate.companions);
  if (candidate.joint)
    one["joint"] = {{"flash_bytes", candidate.joint->flash_bytes},
                    {"ram_bytes", candidate.joint->ram_bytes},
                    {"cpu_share", or_null(candidate.joint->cpu_share)}};
  one["on_board"] = nullptr;
  if (candidate.board_samples)
    one["on_board"] = {{"samples", *candidate.board_samples},
                       {"samples_equal_to_host", or_null(candidate.equal_samples)},
                       {"value", or_null(candidate.board_value)}};
  return one;
}

}  // namespace

json advice_json(const Advice& advice) {
  json formats = json::array(), entries = json::array(), others = json::array(), out = json::array(),
       moves = json::array();
  for (const AdviceFormat& format : advice.formats) formats.push_back(format_json(format));
  std::vector<int> rank_of(advice.candidates.size(), 0);
  for (std::size_t i = 0; i < advice.ranked.size(); ++i) rank_of[advice.ranked[i]] = static_cast<int>(i) + 1;
  for (const std::size_t i : advice.ranked)
    entries.push_back(candidate_json(advice.candidates[i], advice, rank_of[i]));
  for (std::size_t i = 0; i < advice.candidates.size(); ++i)
    if (rank_of[i] == 0) others.push_back(candidate_json(advice.candidates[i], advice, nullptr));
  for (const RuledOut& one : advice.ruled_out)
    out.push_back({{"reason", one.reason},
                   {"count", one.count},
                   {"alone", one.alone},
                   {"text", sentence_json(one.text)}});
  for (const Relaxation& one : advice.relaxations) {
    json list = json::array();
    for (const Breach& move : one.moves)
      list.push_back({{"bound", name_of(move.bound)}, {"from", move.limit}, {"to", move.value}});
    moves.push_back({{"moves", std::move(list)},
                     {"board", advice.candidates[one.candidate].board},
                     {"text", sentence_json(one.text)}});
  }
  json metric = nullptr;
  if (advice.metric != Metric::automatic) metric = name_of(advice.metric);
  json section = {{"limits", limits_json(advice.limits)},
                  {"currency", text_or_null(advice.currency)},
                  {"volume", or_null(advice.volume)},
                  {"metric", std::move(metric)},
                  {"samples", advice.samples},
                  {"data", text_or_null(advice.data)},
                  {"formats", std::move(formats)},
                  {"ranked", std::move(entries)},
                  {"others", std::move(others)},
                  {"ruled_out", std::move(out)},
                  {"relaxations", std::move(moves)},
                  {"summary", sentences_json(advice.summary)}};
  return {
      {"schema_version", 1}, {"model", advice.model}, {"file", advice.file}, {"advice", std::move(section)}};
}

}  // namespace nb
