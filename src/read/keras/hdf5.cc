#include "read/keras/hdf5.h"

#include <csignal>

#include "base/process.h"
#include "base/text.h"

namespace nb::keras {
namespace {

constexpr double kMaxSeconds = 60;
constexpr std::uint64_t kMaxCpuSeconds = 30, kMemoryBytes = std::uint64_t{256} << 20;

/// Reads a stream from front to back; every read says whether there was enough.
class Cursor {
 public:
  explicit Cursor(ByteSpan bytes) : left_(bytes) {}
  template <class T>
  [[nodiscard]] bool number(T& value) {
    if (left_.size() < sizeof(T)) return false;
    value = load<T>(left_, 0);
    left_ = left_.subspan(sizeof(T));
    return true;
  }
  [[nodiscard]] bool bytes(std::uint64_t size, ByteSpan& out) {
    if (left_.size() < size) return false;
    out = left_.first(size);
    left_ = left_.subspan(size);
    return true;
  }
  [[nodiscard]] bool text(std::string& out) {
    std::uint32_t size = 0;
    ByteSpan raw;
    if (!number(size) || !bytes(size, raw)) return false;
    out.assign(reinterpret_cast<const char*>(raw.data()), raw.size());
    return true;
  }
  [[nodiscard]] bool is_at_end() const { return left_.empty(); }

