// Closes all addresses but the board's memories, and flash against writes, so that a stray access faults here
// as it would on silicon. A core without an MPU (Cortex-M0) is left as it is.
#include <stdint.h>

extern "C" {
/// Start and length of a memory, from the linker script; the length may be 0.
struct NbMemorySpan {
  uint32_t origin;
  uint32_t length_bytes;
};
extern const NbMemorySpan __nb_memories[4];  // FLASH, FLASH2, RAM, RAM2
void nb_protect_memory();
}

namespace {

constexpr uint32_t kMpuType = 0xE000ED90;
volatile uint32_t& mpu(uint32_t word) { return reinterpret_cast<volatile uint32_t*>(kMpuType)[word]; }
enum : uint32_t { kType, kControl, kRegionNumber, kRegionBase, kRegionLimit };  // the last is RASR on Armv7-M

}  // namespace

/// Called by start-up once floating point is enabled.
void nb_protect_memory() {
  if (mpu(kType) == 0) return;
#if __ARM_ARCH >= 8
  mpu(12) = 0xFF;  // MAIR0: attribute 0 is normal memory, write-back
#endif
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t origin = __nb_memories[i].origin;
    const uint32_t length = __nb_memories[i].length_bytes;
    if (length == 0) continue;
    const bool flash = i < 2;
    mpu(kRegionNumber) = i;
#if __ARM_ARCH >= 8
    mpu(kRegionBase) =
        origin | (flash ? 4u : 1u);  // privileged: read only and executable, or writable and never executed
    mpu(kRegionLimit) = ((origin + length - 1) & ~31u) | 1u;
#else
    // A region is a power of two, aligned to itself, of which whole eighths may be left out: the end of a
    // memory is exact to an eighth. The linker script, which is exact, keeps objects inside.
    uint32_t log2 = 10;
    while (log2 < 31 && (UINT32_C(1) << log2) < length) ++log2;
    const uint32_t eighths = (length + (UINT32_C(1) << (log2 - 3)) - 1) >> (log2 - 3);
    mpu(kRegionBase) = origin;
    mpu(kRegionLimit) =
        (flash ? 0x05030000u : 0x11030000u) | ((0xFFu << eighths & 0xFFu) << 8) | (log2 - 1) << 1 | 1u;
#endif
  }
  mpu(kControl) = 1;
  __asm__ volatile("dsb\n\tisb" ::: "memory");
}
