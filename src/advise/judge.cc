// Fronts, orders, breaches and what would have to give.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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
  std::vector<Breach> breaches = candidate.reserves;
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

double size_of(const Breach& move) {
  return std::abs(move.value - move.limit) / std::max(std::abs(move.limit), 1e-12);
}

/// Of all moves together.
double size_of(const Relaxation& relaxation) {
  double sum = 0;
  for (const Breach& move : relaxation.moves) sum += size_of(move);
  return sum;
}

/// What has to move for each candidate that is out, if all of that is known. Where there are answers only of
/// candidates that rank before them.
std::vector<Relaxation> possible_moves(const Advice& advice) {
  std::vector<Relaxation> found;
  const auto key = [&](std::size_t i) {
    return key_of(advice.rank_by, figures_of(advice, advice.candidates[i]));
  };
  for (std::size_t i = 0; i < advice.candidates.size(); ++i) {
    const AdviceCandidate& candidate = advice.candidates[i];
    const auto& breaches = candidate.breaches;
    const bool is_known = std::all_of(breaches.begin(), breaches.end(),
                                      [](const Breach& breach) { return std::isfinite(breach.value); });
    if (!candidate.row.fits() || breaches.empty() || !is_known) continue;
    if (!advice.ranked.empty() && key(i) >= key(advice.ranked[0])) continue;
    found.push_back({breaches, i, {}});
  }
  // The fewest first, of as many the smallest, of as small ones that of the candidate that ranks first.
  std::stable_sort(found.begin(), found.end(), [&](const Relaxation& a, const Relaxation& b) {
    const double a_size = size_of(a), b_size = size_of(b);
    if (a.moves.size() != b.moves.size()) return a.moves.size() < b.moves.size();
    return a_size != b_size ? a_size < b_size : key(a.candidate) < key(b.candidate);
  });
  return found;
}

/// One for each bound that alone has to move; where there is none such and no answer, the first of several
/// bounds.
std::vector<Relaxation> relaxations_of(const Advice& advice) {
  std::vector<Relaxation> told;
  for (Relaxation& one : possible_moves(advice)) {
    const bool is_single = one.moves.size() == 1;
    if (!is_single && (!told.empty() || !advice.ranked.empty())) break;
    const bool is_told = std::any_of(told.begin(), told.end(), [&](const Relaxation& other) {
      return other.moves[0].bound == one.moves[0].bound;
    });
    if (!is_told) told.push_back(std::move(one));
    if (told.size() == kMostRelaxations) break;
  }
  return told;
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

std::optional<std::vector<Breach>> reserve_breaches(const AdviceLimits& limits,
                                                    const std::vector<Misfit>& misfits) {
  std::vector<Breach> breaches;
  for (const Misfit& misfit : misfits) {
    const bool is_ram = misfit.what == "reserve";
    const bool is_flash = misfit.what == "program" || misfit.what == "weights";
    if (!is_ram && !is_flash) return std::nullopt;
    const std::int64_t reserve = is_ram ? limits.reserve_ram_bytes : limits.reserve_flash_bytes;
    const std::int64_t left = reserve - misfit.excess_bytes();
    if (reserve == 0 || left < 0) return std::nullopt;
    breaches.push_back(
        {is_ram ? Bound::ram : Bound::flash, static_cast<double>(reserve), static_cast<double>(left)});
  }
  if (breaches.empty()) return std::nullopt;
  return breaches;
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
      return advice.candidates[j].has_room() && beats(figures[j], figures[i]);
    };
    bool is_beaten = !candidate.has_room() || std::isinf(figures[i].latency_ms);
    for (std::size_t j = 0; j < advice.candidates.size() && !is_beaten; ++j) is_beaten = is_rival(j);
    candidate.is_on_front = !is_beaten;
    if (candidate.row.fits() && candidate.breaches.empty()) advice.ranked.push_back(i);
  }
  std::stable_sort(advice.ranked.begin(), advice.ranked.end(), [&](std::size_t a, std::size_t b) {
    return key_of(advice.rank_by, figures[a]) < key_of(advice.rank_by, figures[b]);
  });
  advice.best_of_ways.clear();
  for (const std::size_t i : advice.ranked) {
    const bool is_told = std::any_of(
        advice.best_of_ways.begin(), advice.best_of_ways.end(),
        [&](std::size_t other) { return advice.candidates[other].way == advice.candidates[i].way; });
    if (!is_told) advice.best_of_ways.push_back(i);
  }
  advice.relaxations = relaxations_of(advice);
}

}  // namespace nb
