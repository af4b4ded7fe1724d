// Where a TorchScript program's modules, constants and code come from: the archive's pickles, storages and
// files.
#include <algorithm>

#include "base/text.h"
#include "read/dtypes.h"
#include "read/torch/script/machine.h"
#include "read/translation.h"

namespace nb::torch::script {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxSyntaxNodes = std::size_t{1} << 21;
constexpr std::size_t kMaxSteps = std::size_t{1} << 24;

/// "__torch__.a.b" -> "__torch__/a/b.py"
std::string file_of(std::string_view module) {
  std::string name(module);
  std::replace(name.begin(), name.end(), '.', '/');
  return name + ".py";
}

}  // namespace

Machine::Machine(ZipArchive& archive, std::string top, std::size_t file_bytes, Translator& translator)
    : archive_(archive),
      top_(std::move(top)),
      translator_(translator),
      tensor_budget_(tensor_budget(file_bytes)),
      steps_left_(kMaxSteps),
      nodes_left_(kMaxSyntaxNodes) {}

const Pickle& Machine::load_pickle(const std::string& name, std::optional<Pickle>& into) {
  if (into) return *into;
  const ZipEntry* entry = archive_.find(top_ + name);
  if (entry == nullptr) refuse(Kind::malformed_file, "the archive has no `" + name + "`");
  std::string why_not;
  const auto bytes = archive_.content(*entry, why_not);
  if (!bytes) refuse(Kind::malformed_file, "the archive " + why_not);
  PickleFault fault;
  into = parse_pickle(*bytes, fault);
  if (!into)
    refuse(fault.global.empty() ? Kind::malformed_file : Kind::invalid_model,
           "`" + name + "` " + fault.message,
           fault.global.empty()
               ? ""
               : "nothing in a file is run; a file that asks for it is none that torch.jit.save wrote");
  return *into;
}

Object& Machine::load_module() {
  const Pickle& pickle = load_pickle("data.pkl", pickle_);
  const Value module = from_pickle(pickle, pickle.root, "");
  if (!module.is(ValueKind::object)) invalid("`data.pkl` holds " + described(module) + ", not a module");
  return module.object();
}

Value Machine::constant(std::string_view name) {
  const Pickle& pickle = load_pickle("constants.pkl", constants_);
  const PickleNode& root = pickle.at(pickle.root);
  std::size_t number = 0;
  bool is_number = name.size() > 1 && name.size() < 9 && name[0] == 'c';
  for (const char c : name.substr(std::min<std::size_t>(1, name.size()))) {
    is_number = is_number && c >= '0' && c <= '9';
    number = number * 10 + static_cast<std::size_t>(c - '0');
  }
  if (!is_number || (root.kind != PickleKind::tuple && root.kind != PickleKind::list) ||
      number >= root.items.size())
    invalid("`constants.pkl` has no constant `" + printable(name, 40) + "`");
  const PickleId id = root.items[number];
  const PickleNode& node = pickle.at(id);
  if (node.kind == PickleKind::tensor)
    return from_pickled_tensor(pickle, id, "constants/", "constant_" + std::to_string(number));
  if (node.kind == PickleKind::text) return make_text(std::string(node.text));
  invalid("constant `" + std::string(name) + "` is neither a tensor nor a text");
}

