#include "bench/core_instructions.h"

#include <algorithm>

#include "base/text.h"

namespace nb::bench {
namespace {

// Values of the build attributes: "Addenda to, and errata in, the ABI for the Arm architecture", 3.3.
enum Architecture : unsigned {
  kV7 = 10,
  kV6M = 11,
  kV6sM = 12,
  kV7eM = 13,
  kV8A = 14,
  kV8R = 15,
  kV8mBase = 16,
  kV8mMain = 17,
  kV81mMain = 21,
};

/// What a core of Arm executes. Each architecture here has what those before it have; Armv8-M Baseline, which
/// Armv8-M Mainline has, but Armv7-M has not, is apart.
struct ArmCore {
  std::string_view name;
  Architecture architecture;
  unsigned float_level;  ///< 0 none, 1 VFPv2 and VFPv3, 2 VFPv4, 3 FPv5
  bool has_double;
  unsigned vectors;  ///< MVE: 1 integers, 2 and floats
};

// Technical reference manuals of the cores; the FPU is that of the flags in kCoreTargets.
constexpr std::array<ArmCore, 9> kArmCores = {{{"cortex-m0", kV6M, 0, false, 0},
                                               {"cortex-m0plus", kV6M, 0, false, 0},
                                               {"cortex-m3", kV7, 0, false, 0},
                                               {"cortex-m4f", kV7eM, 2, false, 0},
                                               {"cortex-m7", kV7eM, 3, true, 0},
                                               {"cortex-m7sp", kV7eM, 3, false, 0},
                                               {"cortex-m33", kV8mMain, 3, false, 0},
                                               {"cortex-m55", kV81mMain, 3, true, 2},
                                               {"cortex-m85", kV81mMain, 3, true, 2}}};

struct RiscvCore {
  std::string_view name, extensions;
};
constexpr std::array<RiscvCore, 2> kRiscvCores = {{{"rv32imc", "imc"}, {"rv32imac", "imac"}}};

static_assert(std::all_of(kCoreTargets.begin(), kCoreTargets.end(), [](const CoreTarget& core) {
  const auto is_it = [&](const auto& one) { return one.name == core.name; };
  return std::any_of(kArmCores.begin(), kArmCores.end(), is_it) ||
         std::any_of(kRiscvCores.begin(), kRiscvCores.end(), is_it);
}));

template <class Cores>
const auto* find_in(const Cores& cores, std::string_view name) {
  const auto found =
      std::find_if(cores.begin(), cores.end(), [&](const auto& one) { return one.name == name; });
  return found == cores.end() ? nullptr : &*found;
}

/// Where an architecture stands among those that contain each other; 0: anything may run it.
unsigned rank_of(unsigned architecture) {
  switch (architecture) {
    case kV6M:
    case kV6sM:
      return 1;
    case kV7:
      return 2;
    case kV7eM:
      return 3;
    case kV8mBase:
    case kV8mMain:
      return 4;
    case kV81mMain:
      return 5;
    default:
      return 0;
  }
}

unsigned float_level_of(unsigned floats) { return floats == 0 ? 0 : floats <= 4 ? 1 : floats <= 6 ? 2 : 3; }

/// Of profiles A and R, which no microcontroller's core executes.
bool is_application_code(const ArmAttributes& file) {
  return file.profile == 'A' || file.profile == 'R' || file.architecture == kV8A ||
         file.architecture == kV8R || (file.architecture > kV8mMain && file.architecture != kV81mMain);
}

std::string architecture_text(unsigned architecture) {
  switch (architecture) {
    case kV6M:
    case kV6sM:
      return "Armv6-M";
    case kV7:
      return "Armv7-M";
    case kV7eM:
      return "Armv7E-M";
    case kV8mBase:
      return "Armv8-M Baseline";
    case kV8mMain:
      return "Armv8-M Mainline";
    case kV81mMain:
      return "Armv8.1-M Mainline";
    default:
      return "an older Arm architecture";
  }
}

std::string arm_text(const std::string& architecture, unsigned float_level, bool has_double,
                     unsigned vectors) {
  static constexpr std::array<const char*, 4> kLevels = {"", "VFPv3", "VFPv4", "FPv5"};
  std::string text = architecture;
  if (float_level != 0)
    text += std::string(" with ") + (has_double ? "double" : "single") + "-precision floating point (" +
            kLevels[float_level] + ")";
  if (vectors != 0) text += vectors == 1 ? " and MVE of integers" : " and MVE";
  return text;
}

constexpr std::string_view kSingleLetters = "mafdqbvh";

/// The single-letter extensions: "imc" of "rv32i2p1_m2p0_c2p0_zicsr2p0".
std::string letters_of(std::string_view architecture) {
  std::string letters;
  if (!architecture.starts_with("rv32")) return letters;
  for (const std::string_view part : split(architecture.substr(4), '_')) {
    if (part.empty() || part[0] == 'z' || part[0] == 's' || part[0] == 'x') continue;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const bool is_version = (part[i] >= '0' && part[i] <= '9') || part[i] == 'p';
      if (!is_version && letters.find(part[i]) == std::string::npos) letters += part[i];
    }
  }
  return letters;
}

}  // namespace

