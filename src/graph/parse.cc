// Graph text back to a graph. One line is one statement; the grammar is in docs/graph-text.md.
#include <charconv>

#include "graph/graph.h"

namespace nb {
namespace {

/// A cursor over one line.
class Line {
 public:
  explicit Line(std::string_view text) : begin_(text.data()), rest_(trim(text)) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  /// Where the cursor stands, counted in bytes from 1.
  [[nodiscard]] std::size_t column() const { return static_cast<std::size_t>(rest_.data() - begin_) + 1; }

  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_ = trim(rest_.substr(word.size()));
    return true;
  }
  /// Letters, digits, '_', '.', '-', '+'.
  std::string_view word() {
    std::size_t n = 0;
    while (n < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[n])) != 0 ||
                                std::string_view("_.-+").find(rest_[n]) != std::string_view::npos))
      ++n;
    const std::string_view found = rest_.substr(0, n);
    rest_ = trim(rest_.substr(n));
    return found;
  }
  template <class T>
  bool number(T& value) {
    return parse_attribute_number(word(), value);
  }
  bool string(std::string& value) {
    if (!rest_.starts_with('"')) return false;
    std::size_t n = 1;
    while (n < rest_.size() && rest_[n] != '"') n += rest_[n] == '\\' ? 2 : 1;
    if (n >= rest_.size() || !parse_attribute(rest_.substr(0, n + 1), value)) return false;
    rest_ = trim(rest_.substr(n + 1));
    return true;
  }
  /// An attribute's value: a string, a [list], or a word.
  std::string_view attribute() {
    if (rest_.starts_with('"')) {
      const char* begin = rest_.data();
      std::string ignored;
      if (!string(ignored)) return {};
      std::string_view taken(begin, static_cast<std::size_t>(rest_.data() - begin));
      return trim(taken);
    }
    if (!rest_.starts_with('[')) return word();
    const std::size_t end = rest_.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view found = rest_.substr(0, end + 1);
    rest_ = trim(rest_.substr(end + 1));
    return found;
  }

 private:
  template <class T>
  static bool parse_attribute_number(std::string_view text, T& value) {
    if (text.empty()) return false;
    if constexpr (std::is_same_v<T, float>)
      return parse_attribute(text, value);
    else {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      return error == std::errc() && end == text.data() + text.size();
    }
  }
  const char* begin_;
  std::string_view rest_;
};

template <class T>
bool take_list(Line& line, std::vector<T>& values) {
  if (!line.take("[")) return false;
  while (!line.take("]")) {
    T value{};
    if (!line.number(value)) return false;
    values.push_back(value);
    line.take(",");
  }
  return true;
}

std::optional<Type> take_type(Line& line) {
  Type type;
  const auto dtype = find_dtype(line.word());
  if (!dtype || !take_list(line, type.shape)) return std::nullopt;
  type.dtype = *dtype;
  if (!shape_fault(type.shape, type.dtype).empty()) return std::nullopt;
  if (!line.take("q(")) return type;
  Quantization q;
  if (line.take("axis=") && !line.number(q.axis)) return std::nullopt;
  line.take(",");
  if (line.rest().starts_with('[')) {
    if (!take_list(line, q.scales)) return std::nullopt;
  } else if (q.scales.resize(1); !line.number(q.scales[0])) {
    return std::nullopt;
  }
  if (!line.take(",")) return std::nullopt;
  if (line.rest().starts_with('[')) {
    if (!take_list(line, q.zero_points)) return std::nullopt;
  } else {
    std::int32_t zero = 0;
    if (!line.number(zero)) return std::nullopt;
    q.zero_points.assign(q.scales.size(), zero);
  }
  if (!line.take(")") || q.zero_points.size() != q.scales.size() || q.scales.empty()) return std::nullopt;
  if (q.axis < -1 || q.axis >= type.rank()) return std::nullopt;
  if (q.scales.size() !=
      (q.is_per_axis() ? static_cast<std::size_t>(type.shape[static_cast<std::size_t>(q.axis)]) : 1u))
    return std::nullopt;
  type.quantization = std::move(q);
  return type;
}

/// Parses line by line into a graph. A failed statement leaves the place where it failed and what was
/// expected there.
class Parser {
 public:
  Parser(ByteSpan constants, const BlockSet& blocks) : constants_(constants), blocks_(blocks) {}

  bool statement(std::string_view text) {
    Line line(text);
    column = 0;
    if (line.at_end() || line.rest().starts_with('#') || keyword(line)) return true;
    if (column == 0) column = line.column();
    return false;
  }

  Graph graph;
  std::string expected;    ///< of the statement that failed
  std::size_t column = 0;  ///< where it failed; of an earlier place if that is what is wrong

