#include "base/elf_attributes.h"

#include <algorithm>

namespace nb {
namespace {

/// Reads on through bytes that nobody vouches for.
class Cursor {
 public:
  explicit Cursor(ByteSpan bytes) : bytes_(bytes) {}
  [[nodiscard]] bool is_at_end() const { return at_ == bytes_.size(); }
  [[nodiscard]] bool is_good() const { return is_good_; }

  std::uint32_t word() {
    if (!holds(bytes_, at_, 4)) return fail();
    at_ += 4;
    return load<std::uint32_t>(bytes_, at_ - 4);
  }
  std::uint32_t uleb() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 7) {
      if (at_ == bytes_.size()) return fail();
      const auto byte = static_cast<unsigned>(bytes_[at_++]);
      value |= (byte & 0x7fu) << shift;
      if ((byte & 0x80u) == 0) return value;
    }
    return fail();
  }
  std::string text() {
    const auto rest = bytes_.subspan(at_);
    const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
    if (end == rest.end()) {
      fail();
      return {};
    }
    const auto size = static_cast<std::size_t>(end - rest.begin());
    at_ += size + 1;
    return {reinterpret_cast<const char*>(rest.data()), size};
  }
  /// The bytes of a part that is `size` long, of which `taken` were read.
  ByteSpan part(std::uint32_t size, std::uint32_t taken) {
    if (size < taken || !holds(bytes_, at_, size - taken)) {
      fail();
      return {};
    }
    at_ += size - taken;
    return bytes_.subspan(at_ - (size - taken), size - taken);
  }

 private:
  std::uint32_t fail() {
    is_good_ = false;
    at_ = bytes_.size();
    return 0;
  }
  ByteSpan bytes_;
  std::size_t at_ = 0;
  bool is_good_ = true;
};

constexpr std::uint32_t kOfFile = 1;

/// Calls `take` with each attribute of the whole file that `vendor` defines: its tag, its number, its text.
/// `is_text` says of which tags the value is text. False if the bytes are not whole.
template <class IsText, class Take>
bool read_attributes(ByteSpan section, std::string_view vendor, IsText is_text, Take take) {
  if (section.empty() || section[0] != std::byte{'A'}) return false;
  Cursor vendors(section.subspan(1));
  while (!vendors.is_at_end()) {
    const std::uint32_t size = vendors.word();
    Cursor parts(vendors.part(size, 4));
    if (parts.text() != vendor) continue;
    while (!parts.is_at_end()) {
      // The tag of a part is one byte: it is a small number.
      const std::uint32_t scope = parts.uleb(), part_size = parts.word();
      Cursor attributes(parts.part(part_size, 5));
      while (scope == kOfFile && !attributes.is_at_end()) {
        const std::uint32_t tag = attributes.uleb();
        constexpr std::uint32_t kCompatibility = 32;
        const std::uint32_t number = is_text(tag) ? 0 : attributes.uleb();
        const std::string text = is_text(tag) || tag == kCompatibility ? attributes.text() : std::string();
        if (!attributes.is_good()) return false;
        take(tag, number, text);
      }
    }
    if (!parts.is_good()) return false;
  }
  return vendors.is_good();
}

}  // namespace

std::optional<ArmAttributes> parse_arm_attributes(ByteSpan section) {
  ArmAttributes found;
  const bool is_whole = read_attributes(
      section, "aeabi", [](std::uint32_t tag) { return tag == 4 || tag == 5 || (tag > 32 && tag % 2 == 1); },
      [&](std::uint32_t tag, std::uint32_t number, const std::string&) {
        switch (tag) {
          case 6:
            found.architecture = number;
            break;
          case 7:
            found.profile = static_cast<char>(number & 0x7fu);
            break;
          case 10:
            found.floats = number;
            break;
          case 27:
            found.float_use = number;
            break;
          case 48:
            found.vectors = number;
            break;
          default:
            break;
        }
      });
  return is_whole ? std::optional(found) : std::nullopt;
}

std::string parse_riscv_architecture(ByteSpan section) {
  std::string architecture;
  const bool is_whole = read_attributes(
      section, "riscv", [](std::uint32_t tag) { return tag % 2 == 1; },
      [&](std::uint32_t tag, std::uint32_t, const std::string& text) {
        if (tag == 5) architecture = text;
      });
  return is_whole ? architecture : std::string();
}

}  // namespace nb
