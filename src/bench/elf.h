// What the bench reads from the ELF32 little-endian files that the cross linkers write.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace nb {

struct ElfSection {
  std::string name;
  std::uint32_t type = 0, flags = 0;
  std::uint64_t address = 0, offset = 0, size_bytes = 0;
  /// Takes memory on the chip when running / has bytes in the file.
  [[nodiscard]] bool is_allocated() const { return (flags & 2u) != 0; }
  [[nodiscard]] bool is_loaded() const { return is_allocated() && type != 8; }
  [[nodiscard]] bool is_writable() const { return (flags & 1u) != 0; }
};

struct ElfSymbol {
  std::string name;
  std::uint64_t address = 0, size_bytes = 0;
  bool is_function = false;
};

struct ElfFile {
  std::vector<ElfSection> sections;
  std::vector<ElfSymbol> symbols;
  /// (address, id) pairs of section .nb_marks.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> marks;
  [[nodiscard]] std::uint64_t section_bytes(std::string_view name) const;
  /// The function that holds the address; empty if none.
  [[nodiscard]] std::string function_at(std::uint64_t address) const;
};

[[nodiscard]] std::optional<ElfFile> parse_elf32(ByteSpan file);

}  // namespace nb
