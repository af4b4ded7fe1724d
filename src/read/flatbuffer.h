// Bounds-checked reads of FlatBuffers tables. Nothing is trusted: every offset, length and field is checked
// against the file, and the elements visited in total are bounded by the file's size, so that tables which
// share one vector a million times cannot cost a million times its length.
//
// The first malformed read is reported as malformed-file, with the byte offset and the schema's name of the
// field; from then on reads give defaults, and the caller stops where it next asks `is_ok()`.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "diag/diagnostics.h"

namespace nb::flat {

// Fields of the schema: the slot in the vtable, the default, "Table.field".
template <class T>
struct ScalarField {
  std::uint16_t slot;
  T standard;
  std::string_view name;
};
template <class T>
struct VectorField {
  std::uint16_t slot;
  std::string_view name;
};
template <class T>
struct TableField {
  std::uint16_t slot;
  std::string_view name;
};
template <class T>
struct TableVectorField {
  std::uint16_t slot;
  std::string_view name;
};
struct StringField {
  std::uint16_t slot;
  std::string_view name;
};
struct StringVectorField {
  std::uint16_t slot;
  std::string_view name;
};
struct UnionField {
  std::uint16_t slot;
  std::string_view name;
};

/// The file, and whether all reads so far were sound.
class FlatFile {
 public:
  FlatFile(ByteSpan bytes, Diagnostics& diagnostics)
      : bytes_(bytes), diagnostics_(diagnostics), visits_left_(bytes.size() * kVisitsPerByte + 1024) {}

  [[nodiscard]] ByteSpan bytes() const { return bytes_; }
  [[nodiscard]] bool is_ok() const { return is_ok_; }

  /// Reports the first fault; later ones follow from it and are dropped.
  void fault(std::string_view field, std::uint64_t offset, const std::string& what) {
    if (!is_ok_) return;
    is_ok_ = false;
    diagnostics_.add({.kind = Kind::malformed_file,
                      .message = std::string(field) + " at byte " + std::to_string(offset) + ": " + what,
                      .notes = {"the file has " + std::to_string(bytes_.size()) + " bytes"},
                      .help = "the file is damaged or cut short: fetch or export it again"});
  }
  /// Whether [offset, offset + size) lies in the file; a fault if not.
  bool require(std::uint64_t offset, std::uint64_t size, std::string_view field, std::string_view what) {
    if (!is_ok_) return false;
    if (holds(bytes_, offset, size)) return true;
    fault(field, offset,
          std::string(what) + " of " + std::to_string(size) + " bytes runs past the end of the file");
    return false;
  }
  /// Counts elements visited; a fault once they exceed what the file's size justifies.
  bool charge(std::uint64_t visits, std::uint64_t offset, std::string_view field) {
    if (!is_ok_) return false;
    if (visits > visits_left_) {
      fault(field, offset, "the tables of the file overlap too often");
      return false;
    }
    visits_left_ -= visits;
    return true;
  }
  template <class T>
  [[nodiscard]] T at(std::uint64_t offset) const {
    return load<T>(bytes_, static_cast<std::size_t>(offset));
  }
  /// Where the 32-bit offset stored at `offset` points.
  [[nodiscard]] std::uint64_t target(std::uint64_t offset) const {
    return offset + at<std::uint32_t>(offset);
  }

 private:
  static constexpr std::uint64_t kVisitsPerByte = 4;
  ByteSpan bytes_;
  Diagnostics& diagnostics_;
  bool is_ok_ = true;
  std::uint64_t visits_left_;
};

/// Scalars in the file; a view, empty where the file has none.
template <class T>
class Vector {
 public:
  Vector() = default;
  Vector(const FlatFile* file, std::uint64_t start, std::uint32_t size)
      : file_(file), start_(start), size_(size) {}
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T operator[](std::size_t i) const { return file_->template at<T>(start_ + i * sizeof(T)); }
  [[nodiscard]] std::uint64_t offset() const { return start_; }  ///< byte offset of the first element
  [[nodiscard]] ByteSpan bytes() const {
    return file_ == nullptr ? ByteSpan()
                            : file_->bytes().subspan(static_cast<std::size_t>(start_), size_ * sizeof(T));
  }

 private:
  const FlatFile* file_ = nullptr;
  std::uint64_t start_ = 0;
  std::uint32_t size_ = 0;
};

template <class T>
class TableVector;

/// A table of schema type T. An absent one gives the schema's defaults.
template <class T>
class Table {
 public:
  Table() = default;
  /// The table at `offset`; absent, after a fault, if it is malformed. `field` names what led here.
  Table(FlatFile& file, std::uint64_t offset, std::string_view field) {
    if (!file.charge(4, offset, field) || !file.require(offset, 4, field, "a table")) return;
    const std::int64_t vtable = static_cast<std::int64_t>(offset) - file.at<std::int32_t>(offset);
    if (vtable < 0) {
      file.fault(field, offset, "the table's vtable lies before the file");
      return;
    }
    const auto start = static_cast<std::uint64_t>(vtable);
    if (!file.require(start, 4, field, "a vtable")) return;
    const std::uint16_t vtable_size = file.at<std::uint16_t>(start);
    const std::uint16_t table_size = file.at<std::uint16_t>(start + 2);
    if (vtable_size < 4 || vtable_size % 2 != 0 || table_size < 4) {
      file.fault(field, start, "the vtable has impossible sizes");
      return;
    }
    if (!file.require(start, vtable_size, field, "a vtable") ||
        !file.require(offset, table_size, field, "a table"))
      return;
    file_ = &file;
    offset_ = offset;
    vtable_ = start;
    vtable_size_ = vtable_size;
    table_size_ = table_size;
  }

