#include "timing/disassembly.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"

namespace nb {

namespace {

/// What the tool prints. Errors: tool-missing, interrupted, internal.
Result<std::string> run_objdump(const std::vector<std::string>& command, const std::filesystem::path& folder,
                                Diagnostics& diagnostics) {
  const auto end = run_process(command, folder, 120, {.output_bytes = std::size_t{1} << 28});
  if (!end)
    return diagnostics.add(
        {.kind = Kind::tool_missing,
         .message = "`" + command[0] + "` cannot be started",
         .help = std::string("apt-get install -y --no-install-recommends ") +
                 (command[0].starts_with("arm") ? "gcc-arm-none-eabi" : "gcc-riscv64-unknown-elf")});
  if (end->is_interrupted)
    return diagnostics.add({.kind = Kind::interrupted, .message = "stopped while reading instructions"});
  if (end->exit_code != 0 || end->is_cut)
    return diagnostics.add(
        {.kind = Kind::internal,
         .message = "`" + command_text(command) + "` ended with status " + std::to_string(end->exit_code),
         .notes = {printable(end->err, 400)}});
  return end->out;
}

}  // namespace

Result<Disassembly> Disassembly::of(const Profile& profile, const std::string& tool_prefix,
                                    const std::string& machine, Diagnostics& diagnostics) {
  const bool is_arm = !machine.starts_with("riscv");
  const TemporaryFolder folder;
  Bytes code;
  for (const ProfileBlock& block : profile.blocks)
    for (const char byte : block.code) code.push_back(static_cast<std::byte>(byte));
  std::string why_not;
  if (!write_file(folder.path() / "code.bin", code, why_not))
    return diagnostics.add({.kind = Kind::file_unwritable, .message = why_not});
  std::vector<std::string> command = {tool_prefix + "objdump", "-D", "-b", "binary", "-m", machine};
  command.insert(command.end(), {"-M", is_arm ? "force-thumb" : "no-aliases,numeric", "code.bin"});
  const auto text = run_objdump(command, folder.path(), diagnostics);
  if (!text) return kFailed;
  return parse(profile, *text, is_arm);
}

Disassembly Disassembly::parse(const Profile& profile, std::string_view text, bool is_arm) {
  Disassembly result;
  result.blocks_.resize(profile.blocks.size());
  std::size_t number = 0;
  std::uint32_t block_begin = 0;  // in the file
  for (const std::string_view line : split(text, '\n')) {
    // "  1a4:\tf04f 4480 \tmov.w\tr4, #1073741824\t@ 0x40000000"
    const std::size_t colon = line.find(":\t");
    if (colon == std::string_view::npos) continue;
    const std::string_view head = trim(line.substr(0, colon));
    std::uint32_t offset = 0;
    const auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), offset, 16);
    if (error != std::errc() || end != head.data() + head.size()) continue;
    const auto parts = split(line.substr(colon + 2), '\t');
    if (parts.size() < 2) continue;
    const auto digits = std::count_if(parts[0].begin(), parts[0].end(), [](char c) { return c != ' '; });
    const auto size_bytes = static_cast<unsigned>(digits / 2);
    while (number < profile.blocks.size() && offset >= block_begin + profile.blocks[number].size_bytes)
      block_begin += profile.blocks[number++].size_bytes;
    if (number == profile.blocks.size()) break;
    const std::uint32_t address = profile.blocks[number].address + (offset - block_begin);
    const std::string_view mnemonic = trim(parts[1]);
    const std::string_view operands = parts.size() > 2 ? trim(parts[2]) : std::string_view();
    auto insn = is_arm ? parse_arm(address, size_bytes, mnemonic, operands)
                       : parse_riscv(address, size_bytes, mnemonic, operands);
    if (!insn) {
      const std::string name = printable(mnemonic, 30);
      if (std::find(result.unknown_.begin(), result.unknown_.end(), name) == result.unknown_.end())
        result.unknown_.push_back(name);
      insn = Instruction{.address = address, .size_bytes = static_cast<std::uint8_t>(size_bytes)};
    }
    // Printed are places in the file, where blocks follow one another.
    if (insn->target) *insn->target += address - offset;
    result.blocks_[number].push_back(*insn);
  }
  for (std::size_t i = 0; i < profile.blocks.size(); ++i) {
    const ProfileBlock& block = profile.blocks[i];
    std::vector<Instruction>& insns = result.blocks_[i];
    if (insns.size() != block.instructions || insns.back().end() != block.address + block.size_bytes)
      insns.clear();
  }
  return result;
}

}  // namespace nb
