// What the compiler knows of one operator. A block is declared once, in blocks/<name>/; parser, printer,
// verifier, documentation, tests, emitter and report loop over these records and name none.
#pragma once
#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "diag/diagnostics.h"
#include "graph/attributes.h"
#include "graph/channels.h"
#include "graph/type.h"
#include "target/core.h"

namespace nb {

struct Block;

/// Why something cannot be: becomes a Diagnostic once the caller adds the place.
struct Fault {
  Kind kind;
  std::string message;
  std::string help = {};
};

/// A T, or the fault that prevents it.
template <class T>
class [[nodiscard]] Checked {
 public:
  Checked(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Checked(Fault fault) : state_(std::move(fault)) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  [[nodiscard]] const Fault& fault() const { return std::get<1>(state_); }

 private:
  std::variant<T, Fault> state_;
};

/// How many values an operand takes. Only the last operand may be variadic.
enum class Arity : std::uint8_t { one, optional, variadic };

/// A set of dtypes.
class DTypeSet {
 public:
  template <class... D>
  constexpr explicit DTypeSet(D... dtypes) : bits_((0u | ... | (1u << static_cast<unsigned>(dtypes)))) {}
  [[nodiscard]] constexpr bool has(DType dtype) const {
    return ((bits_ >> static_cast<unsigned>(dtype)) & 1u) != 0;
  }
  [[nodiscard]] constexpr DTypeSet operator|(DTypeSet other) const {
    other.bits_ |= bits_;
    return other;
  }

 private:
  unsigned bits_;
};
inline constexpr DTypeSet kFloats{DType::f32};
inline constexpr DTypeSet kSignedInts{DType::i8, DType::i16, DType::i32, DType::i64};
inline constexpr DTypeSet kUnsignedInts{DType::u8, DType::u16, DType::u32, DType::u64};
inline constexpr DTypeSet kInts = kSignedInts | kUnsignedInts;
inline constexpr DTypeSet kNumbers = kFloats | kInts;
inline constexpr DTypeSet kBooleans{DType::boolean};
inline constexpr DTypeSet kAnyDType = kNumbers | kBooleans | DTypeSet{DType::f64, DType::f16, DType::bf16};

struct Operand {
  std::string_view name;
  DTypeSet dtypes = kAnyDType;
  Arity arity = Arity::one;
  bool is_state = false;     ///< kept between runs; the kernel overwrites it
  bool is_constant = false;  ///< must be known when compiling
  bool is_bias = false;      ///< in quantized form i32, in units of operand 0's scale times operand 1's
  bool is_real = false;      ///< in quantized form a float constant still: kernels pack integers of it
  bool is_wide = false;      ///< in quantized form i16, whatever the layer's own numbers are
};

/// The declaration of operand i: the last one speaks for all that follow.
[[nodiscard]] inline const Operand& operand_at(const std::vector<Operand>& operands, std::size_t i) {
  return operands[i < operands.size() ? i : operands.size() - 1];
}

/// What a block makes of integers that stand for real numbers (Type::quantization).
enum class QuantizedForm : std::uint8_t {
  none,    ///< not the same function of the real numbers
  rounds,  ///< the same function, rounded to the numbers of its output
  bounds,  ///< it picks and bounds elements: rounding its float operands instead of its output gives the same
  moves,   ///< it picks elements: dequantizing its result instead of its operands gives the same, too
};

/// How integer blocks bring sums to the numbers of their output (docs/decisions/0002 and 0008).
enum class Rounding : std::uint8_t {
  twice,  ///< as TensorFlow Lite Micro: to 2^-shift steps, then to whole ones
  once,   ///< to the nearest: as a float network between dequantize and quantize
};

/// One use of a block, as inference, kernels and tests see it.
struct Operation {
  const Block* block = nullptr;
  const Attributes* attributes = nullptr;
  std::vector<const Type*> in;     ///< null where an optional operand is absent
  std::vector<const Bytes*> data;  ///< as `in`; null unless the operand is constant
  std::vector<const Type*> out;    ///< empty during inference
  std::string name;                ///< the layer's name in the model
  Rounding rounding = Rounding::twice;