Value Machine::from_pickled_tensor(const Pickle& pickle, PickleId id, std::string_view folder,
                                   const std::string& name) {
  const PickleNode& node = pickle.at(id);
  const PickleTensor& tensor = pickle.tensors[node.tensor];
  const PickleNode& storage = pickle.at(node.items[0]);
  const std::string shown = "tensor `" + printable(name, 80) + "` ";
  // Shared weights are one constant.
  std::string key = std::string(folder) + std::string(storage.text) + " " +
                    std::string(dtype_name(tensor.view.dtype)) + " " + std::to_string(tensor.view.offset) +
                    shape_text(tensor.view.sizes);
  for (const std::int64_t stride : tensor.view.strides) key += "," + std::to_string(stride);
  if (const auto known = tensors_.find(key); known != tensors_.end() && !tensor.quantization)
    return Value(known->second);
  const ZipEntry* entry = archive_.find(top_ + std::string(folder) + std::string(storage.text));
  if (entry == nullptr)
    refuse(Kind::malformed_file,
           shown + "lies in a storage that the archive does not have: `" + printable(storage.text, 40) + "`");
  std::string why_not;
  const auto bytes = archive_.content(*entry, why_not);
  if (!bytes) refuse(Kind::malformed_file, "the archive " + why_not);
  const std::uint64_t said =
      static_cast<std::uint64_t>(storage.integer) * static_cast<std::uint64_t>(dtype_bytes(storage.dtype));
  if (storage.integer < 0 || storage.integer > (std::int64_t{1} << 40) || said > bytes->size())
    refuse(Kind::malformed_file, shown + "is said to lie in a storage of " + std::to_string(storage.integer) +
                                     " elements; the file has " + std::to_string(bytes->size()) +
                                     " bytes of it");
  auto made = contiguous(bytes->first(said), tensor.view, tensor_budget_, why_not);
  if (!made) refuse(Kind::malformed_file, shown + why_not);
  if (tensor.quantization)
    refuse(Kind::unsupported_feature, shown + "is quantized",
           "eager and FX quantization have operators of their own; quantize with PT2E and save with "
           "torch.export.save");
  const Value value =
      held_.contains(key) ? make_state(name, *std::move(made)) : make_constant(name, *std::move(made));
  tensors_.emplace(std::move(key), value.tensor());
  return value;
}

Value Machine::make_state(const std::string& name, Tensor tensor) {
  const DType inside = read::computed_dtype(tensor.type.dtype);
  if (inside != tensor.type.dtype) tensor = read::converted(tensor, inside);
  const Type type = tensor.type;
  states_.push_back(build().add_state(name.empty() ? "state" : printable(name), type,
                                      std::make_shared<const Bytes>(std::move(tensor.data))));
  return Value(states_.back());
}

std::unordered_set<std::string> Machine::written() {
  std::unordered_set<std::string> keys;
  for (const auto& [key, id] : tensors_)
    if (translator_.current(id) != id) keys.insert(key);
  return keys;
}

Value Machine::make_constant(const std::string& name, Tensor tensor) {
  const DType inside = read::computed_dtype(tensor.type.dtype);
  if (inside != tensor.type.dtype) tensor = read::converted(tensor, inside);
  return Value(build().add_constant(name.empty() ? "constant" : printable(name), std::move(tensor)));
}

Value Machine::from_pickle(const Pickle& pickle, PickleId id, std::string_view path, int depth) {
  if (depth > kMaxDepth) invalid("the pickled values are nested too deeply");
  if (const auto known = unpickled_.find(id); known != unpickled_.end()) return known->second;
  charge(1);
  const PickleNode& node = pickle.at(id);
  Value value;
  switch (node.kind) {
    case PickleKind::none:
      break;
    case PickleKind::boolean:
      value = Value(node.integer != 0);
      break;
    case PickleKind::integer:
      value = Value(node.integer);
      break;
    case PickleKind::real:
      value = Value(node.real);
      break;
    case PickleKind::text:
      value = make_text(std::string(node.text));
      break;
    case PickleKind::tensor:
      value = from_pickled_tensor(pickle, id, "data/", std::string(path));
      break;
    case PickleKind::list:
    case PickleKind::tuple: {
      value = node.kind == PickleKind::list ? heap_.list({}) : heap_.tuple({});
      unpickled_[id] = value;
      charge(node.items.size());
      for (std::size_t i = 0; i < node.items.size(); ++i)
        value.sequence().items.push_back(
            from_pickle(pickle, node.items[i], std::string(path) + "." + std::to_string(i), depth + 1));
      break;
    }
    case PickleKind::dict: {
      value = heap_.dict();
      unpickled_[id] = value;
      charge(node.items.size());
      for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
        const Value key = from_pickle(pickle, node.items[i], path, depth + 1);
        value.dict().items.emplace_back(
            key, from_pickle(pickle, node.items[i + 1], std::string(path) + "." + text_of(key), depth + 1));
      }
      break;
    }
    case PickleKind::object: {
      const PickleNode& type = pickle.at(node.items[0]);
      value = heap_.object();
      Object& object = value.object();
      object.path = path;
      object.state = node.items.size() > 1 ? node.items[1] : kNoPickle;
      const std::string qualified = std::string(type.text) + "." + std::string(type.name);
      object.type = find_class(qualified);
      if (object.type == nullptr)
        invalid("the archive's code has no class `" + printable(qualified, 120) + "`");
      if (object.state != kNoPickle && pickle.at(object.state).kind != PickleKind::dict)
        refuse(Kind::unsupported_feature,
               "an object of `" + printable(qualified, 120) + "` restores itself from its own kind of state",
               "packed parameters of quantized layers are such: export the float model");
      break;
    }
    case PickleKind::global:
    case PickleKind::storage:
      invalid("the pickled module holds a name where a value is wanted");
  }
  unpickled_[id] = value;
  return value;
}

