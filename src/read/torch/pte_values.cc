#include "read/torch/pte_values.h"

#include <algorithm>

#include "base/text.h"
#include "read/dtypes.h"
#include "read/translation.h"

namespace nb::torch {
namespace {

constexpr std::size_t kMaxWork = 50000000;  // elements of lists walked, those of one list each time

std::string name_of(const PteTensor& tensor, std::string_view kind, std::size_t number) {
  return tensor.name.empty() ? std::string(kind) + std::to_string(number) : printable(tensor.name);
}

}  // namespace

void PteValues::refuse(Kind kind, const std::string& message, const std::string& help) {
  (void)build_.refuse(kind, message, help);
  throw nb::read::Refusal{};
}

void PteValues::fail(Kind kind, const std::string& message, const std::string& help) {
  build_.diagnostics().add({.kind = kind, .message = message, .help = help});
  throw nb::read::Refusal{};
}

void PteValues::spend(std::size_t work) {
  work_ += work;
  if (work_ > kMaxWork) fail(Kind::limit_exceeded, "the program's calls share lists too often");
}

std::string PteValues::layer_name(const std::string& op) {
  const std::string name = op.substr(op.find('.') + 1);
  const std::size_t count = layers_[name]++;
  return count == 0 ? name : name + "_" + std::to_string(count);
}

std::vector<std::size_t> PteValues::flattened(std::span<const std::size_t> indexes) {
  std::vector<std::size_t> flat;
  for (const std::size_t index : indexes) {
    if (const auto* list = std::get_if<PteIndexes>(&method_.values[index])) {
      spend(list->items.size());
      for (const std::int64_t item : list->items)
        if (item >= 0) flat.push_back(static_cast<std::size_t>(item));
    } else {
      flat.push_back(index);
    }
  }
  return flat;
}

const Item* PteValues::find(std::size_t index) const {
  const auto found = values_.find(index);
  return found == values_.end() ? nullptr : &found->second;
}

void PteValues::write(std::size_t index, Item item) {
  values_[index] = std::move(item);
  occupy(index);
}

DType PteValues::dtype_of(const PteTensor& tensor, const std::string& what) {
  const auto dtype = dtype_of_scalar_type(tensor.scalar_type);
  if (!dtype)
    fail(Kind::unsupported_feature,
         what + " has elements of ExecuTorch's type " + std::to_string(tensor.scalar_type));
  return *dtype;
}

/// The tensor's data out of the file, row-major, in a dtype that graphs compute in.
Tensor PteValues::stored(const PteTensor& tensor, const std::string& what) {
  const DType dtype = dtype_of(tensor, what);
  if (tensor.is_external)
    fail(Kind::unsupported_feature, what + " has its data in another file",
         "export without external_constants, so that the program holds its weights");
  if (const std::string fault = shape_fault(tensor.sizes, dtype); !fault.empty())
    fail(Kind::limit_exceeded, what + ": " + fault);
  std::string why_not;
  const auto storage = program_.storage_of(tensor, why_not);
  if (!storage) fail(Kind::malformed_file, what + " " + why_not);
  StridedView view{dtype, tensor.sizes, std::vector<std::int64_t>(tensor.sizes.size()),
                   tensor.storage_offset};
  std::int64_t step = 1;
  for (std::size_t i = tensor.dim_order.size(); i-- > 0;) {
    view.strides[tensor.dim_order[i]] = step;
    step *= std::max<std::int64_t>(1, tensor.sizes[tensor.dim_order[i]]);
  }
  auto made = contiguous(*storage, view, budget_bytes_, why_not);
  if (!made) fail(Kind::malformed_file, what + " " + why_not);
  const DType inside = nb::read::computed_dtype(dtype);
  return inside == dtype ? *std::move(made) : nb::read::converted(*made, inside);
}

/// A tensor that no instruction gave a value yet.
Item PteValues::first_of(std::size_t index, const PteTensor& tensor) {
  const bool has_data = tensor.buffer > 0 || tensor.is_external;
  const bool is_written = written_.contains(index);
  if (has_data && !(tensor.is_allocated && is_written)) {
    const std::string name = name_of(tensor, "constant", tensor.buffer);
    return Item(build_.add_constant(name, stored(tensor, "`" + name + "`")));
  }
  if (!tensor.is_allocated)
    refuse(Kind::invalid_model, "value " + std::to_string(index) + " is used before it is made");
  if (tensor.is_dynamic)
    refuse(Kind::dynamic_shape,
           "value " + std::to_string(index) + " is kept between runs, and has no fixed size");
  const std::string name = name_of(tensor, "state", states_.size());
  Type type{nb::read::computed_dtype(dtype_of(tensor, "`" + name + "`")), tensor.sizes};
  if (const std::string fault = shape_fault(type.shape, type.dtype); !fault.empty())
    fail(Kind::limit_exceeded, "`" + name + "`: " + fault);
  std::shared_ptr<const Bytes> first;
  if (has_data)
    first = std::make_shared<const Bytes>(stored(tensor, "`" + name + "`").data);
  else
    build_.remark(Kind::remark,
                  "`" + name + "` " + shape_text(type.shape) +
                      " is kept between runs and is zero at first: the file has no first contents of it "
                      "(InitializedMutableBufferPass of ExecuTorch would write them)");
  const ValueId id = build_.add_state(name, std::move(type), std::move(first));
  states_.push_back({index, id});
  occupy(index);
  return Item(id);
}

/// Remembers that a tensor's memory holds its value now.
void PteValues::occupy(std::size_t index) {
  const PteTensor* tensor = declared(index);
  if (tensor != nullptr && tensor->is_allocated && element_count(tensor->sizes) > 0)
    held_[place_of(*tensor)] = index;
}

/// Whether the tensor is a view that no instruction makes: the program's plan gives it the memory of what
/// it shows.
bool PteValues::is_planned_view(std::size_t index, const PteTensor& tensor) const {
  return tensor.is_allocated && tensor.buffer == 0 && !tensor.is_external && !written_.contains(index) &&
         !values_.contains(index);
}

/// The value that the memory of a planned view holds: written last, or kept from the run before.
std::size_t PteValues::shown_by(std::size_t index, const PteTensor& tensor) {
  if (const auto found = held_.find(place_of(tensor)); found != held_.end()) return found->second;
  std::size_t shown = index;
  for (const std::size_t other : written_) {
    const PteTensor* candidate = declared(other);
    if (candidate == nullptr || !candidate->is_allocated || place_of(*candidate) != place_of(tensor))
      continue;
    if (shown != index)
      refuse(Kind::invalid_model, "value " + std::to_string(index) + " shows memory of several values");
    shown = other;
  }
  if (shown == index)
    refuse(Kind::invalid_model, "value " + std::to_string(index) + " is used before it is made");
  return shown;
}

Item PteValues::planned_view(std::size_t index, const PteTensor& tensor) {
  const std::size_t shown = shown_by(index, tensor);
  const PteTensor& whole = *declared(shown);
  const Item base = read(shown);
  if (!base.is_tensor()) return base;
  const std::string what =
      "value " + std::to_string(index) + ", a view of value " + std::to_string(shown) + ",";
  if (tensor.scalar_type != whole.scalar_type || tensor.storage_offset != whole.storage_offset)
    refuse(Kind::unsupported_feature, what + " has another dtype or offset");
  if (tensor.sizes == whole.sizes && tensor.dim_order == whole.dim_order) return base;
  if (!std::ranges::is_sorted(tensor.dim_order) || !std::ranges::is_sorted(whole.dim_order))
    refuse(Kind::unsupported_feature, what + " has axes in another order",
           "keep the model's tensors contiguous where it views them");
  Shape sizes = tensor.sizes;
  if (tensor.is_dynamic && element_count(sizes) != build_.type(base.tensor()).elements())
    refuse(Kind::dynamic_shape, what + " varies in size");
  const auto key = std::pair(index, base.tensor().index());
  if (const auto found = views_.find(key); found != views_.end()) return found->second;
  const std::string layer = layer_name("view");
  const auto made = translator_.call({.op = "aten.view",
                                      .overload = "default",
                                      .positional = {base, Item(sizes)},
                                      .named = {},
                                      .layer = layer,
                                      .source = {}});
  if (made.empty()) throw nb::read::Refusal{};
  return views_[key] = made[0];
}

Item PteValues::read(std::size_t index) {
  if (const auto found = values_.find(index); found != values_.end()) return found->second;
  const PteValue& value = method_.values[index];
  if (const PteTensor* tensor = declared(index)) {
    if (is_planned_view(index, *tensor)) return planned_view(index, *tensor);
    Item item = first_of(index, *tensor);
    values_[index] = item;
    return item;
  }
  if (const auto* list = std::get_if<PteIndexes>(&value)) {
    spend(list->items.size());
    Item::List items;
    for (const std::int64_t item : list->items) {
      const auto at = static_cast<std::size_t>(item);
      if (item >= 0 && std::holds_alternative<PteIndexes>(method_.values[at]))
        refuse(Kind::invalid_model, "value " + std::to_string(index) + " is a list of lists");
      items.push_back(item < 0 ? Item() : read(at));
    }
    return Item(std::move(items));
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) return Item(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return Item(*flag);
  if (const auto* real = std::get_if<double>(&value)) return Item(*real);
  if (const auto* text = std::get_if<std::string_view>(&value))
    return Item(std::string(text->substr(0, 1000)));
  Item::List items;
  if (const auto* reals = std::get_if<std::vector<double>>(&value)) {
    for (const double one : *reals) items.emplace_back(one);
    return Item(std::move(items));
  }
  if (const auto* flags = std::get_if<std::vector<bool>>(&value)) {
    for (const bool one : *flags) items.emplace_back(one);
    return Item(std::move(items));
  }
  return {};
}

}  // namespace nb::torch
