#include "read/torch/pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/text.h"

namespace nb::torch {
namespace {

// A node takes about a hundred bytes: a model has some fifteen a tensor.
constexpr std::size_t kMaxNodes = std::size_t{1} << 20;
constexpr std::size_t kMaxBytes = std::size_t{64}
                                  << 20;  // keeps offsets in 32 bits, and what is stacked bounded

constexpr std::size_t kMaxArguments = 16;

struct StorageRow {
  std::string_view name;
  DType dtype;
};
constexpr std::array<StorageRow, 13> kStorages = {{{"FloatStorage", DType::f32},
                                                   {"DoubleStorage", DType::f64},
                                                   {"HalfStorage", DType::f16},
                                                   {"BFloat16Storage", DType::bf16},
                                                   {"CharStorage", DType::i8},
                                                   {"ByteStorage", DType::u8},
                                                   {"ShortStorage", DType::i16},
                                                   {"IntStorage", DType::i32},
                                                   {"LongStorage", DType::i64},
                                                   {"BoolStorage", DType::boolean},
                                                   {"QInt8Storage", DType::i8},
                                                   {"QUInt8Storage", DType::u8},
                                                   {"QInt32Storage", DType::i32}}};

const StorageRow* find_storage(const PickleNode& global) {
  if (global.kind != PickleKind::global || global.text != "torch") return nullptr;
  for (const StorageRow& row : kStorages)
    if (row.name == global.name) return &row;
  return nullptr;
}

/// What a name makes of its arguments.
enum class Maker : std::uint8_t {
  unknown,
  script_class,
  storage,
  tensor,
  quantized_tensor,
  parameter,
  dict,
  list,
  tagged,
  scheme
};

struct MakerRow {
  std::string_view module, name;
  Maker maker;
};
constexpr std::array<MakerRow, 14> kMakers = {{
    {"torch._utils", "_rebuild_tensor", Maker::tensor},
    {"torch._utils", "_rebuild_tensor_v2", Maker::tensor},
    {"torch._utils", "_rebuild_qtensor", Maker::quantized_tensor},
    {"torch._utils", "_rebuild_parameter", Maker::parameter},
    {"torch._utils", "_rebuild_parameter_with_state", Maker::parameter},
    {"torch", "per_tensor_affine", Maker::scheme},
    {"torch", "per_channel_affine", Maker::scheme},
    {"collections", "OrderedDict", Maker::dict},
    {"torch.jit._pickle", "build_intlist", Maker::list},
    {"torch.jit._pickle", "build_tensorlist", Maker::list},
    {"torch.jit._pickle", "build_doublelist", Maker::list},
    {"torch.jit._pickle", "build_boollist", Maker::list},
    {"torch.jit._pickle", "build_stringlist", Maker::list},
    {"torch.jit._pickle", "restore_type_tag", Maker::tagged},
}};

Maker maker_of(const PickleNode& global) {
  if (global.kind != PickleKind::global) return Maker::unknown;
  if (global.text == "__torch__" || global.text.starts_with("__torch__.")) return Maker::script_class;
  if (find_storage(global) != nullptr) return Maker::storage;
  for (const MakerRow& row : kMakers)
    if (row.module == global.text && row.name == global.name) return row.maker;
  return Maker::unknown;
}

/// One reading. Every step returns whether it went well; if not, fault_ says why.
class Unpickler {
 public:
  Unpickler(ByteSpan bytes, PickleFault& fault) : bytes_(bytes), fault_(fault) {}

  std::optional<Pickle> read() {
    if (!looks_like_pickle(bytes_)) {
      fault_.message = "does not begin as a pickle of protocol 2 to 5";
      return std::nullopt;
    }
    if (bytes_.size() > kMaxBytes) bytes_ = bytes_.first(kMaxBytes);
    at_ = 2;
    while (!is_done_)
      if (!step()) return std::nullopt;
    return std::move(pickle_);
  }

 private:
  bool fail(std::string what) {
    if (fault_.message.empty()) fault_.message = std::move(what) + " at byte " + std::to_string(op_at_);
    return false;
  }

