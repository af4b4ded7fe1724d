// The virtual boards' cores: which QEMU machines run a core, where their memories lie, how code for it is
// compiled.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace nb::bench {

/// A memory of a QEMU machine that may stand in for a board's.
struct MachineMemory {
  std::string_view name;
  uint32_t origin;
  uint32_t length_bytes;
};

/// What becomes of an access that hits none of the board's memories, and of a store to flash.
enum class StrayAccess : uint8_t {
  kIgnored,               ///< nothing: reads give 0, stores are lost
  kFaultsOutsideMachine,  ///< a fault outside the machine's memories; stores to flash are lost
  kFaultsOutsideBoard,    ///< a fault, by the core's memory protection as start-up sets it
};

/// A QEMU machine. Memories are in the order in which they are tried.
struct Machine {
  std::string_view name;
  std::string_view program;                     ///< qemu-system-arm or qemu-system-riscv32
  std::span<const std::string_view> arguments;  ///< -M and what belongs to it
  uint32_t reset_origin;  ///< where the core finds its vectors, or its first instruction
  std::span<const MachineMemory> flash;
  std::span<const MachineMemory> ram;
  StrayAccess stray_access;
};

/// A core as code is compiled for it. `machines` are in the order in which they are tried.
struct CoreTarget {
  std::string_view name;
  std::string_view tool_prefix;                       ///< of gcc, g++, objdump, nm
  std::span<const std::string_view> compile_flags;    ///< of compiler and linker alike
  std::string_view disassembler_machine;              ///< objdump -m; MVE is unreadable without it
  std::string_view linker_template;                   ///< in firmware/
  std::span<const std::string_view> startup_sources;  ///< in firmware/, beside kFirmwareSources
  std::span<const Machine* const> machines;
  std::string_view package;  ///< Debian packages of compiler and QEMU
};

inline constexpr uint32_t kKib = 1024;
inline constexpr uint32_t kMib = 1024 * 1024;

/// Sources of the firmware that all cores share, and the host's.
inline constexpr std::array<std::string_view, 2> kFirmwareSources = {"main.cc", "io_semihosting.cc"};
inline constexpr std::array<std::string_view, 2> kHostSources = {"main.cc", "io_host.cc"};

/// Arguments of every machine. The console goes to the file nb_console.txt in QEMU's working directory, where
/// nb_in.bin and nb_out.bin lie too; then follow -kernel and the ELF file. Without -icount: the firmware
/// reads no clock, so that runs repeat exactly, while -icount makes QEMU leave blocks early, which the plugin
/// would count twice.
inline constexpr std::array<std::string_view, 10> kQemuArguments = {
    "-display",
    "none",
    "-serial",
    "null",
    "-monitor",
    "none",
    "-chardev",
    "file,id=nbconsole,path=nb_console.txt",
    "-semihosting-config",
    "enable=on,target=native,chardev=nbconsole"};

/// Flags of every freestanding compilation, and of every link. `-lgcc` comes last on the command line.
inline constexpr std::array<std::string_view, 8> kFreestandingFlags = {
    "-std=c++17",          "-ffreestanding",          "-fno-exceptions",    "-fno-rtti",
    "-ffunction-sections", "-fno-threadsafe-statics", "-fno-unwind-tables", "-fdata-sections"};
