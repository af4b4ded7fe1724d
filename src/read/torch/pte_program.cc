#include "read/torch/pte_program.h"

#include <algorithm>

#include "base/text.h"
#include "read/torch/pte_schema.h"

namespace nb::torch {
namespace {

using namespace pte;

constexpr std::size_t kMaxOperators = 4096;                     // of a method, each listed once
constexpr std::size_t kMaxValues = std::size_t{1} << 21;        // of a method
constexpr std::size_t kMaxInstructions = std::size_t{1} << 20;  // of a method

/// Reads the tables of one file. A fault is reported once; the caller asks `flat.is_ok()` at the end.
class Parser {
 public:
  Parser(ByteSpan tables, ByteSpan file, std::uint64_t segment_base, Diagnostics& diagnostics)
      : flat_(tables, diagnostics), file_(file), segment_base_(segment_base), diagnostics_(diagnostics) {}

  Result<PteProgram> parse() {
    if (!flat_.require(0, 8, "Program", "the file's header")) return kFailed;
    const Table<Program> root(flat_, flat_.target(0), "Program");
    read_data(root);
    const auto methods = root[Program::execution_plan];
    for (std::size_t i = 0; i < methods.size() && flat_.is_ok() && is_small_; ++i) read_method(methods[i]);
    if (!flat_.is_ok() || !is_small_) return kFailed;
    return std::move(program_);
  }

 private:
  void fault(std::string_view field, std::uint64_t offset, const std::string& what) {
    flat_.fault(field, offset, what);
  }
  /// The index, if it is one of `count`; else 0, after a fault.
  std::size_t index(std::int64_t i, std::size_t count, std::string_view field, std::uint64_t offset) {
    if (i >= 0 && static_cast<std::uint64_t>(i) < count) return static_cast<std::size_t>(i);
    fault(field, offset, "index " + std::to_string(i) + " into a table of " + std::to_string(count));
    return 0;
  }
  std::vector<std::size_t> indexes(const Vector<std::int32_t>& from, std::size_t count,
                                   std::string_view field) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < from.size() && flat_.is_ok(); ++i)
      all.push_back(index(from[i], count, field, from.offset() + 4 * i));
    return all;
  }
  bool check_count(std::size_t count, std::size_t most, std::string_view what) {
    if (count <= most) return true;
    is_small_ = false;
    diagnostics_.add(
        {.kind = Kind::limit_exceeded,
         .message = "a method has " + count_text(count, what) + ", " + std::to_string(most) + " at most"});
    return false;
  }

  PteProgram::Offsets offsets_of(const Table<SubsegmentOffsets>& table) {
    PteProgram::Offsets made;
    if (!table.is_present()) return made;
    const auto offsets = table[SubsegmentOffsets::offsets];
    for (std::size_t i = 0; i < offsets.size(); ++i) made.offsets.push_back(offsets[i]);
    if (!made.offsets.empty())
      made.segment = index(table[SubsegmentOffsets::segment_index], program_.segments.size(),
                           SubsegmentOffsets::segment_index.name, table.offset());
    return made;
  }