  bool need(std::uint64_t size) { return holds(bytes_, at_, size) || fail("ends inside an opcode"); }

  template <class T>
  bool take(T& value) {
    if (!need(sizeof(T))) return false;
    value = load<T>(bytes_, at_);
    at_ += sizeof(T);
    return true;
  }

  bool take_text(std::uint64_t size, std::string_view& text) {
    if (!need(size)) return false;
    text = {reinterpret_cast<const char*>(bytes_.data()) + at_, size};
    at_ += size;
    return true;
  }

  template <class Length>
  bool take_counted(std::string_view& text) {
    Length length = 0;
    return take(length) && take_text(length, text);
  }

  bool take_line(std::string_view& text) {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos || end > 4096) return fail("has a name without an end");
    text = rest.substr(0, end);
    at_ += end + 1;
    return true;
  }

  PickleNode& node(PickleId id) { return pickle_.nodes[id]; }

  bool push(PickleNode made) {
    if (pickle_.nodes.size() == kMaxNodes)
      return fail("has more than " + std::to_string(kMaxNodes) + " values");
    made.offset = static_cast<std::uint32_t>(op_at_);
    pickle_.nodes.push_back(std::move(made));
    stack_.push_back(static_cast<PickleId>(pickle_.nodes.size() - 1));
    return true;
  }

  bool push_integer(std::int64_t value, PickleKind kind = PickleKind::integer) {
    PickleNode made;
    made.kind = kind;
    made.integer = value;
    return push(std::move(made));
  }

  bool push_text(std::string_view text) {
    PickleNode made;
    made.kind = PickleKind::text;
    made.text = text;
    return push(std::move(made));
  }

  /// Each item costs a byte of the pickle or more, but for a dict made of pairs: several may be made of one
  /// list.
  bool count_items(std::size_t count) {
    items_ += count;
    return items_ <= 4 * bytes_.size() + 1024 || fail("has more items than a pickle of its size can name");
  }

  bool push_items(PickleKind kind, std::vector<PickleId> items = {}) {
    if (!count_items(items.size())) return false;
    PickleNode made;
    made.kind = kind;
    made.items = std::move(items);
    return push(std::move(made));
  }

  /// What lies on the stack above the latest mark is no longer below this.
  [[nodiscard]] std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  bool pop(PickleId& id) {
    if (stack_.size() <= floor()) return fail("takes a value that is not there");
    id = stack_.back();
    stack_.pop_back();
    return true;
  }

