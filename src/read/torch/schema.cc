#include "read/torch/schema.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace nb::torch {
namespace {

constexpr SchemaRow kRows[] = {
#include "read/torch/aten_schemas.def"
};

/// A default as the table writes it: None, True, 1, 0.5, inf, 'text', [1,1].
Item parsed_default(std::string_view text) {
  if (text == "None") return {};
  if (text == "True" || text == "False") return Item(text == "True");
  if (text.starts_with('\'')) return Item(std::string(text.substr(1, text.size() - 2)));
  if (text.starts_with('[')) {
    Item::List items;
    for (const std::string_view part : split(text.substr(1, text.size() - 2), ','))
      if (!part.empty()) items.push_back(parsed_default(part));
    return Item(std::move(items));
  }
  std::int64_t integer = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, integer).ptr == end) return Item(integer);
  double real = 0;
  std::from_chars(text.data(), end, real);  // reads inf, too
  return Item(real);
}

Parameter parsed_parameter(std::string_view text) {
  Parameter p;
  const std::size_t colon = text.find(':');
  p.name = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    p.has_default = true;
    p.fallback = parsed_default(text.substr(equals + 1));
    text = text.substr(0, equals);
  }
  p.kind = text[0];
  text.remove_prefix(1);
  if (const std::size_t open = text.find('['); open != std::string_view::npos) {
    p.is_list = true;
    p.holds_optional = open == 1;
    const std::size_t close = text.find(']');
    std::from_chars(text.data() + open + 1, text.data() + close, p.list_size);
    text.remove_prefix(close + 1);
  }
  p.is_optional = text == "?";
  return p;
}

Schema parsed(const SchemaRow& row) {
  Schema schema{row.op, row.overload, {}, row.results};
  bool is_keyword_only = false;
  for (const std::string_view part : split(row.arguments, ' ')) {
    if (part.empty()) continue;
    if (part == "*") {
      is_keyword_only = true;
      continue;
    }
    schema.parameters.push_back(parsed_parameter(part));
    schema.parameters.back().is_keyword_only = is_keyword_only;
  }
  return schema;
}

/// The item as one of `kind`; absent if it is none.
std::optional<Item> as_kind(const Item& item, char kind, int& score) {
  if (item.is_unknown()) return item;
  switch (kind) {
    case 'T':
      if (item.is_number()) score += 2;
      return item.is_tensor() || item.is_number() ? std::optional(item) : std::nullopt;
    case 'I':
    case 'D':
    case 'L':
    case 'M':
      if (item.is_tensor()) {  // a tensor of one element, read where its value is asked for
        score += 3;
        return item;
      }
      if (item.is_bool()) ++score;
      return item.is_int() || item.is_bool() ? std::optional(Item(item.integer())) : std::nullopt;
    case 'F':
      if (item.is_tensor()) {
        score += 3;
        return item;
      }
      if (!item.is_float()) ++score;
      return item.is_number() ? std::optional(Item(item.number())) : std::nullopt;
    case 'B':
      if (item.is_int()) ++score;
      return item.is_bool() || item.is_int() ? std::optional(Item(item.integer() != 0)) : std::nullopt;
    case 'S':
      if (item.is_tensor()) {
        score += 3;
        return item;
      }
      return item.is_number() ? std::optional(item) : std::nullopt;
    case 's':
      return item.is_text() ? std::optional(item) : std::nullopt;
    default:  // devices, generators: whatever it is, no translation reads it
      return item;
  }
}

std::optional<Item> as_parameter(const Item& item, const Parameter& p, int& score) {
  if (item.is_none()) {
    const bool is_ignored = p.kind == 'V' || p.kind == 'G' || p.kind == 'L' || p.kind == 'M';
    return p.is_optional || is_ignored || (p.has_default && p.fallback.is_none()) ? std::optional(item)
                                                                                  : std::nullopt;
  }
  if (!p.is_list) return as_kind(item, p.kind, score);
  if (!item.is_list()) {
    if (item.is_unknown()) return item;
    if (p.list_size == 0) return std::nullopt;
    const auto one = as_kind(item, p.kind, score);
    if (!one) return std::nullopt;
    ++score;
    return Item(Item::List(static_cast<std::size_t>(p.list_size), *one));
  }
  Item::List items;
  for (const Item& element : item.list()) {
    if (element.is_none() && p.holds_optional) {
      items.emplace_back();
      continue;
    }
    auto one = as_kind(element, p.kind, score);
    if (!one) return std::nullopt;
    items.push_back(*std::move(one));
  }
  return Item(std::move(items));
}

}  // namespace

bool has_schemas(std::string_view op) { return std::ranges::binary_search(kRows, op, {}, &SchemaRow::op); }

std::vector<Schema> find_schemas(std::string_view op) {
  std::vector<Schema> found;
  for (auto row = std::ranges::lower_bound(kRows, op, {}, &SchemaRow::op);
       row != std::end(kRows) && row->op == op; ++row)
    found.push_back(parsed(*row));
  return found;
}

std::optional<std::vector<Item>> bound_arguments(const Schema& schema, std::span<const Item> positional,
                                                 std::span<const std::pair<std::string, Item>> named,
                                                 int& score) {
  const std::vector<Parameter>& parameters = schema.parameters;
  score = 0;
  std::vector<Item> bound(parameters.size());
  std::vector<bool> is_given(parameters.size(), false);
  if (positional.size() > parameters.size()) return std::nullopt;
  for (std::size_t i = 0; i < positional.size(); ++i) {
    if (parameters[i].is_keyword_only) ++score;
    auto item = as_parameter(positional[i], parameters[i], score);
    if (!item) return std::nullopt;
    bound[i] = *std::move(item);
    is_given[i] = true;
  }
  for (const auto& [name, value] : named) {
    const auto found = std::ranges::find(parameters, std::string_view(name), &Parameter::name);
    if (found == parameters.end()) return std::nullopt;
    const auto i = static_cast<std::size_t>(found - parameters.begin());
    if (is_given[i]) return std::nullopt;
    auto item = as_parameter(value, parameters[i], score);
    if (!item) return std::nullopt;
    bound[i] = *std::move(item);
    is_given[i] = true;
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (is_given[i]) continue;
    if (!parameters[i].has_default && !parameters[i].is_optional) return std::nullopt;
    bound[i] = parameters[i].fallback;
  }
  return bound;
}

}  // namespace nb::torch
