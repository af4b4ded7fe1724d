// The syntax of TorchScript's code: the part of Python in which torch.jit.save writes programs.
#pragma once
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nb::torch::script {

enum class ExprKind : std::uint8_t {
  none,
  boolean,  ///< integer: 0 or 1
  integer,
  real,
  text,
  name,
  attribute,  ///< items[0] . text
  subscript,  ///< items[0] [ items[1] ]
  slice,      ///< in a subscript: items begin, end, step; null for those left out
  call,       ///< items[0] ( items[1] ... ), keyword arguments last
  keyword,    ///< in a call: text = items[0]
  tuple,
  list,
  dict,         ///< items: key, value, key, value, ...
  both,         ///< items[0] and items[1]
  either,       ///< items[0] or items[1]
  conditional,  ///< items[0] if items[1] else items[2]
};

/// One expression. Texts of names lie in the code, those of literals with escapes beside the tree.
struct Expr {
  ExprKind kind = ExprKind::none;
  std::uint32_t line = 0;
  std::string_view text = {};
  union {
    std::int64_t integer = 0;
    double real;
  };
  std::span<const Expr* const> items = {};
};

enum class StmtKind : std::uint8_t {
  expression,  ///< value
  assign,      ///< target = value; a tuple target takes its parts
  branch,      ///< if value: body else: other
  repeat,      ///< for target in value: body
  loop,        ///< while value: body
  give,        ///< return value (null: None)
  raise,       ///< raise value
  check,       ///< assert value, target (the message, may be null)
  scope,       ///< with value: body
  pass,
  leave,  ///< break
  next,   ///< continue
};

struct Stmt {
  StmtKind kind = StmtKind::pass;
  std::uint32_t line = 0;
  const Expr* target = nullptr;
  const Expr* value = nullptr;
  std::span<const Stmt*const> body = {}, other = {};
};

struct Parameter {
  std::string_view name;
  const Expr* type = nullptr;      ///< null if not given
  const Expr* fallback = nullptr;  ///< null if it must be given
};

struct Function {
  std::string_view name;
  std::string_view file;  ///< of the code, for messages
  std::uint32_t line = 0;
  std::vector<Parameter> parameters;
  std::span<const Stmt* const> body = {};
};

struct ClassAttribute {
  std::string_view name;
  const Expr* type = nullptr;
  const Expr* value = nullptr;  ///< of constants, `x : Final[int] = 3`; else null
};

struct Class {
  std::string_view name;
  std::string qualified;                   ///< "__torch__.a.Net"
  std::string_view base;                   ///< "Module", "NamedTuple", "Enum", or empty
  std::vector<ClassAttribute> attributes;  ///< in the order of the code
  std::unordered_map<std::string_view, Function> methods;
};

/// One file of code, and what its expressions stand on. Its text must outlive it.
struct SourceFile {
  std::string name;  ///< "__torch__/a.py"
  std::unordered_map<std::string_view, Class> classes;
  std::unordered_map<std::string_view, Function> functions;
  std::pmr::monotonic_buffer_resource memory;
  std::deque<std::string> texts;  ///< literals that had escapes
};

/// Why code was not parsed: the first line that does not follow the grammar.
struct SyntaxFault {
  std::uint32_t line = 0;
  std::string message;  ///< "expected `:`, found `x`"
};

/// Parses `code` into `file`, whose name is given. `nodes_left` bounds the nodes of all files together and is
/// less by those made. Depth is bounded. Whether all went well.
[[nodiscard]] bool parse_source(std::string_view code, SourceFile& file, std::size_t& nodes_left,
                                SyntaxFault& fault);

}  // namespace nb::torch::script
