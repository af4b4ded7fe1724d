#include "read/torch/read_pt2.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "read/compose.h"
#include "read/dtypes.h"
#include "read/torch/inputs.h"
#include "read/torch/numbers.h"
#include "read/torch/pt2_program.h"
#include "read/torch/pt2_writes.h"
#include "read/torch/translator.h"

namespace nb {
namespace torch {
namespace {

using read::Refusal;

constexpr int kMaxGraphDepth = 8;

using Frame = std::unordered_map<std::string, Item>;

/// One reading of one program.
class Pt2Reader {
 public:
  Pt2Reader(ZipArchive& archive, Pt2Program program, std::size_t file_bytes, const BlockSet& blocks,
            const ReadOptions& options, Diagnostics& diagnostics)
      : archive_(archive),
        program_(std::move(program)),
        options_(options),
        diagnostics_(diagnostics),
        budget_bytes_(tensor_budget(file_bytes)),
        build_(blocks, diagnostics),
        translator_(build_),
        written_(written_memory(program_)) {}

  Graph read() {
    build_.graph().name = options_.name;
    build_.graph().rounding = Rounding::once;
    check_options();
    const std::size_t errors = diagnostics_.error_count();
    count_calls(program_.graph, 0);
    report_missing_operators(program_.graph, 0);
    if (diagnostics_.error_count() > errors) throw Refusal{};
    if (program_.inputs.size() != program_.graph.inputs.size())
      fail(Kind::malformed_file, "the signature has another number of inputs than the graph");
    for (const Pt2Spec& spec : program_.inputs) declare_input(spec);
    while (!program_.graph.nodes.empty()) {  // each is gone once it is translated: files may have many
      run_node(program_.graph.nodes.front(), values_, 0);
      program_.graph.nodes.pop_front();
    }
    if (diagnostics_.error_count() > errors) throw Refusal{};
    for (const Pt2Spec& spec : program_.outputs) declare_output(spec);
    for (const Pt2Spec& spec : program_.inputs)
      if (states_.contains(spec.target)) keep(spec.target);
    if (build_.graph().public_outputs().empty()) fail(Kind::invalid_model, "the program returns no tensor");
    if (diagnostics_.error_count() > errors || !build_.make_names_unique()) throw Refusal{};
    build_.graph().remove_dead();
    return std::move(build_.graph());
  }

 private:
  [[noreturn]] void fail(Kind kind, const std::string& message, const std::string& help = {}) {
    torch::fail(diagnostics_, kind, message, help);
  }

  // --- options ---

  void check_options() {
    std::vector<std::string> inputs, dims;
    for (const Pt2Spec& spec : program_.inputs) {
      if (spec.kind != "user_input") continue;
      inputs.push_back(spec.argument.name);
      const Pt2Tensor* tensor = type_of(spec.argument.name);
      for (std::size_t i = 0; tensor != nullptr && i < tensor->sizes.size(); ++i) {
        if (tensor->sizes[i].symbols.empty()) continue;
        dims.push_back(tensor->sizes[i].symbols);
        dims.push_back(spec.argument.name + ":" + std::to_string(i));
      }
    }
    for (const auto& [name, tensor] : options_.frozen)
      check_named(diagnostics_, "--freeze", name, inputs, "input of the model");
    for (const auto& [name, size] : options_.dims)
      check_named(diagnostics_, "--dim", name, dims, "symbolic dimension of its inputs");
  }

  // --- what is missing ---

  /// Operators that say something of shapes, which was checked when exporting.
  static bool is_assertion(std::string_view op) {
    return op == "aten._assert_scalar" || op == "aten._assert_async" || op == "aten.sym_constrain_range" ||
           op == "aten.sym_constrain_range_for_size" || op == "aten._functional_assert_scalar" ||
           op == "aten._functional_assert_async" || op == "aten._assert_tensor_metadata";
  }
  static bool is_wrapper(std::string_view op) {
    return op == "higher_order.wrap_with_set_grad_enabled" || op == "higher_order.wrap_with_autocast";
  }
  static bool is_number_operator(std::string_view op) {
    return op.starts_with("_operator.") || op.starts_with("math.") || op.starts_with("torch.") ||
           op.starts_with("builtins.");
  }
  static bool is_size(std::string_view op) { return op == "aten.sym_size" || op == "aten.size"; }
  static bool is_known(std::string_view op) {
    return is_assertion(op) || is_wrapper(op) || is_number_operator(op) || is_size(op) ||
           op == "aten.sym_numel" || op == "higher_order.cond" || is_translated(op);
  }

