#include "read/torch/pt2_program.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/text.h"
#include "read/torch/pt2_legacy.h"
#include "read/torch/symbols.h"
#include "read/zip_format.h"

namespace nb::torch {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDepth = 48;  // of the JSON
constexpr std::size_t kMaxNodes = 200'000;

/// How parsing stops; it never leaves this file.
struct Malformed {
  Fault fault;
};
[[noreturn]] void malformed(std::string message) {
  throw Malformed{{Kind::malformed_file, std::move(message)}};
}
[[noreturn]] void unsupported(std::string message, std::string help = {}) {
  throw Malformed{{Kind::unsupported_feature, std::move(message), std::move(help)}};
}

const Json& member(const Json& object, const char* key) {
  if (!object.is_object()) malformed(std::string("what should hold `") + key + "` is no object");
  const auto found = object.find(key);
  if (found == object.end()) malformed(std::string("`") + key + "` is missing");
  return *found;
}
std::string text_at(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_string()) malformed(std::string("`") + key + "` is no text");
  return value.get<std::string>();
}
std::int64_t integer_of(const Json& value, const char* what) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
    malformed(std::string(what) + " is beyond 2^63");
  if (!value.is_number_integer()) malformed(std::string(what) + " is no integer");
  return value.get<std::int64_t>();
}
std::string text_of(const Json& value, const char* what) {
  if (!value.is_string()) malformed(std::string(what) + " is no text");
  return value.get<std::string>();
}
/// Numbers as JSON has them, and the texts "Infinity", "-Infinity", "NaN" that PyTorch writes for the others.
double real_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  const std::string text = text_of(value, "a float");
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  malformed("a float is `" + printable(text, 40) + "`");
}
const Json& list_of(const Json& value, const char* what) {
  if (!value.is_array()) malformed(std::string(what) + " is no list");
  return value;
}

/// The file's numbers of dtypes (torch/_export/serde/schema: ScalarType) as c10's.
std::int64_t scalar_type_of_file(const Json& value) {
  static constexpr std::array<std::int64_t, 14> kC10 = {-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15};
  const std::int64_t number = integer_of(value, "a dtype");
  if (number >= 1 && number < static_cast<std::int64_t>(kC10.size()))
    return kC10[static_cast<std::size_t>(number)];
  // Later ones: 28 uint16, 34 uint32, 35 uint64; 8-bit floats and others have no dtype here.
  return number == 28 ? 27 : number == 34 ? 28 : number == 35 ? 29 : -1;
}

Pt2Dimension dimension_of(const Json& value) {
  if (value.is_number()) return {integer_of(value, "a size"), {}};
  if (value.contains("as_int")) return {integer_of(member(value, "as_int"), "a size"), {}};
  if (value.contains("as_expr")) return {0, plain_expression(text_at(member(value, "as_expr"), "expr_str"))};
  malformed("a size is neither as_int nor as_expr");
}

Pt2Tensor tensor_of(const Json& meta) {
  Pt2Tensor t;
  t.scalar_type = scalar_type_of_file(member(meta, "dtype"));
  for (const Json& size : list_of(member(meta, "sizes"), "sizes")) t.sizes.push_back(dimension_of(size));
  for (const Json& stride : list_of(member(meta, "strides"), "strides")) {
    const Pt2Dimension d = dimension_of(stride);
    if (!d.symbols.empty()) {
      t.strides.clear();
      break;
    }
    t.strides.push_back(d.size);
  }
  if (const auto offset = meta.find("storage_offset"); offset != meta.end())
    t.offset = dimension_of(*offset).size;
  if (const auto layout = meta.find("layout"); layout != meta.end())
    t.is_strided = integer_of(*layout, "layout") == 7;
  return t;
}

std::shared_ptr<const Pt2Graph> graph_of(const Json& value, std::size_t depth);

Pt2Argument named(std::string name) {
  Pt2Argument a{Pt2Argument::Kind::name};
  a.name = std::move(name);
  return a;
}
Pt2Argument known(Item item) { return {Pt2Argument::Kind::known, std::move(item)}; }

template <class F>
Pt2Argument list_argument(const Json& values, F each) {
  Pt2Argument a{Pt2Argument::Kind::list};
  for (const Json& value : list_of(values, "an argument")) a.list.push_back(each(value));
  return a;
}

