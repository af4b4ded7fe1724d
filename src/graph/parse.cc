// Graph text back to a graph. One line is one statement; the grammar is in docs/graph-text.md.
#include <charconv>

#include "graph/graph.h"

namespace nb {
namespace {

/// A cursor over one line.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(trim(text)) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }

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

/// Parses line by line into a graph; `why` says what a failed statement lacked.
class Parser {
 public:
  Parser(ByteSpan constants, const BlockSet& blocks) : constants_(constants), blocks_(blocks) {}

  bool statement(std::string_view text, std::string& why) {
    Line line(text);
    if (line.at_end() || line.rest().starts_with('#')) return true;
    why = "the line is none of: model, phase, constants, board, arena, const, state, input, output, a node";
    if (line.take("model ")) return line.string(graph.name);
    if (line.take("phase ")) {
      const auto phase = find_phase(line.word());
      why = "no such phase";
      if (phase) graph.phase = *phase;
      return phase.has_value();
    }
    std::string ignored;
    if (line.take("constants ")) return line.string(ignored);
    if (line.take("board ")) return line.string(graph.board);
    if (line.take("arena "))
      return line.number(graph.arena_bytes) && line.take("state") && line.number(graph.state_bytes);
    if (line.take("const ")) return stored_value(line, Source::constant, why);
    if (line.take("state ")) return stored_value(line, Source::state, why);
    if (line.take("input ")) {
      const auto id = new_value(line, Source::input, why);
      if (id) graph.inputs.push_back(*id);
      return id.has_value() && line.at_end();
    }
    if (line.take("output ")) {
      const auto id = used_value(line, why);
      if (id) graph.outputs.push_back(*id);
      return id.has_value() && line.at_end();
    }
    return node(line, why);
  }

  Graph graph;

 private:
  std::optional<ValueId> new_value(Line& line, Source source, std::string& why) {
    std::size_t number = 0;
    Value value;
    value.source = source;
    why = "a value is written %N \"name\" : type";
    if (!line.take("%") || !line.number(number) || !line.string(value.name) || !line.take(":"))
      return std::nullopt;
    const auto type = take_type(line);
    why = "the type cannot be read";
    if (!type) return std::nullopt;
    value.type = *type;
    if (line.take("at ") && !line.number(value.arena_offset)) return std::nullopt;
    why = "value %" + std::to_string(number) + " is defined twice";
    if (numbered_.contains(number)) return std::nullopt;
    const ValueId id = graph.add_value(std::move(value));
    numbered_[number] = id;
    return id;
  }

  std::optional<ValueId> used_value(Line& line, std::string& why) {
    std::size_t number = 0;
    why = "a value is named %N";
    if (!line.take("%") || !line.number(number)) return std::nullopt;
    why = "value %" + std::to_string(number) + " is used before it is defined";
    const auto found = numbered_.find(number);
    return found == numbered_.end() ? std::nullopt : std::optional(found->second);
  }

  bool stored_value(Line& line, Source source, std::string& why) {
    const auto id = new_value(line, source, why);
    if (!id) return false;
    Value& value = graph.at(*id);
    if (source == Source::state && line.at_end()) return true;
    std::size_t offset = 0;
    why = "a constant ends in = @OFFSET hash HASH";
    if (!line.take("=") || !line.take("@") || !line.number(offset) || !line.take("hash")) return false;
    const std::string_view hash_text = line.word();
    std::uint64_t hash = 0;
    std::from_chars(hash_text.data(), hash_text.data() + hash_text.size(), hash, 16);
    const auto size = static_cast<std::size_t>(value.type.size_bytes());
    why = "the constant lies outside the constants file";
    if (!holds(constants_, offset, size)) return false;
    const ByteSpan part = constants_.subspan(offset, size);
    why = "the constants file does not have the bytes that the text was written with";
    if (hash_bytes(part) != hash) return false;
    value.data = std::make_shared<const Bytes>(part.begin(), part.end());
    return line.at_end();
  }

  bool node(Line& line, std::string& why) {
    Node node;
    do {
      const auto id = new_value(line, Source::node, why);
      if (!id) return false;
      node.outputs.push_back(*id);
    } while (line.take(","));
    why = "a node is written %N \"name\" : type = block(operands)";
    if (!line.take("=")) return false;
    const std::string block_name(line.word());
    node.block = blocks_.find(block_name);
    if (node.block == nullptr) {
      const std::string near = nearest(block_name, blocks_.names());
      why = "no block is called `" + printable(block_name, 40) + "`" +
            (near.empty() ? "" : ", did you mean `" + near + "`?");
      return false;
    }
    node.attributes = node.block->attributes.make();
    if (!line.take("(")) return false;
    while (!line.take(")")) {
      if (line.take("_")) {
        node.inputs.emplace_back();
      } else {
        const auto id = used_value(line, why);
        if (!id) return false;
        node.inputs.push_back(*id);
      }
      line.take(",");
    }
    if (line.take("{")) {
      while (!line.take("}")) {
        const std::string_view name = line.word();
        why = "attribute `" + printable(name, 40) + "` cannot be read";
        if (name.empty() || !line.take("=")) return false;
        if (!node.block->attributes.set(node.attributes, name, line.attribute())) return false;
        line.take(",");
      }
    }
    why = "after the operands come: layer \"name\" from \"operator\" [kernel \"name\" scratch N [at N]]";
    if (line.take("layer") && !line.string(node.name)) return false;
    if (line.take("from") && !line.string(node.origin)) return false;
    if (line.take("kernel") &&
        (!line.string(node.kernel) || !line.take("scratch") || !line.number(node.scratch_bytes)))
      return false;
    if (line.take("at ") && !line.number(node.scratch_offset)) return false;
    if (node.name.empty()) node.name = graph.at(node.outputs[0]).name;
    graph.nodes.push_back(std::move(node));
    return line.at_end();
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
                          Diagnostics& diagnostics) {
  Parser parser(constants, blocks);
  const auto lines = split(text, '\n');
  const auto fail = [&](std::size_t number, const std::string& why) {
    return diagnostics.add({.kind = Kind::graph_syntax,
                            .message = "line " + std::to_string(number) + ": " + why,
                            .line = printable(trim(lines[number - 1]), 160)});
  };
  if (trim(lines[0]) != "nblocks graph 1") return fail(1, "graph text starts with `nblocks graph 1`");
  for (std::size_t i = 1; i < lines.size(); ++i)
    if (std::string why; !parser.statement(lines[i], why)) return fail(i + 1, why);
  return std::move(parser.graph);
}

}  // namespace nb