Value Machine::attribute(Object& object, std::string_view name) {
  if (const auto known = object.known.find(std::string(name)); known != object.known.end())
    return known->second;
  Value value;
  const PickleId id = pickle_ ? pickle_->find(object.state, name) : kNoPickle;
  if (id != kNoPickle) {
    const std::string path = object.path.empty() ? std::string(name) : object.path + "." + std::string(name);
    value = from_pickle(*pickle_, id, path);
  } else {
    const auto& attributes = object.type->attributes;
    const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const ClassAttribute& a) {
      return a.name == name && a.value != nullptr;
    });
    if (found == attributes.end())
      invalid("an object of `" + printable(object.type->qualified, 120) + "` has no `" + printable(name, 60) +
              "`");
    Frame frame{nullptr, &object, {}};
    value = evaluate(*found->value, frame);
  }
  object.known.emplace(name, value);
  return value;
}

SourceFile* Machine::find_source(std::string_view module) {
  if (const auto known = sources_.find(std::string(module)); known != sources_.end())
    return known->second.get();
  std::unique_ptr<SourceFile>& source = sources_[std::string(module)];
  const std::string name = file_of(module);
  const ZipEntry* entry = archive_.find(top_ + "code/" + name);
  if (entry == nullptr) return nullptr;
  std::string why_not;
  const auto bytes = archive_.content(*entry, why_not);
  if (!bytes) refuse(Kind::malformed_file, "the archive " + why_not);
  auto made = std::make_unique<SourceFile>();
  made->name = name;
  SyntaxFault fault;
  if (!parse_source({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, *made, nodes_left_, fault))
    refuse(Kind::invalid_model,
           "code/" + printable(name, 120) + ":" + std::to_string(fault.line) + ": " + fault.message);
  source = std::move(made);
  return source.get();
}

std::string Machine::source(std::string_view file, std::uint32_t line) {
  std::unique_ptr<Origins>& origins = origins_[std::string(file)];
  if (origins == nullptr) {
    std::string why_not;  // what only tells lines may be missing or broken
    const ZipEntry* debug = archive_.find(top_ + "code/" + std::string(file) + ".debug_pkl");
    const ZipEntry* code = archive_.find(top_ + "code/" + std::string(file));
    const auto places = debug == nullptr ? std::nullopt : archive_.content(*debug, why_not);
    const auto text = code == nullptr ? std::nullopt : archive_.content(*code, why_not);
    origins = places && text
                  ? std::make_unique<Origins>(
                        *places, std::string_view(reinterpret_cast<const char*>(text->data()), text->size()))
                  : std::make_unique<Origins>(ByteSpan(), "");
  }
  const std::string place = origins->at(line);
  return place.empty() ? "code/" + printable(file, 120) + ":" + std::to_string(line) : place;
}

template <class T>
const T* Machine::find_named(std::string_view qualified,
                             const std::unordered_map<std::string_view, T> SourceFile::*all) {
  const std::size_t dot = qualified.rfind('.');
  if (dot == std::string_view::npos) return nullptr;
  SourceFile* source = find_source(qualified.substr(0, dot));
  if (source == nullptr) return nullptr;
  const auto found = (source->*all).find(qualified.substr(dot + 1));
  return found == (source->*all).end() ? nullptr : &found->second;
}

const Class* Machine::find_class(std::string_view qualified) {
  return find_named<Class>(qualified, &SourceFile::classes);
}

const Function* Machine::find_function(std::string_view qualified) {
  return find_named<Function>(qualified, &SourceFile::functions);
}

const Function* Machine::find_method(const Object& object, std::string_view name) {
  const auto found = object.type->methods.find(name);
  return found == object.type->methods.end() ? nullptr : &found->second;
}

}  // namespace nb::torch::script
