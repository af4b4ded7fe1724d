// nblocks-hdf5: reads an HDF5 file from its standard input (which must be a file) and writes what a Keras
// model keeps in it to its standard output, as hdf5_stream.h says. The HDF5 library is not made for files
// that nobody vouches for; here it runs in a process of its own that cannot open anything else and that its
// parent limits.
#include <fcntl.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "read/keras/hdf5_stream.h"

namespace {
using namespace nb::keras;  // NOLINT(google-build-using-namespace)

enum class FaultKind { malformed, limit };

/// How reading stops: thrown where it does, caught by main.
struct Stop {
  FaultKind kind;
  std::string message;
};

/// A handle of the library, released at the end.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const char* what) : id_(id), close_(close) {
    if (id < 0) throw Stop{FaultKind::malformed, std::string("the HDF5 library cannot open ") + what};
  }
  ~Handle() { close_(id_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor)

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// The records, counted.
class Output {
 public:
  explicit Output(std::uint64_t most) : left_(most) {}

  void bytes(const void* data, std::size_t size) {
    reserve(size);
    if (std::fwrite(data, 1, size, stdout) != size) std::_Exit(kExitUnwritten);
    left_ -= size;
  }
  /// Fails before memory is taken for what could not be written.
  void reserve(std::uint64_t size) const {
    if (size > left_) throw Stop{FaultKind::limit, "its contents are many times larger than the file"};
  }
  template <class T>
  void number(T value) {
    bytes(&value, sizeof value);
  }
  void kind(RecordKind record) { number(static_cast<std::uint8_t>(record)); }
  void text(const std::string& value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes(value.data(), value.size());
  }

 private:
  std::uint64_t left_;
};

/// Whether Keras keeps something in attributes of that name; long lists are cut into `weight_names0`, ...
bool is_wanted(const std::string& attribute) {
  static constexpr std::array<const char*, 5> kNames = {"model_config", "keras_version", "backend", "name",
                                                        "dtype"};
  if (std::find(kNames.begin(), kNames.end(), attribute) != kNames.end()) return true;
  for (const std::string list : {"layer_names", "weight_names"})
    if (attribute.compare(0, list.size(), list) == 0 &&
        attribute.find_first_not_of("0123456789", list.size()) == std::string::npos)
      return true;
  return false;
}

class Walk {
 public:
  Walk(hid_t file, Output& out) : file_(file), out_(out) {}

  void group(hid_t group, const std::string& path, int depth) {
    if (depth > kMaxGroupDepth) throw Stop{FaultKind::limit, "groups nest deeper than 32"};
    attributes(group, path);
    std::vector<std::string> names;
    const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* to) -> herr_t {
      auto& list = *static_cast<std::vector<std::string>*>(to);
      if (list.size() >= kMaxObjects) return -1;
      list.emplace_back(name);
      return 0;
    };
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect, &names) < 0)
      throw Stop{FaultKind::malformed, "the links of group `" + path + "` cannot be listed"};
    for (const std::string& name : names) {
      const std::string inner = path.empty() ? name : path + "/" + name;
      // What an optimizer keeps is no part of the model, and is twice as large.
      if (depth == 0 && (name == "optimizer" || name == "optimizer_weights" || name == "_trackable_names"))
        continue;
      child(group, name, inner, depth);
    }
  }

 private:
  void child(hid_t group, const std::string& name, const std::string& path, int depth) {
    if (++objects_ > kMaxObjects) throw Stop{FaultKind::limit, "it has more than 200,000 objects"};
    H5L_info_t link{};
    if (H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT) < 0)
      throw Stop{FaultKind::malformed, "the link `" + path + "` cannot be read"};
    if (link.type == H5L_TYPE_SOFT) return left_out(path, "it is a soft link");
    if (link.type != H5L_TYPE_HARD) return left_out(path, "it is a link into another file");
    const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose, ("`" + path + "`").c_str());
    const H5I_type_t type = H5Iget_type(object);
    if (type == H5I_DATASET) return dataset(object, path);
    if (type != H5I_GROUP) return left_out(path, "it is neither a group nor a dataset");
    H5O_info_t about{};
    if (H5Oget_info2(object, &about, H5O_INFO_BASIC) < 0)
      throw Stop{FaultKind::malformed, "the group `" + path + "` cannot be read"};
    if (std::find(around_.begin(), around_.end(), about.addr) != around_.end())
      throw Stop{FaultKind::malformed, "the group `" + path + "` contains itself"};
    around_.push_back(about.addr);
    this->group(object, path, depth + 1);
    around_.pop_back();
  }

  void left_out(const std::string& path, const std::string& why) {
    out_.kind(RecordKind::left_out);
    out_.text(path);
    out_.text(why);
  }

  // --- attributes ---

  void attributes(hid_t object, const std::string& path) {
    std::vector<std::string> names;
    const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* to) -> herr_t {
      auto& list = *static_cast<std::vector<std::string>*>(to);
      if (list.size() >= kMaxObjects) return -1;
      if (is_wanted(name)) list.emplace_back(name);
      return 0;
    };
    hsize_t from = 0;
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &from, collect, &names) < 0)
      throw Stop{FaultKind::malformed, "the attributes of `" + path + "` cannot be listed"};
    for (const std::string& name : names) attribute(object, path, name);
  }

  void attribute(hid_t object, const std::string& path, const std::string& name) {
    const std::string what = "attribute `" + name + "` of `" + path + "`";
    const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, what.c_str());
    const Handle space(H5Aget_space(attribute), H5Sclose, what.c_str());
    const Handle type(H5Aget_type(attribute), H5Tclose, what.c_str());
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count < 0 || count > kMaxTexts) throw Stop{FaultKind::limit, what + " is too long"};
    const bool is_text = H5Tget_class(type) == H5T_STRING;
    if (!is_text && count > 0) return left_out(path + "@" + name, "it is no text");
    // An empty list is stored as one of floats.
    const std::vector<std::string> texts = count == 0 ? std::vector<std::string>()
                                           : H5Tis_variable_str(type) > 0
                                               ? variable(attribute, space, type, count, what)
                                               : fixed(attribute, type, count, what);
    out_.kind(RecordKind::text);
    out_.text(path);
    out_.text(name);
    out_.number(static_cast<std::uint32_t>(texts.size()));
    for (const std::string& text : texts) out_.text(text);
  }

  std::vector<std::string> fixed(hid_t attribute, hid_t type, hssize_t count, const std::string& what) {
    const std::size_t size = H5Tget_size(type);
    if (size == 0) throw Stop{FaultKind::malformed, what + " has texts of no size"};
    out_.reserve(static_cast<std::uint64_t>(size));
    out_.reserve(static_cast<std::uint64_t>(size) * static_cast<std::uint64_t>(count));
    std::vector<char> raw(size * static_cast<std::size_t>(count));
    if (H5Aread(attribute, type, raw.data()) < 0) throw Stop{FaultKind::malformed, what + " cannot be read"};
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const char* begin = raw.data() + i * size;
      texts.emplace_back(begin, strnlen(begin, size));
    }
    return texts;
  }

  std::vector<std::string> variable(hid_t attribute, hid_t space, hid_t type, hssize_t count,
                                    const std::string& what) {
    std::vector<char*> raw(static_cast<std::size_t>(count), nullptr);
    if (H5Aread(attribute, type, raw.data()) < 0) throw Stop{FaultKind::malformed, what + " cannot be read"};
    std::vector<std::string> texts;
    std::uint64_t total = 0;
    for (const char* text : raw) {
      const std::size_t length = text == nullptr ? 0 : std::strlen(text);
      out_.reserve(total += length);
      texts.emplace_back(text == nullptr ? "" : text, length);
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw.data());
    return texts;
  }

  // --- datasets ---

  void dataset(hid_t dataset, const std::string& path) {
    attributes(dataset, path);
    const std::string what = "`" + path + "`";
    const Handle space(H5Dget_space(dataset), H5Sclose, what.c_str());
    const Handle type(H5Dget_type(dataset), H5Tclose, what.c_str());
    const Handle plist(H5Dget_create_plist(dataset), H5Pclose, what.c_str());
    if (H5Pget_external_count(plist) != 0) return left_out(path, "its elements lie in another file");
    const H5D_layout_t layout = H5Pget_layout(plist);
    if (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED && layout != H5D_COMPACT)
      return left_out(path, "its elements lie in other datasets");
    const int filters = H5Pget_nfilters(plist);
    for (int i = 0; i < filters; ++i) {
      unsigned flags = 0, config = 0;
      std::size_t values = 0;
      const H5Z_filter_t filter =
          H5Pget_filter2(plist, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
      if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
        return left_out(path,
                        "it is compressed by a filter other than gzip (" + std::to_string(filter) + ")");
    }
    ElementKind kind{};
    hid_t memory = -1;
    if (!element_kind(type, kind, memory))
      return left_out(path, "its elements are neither floats nor integers");

    const int rank = H5Sget_simple_extent_ndims(space);
    if (H5Sget_simple_extent_type(space) == H5S_NULL) return left_out(path, "it is empty");
    if (rank < 0 || rank > kMaxTensorRank) throw Stop{FaultKind::limit, what + " has more than 8 axes"};
    std::array<hsize_t, kMaxTensorRank> dims{};
    if (rank > 0 && H5Sget_simple_extent_dims(space, dims.data(), nullptr) != rank)
      throw Stop{FaultKind::malformed, what + " has no dimensions"};
    std::uint64_t size = H5Tget_size(memory);
    for (int i = 0; i < rank; ++i) {
      if (__builtin_mul_overflow(size, static_cast<std::uint64_t>(dims[static_cast<std::size_t>(i)]), &size))
        throw Stop{FaultKind::limit, what + " has more than 2^64 bytes"};
    }
    out_.reserve(size);
    std::vector<char> elements(size);
    if (size > 0 && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements.data()) < 0)
      throw Stop{FaultKind::malformed, "the elements of " + what + " cannot be read"};
    out_.kind(RecordKind::tensor);
    out_.text(path);
    out_.number(static_cast<std::uint8_t>(kind));
    out_.number(static_cast<std::uint8_t>(rank));
    for (int i = 0; i < rank; ++i) out_.number(static_cast<std::uint64_t>(dims[static_cast<std::size_t>(i)]));
    out_.number(size);
    out_.bytes(elements.data(), elements.size());
  }

  /// How elements are written, and the library's type for them in memory; false if they are no numbers.
  static bool element_kind(hid_t type, ElementKind& kind, hid_t& memory) {
    const H5T_class_t type_class = H5Tget_class(type);
    const std::size_t size = H5Tget_size(type);
    if (type_class == H5T_FLOAT) {
      kind = ElementKind::f32;
      memory = H5T_NATIVE_FLOAT;
      return true;
    }
    if (type_class == H5T_OPAQUE && size == 2) {  // bfloat16 as numpy has it
      kind = ElementKind::bf16;
      memory = type;
      return true;
    }
    if (type_class == H5T_ENUM && size == 1) {  // numpy's bool
      kind = ElementKind::u8;
      memory = type;
      return true;
    }
    if (type_class != H5T_INTEGER) return false;
    const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
    switch (size) {
      case 1:
        kind = is_signed ? ElementKind::i8 : ElementKind::u8;
        memory = is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
        return true;
      case 2:
        kind = is_signed ? ElementKind::i16 : ElementKind::u16;
        memory = is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
        return true;
      case 4:
        kind = is_signed ? ElementKind::i32 : ElementKind::u32;
        memory = is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
        return true;
      case 8:
        kind = is_signed ? ElementKind::i64 : ElementKind::u64;
        memory = is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
        return true;
      default:
        return false;
    }
  }

  hid_t file_;
  Output& out_;
  std::uint32_t objects_ = 0;
  std::vector<haddr_t> around_;  ///< the groups that the walk is in
};

