// Parses TorchScript's code by recursive descent.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/text.h"
#include "read/torch/script/words.h"

namespace nb::torch::script {
namespace {

struct BinarySign {
  std::string_view sign, function;
  int strength;
};
// Comparisons bind least, powers most.
constexpr std::array<BinarySign, 20> kBinarySigns = {{
    {"<", "torch.lt", 1},          {">", "torch.gt", 1},
    {"<=", "torch.le", 1},         {">=", "torch.ge", 1},
    {"==", "torch.eq", 1},         {"!=", "torch.ne", 1},
    {"is", "torch.__is__", 1},     {"in", "torch.__contains__", 1},
    {"|", "torch.__or__", 2},      {"^", "torch.__xor__", 3},
    {"&", "torch.__and__", 4},     {"<<", "torch.__lshift__", 5},
    {">>", "torch.__rshift__", 5}, {"+", "torch.add", 6},
    {"-", "torch.sub", 6},         {"*", "torch.mul", 7},
    {"/", "torch.div", 7},         {"//", "torch.floordiv", 7},
    {"%", "torch.remainder", 7},   {"**", "torch.pow", 9},
}};
constexpr int kUnaryStrength = 8;

class Parser : Words {
 public:
  using Words::Words;

  void parse_file() {
    while (token_.kind != TokenKind::end) {
      if (is_name("class")) {
        parse_class();
      } else if (is_name("def")) {
        Function function = parse_function();
        file_.functions.insert_or_assign(function.name, std::move(function));
      } else if (is_name("import") || is_name("from")) {
        while (token_.kind != TokenKind::newline && token_.kind != TokenKind::end) advance();
        skip_newline();
      } else {
        parse_statement();
      }
    }
  }

 private:
  // Expressions.
  const Expr* parse_expression() {
    const Deeper deeper(*this);
    const Expr* value = parse_either();
    if (!accept_name("if")) return value;
    const Expr* condition = parse_either();
    if (!accept_name("else")) expected("`else`");
    return make_expr(ExprKind::conditional, {value, condition, parse_expression()});
  }

  const Expr* parse_either() {
    const Expr* left = parse_both();
    while (accept_name("or")) left = make_expr(ExprKind::either, {left, parse_both()});
    return left;
  }
  const Expr* parse_both() {
    const Expr* left = parse_negation();
    while (accept_name("and")) left = make_expr(ExprKind::both, {left, parse_negation()});
    return left;
  }
  const Expr* parse_negation() {
    const Deeper deeper(*this);
    return accept_name("not") ? make_call("torch.__not__", {parse_negation()}) : parse_binary(1);
  }

  [[nodiscard]] const BinarySign* binary_sign() const {
    if (token_.kind == TokenKind::sign || token_.kind == TokenKind::name)
      for (const BinarySign& row : kBinarySigns)
        if (row.sign == token_.text) return &row;
    return nullptr;
  }

  const Expr* parse_binary(int strength) {
    const Deeper deeper(*this);
    const Expr* left = parse_unary();
    for (;;) {
      bool is_negated = false;
      if (is_name("not") && strength <= 1) {  // `x not in y`
        advance();
        if (!is_name("in")) expected("`in`");
        is_negated = true;
      }
      const BinarySign* row = binary_sign();
      if (row == nullptr || row->strength < strength) return left;
      advance();
      std::string_view function = row->function;
      if (row->sign == "is" && accept_name("not")) function = "torch.__isnot__";
      // Powers group from the right, all else from the left.
      const Expr* right = parse_binary(row->sign == "**" ? row->strength : row->strength + 1);
      left = row->sign == "in" ? make_call(function, {right, left}) : make_call(function, {left, right});
      if (is_negated) left = make_call("torch.__not__", {left});
    }
  }

  const Expr* parse_unary() {
    const Deeper deeper(*this);
    if (accept_sign("-")) {
      if (token_.kind == TokenKind::integer || token_.kind == TokenKind::real) {
        const Expr* value = parse_postfix(true);
        if (is_sign("**")) fail("a power of a negative number stands without brackets");
        return value;
      }
      return make_call("torch.neg", {parse_binary(kUnaryStrength)});
    }
    if (accept_sign("+")) return parse_unary();
    if (accept_sign("~")) return make_call("torch.bitwise_not", {parse_binary(kUnaryStrength)});
    return parse_postfix(false);
  }

