#include "read/torch/script/origins.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "read/torch/pickle.h"

namespace nb::torch::script {
namespace {

/// The pickle is (format, texts, places); a place is (offset in the code, ((numbers of texts, number of the
/// file's name, first line), begin, end), ...): the texts together are what begin and end count in.
class Places {
 public:
  explicit Places(const Pickle& pickle) : pickle_(pickle) {
    const std::vector<PickleId>* root = parts(pickle.root, 3);
    if (root == nullptr) return;
    const std::vector<PickleId>* texts = parts((*root)[1], 0);
    places_ = parts((*root)[2], 0);
    if (texts == nullptr || places_ == nullptr) return;
    for (const PickleId id : *texts)
      texts_.push_back(pickle.at(id).kind == PickleKind::text ? pickle.at(id).text : "");
  }

  /// Calls f(offset in the code, place) for each that is known.
  template <class F>
  void each(F f) {
    if (places_ == nullptr) return;
    for (const PickleId id : *places_) {
      if (steps_left_ <= 0) return;
      const std::vector<PickleId>* place = parts(id, 2);
      const std::vector<PickleId>* range = place == nullptr ? nullptr : parts((*place)[1], 2);
      const std::vector<PickleId>* source = range == nullptr ? nullptr : parts((*range)[0], 3);
      if (source == nullptr) continue;
      const std::int64_t offset = whole((*place)[0]), begin = whole((*range)[1]);
      if (offset < 0 || begin < 0) continue;
      std::string text = named((*range)[0], *source, begin);
      if (!text.empty()) f(static_cast<std::size_t>(offset), std::move(text));
    }
  }

 private:
  const std::vector<PickleId>* parts(PickleId id, std::size_t least) const {
    const PickleNode& node = pickle_.at(id);
    const bool is_sequence = node.kind == PickleKind::tuple || node.kind == PickleKind::list;
    return is_sequence && node.items.size() >= least ? &node.items : nullptr;
  }
  [[nodiscard]] std::int64_t whole(PickleId id) const {
    return pickle_.at(id).kind == PickleKind::integer ? pickle_.at(id).integer : -1;
  }
  [[nodiscard]] std::string_view text(PickleId id) const {
    const std::int64_t i = whole(id);
    return i >= 0 && static_cast<std::size_t>(i) < texts_.size() ? texts_[static_cast<std::size_t>(i)] : "";
  }
  static std::string_view stem(std::string_view path) { return path.substr(path.rfind('/') + 1); }

  std::string named(PickleId id, const std::vector<PickleId>& source, std::int64_t begin) {
    const auto key = std::pair(id, begin);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    std::string made;
    const std::vector<PickleId>* pieces = parts(source[0], 1);
    const std::string_view file = text(source[1]);
    if (pieces != nullptr && !file.empty()) {
      steps_left_ -= 1 + static_cast<std::int64_t>(pieces->size());
      if (steps_left_ > 0) made = traced(*pieces);
      if (steps_left_ > 0 && made.empty()) {
        // What was compiled from source: `begin` lies some lines below the first.
        std::int64_t line = whole(source[2]), left = begin;
        for (const PickleId piece : *pieces) {
          const std::string_view part = text(piece);
          const auto size = std::min<std::int64_t>(left, static_cast<std::int64_t>(part.size()));
          steps_left_ -= size / 16;
          line += std::count(part.begin(), part.begin() + size, '\n');
          left -= size;
          if (left == 0) break;
        }
        made = printable(stem(file), 80) + ":" + std::to_string(line);
      }
    }
    known_.emplace(key, made);
    return made;
  }

  /// Of a trace, whose texts are "path/file.py(12): function": the innermost line outside PyTorch itself.
  std::string traced(const std::vector<PickleId>& pieces) const {
    std::string found;
    for (const PickleId piece : pieces) {
      const std::string_view part = trim(text(piece));
      const std::size_t open = part.rfind("("), close = part.rfind("): ");
      if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        if (!part.empty()) return found;
        continue;
      }
      const std::string_view path = part.substr(0, open);
      if (!found.empty() && path.find("/torch/") != std::string_view::npos) continue;
      found = printable(stem(path), 80) + ":" + printable(part.substr(open + 1, close - open - 1), 12) +
              " in " + printable(part.substr(close + 3), 60);
      if (path.find("/torch/") == std::string_view::npos) return found;
    }
    return found;
  }

  const Pickle& pickle_;
  std::vector<std::string_view> texts_;
  const std::vector<PickleId>* places_ = nullptr;
  std::map<std::pair<PickleId, std::int64_t>, std::string> known_;
  std::int64_t steps_left_ = 1 << 23;  ///< texts are shared: each place may walk through all of them
};

}  // namespace

Origins::Origins(ByteSpan debug, std::string_view code) {
  PickleFault fault;
  const auto pickle = parse_pickle(debug, fault);
  if (!pickle) return;
  std::vector<std::size_t> begins = {0};
  for (std::size_t i = 0; i < code.size(); ++i)
    if (code[i] == '\n') begins.push_back(i + 1);
  Places(*pickle).each([&](std::size_t offset, std::string place) {
    const auto line = std::upper_bound(begins.begin(), begins.end(), offset) - begins.begin();
    lines_.emplace(static_cast<std::uint32_t>(line), std::move(place));
  });
}

std::string Origins::at(std::uint32_t line) const {
  const auto found = lines_.find(line);
  return found == lines_.end() ? std::string() : found->second;
}

}  // namespace nb::torch::script