  void report_missing_operators(const Pt2Graph& graph, int depth) {
    if (depth > kMaxGraphDepth) return;
    for (const Pt2Node& node : graph.nodes) {
      for (const auto& [name, argument] : node.inputs)
        if (argument.graph) report_missing_operators(*argument.graph, depth + 1);
      const auto [op, overload] = node.operator_name();
      if (is_known(op)) continue;
      if (++missing_ > kMaxMissingReported) continue;
      report_missing(build_, call_of(node, op, overload));
    }
    if (depth == 0 && missing_ > kMaxMissingReported)
      diagnostics_.add({.kind = Kind::unsupported_operator,
                        .message = "and " + count_text(missing_ - kMaxMissingReported, "layer") + " more"});
  }

  // --- inputs ---

  [[nodiscard]] const Pt2Tensor* type_of(const std::string& name) const {
    const auto found = program_.graph.tensors.find(name);
    return found == program_.graph.tensors.end() ? nullptr : &found->second;
  }

  std::int64_t dimension(const std::string& input, const Pt2Tensor& tensor, std::size_t i) {
    const Pt2Dimension& dim = tensor.sizes[i];
    if (dim.symbols.empty()) return dim.size;
    const std::string symbol = printable(dim.symbols), place = input + ":" + std::to_string(i);
    const auto range = program_.ranges.find(dim.symbols);
    std::optional<std::int64_t> size;
    for (const auto& [name, value] : options_.dims)
      if (name == place || name == dim.symbols) size = value;
    if (!size) {
      const auto known = sizes_.find(dim.symbols);
      if (known != sizes_.end()) return known->second;
    }
    if (size) {
      if (range != program_.ranges.end() && (*size < range->second.first || *size > range->second.second))
        fail(Kind::attribute_out_of_range,
             "--dim gives " + symbol + " of input `" + printable(input) + "` as " + std::to_string(*size) +
                 ", and the program was exported for " + std::to_string(range->second.first) + " to " +
                 std::to_string(range->second.second));
    } else if (i == 0 || dim.symbols == batch_symbol_) {
      batch_symbol_ = dim.symbols;
      size = 1;
      build_.remark(Kind::assumed_batch, "input `" + printable(input) + "`: the leading dimension, `" +
                                             symbol + "`, is taken as 1");
    } else {
      fail(Kind::dynamic_shape,
           "input `" + printable(input) + "`: dimension " + std::to_string(i) + ", `" + symbol +
               "`, is not known",
           "give it with --dim " + (symbol.find(' ') == std::string::npos ? symbol : place) + "=N");
    }
    const auto [known, is_new] = sizes_.emplace(dim.symbols, *size);
    if (!is_new && known->second != *size)
      fail(Kind::usage, "--dim gives `" + symbol + "` two sizes, " + std::to_string(known->second) + " and " +
                            std::to_string(*size));
    return *size;
  }

  DType dtype_of(const std::string& name, const Pt2Tensor& tensor) {
    const auto dtype = dtype_of_scalar_type(tensor.scalar_type);
    if (!dtype)
      fail(Kind::unsupported_feature,
           "`" + printable(name) + "` has elements of a type without a dtype here");
    if (!tensor.is_strided) fail(Kind::unsupported_feature, "`" + printable(name) + "` is a sparse tensor");
    return *dtype;
  }

