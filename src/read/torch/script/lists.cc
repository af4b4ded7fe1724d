// Functions of lists, tuples, dicts and texts, as TorchScript's code calls them.
#include <algorithm>

#include "base/text.h"
#include "read/torch/script/machine.h"

namespace nb::torch::script {
namespace {

bool is_list(const Arguments& a, std::size_t count) {
  return a.size() == count && a.positional[0].is(ValueKind::list);
}
bool is_dict(const Arguments& a, std::size_t least, std::size_t most) {
  return a.size() >= least && a.size() <= most && a.positional[0].is(ValueKind::dict);
}
std::vector<Value>& items_of(const Arguments& a) { return a.positional[0].sequence().items; }

/// Where in a dict's items the key stands; their number if nowhere.
std::size_t place(Machine& m, const Dict& dict, const Value& key) {
  std::size_t i = 0;
  while (i < dict.items.size() && !m.equals(dict.items[i].first, key)) ++i;
  return i;
}

bool length(Machine&, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  const Value& x = a.positional[0];
  std::size_t count = 0;
  if (x.is_sequence())
    count = x.sequence().items.size();
  else if (x.is(ValueKind::dict))
    count = x.dict().items.size();
  else if (x.is(ValueKind::text))
    count = x.text().size();
  else
    return false;
  result = Value(static_cast<std::int64_t>(count));
  return true;
}

bool get_item(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 2) return false;
  const Value& x = a.positional[0];
  if (x.is_sequence()) {
    result = x.sequence().items[m.index(a.positional[1], x.sequence().items.size())];
  } else if (x.is(ValueKind::text)) {
    result = m.make_text(std::string(1, x.text()[m.index(a.positional[1], x.text().size())]));
  } else if (x.is(ValueKind::dict)) {
    const std::size_t at = place(m, x.dict(), a.positional[1]);
    if (at == x.dict().items.size()) m.invalid("a dict has no " + m.described(a.positional[1]));
    result = x.dict().items[at].second;
  } else {
    return false;
  }
  return true;
}

bool set_item(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 3) return false;
  const Value& x = a.positional[0];
  if (x.is(ValueKind::list)) {
    items_of(a)[m.index(a.positional[1], items_of(a).size())] = a.positional[2];
  } else if (x.is(ValueKind::dict)) {
    const std::size_t at = place(m, x.dict(), a.positional[1]);
    m.charge(8);
    if (at == x.dict().items.size())
      x.dict().items.emplace_back(a.positional[1], a.positional[2]);
    else
      x.dict().items[at].second = a.positional[2];
  } else {
    return false;
  }
  result = x;
  return true;
}

/// x[begin:end:step] of a list, a tuple or a text.
bool slice(Machine& m, const Arguments& a, Value& result) {
  if (a.size() == 0 || a.size() > 4) return false;
  const Value& x = a.positional[0];
  if (!x.is_sequence() && !x.is(ValueKind::text)) return false;
  const auto size = static_cast<std::int64_t>(x.is_sequence() ? x.sequence().items.size() : x.text().size());
  const Value begin_given = a.get(1, "start"), end_given = a.get(2, "end"), step_given = a.get(3, "step");
  const std::int64_t step = step_given.is_none() ? 1 : m.integer(step_given, "the step of a slice");
  if (step == 0) m.invalid("the step of a slice is zero");
  const auto bound = [&](const Value& given, std::int64_t otherwise) {
    if (given.is_none()) return otherwise;
    std::int64_t at = m.integer(given, "the bound of a slice");
    if (at < 0) at = std::max<std::int64_t>(at + size, -1);
    return step > 0 ? std::clamp<std::int64_t>(at, 0, size) : std::clamp<std::int64_t>(at, -1, size - 1);
  };
  const std::int64_t begin = bound(begin_given, step > 0 ? 0 : size - 1),
                     end = bound(end_given, step > 0 ? size : -1);
  std::vector<Value> items;
  std::string text;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end;) {
    m.charge(1);
    if (x.is_sequence())
      items.push_back(x.sequence().items[static_cast<std::size_t>(i)]);
    else
      text += x.text()[static_cast<std::size_t>(i)];
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  result = x.is(ValueKind::text)   ? m.make_text(std::move(text))
           : x.is(ValueKind::list) ? m.make_list(std::move(items))
                                   : m.make_tuple(std::move(items));
  return true;
}

bool append(Machine& m, const Arguments& a, Value& result) {
  if (!is_list(a, 2)) return false;
  m.charge(4);
  items_of(a).push_back(a.positional[1]);
  result = a.positional[0];
  return true;
}

bool extend(Machine& m, const Arguments& a, Value& result) {
  if (!is_list(a, 2) || !a.positional[1].is_sequence()) return false;
  const std::vector<Value> more = a.positional[1].sequence().items;
  m.charge(4 * more.size());
  items_of(a).insert(items_of(a).end(), more.begin(), more.end());
  result = a.positional[0];
  return true;
}

