// What a TorchScript program asks of tensors that is known when compiling, and tensors that it makes of
// numbers.
#include <algorithm>

#include "base/text.h"
#include "read/dtypes.h"
#include "read/torch/script/machine.h"
#include "read/torch/storage.h"
#include "read/translation.h"

namespace nb::torch::script {
namespace {

const Type& type_of(Machine& m, const Value& tensor) {
  return m.build().type(m.translator().current(tensor.tensor()));
}
bool is_tensor(const Arguments& a) { return a.size() >= 1 && a.positional[0].is_tensor(); }

Value ints(Machine& m, std::span<const std::int64_t> values) {
  std::vector<Value> items;
  for (const std::int64_t value : values) items.emplace_back(value);
  return m.make_list(std::move(items));
}

bool size(Machine& m, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  const Shape shape = type_of(m, a.positional[0]).shape;
  const Value dim = a.get(1, "dim");
  result = dim.is_none() ? ints(m, shape) : Value(shape[m.index(dim, shape.size())]);
  return true;
}
bool stride(Machine& m, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  const Shape shape = type_of(m, a.positional[0]).shape;
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * std::max<std::int64_t>(1, shape[i]);
  const Value dim = a.get(1, "dim");
  result = dim.is_none() ? ints(m, strides) : Value(strides[m.index(dim, strides.size())]);
  return true;
}
bool rank(Machine& m, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  result = Value(std::int64_t{type_of(m, a.positional[0]).rank()});
  return true;
}
bool length(Machine& m, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  const Shape& shape = type_of(m, a.positional[0]).shape;
  if (shape.empty()) m.invalid("the length of a tensor without axes is asked for");
  result = Value(shape[0]);
  return true;
}
bool numel(Machine& m, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  result = Value(type_of(m, a.positional[0]).elements());
  return true;
}
bool dtype(Machine& m, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  result = Value(scalar_type_of(type_of(m, a.positional[0]).dtype));
  return true;
}
bool is_floating(Machine& m, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  result = Value(is_float(type_of(m, a.positional[0]).dtype));
  return true;
}
bool device(Machine& m, const Arguments& a, Value& result) {
  if (a.size() == 0 || (!a.positional[0].is_tensor() && !a.positional[0].is(ValueKind::text) &&
                        !a.positional[0].is(ValueKind::device)))
    return false;
  result = m.heap().device("cpu");
  return true;
}
bool device_type(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1 || !a.positional[0].is(ValueKind::device)) return false;
  result = m.make_text("cpu");
  return true;
}
template <bool kValue>
bool always(Machine&, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  result = Value(kValue);
  return true;
}
template <int kValue>
bool number(Machine&, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  result = Value(std::int64_t{kValue});
  return true;
}
bool itself(Machine&, const Arguments& a, Value& result) {
  if (a.size() == 0) return false;
  result = a.positional[0];
  return true;
}
bool unwrapped(Machine& m, const Arguments& a, Value& result) {
  if (a.size() != 1) return false;
  if (a.positional[0].is_none()) m.invalid("the model takes a value out of None");
  result = a.positional[0];
  return true;
}

/// Numbers in lists to elements: the lists' lengths are the shape.
struct Gathered {
  Shape shape;
  std::vector<Value> numbers;
};
void gather(Machine& m, const Value& value, std::size_t depth, Gathered& into) {
  if (depth > static_cast<std::size_t>(kMaxRank))
    m.invalid("a tensor of more than " + std::to_string(kMaxRank) + " axes is made");
  m.charge(1);
  if (value.is_sequence()) {
    const std::vector<Value>& items = value.sequence().items;
    const auto count = static_cast<std::int64_t>(items.size());
    if (into.shape.size() == depth && into.numbers.empty()) into.shape.resize(depth + 1, count);
    if (into.shape.size() <= depth || into.shape[depth] != count)
      m.invalid("a tensor is made of lists of different lengths");
    for (const Value& item : items) gather(m, item, depth + 1, into);
    return;
  }
  if (into.shape.size() != depth) m.invalid("a tensor is made of lists of different lengths");
  into.numbers.push_back(m.scalar(value, "an element of a new tensor"));
}

/// torch.tensor(numbers, dtype=, device=, requires_grad=) and the like.
bool make(Machine& m, const Arguments& a, Value& result) {
  if (a.size() == 0 || a.positional[0].is_tensor()) return false;
  Gathered gathered;
  gather(m, a.positional[0], 0, gathered);
  bool is_real = false, is_boolean = !gathered.numbers.empty();
  for (const Value& n : gathered.numbers) {
    is_real = is_real || n.is(ValueKind::real);
    is_boolean = is_boolean && n.is(ValueKind::boolean);
  }
  if (gathered.numbers.empty()) is_real = true;
  DType dtype = is_real ? DType::f32 : is_boolean ? DType::boolean : DType::i64;
  if (const Value given = a.get(1, "dtype"); given.is_whole()) {
    const auto known = dtype_of_scalar_type(given.integer());
    if (!known)
      m.refuse(Kind::unsupported_feature,
               "a tensor of scalar type " + std::to_string(given.integer()) + " is made");
    dtype = read::computed_dtype(*known);
  }
  if (const std::string fault = shape_fault(gathered.shape, dtype); !fault.empty())
    m.refuse(Kind::limit_exceeded, "a tensor is made: " + fault);
  Tensor tensor;
  if (is_real) {
    std::vector<double> values;
    for (const Value& n : gathered.numbers) values.push_back(n.number());
    tensor = make_tensor<double>(DType::f64, gathered.shape, values);
  } else {
    std::vector<std::int64_t> values;
    for (const Value& n : gathered.numbers) values.push_back(n.integer());
    tensor = make_tensor<std::int64_t>(DType::i64, gathered.shape, values);
  }
  result = m.make_constant("constant",
                           tensor.type.dtype == dtype ? std::move(tensor) : read::converted(tensor, dtype));
  return true;
}

bool to_list(Machine& m, const Arguments& a, Value& result) {
  if (!is_tensor(a)) return false;
  const ValueId id = m.translator().current(a.positional[0].tensor());
  const Type type = m.build().type(id);
  if (type.rank() != 1 || !m.build().is_constant(id))
    m.refuse(Kind::dynamic_shape, "a list is made of a tensor of shape " + shape_text(type.shape) +
                                      " that is computed at run time");
  std::vector<Value> items;
  const Tensor tensor = m.build().constant(id);
  m.charge(static_cast<std::size_t>(type.elements()));
  if (is_float(type.dtype))
    for (const double value : to_doubles(tensor)) items.emplace_back(value);
  else
    for (const std::int64_t value : to_ints(tensor))
      items.push_back(type.dtype == DType::boolean ? Value(value != 0) : Value(value));
  result = m.make_list(std::move(items));
  return true;
}

struct Row {
  std::string_view name;
  Builtin function;
};
constexpr Row kRows[] = {
    {"torch.size", size},
    {"torch.sym_size", size},
    {"ops.prim.shape", size},
    {"torch.stride", stride},
    {"torch.dim", rank},
    {"torch.ndimension", rank},
    {"ops.prim.ndim", rank},
    {"torch.len", length},
    {"torch.numel", numel},
    {"ops.prim.numel", numel},
    {"ops.prim.dtype", dtype},
    {"torch.is_floating_point", is_floating},
    {"torch.is_complex", always<false>},
    {"torch.is_contiguous", always<true>},
    {"torch.requires_grad", always<false>},
    {"ops.prim.requires_grad", always<false>},
    {"ops.prim.is_cuda", always<false>},
    {"ops.prim.is_cpu", always<true>},
    {"ops.prim.is_xpu", always<false>},
    {"ops.prim.is_mps", always<false>},
    {"ops.prim.is_meta", always<false>},
    {"ops.prim.is_sparse", always<false>},
    {"ops.prim.is_sparse_csr", always<false>},
    {"ops.prim.is_mkldnn", always<false>},
    {"ops.prim.is_quantized", always<false>},
    {"ops.prim.is_nested", always<false>},
    {"torch.get_device", number<-1>},
    {"ops.prim.layout", number<0>},
    {"ops.prim.device", device},
    {"torch.device", device},
    {"ops.prim.type", device_type},
    {"ops.prim.data", itself},
    {"ops.prim.unchecked_unwrap_optional", unwrapped},
    {"torch._unwrap_optional", unwrapped},
    {"torch.jit._unwrap_optional", unwrapped},
    {"ops.prim.NumToTensor", make},
    {"torch.tensor", make},
    {"torch.as_tensor", make},
    {"torch.scalar_tensor", make},
    {"ops.prim.tolist", to_list},
};

}  // namespace

Builtin find_tensor_builtin(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.function;
  return nullptr;
}

}  // namespace nb::torch::script