  [[nodiscard]] bool is_present() const { return file_ != nullptr; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  template <class S>
  [[nodiscard]] S operator[](const ScalarField<S>& field) const {
    using Stored = std::conditional_t<std::is_same_v<S, bool>, std::uint8_t, S>;
    const std::uint64_t at = place(field.slot, sizeof(Stored), field.name);
    if (at == 0) return field.standard;
    if constexpr (std::is_same_v<S, bool>)
      return file_->template at<std::uint8_t>(at) != 0;
    else
      return file_->template at<S>(at);
  }
  template <class S>
  [[nodiscard]] Vector<S> operator[](const VectorField<S>& field) const {
    std::uint32_t size = 0;
    const std::uint64_t start = vector_start(field.slot, sizeof(S), field.name, size);
    // Bytes are handed on as a span, never one by one.
    if (start == 0 || (sizeof(S) > 1 && !file_->charge(size, start, field.name))) return {};
    return {file_, start, size};
  }
  template <class U>
  [[nodiscard]] Table<U> operator[](const TableField<U>& field) const {
    const std::uint64_t at = place(field.slot, 4, field.name);
    return at == 0 ? Table<U>() : Table<U>(*file_, file_->target(at), field.name);
  }
  template <class U>
  [[nodiscard]] TableVector<U> operator[](const TableVectorField<U>& field) const;
  [[nodiscard]] std::string_view operator[](const StringField& field) const {
    std::uint32_t size = 0;
    const std::uint64_t start = vector_start(field.slot, 1, field.name, size);
    if (start == 0) return {};
    return {reinterpret_cast<const char*>(file_->bytes().data()) + start, size};
  }
  /// The union's member as a table of type U; the caller has compared the tag.
  template <class U>
  [[nodiscard]] Table<U> member(const UnionField& field) const {
    const std::uint64_t at = place(field.slot, 4, field.name);
    return at == 0 ? Table<U>() : Table<U>(*file_, file_->target(at), U::kName);
  }

 private:
  /// Byte offset of a field of `size` bytes; 0 if it is absent or malformed.
  [[nodiscard]] std::uint64_t place(std::uint16_t slot, std::uint64_t size, std::string_view name) const {
    if (file_ == nullptr || !file_->is_ok() || slot + 2u > vtable_size_) return 0;
    const std::uint16_t delta = file_->template at<std::uint16_t>(vtable_ + slot);
    if (delta == 0) return 0;
    if (delta < 4 || delta + size > table_size_) {
      file_->fault(name, vtable_ + slot, "the field lies outside of its table");
      return 0;
    }
    return offset_ + delta;
  }
  [[nodiscard]] std::uint64_t vector_start(std::uint16_t slot, std::uint64_t element_size,
                                           std::string_view name, std::uint32_t& size) const {
    const std::uint64_t at = place(slot, 4, name);
    if (at == 0) return 0;
    const std::uint64_t vector = file_->target(at);
    if (!file_->require(vector, 4, name, "a vector")) return 0;
    size = file_->template at<std::uint32_t>(vector);
    if (!file_->require(vector + 4, size * element_size, name, "a vector")) return 0;
    return vector + 4;
  }

  FlatFile* file_ = nullptr;
  std::uint64_t offset_ = 0, vtable_ = 0;
  std::uint16_t vtable_size_ = 0, table_size_ = 0;
};

/// Tables in the file.
template <class T>
class TableVector {
 public:
  TableVector() = default;
  TableVector(FlatFile* file, std::uint64_t start, std::uint32_t size, std::string_view name)
      : file_(file), start_(start), size_(size), name_(name) {}
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Table<T> operator[](std::size_t i) const {
    return Table<T>(*file_, file_->target(start_ + 4 * i), name_);
  }

 private:
  FlatFile* file_ = nullptr;
  std::uint64_t start_ = 0;
  std::uint32_t size_ = 0;
  std::string_view name_;
};

template <class T>
template <class U>
TableVector<U> Table<T>::operator[](const TableVectorField<U>& field) const {
  std::uint32_t size = 0;
  const std::uint64_t start = vector_start(field.slot, 4, field.name, size);
  if (start == 0 || !file_->charge(size, start, field.name)) return {};
  return {file_, start, size, field.name};
}

}  // namespace nb::flat
