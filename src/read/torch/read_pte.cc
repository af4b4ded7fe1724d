#include "read/torch/inputs.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "read/compose.h"
#include "read/dtypes.h"
#include "read/torch/inputs.h"
#include "read/torch/pte_operators.h"
#include "read/torch/pte_program.h"
#include "read/torch/pte_values.h"
#include "read/torch/translator.h"

namespace nb {
namespace torch {
namespace {

using read::Refusal;

constexpr std::size_t kMaxSteps = 1000000;  // instructions run, those of loops each time

/// `forward`, or the only method; null, after a fault, if it is not clear which.
const PteMethod* chosen_method(const PteProgram& program, Diagnostics& diagnostics) {
  const PteMethod* chosen = nullptr;
  std::vector<std::string> others;
  for (const PteMethod& method : program.methods) {
    if (chosen == nullptr && method.name == "forward")
      chosen = &method;
    else if (others.size() < 20)
      others.push_back("`" + printable(method.name, 60) + "`");
  }
  if (chosen == nullptr && program.methods.size() == 1) return &program.methods[0];
  if (program.methods.empty())
    diagnostics.add({.kind = Kind::invalid_model, .message = "the program has no method"});
  else if (chosen == nullptr)
    diagnostics.add({.kind = Kind::unsupported_feature,
                     .message = "the program has no method `forward`, but " + join(others, ", "),
                     .help = "export the method that shall be compiled alone, or as `forward`"});
  else if (!others.empty())
    diagnostics.add(
        {.kind = Kind::remark,
         .message = "the method `forward` is compiled; the program also has " + join(others, ", ")});
  return chosen;
}

/// One reading of one method.
class PteReader {
 public:
  PteReader(const PteProgram& program, const PteMethod& method, std::size_t file_bytes,
            const BlockSet& blocks, const ReadOptions& options, Diagnostics& diagnostics)
      : method_(method),
        options_(options),
        diagnostics_(diagnostics),
        build_(blocks, diagnostics),
        translator_(build_),
        values_(program, method, file_bytes, translator_) {}

  Graph read() {
    build_.graph().name = options_.name;
    build_.graph().rounding = Rounding::once;
    const std::size_t errors = diagnostics_.error_count();
    for (const PteOperator& op : method_.operators) operators_.push_back(pte_operator(op));
    refuse_delegates();
    report_missing_operators();
    if (diagnostics_.error_count() > errors) throw Refusal{};
    find_written();
    check_options();
    for (std::size_t i = 0; i < method_.inputs.size(); ++i) declare_input(i);
    for (std::size_t c = 0; c < method_.chains.size(); ++c) run(c);
    if (diagnostics_.error_count() > errors) throw Refusal{};
    declare_outputs();
    keep_states();
    if (build_.graph().public_outputs().empty()) fail(Kind::invalid_model, "the program returns no tensor");
    if (diagnostics_.error_count() > errors || !build_.make_names_unique()) throw Refusal{};
    build_.graph().remove_dead();
    return std::move(build_.graph());
  }

 private:
  [[noreturn]] void fail(Kind kind, const std::string& message, const std::string& help = {}) {
    torch::fail(diagnostics_, kind, message, help);
  }
  /// At the present layer.
  [[noreturn]] void refuse(Kind kind, const std::string& message, const std::string& help = {}) {
    (void)build_.refuse(kind, message, help);
    throw Refusal{};
  }

  // --- the method ---

  void refuse_delegates() {
    std::map<std::string, std::size_t> calls;
    for (const auto& chain : method_.chains)
      for (const PteInstruction& instruction : chain)
        if (const auto* call = std::get_if<PteDelegateCall>(&instruction.what))
          ++calls[printable(method_.delegates[call->delegate], 60)];
    for (const auto& [id, count] : calls)
      diagnostics_.add(
          {.kind = Kind::unsupported_operator,
           .message = "the program calls the delegate `" + id + "` (" + count_text(count, "call") +
                      "), whose code only its own runtime reads",
           .help = "export without a partitioner: "
                   "to_edge(torch.export.export(model.eval(), inputs)).to_executorch().write_to_file(file)"});
  }

