#include "read/torch/read_script.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "base/zip.h"
#include "blocks/cast/attributes.h"
#include "read/dtypes.h"
#include "read/torch/script/machine.h"
#include "read/torch/script/traced.h"
#include "read/translation.h"
#include "read/zip_format.h"

namespace nb {
namespace torch::script {
namespace {

constexpr ZipLimits kCodeLimits = {.entry_bytes = std::uint64_t{16} << 20,
                                   .total_bytes = std::uint64_t{64} << 20};

/// One reading of one program.
class ScriptReader {
 public:
  ScriptReader(ZipArchive& archive, std::size_t file_bytes, const BlockSet& blocks,
               const ReadOptions& options, Diagnostics& diagnostics)
      : options_(options),
        diagnostics_(diagnostics),
        archive_(archive),
        build_(blocks, diagnostics),
        translator_(build_),
        machine_(archive, top_folder(archive), file_bytes, translator_) {}

  /// `held`: the tensors that are states, as `written` of an earlier reading of the same program tells.
  Graph read(std::unordered_set<std::string> held) {
    machine_.hold_states(std::move(held));
    build_.graph().name = options_.name;
    build_.graph().rounding = Rounding::once;
    Object& module = machine_.load_module();
    const Function* forward = machine_.find_method(module, "forward");
    if (forward == nullptr)
      machine_.invalid("the module's class `" + printable(module.type->qualified, 120) +
                       "` has no method `forward`");
    check_options(*forward);
    traced_ = traced_types(archive_, top_folder(archive_), *forward, why_untraced_);
    Arguments arguments;
    for (const Parameter& parameter :
         std::span(forward->parameters).subspan(std::min<std::size_t>(1, forward->parameters.size())))
      declare(parameter, arguments);
    if (!missing_.empty()) refuse_missing();
    if (!from_example_.empty())
      diagnostics_.add(
          {.kind = Kind::remark,
           .message = "shapes are those of the example that the module was traced with: " + from_example_,
           .help = "--input-shape NAME=N,N,... gives another"});
    const Value result = machine_.call_function(*forward, &module, std::move(arguments));
    if (translator_.has_failed()) throw read::Refusal{};
    give(result, "output", 0);
    if (build_.graph().outputs.empty()) machine_.invalid("`forward` returns no tensor");
    written_ = machine_.written();
    for (const ValueId state : machine_.states()) keep(state);
    tell_outputs_apart();
    build_.number_inner_names();
    build_.graph().remove_dead();
    return std::move(build_.graph());
  }

  /// The tensors of the file that the program writes over.
  [[nodiscard]] const std::unordered_set<std::string>& written() const { return written_; }

 private:
  /// Gives a state its next contents.
  void keep(ValueId state) {
    const ValueId next = translator_.current(state);
    if (next == state) return;
    const Type &was = build_.type(state), &is = build_.type(next);
    const std::string name = build_.graph().at(state).name;
    if (was.shape != is.shape || was.dtype != is.dtype)
      machine_.refuse(Kind::state_mismatch,
                      "buffer `" + name + "` is " + type_text(was) + " and becomes " + type_text(is));
    build_.set_layer(name + "_next", "Output");
    const ValueId id = build_.add_output(name + "_next", next);
    build_.graph().at(id).name = name + "_next";
    build_.graph().kept.push_back(state);
  }

  /// "Tensor", "Optional", "Tuple", ...: the outer name of a parameter's type; Tensor if it has none.
  static std::string_view outer(const Expr* type) {
    if (type == nullptr) return "Tensor";
    return type->kind == ExprKind::subscript ? type->items[0]->text : type->text;
  }

  [[nodiscard]] const Type* asked(std::string_view name) const {
    for (const auto& [input, type] : options_.input_types)
      if (input == name) return &type;
    return nullptr;
  }
  /// The type that the example had that the module was traced with.
  [[nodiscard]] const Type* of_example(const std::string& name) {
    const auto found = traced_.find(name);
    if (found == traced_.end()) return nullptr;
    from_example_ += (from_example_.empty() ? "`" : ", `") + printable(name, 60) + "` " +
                     std::string(dtype_name(found->second.dtype)) + shape_text(found->second.shape);
    return &found->second;
  }
  /// The tensors that a parameter of the type stands for, by name: itself, or `name.0`, `name.1` of a tuple.
  void list_inputs(const std::string& name, const Expr* type, int depth, std::vector<std::string>& names) {
    if (depth > 8) return;
    const std::string_view kind = outer(type);
    if (kind == "Tensor") names.push_back(name);
    if (kind == "Optional" && type->kind == ExprKind::subscript)
      list_inputs(name, type->items[1], depth + 1, names);
    if (kind == "Tuple" && type->kind == ExprKind::subscript) {
      const Expr* parts = type->items[1];
      const bool is_many = parts->kind == ExprKind::tuple;
      for (std::size_t i = 0; i < (is_many ? parts->items.size() : 1); ++i)
        list_inputs(name + "." + std::to_string(i), is_many ? parts->items[i] : parts, depth + 1, names);
    }
  }