  void read_data(const Table<Program>& root) {
    const auto buffers = root[Program::constant_buffer];
    for (std::size_t i = 0; i < buffers.size() && flat_.is_ok(); ++i)
      program_.constants.push_back(buffers[i][Buffer::storage].bytes());
    const auto segments = root[Program::segments];
    for (std::size_t i = 0; i < segments.size() && flat_.is_ok(); ++i) {
      const Table<DataSegment> segment = segments[i];
      const std::uint64_t offset = segment[DataSegment::offset], size = segment[DataSegment::size];
      if (size == 0) {
        program_.segments.emplace_back();
        continue;
      }
      if (segment_base_ == 0)
        return fault(Program::segments.name, segment.offset(),
                     "the file's header gives no place of segments");
      const ByteSpan rest = file_.subspan(static_cast<std::size_t>(segment_base_));
      if (!holds(rest, offset, size))
        return fault(Program::segments.name, segment.offset(),
                     "a segment of " + std::to_string(size) + " bytes runs past the end of the file");
      program_.segments.push_back(
          rest.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size)));
    }
    program_.constant_offsets = offsets_of(root[Program::constant_segment]);
    const auto groups = root[Program::mutable_data_segments];
    for (std::size_t i = 0; i < groups.size() && flat_.is_ok(); ++i)
      program_.mutable_offsets.push_back(offsets_of(groups[i]));
  }

  PteTensor tensor_of(const Table<pte::Tensor>& table) {
    PteTensor t;
    t.scalar_type = table[pte::Tensor::scalar_type];
    t.storage_offset = table[pte::Tensor::storage_offset];
    const auto sizes = table[pte::Tensor::sizes];
    for (std::size_t i = 0; i < sizes.size(); ++i) t.sizes.push_back(sizes[i]);
    const auto order = table[pte::Tensor::dim_order];
    if (sizes.size() > static_cast<std::size_t>(kMaxRank)) {
      fault(pte::Tensor::sizes.name, table.offset(), "a tensor of rank " + std::to_string(sizes.size()));
      return t;
    }
    std::vector<bool> is_seen(sizes.size(), false);
    bool is_permutation = order.size() == sizes.size() || order.empty();
    for (std::size_t i = 0; i < order.size() && is_permutation; ++i) {
      is_permutation = order[i] < is_seen.size() && !is_seen[order[i]];
      if (is_permutation) is_seen[order[i]] = true;
      t.dim_order.push_back(order[i]);
    }
    for (std::size_t i = t.dim_order.size(); i < sizes.size(); ++i)
      t.dim_order.push_back(static_cast<std::uint8_t>(i));
    if (!is_permutation)
      fault(pte::Tensor::dim_order.name, table.offset(), "the order of axes is no permutation of them");
    for (const std::int64_t size : t.sizes)
      if (size < 0) fault(pte::Tensor::sizes.name, table.offset(), "a size is " + std::to_string(size));
    t.buffer = table[pte::Tensor::data_buffer_idx];
    if (const auto place = table[pte::Tensor::allocation_info]; place.is_present()) {
      t.is_allocated = true;
      t.memory = place[AllocationDetails::memory_id];
      t.memory_offset = place[AllocationDetails::memory_offset_low] |
                        std::uint64_t{place[AllocationDetails::memory_offset_high]} << 32;
    }
    t.is_dynamic = table[pte::Tensor::shape_dynamism] != 0;
    if (const auto extra = table[pte::Tensor::extra_tensor_info]; extra.is_present()) {
      t.name = extra[TensorExtra::fully_qualified_name];
      t.is_external = extra[TensorExtra::location] == kLocationExternal;
      t.mutable_group = extra[TensorExtra::mutable_data_segments_idx];
    }
    return t;
  }

  template <class T>
  PteIndexes list_of(const Vector<T>& from, bool may_lack, std::string_view field) {
    PteIndexes list;
    for (std::size_t i = 0; i < from.size() && flat_.is_ok(); ++i) {
      const std::int64_t item = from[i];
      if (item == -1 && may_lack)
        list.items.push_back(-1);
      else
        list.items.push_back(
            static_cast<std::int64_t>(index(item, values_, field, from.offset() + sizeof(T) * i)));
    }
    return list;
  }

  template <class U>
  static Table<U> member(const Table<EValue>& value) {
    return value.member<U>(EValue::val);
  }

  PteValue value_of(const Table<EValue>& value) {
    const std::uint8_t tag = value[EValue::val_type];
    switch (tag) {
      case 0:  // the union's NONE
      case Null::kTag:
        return None{};
      case Int::kTag:
        return member<Int>(value)[Int::int_val];
      case Bool::kTag:
        return member<Bool>(value)[Bool::bool_val];
      case Double::kTag:
        return member<Double>(value)[Double::double_val];
      case pte::Tensor::kTag:
        return tensor_of(member<pte::Tensor>(value));
      case String::kTag:
        return member<String>(value)[String::string_val];
      case IntList::kTag:
        return list_of(member<IntList>(value)[IntList::items], false, IntList::items.name);
      case DoubleList::kTag: {
        const auto items = member<DoubleList>(value)[DoubleList::items];
        std::vector<double> all;
        for (std::size_t i = 0; i < items.size(); ++i) all.push_back(items[i]);
        return all;
      }
      case BoolList::kTag: {
        const auto items = member<BoolList>(value)[BoolList::items];
        std::vector<bool> all;
        // Bytes are not counted as they are read: a list of flags is never long.
        if (!flat_.charge(items.size(), items.offset(), BoolList::items.name)) return None{};
        for (std::size_t i = 0; i < items.size(); ++i) all.push_back(items[i] != 0);
        return all;
      }
      case TensorList::kTag:
        return list_of(member<TensorList>(value)[TensorList::items], true, TensorList::items.name);
      case OptionalTensorList::kTag:
        return list_of(member<OptionalTensorList>(value)[OptionalTensorList::items], true,
                       OptionalTensorList::items.name);
      default:
        fault(EValue::val.name, value.offset(), "a value of kind " + std::to_string(tag));
        return None{};
    }
  }

  /// Where the model's Python makes the call: the innermost frame of its stack.
  std::string source_of(const Table<FrameList>& list) {
    const auto frames = list[FrameList::items];
    if (frames.size() == 0) return {};
    const Table<Frame> frame = frames[frames.size() - 1];
    std::string_view file = frame[Frame::filename];
    if (file.empty()) return {};
    file.remove_prefix(file.size() - std::min<std::size_t>(file.size(), 200));  // many frames may share one
    return printable(file.substr(file.rfind('/') + 1), 80) + ":" + std::to_string(frame[Frame::lineno]) +
           " in " + printable(frame[Frame::name], 80);
  }

  PteInstruction instruction_of(const Table<Instruction>& table, const PteMethod& method, std::size_t count) {
    PteInstruction made;
    const UnionField& arguments = Instruction::instr_args;
    const std::uint8_t tag = table[Instruction::instr_args_type];
    switch (tag) {
      case KernelCall::kTag: {
        const auto call = table.member<KernelCall>(arguments);
        made.what = PteKernelCall{index(call[KernelCall::op_index], method.operators.size(),
                                        KernelCall::op_index.name, call.offset()),
                                  indexes(call[KernelCall::args], values_, KernelCall::args.name)};
        break;
      }
      case DelegateCall::kTag: {
        const auto call = table.member<DelegateCall>(arguments);
        made.what = PteDelegateCall{index(call[DelegateCall::delegate_index], method.delegates.size(),
                                          DelegateCall::delegate_index.name, call.offset())};
        break;
      }
      case MoveCall::kTag: {
        const auto move = table.member<MoveCall>(arguments);
        made.what =
            PteMove{index(move[MoveCall::move_from], values_, MoveCall::move_from.name, move.offset()),
                    index(move[MoveCall::move_to], values_, MoveCall::move_to.name, move.offset())};
        break;
      }
      case JumpFalseCall::kTag: {
        const auto jump = table.member<JumpFalseCall>(arguments);
        made.what = PteJumpFalse{index(jump[JumpFalseCall::cond_value_index], values_,
                                       JumpFalseCall::cond_value_index.name, jump.offset()),
                                 index(jump[JumpFalseCall::destination_instruction], count + 1,
                                       JumpFalseCall::destination_instruction.name, jump.offset())};
        break;
      }
      case FreeCall::kTag:
        made.what = PteFree{};
        break;
      default:
        fault(arguments.name, table.offset(), "an instruction of kind " + std::to_string(tag));
    }
    return made;
  }

  void read_method(const Table<ExecutionPlan>& plan) {
    PteMethod method;
    method.name = plan[ExecutionPlan::name];
    const auto operators = plan[ExecutionPlan::operators];
    if (!check_count(operators.size(), kMaxOperators, "operator")) return;
    for (std::size_t i = 0; i < operators.size() && flat_.is_ok(); ++i)
      method.operators.push_back({operators[i][Operator::name], operators[i][Operator::overload]});
    const auto delegates = plan[ExecutionPlan::delegates];
    for (std::size_t i = 0; i < delegates.size() && flat_.is_ok(); ++i)
      method.delegates.push_back(delegates[i][BackendDelegate::id]);
    const auto values = plan[ExecutionPlan::values];
    values_ = values.size();
    if (!check_count(values_, kMaxValues, "value")) return;
    for (std::size_t i = 0; i < values_ && flat_.is_ok(); ++i) method.values.push_back(value_of(values[i]));
    method.inputs = indexes(plan[ExecutionPlan::inputs], values_, ExecutionPlan::inputs.name);
    method.outputs = indexes(plan[ExecutionPlan::outputs], values_, ExecutionPlan::outputs.name);
    const auto chains = plan[ExecutionPlan::chains];
    std::size_t total = 0;
    for (std::size_t c = 0; c < chains.size() && flat_.is_ok(); ++c) {
      const Table<Chain> chain = chains[c];
      const auto instructions = chain[Chain::instructions];
      const auto stacks = chain[Chain::stacktrace];
      total += instructions.size();
      if (!check_count(total, kMaxInstructions, "instruction")) return;
      std::vector<PteInstruction>& made = method.chains.emplace_back();
      for (std::size_t i = 0; i < instructions.size() && flat_.is_ok(); ++i) {
        made.push_back(instruction_of(instructions[i], method, instructions.size()));
        if (i < stacks.size()) made.back().source = source_of(stacks[i]);
      }
    }
    program_.methods.push_back(std::move(method));
  }

  FlatFile flat_;
  ByteSpan file_;
  std::uint64_t segment_base_;  ///< 0: the header names none
  Diagnostics& diagnostics_;
  PteProgram program_;
  std::size_t values_ = 0;  ///< of the method that is read
  bool is_small_ = true;
};

