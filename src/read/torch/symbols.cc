#include "read/torch/symbols.h"

#include <optional>
#include <vector>

#include "base/text.h"

namespace nb::torch {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxCharacters = 4096;

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// One expression: a call of what it is with its operands.
class Expression {
 public:
  explicit Expression(std::string_view text) : text_(text) {}

  std::optional<std::string> read() {
    const auto plain = term(0);
    return plain && at_ == text_.size() ? plain : std::nullopt;
  }

 private:
  bool take(char c) {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view word() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    const std::size_t from = at_;
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }

  /// 'NAME', assumption=True, ...)
  std::optional<std::string> symbol() {
    if (!take('\'')) return std::nullopt;
    std::string name(word());
    if (name.empty() || !take('\'')) return std::nullopt;
    while (take(','))
      if (word().empty() || !take('=') || word().empty()) return std::nullopt;
    if (!take(')')) return std::nullopt;
    return name;
  }

  std::optional<std::string> term(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    const std::string_view kind = word();
    if (kind.empty() || !take('(')) return kind.empty() ? std::nullopt : std::optional(std::string(kind));
    if (kind == "Symbol") return symbol();
    std::vector<std::string> operands;
    while (!take(')')) {
      if (!operands.empty() && !take(',')) return std::nullopt;
      auto operand = term(depth + 1);
      if (!operand) return std::nullopt;
      operands.push_back(*std::move(operand));
    }
    if (kind == "Integer" && operands.size() == 1) return operands[0];
    const bool is_product = kind == "Mul", is_power = kind == "Pow";
    if (kind != "Add" && !is_product && !is_power)
      return std::string(kind) + "(" + join(operands, ", ") + ")";
    if (operands.size() < 2) return std::nullopt;
    std::string plain;
    for (const std::string& operand : operands) {
      const bool is_sum = operand.find(" + ") != std::string::npos;
      plain += plain.empty() ? "" : is_product ? "*" : is_power ? "**" : " + ";
      plain += is_sum && kind != "Add" ? "(" + operand + ")" : operand;
    }
    return plain;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string plain_expression(std::string_view text) {
  if (text.size() > kMaxCharacters) return std::string(text);
  return Expression(text).read().value_or(std::string(text));
}

}  // namespace nb::torch