/// as_int, as_name and the like of a symbolic number.
Pt2Argument symbolic(const Json& value) {
  if (value.contains("as_name")) return named(text_at(value, "as_name"));
  if (value.contains("as_int")) return known(Item(integer_of(member(value, "as_int"), "a number")));
  if (value.contains("as_float")) return known(Item(real_of(member(value, "as_float"))));
  if (value.contains("as_bool")) {
    const Json& flag = member(value, "as_bool");
    if (!flag.is_boolean()) malformed("`as_bool` is no bool");
    return known(Item(flag.get<bool>()));
  }
  malformed("a symbolic number has neither name nor value");
}

Pt2Argument tensor_argument(const Json& value) { return named(text_at(value, "name")); }
Pt2Argument optional_tensor(const Json& value) {
  if (value.contains("as_none")) return known({});
  return tensor_argument(value.contains("as_tensor") ? member(value, "as_tensor") : value);
}

Pt2Argument argument_of(const Json& value, std::size_t depth) {
  if (!value.is_object() || value.size() != 1) malformed("an argument is no union of one member");
  const std::string& tag = value.begin().key();
  const Json& content = value.begin().value();
  const auto integer = [](const Json& v) { return known(Item(integer_of(v, "an integer"))); };
  const auto real = [](const Json& v) { return known(Item(real_of(v))); };
  const auto text = [](const Json& v) { return known(Item(text_of(v, "a text"))); };
  const auto flag = [](const Json& v) {
    if (!v.is_boolean()) malformed("a bool is none");
    return known(Item(v.get<bool>()));
  };
  if (tag == "as_none") return known({});
  if (tag == "as_tensor") return tensor_argument(content);
  if (tag == "as_tensors") return list_argument(content, tensor_argument);
  if (tag == "as_optional_tensor") return optional_tensor(content);
  if (tag == "as_optional_tensors") return list_argument(content, optional_tensor);
  if (tag == "as_int") return integer(content);
  if (tag == "as_ints") return list_argument(content, integer);
  if (tag == "as_float") return real(content);
  if (tag == "as_floats") return list_argument(content, real);
  if (tag == "as_bool") return flag(content);
  if (tag == "as_bools") return list_argument(content, flag);
  if (tag == "as_string") return text(content);
  if (tag == "as_strings") return list_argument(content, text);
  if (tag == "as_sym_int" || tag == "as_sym_bool" || tag == "as_sym_float") return symbolic(content);
  if (tag == "as_sym_ints" || tag == "as_sym_bools" || tag == "as_sym_floats")
    return list_argument(content, symbolic);
  if (tag == "as_scalar_type") return known(Item(scalar_type_of_file(content)));
  if (tag == "as_memory_format" || tag == "as_layout") return integer(content);
  if (tag == "as_device") return known(Item(std::string("cpu")));  // devices mean nothing here
  if (tag == "as_int_lists")
    return list_argument(content, [&](const Json& v) { return list_argument(v, integer); });
  if (tag == "as_float_lists")
    return list_argument(content, [&](const Json& v) { return list_argument(v, real); });
  if (tag == "as_nested_tensors")
    return list_argument(content, [&](const Json& v) { return list_argument(v, tensor_argument); });
  if (tag == "as_graph") {
    Pt2Argument a{Pt2Argument::Kind::graph};
    a.graph = graph_of(member(content, "graph"), depth + 1);
    return a;
  }
  Pt2Argument a{Pt2Argument::Kind::unsupported};
  a.name = tag;
  return a;
}

