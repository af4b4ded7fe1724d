// The signatures of ATen operators: names, kinds and defaults of their arguments, by overload.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "read/torch/item.h"

namespace nb::torch {

/// One row of the table that tools/gen_aten_schemas.py writes (src/read/torch/aten_schemas.def):
/// "aten.conv2d", "default", "input:T weight:T bias:T? stride:I[2]=1 ... groups:I=1". Out arguments are left
/// out.
struct SchemaRow {
  std::string_view op, overload, arguments;
  int results;  ///< how many values it returns
};

/// T tensor, I int, F float, B bool, S number, s string, D dtype, L layout, V device, M memory format,
/// G generator or another thing that no translation needs.
struct Parameter {
  std::string_view name;
  char kind = 'T';
  bool is_optional = false;     ///< may be None
  bool is_list = false;         ///< of `kind`
  bool holds_optional = false;  ///< a list whose elements may be None
  std::int64_t list_size = 0;   ///< a single int stands for so many; 0: it does not
  bool is_keyword_only = false;
  bool has_default = false;
  Item fallback;  ///< the default
};

struct Schema {
  std::string_view op, overload;
  std::vector<Parameter> parameters;
  int results = 1;
};

/// Whether the table has the operator.
[[nodiscard]] bool has_schemas(std::string_view op);
/// All overloads of an operator, in the table's order; none if it is not in the table.
[[nodiscard]] std::vector<Schema> find_schemas(std::string_view op);

/// Puts arguments in the order of the schema's parameters, with defaults for those not given; absent if they
/// do not fit it. `score` is how many arguments had to be converted (a bool or an int taken as a float, one
/// int for a list, a number for a tensor).
[[nodiscard]] std::optional<std::vector<Item>> bound_arguments(
    const Schema& schema, std::span<const Item> positional,
    std::span<const std::pair<std::string, Item>> named, int& score);

}  // namespace nb::torch