  void check_options(const Function& forward) {
    std::vector<std::string> names;
    for (std::size_t i = 1; i < forward.parameters.size(); ++i)
      list_inputs(std::string(forward.parameters[i].name), forward.parameters[i].type, 0, names);
    const auto check = [&](const std::string& option, const std::string& name) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return;
      const std::string close = nearest(name, names);
      std::string all;
      for (const std::string& known : names) all += (all.empty() ? "`" : ", `") + printable(known, 60) + "`";
      machine_.refuse(
          Kind::usage,
          option + " names `" + printable(name, 60) + "`, which is no tensor that `forward` takes",
          close.empty() ? "it takes " + (all.empty() ? "none" : all) : "did you mean `" + close + "`?");
    };
    for (const auto& [name, type] : options_.input_types) check("--input-shape", name);
    for (const auto& [name, tensor] : options_.frozen) check("--freeze", name);
    if (!options_.dims.empty())
      machine_.refuse(Kind::usage, "--dim names a symbolic dimension; a TorchScript file has none",
                      "give whole shapes with --input-shape NAME=N,N,...");
  }

  /// Adds a parameter's value to the arguments: an input of the graph, a frozen tensor, or its default.
  void declare(const Parameter& parameter, Arguments& arguments) {
    const std::string name(parameter.name);
    std::vector<std::string> tensors;
    list_inputs(name, parameter.type, 0, tensors);
    const bool is_asked = std::any_of(tensors.begin(), tensors.end(), [&](const std::string& tensor) {
      return asked(tensor) != nullptr || options_.find_frozen(tensor) != nullptr;
    });
    if (parameter.fallback != nullptr && !is_asked) {
      stop_positional_ = true;
      return;
    }
    if (tensors.empty())
      machine_.refuse(
          Kind::unsupported_feature,
          "argument `" + printable(name, 60) + "` of `forward` is no tensor, but " +
              (outer(parameter.type).empty() ? "of another type"
                                             : "`" + printable(outer(parameter.type), 60) + "`"),
          "give it a default in the model, or trace the module with the value that it shall have");
    const Value value = make_input(name, parameter.type);
    if (stop_positional_)
      arguments.named.emplace_back(parameter.name, value);
    else
      arguments.positional.push_back(value);
  }

  Value make_input(const std::string& name, const Expr* type) {
    const std::string_view kind = outer(type);
    if (kind == "Optional") return make_input(name, type->items[1]);
    if (kind == "Tuple") {
      std::vector<Value> items;
      const Expr* parts = type->items[1];
      const bool is_many = parts->kind == ExprKind::tuple;
      for (std::size_t i = 0; i < (is_many ? parts->items.size() : 1); ++i)
        items.push_back(make_input(name + "." + std::to_string(i), is_many ? parts->items[i] : parts));
      return machine_.make_tuple(std::move(items));
    }
    if (kind != "Tensor")
      machine_.refuse(Kind::unsupported_feature, "argument `" + printable(name, 60) +
                                                     "` of `forward` is no tensor, but `" +
                                                     printable(kind, 60) + "`");
    if (const Tensor* tensor = options_.find_frozen(name)) return machine_.make_constant(name, *tensor);
    const Type* given = asked(name);
    // Without a dtype, --input-shape leaves indices and masks what they were in the example.
    Type retyped;
    if (const auto example = traced_.find(name); given != nullptr && given->dtype == DType::f32 &&
                                                 example != traced_.end() &&
                                                 !is_float(example->second.dtype)) {
      retyped = {example->second.dtype, given->shape};
      given = &retyped;
    }
    if (given == nullptr) given = of_example(name);
    if (given == nullptr) {
      missing_.push_back(name);
      return Value::unknown();
    }
    if (const std::string fault = shape_fault(given->shape, given->dtype); !fault.empty())
      machine_.refuse(Kind::limit_exceeded, "input `" + printable(name, 60) + "`: " + fault);
    build_.set_layer(printable(name), "Input");
    ValueId id = build_.add_input(printable(name), *given);
    if (const DType inside = read::computed_dtype(given->dtype); inside != given->dtype)
      id = cast(id, inside, name);
    return Value(id);
  }

  ValueId cast(ValueId id, DType to, const std::string& name) {
    auto made = build_.add_one("cast", Attributes(CastAttrs{to}), {id},
                               {printable(name) + "/" + std::string(dtype_name(to)), {}});
    if (!made) throw read::Refusal{};
    return *made;
  }

  [[noreturn]] void refuse_missing() {
    std::string names, options;
    for (const std::string& name : missing_) {
      names += (names.empty() ? "`" : ", `") + printable(name, 60) + "`";
      options += " --input-shape " + printable(name, 60) + "=N,N,...";
    }
    machine_.refuse(
        Kind::dynamic_shape,
        (missing_.size() == 1 ? "input " + names + " has no shape: "
                              : "inputs " + names + " have no shapes: ") +
            why_untraced_,
        "add" + options +
            " with the sizes that the model shall have, batch first; `:i64` behind them gives another dtype "
            "than f32");
  }