  template <class A>
  [[nodiscard]] const A& attrs() const {
    return attributes->as<A>();
  }
  [[nodiscard]] bool has(std::size_t i) const { return i < in.size() && in[i] != nullptr; }
  /// The elements of constant operand i.
  template <class T>
  [[nodiscard]] std::span<const T> constant(std::size_t i) const {
    return {reinterpret_cast<const T*>(data[i]->data()), data[i]->size() / sizeof(T)};
  }
  [[nodiscard]] bool is_constant(std::size_t i) const { return has(i) && data[i] != nullptr; }
};

/// A tensor that a reference reads or writes.
struct TensorView {
  const Type* type = nullptr;  ///< null where an optional operand is absent
  std::byte* data = nullptr;
  template <class T>
  [[nodiscard]] std::span<T> as() const {
    return {reinterpret_cast<T*>(data), static_cast<std::size_t>(type->elements())};
  }
};

/// A constant as a kernel wants it in flash.
struct PackedConstant {
  std::string role;  ///< "weights", "bias", ...; becomes part of its name
  DType dtype;
  Bytes data;
  std::string note = {};  ///< the layout in words, for a comment
};

/// An argument of the emitted call.
struct Argument {
  enum class From : std::uint8_t { input, output, constant, scratch, literal } from;
  std::size_t index = 0;  ///< of the operand, the output, or the packed constant
  std::string text = {};  ///< a literal
  std::string cast = {};  ///< an element type if not that of the value; also the scratch's
};
inline Argument input_arg(std::size_t i) { return {Argument::From::input, i}; }
inline Argument output_arg(std::size_t i) { return {Argument::From::output, i}; }
inline Argument constant_arg(std::size_t i) { return {Argument::From::constant, i}; }
inline Argument scratch_arg(std::string element_type) {
  return {Argument::From::scratch, 0, {}, std::move(element_type)};
}
inline Argument literal_arg(std::string text) { return {Argument::From::literal, 0, std::move(text)}; }

/// One member of the call's parameter struct: its name (a comment) and its C++ initialiser.
struct Param {
  std::string name;
  std::string text;
};

/// What a kernel became for one node. An empty function is a view: the output is the input's memory.
struct Lowered {
  std::string function;     ///< "conv2d_s8" or "add<float>", in namespace nb
  std::string params_type;  ///< "Conv2dS8"; empty: no parameter struct
  std::vector<Param> params;
  std::vector<Argument> arguments;  ///< after the parameter struct
  std::vector<PackedConstant> constants;
  std::int64_t scratch_bytes = 0;
  /// Pairs (input, output) where the output may lie exactly on the input's memory.
  std::vector<std::pair<std::size_t, std::size_t>> in_place = {};
  bool in_place_alone = false;  ///< but only if no other input lies there
  /// A macro that the program defines before it includes headers, "NB_ROUNDS_ONCE"; empty: none.
  std::string define = {};
};

/// One way to compute a block on a core.
struct Kernel {
  std::string name;    ///< "conv2d_s8_dsp"
  std::string header;  ///< "conv2d/conv2d_s8_dsp.h"
  std::function<bool(const Operation&, const Core&)> applies;
  std::function<Lowered(const Operation&, const Core&)>
      lower;  ///< pure; called when selecting and when emitting
};

/// A use of the block that becomes a test on every kernel and board: types as in graph text, separated by
/// ';', operands that must be constants preceded by "const". `outputs` is needed where inference does not
/// know the quantization. With `fault` the sample must be refused with that kind.
struct Sample {
  std::string inputs;
  std::string attributes = {};
  std::string outputs = {};
  std::string_view fault = {};
};

struct Block {
  std::string name;
  std::string doc;  ///< what it computes, as a formula with shapes
  std::vector<Operand> inputs, outputs;
  AttributeOps attributes;
  /// Types of the outputs; output quantization is left empty where the model decides it.
  std::function<Checked<std::vector<Type>>(const Operation&)> infer;
  /// The meaning, in plain loops. Outputs are zero-filled beforehand; op.out has their full types.
  std::function<void(const Operation&, std::span<const TensorView>, std::span<const TensorView>)> reference;
  std::function<std::int64_t(const Operation&)> macs;  ///< multiply-accumulates, padding positions counted
  std::vector<Kernel> kernels;                         ///< the first that applies is taken
  std::vector<Sample> samples;
  /// Output element i depends on nothing but the operands' elements i (after broadcasting), wherever they
  /// lie.
  bool is_elementwise = false;
  /// Where channels go and which integers they can be, from the operands' intervals (one list an operand,
  /// empty where unknown). Null: elementwise blocks keep their channels, others are opaque.
  std::function<ChannelFlow(const Operation&, std::span<const ChannelIntervals>)> channel_flow;
  /// Which of these one use has; asked with float or with quantized types.
  std::function<QuantizedForm(const Operation&)> quantized_form = [](const Operation&) {
    return QuantizedForm::none;
  };
};

/// A block's declaration as a struct: all of this must be there.
template <class T>
concept BlockDeclaration = requires(const Operation& op, std::span<const TensorView> views) {
  { T::name } -> std::convertible_to<std::string_view>;
  { T::doc } -> std::convertible_to<std::string_view>;
  typename T::Attrs;
  T::fields;
  {std::span<const Operand>(T::inputs)};
  {std::span<const Operand>(T::outputs)};
  { T::infer(op) } -> std::same_as<Checked<std::vector<Type>>>;
  {T::reference(op, views, views)};
  { T::macs(op) } -> std::same_as<std::int64_t>;
  { T::kernels() } -> std::same_as<std::vector<Kernel>>;
  { T::samples() } -> std::same_as<std::vector<Sample>>;
};

/// The record of a declared block.
template <BlockDeclaration T>
[[nodiscard]] Block define() {
  Block block{std::string(T::name),
              std::string(T::doc),
              {T::inputs.begin(), T::inputs.end()},
              {T::outputs.begin(), T::outputs.end()},
              attribute_ops<typename T::Attrs>(T::fields),
              T::infer,
              T::reference,
              T::macs,
              T::kernels(),
              T::samples()};
  if constexpr (requires { T::is_elementwise; }) block.is_elementwise = T::is_elementwise;
  if constexpr (requires { T::channel_flow; }) block.channel_flow = T::channel_flow;
  if constexpr (requires(const Operation& op) { T::quantized_form(op); })
    block.quantized_form = T::quantized_form;
  else if constexpr (requires { T::quantized_form; })
    block.quantized_form = [](const Operation&) { return T::quantized_form; };
  return block;
}

/// Attributes of blocks without any.
struct NoAttrs {};
inline constexpr std::tuple<> kNoFields{};
inline std::int64_t no_macs(const Operation&) { return 0; }

/// All blocks, looked up by name.
class BlockSet {
 public:
  explicit BlockSet(std::vector<Block> blocks) : blocks_(std::move(blocks)) {}
  [[nodiscard]] const Block* find(std::string_view name) const;
  [[nodiscard]] const std::vector<Block>& all() const { return blocks_; }
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::vector<Block> blocks_;
};

/// Checks arity, dtypes and constness against the declaration, then infers.
[[nodiscard]] Checked<std::vector<Type>> infer_types(const Operation& op);

}  // namespace nb