  const Expr* parse_postfix(bool is_negative) {
    const Expr* value = parse_atom(is_negative);
    for (;;) {
      if (accept_sign(".")) {
        value = make_expr(ExprKind::attribute, {value}, expect_name());
      } else if (accept_sign("(")) {
        std::vector<const Expr*> items = {value};
        parse_arguments(items);
        value = make_expr(ExprKind::call, items);
      } else if (accept_sign("[")) {
        const Expr* index = parse_index();
        expect_sign("]");
        value = make_expr(ExprKind::subscript, {value, index});
      } else {
        return value;
      }
    }
  }

  void parse_arguments(std::vector<const Expr*>& items) {
    bool has_keywords = false;
    while (!accept_sign(")")) {
      const Expr* value = parse_expression();
      if (value->kind == ExprKind::name && accept_sign("=")) {
        has_keywords = true;
        value = make_expr(ExprKind::keyword, {parse_expression()}, value->text);
      } else if (has_keywords) {
        expected("an argument by its name");
      }
      items.push_back(value);
      if (!is_sign(")")) expect_sign(",");
    }
  }

  const Expr* parse_index() {
    std::vector<const Expr*> parts = {nullptr};
    if (!is_sign(":")) parts[0] = parse_tuple("]");
    if (!is_sign(":")) return parts[0];
    while (accept_sign(":")) {
      parts.push_back(nullptr);
      if (!is_sign(":") && !is_sign("]")) parts.back() = parse_expression();
    }
    if (parts.size() > 3) fail("a slice has at most three parts");
    parts.resize(3, nullptr);
    return make_expr(ExprKind::slice, parts);
  }

  const Expr* number(bool is_negative) {
    const std::string_view text = token_.text;
    Expr expr;
    expr.line = token_.line;
    if (token_.kind == TokenKind::integer) {
      expr.kind = ExprKind::integer;
      const bool is_hex = text.size() > 2 && text[1] != '_' && (text[1] == 'x' || text[1] == 'X');
      const char* begin = text.data() + (is_hex ? 2 : 0);
      std::uint64_t value = 0;
      const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value, is_hex ? 16 : 10);
      const std::uint64_t most =
          std::uint64_t{std::numeric_limits<std::int64_t>::max()} + (is_negative ? 1 : 0);
      if (error != std::errc() || end != text.data() + text.size() || value > most)
        expected("an integer of 64 bits");
      expr.integer = static_cast<std::int64_t>(is_negative ? 0 - value : value);
    } else {
      expr.kind = ExprKind::real;
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      // Out of range: from_chars leaves the value, Python takes infinity or zero; neither occurs in a model.
      if (error != std::errc() || end != text.data() + text.size()) expected("a number");
      expr.real = is_negative ? -value : value;
    }
    advance();
    return make(expr);
  }

  const Expr* parse_text() {
    std::string_view text = token_.text.substr(1, token_.text.size() - 2);
    if (token_.text.find('\\') != std::string_view::npos) {
      count_node();
      text = file_.texts.emplace_back(unquoted(token_.text));
    }
    advance();
    if (token_.kind == TokenKind::text) {  // one after the other: one text
      const Deeper deeper(*this);
      count_node();
      text = file_.texts.emplace_back(std::string(text) + std::string(parse_text()->text));
    }
    return make_expr(ExprKind::text, {}, text);
  }

  const Expr* parse_atom(bool is_negative) {
    switch (token_.kind) {
      case TokenKind::integer:
      case TokenKind::real:
        return number(is_negative);
      case TokenKind::text:
        return parse_text();
      case TokenKind::name:
        return parse_name();
      default:
        break;
    }
    if (accept_sign("(")) {
      const Expr* value = is_sign(")") ? make_expr(ExprKind::tuple, {}) : parse_tuple(")");
      expect_sign(")");
      return value;
    }
    if (accept_sign("[")) {
      const Expr* value = make_expr(ExprKind::list, parse_items("]"));
      expect_sign("]");
      return value;
    }
    if (accept_sign("{")) {
      std::vector<const Expr*> items;
      while (!is_sign("}")) {
        items.push_back(parse_expression());
        expect_sign(":");
        items.push_back(parse_expression());
        if (!is_sign("}")) expect_sign(",");
      }
      expect_sign("}");
      return make_expr(ExprKind::dict, items);
    }
    if (accept_sign("...")) return make_expr(ExprKind::text, {}, "...");
    expected("an expression");
  }

