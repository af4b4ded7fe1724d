// Prints the table of machines for run.sh: one line a core and machine, fields between bars. The board asked
// for has 64 KiB of flash and 16 KiB of RAM.
#include <cstdio>
#include <span>
#include <string_view>

#include "../../src/bench/machines.h"

namespace {

void print(std::string_view text) { std::printf("%.*s", static_cast<int>(text.size()), text.data()); }

void print(std::span<const std::string_view> words) {
  std::printf("|");
  for (std::string_view word : words) {
    print(word);
    std::printf(" ");
  }
}

}  // namespace

int main() {
  using namespace nb::bench;
  for (const CoreTarget& core : kCoreTargets) {
    for (const Machine* machine : core.machines) {
      const auto at = place_memories(core, {.flash_bytes = 64 * kKib, .ram_bytes = 16 * kKib}, machine->name);
      if (!at) return 1;
      print(core.name);
      std::printf("|");
      print(machine->name);
      std::printf("|");
      print(core.tool_prefix);
      print(core.compile_flags);
      std::printf("|");
      print(core.linker_template);
      print(core.startup_sources);
      std::printf("|");
      print(machine->program);
      std::printf(" ");
      for (std::string_view word : machine->arguments) {
        print(word);
        std::printf(" ");
      }
      for (std::string_view word : kQemuArguments) {
        print(word);
        std::printf(" ");
      }
      std::printf("|%d|0x%x|0x%x|0x%x|%u|%s", static_cast<int>(machine->stray_access), at->flash_origin,
                  at->ram_origin, at->boot_origin, at->boot_length_bytes,
                  at->separate_boot ? "BOOT" : "FLASH");
      print(kFreestandingFlags);
      print(kLinkFlags);
      std::printf("\n");
    }
  }
}
