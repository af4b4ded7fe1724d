#include "read/torch/script/lexer.h"

#include <array>

namespace nb::torch::script {
namespace {

constexpr std::size_t kMaxIndents = 100;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Longer signs before those that they begin with.
constexpr std::array<std::string_view, 44> kSigns = {
    "**=", "//=", "<<=", ">>=", "...", "->", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=",
    "-=",  "*=",  "/=",  "%=",  "&=",  "|=", "^=", ":=", "+",  "-",  "*",  "/",  "%",  "&",  "|",
    "^",   "~",   "<",   ">",   "(",   ")",  "[",  "]",  "{",  "}",  ",",  ":",  ".",  "="};

}  // namespace

Token Lexer::fault(std::string_view what) {
  has_ended_ = true;
  return {TokenKind::fault, line_, what};
}

void Lexer::skip_blanks() {
  while (at_ < code_.size()) {
    const char c = code_[at_];
    if (c == '#') {
      while (at_ < code_.size() && code_[at_] != '\n') ++at_;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
      ++at_;
    } else if (c == '\n' && brackets_ > 0) {
      ++line_;
      ++at_;
    } else if (c == '\\' && at_ + 1 < code_.size() && code_[at_ + 1] == '\n') {
      ++line_;
      at_ += 2;
    } else {
      return;
    }
  }
}

/// The indent of the next line that holds a word.
Token Lexer::begin_line() {
  std::size_t indent = 0;
  for (; at_ < code_.size(); ++at_) {
    const char c = code_[at_];
    if (c == '#') {
      while (at_ < code_.size() && code_[at_] != '\n') ++at_;
      if (at_ == code_.size()) break;
    }
    if (code_[at_] == '\n') {
      ++line_;
      indent = 0;
    } else if (c == ' ') {
      ++indent;
    } else if (c == '\t') {
      indent = (indent / 8 + 1) * 8;
    } else if (c != '\r' && c != '\f') {
      break;
    }
  }
  is_line_start_ = false;
  if (at_ == code_.size()) indent = 0;
  if (indent > indents_.back()) {
    if (indents_.size() == kMaxIndents) return fault("blocks are nested too deeply");
    indents_.push_back(indent);
    return {TokenKind::indent, line_, {}};
  }
  while (indent < indents_.back()) {
    indents_.pop_back();
    ++dedents_;
  }
  if (indent != indents_.back()) return fault("the indent is that of no block");
  return next();
}

Token Lexer::number() {
  const std::size_t begin = at_;
  bool is_real = false;
  if (code_[at_] == '0' && at_ + 1 < code_.size() && (code_[at_ + 1] == 'x' || code_[at_ + 1] == 'X')) {
    at_ += 2;
    while (at_ < code_.size() && (is_digit(code_[at_]) || is_letter(code_[at_]))) ++at_;
    return make(TokenKind::integer, begin);
  }
  const auto digits = [&] {
    while (at_ < code_.size() && is_digit(code_[at_])) ++at_;
  };
  digits();
  if (at_ < code_.size() && code_[at_] == '.') {
    is_real = true;
    ++at_;
    digits();
  }
  if (at_ < code_.size() && (code_[at_] == 'e' || code_[at_] == 'E')) {
    is_real = true;
    ++at_;
    if (at_ < code_.size() && (code_[at_] == '+' || code_[at_] == '-')) ++at_;
    digits();
  }
  if (at_ < code_.size() && code_[at_] == 'j') return fault("complex numbers are not supported");
  return make(is_real ? TokenKind::real : TokenKind::integer, begin);
}

Token Lexer::quoted() {
  const std::size_t begin = at_;
  const char quote = code_[at_++];
  while (at_ < code_.size() && code_[at_] != quote) {
    if (code_[at_] == '\n') return fault("a text does not end on its line");
    at_ += code_[at_] == '\\' ? 2 : 1;
  }
  if (at_ >= code_.size()) return fault("a text does not end");
  ++at_;
  return make(TokenKind::text, begin);
}

Token Lexer::sign() {
  for (const std::string_view sign : kSigns)
    if (code_.substr(at_).starts_with(sign)) {
      const std::size_t begin = at_;
      at_ += sign.size();
      const char c = sign[0];
      if (c == '(' || c == '[' || c == '{') ++brackets_;
      if ((c == ')' || c == ']' || c == '}') && --brackets_ < 0)
        return fault("a bracket closes that none opened");
      return make(TokenKind::sign, begin);
    }
  return fault("a character has no meaning here");
}

Token Lexer::next() {
  if (has_ended_) return {TokenKind::end, line_, {}};
  if (dedents_ > 0) {
    --dedents_;
    return {TokenKind::dedent, line_, {}};
  }
  if (is_line_start_) return begin_line();
  skip_blanks();
  if (at_ >= code_.size()) {
    if (brackets_ > 0) return fault("the code ends within brackets");
    dedents_ = static_cast<int>(indents_.size()) - 1;
    indents_.resize(1);
    has_ended_ = dedents_ == 0;
    if (dedents_ == 0) return {TokenKind::end, line_, {}};
    is_line_start_ = true;
    return {TokenKind::newline, line_, {}};
  }
  const char c = code_[at_];
  if (c == '\n') {
    const std::uint32_t line = line_;
    ++line_;
    ++at_;
    is_line_start_ = true;
    return {TokenKind::newline, line, {}};
  }
  if (is_letter(c)) {
    const std::size_t begin = at_;
    while (at_ < code_.size() && (is_letter(code_[at_]) || is_digit(code_[at_]))) ++at_;
    return make(TokenKind::name, begin);
  }
  if (is_digit(c) || (c == '.' && at_ + 1 < code_.size() && is_digit(code_[at_ + 1]))) return number();
  if (c == '"' || c == '\'') return quoted();
  return sign();
}

std::string unquoted(std::string_view literal) {
  std::string out;
  const std::string_view text = literal.substr(1, literal.size() - 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    constexpr std::string_view kFrom = "abfnrtv", kTo = "\a\b\f\n\r\t\v";
    if (const std::size_t at = kFrom.find(c); at != std::string_view::npos) {
      out += kTo[at];
    } else if (c >= '0' && c <= '7') {
      int value = 0;
      std::size_t digits = 0;
      for (; digits < 3 && i + digits < text.size() && text[i + digits] >= '0' && text[i + digits] <= '7';
           ++digits)
        value = value * 8 + (text[i + digits] - '0');
      i += digits - 1;
      out += static_cast<char>(value);
    } else if (c == 'x') {
      int value = 0;
      std::size_t digits = 0;
      for (; digits < 2 && i + 1 + digits < text.size(); ++digits) {
        const char d = text[i + 1 + digits];
        const int nibble = is_digit(d)            ? d - '0'
                           : d >= 'a' && d <= 'f' ? d - 'a' + 10
                           : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                                  : -1;
        if (nibble < 0) break;
        value = value * 16 + nibble;
      }
      i += digits;
      out += static_cast<char>(value);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace nb::torch::script
