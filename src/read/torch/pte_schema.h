// The tables of ExecuTorch's program.fbs that the reader uses: vtable slots (4 + 2 * the field's place; a
// union takes two) and tags of union members, as ExecuTorch 1.5.1 has them, file identifier ET12.
// test/conformance/pte_schema.py compares them with the schema where ExecuTorch is installed. Fields are only
// ever added at a table's end, so that later files read the same.
#pragma once
#include "read/flatbuffer.h"

namespace nb::torch::pte {
using namespace flat;

inline constexpr std::string_view kIdentifier = "ET12";      ///< bytes 4 to 8
inline constexpr std::string_view kExtendedHeader = "eh00";  ///< bytes 8 to 12, if the file has segments
inline constexpr std::uint32_t kExtendedHeaderBytes = 24;    ///< at least, with its magic and its length

struct TensorExtra {  // ExtraTensorInfo
  static constexpr ScalarField<std::uint64_t> mutable_data_segments_idx{
      4, 0, "ExtraTensorInfo.mutable_data_segments_idx"};
  static constexpr StringField fully_qualified_name{6, "ExtraTensorInfo.fully_qualified_name"};
  static constexpr ScalarField<std::int8_t> location{8, 0, "ExtraTensorInfo.location"};
};
inline constexpr std::int8_t kLocationExternal = 1;  ///< TensorDataLocation.EXTERNAL

struct AllocationDetails {
  static constexpr ScalarField<std::uint32_t> memory_id{4, 0, "AllocationDetails.memory_id"};
  static constexpr ScalarField<std::uint32_t> memory_offset_low{6, 0, "AllocationDetails.memory_offset_low"};
  static constexpr ScalarField<std::uint32_t> memory_offset_high{8, 0,
                                                                 "AllocationDetails.memory_offset_high"};
};

// Members of KernelTypes.
struct Null {
  static constexpr std::string_view kName = "Null";
  static constexpr std::uint8_t kTag = 1;
};
struct Int {
  static constexpr std::string_view kName = "Int";
  static constexpr std::uint8_t kTag = 2;
  static constexpr ScalarField<std::int64_t> int_val{4, 0, "Int.int_val"};
};
struct Bool {
  static constexpr std::string_view kName = "Bool";
  static constexpr std::uint8_t kTag = 3;
  static constexpr ScalarField<bool> bool_val{4, false, "Bool.bool_val"};
};
struct Double {
  static constexpr std::string_view kName = "Double";
  static constexpr std::uint8_t kTag = 4;
  static constexpr ScalarField<double> double_val{4, 0, "Double.double_val"};
};
struct Tensor {
  static constexpr std::string_view kName = "Tensor";
  static constexpr std::uint8_t kTag = 5;
  static constexpr ScalarField<std::int8_t> scalar_type{4, 0, "Tensor.scalar_type"};
  static constexpr ScalarField<std::int32_t> storage_offset{6, 0, "Tensor.storage_offset"};
  static constexpr VectorField<std::int32_t> sizes{8, "Tensor.sizes"};
  static constexpr VectorField<std::uint8_t> dim_order{10, "Tensor.dim_order"};
  static constexpr ScalarField<std::uint32_t> data_buffer_idx{14, 0, "Tensor.data_buffer_idx"};
  static constexpr TableField<AllocationDetails> allocation_info{16, "Tensor.allocation_info"};
  static constexpr ScalarField<std::int8_t> shape_dynamism{20, 0, "Tensor.shape_dynamism"};
  static constexpr TableField<TensorExtra> extra_tensor_info{22, "Tensor.extra_tensor_info"};
};
struct String {
  static constexpr std::string_view kName = "String";
  static constexpr std::uint8_t kTag = 6;
  static constexpr StringField string_val{4, "String.string_val"};
};
struct IntList {  // of value indexes, whatever its name says
  static constexpr std::string_view kName = "IntList";
  static constexpr std::uint8_t kTag = 7;
  static constexpr VectorField<std::int64_t> items{4, "IntList.items"};
};
struct DoubleList {
  static constexpr std::string_view kName = "DoubleList";
  static constexpr std::uint8_t kTag = 8;
  static constexpr VectorField<double> items{4, "DoubleList.items"};
};
struct BoolList {
  static constexpr std::string_view kName = "BoolList";
  static constexpr std::uint8_t kTag = 9;
  static constexpr VectorField<std::uint8_t> items{4, "BoolList.items"};
};
struct TensorList {
  static constexpr std::string_view kName = "TensorList";
  static constexpr std::uint8_t kTag = 10;
  static constexpr VectorField<std::int32_t> items{4, "TensorList.items"};
};
struct OptionalTensorList {
  static constexpr std::string_view kName = "OptionalTensorList";
  static constexpr std::uint8_t kTag = 11;
  static constexpr VectorField<std::int32_t> items{4, "OptionalTensorList.items"};
};
struct EValue {
  static constexpr ScalarField<std::uint8_t> val_type{4, 0, "EValue.val_type"};
  static constexpr UnionField val{6, "EValue.val"};
};

struct Operator {
  static constexpr StringField name{4, "Operator.name"};
  static constexpr StringField overload{6, "Operator.overload"};
};

// Members of InstructionArguments.
struct KernelCall {
  static constexpr std::string_view kName = "KernelCall";
  static constexpr std::uint8_t kTag = 1;
  static constexpr ScalarField<std::int32_t> op_index{4, 0, "KernelCall.op_index"};
  static constexpr VectorField<std::int32_t> args{6, "KernelCall.args"};
};
struct DelegateCall {
  static constexpr std::string_view kName = "DelegateCall";
  static constexpr std::uint8_t kTag = 2;
  static constexpr ScalarField<std::int32_t> delegate_index{4, 0, "DelegateCall.delegate_index"};
};
struct MoveCall {
  static constexpr std::string_view kName = "MoveCall";
  static constexpr std::uint8_t kTag = 3;
  static constexpr ScalarField<std::int32_t> move_from{4, 0, "MoveCall.move_from"};
  static constexpr ScalarField<std::int32_t> move_to{6, 0, "MoveCall.move_to"};
};
struct JumpFalseCall {
  static constexpr std::string_view kName = "JumpFalseCall";
  static constexpr std::uint8_t kTag = 4;
  static constexpr ScalarField<std::int32_t> cond_value_index{4, 0, "JumpFalseCall.cond_value_index"};
  static constexpr ScalarField<std::int32_t> destination_instruction{6, 0,
                                                                     "JumpFalseCall.destination_instruction"};
};
struct FreeCall {
  static constexpr std::string_view kName = "FreeCall";
  static constexpr std::uint8_t kTag = 5;
};
struct Instruction {
  static constexpr ScalarField<std::uint8_t> instr_args_type{4, 0, "Instruction.instr_args_type"};
  static constexpr UnionField instr_args{6, "Instruction.instr_args"};
};

struct Frame {
  static constexpr StringField filename{4, "Frame.filename"};
  static constexpr ScalarField<std::int32_t> lineno{6, 0, "Frame.lineno"};
  static constexpr StringField name{8, "Frame.name"};
};
struct FrameList {
  static constexpr TableVectorField<Frame> items{4, "FrameList.items"};
};
struct Chain {
  static constexpr TableVectorField<Instruction> instructions{8, "Chain.instructions"};
  static constexpr TableVectorField<FrameList> stacktrace{10, "Chain.stacktrace"};
};
struct BackendDelegate {
  static constexpr StringField id{4, "BackendDelegate.id"};
};
struct ExecutionPlan {
  static constexpr StringField name{4, "ExecutionPlan.name"};
  static constexpr TableVectorField<EValue> values{8, "ExecutionPlan.values"};
  static constexpr VectorField<std::int32_t> inputs{10, "ExecutionPlan.inputs"};
  static constexpr VectorField<std::int32_t> outputs{12, "ExecutionPlan.outputs"};
  static constexpr TableVectorField<Chain> chains{14, "ExecutionPlan.chains"};
  static constexpr TableVectorField<Operator> operators{16, "ExecutionPlan.operators"};
  static constexpr TableVectorField<BackendDelegate> delegates{18, "ExecutionPlan.delegates"};
};

struct Buffer {
  static constexpr VectorField<std::uint8_t> storage{4, "Buffer.storage"};
};
struct DataSegment {
  static constexpr ScalarField<std::uint64_t> offset{4, 0, "DataSegment.offset"};
  static constexpr ScalarField<std::uint64_t> size{6, 0, "DataSegment.size"};
};
struct SubsegmentOffsets {
  static constexpr ScalarField<std::uint32_t> segment_index{4, 0, "SubsegmentOffsets.segment_index"};
  static constexpr VectorField<std::uint64_t> offsets{6, "SubsegmentOffsets.offsets"};
};
struct Program {
  static constexpr ScalarField<std::uint32_t> version{4, 0, "Program.version"};
  static constexpr TableVectorField<ExecutionPlan> execution_plan{6, "Program.execution_plan"};
  static constexpr TableVectorField<Buffer> constant_buffer{8, "Program.constant_buffer"};
  static constexpr TableVectorField<DataSegment> segments{12, "Program.segments"};
  static constexpr TableField<SubsegmentOffsets> constant_segment{14, "Program.constant_segment"};
  static constexpr TableVectorField<SubsegmentOffsets> mutable_data_segments{16,
                                                                             "Program.mutable_data_segments"};
};

}  // namespace nb::torch::pte
