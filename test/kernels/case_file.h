// Writes the file of cases. For this computer.
#pragma once
#include <cstdio>
#include <cstring>
#include <vector>

#include "cases.h"

/// A file of cases, or none: then what is put is dropped.
class CaseFile {
 public:
  explicit CaseFile(const char* path) : file_(path == nullptr ? nullptr : std::fopen(path, "wb")) {}
  [[nodiscard]] bool is_open() const { return file_ != nullptr; }

  template <class Params>
  void put_case(CaseKind kind, const Params& params, int32_t in_row_bytes, int32_t scratch_bytes,
                const std::vector<int8_t>& packed, const std::vector<int8_t>& in,
                const std::vector<int8_t>& expected, int32_t form = 0) {
    if (file_ == nullptr) return;
    KernelCase c{};
    static_assert(sizeof params <= sizeof c.params);
    c.kind = kind;
    c.scratch_bytes = scratch_bytes;
    c.packed_bytes = static_cast<int32_t>(packed.size());
    c.in_bytes = static_cast<int32_t>(in.size());
    c.out_bytes = static_cast<int32_t>(expected.size());
    c.in_row_bytes = in_row_bytes;
    c.form = form;
    std::memcpy(c.params, &params, sizeof params);
    put(&c, sizeof c);
    put(packed.data(), packed.size());
    put(in.data(), in.size());
    put(expected.data(), expected.size());
  }

  /// Ends the file; whether all was written.
  bool close() {
    if (file_ == nullptr) return true;
    KernelCase end{};
    end.kind = kEnd;
    put(&end, sizeof end);
    const bool is_written = std::ferror(file_) == 0;
    return std::fclose(file_) == 0 && is_written;
  }

 private:
  void put(const void* from, size_t size_bytes) {
    static const char zeros[16] = {};
    std::fwrite(from, 1, size_bytes, file_);
    std::fwrite(zeros, 1, (16 - size_bytes % 16) % 16, file_);
  }

  std::FILE* file_;
};