inline constexpr std::array<std::string_view, 4> kLinkFlags = {
    "-nostdlib", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-Wl,--print-memory-usage"};

namespace machine_table {

inline constexpr std::string_view kQemuArm = "qemu-system-arm";
inline constexpr std::string_view kQemuRiscv = "qemu-system-riscv32";

inline constexpr std::array<std::string_view, 2> kMicrobitArguments = {"-M", "microbit"};
inline constexpr std::array<MachineMemory, 1> kFlash256AtZero = {{{"flash", 0x00000000, 256 * kKib}}};
inline constexpr std::array<MachineMemory, 1> kMicrobitRam = {{{"sram", 0x20000000, 16 * kKib}}};
inline constexpr Machine kMicrobit = {"microbit",
                                      kQemuArm,
                                      kMicrobitArguments,
                                      0x00000000,
                                      kFlash256AtZero,
                                      kMicrobitRam,
                                      StrayAccess::kFaultsOutsideMachine};

// This machine takes any M-profile core. As a Cortex-M0 it has no memory protection unit, and QEMU lets it
// access anything: mps2-an385 proves more, and faults on unaligned accesses just the same.
inline constexpr std::array<std::string_view, 4> kLm3sArguments = {"-M", "lm3s6965evb", "-cpu", "cortex-m0"};
inline constexpr std::array<MachineMemory, 1> kLm3sRam = {{{"sram", 0x20000000, 64 * kKib}}};
inline constexpr Machine kLm3s6965evbM0 = {"lm3s6965evb",   kQemuArm, kLm3sArguments,       0x00000000,
                                           kFlash256AtZero, kLm3sRam, StrayAccess::kIgnored};

inline constexpr std::array<std::string_view, 2> kAn385Arguments = {"-M", "mps2-an385"};
inline constexpr std::array<std::string_view, 2> kAn386Arguments = {"-M", "mps2-an386"};
inline constexpr std::array<std::string_view, 2> kAn500Arguments = {"-M", "mps2-an500"};
inline constexpr std::array<MachineMemory, 1> kMps2Flash = {{{"ssram1", 0x00000000, 4 * kMib}}};
inline constexpr std::array<MachineMemory, 2> kMps2Ram = {
    {{"ssram23", 0x20000000, 4 * kMib}, {"psram", 0x21000000, 16 * kMib}}};
inline constexpr std::array<MachineMemory, 2> kAn500Ram = {
    {{"ssram23", 0x20000000, 4 * kMib}, {"psram", 0x60000000, 16 * kMib}}};
inline constexpr Machine kMps2An385 = {"mps2-an385",
                                       kQemuArm,
                                       kAn385Arguments,
                                       0x00000000,
                                       kMps2Flash,
                                       kMps2Ram,
                                       StrayAccess::kFaultsOutsideBoard};
inline constexpr Machine kMps2An386 = {"mps2-an386",
                                       kQemuArm,
                                       kAn386Arguments,
                                       0x00000000,
                                       kMps2Flash,
                                       kMps2Ram,
                                       StrayAccess::kFaultsOutsideBoard};
inline constexpr Machine kMps2An500 = {"mps2-an500",
                                       kQemuArm,
                                       kAn500Arguments,
                                       0x00000000,
                                       kMps2Flash,
                                       kAn500Ram,
                                       StrayAccess::kFaultsOutsideBoard};

inline constexpr std::array<std::string_view, 2> kNetduinoArguments = {"-M", "netduinoplus2"};
inline constexpr std::array<MachineMemory, 1> kNetduinoFlash = {{{"flash", 0x08000000, 1 * kMib}}};
inline constexpr std::array<MachineMemory, 1> kNetduinoRam = {{{"sram", 0x20000000, 192 * kKib}}};
inline constexpr Machine kNetduinoplus2 = {"netduinoplus2",
                                           kQemuArm,
                                           kNetduinoArguments,
                                           0x08000000,
                                           kNetduinoFlash,
                                           kNetduinoRam,
                                           StrayAccess::kFaultsOutsideBoard};

// The core starts in the secure state and stays there: these are the secure addresses.
inline constexpr std::array<std::string_view, 2> kAn505Arguments = {"-M", "mps2-an505"};
inline constexpr std::array<MachineMemory, 1> kAn505Flash = {{{"ssram1", 0x10000000, 4 * kMib}}};
inline constexpr std::array<MachineMemory, 2> kAn505Ram = {
    {{"ssram23", 0x38000000, 4 * kMib}, {"psram", 0x80000000, 16 * kMib}}};
inline constexpr Machine kMps2An505 = {"mps2-an505",
                                       kQemuArm,
                                       kAn505Arguments,
                                       0x10000000,
                                       kAn505Flash,
                                       kAn505Ram,
                                       StrayAccess::kFaultsOutsideBoard};

// Vectors lie in the ITCM at 0, which holds nothing else: it is smaller than most boards' flash.
inline constexpr std::array<std::string_view, 2> kAn547Arguments = {"-M", "mps3-an547"};
inline constexpr std::array<MachineMemory, 3> kAn547Flash = {
    {{"sram", 0x01000000, 2 * kMib}, {"qspi", 0x28000000, 8 * kMib}, {"ddr", 0x60000000, 128 * kMib}}};
inline constexpr std::array<MachineMemory, 3> kAn547Ram = {
    {{"dtcm", 0x20000000, 512 * kKib}, {"sram2", 0x21000000, 4 * kMib}, {"ddr", 0x70000000, 128 * kMib}}};
inline constexpr Machine kMps3An547 = {"mps3-an547",
                                       kQemuArm,
                                       kAn547Arguments,
                                       0x00000000,
                                       kAn547Flash,
                                       kAn547Ram,
                                       StrayAccess::kFaultsOutsideBoard};

// QEMU starts a program without firmware at 0x80000000. The extensions that the core lacks are off and trap.
inline constexpr std::array<std::string_view, 6> kVirtImcArguments = {
    "-M", "virt", "-bios", "none", "-cpu", "rv32,a=false,f=false,d=false"};
inline constexpr std::array<std::string_view, 6> kVirtImacArguments = {
    "-M", "virt", "-bios", "none", "-cpu", "rv32,f=false,d=false"};
inline constexpr std::array<MachineMemory, 1> kVirtFlash = {{{"dram-low", 0x80000000, 64 * kMib}}};
inline constexpr std::array<MachineMemory, 1> kVirtRam = {{{"dram-high", 0x84000000, 64 * kMib}}};
inline constexpr Machine kVirtImc = {"virt",
                                     kQemuRiscv,
                                     kVirtImcArguments,
                                     0x80000000,
                                     kVirtFlash,
                                     kVirtRam,
                                     StrayAccess::kFaultsOutsideBoard};
inline constexpr Machine kVirtImac = {"virt",
                                      kQemuRiscv,
                                      kVirtImacArguments,
                                      0x80000000,
                                      kVirtFlash,
                                      kVirtRam,
                                      StrayAccess::kFaultsOutsideBoard};

// mps2-an385 first: its Cortex-M3 has memory protection (docs/decisions/0006-machine-of-cortex-m0.md).
inline constexpr std::array<const Machine*, 3> kM0Machines = {&kMps2An385, &kMicrobit, &kLm3s6965evbM0};
inline constexpr std::array<const Machine*, 2> kM0plusMachines = {&kMps2An385, &kLm3s6965evbM0};
inline constexpr std::array<const Machine*, 1> kM3Machines = {&kMps2An385};
inline constexpr std::array<const Machine*, 2> kM4Machines = {&kMps2An386, &kNetduinoplus2};
inline constexpr std::array<const Machine*, 1> kM7Machines = {&kMps2An500};
inline constexpr std::array<const Machine*, 1> kM33Machines = {&kMps2An505};
inline constexpr std::array<const Machine*, 1> kM55Machines = {&kMps3An547};
inline constexpr std::array<const Machine*, 1> kImcMachines = {&kVirtImc};
inline constexpr std::array<const Machine*, 1> kImacMachines = {&kVirtImac};

inline constexpr std::string_view kArmTools = "arm-none-eabi-";
inline constexpr std::string_view kRiscvTools = "riscv64-unknown-elf-";
inline constexpr std::string_view kArmPackages = "gcc-arm-none-eabi qemu-system-arm";
inline constexpr std::string_view kRiscvPackages = "gcc-riscv64-unknown-elf qemu-system-misc";
inline constexpr std::array<std::string_view, 3> kArmStartup = {"startup_cortex_m.S", "fault_cortex_m.cc",
                                                                "protect_cortex_m.cc"};
inline constexpr std::array<std::string_view, 2> kRiscvStartup = {"startup_rv32.S", "fault_rv32.cc"};

inline constexpr std::array<std::string_view, 3> kM0Flags = {"-mthumb", "-mcpu=cortex-m0",
                                                             "-mfloat-abi=soft"};
inline constexpr std::array<std::string_view, 3> kM0plusFlags = {"-mthumb", "-mcpu=cortex-m0plus",
                                                                 "-mfloat-abi=soft"};
inline constexpr std::array<std::string_view, 3> kM3Flags = {"-mthumb", "-mcpu=cortex-m3",
                                                             "-mfloat-abi=soft"};
inline constexpr std::array<std::string_view, 4> kM4fFlags = {"-mthumb", "-mcpu=cortex-m4",
                                                              "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"};
inline constexpr std::array<std::string_view, 4> kM7Flags = {"-mthumb", "-mcpu=cortex-m7", "-mfpu=fpv5-d16",
                                                             "-mfloat-abi=hard"};
inline constexpr std::array<std::string_view, 4> kM7SingleFlags = {"-mthumb", "-mcpu=cortex-m7",
                                                                   "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"};
inline constexpr std::array<std::string_view, 4> kM33Flags = {"-mthumb", "-mcpu=cortex-m33",
                                                              "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"};
// The core's name brings MVE in integers and floats, and the double-precision FPU.
inline constexpr std::array<std::string_view, 3> kM55Flags = {"-mthumb", "-mcpu=cortex-m55",
                                                              "-mfloat-abi=hard"};
// Version 2.2 of the instruction set has the control registers in I: the name that libgcc's variants are
// filed under.
inline constexpr std::array<std::string_view, 3> kImcFlags = {"-march=rv32imc", "-mabi=ilp32",
                                                              "-misa-spec=2.2"};
inline constexpr std::array<std::string_view, 3> kImacFlags = {"-march=rv32imac", "-mabi=ilp32",
                                                               "-misa-spec=2.2"};

}  // namespace machine_table

/// All cores. A board's TOML names one of them.
inline constexpr auto kCoreTargets = [] {
  using namespace machine_table;
  return std::array<CoreTarget, 11>{{
      {"cortex-m0", kArmTools, kM0Flags, "armv6s-m", "cortex_m.ld.in", kArmStartup, kM0Machines,
       kArmPackages},
      {"cortex-m0plus", kArmTools, kM0plusFlags, "armv6s-m", "cortex_m.ld.in", kArmStartup, kM0plusMachines,
       kArmPackages},
      {"cortex-m3", kArmTools, kM3Flags, "armv7e-m", "cortex_m.ld.in", kArmStartup, kM3Machines,
       kArmPackages},
      {"cortex-m4f", kArmTools, kM4fFlags, "armv7e-m", "cortex_m.ld.in", kArmStartup, kM4Machines,
       kArmPackages},
      {"cortex-m7", kArmTools, kM7Flags, "armv7e-m", "cortex_m.ld.in", kArmStartup, kM7Machines,
       kArmPackages},
      {"cortex-m7sp", kArmTools, kM7SingleFlags, "armv7e-m", "cortex_m.ld.in", kArmStartup, kM7Machines,
       kArmPackages},
      {"cortex-m33", kArmTools, kM33Flags, "armv8-m.main", "cortex_m.ld.in", kArmStartup, kM33Machines,
       kArmPackages},
      {"cortex-m55", kArmTools, kM55Flags, "armv8.1-m.main", "cortex_m.ld.in", kArmStartup, kM55Machines,
       kArmPackages},
      {"cortex-m85", kArmTools, kM55Flags, "armv8.1-m.main", "cortex_m.ld.in", kArmStartup, kM55Machines,
       kArmPackages},
      {"rv32imc", kRiscvTools, kImcFlags, "riscv:rv32", "rv32.ld.in", kRiscvStartup, kImcMachines,
       kRiscvPackages},
      {"rv32imac", kRiscvTools, kImacFlags, "riscv:rv32", "rv32.ld.in", kRiscvStartup, kImacMachines,
       kRiscvPackages},
  }};
}();

/// The core of that name, or null.
constexpr const CoreTarget* find_core(std::string_view name) {
  for (const CoreTarget& core : kCoreTargets) {
    if (core.name == name) return &core;
  }
  return nullptr;
}

/// A board's memories, in bytes; 0 for one that it lacks.
struct MemorySizes {
  uint32_t flash_bytes = 0;
  uint32_t ram_bytes = 0;
  uint32_t flash2_bytes = 0;
  uint32_t ram2_bytes = 0;
};

/// Where a board's memories lie on a machine: the values of the linker template's placeholders.
struct Placement {
  const Machine* machine = nullptr;
  uint32_t flash_origin = 0;
  uint32_t ram_origin = 0;
  uint32_t flash2_origin = 0;
  uint32_t ram2_origin = 0;
  /// Vectors have a memory of their own (BOOT_REGION is BOOT), as the machine starts outside its flash.
  bool separate_boot = false;
  uint32_t boot_origin = 0;
  uint32_t boot_length_bytes = 0;
};

namespace machine_table {

/// Takes `length_bytes` from the first memory that still has them; `used` holds each memory's bytes taken so
/// far. Every piece is aligned to a power of two no smaller than itself, which memory protection of Armv7-M
/// needs.
template <size_t kCount>
constexpr bool take(std::span<const MachineMemory> memories, std::array<uint32_t, kCount>& used,
                    uint32_t length_bytes, uint32_t& origin) {
  if (length_bytes == 0) return true;
  for (size_t i = 0; i < memories.size(); ++i) {
    const uint64_t alignment = std::bit_ceil(uint64_t{length_bytes});
    const uint64_t start = (uint64_t{memories[i].origin} + used[i] + alignment - 1) & ~(alignment - 1);
    const uint64_t end = start + length_bytes;
    if (end > uint64_t{memories[i].origin} + memories[i].length_bytes) continue;
    used[i] = static_cast<uint32_t>(end - memories[i].origin);
    origin = static_cast<uint32_t>(start);
    return true;
  }
  return false;
}

}  // namespace machine_table

/// The first of the core's machines (or the one named) that has room for all memories of a board; nothing
/// when none has. Memories are placed in the order RAM, RAM2, FLASH, FLASH2.
constexpr std::optional<Placement> place_memories(const CoreTarget& core, const MemorySizes& sizes,
                                                  std::string_view machine_name = {}) {
  for (const Machine* machine : core.machines) {
    if (!machine_name.empty() && machine->name != machine_name) continue;
    std::array<uint32_t, 4> flash_used{}, ram_used{};
    Placement at{.machine = machine};
    if (!machine_table::take(machine->ram, ram_used, sizes.ram_bytes, at.ram_origin) ||
        !machine_table::take(machine->ram, ram_used, sizes.ram2_bytes, at.ram2_origin) ||
        !machine_table::take(machine->flash, flash_used, sizes.flash_bytes, at.flash_origin) ||
        !machine_table::take(machine->flash, flash_used, sizes.flash2_bytes, at.flash2_origin)) {
      continue;
    }
    if (at.flash_origin != machine->reset_origin) {
      at.separate_boot = true;
      at.boot_origin = machine->reset_origin;
      at.boot_length_bytes = 512;
    }
    return at;
  }
  return std::nullopt;
}

/// What of a board's memories a machine of its core can hold: a flash or a second RAM that is larger than any
/// machine's is cut to the largest, a second flash halved until there is room beside the first. What fits
/// there runs as it does on the board.
constexpr MemorySizes cut_to_machines(const CoreTarget& core, MemorySizes sizes) {
  uint32_t flash_bytes = 0, ram_bytes = 0;
  for (const Machine* machine : core.machines) {
    for (const MachineMemory& memory : machine->flash)
      flash_bytes = std::max(flash_bytes, memory.length_bytes);
    for (const MachineMemory& memory : machine->ram) ram_bytes = std::max(ram_bytes, memory.length_bytes);
  }
  sizes.flash_bytes = std::min(sizes.flash_bytes, flash_bytes);
  sizes.ram2_bytes = std::min(sizes.ram2_bytes, ram_bytes);
  while (sizes.flash2_bytes > 64 * kKib && !place_memories(core, sizes)) sizes.flash2_bytes /= 2;
  return sizes;
}

// A board that asks for more than its first machine has goes to the next; what no machine holds is refused.
static_assert(place_memories(*find_core("cortex-m0"), {256 * kKib, 16 * kKib})->machine->name ==
              "mps2-an385");
static_assert(place_memories(*find_core("cortex-m4f"), {4 * kMib, 192 * kKib})->machine->name ==
              "mps2-an386");
static_assert(place_memories(*find_core("cortex-m7"), {1 * kMib, 128 * kKib, 0, 320 * kKib})->ram2_origin ==
              0x20080000);
static_assert(place_memories(*find_core("cortex-m55"), {64 * kMib, 512 * kKib, 0, 4300 * kKib})
                  ->ram2_origin == 0x70000000);
static_assert(!place_memories(*find_core("cortex-m4f"), {5 * kMib, 4 * kMib}).has_value());
static_assert(cut_to_machines(*find_core("cortex-m7"), {8 * kMib, 512 * kKib, 0, 32 * kMib}).flash_bytes ==
              4 * kMib);
static_assert(cut_to_machines(*find_core("cortex-m7"), {1 * kMib, 128 * kKib, 64 * kMib, 320 * kKib})
                  .flash2_bytes == 2 * kMib);

}  // namespace nb::bench
