// Reports an exception on a Cortex-M and leaves.
#include "io.h"

namespace {
#if __ARM_ARCH_ISA_THUMB != 1
uint32_t system_register(uint32_t address) { return *reinterpret_cast<volatile uint32_t*>(address); }
#endif
}  // namespace

/// Called by start-up on a fresh stack. Writes one line, "nb-fault key=0x... ...": exception is the number
/// that the architecture gives (3 hard, 4 memory, 5 bus, 6 usage); the status registers are absent on
/// Armv6-M.
extern "C" [[noreturn]] void nb_fault_report(uint32_t pc, uint32_t lr, uint32_t sp, uint32_t exception);

void nb_fault_report(uint32_t pc, uint32_t lr, uint32_t sp, uint32_t exception) {
  using namespace nb::firmware;
  print_field("nb-fault exception=", exception);
  print_field(" pc=", pc);
  print_field(" lr=", lr);
  print_field(" sp=", sp);
#if __ARM_ARCH_ISA_THUMB != 1
  print_field(" cfsr=", system_register(0xE000ED28));
  print_field(" hfsr=", system_register(0xE000ED2C));
  print_field(" mmfar=", system_register(0xE000ED34));
  print_field(" bfar=", system_register(0xE000ED38));
#endif
  print("\n");
  leave(kExitFault);
}
