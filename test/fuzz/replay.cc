// Runs fuzz targets without a fuzzer: every file of a corpus, then mutations of them from a fixed seed, so
// that the same command tries the same bytes. An input that breaks a rule, crashes, takes more than 10 s or
// wants more than 2 GiB ends the program, and is left as crash-<target>. Usage: nb_fuzz_replay CORPUS
// MUTATIONS SECONDS [TARGET...]; CORPUS holds a folder a target; a target ends its mutations after that many
// or after its share of the seconds. nb_fuzz_replay TARGET FILE... runs files.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "test/fuzz/targets.h"

namespace nb::fuzz {
namespace {
namespace fs = std::filesystem;

constexpr unsigned kSecondsPerInput = 10;
constexpr std::uint64_t kMaxMemoryBytes = std::uint64_t{2} << 30;
constexpr std::size_t kMaxInputBytes = 16384;

// What a signal's handler may look at.
const Bytes* present_input = nullptr;
char crash_file[64] = "crash";

extern "C" void keep_input(int signal) {
  const int file = ::open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0 && present_input != nullptr)
    (void)!::write(file, present_input->data(), present_input->size());
  constexpr char kText[] = "the input is kept as ";
  (void)!::write(2, kText, sizeof kText - 1);
  (void)!::write(2, crash_file, std::char_traits<char>::length(crash_file));
  (void)!::write(2, signal == SIGALRM ? ": more than 10 s\n" : "\n", signal == SIGALRM ? 17 : 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run_one(const Target& target, const Bytes& input) {
  present_input = &input;
  ::alarm(kSecondsPerInput);
  target.run(input);
  ::alarm(0);
}

/// A pseudo-random sequence that is the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1dULL;
  }
  std::size_t below(std::size_t end) { return end == 0 ? 0 : (next() >> 11) % end; }

 private:
  std::uint64_t state_;
};

/// One change of the kinds that find defects in parsers: numbers at the edges, bits, pieces gone, doubled, or
/// from another file.
void mutate(Bytes& bytes, const Bytes& other, Random& random) {
  static constexpr std::int64_t kEdges[] = {0,   1,    -1,    2,          4,     127,        128,        255,
                                            256, 1023, 32767, 0x7fffffff, 65535, 0x80000000, 0xfffffff0, -8};
  const std::size_t at = random.below(bytes.size());
  const auto iterator = [&](std::size_t i) { return bytes.begin() + static_cast<std::ptrdiff_t>(i); };
  const std::size_t length = std::min(bytes.size() - at, 1 + random.below(random.below(4) == 0 ? 256 : 8));
  switch (random.below(8)) {
    case 0:
      if (!bytes.empty()) bytes[at] ^= static_cast<std::byte>(1u << random.below(8));
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<std::byte>(random.next() >> 56);
      break;
    case 2: {
      const std::int64_t edge = kEdges[random.below(std::size(kEdges))];
      const std::size_t width = std::min(bytes.size() - at, std::size_t{1} << random.below(4));
      for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<std::byte>(edge >> (8 * i));
      break;
    }
    case 3: {  // a number in text
      const std::string text = std::to_string(kEdges[random.below(std::size(kEdges))]);
      std::size_t from = at;
      while (from < bytes.size() && !std::isdigit(static_cast<int>(bytes[from]))) ++from;
      std::size_t to = from;
      while (to < bytes.size() && std::isdigit(static_cast<int>(bytes[to]))) ++to;
      bytes.erase(iterator(from), iterator(to));
      const ByteSpan raw = as_byte_span(text);
      if (from != to) bytes.insert(iterator(from), raw.begin(), raw.end());
      break;
    }
    case 4:
      bytes.erase(iterator(at), iterator(at + length));
      break;
    case 5: {
      const Bytes piece(iterator(at), iterator(at + length));
      const std::size_t to = random.below(bytes.size());
      bytes.insert(iterator(to), piece.begin(), piece.end());
      break;
    }
    case 6:
      if (!other.empty()) {
        const std::size_t from = random.below(other.size());
        const auto first = other.begin() + static_cast<std::ptrdiff_t>(from);
        bytes.insert(iterator(at), first,
                     first + static_cast<std::ptrdiff_t>(std::min(other.size() - from, length)));
      }
      break;
    default:
      if (random.below(16) == 0) bytes.resize(at);
      break;
  }
  bytes.resize(std::min(bytes.size(), kMaxInputBytes));
}

std::vector<Bytes> read_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Bytes> inputs;
  for (const fs::path& file : files)
    if (FileRead read = read_file(file); read.bytes) inputs.push_back(*std::move(read.bytes));
  return inputs;
}

bool fuzz(const Target& target, const fs::path& corpus, std::size_t mutations, double seconds) {
  std::snprintf(crash_file, sizeof crash_file, "crash-%s", std::string(target.name).c_str());
  const std::vector<Bytes> inputs = read_folder(corpus / target.name);
  if (inputs.empty()) {
    std::printf("FAILED %s: no corpus in %s\n", std::string(target.name).c_str(), corpus.c_str());
    return false;
  }
  for (const Bytes& input : inputs) run_one(target, input);
  Random random(hash_bytes(as_byte_span(target.name)));
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::size_t n = 0;
  for (; n < mutations && elapsed() < seconds; ++n) {
    Bytes input = inputs[random.below(inputs.size())];
    const Bytes& other = inputs[random.below(inputs.size())];
    for (std::size_t changes = 1 + random.below(4); changes > 0; --changes) mutate(input, other, random);
    run_one(target, input);
  }
  std::printf("%-10s %4zu files, %6zu mutations, %.1f s\n", std::string(target.name).c_str(), inputs.size(),
              n, elapsed());
  std::fflush(stdout);
  return true;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) {
    std::fprintf(stderr, "usage: nb_fuzz_replay CORPUS MUTATIONS SECONDS [TARGET...] | TARGET FILE...\n");
    return 2;
  }
  if (const Target* target = find_target(arguments[0])) {
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      const FileRead read = read_file(arguments[i]);
      if (read.bytes) run_one(*target, *read.bytes);
      std::printf("%s: %s\n", arguments[i].c_str(), read.bytes ? "ok" : read.why_not.c_str());
    }
    return 0;
  }
  const std::size_t mutations = std::strtoull(arguments[1].c_str(), nullptr, 10);
  const double seconds = arguments.size() > 2 ? std::atof(arguments[2].c_str()) : 1;
  const auto is_asked = [&](std::string_view name) {
    return arguments.size() <= 3 ||
           std::find(arguments.begin() + 3, arguments.end(), name) != arguments.end();
  };
  bool is_good = true;
  for (const Target& target : targets())
    if (is_asked(target.name))
      is_good =
          fuzz(target, arguments[0], mutations, seconds / static_cast<double>(targets().size())) && is_good;
  return is_good ? 0 : 1;
}

}  // namespace
}  // namespace nb::fuzz

int main(int argc, char** argv) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM})
    std::signal(signal, nb::fuzz::keep_input);
#if !defined(__SANITIZE_ADDRESS__)  // which reserves terabytes of addresses
  const rlimit limit{nb::fuzz::kMaxMemoryBytes, nb::fuzz::kMaxMemoryBytes};
  ::setrlimit(RLIMIT_AS, &limit);
#endif
  return nb::fuzz::run({argv + 1, argv + argc});
}