  const Expr* parse_name() {
    const std::string_view text = token_.text;
    for (const std::string_view word :
         {"lambda", "yield", "await", "def", "class", "if", "else", "for", "while", "return", "in", "is"})
      if (text == word) expected("an expression");
    advance();
    if (text == "None") return make_expr(ExprKind::none, {});
    if (text == "True" || text == "False") {
      Expr expr;
      expr.kind = ExprKind::boolean;
      expr.line = token_.line;
      expr.integer = text == "True" ? 1 : 0;
      return make(expr);
    }
    return make_expr(ExprKind::name, {}, text);
  }

  std::vector<const Expr*> parse_items(std::string_view close) {
    std::vector<const Expr*> items;
    while (!is_sign(close)) {
      items.push_back(parse_expression());
      if (!is_sign(close)) expect_sign(",");
    }
    return items;
  }

  /// One expression, or several as a tuple; up to `close`, `=` or the end of the line.
  const Expr* parse_tuple(std::string_view close) {
    const Expr* first = parse_expression();
    if (!is_sign(",")) return first;
    std::vector<const Expr*> items = {first};
    while (accept_sign(",")) {
      if (is_sign(close) || is_sign("=") || token_.kind == TokenKind::newline ||
          token_.kind == TokenKind::end || is_name("in"))
        break;
      items.push_back(parse_expression());
    }
    return make_expr(ExprKind::tuple, items);
  }

  // Statements.
  std::span<const Stmt* const> parse_block() {
    expect_sign(":");
    const Deeper deeper(*this);
    std::vector<const Stmt*> body;
    if (token_.kind != TokenKind::newline) {
      body.push_back(parse_statement());
      return keep(body);
    }
    advance();
    if (token_.kind != TokenKind::indent) expected("an indented block");
    advance();
    while (token_.kind != TokenKind::dedent && token_.kind != TokenKind::end)
      body.push_back(parse_statement());
    if (token_.kind == TokenKind::dedent) advance();
    return keep(body);
  }

  const Stmt* parse_statement() {
    Stmt stmt;
    stmt.line = token_.line;
    if (token_.kind != TokenKind::name || !parse_worded(stmt)) {
      parse_plain(stmt);
      skip_newline();
    }
    return make(stmt);
  }

  /// A statement that begins with a word of its own; whether it is one.
  bool parse_worded(Stmt& stmt) {
    if (is_name("if") || is_name("elif")) {
      advance();
      stmt.kind = StmtKind::branch;
      stmt.value = parse_expression();
      stmt.body = parse_block();
      if (is_name("elif")) {
        const Deeper deeper(*this);
        stmt.other = keep(std::vector<const Stmt*>{parse_statement()});
      } else if (accept_name("else")) {
        stmt.other = parse_block();
      }
      return true;
    }
    if (accept_name("for")) {
      stmt.kind = StmtKind::repeat;
      stmt.target = parse_targets();
      if (!accept_name("in")) expected("`in`");
      stmt.value = parse_tuple(":");
      stmt.body = parse_block();
      return true;
    }
    if (is_name("while") || is_name("with")) {
      stmt.kind = is_name("while") ? StmtKind::loop : StmtKind::scope;
      advance();
      stmt.value = parse_expression();
      if (stmt.kind == StmtKind::scope && accept_name("as")) expect_name();
      stmt.body = parse_block();
      return true;
    }
    struct Word {
      std::string_view text;
      StmtKind kind;
    };
    for (const Word& word : {Word{"return", StmtKind::give}, Word{"pass", StmtKind::pass},
                             Word{"raise", StmtKind::raise}, Word{"assert", StmtKind::check},
                             Word{"break", StmtKind::leave}, Word{"continue", StmtKind::next}}) {
      if (!accept_name(word.text)) continue;
      stmt.kind = word.kind;
      const bool has_value = token_.kind != TokenKind::newline && token_.kind != TokenKind::end;
      if (has_value && word.kind == StmtKind::check) {
        stmt.value = parse_expression();
        if (accept_sign(",")) stmt.target = parse_expression();
      } else if (has_value && (word.kind == StmtKind::give || word.kind == StmtKind::raise)) {
        stmt.value = parse_tuple("");
      }
      skip_newline();
      return true;
    }
    return false;
  }

  /// What a `for` counts in: names only, since `in` ends them.
  const Expr* parse_targets() {
    std::vector<const Expr*> items = {make_expr(ExprKind::name, {}, expect_name())};
    bool is_tuple = false;
    while (accept_sign(",")) {
      is_tuple = true;
      if (is_name("in")) break;
      items.push_back(make_expr(ExprKind::name, {}, expect_name()));
    }
    return is_tuple ? make_expr(ExprKind::tuple, items) : items[0];
  }

