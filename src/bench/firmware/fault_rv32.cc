// Reports a trap on RV32 and leaves.
#include "io.h"

/// Called by start-up on a fresh stack. Writes one line, "nb-fault key=0x... ..."; pc is mepc.
extern "C" [[noreturn]] void nb_fault_report(uint32_t pc, uint32_t lr, uint32_t sp, uint32_t cause,
                                             uint32_t value);

void nb_fault_report(uint32_t pc, uint32_t lr, uint32_t sp, uint32_t cause, uint32_t value) {
  using namespace nb::firmware;
  const uint32_t values[] = {cause, pc, lr, sp, value};
  print_line("nb-fault mcause=\0 pc=\0 lr=\0 sp=\0 mtval=\0", values);
  leave(kExitFault);
}