 private:
  bool keyword(Line& line) {
    if (line.take("model ")) return text(line, graph.name) && end(line);
    if (line.take("phase ")) return named(line, "a phase", graph.phase, find_phase);
    if (line.take("rounding ")) return named(line, "once or twice", graph.rounding, find_rounding);
    std::string ignored;
    if (line.take("constants ")) return text(line, ignored) && end(line);
    if (line.take("board ")) return text(line, graph.board) && end(line);
    if (line.take("arena "))
      return number(line, graph.arena_bytes, "bytes") && word(line, "state") &&
             number(line, graph.state_bytes, "bytes") && end(line);
    if (line.take("const ")) return stored_value(line, Source::constant);
    if (line.take("state ")) return stored_value(line, Source::state);
    if (line.take("input ")) {
      const auto id = new_value(line, Source::input);
      if (id) graph.inputs.push_back(*id);
      return id && end(line);
    }
    if (line.take("keep ")) {
      const auto state = used_value(line);
      if (!state || !word(line, "=")) return false;
      const auto next = used_value(line);
      if (!next) return false;
      graph.kept.push_back(*state);
      graph.outputs.push_back(*next);
      return end(line);
    }
    if (line.take("output ")) {
      if (!graph.kept.empty()) return fail("outputs before what is kept");
      const auto id = used_value(line);
      if (id) graph.outputs.push_back(*id);
      return id && end(line);
    }
    if (line.rest().starts_with('%')) return node(line);
    return fail(
        "model, phase, rounding, constants, board, arena, const, state, input, output, keep or a node");
  }

  bool fail(std::string what) {
    expected = std::move(what);
    return false;
  }
  /// What is wrong began here.
  bool fail_at(std::size_t place, std::string what) {
    column = place;
    return fail(std::move(what));
  }
  bool end(Line& line) { return line.at_end() || fail("the end of the line"); }
  bool word(Line& line, std::string_view wanted) {
    return line.take(wanted) || fail("`" + std::string(wanted) + "`");
  }
  bool text(Line& line, std::string& value) { return line.string(value) || fail("a quoted name"); }
  template <class T>
  bool number(Line& line, T& value, std::string_view what) {
    Line ahead = line;
    if (!ahead.number(value)) return fail("a number of " + std::string(what));
    line = ahead;
    return true;
  }
  template <class T, class Find>
  bool named(Line& line, std::string_view what, T& value, Find find) {
    Line ahead = line;
    const auto found = find(ahead.word());
    if (!found) return fail(std::string(what));
    value = *found;
    line = ahead;
    return end(line);
  }
  static std::optional<Rounding> find_rounding(std::string_view name) {
    if (name == "once") return Rounding::once;
    return name == "twice" ? std::optional(Rounding::twice) : std::nullopt;
  }

  /// %N, its number.
  std::optional<std::size_t> value_number(Line& line) {
    std::size_t number = 0;
    Line ahead = line;
    if (!ahead.take("%") || !ahead.number(number)) {
      fail("a value, %N");
      return std::nullopt;
    }
    line = ahead;
    return number;
  }

  std::optional<ValueId> new_value(Line& line, Source source) {
    const std::size_t begin = line.column();
    const auto number_of = value_number(line);
    Value value;
    value.source = source;
    if (!number_of || !text(line, value.name) || !word(line, ":")) return std::nullopt;
    const std::size_t type_begin = line.column();
    const auto type = take_type(line);
    if (!type) {
      fail_at(type_begin, "a type such as f32[1,8] or i8[1,8] q(0.5, 3), within the limits");
      return std::nullopt;
    }
    value.type = *type;
    if (line.take("at ") && !number(line, value.arena_offset, "bytes")) return std::nullopt;
    if (numbered_.contains(*number_of)) {
      fail_at(begin, "another number: %" + std::to_string(*number_of) + " is defined above");
      return std::nullopt;
    }
    const ValueId id = graph.add_value(std::move(value));
    numbered_[*number_of] = id;
    return id;
  }

  std::optional<ValueId> used_value(Line& line) {
    const std::size_t begin = line.column();
    const auto number_of = value_number(line);
    if (!number_of) return std::nullopt;
    const auto found = numbered_.find(*number_of);
    if (found != numbered_.end()) return found->second;
    fail_at(begin, "a value defined above, %" + std::to_string(*number_of) + " is not");
    return std::nullopt;
  }

  bool stored_value(Line& line, Source source) {
    const auto id = new_value(line, source);
    if (!id) return false;
    Value& value = graph.at(*id);
    if (source == Source::state && line.at_end()) return true;
    std::size_t offset = 0;
    if (!word(line, "=")) return false;
    if (line.rest().starts_with('[')) return listed_elements(line, value) && end(line);
    if (!line.take("@")) return fail("`@`, or a list of the elements");
    const std::size_t begin = line.column();
    if (!number(line, offset, "bytes") || !word(line, "hash")) return false;
    const std::string_view hash_text = line.word();
    std::uint64_t hash = 0;
    std::from_chars(hash_text.data(), hash_text.data() + hash_text.size(), hash, 16);
    const auto size = static_cast<std::size_t>(value.type.size_bytes());
    if (!holds(constants_, offset, size))
      return fail_at(
          begin, "an offset inside the constants file of " + std::to_string(constants_.size()) + " bytes");
    const ByteSpan part = constants_.subspan(offset, size);
    if (hash_bytes(part) != hash) return fail_at(begin, "the constants file that the text was written with");
    value.data = std::make_shared<const Bytes>(part.begin(), part.end());
    return end(line);
  }