  void declare_input(const Pt2Spec& spec) {
    const std::string& name = spec.argument.name;
    if (spec.kind == "user_input" && spec.argument.kind != Pt2Argument::Kind::name) return;  // None, a number
    if (spec.kind == "constant_input") return;
    if (spec.kind == "token" || spec.kind == "custom_obj")
      fail(Kind::unsupported_feature, "the program takes a " + spec.kind + ", `" + printable(name) + "`");
    if (values_.contains(name)) fail(Kind::malformed_file, "two inputs are called `" + printable(name) + "`");
    if (spec.kind != "user_input") {
      targets_[name] = spec.target;
      if (spec.kind == "buffer" && written_.contains(spec.target)) declare_state(spec);
      return;  // read when something asks for it
    }
    const Pt2Tensor* tensor = type_of(name);
    if (tensor == nullptr) fail(Kind::malformed_file, "input `" + printable(name) + "` has no type");
    if (written_.contains(name))
      build_.remark(Kind::remark, "the model writes over its input `" + printable(name) +
                                      "`; the program leaves the caller's memory as it is");
    const DType stored = dtype_of(name, *tensor), inside = read::computed_dtype(stored);
    if (const Tensor* given = options_.find_frozen(name)) return freeze(name, *tensor, inside, *given);
    Type type{stored, {}};
    for (std::size_t i = 0; i < tensor->sizes.size(); ++i) type.shape.push_back(dimension(name, *tensor, i));
    const ValueId id = add_input(build_, printable(name), type);
    values_[name] = Item(id);
  }

  void freeze(const std::string& name, const Pt2Tensor& tensor, DType inside, const Tensor& given) {
    const std::string what = "--freeze " + printable(name) + ": ";
    check_frozen_dtype(diagnostics_, printable(name), given.type.dtype, inside);
    bool fits = given.type.shape.size() == tensor.sizes.size();
    for (std::size_t i = 0; fits && i < tensor.sizes.size(); ++i)
      fits = !tensor.sizes[i].symbols.empty() || tensor.sizes[i].size == given.type.shape[i];
    if (!fits)
      fail(Kind::input_mismatch,
           what + "the file has shape " + shape_text(given.type.shape) + ", which the input does not have");
    for (std::size_t i = 0; i < tensor.sizes.size(); ++i)
      if (!tensor.sizes[i].symbols.empty()) sizes_.emplace(tensor.sizes[i].symbols, given.type.shape[i]);
    values_[name] = Item(build_.add_constant(printable(name), read::converted(given, inside)));
  }

  /// A buffer that the program writes.
  void declare_state(const Pt2Spec& spec) {
    Tensor first = stored(spec.target);
    const Type type = first.type;
    const ValueId id =
        build_.add_state(printable(spec.target), type, std::make_shared<const Bytes>(std::move(first.data)));
    states_[spec.target] = id;
    values_[spec.argument.name] = Item(id);
  }

  /// A parameter's, buffer's or constant's elements, in a dtype that graphs compute in.
  Tensor stored(const std::string& target) {
    const std::string what = "`" + printable(target) + "`";
    const auto found = program_.storages.find(target);
    if (found == program_.storages.end())
      fail(Kind::malformed_file, "the archive has no weights called " + what);
    const Pt2Storage& storage = found->second;
    if (storage.is_pickled)
      fail(Kind::unsupported_feature, what + " is stored as a pickle of a tensor subclass",
           "export the model with plain tensors");
    if (storage.is_quantized)
      fail(Kind::unsupported_feature, what + " is a quantized tensor",
           "quantize with PT2E, which keeps integers and their scales apart");
    ZipArchive& archive = storage.archive ? *storage.archive : archive_;
    const ZipEntry* entry = archive.find(storage.path);
    if (entry == nullptr)
      fail(Kind::malformed_file,
           what + " lies in `" + printable(storage.path) + "`, which the archive does not have");
    std::string why_not;
    const auto bytes = archive.content(*entry, why_not);
    if (!bytes) fail(Kind::malformed_file, "the archive " + why_not);
    StridedView view{dtype_of(target, storage.tensor), {}, storage.tensor.strides, storage.tensor.offset};
    for (const Pt2Dimension& size : storage.tensor.sizes) {
      if (!size.symbols.empty()) fail(Kind::malformed_file, what + " has a symbolic size");
      view.sizes.push_back(size.size);
    }
    auto tensor = contiguous(*bytes, view, budget_bytes_, why_not);
    if (!tensor) fail(Kind::malformed_file, what + " " + why_not);
    const DType inside = read::computed_dtype(view.dtype);
    return inside == view.dtype ? *std::move(tensor) : read::converted(*tensor, inside);
  }

