// Fronts, orders, breaches and what would have to give.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "advise/advice.h"

namespace nb {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::infinity();
/// Relaxations that are told.
constexpr std::size_t kMostRelaxations = 3;

/// Figures that all are better smaller; infinite where not known.
struct Figures {
  double price = kUnknown, latency_ms = kUnknown, energy_uj = kUnknown, loss = kUnknown;
  [[nodiscard]] std::array<double, 4> all() const { return {price, latency_ms, energy_uj, loss}; }
};

/// How much a value of the metric is missed by: smaller is better.
double loss_of(Metric metric, double value) { return is_larger_better(metric) ? -value : value; }

Figures figures_of(const Advice& advice, const AdviceCandidate& candidate) {
  Figures figures;
  if (candidate.price) figures.price = candidate.price->typical;
  if (candidate.row.costs) {
    const Cost& cost = candidate.row.costs->total;
    if (cost.latency_ms) figures.latency_ms = cost.latency_ms->typical;
    if (cost.energy_uj) figures.energy_uj = cost.energy_uj->typical;
  }
  if (const auto& value = advice.formats[candidate.format].value)
    figures.loss = loss_of(advice.metric, value->typical);
  return figures;
}

bool beats(const Figures& one, const Figures& other) {
  const auto a = one.all(), b = other.all();
  bool is_better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    is_better = is_better || a[i] < b[i];
  }
  return is_better;
}

/// The order of figures that `rank_by` asks for: the first that differs decides.
std::array<double, 4> key_of(RankBy rank_by, const Figures& figures) {
  switch (rank_by) {
    case RankBy::price:
      return {figures.price, figures.latency_ms, figures.loss, figures.energy_uj};
    case RankBy::latency:
      return {figures.latency_ms, figures.price, figures.loss, figures.energy_uj};
    case RankBy::energy:
      return {figures.energy_uj, figures.price, figures.latency_ms, figures.loss};
    case RankBy::value:
      return {figures.loss, figures.price, figures.latency_ms, figures.energy_uj};
  }
  return {};
}

/// What an unknown figure breaches: a limit cannot be kept by what nobody knows.
void check(std::vector<Breach>& breaches, Bound bound, const std::optional<double>& limit, double value,
           double tolerance = 0) {
  if (limit && !(value <= *limit + tolerance)) breaches.push_back({bound, *limit, value});
}

std::vector<Breach> breaches_of(const Advice& advice, const AdviceCandidate& candidate) {
  const AdviceLimits& limits = advice.limits;
  const Figures figures = figures_of(advice, candidate);
  std::vector<Breach> breaches;
  check(breaches, Bound::latency, limits.max_latency_ms, figures.latency_ms);
  check(breaches, Bound::energy, limits.max_energy_mj, figures.energy_uj / 1e3);
  check(breaches, Bound::price, limits.max_price, figures.price);
  const AdviceFormat& format = advice.formats[candidate.format];
  if (limits.min_value && advice.metric != Metric::automatic) {
    const double value = format.value ? format.value->typical : -loss_of(advice.metric, kUnknown);
    if (!(loss_of(advice.metric, value) <= loss_of(advice.metric, *limits.min_value)))
      breaches.push_back({Bound::value, *limits.min_value, value});
  }
  if (limits.max_cpu_share)
    check(breaches, Bound::share, limits.max_cpu_share,
          candidate.joint ? candidate.joint->cpu_share.value_or(kUnknown) : kUnknown);
  constexpr double kRounding = 1e-9;
  check(breaches, Bound::drop, limits.max_drop, format.drop.value_or(kUnknown), kRounding);
  return breaches;
}

/// Of a program that fits but for what is kept for other firmware: the reserves as breaches; absent if it
/// does not fit at all.
std::optional<std::vector<Breach>> reserve_breaches(const AdviceLimits& limits, const ComparisonRow& row) {
  std::vector<Breach> breaches;
  for (const Misfit& misfit : row.misfits) {
    const auto reserve = static_cast<double>(limits.reserve_flash_bytes);
    const auto excess = static_cast<double>(misfit.excess_bytes());
    const bool is_flash = (misfit.what == "program" || misfit.what == "weights") && reserve >= excess;
    if (misfit.what == "reserve")
      breaches.push_back({Bound::ram, static_cast<double>(limits.reserve_ram_bytes),
                          static_cast<double>(misfit.free_bytes)});
    else if (is_flash)
      breaches.push_back({Bound::flash, reserve, reserve - excess});
    else
      return std::nullopt;
  }
  return breaches;
}