  bool pop_many(std::size_t count, std::vector<PickleId>& items) {
    if (stack_.size() < floor() + count) return fail("takes a value that is not there");
    items.assign(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return true;
  }

  bool pop_mark(std::vector<PickleId>& items) {
    if (marks_.empty()) return fail("has no mark");
    items.assign(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return true;
  }

  bool put(std::uint32_t index) {
    if (stack_.size() <= floor()) return fail("keeps a value that is not there");
    memo_[index] = stack_.back();
    return true;
  }

  bool get(std::uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) return fail("takes value " + std::to_string(index) + ", which was not kept,");
    stack_.push_back(found->second);
    return true;
  }

  bool push_global(std::string_view module, std::string_view name) {
    PickleNode made;
    made.kind = PickleKind::global;
    made.text = module;
    made.name = name;
    if (maker_of(made) == Maker::unknown) {
      fault_.global = printable(std::string(module) + "." + std::string(name));
      return fail("names `" + fault_.global + "`, which is not among what a model needs,");
    }
    return push(std::move(made));
  }

  /// Appends to the list, or sets in the dict, that lies on the stack.
  bool extend(PickleKind kind, std::vector<PickleId> items) {
    if (stack_.size() <= floor() || node(stack_.back()).kind != kind ||
        (kind == PickleKind::dict && items.size() % 2 != 0))
      return fail(kind == PickleKind::dict ? "sets items of what is no dict" : "appends to what is no list");
    if (!count_items(items.size())) return false;
    std::vector<PickleId>& into = node(stack_.back()).items;
    into.insert(into.end(), items.begin(), items.end());
    return true;
  }

  bool take_long(std::uint64_t size) {
    std::string_view raw;
    if (!take_text(size, raw)) return false;
    if (size > 8) return fail("has an integer of more than 64 bits");
    std::uint64_t value =
        size != 0 && (static_cast<unsigned char>(raw.back()) & 0x80u) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = raw.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
    return push_integer(static_cast<std::int64_t>(value));
  }

  bool take_real() {
    std::uint64_t raw = 0;
    if (!take(raw)) return false;
    PickleNode made;
    made.kind = PickleKind::real;
    made.real = std::bit_cast<double>(__builtin_bswap64(raw));
    return push(std::move(made));
  }

  bool is_kind(PickleId id, PickleKind kind) { return node(id).kind == kind; }

  bool ints_of(PickleId id, std::vector<std::int64_t>& values) {
    if (!is_kind(id, PickleKind::tuple) || node(id).items.size() > 64) return false;
    for (const PickleId item : node(id).items) {
      if (!is_kind(item, PickleKind::integer)) return false;
      values.push_back(node(item).integer);
    }
    return true;
  }

  /// (storage, offset, sizes, strides, ...)
  bool make_tensor(const std::vector<PickleId>& args, std::optional<Quantization> quantization) {
    PickleTensor tensor;
    if (args.size() < 4 || !is_kind(args[0], PickleKind::storage) || !is_kind(args[1], PickleKind::integer) ||
        !ints_of(args[2], tensor.view.sizes) || !ints_of(args[3], tensor.view.strides))
      return fail("makes a tensor of what is not storage, offset, sizes and strides");
    tensor.view.dtype = node(args[0]).dtype;
    tensor.view.offset = node(args[1]).integer;
    tensor.quantization = std::move(quantization);
    PickleNode made;
    made.kind = PickleKind::tensor;
    made.tensor = static_cast<std::uint32_t>(pickle_.tensors.size());
    made.items = {args[0]};
    pickle_.tensors.push_back(std::move(tensor));
    return push(std::move(made));
  }

  /// (scheme, scale, zero point) of the fifth argument.
  bool make_quantized(const std::vector<PickleId>& args) {
    if (args.size() < 5 || !is_kind(args[4], PickleKind::tuple) || node(args[4]).items.size() != 3)
      return fail("makes a quantized tensor without its parameters");
    const std::vector<PickleId>& parameters = node(args[4]).items;
    const PickleNode &scheme = node(parameters[0]), &scale = node(parameters[1]), &zero = node(parameters[2]);
    if (scheme.kind != PickleKind::global || scheme.name != "per_tensor_affine" ||
        scale.kind != PickleKind::real || zero.kind != PickleKind::integer ||
        zero.integer != static_cast<std::int32_t>(zero.integer) ||
        !(std::abs(scale.real) <= std::numeric_limits<float>::max()))
      return fail("makes a quantized tensor other than with one scale and zero point");
    return make_tensor(
        args, Quantization{{static_cast<float>(scale.real)}, {static_cast<std::int32_t>(zero.integer)}});
  }

  /// OrderedDict(), or with a list of pairs.
  bool make_dict(const std::vector<PickleId>& args) {
    std::vector<PickleId> items;
    if (args.size() > 1 || (args.size() == 1 && !is_kind(args[0], PickleKind::list)))
      return fail("makes a dict of what is no list of pairs");
    if (args.size() == 1)
      for (const PickleId pair : node(args[0]).items) {
        const PickleNode& both = node(pair);
        if ((both.kind != PickleKind::tuple && both.kind != PickleKind::list) || both.items.size() != 2)
          return fail("makes a dict of what is no list of pairs");
        items.insert(items.end(), both.items.begin(), both.items.end());
      }
    return push_items(PickleKind::dict, std::move(items));
  }

  bool reduce() {
    PickleId arguments = 0, callable = 0;
    if (!pop(arguments) || !pop(callable)) return false;
    if (!is_kind(arguments, PickleKind::tuple) || node(arguments).items.size() > kMaxArguments)
      return fail("calls with what is no short tuple");
    const std::vector<PickleId> args = node(arguments).items;
    switch (maker_of(node(callable))) {
      case Maker::tensor:
        return make_tensor(args, std::nullopt);
      case Maker::quantized_tensor:
        return make_quantized(args);
      case Maker::parameter:
        if (args.empty() || !is_kind(args[0], PickleKind::tensor))
          return fail("makes a parameter of what is no tensor");
        stack_.push_back(args[0]);
        return true;
      case Maker::dict:
        return make_dict(args);
      case Maker::list:
        if (args.size() != 1 || !is_kind(args[0], PickleKind::list))
          return fail("makes a list of what is none");
        stack_.push_back(args[0]);
        return true;
      case Maker::tagged:
        if (args.size() != 2) return fail("gives a type to other than one value");
        stack_.push_back(args[0]);
        return true;
      default:
        return fail("calls what is no function");
    }
  }

  bool make_object() {
    PickleId arguments = 0, type = 0;
    if (!pop(arguments) || !pop(type)) return false;
    if (maker_of(node(type)) != Maker::script_class || !is_kind(arguments, PickleKind::tuple) ||
        !node(arguments).items.empty())
      return fail("makes an object of what is no class of the model");
    return push_items(PickleKind::object, {type});
  }

  bool build() {
    PickleId state = 0;
    if (!pop(state)) return false;
    if (stack_.size() <= floor()) return fail("gives a state to nothing");
    PickleNode& object = node(stack_.back());
    // An OrderedDict or tensor may carry attributes of its own (`_metadata`): they mean nothing here.
    if (object.kind == PickleKind::dict || object.kind == PickleKind::tensor) return true;
    if (object.kind != PickleKind::object || object.items.size() != 1)
      return fail("gives a state to what takes none");
    object.items.push_back(state);
    return true;
  }

  /// ("storage", type, key, device, elements, ...)
  bool make_storage() {
    PickleId id = 0;
    if (!pop(id)) return false;
    if (!is_kind(id, PickleKind::tuple) || node(id).items.size() < 5)
      return fail("refers to what is no storage");
    const std::vector<PickleId>& parts = node(id).items;
    const StorageRow* row = find_storage(node(parts[1]));
    if (node(parts[0]).text != "storage" || row == nullptr || !is_kind(parts[2], PickleKind::text) ||
        !is_kind(parts[4], PickleKind::integer))
      return fail("refers to what is no storage");
    PickleNode made;
    made.kind = PickleKind::storage;
    made.text = node(parts[2]).text;
    made.dtype = row->dtype;
    made.integer = node(parts[4]).integer;
    return push(std::move(made));
  }

  bool stack_global() {
    PickleId name = 0, module = 0;
    if (!pop(name) || !pop(module)) return false;
    if (!is_kind(name, PickleKind::text) || !is_kind(module, PickleKind::text))
      return fail("names what is no text");
    return push_global(node(module).text, node(name).text);
  }

  template <class Index>
  bool put_at() {
    Index index = 0;
    return take(index) && put(index);
  }
  template <class Index>
  bool get_at() {
    Index index = 0;
    return take(index) && get(index);
  }
  template <class Value>
  bool push_taken() {
    Value value = 0;
    return take(value) && push_integer(value);
  }
  template <class Length>
  bool push_counted() {
    std::string_view text;
    return take_counted<Length>(text) && push_text(text);
  }
  template <class Length>
  bool push_long() {
    Length length = 0;
    return take(length) && take_long(length);
  }
  bool push_counted_items(PickleKind kind, std::size_t count) {
    std::vector<PickleId> items;
    return pop_many(count, items) && push_items(kind, std::move(items));
  }
  bool push_marked_items(PickleKind kind) {
    std::vector<PickleId> items;
    if (!pop_mark(items)) return false;
    if (kind == PickleKind::dict && items.size() % 2 != 0)
      return fail("makes a dict of an odd number of values");
    return push_items(kind, std::move(items));
  }
  bool extend_by(PickleKind kind, std::size_t count) {
    std::vector<PickleId> items;
    return pop_many(count, items) && extend(kind, std::move(items));
  }
  bool extend_marked(PickleKind kind) {
    std::vector<PickleId> items;
    return pop_mark(items) && extend(kind, std::move(items));
  }

  bool step() {
    op_at_ = at_;
    std::uint8_t op = 0;
    if (!take(op)) return false;
    std::string_view first, second;
    std::vector<PickleId> items;
    PickleId id = 0;
    switch (op) {
      case 0x80:  // PROTO
        return take(op);
      case 0x95: {  // FRAME
        std::uint64_t size = 0;
        return take(size);
      }
      case '.':
        if (!pop(pickle_.root)) return false;
        is_done_ = true;
        return true;
      case '(':
        marks_.push_back(stack_.size());
        return true;
      case '0':
        return pop(id);
      case '1':
        return pop_mark(items);
      case '2':
        if (stack_.size() <= floor()) return fail("takes a value that is not there");
        stack_.push_back(stack_.back());
        return true;
      case 'N':
        return push({});
      case 0x88:
      case 0x89:
        return push_integer(op == 0x88 ? 1 : 0, PickleKind::boolean);
      case 'J':
        return push_taken<std::int32_t>();
      case 'K':
        return push_taken<std::uint8_t>();
      case 'M':
        return push_taken<std::uint16_t>();
      case 0x8a:
        return push_long<std::uint8_t>();
      case 0x8b:
        return push_long<std::uint32_t>();
      case 'G':
        return take_real();
      case 'X':
      case 'T':
      case 'B':
        return push_counted<std::uint32_t>();
      case 0x8c:
      case 'U':
      case 'C':
        return push_counted<std::uint8_t>();
      case 0x8d:
      case 0x8e:
        return push_counted<std::uint64_t>();
      case ']':
        return push_items(PickleKind::list);
      case 'l':
        return push_marked_items(PickleKind::list);
      case 'a':
        return extend_by(PickleKind::list, 1);
      case 'e':
        return extend_marked(PickleKind::list);
      case ')':
        return push_items(PickleKind::tuple);
      case 't':
        return push_marked_items(PickleKind::tuple);
      case 0x85:
      case 0x86:
      case 0x87:
        return push_counted_items(PickleKind::tuple, op - 0x84u);
      case '}':
        return push_items(PickleKind::dict);
      case 'd':
        return push_marked_items(PickleKind::dict);
      case 's':
        return extend_by(PickleKind::dict, 2);
      case 'u':
        return extend_marked(PickleKind::dict);
      case 'q':
        return put_at<std::uint8_t>();
      case 'r':
        return put_at<std::uint32_t>();
      case 0x94:
        return put(static_cast<std::uint32_t>(memo_.size()));
      case 'h':
        return get_at<std::uint8_t>();
      case 'j':
        return get_at<std::uint32_t>();
      case 'c':
        return take_line(first) && take_line(second) && push_global(first, second);
      case 0x93:
        return stack_global();
      case 'R':
        return reduce();
      case 0x81:
        return make_object();
      case 'b':
        return build();
      case 'Q':
        return make_storage();
      default: {
        constexpr std::string_view kDigits = "0123456789abcdef";
        return fail(std::string("has the opcode 0x") + kDigits[op >> 4] + kDigits[op & 15] +
                    ", which no model needs,");
      }
    }
  }

  ByteSpan bytes_;
  PickleFault& fault_;
  Pickle pickle_;
  std::size_t at_ = 0, op_at_ = 0, items_ = 0;
  bool is_done_ = false;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, PickleId> memo_;
};

}  // namespace

PickleId Pickle::find(PickleId id, std::string_view key) const {
  if (id == kNoPickle || at(id).kind != PickleKind::dict) return kNoPickle;
  const std::vector<PickleId>& items = at(id).items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2)
    if (at(items[i]).kind == PickleKind::text && at(items[i]).text == key) return items[i + 1];
  return kNoPickle;
}

bool looks_like_pickle(ByteSpan bytes) {
  return bytes.size() > 2 && bytes[0] == std::byte{0x80} && bytes[1] >= std::byte{2} &&
         bytes[1] <= std::byte{5};
}

std::optional<Pickle> parse_pickle(ByteSpan bytes, PickleFault& fault) {
  return Unpickler(bytes, fault).read();
}

}  // namespace nb::torch