  // --- nodes ---

  Item value_of(const std::string& name, Frame& frame) {
    if (const auto found = frame.find(name); found != frame.end()) return found->second;
    if (const auto target = targets_.find(name); target != targets_.end() && &frame == &values_) {
      const Item item(build_.add_constant(printable(target->second), stored(target->second)));
      frame.emplace(name, item);
      return item;
    }
    fail(Kind::malformed_file, "the value `" + printable(name) + "` is made by nothing");
  }

  Item item_of(const Pt2Argument& argument, Frame& frame) {
    switch (argument.kind) {
      case Pt2Argument::Kind::known:
        return argument.item;
      case Pt2Argument::Kind::name:
        return value_of(argument.name, frame);
      case Pt2Argument::Kind::list: {
        Item::List items;
        for (const Pt2Argument& element : argument.list) items.push_back(item_of(element, frame));
        return Item(std::move(items));
      }
      case Pt2Argument::Kind::graph:
      case Pt2Argument::Kind::unsupported:
        break;
    }
    return Item();
  }

  /// How many calls each module makes.
  void count_calls(const Pt2Graph& graph, int depth) {
    if (depth > kMaxGraphDepth) return;
    for (const Pt2Node& node : graph.nodes) {
      ++calls_[node.module];
      for (const auto& [name, argument] : node.inputs)
        if (argument.graph) count_calls(*argument.graph, depth + 1);
    }
  }

  [[nodiscard]] Call call_of(const Pt2Node& node, const std::string& op, const std::string& overload) const {
    Call call{op, overload};
    // A module's name alone says which layer it is, unless it makes several calls.
    const auto calls = calls_.find(node.module);
    call.layer = node.module.empty()                           ? node.name
                 : calls != calls_.end() && calls->second == 1 ? node.module
                                                               : node.module + "/" + node.name;
    if (call.layer.empty()) call.layer = op;
    call.source = node.source;
    return call;
  }

  void bind_outputs(const Pt2Node& node, const std::vector<Item>& results, Frame& frame) {
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const Pt2Argument& output = node.outputs[i];
      const Item result = i < results.size() ? results[i] : Item(Unknown{});
      if (output.kind == Pt2Argument::Kind::name) {
        frame[output.name] = result;
      } else if (output.kind == Pt2Argument::Kind::list) {
        for (std::size_t k = 0; k < output.list.size(); ++k)
          frame[output.list[k].name] =
              result.is_list() && k < result.list().size() ? result.list()[k] : Item(Unknown{});
      }
    }
  }

  void run(const Pt2Graph& graph, Frame& frame, int depth) {
    if (depth > kMaxGraphDepth) fail(Kind::limit_exceeded, "graphs nest deeper than 8");
    for (const Pt2Node& node : graph.nodes) run_node(node, frame, depth);
  }

  void run_node(const Pt2Node& node, Frame& frame, int depth) {
    if (translator_.is_hopeless()) throw Refusal{};
    const auto [op, overload] = node.operator_name();
    if (is_assertion(op)) return;
    Call call = call_of(node, op, overload);
    if (op == "higher_order.cond" || is_wrapper(op))
      return bind_outputs(node, run_inner(node, op, call, frame, depth), frame);
    for (const auto& [name, argument] : node.inputs) {
      if (argument.kind == Pt2Argument::Kind::unsupported || argument.kind == Pt2Argument::Kind::graph) {
        build_.set_layer(printable(call.layer), printable(op), call.source);
        (void)build_.refuse(
            Kind::unsupported_feature,
            "its argument `" + printable(name) + "` is of the kind `" + printable(argument.name) + "`");
        throw Refusal{};
      }
      if (name.empty())
        call.positional.push_back(item_of(argument, frame));
      else
        call.named.emplace_back(name, item_of(argument, frame));
    }
    if (is_number_operator(op) || is_size(op) || op == "aten.sym_numel")
      bind_outputs(node, {number_of(op, call)}, frame);
    else
      bind_outputs(node, results_of(node, translator_.call(call)), frame);
  }

