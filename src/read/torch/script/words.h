// What the parser of TorchScript's code stands on: the words one by one, and the nodes of the tree.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "read/torch/script/lexer.h"
#include "read/torch/script/syntax.h"

namespace nb::torch::script {

/// Thrown at the first word that does not fit; caught by parse_source.
struct Misfit {};

/// One file's words, and where its nodes go.
class Words {
 public:
  Words(std::string_view code, SourceFile& file, std::size_t& nodes_left, SyntaxFault& fault)
      : lexer_(code), file_(file), nodes_left_(nodes_left), fault_(fault) {
    advance();
  }

 protected:
  static constexpr int kMaxDepth = 400;

  [[noreturn]] void fail(std::string message) {
    fault_.line = token_.line;
    fault_.message = std::move(message);
    throw Misfit{};
  }
  [[noreturn]] void expected(std::string_view what) {
    std::string found = "`" + printable(token_.text, 40) + "`";
    if (token_.kind == TokenKind::newline) found = "the end of the line";
    if (token_.kind == TokenKind::indent || token_.kind == TokenKind::dedent) found = "another indent";
    if (token_.kind == TokenKind::end) found = "the end of the code";
    fail("expected " + std::string(what) + ", found " + found);
  }

  void advance() {
    token_ = lexer_.next();
    if (token_.kind == TokenKind::fault) fail(std::string(token_.text));
  }
  [[nodiscard]] bool is_sign(std::string_view text) const {
    return token_.kind == TokenKind::sign && token_.text == text;
  }
  [[nodiscard]] bool is_name(std::string_view text) const {
    return token_.kind == TokenKind::name && token_.text == text;
  }
  bool accept_sign(std::string_view text) {
    const bool is_there = is_sign(text);
    if (is_there) advance();
    return is_there;
  }
  bool accept_name(std::string_view text) {
    const bool is_there = is_name(text);
    if (is_there) advance();
    return is_there;
  }
  void expect_sign(std::string_view text) {
    if (!accept_sign(text)) expected("`" + std::string(text) + "`");
  }
  std::string_view expect_name() {
    if (token_.kind != TokenKind::name) expected("a name");
    const std::string_view text = token_.text;
    advance();
    return text;
  }
  void skip_newline() {
    if (token_.kind == TokenKind::end) return;
    if (token_.kind != TokenKind::newline) expected("the end of the line");
    advance();
  }

  /// Counts how deep the grammar's rules are nested.
  class Deeper {
   public:
    explicit Deeper(Words& words) : words_(words) {
      if (++words_.depth_ > kMaxDepth) words_.fail("expressions or blocks are nested too deeply");
    }
    ~Deeper() { --words_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Words& words_;
  };

  void count_node() {
    if (nodes_left_ == 0) fail("the program is too large");
    --nodes_left_;
  }
  template <class T>
  T* make(T value) {
    count_node();
    return new (file_.memory.allocate(sizeof(T), alignof(T))) T(std::move(value));
  }
  template <class T>
  std::span<const T* const> keep(const std::vector<const T*>& items) {
    if (items.empty()) return {};
    auto** kept = static_cast<const T**>(file_.memory.allocate(items.size() * sizeof(T*), alignof(T*)));
    std::copy(items.begin(), items.end(), kept);
    return {kept, items.size()};
  }
  const Expr* make_expr(ExprKind kind, const std::vector<const Expr*>& items, std::string_view text = {}) {
    Expr expr;
    expr.kind = kind;
    expr.line = token_.line;
    expr.text = text;
    expr.items = keep(items);
    return make(expr);
  }
  const Expr* make_call(std::string_view function, const std::vector<const Expr*>& arguments) {
    std::vector<const Expr*> items = {make_expr(ExprKind::name, {}, function)};
    items.insert(items.end(), arguments.begin(), arguments.end());
    return make_expr(ExprKind::call, items);
  }

  Lexer lexer_;
  SourceFile& file_;
  std::size_t& nodes_left_;
  SyntaxFault& fault_;
  Token token_;
  int depth_ = 0;
};

}  // namespace nb::torch::script