bool insert(Machine& m, const Arguments& a, Value& result) {
  if (!is_list(a, 3)) return false;
  const auto size = static_cast<std::int64_t>(items_of(a).size());
  std::int64_t at = m.integer(a.positional[1], "an index");
  if (at < 0) at = std::max<std::int64_t>(at + size, 0);
  m.charge(4 + items_of(a).size() / 8);
  items_of(a).insert(items_of(a).begin() + std::min(at, size), a.positional[2]);
  result = {};
  return true;
}

bool pop(Machine& m, const Arguments& a, Value& result) {
  if (is_dict(a, 2, 3)) {
    auto& items = a.positional[0].dict().items;
    const std::size_t at = place(m, a.positional[0].dict(), a.positional[1]);
    if (at == items.size() && a.size() == 2) m.invalid("a dict has no " + m.described(a.positional[1]));
    result = at == items.size() ? a.positional[2] : items[at].second;
    if (at != items.size()) items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
  }
  if (a.size() == 0 || a.size() > 2 || !a.positional[0].is(ValueKind::list)) return false;
  std::vector<Value>& items = items_of(a);
  const std::size_t at = m.index(a.size() == 2 ? a.positional[1] : Value(std::int64_t{-1}), items.size());
  m.charge(1 + items.size() / 8);
  result = items[at];
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

bool clear(Machine&, const Arguments& a, Value& result) {
  if (is_list(a, 1))
    items_of(a).clear();
  else if (is_dict(a, 1, 1))
    a.positional[0].dict().items.clear();
  else
    return false;
  result = {};
  return true;
}

bool reverse(Machine& m, const Arguments& a, Value& result) {
  if (!is_list(a, 1)) return false;
  m.charge(items_of(a).size());
  std::reverse(items_of(a).begin(), items_of(a).end());
  result = {};
  return true;
}

bool copied(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  const Value& x = a.positional[0];
  if (x.is(ValueKind::text)) {
    std::vector<Value> items;
    for (const char c : x.text()) items.push_back(m.make_text(std::string(1, c)));
    result = m.make_list(std::move(items));
    return true;
  }
  if (!x.is_sequence()) return false;
  result = m.make_list(x.sequence().items);
  return true;
}

/// The items in order, or false if they have none.
bool sort_items(Machine& m, std::vector<Value>& items, bool is_descending) {
  const auto all = [&](auto is) { return std::all_of(items.begin(), items.end(), is); };
  const bool is_text = all([](const Value& v) { return v.is(ValueKind::text); });
  if (!is_text && !all([](const Value& v) { return v.is_number() && v.number() == v.number(); }))
    return false;
  m.charge(32 * items.size());
  std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
    const Value &x = is_descending ? b : a, &y = is_descending ? a : b;
    return is_text                        ? x.text() < y.text()
           : x.is_whole() && y.is_whole() ? x.integer() < y.integer()
                                          : x.number() < y.number();
  });
  return true;
}
bool sort(Machine& m, const Arguments& a, Value& result) {
  if (a.size() == 0 || !a.positional[0].is(ValueKind::list)) return false;
  const Value is_reversed = a.get(1, "reverse");
  result = {};
  return sort_items(m, items_of(a), is_reversed.is_whole() && is_reversed.integer() != 0);
}
bool sorted(Machine& m, const Arguments& a, Value& result) {
  if (!is_list(a, 1)) return false;
  std::vector<Value> items = items_of(a);
  if (!sort_items(m, items, false)) return false;
  result = m.make_list(std::move(items));
  return true;
}

bool contains(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 2) return false;
  const Value& x = a.positional[0];
  if (x.is_sequence())
    result = Value(std::any_of(x.sequence().items.begin(), x.sequence().items.end(),
                               [&](const Value& v) { return m.equals(v, a.positional[1]); }));
  else if (x.is(ValueKind::dict))
    result = Value(place(m, x.dict(), a.positional[1]) != x.dict().items.size());
  else if (x.is(ValueKind::text) && a.positional[1].is(ValueKind::text))
    result = Value(x.text().find(a.positional[1].text()) != std::string::npos);
  else
    return false;
  return true;
}

bool find_index(Machine& m, const Arguments& a, Value& result) {
  if (!is_list(a, 2)) return false;
  for (std::size_t i = 0; i < items_of(a).size(); ++i)
    if (m.equals(items_of(a)[i], a.positional[1])) {
      result = Value(static_cast<std::int64_t>(i));
      return true;
    }
  m.invalid(m.described(a.positional[1]) + " is not in the list");
}

bool concatenated(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 2) return false;
  const Value &x = a.positional[0], &y = a.positional[1];
  if (x.is(ValueKind::text) && y.is(ValueKind::text)) {
    m.charge((x.text().size() + y.text().size()) / 8);
    result = m.make_text(x.text() + y.text());
    return true;
  }
  if (!x.is_sequence() || x.kind() != y.kind()) return false;
  m.charge(4 * (x.sequence().items.size() + y.sequence().items.size()));
  std::vector<Value> items = x.sequence().items;
  items.insert(items.end(), y.sequence().items.begin(), y.sequence().items.end());
  result = x.is(ValueKind::list) ? m.make_list(std::move(items)) : m.make_tuple(std::move(items));
  return true;
}