std::string_view word_at(ByteSpan file, std::size_t offset) {
  if (!holds(file, offset, 4)) return {};
  return {reinterpret_cast<const char*>(file.data()) + offset, 4};
}

}  // namespace

std::optional<ByteSpan> PteProgram::storage_of(const PteTensor& tensor, std::string& why_not) const {
  const auto fail = [&](std::string why) {
    why_not = std::move(why);
    return std::nullopt;
  };
  const std::size_t buffer = tensor.buffer;
  if (!tensor.is_allocated && constant_offsets.offsets.empty()) {
    if (buffer < constants.size()) return constants[buffer];
    return fail("is buffer " + std::to_string(buffer) + " of " + std::to_string(constants.size()));
  }
  if (tensor.is_allocated && tensor.mutable_group >= mutable_offsets.size())
    return fail("begins with data of group " + std::to_string(tensor.mutable_group) + " of " +
                std::to_string(mutable_offsets.size()));
  const Offsets& group = tensor.is_allocated ? mutable_offsets[static_cast<std::size_t>(tensor.mutable_group)]
                                             : constant_offsets;
  if (buffer >= group.offsets.size())
    return fail("is buffer " + std::to_string(buffer) + " of " + std::to_string(group.offsets.size()));
  const ByteSpan segment = segments[group.segment];
  const std::uint64_t offset = group.offsets[buffer];
  if (offset > segment.size())
    return fail("begins at byte " + std::to_string(offset) + " of a segment of " +
                std::to_string(segment.size()));
  return segment.subspan(static_cast<std::size_t>(offset));
}