  void report_missing_operators() {
    std::vector<bool> is_said(operators_.size(), false);
    for (const auto& chain : method_.chains)
      for (const PteInstruction& instruction : chain) {
        const auto* call = std::get_if<PteKernelCall>(&instruction.what);
        if (call == nullptr) continue;
        const PteReading& op = operators_[call->op];
        if (op.kind != PteKind::missing || is_said[call->op]) continue;
        is_said[call->op] = true;
        if (++missing_ > kMaxMissingReported) continue;
        const Call missing{.op = op.name,
                           .overload = op.overload,
                           .layer = op.name.substr(op.name.find('.') + 1),
                           .source = instruction.source};
        if (!is_translated(op.name)) {
          report_missing(build_, missing);
          continue;
        }
        build_.set_layer(missing.layer, printable(op.name), missing.source);
        (void)build_.refuse(Kind::unsupported_operator, "PyTorch has no overload `" + printable(op.overload) +
                                                            "` of " + printable(op.name));
      }
    if (missing_ > kMaxMissingReported)
      diagnostics_.add(
          {.kind = Kind::unsupported_operator,
           .message = "and " + count_text(missing_ - kMaxMissingReported, "operator") + " more"});
  }

  void find_written() {
    for (const auto& chain : method_.chains)
      for (const PteInstruction& instruction : chain) {
        if (const auto* move = std::get_if<PteMove>(&instruction.what)) values_.will_be_written(move->to);
        const auto* call = std::get_if<PteKernelCall>(&instruction.what);
        if (call == nullptr) continue;
        const std::span<const std::size_t> all = call->arguments;
        for (const std::size_t index :
             values_.flattened(all.subspan(std::min(all.size(), operators_[call->op].parameters))))
          values_.will_be_written(index);
      }
  }

  // --- inputs ---

  void check_options() {
    std::vector<std::string> inputs, dims;
    for (std::size_t i = 0; i < method_.inputs.size(); ++i) {
      const PteTensor* tensor = values_.declared(method_.inputs[i]);
      if (tensor == nullptr) continue;
      inputs.push_back("in" + std::to_string(i));
      for (std::size_t axis = 0; tensor->is_dynamic && axis < tensor->sizes.size(); ++axis)
        dims.push_back(inputs.back() + ":" + std::to_string(axis));
    }
    for (const auto& [name, tensor] : options_.frozen)
      check_named(diagnostics_, "--freeze", name, inputs, "input of the program");
    for (const auto& [name, size] : options_.dims)
      check_named(diagnostics_, "--dim", name, dims, "axis of an input whose size may vary");
  }

  Shape input_shape(const std::string& name, const PteTensor& tensor) {
    Shape shape = tensor.sizes;
    if (!tensor.is_dynamic) return shape;
    bool is_given = false;
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      for (const auto& [place, size] : options_.dims) {
        if (place != name + ":" + std::to_string(axis)) continue;
        if (size > tensor.sizes[axis])
          fail(Kind::attribute_out_of_range, "--dim gives axis " + std::to_string(axis) + " of input `" +
                                                 name + "` as " + std::to_string(size) +
                                                 ", and the program was exported for up to " +
                                                 std::to_string(tensor.sizes[axis]));
        shape[axis] = size;
        is_given = true;
      }
    if (!is_given)
      fail(Kind::dynamic_shape,
           "input `" + name + "` varies in size, up to " + shape_text(tensor.sizes) +
               "; the file does not say along which axes",
           "give those that vary, as --dim " + name + ":0=1; the others keep these sizes");
    return shape;
  }

  void declare_input(std::size_t number) {
    const std::size_t index = method_.inputs[number];
    const PteTensor* tensor = values_.declared(index);
    if (tensor == nullptr) return;  // a number or None, which the program was exported for
    const std::string name = "in" + std::to_string(number);
    if (values_.find(index) != nullptr)
      fail(Kind::invalid_model, "value " + std::to_string(index) + " is two inputs");
    const DType outside = values_.dtype_of(*tensor, "input `" + name + "`"),
                inside = read::computed_dtype(outside);
    if (const nb::Tensor* given = options_.find_frozen(name))
      return freeze(index, name, *tensor, inside, *given);
    const Type type{outside, input_shape(name, *tensor)};
    const ValueId id = add_input(build_, name, type);
    given_.push_back({index, id});
    values_.write(index, Item(id));
  }

  void freeze(std::size_t index, const std::string& name, const PteTensor& tensor, DType inside,
              const nb::Tensor& given) {
    const std::string what = "--freeze " + name + ": ";
    check_frozen_dtype(diagnostics_, name, given.type.dtype, inside);
    bool fits = given.type.shape.size() == tensor.sizes.size();
    for (std::size_t i = 0; fits && i < tensor.sizes.size(); ++i)
      fits =
          tensor.is_dynamic ? given.type.shape[i] <= tensor.sizes[i] : given.type.shape[i] == tensor.sizes[i];
    if (!fits)
      fail(Kind::input_mismatch, what + "the file has shape " + shape_text(given.type.shape) +
                                     ", the input is " + shape_text(tensor.sizes));
    const ValueId id = build_.add_constant(name, read::converted(given, inside));
    given_.push_back({index, id});
    values_.write(index, Item(id));
  }

  // --- instructions ---