std::optional<Mismatch> mismatch_of(const CoreTarget& core, const ArmAttributes& file) {
  const ArmCore* own = find_in(kArmCores, core.name);
  if (own == nullptr) return std::nullopt;
  const unsigned level = float_level_of(file.floats);
  constexpr unsigned kSingleAlone = 1;
  // VFPv4 and later come in halves; the older ones are double, if nothing else is said.
  const bool asks_double = level != 0 && file.float_use != kSingleAlone;
  const bool fits = !is_application_code(file) && rank_of(file.architecture) <= rank_of(own->architecture) &&
                    level <= own->float_level && (!asks_double || own->has_double) &&
                    file.vectors <= own->vectors;
  if (fits) return std::nullopt;
  const std::string architecture = is_application_code(file)
                                       ? std::string("a core of Arm's profile ") +
                                             (file.profile == 'R' || file.architecture == kV8R ? "R" : "A")
                                       : architecture_text(file.architecture);
  std::string has =
      arm_text(architecture_text(own->architecture), own->float_level, own->has_double, own->vectors);
  if (level != 0 && own->float_level == 0) has += " without floating point";
  return Mismatch{arm_text(architecture, level, asks_double, file.vectors), std::move(has),
                  is_application_code(file)};
}

std::optional<Mismatch> mismatch_of(const CoreTarget& core, std::string_view architecture) {
  const RiscvCore* own = find_in(kRiscvCores, core.name);
  if (own == nullptr) return std::nullopt;
  const std::string letters = letters_of(architecture);
  const bool fits = std::all_of(letters.begin(), letters.end(), [&](char letter) {
    return kSingleLetters.find(letter) == std::string_view::npos ||
           own->extensions.find(letter) != std::string_view::npos;
  });
  if (fits) return std::nullopt;
  return Mismatch{"rv32" + letters, "rv32" + std::string(own->extensions), false};
}

std::optional<std::uint32_t> find_lacking(const CoreTarget& core, std::string_view code) {
  const ArmCore* own = find_in(kArmCores, core.name);
  if (own == nullptr || own->architecture != kV6M) return std::nullopt;
  const auto half = [&](std::size_t at) {
    return static_cast<unsigned>(load<std::uint16_t>(as_byte_span(code), at));
  };
  // Armv6-M Architecture Reference Manual, A5.2 and A5.3.
  for (std::size_t at = 0; at + 2 <= code.size();) {
    const unsigned first = half(at);
    const bool is_long = first >= 0xe800;
    if (is_long && at + 4 > code.size()) return std::nullopt;
    const unsigned second = is_long ? half(at + 2) : 0;
    const bool is_bl = (first & 0xf800u) == 0xf000 && (second & 0xd000u) == 0xd000;
    const bool is_system =
        ((first & 0xfff0u) == 0xf380 || first == 0xf3ef || first == 0xf3bf) && (second & 0xd000u) == 0x8000;
    const bool is_cbz = (first & 0xf500u) == 0xb100;
    const bool is_it = (first & 0xff00u) == 0xbf00 && (first & 0xfu) != 0;
    if (is_long ? !is_bl && !is_system : is_cbz || is_it) return static_cast<std::uint32_t>(at);
    at += is_long ? 4 : 2;
  }
  return std::nullopt;
}

}  // namespace nb::bench