  /// An expression, or an assignment.
  void parse_plain(Stmt& stmt) {
    const Expr* first = parse_tuple("");
    stmt.kind = StmtKind::expression;
    stmt.value = first;
    if (accept_sign(":")) parse_expression();  // a variable's type
    constexpr std::array<std::string_view, 9> kAugmented = {
        "+=", "-=", "*=", "/=", "//=", "%=", "&=", "|=", "^="};
    for (const std::string_view sign : kAugmented) {
      if (!accept_sign(sign)) continue;
      for (const BinarySign& row : kBinarySigns)
        if (row.sign == sign.substr(0, sign.size() - 1))
          stmt.value = make_call(row.function, {first, parse_tuple("")});
      stmt.kind = StmtKind::assign;
      stmt.target = first;
      return;
    }
    if (!accept_sign("=")) return;
    check_target(*first);
    stmt.kind = StmtKind::assign;
    stmt.target = first;
    stmt.value = parse_tuple("");
    if (is_sign("=")) expected("the end of the line");
  }

  void check_target(const Expr& target) {
    const auto is_place = [](const Expr* expr) {
      return expr->kind == ExprKind::name || expr->kind == ExprKind::attribute ||
             expr->kind == ExprKind::subscript;
    };
    const bool is_tuple = target.kind == ExprKind::tuple || target.kind == ExprKind::list;
    if (is_tuple ? !std::all_of(target.items.begin(), target.items.end(), is_place) : !is_place(&target))
      fail("nothing can be assigned to what stands before `=`");
  }

  Function parse_function() {
    accept_name("def");
    Function function;
    function.line = token_.line;
    function.file = file_.name;
    function.name = expect_name();
    expect_sign("(");
    while (!accept_sign(")")) {
      count_node();
      Parameter parameter;
      if (accept_sign("*")) {  // those that follow are given by name
        if (!is_sign(")")) expect_sign(",");
        continue;
      }
      parameter.name = expect_name();
      if (accept_sign(":")) parameter.type = parse_expression();
      if (accept_sign("=")) parameter.fallback = parse_expression();
      function.parameters.push_back(parameter);
      if (!is_sign(")")) expect_sign(",");
    }
    if (accept_sign("->")) parse_expression();
    function.body = parse_block();
    return function;
  }

  void parse_class() {
    accept_name("class");
    Class made;
    made.name = expect_name();
    if (accept_sign("(")) {
      if (!is_sign(")")) made.base = parse_expression()->text;
      expect_sign(")");
    }
    expect_sign(":");
    skip_newline();
    if (token_.kind != TokenKind::indent) expected("an indented block");
    advance();
    while (token_.kind != TokenKind::dedent && token_.kind != TokenKind::end) {
      if (is_name("def")) {
        Function method = parse_function();
        made.methods.insert_or_assign(method.name, std::move(method));
      } else if (is_name("pass")) {
        parse_statement();
      } else {
        parse_member(made);
      }
    }
    if (token_.kind == TokenKind::dedent) advance();
    std::string folder = file_.name;
    if (folder.ends_with(".py")) folder.resize(folder.size() - 3);
    std::replace(folder.begin(), folder.end(), '/', '.');
    made.qualified = folder + "." + std::string(made.name);
    file_.classes.insert_or_assign(made.name, std::move(made));
  }

  /// `x : T`, `x : Final[T] = value`, `__parameters__ = [...]`, `__annotations__["0"] = T`.
  void parse_member(Class& made) {
    count_node();
    ClassAttribute member;
    const Expr* first = parse_tuple("");
    if (accept_sign(":")) member.type = parse_expression();
    if (accept_sign("=")) {
      const Expr* value = parse_tuple("");
      if (first->kind == ExprKind::subscript && first->items[1]->kind == ExprKind::text) {
        member.name = first->items[1]->text;
        member.type = value;
      } else {
        member.value = value;
      }
    }
    if (first->kind == ExprKind::name) member.name = first->text;
    skip_newline();
    if (!member.name.empty()) made.attributes.push_back(member);
  }
};

}  // namespace

bool parse_source(std::string_view code, SourceFile& file, std::size_t& nodes_left, SyntaxFault& fault) {
  try {
    Parser(code, file, nodes_left, fault).parse_file();
    return true;
  } catch (const Misfit&) {
    return false;
  }
}

}  // namespace nb::torch::script
