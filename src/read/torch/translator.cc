#include "read/torch/translator.h"

#include <algorithm>

#include "base/text.h"
#include "read/torch/layer.h"
#include "read/torch/write_through.h"

namespace nb::torch {
namespace {

/// How an operator's name relates to the row that translates it.
struct Variant {
  const OperatorRow* row = nullptr;
  bool is_in_place = false;
  bool is_copy = false;  ///< of a view operator: its results have memory of their own
};

Variant find_variant(std::string_view op) {
  Variant v;
  v.row = find_operator(op);
  if (v.row != nullptr) return v;
  std::string name(op);
  if (name.ends_with('_') && !name.ends_with("__")) {
    name.pop_back();
    v.is_in_place = true;
  } else if (const std::size_t at = name.find(".__i"); at != std::string::npos) {
    name.erase(at + 3, 1);  // __iand__ writes what __and__ gives
    v.is_in_place = true;
  } else if (name.ends_with("_copy")) {
    name.resize(name.size() - 5);
    v.is_copy = true;
  }
  if (v.is_in_place || v.is_copy) v.row = find_operator(name);
  return v;
}

std::vector<Item> unknowns(std::size_t count) { return std::vector<Item>(count, Item(Unknown{})); }

/// The results with those of lists one by one.
std::vector<Item> flattened(const std::vector<Item>& results) {
  std::vector<Item> flat;
  for (const Item& item : results)
    if (item.is_list())
      flat.insert(flat.end(), item.list().begin(), item.list().end());
    else
      flat.push_back(item);
  return flat;
}

std::string argument_kinds(const Call& call) {
  std::string text;
  for (const Item& item : call.positional) text += (text.empty() ? "" : ", ") + item.described();
  for (const auto& [name, item] : call.named)
    text += (text.empty() ? "" : ", ") + printable(name, 40) + ": " + item.described();
  return text;
}

}  // namespace

bool is_translated(std::string_view op) { return find_variant(op).row != nullptr && has_schemas(op); }

Effect effect_of(std::string_view op) {
  const Variant variant = find_variant(op);
  if (variant.is_in_place) return Effect::writes;
  const bool is_view = variant.row != nullptr && variant.row->memory == Memory::view && !variant.is_copy;
  return is_view ? Effect::views : Effect::none;
}

void report_missing(GraphBuilder& builder, const Call& call) {
  builder.set_layer(printable(call.layer), printable(call.op), call.source);
  (void)builder.refuse(Kind::unsupported_operator,
                       "no reader translates the PyTorch operator " + printable(call.op),
                       "`nblocks blocks --of torch` lists the operators that are translated");
}

ValueId Translator::current(ValueId id) {
  if (const auto found = replaced_.find(id.index()); found != replaced_.end()) return current(found->second);
  const auto found = views_.find(id.index());
  if (found == views_.end()) return id;
  const ValueId base = current(found->second.base);
  if (base == found->second.base) return id;
  if (const auto taken = found->second.taken.find(base.index()); taken != found->second.taken.end())
    return taken->second;
  Call again = found->second.call;
  again.positional[0] = Item(base);
  const std::size_t result = found->second.result;
  const std::vector<Item> results = flattened(call(again));
  if (result >= results.size() || !results[result].is_tensor()) return id;
  const ValueId now = results[result].tensor();
  views_.at(id.index()).taken[base.index()] = now;
  return now;
}

void Translator::assign(const Call& call, ValueId target, ValueId value) {
  if (const auto found = replaced_.find(target.index()); found != replaced_.end())
    return assign(call, found->second, value);
  if (target == value) return;
  const auto found = views_.find(target.index());
  if (found == views_.end()) {
    replaced_[target.index()] = value;
    return;
  }
  const ValueId base = found->second.base, now = current(base);
  Call again = found->second.call;
  const auto written = written_through(build_, call, now, value, [&](ValueId numbers) {
    again.positional[0] = Item(numbers);
    const std::vector<Item> results = flattened(this->call(again));
    const std::size_t i = found->second.result;
    return i < results.size() && results[i].is_tensor() ? results[i].tensor() : ValueId();
  });
  if (!written) {
    ++faults_;
    return;
  }
  views_.at(target.index()).taken[written->index()] = value;
  assign(call, base, *written);
}

Item Translator::refreshed(const Item& item) {
  if (item.is_tensor()) return Item(current(item.tensor()));
  if (!item.is_list()) return item;
  Item::List items;
  for (const Item& element : item.list()) items.push_back(refreshed(element));
  return Item(std::move(items));
}

/// The item, with a value of its own in place of one that was there before.
Item Translator::separated(const Item& item, std::size_t first_value) {
  if (item.is_list()) {
    Item::List items;
    for (const Item& element : item.list()) items.push_back(separated(element, first_value));
    return Item(std::move(items));
  }
  if (!item.is_tensor() || item.tensor().index() >= first_value) return item;
  const auto copy = build_.add_one("identity", {item.tensor()}, {build_.layer()});
  return copy ? Item(*copy) : Item(Unknown{});
}

std::vector<Item> Translator::call(const Call& asked) {
  const Variant variant = find_variant(asked.op);
  std::vector<Schema> schemas = find_schemas(asked.op);
  if (!asked.overload.empty())
    std::erase_if(schemas, [&](const Schema& s) { return s.overload != asked.overload; });
  const std::size_t results = schemas.empty() ? 1 : static_cast<std::size_t>(schemas[0].results);
  if (variant.row == nullptr || schemas.empty()) {
    report_missing(build_, asked);
    ++faults_;
    return unknowns(results);
  }
  Call call = asked;
  for (Item& item : call.positional) item = refreshed(item);
  for (auto& [name, item] : call.named) item = refreshed(item);
  const auto is_unknown = [](const auto& named) { return named.second.is_unknown(); };
  if (std::ranges::any_of(call.positional, &Item::is_unknown) || std::ranges::any_of(call.named, is_unknown))
    return unknowns(results);

  const Schema* best = nullptr;
  std::vector<Item> arguments;
  int best_score = 0;
  for (const Schema& schema : schemas) {
    int score = 0;
    auto bound = bound_arguments(schema, call.positional, call.named, score);
    if (!bound || (best != nullptr && score >= best_score)) continue;
    best = &schema;
    best_score = score;
    arguments = *std::move(bound);
  }
  build_.set_layer(printable(call.layer), printable(call.op), call.source);
  if (best == nullptr) {
    (void)build_.refuse(Kind::invalid_model,
                        "its arguments fit no signature of the operator: " + printable(argument_kinds(call)));
    ++faults_;
    return unknowns(results);
  }
  const std::size_t first_value = build_.graph().values.size();
  std::vector<Item> made = apply(call, *variant.row, *best, arguments);
  for (const Item& item : made)  // names become unique when the graph is complete
    if (item.is_tensor() && item.tensor().index() >= first_value)
      build_.graph().at(item.tensor()).name = printable(call.layer);
  if (made.empty()) return unknowns(static_cast<std::size_t>(best->results));

  if (variant.is_copy || variant.row->memory == Memory::own)
    for (Item& item : made) item = separated(item, first_value);
  const Item first = arguments.empty() ? Item() : arguments[0];
  if (!first.is_tensor()) return made;
  if (variant.is_in_place && made[0].is_tensor()) {
    const Item& written = asked.positional.empty() ? asked.named[0].second : asked.positional[0];
    ValueId value = made[0].tensor();
    if (value.index() < first_value) {  // memory of its own: what is written later to one is not of the other
      auto copy = build_.add_one("identity", {value}, {printable(call.layer)});
      if (!copy) return unknowns(made.size());
      value = *copy;
    }
    assign(call, written.tensor(), value);
    made[0] = Item(current(written.tensor()));
  } else if (variant.row->memory == Memory::view && !variant.is_copy) {
    // The arguments as bound, so that the view can be taken again of the base's later values.
    const Call again{call.op, std::string(best->overload), arguments, {}, call.layer, call.source};
    const std::vector<Item> flat = flattened(made);
    for (std::size_t i = 0; i < flat.size(); ++i)
      if (flat[i].is_tensor() && flat[i].tensor() != first.tensor() &&
          flat[i].tensor().index() >= first_value)
        views_.try_emplace(flat[i].tensor().index(), View{first.tensor(), again, i});
  }
  return made;
}

std::vector<Item> Translator::apply(const Call& call, const OperatorRow& row, const Schema& schema,
                                    std::vector<Item> arguments) {
  try {
    Layer layer(build_, call, row, schema, std::move(arguments));
    row.translate(layer);
    return layer.take_results();
  } catch (const Refusal&) {
    ++faults_;
    if (build_.diagnostics().all().back().kind == Kind::limit_exceeded) is_stopped_ = true;
    return {};
  }
}

}  // namespace nb::torch
