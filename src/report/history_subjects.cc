#include "report/history_subjects.h"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "report/json_reads.h"

namespace nb {
namespace {

using nlohmann::json;

/// The parts of a name as one key.
std::string key_of(std::initializer_list<std::string> parts) {
  std::string key;
  for (const std::string& part : parts) key += part + '\n';
  return key;
}

/// Floats as they are have no name, or this one.
std::string format_key(const Subject& one) { return one.format == "float32" ? std::string() : one.format; }

std::string program_key(const Subject& one) {
  return key_of({one.file, one.model, format_key(one), one.variant});
}

Subject row_of(const json& row, std::string path) {
  Subject subject{.at = &row, .path = std::move(path), .is_row = true};
  subject.file = find_text(row, "/file");
  subject.model = find_text(row, "/model");
  subject.format = find_text(row, "/format");
  subject.board = find_text(row, "/board");
  subject.currency = find_text(row, "/price/currency");
  if (find_number(row, "/price/amount")) subject.price_path = subject.path + "/price/amount";
  return subject;
}

/// A way to build the model, of an advice.
Subject way_of(const json& report, const json& way, std::string path) {
  Subject subject = row_of(way, std::move(path));
  subject.file = find_text(report, "/file");
  subject.model = find_text(report, "/model");
  subject.format = find_text(way, "/format_name");
  if (const std::string goal = find_text(way, "/prefer"); !goal.empty() && goal != "time")
    subject.variant = "prefer " + goal;
  for (const json& use : find_list(way, "/external"))
    subject.variant +=
        (subject.variant.empty() ? "" : ", ") + find_text(use, "/holds") + " in " + find_text(use, "/memory");
  if (find_number(way, "/price")) {
    subject.currency = find_text(report, "/advice/currency");
    subject.price_path = subject.path + "/price";
  }
  if (const auto format = find_count(way, "/format"); format && *format >= 0) {
    const std::string at = "/advice/formats/" + std::to_string(*format), value = at + "/value";
    if (const std::string model = find_text(report, at + "/model"); !model.empty()) {
      subject.model = model;
      subject.file = find_text(report, at + "/file");
    }
    if (find_number(report, value)) {
      subject.metric = find_text(report, "/advice/metric");
      subject.metric_path = value;
    }
  }
  return subject;
}

/// The program that a report of one is about.
Subject whole_of(const json& report) {
  Subject subject{.at = &report, .model = find_text(report, "/model"), .board = find_text(report, "/board")};
  for (const json& file : find_list(report, "/report/files"))
    if (const std::string role = find_text(file, "/role"); role == "model" || role == "firmware")
      subject.file = find_text(file, "/file");
  if (subject.model.empty()) subject.model = subject.file;
  for (const json& option : find_list(report, "/report/options"))
    if (find_text(option, "/name") == "--quantize") subject.format = find_text(option, "/values/0");
  if (find_number(report, "/metric/program")) {
    subject.metric = find_text(report, "/metric/name");
    subject.metric_path = "/metric/program";
  } else if (const auto best = find_count(report, "/formats/best"); best && *best >= 0) {
    const std::string value = "/formats/choices/" + std::to_string(*best) + "/value";
    if (find_number(report, value)) {
      subject.metric = find_text(report, "/formats/metric");
      subject.metric_path = value;
    }
  }
  return subject;
}

class Matching {
 public:
  Matching(const std::vector<Subject>& before, const std::vector<Subject>& after)
      : before_(before), after_(after) {
    for (std::size_t i = 0; i < before.size(); ++i) old_left_.insert(i);
    for (std::size_t i = 0; i < after.size(); ++i) new_left_.insert(i);
  }

  /// Pairs what is left and has a key that no other has on its side.
  void match_by(const std::function<std::string(const Subject&)>& key) {
    const auto by_key = [&](const std::vector<Subject>& subjects, const std::set<std::size_t>& left) {
      std::map<std::string, std::vector<std::size_t>> found;
      for (const std::size_t i : left) found[key(subjects[i])].push_back(i);
      return found;
    };
    const auto mine = by_key(before_, old_left_), theirs = by_key(after_, new_left_);
    for (const auto& [name, indices] : mine) {
      const auto found = theirs.find(name);
      if (indices.size() != 1 || found == theirs.end() || found->second.size() != 1) continue;
      pairs_.emplace_back(indices[0], found->second[0]);
      old_left_.erase(indices[0]);
      new_left_.erase(found->second[0]);
    }
  }

  /// Whether either side has one program left of which no board was matched.
  [[nodiscard]] bool has_one_program_left() const {
    const auto is_one = [](const std::vector<Subject>& subjects, const std::set<std::size_t>& left) {
      std::set<std::string> names, matched;
      for (std::size_t i = 0; i < subjects.size(); ++i)
        (left.contains(i) ? names : matched).insert(program_key(subjects[i]));
      return names.size() == 1 && !matched.contains(*names.begin());
    };
    return is_one(before_, old_left_) && is_one(after_, new_left_);
  }
  [[nodiscard]] bool has_single_programs() const { return before_.size() == 1 && after_.size() == 1; }

  /// In the order of the newer report.
  std::vector<std::pair<std::size_t, std::size_t>> pairs() && {
    std::map<std::size_t, std::size_t> ordered;
    for (const auto& [old_index, new_index] : pairs_) ordered[new_index] = old_index;
    std::vector<std::pair<std::size_t, std::size_t>> result;
    for (const auto& [new_index, old_index] : ordered) result.emplace_back(old_index, new_index);
    return result;
  }

 private:
  const std::vector<Subject>& before_;
  const std::vector<Subject>& after_;
  std::set<std::size_t> old_left_, new_left_;
  std::vector<std::pair<std::size_t, std::size_t>> pairs_;
};

}  // namespace

std::string Subject::program() const {
  std::string words = format;
  if (!variant.empty()) words += (words.empty() ? "" : ", ") + variant;
  const std::string name = model.empty() ? "the model" : model;
  return words.empty() ? name : name + " (" + words + ")";
}

std::vector<Subject> subjects_of(const json& report) {
  std::vector<Subject> subjects;
  const auto add_list = [&](const std::string& path, const auto& make) {
    const json& list = find_list(report, path);
    for (std::size_t i = 0; i < list.size(); ++i)
      subjects.push_back(make(list[i], path + "/" + std::to_string(i)));
  };
  const auto way = [&](const json& one, std::string path) { return way_of(report, one, std::move(path)); };
  if (find_json(report, "/rows") != nullptr) {
    add_list("/rows", row_of);
  } else if (find_json(report, "/advice") != nullptr) {
    add_list("/advice/ranked", way);
    add_list("/advice/others", way);
  } else {
    subjects.push_back(whole_of(report));
  }
  return subjects;
}

std::vector<std::pair<std::size_t, std::size_t>> matched_subjects(const std::vector<Subject>& before,
                                                                  const std::vector<Subject>& after) {
  Matching matching(before, after);
  matching.match_by([](const Subject& one) {
    return key_of({one.file, one.model, format_key(one), one.variant, one.board});
  });
  matching.match_by([](const Subject& one) {
    return key_of({one.model, format_key(one), one.variant, one.board});
  });
  if (matching.has_one_program_left()) matching.match_by([](const Subject& one) { return one.board; });
  if (matching.has_single_programs()) matching.match_by([](const Subject&) { return std::string(); });
  return std::move(matching).pairs();
}

}  // namespace nb
