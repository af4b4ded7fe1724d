#include "timing/profile.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace nb {
namespace {

/// Numbers of a line behind its letter; the first may be hexadecimal.
template <std::size_t kCount>
std::optional<std::array<std::uint64_t, kCount>> numbers_of(std::string_view line, int first_base = 10) {
  std::array<std::uint64_t, kCount> numbers{};
  const char* at = line.data() + 1;
  const char* const end = line.data() + line.size();
  for (std::size_t i = 0; i < kCount; ++i) {
    if (at == end || *at != ' ') return std::nullopt;
    const auto [rest, error] = std::from_chars(at + 1, end, numbers[i], i == 0 ? first_base : 10);
    if (error != std::errc()) return std::nullopt;
    at = rest;
  }
  return at == end ? std::optional(numbers) : std::nullopt;
}

std::uint32_t narrow(std::uint64_t value) { return static_cast<std::uint32_t>(value); }

/// "0,2,0", "-" or "?", of that many instructions.
bool read_regions(std::string_view text, std::uint32_t instructions, std::vector<std::uint32_t>& regions) {
  if (text == "?") return true;
  regions.assign(instructions, 0);
  if (text == "-") return true;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::uint32_t i = 0; i < instructions; ++i) {
    if (i > 0 && (at == end || *at++ != ',')) return false;
    const auto [rest, error] = std::from_chars(at, end, regions[i], 16);
    if (error != std::errc()) return false;
    at = rest;
  }
  return at == end;
}

bool read_block(std::string_view line, Profile& profile) {
  const std::size_t code = line.rfind(' ');
  const std::size_t regions = line.rfind(' ', code - 1);
  if (code == std::string_view::npos || regions == std::string_view::npos) return false;
  const auto n = numbers_of<4>(line.substr(0, regions), 16);
  if (!n) return false;
  ProfileBlock block{narrow((*n)[0]), narrow((*n)[1]), narrow((*n)[2]), (*n)[3], {}};
  // Two bytes an instruction at least: what is asked for is no larger than the line.
  if (block.instructions > block.size_bytes) return false;
  const std::string_view digits = line.substr(code + 1);
  if (digits.size() != 2 * std::size_t{block.size_bytes} || block.instructions == 0) return false;
  if (!read_regions(line.substr(regions + 1, code - regions - 1), block.instructions, block.regions))
    return false;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
    if (error != std::errc() || end != digits.data() + i + 2) return false;
    block.code.push_back(static_cast<char>(byte));
  }
  profile.blocks.push_back(std::move(block));
  return true;
}

/// One line that is neither the first nor the last two; false if it is none that is known.
bool read_line(std::string_view line, ProfileInterval& interval, Profile& profile) {
  switch (line[0]) {
    case 'E':
      if (const auto n = numbers_of<3>(line)) {
        interval.edges.push_back({narrow((*n)[0]), narrow((*n)[1]), (*n)[2]});
        return true;
      }
      return false;
    case 'A':
      if (const auto n = numbers_of<4>(line)) {
        interval.accesses.push_back({narrow((*n)[0]), narrow((*n)[1]), (*n)[2], (*n)[3]});
        return true;
      }
      return false;
    case 'I':
      if (const auto n = numbers_of<5>(line)) {
        interval.misses.push_back(
            {narrow((*n)[0]), narrow((*n)[1]), narrow((*n)[2]), true, (*n)[3], (*n)[4], 0});
        return true;
      }
      return false;
    case 'D':
      if (const auto n = numbers_of<6>(line)) {
        interval.misses.push_back(
            {narrow((*n)[0]), narrow((*n)[1]), narrow((*n)[2]), false, (*n)[3], (*n)[4], (*n)[5]});
        return true;
      }
      return false;
    case 'M':
      if (const auto n = numbers_of<4>(line)) {
        interval.mark = narrow((*n)[0]);
        interval.instructions_before_mark = static_cast<std::int64_t>((*n)[1]);
        interval.mark_block = narrow((*n)[2]);
        interval.mark_done = narrow((*n)[3]);
        profile.intervals.push_back(std::move(interval));
        interval = {};
        return true;
      }
      return false;
    case 'T':
      return read_block(line, profile);
    case 'X':
      if (const auto n = numbers_of<2>(line, 16)) {
        profile.fault_handler = narrow((*n)[0]);
        profile.fault_block = narrow((*n)[1]);
        return true;
      }
      return false;
    case 'S':
      if (const auto n = numbers_of<1>(line)) {
        profile.stuck_block = narrow((*n)[0]);
        return true;
      }
      return false;
    case 'L':
      profile.is_log_full = true;
      return line.size() == 1;
    case 'P':
      if (const auto n = numbers_of<2>(line)) {
        profile.passed_over.emplace_back(narrow((*n)[0]), (*n)[1]);
        return true;
      }
      return false;
    case 'O':
      profile.is_cut = true;
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<Profile> parse_profile(std::string_view text) {
  Profile profile;
  ProfileInterval interval;
  bool is_first = true, is_whole = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (is_first) {
      if (line != "nbcount 3") return std::nullopt;
      is_first = false;
    } else if (line == "end") {
      is_whole = text.empty();
    } else if (line.starts_with("total ")) {
      std::from_chars(line.data() + 6, line.data() + line.size(), profile.instructions);
    } else if (line.empty() || !read_line(line, interval, profile)) {
      return std::nullopt;
    }
  }
  profile.unended = std::move(interval.edges);
  const auto block_count = profile.blocks.size();
  if (profile.fault_handler && profile.fault_block >= block_count) return std::nullopt;
  if (profile.stuck_block && *profile.stuck_block >= block_count) return std::nullopt;
  const auto are_known = [&](const std::vector<ProfileEdge>& edges) {
    return std::all_of(edges.begin(), edges.end(), [&](const ProfileEdge& edge) {
      return edge.from < block_count && edge.to < block_count;
    });
  };
  if (!are_known(profile.unended)) return std::nullopt;
  for (const ProfileInterval& one : profile.intervals) {
    if (one.mark_block >= block_count || !are_known(one.edges)) return std::nullopt;
    for (const ProfileAccesses& accesses : one.accesses)
      if (accesses.block >= block_count) return std::nullopt;
    for (const ProfileMisses& misses : one.misses)
      if (misses.block >= block_count) return std::nullopt;
  }
  return is_whole ? std::optional(std::move(profile)) : std::nullopt;
}

}  // namespace nb
