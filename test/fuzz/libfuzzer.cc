// libFuzzer's way into one target; NB_FUZZ_TARGET names it.
#include <cstdint>

#include "test/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const nb::fuzz::Target* const kTarget = nb::fuzz::find_target(NB_FUZZ_TARGET);
  kTarget->run({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