  void run(std::size_t chain_index) {
    const std::vector<PteInstruction>& chain = method_.chains[chain_index];
    std::size_t next = 0;
    while (next < chain.size() && !translator_.is_hopeless()) {
      const std::size_t at = next++;
      const PteInstruction& instruction = chain[at];
      if (++steps_ > kMaxSteps)
        fail(Kind::limit_exceeded,
             "the program runs more than " + std::to_string(kMaxSteps) + " instructions");
      if (const auto* call = std::get_if<PteKernelCall>(&instruction.what)) {
        run_call(*call, instruction.source);
      } else if (const auto* move = std::get_if<PteMove>(&instruction.what)) {
        build_.set_layer("instruction_" + std::to_string(at), "MoveCall", instruction.source);
        values_.write(move->to, values_.read(move->from));
      } else if (const auto* jump = std::get_if<PteJumpFalse>(&instruction.what)) {
        build_.set_layer("instruction_" + std::to_string(at), "JumpFalseCall", instruction.source);
        if (!is_true(jump->condition)) next = jump->destination;
      }
    }
    if (translator_.is_hopeless()) throw Refusal{};
  }

  bool is_true(std::size_t condition) {
    const Item item = values_.read(condition);
    if (item.is_unknown()) throw Refusal{};
    if (item.is_number()) return item.number() != 0;
    if (!item.is_tensor()) refuse(Kind::invalid_model, "its condition is " + item.described());
    const ValueId id = translator_.current(item.tensor());
    if (!build_.is_constant(id))
      refuse(Kind::unsupported_feature, "which instructions run depends on data at run time",
             "compute both branches, and choose with torch.where");
    const auto values = build_.doubles(id, "the condition");
    if (!values) throw Refusal{};
    if (values->size() != 1) refuse(Kind::invalid_model, "its condition has more than one element");
    return values->front() != 0;
  }

  void run_call(const PteKernelCall& call, const std::string& source) {
    const PteReading& op = operators_[call.op];
    Call made{.op = op.name, .overload = op.overload, .layer = values_.layer_name(op.name), .source = source};
    build_.set_layer(made.layer, printable(op.name), source);
    if (op.kind == PteKind::assertion) return;
    if (call.arguments.size() < op.parameters)
      refuse(Kind::invalid_model, "it has " + count_text(call.arguments.size(), "argument") + ", and takes " +
                                      std::to_string(op.parameters));
    for (std::size_t i = 0; i < op.parameters; ++i)
      made.positional.push_back(values_.read(call.arguments[i]));
    const std::vector<std::size_t> filled =
        values_.flattened(std::span(call.arguments).subspan(op.parameters));
    std::vector<Item> results;
    if (op.kind == PteKind::tensors)
      results = separated(call, op, filled, translator_.call(made));
    else
      results.push_back(number_of(translator_, op, made.positional));
    bind(filled, std::move(results));
  }

  /// The results, none of which is the value of an argument: an out has memory of its own, and keeps its
  /// contents when the argument is written. In-place calls and views share it.
  std::vector<Item> separated(const PteKernelCall& call, const PteReading& op,
                              const std::vector<std::size_t>& filled, std::vector<Item> results) {
    if (op.name == "executorch_prim.et_view") return results;
    const std::span<const std::size_t> taken = std::span(call.arguments).first(op.parameters);
    for (const std::size_t index : filled)
      if (std::ranges::find(taken, index) != taken.end()) return results;
    std::vector<ValueId> known;
    for (const std::size_t index : values_.flattened(taken))
      if (const Item* item = values_.find(index); item != nullptr && item->is_tensor())
        known.push_back(translator_.current(item->tensor()));
    const auto separate = [&](const Item& item) {
      if (!item.is_tensor() || build_.is_constant(item.tensor()) ||
          std::ranges::find(known, item.tensor()) == known.end())
        return item;
      const auto copy = build_.add_one("identity", {item.tensor()}, {build_.layer()});
      if (!copy) throw Refusal{};
      return Item(*copy);
    };
    for (Item& item : results) {
      if (item.is_list()) {
        Item::List items;
        for (const Item& element : item.list()) items.push_back(separate(element));
        item = Item(std::move(items));
      } else {
        item = separate(item);
      }
    }
    return results;
  }

