// Einsum: diagonals and sums of each operand, then one matrix product a further operand.
#include "read/einsum.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "read/compose.h"

namespace nb::read {
namespace {

/// An operand with a letter an axis, all different. Axes of an ellipsis are '0', '1', ... from its end.
struct Term {
  ValueId id;
  std::string letters;
};

struct Equation {
  std::vector<std::string> operands;
  std::string result;
};

std::int64_t axis_of(const Term& term, char letter) {
  return static_cast<std::int64_t>(term.letters.find(letter));
}
bool has(const std::string& letters, char letter) { return letters.find(letter) != std::string::npos; }

/// "ab...c" for a tensor of `rank` axes; -1: as many ellipsis axes as `ellipsis`.
std::string expanded(Translation& l, std::string_view text, std::int64_t rank, std::int64_t& ellipsis) {
  std::string letters;
  bool has_ellipsis = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::isalpha(static_cast<unsigned char>(text[i])) != 0) {
      letters += text[i];
    } else if (text.substr(i, 3) == "..." && !has_ellipsis) {
      has_ellipsis = true;
      letters += '.';
      i += 2;
    } else {
      l.invalid("its equation has `" + printable(text.substr(i, 1)) + "` in a term");
    }
  }
  const auto named = static_cast<std::int64_t>(letters.size()) - (has_ellipsis ? 1 : 0);
  const std::int64_t hidden = rank < 0 ? ellipsis : rank - named;
  if (hidden < 0 || (rank >= 0 && hidden > 0 && !has_ellipsis) || hidden > 9)
    l.refuse(Kind::shape_mismatch,
             "the term `" + printable(text) + "` does not name the axes of its operand");
  if (!has_ellipsis) return letters;
  ellipsis = std::max(ellipsis, hidden);
  std::string axes;
  for (std::int64_t i = hidden; i-- > 0;) axes += static_cast<char>('0' + i);
  return letters.replace(letters.find('.'), 1, axes);
}

Equation parse(Translation& l, std::string text, const std::vector<ValueId>& inputs) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const std::size_t arrow = text.find("->");
  const auto terms = split(std::string_view(text).substr(0, arrow), ',');
  if (terms.size() != inputs.size()) l.invalid("its equation does not have one term an operand");
  Equation e;
  std::int64_t ellipsis = 0;
  std::map<char, int> uses;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    e.operands.push_back(expanded(l, terms[i], l.rank(inputs[i]), ellipsis));
    for (const char letter : e.operands.back()) ++uses[letter];
  }
  if (arrow != std::string::npos) {
    e.result = expanded(l, std::string_view(text).substr(arrow + 2), -1, ellipsis);
    for (const char letter : e.result)
      if (uses[letter] == 0 || std::count(e.result.begin(), e.result.end(), letter) != 1)
        l.invalid("the result of its equation repeats a letter or has one of its own");
    return e;
  }
  // Without an arrow: the ellipsis, then the letters that stand once, in the order of the alphabet.
  for (std::int64_t i = ellipsis; i-- > 0;) e.result += static_cast<char>('0' + i);
  for (const auto& [letter, count] : uses)
    if (count == 1 && std::isalpha(static_cast<unsigned char>(letter)) != 0) e.result += letter;
  return e;
}

/// The term with its axes in the order of `letters`, which are the same.
Term ordered(Translation& l, const Term& term, const std::string& letters) {
  Ints perm;
  for (const char letter : letters) perm.push_back(axis_of(term, letter));
  return {transpose(l, term.id, perm), letters};
}

/// Repeated letters become their diagonal.
Term with_diagonals(Translation& l, Term term) {
  for (std::size_t i = 0; i < term.letters.size(); ++i) {
    const std::size_t j = term.letters.find(term.letters[i], i + 1);
    if (j == std::string::npos) continue;
    const Shape s = l.shape(term.id);
    if (s[i] != s[j])
      l.refuse(Kind::shape_mismatch, "axes that share a letter are " + std::to_string(s[i]) + " and " +
                                         std::to_string(s[j]) + " long");
    Ints perm = {static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)};
    Shape rest;
    std::string letters(1, term.letters[i]);
    for (std::size_t k = 0; k < s.size(); ++k) {
      if (k == i || k == j) continue;
      perm.push_back(static_cast<std::int64_t>(k));
      rest.push_back(s[k]);
      letters += term.letters[k];
    }
    Shape flat = {s[i] * s[i]}, shape = {s[i]};
    flat.insert(flat.end(), rest.begin(), rest.end());
    const ValueId rows = reshape(l, transpose(l, term.id, perm), flat);
    term = {slice_axis(l, rows, 0, 0, s[i], s[i] + 1), letters};
    i = SIZE_MAX;  // begins anew: the axes moved
  }
  return term;
}