/// From now on this process opens no file and starts no other process.
void lock_down() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_NOFILE, &none);
  setrlimit(RLIMIT_NPROC, &none);
  setrlimit(RLIMIT_CORE, &none);
}

/// All of standard input.
std::vector<char> read_input(std::uint64_t size) {
  std::vector<char> bytes(size);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t n = ::pread(0, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (n <= 0) throw Stop{FaultKind::malformed, "it is shorter than it was"};
    at += static_cast<std::size_t>(n);
  }
  return bytes;
}

/// The file is one in memory: its name stands for nothing.
void dump(std::uint64_t size, Output& out) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "nothing");
  std::vector<char> bytes = read_input(size);
  if (bytes.empty() || H5Pset_fapl_core(access, std::size_t{1} << 16, false) < 0 ||
      H5Pset_file_image(access, bytes.data(), bytes.size()) < 0)
    throw Stop{FaultKind::malformed, "it is empty"};
  std::vector<char>().swap(bytes);
  const Handle file(H5Fopen("input", H5F_ACC_RDONLY, access), H5Fclose, "it as an HDF5 file");
  const Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose, "its root group");
  Walk(file, out).group(root, "", 0);
}

}  // namespace

int main() {
  struct stat about {};
  if (fstat(0, &about) != 0 || !S_ISREG(about.st_mode)) {
    std::fputs("nblocks-hdf5 is a part of nblocks: it reads an HDF5 file from its standard input\n", stderr);
    return kExitUsage;
  }
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  setenv("HDF5_PLUGIN_PRELOAD", "::", 1);
  lock_down();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  std::fwrite(kStreamMagic.data(), 1, kStreamMagic.size(), stdout);
  const auto size = static_cast<std::uint64_t>(about.st_size);
  Output out(max_stream_bytes(size));
  Stop stop{};
  try {
    dump(size, out);
    out.kind(RecordKind::end);
    // Whatever the library would still tidy up does not matter.
    std::_Exit(std::fflush(stdout) == 0 ? 0 : kExitUnwritten);
  } catch (const Stop& why) {
    stop = why;
  } catch (const std::bad_alloc&) {
    stop = {FaultKind::limit, "its contents need more memory than may be used"};
  } catch (const std::length_error&) {
    stop = {FaultKind::limit, "its contents need more memory than may be used"};
  }
  std::fputs(stop.message.substr(0, 1000).c_str(), stderr);
  std::_Exit(stop.kind == FaultKind::limit ? kExitLimit : kExitMalformed);
}