 private:
  ByteSpan left_;
};

std::uint64_t bytes_of(ElementKind kind) {
  static constexpr std::array<std::uint64_t, 10> kBytes = {4, 2, 1, 1, 2, 2, 4, 4, 8, 8};
  return kBytes[static_cast<std::size_t>(kind)];
}

bool read_tensor(Cursor& at, StoredTensor& tensor) {
  std::uint8_t kind = 0, rank = 0;
  if (!at.number(kind) || kind > static_cast<std::uint8_t>(ElementKind::u64) || !at.number(rank) ||
      rank > kMaxTensorRank)
    return false;
  tensor.kind = static_cast<ElementKind>(kind);
  std::uint64_t wanted = bytes_of(tensor.kind);
  for (std::uint8_t i = 0; i < rank; ++i) {
    std::uint64_t dim = 0;
    if (!at.number(dim) || dim > static_cast<std::uint64_t>(kMaxTensorBytes) ||
        __builtin_mul_overflow(wanted, dim, &wanted))
      return false;
    tensor.shape.push_back(static_cast<std::int64_t>(dim));
  }
  std::uint64_t size = 0;
  return at.number(size) && size == wanted && at.bytes(size, tensor.elements);
}

}  // namespace

bool is_hdf5(ByteSpan file) {
  const auto stands_at = [&](std::size_t offset) {
    return holds(file, offset, kHdf5Signature.size()) &&
           std::memcmp(file.data() + offset, kHdf5Signature.data(), kHdf5Signature.size()) == 0;
  };
  if (stands_at(0)) return true;
  for (std::size_t offset = 512; offset < file.size() && offset <= (std::size_t{1} << 30); offset *= 2)
    if (stands_at(offset)) return true;
  return false;
}

const StoredTensor* Hdf5::find(const std::string& path) const {
  const auto found = tensors_.find(path);
  return found == tensors_.end() ? nullptr : &found->second;
}

const std::vector<std::string>* Hdf5::texts(const std::string& path, const std::string& name) const {
  const auto found = texts_.find({path, name});
  return found == texts_.end() ? nullptr : &found->second;
}

std::string Hdf5::text(const std::string& path, const std::string& name) const {
  const auto* found = texts(path, name);
  return found != nullptr && found->size() == 1 ? found->front() : "";
}

std::string Hdf5::why_left_out(const std::string& path) const {
  const auto found = left_out_.find(path);
  return found == left_out_.end() ? "" : found->second;
}

void Hdf5::join_lists() {
  std::vector<std::string> paths;
  for (const auto& [key, texts] : texts_)
    if (key.second == "weight_names0" || key.second == "layer_names0") paths.push_back(key.first);
  for (const std::string& path : paths)
    for (const std::string list : {"weight_names", "layer_names"}) {
      std::vector<std::string> whole;
      std::size_t parts = 0;
      while (const auto* part = texts(path, list + std::to_string(parts))) {
        whole.insert(whole.end(), part->begin(), part->end());
        ++parts;
      }
      if (parts > 0) texts_[{path, list}] = std::move(whole);
    }
}

std::string Hdf5::parse(std::string stream) {
  stream_ = std::move(stream);
  if (!std::string_view(stream_).starts_with(kStreamMagic)) return "it does not begin as one";
  Cursor at(as_byte_span(std::string_view(stream_).substr(kStreamMagic.size())));
  for (;;) {
    std::uint8_t kind = 0;
    if (!at.number(kind)) return "it has no end";
    std::string path, name;
    if (kind == static_cast<std::uint8_t>(RecordKind::end)) break;
    if (!at.text(path)) return "a path is cut off";
    if (kind == static_cast<std::uint8_t>(RecordKind::text)) {
      std::uint32_t count = 0;
      if (!at.text(name) || !at.number(count) || count > kMaxTexts) return "an attribute is cut off";
      std::vector<std::string> texts(count);
      for (std::string& text : texts)
        if (!at.text(text)) return "a text is cut off";
      texts_[{std::move(path), std::move(name)}] = std::move(texts);
    } else if (kind == static_cast<std::uint8_t>(RecordKind::tensor)) {
      StoredTensor tensor;
      if (!read_tensor(at, tensor)) return "the tensor `" + printable(path) + "` is broken";
      tensors_[std::move(path)] = std::move(tensor);
    } else if (kind == static_cast<std::uint8_t>(RecordKind::left_out)) {
      if (!at.text(name)) return "a reason is cut off";
      left_out_[std::move(path)] = printable(name);
    } else {
      return "a record is of no known kind";
    }
  }
  if (!at.is_at_end()) return "something stands behind its end";
  join_lists();
  return {};
}

Result<Hdf5> read_hdf5(ByteSpan file, const std::string& what, Diagnostics& diagnostics) {
  const auto program = find_companion("NBLOCKS_HDF5", {"nblocks-hdf5", "../lib/nblocks/nblocks-hdf5",
                                                       "../nblocks-hdf5", "../libexec/nblocks-hdf5"});
  if (program.empty())
    return diagnostics.add(
        {.kind = Kind::tool_missing,
         .message = "nblocks-hdf5, which reads the weights of Keras models, is not beside nblocks",
         .help = "install libhdf5-dev and build nblocks again (./build.sh), or export the model to "
                 ".tflite or .onnx"});
  if (!is_hdf5(file))
    return diagnostics.add({.kind = Kind::malformed_file, .message = what + " is no HDF5 file"});
  const std::uint64_t most = max_stream_bytes(file.size());
  const ProcessBounds bounds{.output_bytes = most + kStreamMagic.size(),
                             .memory_bytes = kMemoryBytes + 2 * most + 4 * file.size(),
                             .cpu_seconds = kMaxCpuSeconds,
                             .input = file};
  auto end = run_process({program.string()}, {}, kMaxSeconds, bounds);
  if (!end)
    return diagnostics.add(
        {.kind = Kind::tool_missing, .message = "`" + program.string() + "` cannot be started"});
  if (end->is_interrupted) return diagnostics.add({.kind = Kind::interrupted, .message = "interrupted"});
  const std::string said = printable(trim(end->err), 1000);
  if (end->exit_code == kExitMalformed)
    return diagnostics.add({.kind = Kind::malformed_file, .message = what + ": " + said});
  if (end->exit_code == kExitLimit)
    return diagnostics.add({.kind = Kind::limit_exceeded, .message = what + ": " + said});
  if (end->timed_out || end->signal == SIGXCPU || end->signal == SIGKILL)
    return diagnostics.add({.kind = Kind::limit_exceeded, .message = what + " takes too long to read"});
  if (end->is_cut)
    return diagnostics.add({.kind = Kind::limit_exceeded,
                            .message = what + ": its contents are many times larger than the file"});
  if (end->signal != 0)
    return diagnostics.add(
        {.kind = Kind::malformed_file,
         .message = what + " ended the HDF5 library with signal " + std::to_string(end->signal),
         .help = "save the model again"});
  if (end->exit_code != 0)
    return diagnostics.add({.kind = Kind::internal,
                            .message = "nblocks-hdf5 ended with code " + std::to_string(end->exit_code) +
                                       (said.empty() ? "" : ": " + said)});
  Hdf5 contents;
  if (const std::string why = contents.parse(std::move(end->out)); !why.empty())
    return diagnostics.add({.kind = Kind::internal, .message = "the stream of nblocks-hdf5: " + why});
  return contents;
}

}  // namespace nb::keras
