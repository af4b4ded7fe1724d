// Which instructions a file was built with, by its build attributes, and which of them a core lacks.
#include <doctest/doctest.h>

#include <string>

#include "bench/core_instructions.h"

namespace nb {
namespace {

using bench::find_core;
using bench::find_lacking;
using bench::mismatch_of;

/// A section of build attributes of the whole file.
std::string section_of(const std::string& vendor, const std::string& attributes) {
  const auto word = [](std::size_t value) {
    return std::string{static_cast<char>(value), static_cast<char>(value >> 8), 0, 0};
  };
  const std::string part = std::string(1, 1) + word(5 + attributes.size()) + attributes;
  const std::string body = vendor + std::string(1, 0) + part;
  return "A" + word(4 + body.size()) + body;
}

/// Tag_CPU_name "x", then (tag, number) pairs, all below 128.
ArmAttributes arm(const std::vector<std::pair<int, int>>& numbers) {
  std::string text("\5x\0", 3);
  for (const auto& [tag, number] : numbers) text += {static_cast<char>(tag), static_cast<char>(number)};
  const auto parsed = parse_arm_attributes(as_byte_span(section_of("aeabi", text)));
  REQUIRE(parsed.has_value());
  return *parsed;
}

TEST_CASE("Attributes are read as tags say, and only if they are whole") {
  const std::string section = section_of("aeabi", std::string("\5cortex-m7\0\6\15\7M\12\10\33\1\60\2", 21));
  const auto attributes = parse_arm_attributes(as_byte_span(section));
  REQUIRE(attributes.has_value());
  CHECK(attributes->architecture == 13);
  CHECK(attributes->profile == 'M');
  CHECK(attributes->floats == 8);
  CHECK(attributes->float_use == 1);
  CHECK(attributes->vectors == 2);
  for (std::size_t size = 0; size < section.size(); ++size) {
    const auto cut = parse_arm_attributes(as_byte_span(section).first(size));
    if (size != 1) CHECK_FALSE(cut.has_value());  // "A" alone has no part that could be cut
  }
  for (std::size_t i = 0; i < section.size(); ++i)
    for (const int value : {0, 1, 127, 128, 255}) {
      std::string other = section;
      other[i] = static_cast<char>(value);
      static_cast<void>(parse_arm_attributes(as_byte_span(other)));  // ends, and reads nothing outside
      static_cast<void>(parse_riscv_architecture(as_byte_span(other)));
    }
  CHECK(parse_riscv_architecture(as_byte_span(section)).empty());
  CHECK(parse_riscv_architecture(
            as_byte_span(section_of("riscv", std::string("\4\20\5rv32i2p1_c2p0\0", 17)))) == "rv32i2p1_c2p0");
}

TEST_CASE("A core runs its architecture and those within it") {
  constexpr int kArchitecture = 6, kProfile = 7, kFloats = 10, kFloatUse = 27, kVectors = 48;
  const auto fits = [](const char* core, const std::vector<std::pair<int, int>>& numbers) {
    return !mismatch_of(*find_core(core), arm(numbers)).has_value();
  };
  CHECK(fits("cortex-m0", {{kArchitecture, 12}, {kProfile, 'M'}}));
  CHECK(fits("cortex-m7", {{kArchitecture, 12}, {kProfile, 'M'}}));
  CHECK(fits("cortex-m3", {{kArchitecture, 10}, {kProfile, 'M'}}));
  CHECK_FALSE(fits("cortex-m0plus", {{kArchitecture, 10}, {kProfile, 'M'}}));
  CHECK_FALSE(fits("cortex-m3", {{kArchitecture, 13}}));
  CHECK(fits("cortex-m33", {{kArchitecture, 13}}));
  CHECK_FALSE(fits("cortex-m3", {{kArchitecture, 16}}));  // Armv8-M Baseline is not within Armv7-M
  CHECK_FALSE(fits("cortex-m7", {{kArchitecture, 17}}));
  CHECK_FALSE(fits("cortex-m33", {{kArchitecture, 21}}));
  CHECK(fits("cortex-m4f", {{kArchitecture, 13}, {kFloats, 6}, {kFloatUse, 1}}));
  CHECK_FALSE(fits("cortex-m4f", {{kArchitecture, 13}, {kFloats, 6}}));  // double precision
  CHECK_FALSE(fits("cortex-m4f", {{kArchitecture, 13}, {kFloats, 8}, {kFloatUse, 1}}));
  CHECK(fits("cortex-m7", {{kArchitecture, 13}, {kFloats, 8}}));
  CHECK_FALSE(fits("cortex-m7sp", {{kArchitecture, 13}, {kFloats, 8}}));
  CHECK(fits("cortex-m55", {{kArchitecture, 21}, {kFloats, 8}, {kVectors, 2}}));
  CHECK_FALSE(fits("cortex-m33", {{kArchitecture, 17}, {kVectors, 1}}));
  CHECK(mismatch_of(*find_core("cortex-m7"), arm({{kArchitecture, 10}, {kProfile, 'A'}}))->is_other_profile);
  CHECK(
      mismatch_of(*find_core("cortex-m3"), arm({{kArchitecture, 13}, {kFloats, 6}, {kFloatUse, 1}}))->asked ==
      "Armv7E-M with single-precision floating point (VFPv4)");
  CHECK_FALSE(mismatch_of(*find_core("rv32imc"), "rv32i2p1_m2p0_c2p0_zmmul1p0").has_value());
  CHECK(mismatch_of(*find_core("rv32imc"), "rv32i2p1_m2p0_a2p1_c2p0")->asked == "rv32imac");
  CHECK_FALSE(mismatch_of(*find_core("rv32imac"), "rv32i2p1_m2p0_a2p1_c2p0").has_value());
  CHECK(mismatch_of(*find_core("rv32imac"), "rv32imafc").has_value());
}

TEST_CASE("Instructions that Armv6-M lacks are found in code") {
  const auto find = [](const std::string& code) { return find_lacking(*find_core("cortex-m0plus"), code); };
  const std::string nop("\x00\xbf", 2), bl("\xff\xf7\xe1\xff", 4), dsb("\xbf\xf3\x4f\x8f", 4),
      udiv("\xb3\xfb\xf1\xf3", 4), it("\x08\xbf", 2), cbz("\x08\xb1", 2), push("\x30\xb4", 2);
  CHECK_FALSE(find(nop + push + bl + dsb).has_value());
  CHECK(find(nop + bl + udiv) == 6);
  CHECK(find(push + it) == 2);
  CHECK(find(cbz) == 0);
  CHECK_FALSE(find_lacking(*find_core("cortex-m3"), udiv).has_value());
}

}  // namespace
}  // namespace nb
