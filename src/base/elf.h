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
  /// Has bytes in the file that are put on the chip.
  [[nodiscard]] bool is_loaded() const { return (flags & 2u) != 0 && type != 8; }
  [[nodiscard]] bool has_code() const { return (flags & 4u) != 0; }
};

struct ElfSymbol {
  std::string name;
  std::uint64_t address = 0, size_bytes = 0;
  bool is_function = false;
  bool is_object = false;
  bool is_defined = true;
};

struct ElfFile {
  std::vector<ElfSection> sections;
  std::vector<ElfSymbol> symbols;
  /// (address, id) pairs of section .nb_marks.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> marks;
  /// The function that holds the address; empty if none.
  [[nodiscard]] std::string function_at(std::uint64_t address) const;
  /// The section that lies at the address on the chip; null if none.
  [[nodiscard]] const ElfSection* section_at(std::uint64_t address) const;
};

[[nodiscard]] std::optional<ElfFile> parse_elf32(ByteSpan file);

}  // namespace nb