bool repeated(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 2) return false;
  const bool is_first = a.positional[0].is(ValueKind::list) && a.positional[1].is_whole();
  if (!is_first && !(a.positional[1].is(ValueKind::list) && a.positional[0].is_whole())) return false;
  const std::vector<Value>& part = a.positional[is_first ? 0 : 1].sequence().items;
  const std::int64_t times = a.positional[is_first ? 1 : 0].integer();
  std::vector<Value> items;
  for (std::int64_t i = 0; i < times && !part.empty(); ++i) {
    m.charge(4 * part.size());
    items.insert(items.end(), part.begin(), part.end());
  }
  result = m.make_list(std::move(items));
  return true;
}

enum class Side : std::uint8_t { keys, values, items };

template <Side kSide>
bool listed(Machine& m, const Arguments& a, Value& result) {
  if (!is_dict(a, 1, 1)) return false;
  std::vector<Value> items;
  for (const auto& [key, value] : a.positional[0].dict().items)
    items.push_back(kSide == Side::keys ? key : kSide == Side::values ? value : m.make_tuple({key, value}));
  result = m.make_list(std::move(items));
  return true;
}

bool dict_get(Machine& m, const Arguments& a, Value& result) {
  if (!is_dict(a, 2, 3)) return false;
  const Dict& dict = a.positional[0].dict();
  const std::size_t at = place(m, dict, a.positional[1]);
  result = at != dict.items.size() ? dict.items[at].second : a.get(2, "default_value");
  return true;
}

bool joined(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 2 || !a.positional[0].is(ValueKind::text) || !a.positional[1].is(ValueKind::list))
    return false;
  std::string text;
  bool is_first = true;
  for (const Value& part : a.positional[1].sequence().items) {
    if (!part.is(ValueKind::text)) return false;
    m.charge(1 + (a.positional[0].text().size() + part.text().size()) / 8);
    if (!is_first) text += a.positional[0].text();
    is_first = false;
    text += part.text();
  }
  result = m.make_text(std::move(text));
  return true;
}

/// The least, greatest, or sum of a list of numbers.
template <char kKind>
bool reduced(Machine& m, const Arguments& a, Value& result) {
  if (!is_list(a, 1) || items_of(a).empty()) return false;
  const std::vector<Value>& items = items_of(a);
  if (!std::all_of(items.begin(), items.end(), [](const Value& v) { return v.is_number(); })) return false;
  Value best = items[0];
  const Builtin combine = find_number_builtin(kKind == '<'   ? "ops.prim.min"
                                              : kKind == '>' ? "ops.prim.max"
                                                             : "torch.add");
  for (std::size_t i = 1; i < items.size(); ++i) {
    m.charge(1);
    const Arguments pair{{best, items[i]}, {}};
    if (!combine(m, pair, best)) return false;
  }
  result = best;
  return true;
}

/// Whether any or all of a list of bools are true.
template <bool kIsAll>
bool every(Machine& m, const Arguments& a, Value& result) {
  if (!is_list(a, 1)) return false;
  bool is_true = kIsAll;
  for (const Value& item : items_of(a)) {
    if (!item.is_whole()) return false;
    m.charge(1);
    is_true = kIsAll ? is_true && item.integer() != 0 : is_true || item.integer() != 0;
  }
  result = Value(is_true);
  return true;
}

struct Row {
  std::string_view name;
  Builtin function;
};
constexpr Row kRows[] = {
    {"torch.len", length},
    {"len", length},
    {"torch.__getitem__", get_item},
    {"torch._set_item", set_item},
    {"torch.slice", slice},
    {"torch.append", append},
    {"torch.extend", extend},
    {"torch.insert", insert},
    {"torch.pop", pop},
    {"torch.clear", clear},
    {"torch.reverse", reverse},
    {"torch.list", copied},
    {"torch.copy", copied},
    {"list", copied},
    {"torch.sort", sort},
    {"torch.sorted", sorted},
    {"torch.__contains__", contains},
    {"torch.contains", contains},
    {"torch.index", find_index},
    {"torch.add", concatenated},
    {"torch.add_", extend},
    {"torch.mul", repeated},
    {"torch.keys", listed<Side::keys>},
    {"torch.values", listed<Side::values>},
    {"torch.items", listed<Side::items>},
    {"torch.get", dict_get},
    {"torch.join", joined},
    {"ops.prim.min", reduced<'<'>},
    {"ops.prim.max", reduced<'>'>},
    {"torch.sum", reduced<'+'>},
    {"torch.any", every<false>},
    {"torch.all", every<true>},
};

}  // namespace

Builtin find_list_builtin(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.function;
  return nullptr;
}

}  // namespace nb::torch::script
