#include "base/elf.h"

namespace nb {
namespace {

std::string string_at(ByteSpan file, std::uint64_t table, std::uint64_t table_bytes, std::uint32_t at) {
  if (at >= table_bytes || !holds(file, table, table_bytes)) return {};
  const auto* text = reinterpret_cast<const char*>(file.data() + table + at);
  return {text, strnlen(text, table_bytes - at)};
}

}  // namespace

std::string ElfFile::function_at(std::uint64_t address) const {
  for (const ElfSymbol& symbol : symbols) {
    const std::uint64_t start = symbol.address & ~std::uint64_t{1};
    if (symbol.is_function && address >= start &&
        address < start + std::max<std::uint64_t>(symbol.size_bytes, 1))
      return symbol.name;
  }
  return {};
}

const ElfSection* ElfFile::section_at(std::uint64_t address) const {
  for (const ElfSection& section : sections)
    if ((section.flags & 2u) != 0 && address >= section.address &&
        address - section.address < section.size_bytes)
      return &section;
  return nullptr;
}

std::optional<ElfFile> parse_elf32(ByteSpan file) {
  if (file.size() < 52 || load<std::uint32_t>(file, 0) != 0x464c457fu || static_cast<int>(file[4]) != 1 ||
      static_cast<int>(file[5]) != 1)
    return std::nullopt;
  const auto table = load<std::uint32_t>(file, 32);
  const std::size_t entry = load<std::uint16_t>(file, 46), count = load<std::uint16_t>(file, 48),
                    names = load<std::uint16_t>(file, 50);
  if (entry < 40 || !holds(file, table, entry * count) || names >= count) return std::nullopt;
  const auto field = [&](std::size_t section, std::size_t offset) {
    return load<std::uint32_t>(file, table + section * entry + offset);
  };
  ElfFile elf;
  for (std::size_t i = 0; i < count; ++i) {
    ElfSection section;
    section.name = string_at(file, field(names, 16), field(names, 20), field(i, 0));
    section.type = field(i, 4);
    section.flags = field(i, 8);
    section.address = field(i, 12);
    section.offset = field(i, 16);
    section.size_bytes = field(i, 20);
    if (section.type != 8 && !holds(file, section.offset, section.size_bytes)) return std::nullopt;
    if (section.type == 2) {
      const std::size_t strings = field(i, 24);
      if (strings >= count) return std::nullopt;
      for (std::uint64_t at = section.offset; at + 16 <= section.offset + section.size_bytes; at += 16)
        elf.symbols.push_back(
            {string_at(file, field(strings, 16), field(strings, 20), load<std::uint32_t>(file, at)),
             load<std::uint32_t>(file, at + 4), load<std::uint32_t>(file, at + 8),
             (static_cast<unsigned>(file[at + 12]) & 15u) == 2,
             (static_cast<unsigned>(file[at + 12]) & 15u) == 1, load<std::uint16_t>(file, at + 14) != 0});
    }
    if (section.name == ".nb_marks")
      for (std::uint64_t at = section.offset; at + 8 <= section.offset + section.size_bytes; at += 8)
        elf.marks.emplace_back(load<std::uint32_t>(file, at), load<std::uint32_t>(file, at + 4));
    elf.sections.push_back(std::move(section));
  }
  return elf;
}

}  // namespace nb