  /// Gives a call's results to the values that it fills: its outs, then the same again as what it returns.
  void bind(const std::vector<std::size_t>& filled, std::vector<Item> results) {
    std::vector<Item> flat;
    for (Item& item : results)
      if (item.is_list())
        flat.insert(flat.end(), item.list().begin(), item.list().end());
      else
        flat.push_back(std::move(item));
    const bool is_unknown = std::ranges::any_of(flat, [](const Item& item) { return item.is_unknown(); });
    for (std::size_t i = 0; i < filled.size(); ++i) {
      if (i >= flat.size()) {
        // What is returned repeats the outs; nothing is known of results that a fault keeps from being made.
        const std::span<const std::size_t> outs = std::span(filled).first(flat.size());
        if (std::ranges::find(outs, filled[i]) != outs.end()) continue;
        if (!is_unknown && !flat.empty())
          refuse(Kind::invalid_model, "it fills " + count_text(filled.size(), "value") + ", and makes " +
                                          std::to_string(flat.size()));
        values_.write(filled[i], Item(Unknown{}));
        continue;
      }
      values_.write(filled[i], flat[i].is_tensor() ? Item(fitted(filled[i], flat[i].tensor())) : flat[i]);
    }
  }

  /// The result as the value that it fills: an out decides the dtype.
  ValueId fitted(std::size_t index, ValueId id) {
    const PteTensor* tensor = values_.declared(index);
    if (tensor == nullptr)
      refuse(Kind::invalid_model, "value " + std::to_string(index) + " is filled, and is no tensor");
    const auto stored = dtype_of_scalar_type(tensor->scalar_type);
    if (!stored)
      refuse(Kind::unsupported_feature,
             "its result has elements of ExecuTorch's type " + std::to_string(tensor->scalar_type));
    const Type type = build_.type(id);
    // Results that nobody reads are declared empty.
    const bool is_empty = std::ranges::find(tensor->sizes, 0) != tensor->sizes.end();
    if (!tensor->is_dynamic && type.shape != tensor->sizes && !is_empty)
      refuse(Kind::invalid_model, "its result is " + shape_text(type.shape) + ", and " +
                                      shape_text(tensor->sizes) + " in the file");
    const DType dtype = read::computed_dtype(*stored);
    if (dtype == type.dtype) return id;
    read::Translation l(build_, build_.layer(), "cast");
    return read::cast(l, id, dtype);
  }

  // --- results ---

  /// What a value holds when the program ends.
  ValueId last_of(std::size_t index) {
    const Item* item = values_.find(index);
    return item != nullptr && item->is_tensor() ? translator_.current(item->tensor()) : ValueId();
  }

  void declare_outputs() {
    for (const auto& [index, id] : given_)
      if (last_of(index) != id)
        fail(Kind::unsupported_feature, "the program writes over its input, value " + std::to_string(index),
             "return the new contents, or keep them in a buffer of the module");
    for (std::size_t i = 0; i < method_.outputs.size(); ++i) {
      const std::string name = "out" + std::to_string(i);
      build_.set_layer(name, "Output");
      const Item item = values_.read(method_.outputs[i]);
      if (item.is_none()) continue;
      if (!item.is_tensor())
        fail(Kind::unsupported_feature,
             "output " + std::to_string(i) + " is no tensor, but " + item.described(), "return tensors");
      const ValueId id = build_.add_output(name, translator_.current(item.tensor()));
      build_.graph().at(id).name = name;
    }
  }

  void keep_states() {
    for (const auto& [index, id] : values_.states()) {
      const std::string name = build_.graph().at(id).name;
      build_.set_layer(name, "State");
      const ValueId last = last_of(index);
      if (last == id || !last.is_present()) {  // what would write it does not run: it is constant
        Value& value = build_.graph().at(id);
        value.source = Source::constant;
        if (!value.data) value.data = std::make_shared<const Bytes>(make_tensor(value.type).data);
        continue;
      }
      if (build_.type(last).quantization)
        refuse(Kind::unsupported_feature, "state `" + name + "` takes quantized contents",
               "dequantize before the buffer is written");
      const ValueId next = build_.add_output(name + "_next", last);
      build_.graph().at(next).name = name + "_next";
      build_.graph().kept.push_back(id);
    }
  }

  const PteMethod& method_;
  const ReadOptions& options_;
  Diagnostics& diagnostics_;
  GraphBuilder build_;
  Translator translator_;
  PteValues values_;
  std::vector<PteReading> operators_;
  struct Given {
    std::size_t index;
    ValueId id;
  };
  std::vector<Given> given_;  ///< inputs
  std::size_t steps_ = 0, missing_ = 0;
};

}  // namespace
}  // namespace torch

Result<Graph> read_pte(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                       Diagnostics& diagnostics) {
  const auto program = torch::parse_pte(file, diagnostics);
  if (!program) return kFailed;
  const torch::PteMethod* method = torch::chosen_method(*program, diagnostics);
  if (method == nullptr) return kFailed;
  return read::guarded(diagnostics, [&]() -> Result<Graph> {
    return torch::PteReader(*program, *method, file.size(), blocks, options, diagnostics).read();
  });
}

}  // namespace nb