/// The path of the innermost module: of `L__self__,,net.Net;L__self__fc,fc,torch.nn.Linear` it is "fc".
std::string innermost_module(std::string_view stack) {
  const std::size_t last = stack.rfind(';');
  std::string_view entry = last == std::string_view::npos ? stack : stack.substr(last + 1);
  const std::size_t first = entry.find(','),
                    second = entry.find(',', first == std::string_view::npos ? 0 : first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return {};
  return std::string(entry.substr(first + 1, second - first - 1));
}

/// The innermost call that is in no installed package: the user's own line.
std::string users_line(std::string_view trace) {
  std::string_view best;
  for (const std::string_view line : split(trace, '\n')) {
    const std::string_view text = trim(line);
    if (!text.starts_with("File \"")) continue;
    const bool is_installed = text.find("/site-packages/") != std::string_view::npos ||
                              text.find("/dist-packages/") != std::string_view::npos ||
                              text.find("/torch/nn/") != std::string_view::npos;
    if (!is_installed || best.empty()) best = text;
  }
  return std::string(best);
}

/// Files of PyTorch before 2.8 name nodes by their outputs only; those of several are "getitem", "getitem_1",
/// ...
std::string name_by_outputs(const Pt2Node& node) {
  std::string name;
  for (const Pt2Argument& output : node.outputs)
    if (name.empty()) name = output.list.empty() ? output.name : output.list[0].name;
  if (!name.empty() && !name.starts_with("getitem")) return name;
  const std::string path = node.operator_name().first;
  return path.substr(path.rfind('.') + 1);
}

Pt2Node node_of(const Json& value, std::size_t depth) {
  Pt2Node node;
  node.target = text_at(value, "target");
  if (const auto name = value.find("name"); name != value.end() && name->is_string())
    node.name = name->get<std::string>();
  for (const Json& input : list_of(member(value, "inputs"), "inputs")) {
    const Json& name = member(input, "name");
    node.inputs.emplace_back(text_of(name, "an argument's name"), argument_of(member(input, "arg"), depth));
  }
  for (const Json& output : list_of(member(value, "outputs"), "outputs"))
    node.outputs.push_back(argument_of(output, depth));
  if (const auto metadata = value.find("metadata"); metadata != value.end() && metadata->is_object()) {
    const auto text = [&](const char* key) {
      const auto found = metadata->find(key);
      return found != metadata->end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    node.module = innermost_module(text("nn_module_stack"));
    node.source = text("stack_trace");  // of which the parser has left the user's line
  }
  if (node.name.empty()) node.name = name_by_outputs(node);
  return node;
}

void read_ends(const Json& graph, Pt2Graph& out, std::size_t depth) {
  for (const Json& input : list_of(member(graph, "inputs"), "inputs"))
    out.inputs.push_back(argument_of(input, depth));
  for (const Json& output : list_of(member(graph, "outputs"), "outputs"))
    out.outputs.push_back(argument_of(output, depth));
}

std::shared_ptr<const Pt2Graph> graph_of(const Json& value, std::size_t depth) {
  if (depth > 8) unsupported("graphs nest deeper than 8");
  auto graph = std::make_shared<Pt2Graph>();
  read_ends(value, *graph, depth);
  for (const Json& node : list_of(member(value, "nodes"), "nodes"))
    graph->nodes.push_back(node_of(node, depth));
  return graph;
}

/// {"parameter": {"arg": {"name": ..}, "parameter_name": ..}} and its relatives.
Pt2Spec spec_of(const Json& value) {
  if (!value.is_object() || value.size() != 1) malformed("an input or output is no union of one member");
  Pt2Spec spec;
  spec.kind = value.begin().key();
  const Json& content = value.begin().value();
  if (content.contains("arg")) {
    const Json& arg = content["arg"];
    spec.argument = arg.contains("name") ? named(text_at(arg, "name")) : argument_of(arg, 0);
  } else if (content.contains("name")) {
    spec.argument = named(text_at(content, "name"));
  }
  for (const char* key : {"parameter_name", "buffer_name", "tensor_constant_name", "user_input_name"})
    if (const auto found = content.find(key); found != content.end()) spec.target = text_of(*found, key);
  return spec;
}

/// Parses text whose nesting is bounded; `keep(depth, event, value)` may take what is complete and drop it.
template <class F>
Json parsed(ByteSpan bytes, const std::string& path, F keep) {
  try {
    return Json::parse(characters(bytes), [&](int depth, Json::parse_event_t event, Json& value) {
      if (depth > static_cast<int>(kMaxDepth)) malformed("`" + path + "` nests deeper than 48");
      return keep(depth, event, value);
    });
  } catch (const Json::exception& e) {
    std::string why = e.what();
    if (const std::size_t at = why.find("] "); at != std::string::npos) why.erase(0, at + 2);
    malformed("`" + path + "` is no JSON: " + printable(why));
  }
}
Json parsed(ByteSpan bytes, const std::string& path) {
  return parsed(bytes, path, [](int, Json::parse_event_t, const Json&) { return true; });
}

ByteSpan content_of(ZipArchive& archive, const std::string& path) {
  const ZipEntry* entry = archive.find(path);
  if (entry == nullptr) malformed("the archive has no entry `" + printable(path) + "`");
  std::string why_not;
  const auto bytes = archive.content(*entry, why_not);
  if (!bytes) malformed("the archive " + why_not);
  return *bytes;
}

/// The schema's major number changes with what readers must know. PyTorch 2.6 to 2.13 write 8.
void check_schema(const Json& file) {
  const auto version = file.find("schema_version");
  if (version == file.end()) return;
  const std::int64_t major = integer_of(member(*version, "major"), "the schema's version"),
                     minor = integer_of(member(*version, "minor"), "the schema's version");
  if (major == 8) return;
  const auto torch = file.find("torch_version");
  unsupported("the program is of schema " + std::to_string(major) + "." + std::to_string(minor) +
                  (torch != file.end() && torch->is_string()
                       ? " (PyTorch " + printable(torch->get<std::string>(), 40) + ")"
                       : "") +
                  "; schema 8 is read",
              "export the model with PyTorch 2.6 or later");
}

/// One end of a symbol's range; absent where the symbol is unbounded.
std::int64_t bound(const Json& range, const char* key, std::int64_t fallback) {
  const auto found = range.find(key);
  return found == range.end() || !found->is_number_integer() ? fallback : found->get<std::int64_t>();
}

/// Reads the graph's file. Its nodes and types become records as soon as each is parsed, and what is not
/// needed is dropped, so that the JSON never stands in memory as a whole.
void read_graph_file(ByteSpan bytes, const std::string& path, Pt2Program& program) {
  // The keys that lead to where the parser is, by depth.
  std::vector<std::string> keys(kMaxDepth + 2);
  const auto is_at = [&](std::initializer_list<const char*> wanted) {
    std::size_t depth = 1;
    for (const char* key : wanted)
      if (keys[depth++] != key) return false;
    return true;
  };
  std::unordered_set<std::string> inputs;
  const Json file = parsed(bytes, path, [&](int depth, Json::parse_event_t event, Json& value) {
    const auto d = static_cast<std::size_t>(depth);
    using Event = Json::parse_event_t;
    if (event == Event::key) {
      keys[d] = value.get<std::string>();
      std::fill(keys.begin() + depth + 1, keys.end(), std::string());
      const std::string& key = keys[d];
      return key != "torch_fn" && key != "from_node" && key != "module_call_graph" && key != "guards_code" &&
             key != "treespec_namedtuple_fields" && key != "custom" && key != "source_fn_stack";
    }
    if (event == Event::value && value.is_string()) {
      if (keys[d] == "stack_trace") value = users_line(value.get_ref<const std::string&>());
      return true;
    }
    if (event == Event::object_end && d == 4 && is_at({"graph_module", "graph", "nodes"})) {
      if (program.graph.nodes.size() >= kMaxNodes)
        throw Malformed{{Kind::limit_exceeded, "the graph has more than 200,000 nodes"}};
      program.graph.nodes.push_back(node_of(value, 0));
      return false;
    }
    if (event == Event::object_end && d == 4 && is_at({"graph_module", "graph", "inputs"})) {
      if (const Pt2Argument input = argument_of(value, 0); !input.name.empty()) inputs.insert(input.name);
      return true;
    }
    if (event == Event::object_end && d == 4 && is_at({"graph_module", "graph", "tensor_values"})) {
      if (inputs.empty() || inputs.contains(keys[4]))
        program.graph.tensors.emplace(keys[4], tensor_of(value));
      return false;
    }
    return true;
  });
  check_schema(file);
  const Json& module = member(file, "graph_module");
  read_ends(member(module, "graph"), program.graph, 0);
  const Json& signature = member(module, "signature");
  for (const Json& input : list_of(member(signature, "input_specs"), "input_specs"))
    program.inputs.push_back(spec_of(input));
  for (const Json& output : list_of(member(signature, "output_specs"), "output_specs"))
    program.outputs.push_back(spec_of(output));
  if (const auto version = file.find("torch_version"); version != file.end() && version->is_string())
    program.torch_version = version->get<std::string>();
  if (const auto ranges = file.find("range_constraints"); ranges != file.end() && ranges->is_object())
    for (const auto& [symbol, range] : ranges->items()) {
      program.ranges[symbol] = {bound(range, "min_val", 0),
                                bound(range, "max_val", std::numeric_limits<std::int64_t>::max())};
    }
}

/// The text of a small entry without the space about it; empty if there is none.
std::string word_of(ZipArchive& archive, const std::string& path) {
  if (archive.find(path) == nullptr) return {};
  return std::string(trim(characters(content_of(archive, path)).substr(0, 80)));
}

void check_byteorder(ZipArchive& archive, const std::string& top) {
  if (const std::string order = word_of(archive, top + "byteorder"); !order.empty() && order != "little")
    unsupported("the archive's numbers are big-endian");
}

Pt2Storages saved_tensors(ZipArchive& archive, const std::string& path) {
  auto storages = read_saved_tensors(archive, path);
  if (!storages) throw Malformed{storages.fault()};
  return *std::move(storages);
}

/// Weights and constants: {"config": {fqn: {"path_name", "use_pickle", "tensor_meta"}}}, or as PyTorch 2.8
/// has them, a dict by name that torch.save wrote.
void read_storages(ZipArchive& archive, const std::string& folder, const std::string& config,
                   const std::string& saved, Pt2Program& program) {
  if (archive.find(folder + config) == nullptr) {
    if (archive.find(folder + saved) != nullptr)
      program.storages.merge(saved_tensors(archive, folder + saved));
    return;
  }
  const Json file = parsed(content_of(archive, folder + config), config);
  const Json& rows = member(file, "config");
  if (!rows.is_object()) malformed("`config` of `" + config + "` is no object");
  Pt2Storages pickled;  // those that were read, by path
  for (const auto& [name, row] : rows.items()) {
    Pt2Storage storage;
    storage.path = folder + text_at(row, "path_name");
    const Json& is_pickled = member(row, "use_pickle");
    storage.is_pickled = is_pickled.is_boolean() && is_pickled.get<bool>();
    const Json& meta = member(row, "tensor_meta");
    if (!meta.is_null()) storage.tensor = tensor_of(meta);
    if (storage.is_pickled && !meta.is_null()) {
      const auto [known, is_new] = pickled.try_emplace(storage.path, storage);
      if (is_new)
        if (auto tensors = read_saved_tensors(archive, storage.path); tensors && tensors->contains(""))
          known->second = tensors->at("");
      storage = known->second;
    }
    program.storages.emplace(name, std::move(storage));
  }
}

/// PyTorch 2.6 and 2.7: the graph and archives of torch.save beside each other.
void read_flat(ZipArchive& archive, const std::string& top, Pt2Program& program) {
  if (const std::string version = word_of(archive, top + "version");
      !version.empty() && version != "8" && !version.starts_with("8."))
    unsupported("the program is of schema " + printable(version, 20) + "; schema 8 is read",
                "export the model with PyTorch 2.6 or later");
  const ByteSpan bytes = content_of(archive, top + kFlatProgram);
  const auto quoted = with_quoted_floats(characters(bytes));
  read_graph_file(quoted ? as_byte_span(*quoted) : bytes, kFlatProgram, program);
  program.storages = saved_tensors(archive, top + kFlatWeights);
  program.storages.merge(saved_tensors(archive, top + kFlatConstants));
}

/// PyTorch 2.8 and later: models/NAME.json, with its tensors under data/.
void read_folders(ZipArchive& archive, Pt2Program& program) {
  std::vector<std::string> models;
  for (const ZipEntry& entry : archive.entries())
    if (entry.name.ends_with(".json") && entry.name.find("/models/") != std::string::npos)
      models.push_back(entry.name);
  if (models.empty()) malformed("the archive has no models/*.json");
  if (models.size() > 1)
    unsupported("the archive has " + std::to_string(models.size()) + " models",
                "save one exported program a file");
  const std::string& path = models[0];
  const std::size_t at = path.rfind("/models/");
  const std::string top = path.substr(0, at + 1), stem = path.substr(at + 8, path.size() - at - 8 - 5);
  if (const std::string version = word_of(archive, top + "archive_version");
      !version.empty() && version != "0")
    unsupported("the archive is of version " + printable(version, 20) + "; version 0 is read",
                "PyTorch 2.6 to 2.13 write files that are read");
  check_byteorder(archive, top);
  read_graph_file(content_of(archive, path), path.substr(at + 1), program);
  read_storages(archive, top + "data/weights/", stem + "_weights_config.json", stem + ".pt", program);
  read_storages(archive, top + "data/constants/", stem + "_constants_config.json", stem + ".pt", program);
}

}  // namespace

std::pair<std::string, std::string> Pt2Node::operator_name() const {
  std::string path = target;
  if (path.starts_with("torch.ops."))
    path.erase(0, 10);
  else
    return {path, {}};
  const std::size_t first = path.find('.'), last = path.rfind('.');
  if (first == last) return {path, {}};
  return {path.substr(0, last), path.substr(last + 1)};
}

Checked<Pt2Program> read_pt2_program(ZipArchive& archive) {
  try {
    Pt2Program program;
    const std::string top = top_folder(archive);
    if (archive.find(top + kFlatProgram) != nullptr)
      read_flat(archive, top, program);
    else
      read_folders(archive, program);
    return program;
  } catch (const Malformed& stop) {
    return stop.fault;
  } catch (const Json::exception& e) {
    return Fault{Kind::malformed_file,
                 "the archive's JSON has another structure: " + printable(std::string(e.what()))};
  }
}

}  // namespace nb::torch