  /// Makes what `forward` returns outputs of the graph.
  void give(const Value& value, const std::string& name, int depth) {
    if (depth > 8) machine_.invalid("what `forward` returns is nested too deeply");
    if (value.is_tensor()) {
      build_.set_layer(name, "Output");
      Graph& graph = build_.graph();
      if (graph.outputs.size() >= 1000)
        machine_.refuse(Kind::limit_exceeded, "`forward` returns more than 1000 tensors");
      const ValueId id = build_.add_output(name, translator_.current(value.tensor()));
      graph.at(id).name = name.empty() ? "output" : name;
    } else if (value.is_sequence()) {
      const Sequence& sequence = value.sequence();
      for (std::size_t i = 0; i < sequence.items.size(); ++i) {
        const std::string part = sequence.type != nullptr && i < sequence.type->attributes.size()
                                     ? std::string(sequence.type->attributes[i].name)
                                     : name + "_" + std::to_string(i);
        give(sequence.items[i], depth == 0 || sequence.type == nullptr ? part : name + "_" + part, depth + 1);
      }
    } else if (value.is(ValueKind::dict)) {
      for (const auto& [key, item] : value.dict().items)
        give(item, (depth == 0 ? "" : name + "_") + printable(machine_.text_of(key), 60), depth + 1);
    } else if (!value.is_none()) {
      machine_.refuse(Kind::unsupported_feature, "`forward` returns " + machine_.described(value),
                      "programs return tensors");
    }
  }

  /// A second input or output of one name gets `_out` behind it.
  void tell_outputs_apart() {
    Graph& graph = build_.graph();
    std::unordered_set<std::string> names;
    for (const auto* ids : {&graph.inputs, &graph.outputs})
      for (const ValueId id : *ids)
        while (!names.insert(graph.at(id).name).second) graph.at(id).name += "_out";
  }

  const ReadOptions& options_;
  Diagnostics& diagnostics_;
  ZipArchive& archive_;
  GraphBuilder build_;
  Translator translator_;
  Machine machine_;
  std::unordered_map<std::string, Type> traced_;  ///< of the example's tensors, by name
  std::string why_untraced_;                      ///< that some or all are not among them
  std::string from_example_;                      ///< the inputs that have their type of it
  std::unordered_set<std::string> written_;
  std::vector<std::string> missing_;  ///< inputs without a shape
  bool stop_positional_ = false;      ///< an argument before was left at its default
};

}  // namespace
}  // namespace torch::script

Result<Graph> read_torch_script(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                                Diagnostics& diagnostics) {
  std::string why_not;
  auto archive = ZipArchive::open(file, why_not, torch::script::kCodeLimits);
  if (!archive) return diagnostics.add({.kind = Kind::malformed_file, .message = "the file " + why_not});
  return read::guarded(diagnostics, [&]() -> Result<Graph> {
    // What a program writes over is known when it has run; those tensors are states of a second reading.
    std::unordered_set<std::string> held;
    for (bool is_last = false;; is_last = true) {
      Diagnostics said;
      torch::script::ScriptReader reader(*archive, file.size(), blocks, options, said);
      Result<Graph> graph =
          read::guarded(said, [&]() -> Result<Graph> { return reader.read(std::move(held)); });
      if (graph && !is_last && !reader.written().empty()) {
        held = reader.written();
        continue;
      }
      for (const Diagnostic& diagnostic : said.all()) diagnostics.add(diagnostic);
      return graph;
    }
  });
}

bool is_plain_pickle(ByteSpan file) { return torch::looks_like_pickle(file) && !is_zip(file); }

Failed refuse_torch_pickle(ByteSpan file, Diagnostics& diagnostics) {
  std::string why_not;
  ByteSpan bytes = file;
  std::optional<ZipArchive> archive;
  if (is_zip(file)) {
    archive = ZipArchive::open(file, why_not, torch::script::kCodeLimits);
    if (!archive) return diagnostics.add({.kind = Kind::malformed_file, .message = "the file " + why_not});
    const ZipEntry* entry = archive->find(top_folder(*archive) + "data.pkl");
    const auto content = entry == nullptr ? std::nullopt : archive->content(*entry, why_not);
    if (!content) return diagnostics.add({.kind = Kind::malformed_file, .message = "the file " + why_not});
    bytes = *content;
  }
  torch::PickleFault fault;
  const auto pickle = torch::parse_pickle(bytes, fault);
  std::string what = "the file is a pickle of Python objects, which holds no graph";
  if (!fault.global.empty())
    what = "the file is a pickled Python object (it names `" + fault.global +
           "`), which is code in Python, not a graph";
  else if (pickle && (pickle->at(pickle->root).kind == torch::PickleKind::dict || !pickle->tensors.empty()))
    what = "the file holds weights by name (a state_dict), not the layers that they belong to";
  return diagnostics.add(
      {.kind = Kind::unknown_format,
       .message = what,
       .help = "load it in Python as the program that made it does, then save what it computes: "
               "torch.export.save(torch.export.export(model.eval(), (example_input,)), \"model.pt2\")"});
}

}  // namespace nb
