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
#if __ARM_ARCH_ISA_THUMB != 1
  const uint32_t values[] = {exception,
                             pc,
                             lr,
                             sp,
                             system_register(0xE000ED28),
                             system_register(0xE000ED2C),
                             system_register(0xE000ED34),
                             system_register(0xE000ED38)};
  print_line("nb-fault exception=\0 pc=\0 lr=\0 sp=\0 cfsr=\0 hfsr=\0 mmfar=\0 bfar=\0", values);
#else
  const uint32_t values[] = {exception, pc, lr, sp};
  print_line("nb-fault exception=\0 pc=\0 lr=\0 sp=\0", values);
#endif
  leave(kExitFault);
}
