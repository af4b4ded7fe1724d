// Words of TorchScript's code: names, numbers, texts, signs, and the ends and indents of lines.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nb::torch::script {

enum class TokenKind : std::uint8_t { name, integer, real, text, sign, newline, indent, dedent, end, fault };

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t line = 0;
  std::string_view text = {};  ///< as it stands in the code; of a fault what is wrong
};

/// Gives the words of a text one by one. Lines go on within brackets.
class Lexer {
 public:
  explicit Lexer(std::string_view code) : code_(code) {}
  /// The next word; `end` for ever after the last one, and after a fault.
  Token next();

 private:
  Token make(TokenKind kind, std::size_t begin) const {
    return {kind, line_, code_.substr(begin, at_ - begin)};
  }
  Token fault(std::string_view what);
  Token begin_line();
  Token number();
  Token quoted();
  Token sign();
  void skip_blanks();

  std::string_view code_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  int brackets_ = 0;
  int dedents_ = 0;  ///< to be given
  bool is_line_start_ = true, has_ended_ = false;
  std::vector<std::size_t> indents_ = {0};
};

/// The text that a quoted literal stands for; `literal` is as it stands in the code, with its quotes.
[[nodiscard]] std::string unquoted(std::string_view literal);

}  // namespace nb::torch::script