bool is_pte(ByteSpan file) {
  const std::string_view word = word_at(file, 4);
  return word.size() == 4 && word.starts_with("ET") && word[2] >= '0' && word[2] <= '9' && word[3] >= '0' &&
         word[3] <= '9';
}

Result<PteProgram> parse_pte(ByteSpan file, Diagnostics& diagnostics) {
  const auto malformed = [&](std::string message) {
    return diagnostics.add({.kind = Kind::malformed_file,
                            .message = std::move(message),
                            .notes = {"the file has " + std::to_string(file.size()) + " bytes"},
                            .help = "the file is damaged or cut short: fetch or export it again"});
  };
  if (word_at(file, 4) != kIdentifier)
    return diagnostics.add({.kind = Kind::unsupported_feature,
                            .message = "the program has the identifier `" + printable(word_at(file, 4)) +
                                       "`; programs of `" + std::string(kIdentifier) + "` are read",
                            .help = "export it with ExecuTorch 0.1 or later"});
  ByteSpan tables = file;
  std::uint64_t segment_base = 0;
  if (word_at(file, 8) == kExtendedHeader) {
    if (!holds(file, 8, kExtendedHeaderBytes) || load<std::uint32_t>(file, 12) < kExtendedHeaderBytes)
      return malformed("the extended header is cut short");
    const auto program_bytes = load<std::uint64_t>(file, 16);
    segment_base = load<std::uint64_t>(file, 24);
    if (program_bytes > file.size())
      return malformed("the header gives the program " + std::to_string(program_bytes) + " bytes");
    if (segment_base > file.size() || (segment_base != 0 && segment_base < program_bytes))
      return malformed("the header puts segments at byte " + std::to_string(segment_base));
    tables = file.first(static_cast<std::size_t>(program_bytes));
  }
  return Parser(tables, file, segment_base, diagnostics).parse();
}

}  // namespace nb::torch