/// Sums over the letters that are not in `kept`.
Term summed(Translation& l, const Term& term, const std::string& kept) {
  Ints axes;
  std::string letters;
  for (std::size_t i = 0; i < term.letters.size(); ++i)
    if (has(kept, term.letters[i]))
      letters += term.letters[i];
    else
      axes.push_back(static_cast<std::int64_t>(i));
  return axes.empty() ? term : Term{reduce(l, "reduce_sum", term.id, axes, false), letters};
}

/// An axis of 1 that meets a longer one (only an ellipsis may) is repeated.
void broadcast_letters(Translation& l, Term& a, Term& b, const std::string& letters) {
  const auto widened = [&](Term& term, std::int64_t axis, std::int64_t size) {
    Shape shape = l.shape(term.id);
    shape[static_cast<std::size_t>(axis)] = size;
    term.id = expand(l, term.id, shape);
  };
  for (const char letter : letters) {
    const std::int64_t i = axis_of(a, letter), j = axis_of(b, letter), m = l.dim(a.id, i), n = l.dim(b.id, j);
    if (m == n) continue;
    if (m != 1 && n != 1)
      l.refuse(Kind::shape_mismatch,
               "axes that share a letter are " + std::to_string(m) + " and " + std::to_string(n) + " long");
    if (m == 1)
      widened(a, i, n);
    else
      widened(b, j, m);
  }
}

/// The product of two terms, summed over the letters that are not in `kept`.
Term product_of(Translation& l, Term a, Term b, const std::string& kept) {
  std::string batch, inner, left, right;
  for (const char letter : a.letters)
    (!has(b.letters, letter) ? left : has(kept, letter) ? batch : inner) += letter;
  for (const char letter : b.letters)
    if (!has(a.letters, letter)) right += letter;
  broadcast_letters(l, a, b, batch + inner);
  a = ordered(l, a, batch + left + inner);
  b = ordered(l, b, batch + inner + right);
  const Shape as = l.shape(a.id), bs = l.shape(b.id);
  const auto at = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  const std::int64_t n_batch = product(as, 0, at(batch.size())),
                     n_left = product(as, at(batch.size()), at(batch.size() + left.size())),
                     n_inner = product(as, at(batch.size() + left.size()), at(as.size())),
                     n_right = product(bs, at(batch.size() + inner.size()), at(bs.size()));
  const ValueId y =
      matmul(l, reshape(l, a.id, {n_batch, n_left, n_inner}), reshape(l, b.id, {n_batch, n_inner, n_right}));
  Shape shape(as.begin(), as.begin() + at(batch.size() + left.size()));
  shape.insert(shape.end(), bs.begin() + at(batch.size() + inner.size()), bs.end());
  return {reshape(l, y, shape), batch + left + right};
}

}  // namespace

ValueId einsum(Translation& l, const std::string& equation, const std::vector<ValueId>& inputs) {
  if (inputs.empty()) l.invalid("it has no operands");
  const Equation e = parse(l, equation, inputs);
  const auto needed_after = [&](std::size_t i) {
    std::string letters = e.result;
    for (std::size_t k = i + 1; k < e.operands.size(); ++k) letters += e.operands[k];
    return letters;
  };
  Term term;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string earlier = i == 0 ? "" : term.letters;
    const Term next = summed(l, with_diagonals(l, {inputs[i], e.operands[i]}), needed_after(i) + earlier);
    term = i == 0 ? next : product_of(l, term, next, needed_after(i));
  }
  // What an earlier operand kept for a later one's sake alone is summed by now.
  term = summed(l, term, e.result);
  return ordered(l, term, e.result).id;
}

}  // namespace nb::read
