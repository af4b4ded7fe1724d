// Reports a trap on RV32 and leaves.
#include "io.h"

/// Called by start-up on a fresh stack. Writes one line, "nb-fault key=0x... ..."; pc is mepc.
extern "C" [[noreturn]] void nb_fault_report(uint32_t pc, uint32_t lr, uint32_t sp, uint32_t cause,
                                             uint32_t value);

void nb_fault_report(uint32_t pc, uint32_t lr, uint32_t sp, uint32_t cause, uint32_t value) {
  using namespace nb::firmware;
  print_field("nb-fault mcause=", cause);
  print_field(" pc=", pc);
  print_field(" lr=", lr);
  print_field(" sp=", sp);
  print_field(" mtval=", value);
  print("\n");
  leave(kExitFault);
}