  /// A file lists the elements of one result that is a list as outputs of their own.
  static std::vector<Item> results_of(const Pt2Node& node, std::vector<Item> results) {
    if (results.size() == 1 && results[0].is_list() && !node.outputs.empty() &&
        node.outputs[0].kind == Pt2Argument::Kind::name)
      return results[0].list();
    return results;
  }

  Item number_of(const std::string& op, const Call& call) {
    std::vector<Item> arguments = call.positional;
    for (const auto& [name, item] : call.named) arguments.push_back(item);
    if (std::ranges::any_of(arguments, &Item::is_unknown)) return Item(Unknown{});
    build_.set_layer(printable(call.layer), printable(op), call.source);
    std::string fault;
    std::optional<Item> result;
    if ((is_size(op) || op == "aten.sym_numel") && !arguments.empty() && arguments[0].is_tensor()) {
      const Type& type = build_.type(arguments[0].tensor());
      if (op == "aten.sym_numel") return Item(type.elements());
      if (arguments.size() < 2) return Item(type.shape);
      const std::int64_t rank = type.rank(), axis = arguments[1].is_int() ? arguments[1].integer() : rank;
      if (axis >= -rank && axis < rank)
        return Item(type.shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)]);
      fault = "its axis is outside the tensor";
    } else {
      result = evaluated(op, arguments, fault);
    }
    if (result && fault.empty()) return *result;
    (void)build_.refuse(
        fault.empty() ? Kind::unsupported_operator : Kind::invalid_model,
        fault.empty() ? "the operator " + printable(op) + " on numbers is not supported" : fault);
    throw Refusal{};
  }

  /// Graphs within graphs: those that only set a mode, and branches whose condition is known.
  std::vector<Item> run_inner(const Pt2Node& node, const std::string& op, const Call& call, Frame& frame,
                              int depth) {
    std::vector<const Pt2Graph*> graphs;
    std::vector<Item> operands;
    for (const auto& [name, argument] : node.inputs) {
      if (argument.kind == Pt2Argument::Kind::graph)
        graphs.push_back(argument.graph.get());
      else if (graphs.empty() || op != "higher_order.cond" || argument.kind != Pt2Argument::Kind::list)
        operands.push_back(item_of(argument, frame));
      else
        for (const Pt2Argument& element : argument.list) operands.push_back(item_of(element, frame));
    }
    const auto refuse = [&](Kind kind, const std::string& message) {
      build_.set_layer(printable(call.layer), printable(op), call.source);
      (void)build_.refuse(kind, message);
      throw Refusal{};
    };
    if (graphs.empty()) refuse(Kind::malformed_file, "it holds no graph");
    const Pt2Graph* graph = graphs[0];
    if (op == "higher_order.cond") {
      if (graphs.size() != 2 || operands.empty())
        refuse(Kind::malformed_file, "it does not have two branches");
      Item condition = operands.front();
      operands.erase(operands.begin());
      if (condition.is_tensor() && build_.is_constant(condition.tensor()))
        condition = Item(to_ints(build_.constant(condition.tensor()))[0]);
      if (!condition.is_number())
        refuse(Kind::unsupported_feature, "a branch is chosen by a value that is computed at run time");
      graph = condition.number() != 0 ? graphs[0] : graphs[1];
    } else {
      // The mode's own settings come before the graph, its operands after it.
      const std::size_t wanted = graph->inputs.size();
      if (operands.size() < wanted) refuse(Kind::malformed_file, "it gives its graph too few operands");
      operands.erase(operands.begin(), operands.end() - static_cast<std::ptrdiff_t>(wanted));
    }
    if (operands.size() != graph->inputs.size())
      refuse(Kind::malformed_file, "its operands do not fit its graph");
    Frame inner;
    for (std::size_t i = 0; i < operands.size(); ++i) inner[graph->inputs[i].name] = operands[i];
    run(*graph, inner, depth + 1);
    std::vector<Item> results;
    for (const Pt2Argument& output : graph->outputs) results.push_back(item_of(output, inner));
    return results;
  }

