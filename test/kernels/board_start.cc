// Start-up of a kernel test on a virtual Cortex-M board: vectors, FPU, sections, constructors, main, exit
// status.
#include <stdint.h>

extern "C" {
extern uint32_t nb_stack_top, nb_data_load, nb_data_begin, nb_data_end, nb_bss_begin, nb_bss_end;
extern void (*nb_init_begin[])();
extern void (*nb_init_end[])();
void initialise_monitor_handles();
int fflush(void*);

static void leave(int status) {
  const uint32_t block[2] = {0x20026u, static_cast<uint32_t>(status)};
  register uint32_t operation __asm__("r0") = 0x20u;
  register const uint32_t* argument __asm__("r1") = block;
  __asm__ volatile("bkpt 0xab" : : "r"(operation), "r"(argument) : "memory");
  for (;;) {
  }
}
void nb_fault() { leave(99); }
void* __dso_handle = nullptr;
void _init() {}
int main();

void nb_reset() {
  *reinterpret_cast<volatile uint32_t*>(0xe000ed88u) |= 0xfu << 20;  // FPU access before any compiled loop
  __asm__ volatile("dsb\n\tisb" ::: "memory");
  const volatile uint32_t* from = &nb_data_load;
  for (volatile uint32_t* to = &nb_data_begin; to < &nb_data_end; ++to) *to = *from++;
  for (volatile uint32_t* to = &nb_bss_begin; to < &nb_bss_end; ++to) *to = 0;
  initialise_monitor_handles();
  for (void (**init)() = nb_init_begin; init != nb_init_end; ++init) (*init)();
  const int status = main();
  fflush(nullptr);
  leave(status);
}

__attribute__((section(".vectors"), used)) const void* const nb_vectors[16] = {
    &nb_stack_top,
    reinterpret_cast<const void*>(nb_reset),
    reinterpret_cast<const void*>(nb_fault),
    reinterpret_cast<const void*>(nb_fault),
    reinterpret_cast<const void*>(nb_fault),
    reinterpret_cast<const void*>(nb_fault),
    reinterpret_cast<const void*>(nb_fault),
};
}