  bool listed_elements(Line& line, Value& value) {
    const std::size_t begin = line.column();
    Bytes bytes;
    std::int64_t count = 0;
    const bool is_read = visit_dtype(value.type.dtype, [&](auto zero) {
      std::vector<decltype(zero)> elements;
      if constexpr (std::is_same_v<decltype(zero), double>) return false;
      if (!take_list(line, elements)) return false;
      count = static_cast<std::int64_t>(elements.size());
      bytes = to_bytes(std::span<const decltype(zero)>(elements));
      return true;
    });
    if (!is_read || count != value.type.elements())
      return fail_at(begin, count_text(static_cast<std::size_t>(value.type.elements()), "element") + " of " +
                                std::string(dtype_name(value.type.dtype)) + " in brackets");
    value.data = std::make_shared<const Bytes>(std::move(bytes));
    return true;
  }

  bool node(Line& line) {
    Node node;
    do {
      const auto id = new_value(line, Source::node);
      if (!id) return false;
      node.outputs.push_back(*id);
    } while (line.take(","));
    if (!word(line, "=")) return false;
    const std::size_t begin = line.column();
    const std::string block_name(line.word());
    node.block = blocks_.find(block_name);
    if (node.block == nullptr) {
      const std::string near = nearest(block_name, blocks_.names());
      return fail_at(begin, "a block, `" + printable(block_name, 40) + "` is none" +
                                (near.empty() ? "" : "; did you mean `" + near + "`?"));
    }
    node.attributes = node.block->attributes.make();
    if (!word(line, "(")) return false;
    while (!line.take(")")) {
      if (line.take("_")) {
        node.inputs.emplace_back();
      } else {
        const auto id = used_value(line);
        if (!id) return false;
        node.inputs.push_back(*id);
      }
      if (!line.take(",") && !line.rest().starts_with(')')) return fail("`,` or `)`");
    }
    if (line.take("{") && !attributes(line, node)) return false;
    if (line.take("layer") && !text(line, node.name)) return false;
    if (line.take("from") && !text(line, node.origin)) return false;
    if (line.take("kernel") &&
        (!text(line, node.kernel) || !word(line, "scratch") || !number(line, node.scratch_bytes, "bytes")))
      return false;
    if (line.take("at ") && !number(line, node.scratch_offset, "bytes")) return false;
    node.is_kept_float = line.take("kept");
    if (node.is_kept_float && !word(line, "float")) return false;
    if (node.name.empty()) node.name = graph.at(node.outputs[0]).name;
    graph.nodes.push_back(std::move(node));
    return end(line);
  }

  bool attributes(Line& line, Node& node) {
    const AttributeOps& ops = node.block->attributes;
    while (!line.take("}")) {
      const std::size_t begin = line.column();
      const std::string name(line.word());
      const FieldRow* row = nullptr;
      std::vector<std::string> names;
      for (const FieldRow& candidate : ops.rows) {
        names.push_back(candidate.name);
        if (candidate.name == name) row = &candidate;
      }
      if (row == nullptr)
        return fail_at(begin, "an attribute of " + node.block->name + ": " +
                                  (names.empty() ? "it has none" : join(names, ", ")));
      if (!word(line, "=")) return false;
      const std::size_t value_begin = line.column();
      if (!ops.set(node.attributes, name, line.attribute()))
        return fail_at(value_begin, "the " + row->type + " of " + name);
      if (!line.take(",") && !line.rest().starts_with('}')) return fail("`,` or `}`");
    }
    return true;
  }

  ByteSpan constants_;
  const BlockSet& blocks_;
  std::unordered_map<std::size_t, ValueId> numbered_;
};

}  // namespace

std::optional<Type> parse_type(std::string_view text) {
  Line line(text);
  auto type = take_type(line);
  return line.at_end() ? type : std::nullopt;
}

std::string constants_file_of(std::string_view text) {
  for (const std::string_view line_text : split(text.substr(0, 4096), '\n')) {
    Line line(line_text);
    std::string name;
    if (line.take("constants ") && line.string(name)) return name;
  }
  return {};
}

Result<Graph> parse_graph(std::string_view text, ByteSpan constants, const BlockSet& blocks,
                          Diagnostics& diagnostics, const std::string& file) {
  Parser parser(constants, blocks);
  const auto lines = split(text, '\n');
  const auto fail = [&](std::size_t number, std::size_t column, const std::string& expected) {
    const std::string place = std::to_string(number) + ":" + std::to_string(column);
    return diagnostics.add({.kind = Kind::graph_syntax,
                            .message = (file.empty() ? "at " + place + ": " : "") + "expected " + expected,
                            .file = file.empty() ? "" : file + ":" + place,
                            .line = printable(trim(lines[number - 1]), 160)});
  };
  if (trim(lines[0]) != "nblocks graph 1") return fail(1, 1, "`nblocks graph 1`");
  for (std::size_t i = 1; i < lines.size(); ++i)
    if (!parser.statement(lines[i])) return fail(i + 1, parser.column, parser.expected);
  return std::move(parser.graph);
}

}  // namespace nb