/// Sorted: the smallest move first; one for each bound.
std::vector<Relaxation> relaxations_of(const Advice& advice) {
  std::map<Bound, Relaxation> found;
  const Figures best =
      advice.ranked.empty() ? Figures{} : figures_of(advice, advice.candidates[advice.ranked[0]]);
  for (std::size_t i = 0; i < advice.candidates.size(); ++i) {
    const AdviceCandidate& candidate = advice.candidates[i];
    std::vector<Breach> breaches = candidate.breaches;
    if (!candidate.row.fits()) {
      auto reserves = reserve_breaches(advice.limits, candidate.row);
      // Its cost is not known: an answer to offer where there is none at all.
      if (!reserves || !advice.ranked.empty()) continue;
      breaches = std::move(*reserves);
    }
    if (breaches.size() != 1 || !std::isfinite(breaches[0].value)) continue;
    // Where there are answers, only one that ranks before the best of them is worth a word.
    if (!advice.ranked.empty() &&
        key_of(advice.rank_by, figures_of(advice, candidate)) >= key_of(advice.rank_by, best))
      continue;
    const Relaxation move{breaches[0].bound, breaches[0].limit, breaches[0].value, i, {}};
    const auto [at, is_new] = found.try_emplace(move.bound, move);
    const double now = std::abs(move.to - move.from), before = std::abs(at->second.to - at->second.from);
    if (!is_new && now < before) at->second = move;
  }
  std::vector<Relaxation> sorted;
  for (auto& [bound, move] : found) sorted.push_back(std::move(move));
  const auto share = [](const Relaxation& move) {
    return std::abs(move.to - move.from) / std::max(std::abs(move.from), 1e-12);
  };
  std::sort(sorted.begin(), sorted.end(),
            [&](const Relaxation& a, const Relaxation& b) { return share(a) < share(b); });
  if (sorted.size() > kMostRelaxations) sorted.resize(kMostRelaxations);
  return sorted;
}

}  // namespace

std::string_view name_of(Bound bound) {
  switch (bound) {
    case Bound::latency:
      return "max-latency";
    case Bound::energy:
      return "max-energy";
    case Bound::price:
      return "max-price";
    case Bound::value:
      return "min-acc";
    case Bound::drop:
      return "max-drop";
    case Bound::ram:
      return "reserve-ram";
    case Bound::flash:
      return "reserve-flash";
    case Bound::share:
      return "cpu-share";
  }
  return "";
}

std::string_view name_of(Way way) {
  return way == Way::inside ? "inside" : way == Way::carried ? "carried" : "added";
}

std::optional<RankBy> find_rank(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, RankBy>, 4> kNames = {{{"price", RankBy::price},
                                                                          {"latency", RankBy::latency},
                                                                          {"energy", RankBy::energy},
                                                                          {"accuracy", RankBy::value}}};
  for (const auto& [one, rank] : kNames)
    if (one == name) return rank;
  return std::nullopt;
}

std::optional<QuotedPrice> price_at(const std::vector<QuotedPrice>& quoted,
                                    std::optional<std::int64_t> volume) {
  const QuotedPrice* best = nullptr;
  const auto quantity_of = [](const QuotedPrice& one) { return one.price.quantity.value_or(1); };
  for (const QuotedPrice& one : quoted) {
    if (one.price.is_of_board) continue;
    if (best == nullptr) {
      best = &one;
      continue;
    }
    const std::int64_t mine = quantity_of(one), theirs = quantity_of(*best), wanted = volume.value_or(1000);
    const bool is_nearer = theirs > wanted ? mine < theirs : mine <= wanted && mine > theirs;
    if (is_nearer) best = &one;
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

void judge(Advice& advice) {
  std::vector<Figures> figures;
  for (AdviceCandidate& candidate : advice.candidates) {
    figures.push_back(figures_of(advice, candidate));
    candidate.breaches.clear();
    if (candidate.row.fits()) candidate.breaches = breaches_of(advice, candidate);
  }
  advice.ranked.clear();
  for (std::size_t i = 0; i < advice.candidates.size(); ++i) {
    AdviceCandidate& candidate = advice.candidates[i];
    const auto is_rival = [&](std::size_t j) {
      return advice.candidates[j].row.fits() && beats(figures[j], figures[i]);
    };
    bool is_beaten = !candidate.row.fits() || std::isinf(figures[i].latency_ms);
    for (std::size_t j = 0; j < advice.candidates.size() && !is_beaten; ++j) is_beaten = is_rival(j);
    candidate.is_on_front = !is_beaten;
    if (candidate.row.fits() && candidate.breaches.empty()) advice.ranked.push_back(i);
  }
  std::stable_sort(advice.ranked.begin(), advice.ranked.end(), [&](std::size_t a, std::size_t b) {
    return key_of(advice.rank_by, figures[a]) < key_of(advice.rank_by, figures[b]);
  });
  advice.relaxations = relaxations_of(advice);
}

}  // namespace nb