  // --- outputs ---

  /// A program may return an input, or a value twice: such outputs have names of their own.
  std::string output_name(std::string name) {
    const Graph& graph = build_.graph();
    const auto is_called_so = [&](ValueId id) { return graph.at(id).name == name; };
    while (std::ranges::any_of(graph.inputs, is_called_so) ||
           std::ranges::any_of(graph.outputs, is_called_so))
      name += "_out";
    return name;
  }

  void declare_output(const Pt2Spec& spec) {
    if (spec.kind == "buffer_mutation" || spec.kind == "user_input_mutation") return;
    if (spec.kind != "user_output" && spec.kind != "loss_output")
      fail(Kind::unsupported_feature, "the program has an output of the kind `" + printable(spec.kind) + "`");
    if (spec.argument.kind != Pt2Argument::Kind::name) return;  // None, or a number that the model returns
    const Item item = value_of(spec.argument.name, values_);
    if (!item.is_tensor()) return;
    const std::string name = output_name(printable(spec.argument.name));
    build_.set_layer(name, "Output");
    const ValueId id = build_.add_output(name, translator_.current(item.tensor()));
    build_.graph().at(id).name = name;
  }

  /// What a buffer holds when the program ends: the value that an output of the signature names, or what was
  /// written over it.
  ValueId final_contents(const std::string& buffer) {
    for (const Pt2Spec& spec : program_.outputs) {
      if (spec.kind != "buffer_mutation" || spec.target != buffer) continue;
      const Item item = value_of(spec.argument.name, values_);
      if (!item.is_tensor())
        fail(Kind::malformed_file, "`" + printable(spec.argument.name) + "` is no tensor");
      return translator_.current(item.tensor());
    }
    return translator_.current(states_.at(buffer));
  }

  /// Gives the state its next contents.
  void keep(const std::string& buffer) {
    const ValueId state = states_.at(buffer), next = final_contents(buffer);
    const Type &was = build_.type(state), &is = build_.type(next);
    if (was.shape != is.shape || was.dtype != is.dtype)
      fail(Kind::state_mismatch,
           "buffer `" + printable(buffer) + "` is " + type_text(was) + " and becomes " + type_text(is));
    if (next == state) return;
    const std::string name = printable(buffer) + "_next";
    build_.set_layer(name, "Output");
    const ValueId id = build_.add_output(name, next);
    build_.graph().at(id).name = name;
    build_.graph().kept.push_back(state);
  }

  ZipArchive& archive_;
  Pt2Program program_;
  const ReadOptions& options_;
  Diagnostics& diagnostics_;
  std::int64_t budget_bytes_;
  GraphBuilder build_;
  Translator translator_;
  Frame values_;
  std::unordered_map<std::string, std::string>
      targets_;                                          ///< names of stored tensors, by the graph's for them
  std::unordered_map<std::string, ValueId> states_;      ///< by buffer
  std::unordered_map<std::string, std::int64_t> sizes_;  ///< of symbols
  std::unordered_map<std::string, std::size_t> calls_;   ///< by module
  std::unordered_set<std::string> written_;              ///< buffers and inputs
  std::string batch_symbol_;
  std::size_t missing_ = 0;
};

}  // namespace
}  // namespace torch

Result<Graph> read_pt2(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                       Diagnostics& diagnostics) {
  return read::guarded(diagnostics, [&]() -> Result<Graph> {
    std::string why_not;
    auto archive = ZipArchive::open(file, why_not);
    if (!archive) return diagnostics.add({.kind = Kind::malformed_file, .message = "the file " + why_not});
    auto program = torch::read_pt2_program(*archive);
    if (!program)
      return diagnostics.add(
          {.kind = program.fault().kind, .message = program.fault().message, .help = program.fault().help});
    return torch::Pt2Reader(*archive, *std::move(program), file.size(), blocks, options, diagnostics).read();
  });
}

}  // namespace nb
