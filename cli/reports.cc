#include "cli/reports.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/resources.h"
#include "base/text.h"
#include "driver/provenance.h"
#include "report/json_reads.h"
#include "report/report.h"
#include "report/traces.h"

namespace nb::cli {
namespace {

using nlohmann::json;

enum class Form { page, report, speedscope, trace };

std::optional<Form> form_of(const std::string& file) {
  if (file.ends_with(".speedscope.json")) return Form::speedscope;
  if (file.ends_with(".trace.json")) return Form::trace;
  if (file.ends_with(".json")) return Form::report;
  if (file.ends_with(".html")) return Form::page;
  return std::nullopt;
}

/// The files that the command line names, by what they are to the verb.
std::vector<ReportFile> files_of(const Options& options) {
  std::vector<ReportFile> files;
  const auto add = [&](const char* role, const std::string& file) {
    std::error_code ignored;
    if (!file.empty() && std::filesystem::exists(file, ignored)) files.push_back(report_file(role, file));
  };
  add(options.verb == "time" ? "firmware" : "model", options.model);
  if (options.verb == "compare")
    for (const std::string& model : options.words) add(is_kept_report(model) ? "report" : "model", model);
  for (const std::string& alternative : options.alternatives) add("model", alternative);
  for (const std::string& companion : options.companions)
    add("companion", companion.substr(0, companion.rfind('=')));
  add("against", options.against);
  add("reference", options.reference);
  add("data", options.data);
  add("labels", options.labels);
  add("input", options.input);
  add("calibration", options.calibration);
  add("prices", options.prices);
  for (const std::string& frozen : options.frozen) add("constant", frozen.substr(frozen.find('=') + 1));
  for (const std::string& board : options.boards)
    if (board.ends_with(".toml")) add("board", board);
  if (options.board.ends_with(".toml")) add("board", options.board);
  return files;
}

std::vector<ReportTool> tools_of(const json& found, const std::string& verb) {
  std::vector<std::string> cores;
  const auto add = [&](const json& from) {
    const std::string core = find_text(from, "/core");
    if (!core.empty() && std::find(cores.begin(), cores.end(), core) == cores.end()) cores.push_back(core);
  };
  if (verb == "run" || verb == "validate" || verb == "time") add(found);
  if (verb == "explain")
    for (const Board& board : builtin_boards())
      if (board.name == find_text(found, "/board")) add({{"core", board.processor}});
  if (verb == "validate" && !is_true(found, "/is_own_reference")) cores.emplace_back("host");
  for (const json& row : find_list(found, "/rows"))
    if (find_json(row, "/instructions") != nullptr) add(row);
  for (const char* pointer : {"/advice/ranked", "/advice/others"})
    for (const json& entry : find_list(found, pointer))
      if (find_json(entry, "/instructions") != nullptr) add(entry);
  return report_tools(cores, verb != "time");
}

std::optional<std::string> text_of(Form form, const json& document) {
  const auto lines = [](const std::optional<json>& value) {
    return value ? std::optional(json_text(*value) + "\n") : std::nullopt;
  };
  switch (form) {
    case Form::page:
      return report_page(document);
    case Form::report:
      return lines(document);
    case Form::speedscope:
      return lines(speedscope_json(document));
    case Form::trace:
      return lines(chrome_trace_json(document));
  }
  __builtin_unreachable();
}

void write_documents(const json& document, const std::vector<std::string>& files, Diagnostics& diagnostics) {
  for (const std::string& file : files) {
    const auto text = text_of(*form_of(file), document);
    std::string why_not;
    if (!text && diagnostics.has_errors()) continue;  // they are why there is none
    if (!text)
      diagnostics.add(
          {.kind = Kind::usage,
           .message = "the report has no times of layers or functions to write to `" + printable(file) + "`",
           .help = "those of `nblocks run` and `nblocks time` have, on boards whose core has a "
                   "timing model"});
    else if (!write_file(file, as_byte_span(*text), why_not))
      diagnostics.add({.kind = Kind::file_unwritable, .message = "`" + printable(file) + "`: " + why_not});
  }
}

}  // namespace

bool has_times(const std::string& verb) { return verb == "run" || verb == "time" || verb == "report"; }

Status check_reports(const Options& options, Diagnostics& diagnostics) {
  for (const std::string& file : options.reports) {
    const auto form = form_of(file);
    if (!form)
      return diagnostics.add(
          {.kind = Kind::usage,
           .message = "the ending of `" + printable(file) + "` is not that of a report",
           .help = std::string("endings: ") + (has_times(options.verb) ? kReportEndings : kDocumentEndings)});
    if (*form == Form::page && !find_resource("web/report.html"))
      return diagnostics.add(
          {.kind = Kind::usage,
           .message = "this nblocks was built without the page of `" + printable(file) + "`",
           .help = "--report FILE.json keeps the report; a build with NB_REPORT_PAGE draws it"});
    if ((*form == Form::speedscope || *form == Form::trace) && !has_times(options.verb))
      return diagnostics.add(
          {.kind = Kind::usage,
           .message = "`" + options.verb + "` estimates no times for `" + printable(file) + "`",
           .help = "`nblocks run` and `nblocks time` do"});
  }
  return Status();
}

json report_of(const json& found, const Options& options, const Diagnostics& diagnostics) {
  const ReportRequest request{.verb = options.verb,
                              .command = options.command,
                              .options = options.given,
                              .files = files_of(options),
                              .tools = tools_of(found, options.verb)};
  return report_document(ended_json(found, diagnostics), request);
}

bool is_kept_report(const std::string& file) {
  std::ifstream stream(file);
  char first = 0;
  return static_cast<bool>(stream >> first) && first == '{';
}

Result<json> read_report(const std::string& file, Diagnostics& diagnostics) {
  const FileRead read = read_file(file);
  if (!read.bytes)
    return diagnostics.add(
        {.kind = Kind::file_unreadable, .message = "`" + printable(file) + "`: " + read.why_not});
  return parse_report(read.text(), printable(file), diagnostics);
}

void write_reports(const json& found, const Options& options, Diagnostics& diagnostics) {
  if (options.reports.empty()) return;
  write_documents(report_of(found, options, diagnostics), options.reports, diagnostics);
}

int report(const Options& options) {
  Diagnostics diagnostics;
  const auto document = read_report(options.model, diagnostics);
  if (document) write_documents(*document, options.reports, diagnostics);
  Options ended = options;
  ended.reports.clear();
  return finish(diagnostics, ended);
}

}  // namespace nb::cli
