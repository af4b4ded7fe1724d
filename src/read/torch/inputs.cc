#include "read/torch/inputs.h"

#include <algorithm>

#include "base/text.h"
#include "read/compose.h"
#include "read/dtypes.h"

namespace nb::torch {

void fail(Diagnostics& diagnostics, Kind kind, std::string message, std::string help) {
  diagnostics.add({.kind = kind, .message = std::move(message), .help = std::move(help)});
  throw read::Refusal{};
}

void check_named(Diagnostics& diagnostics, const std::string& option, const std::string& name,
                 const std::vector<std::string>& known, const std::string& what) {
  if (std::ranges::find(known, name) != known.end()) return;
  const std::string close = nearest(name, known);
  fail(diagnostics, Kind::usage, option + " names `" + printable(name) + "`, which is no " + what,
       !close.empty()  ? "did you mean `" + printable(close) + "`?"
       : known.empty() ? "there is none"
                       : "there are: " + join(known, ", "));
}

ValueId add_input(GraphBuilder& builder, const std::string& name, const Type& stored) {
  if (const std::string fault = shape_fault(stored.shape, stored.dtype); !fault.empty())
    fail(builder.diagnostics(), Kind::limit_exceeded, "input `" + name + "`: " + fault);
  const ValueId id = builder.add_input(name, stored);
  const DType inside = read::computed_dtype(stored.dtype);
  if (inside == stored.dtype) return id;
  read::Translation l(builder, name, "Input");
  return read::cast(l, id, inside);
}

void check_frozen_dtype(Diagnostics& diagnostics, const std::string& name, DType given, DType inside) {
  if (is_float(given) == is_float(inside)) return;
  fail(diagnostics, Kind::input_mismatch,
       "--freeze " + name + ": the file holds " + std::string(dtype_name(given)) + ", the input is " +
           std::string(dtype_name(inside)),
       "convert it with numpy's .astype");
}

}  // namespace nb::torch
