#include "report/document.h"

#include <nlohmann/json.hpp>

#include "base/process.h"
#include "base/resources.h"
#include "report/json_values.h"
#include "report/narrative.h"
#include "report/report.h"

namespace nb {
namespace {

using nlohmann::json;

json files_json(const std::vector<ReportFile>& files) {
  json list = json::array();
  for (const ReportFile& file : files)
    list.push_back({{"role", file.role},
                    {"file", file.file},
                    {"format", text_or_null(file.format)},
                    {"sha256", text_or_null(file.sha256)},
                    {"size_bytes", file.sha256.empty() ? json(nullptr) : json(file.size_bytes)}});
  return list;
}

}  // namespace

json report_document(json ended, const ReportRequest& request) {
  // How long this computer took says nothing of the model, and two runs are to give the same bytes.
  ended.erase("wall_seconds");
  json options = json::array(), tools = json::array();
  for (const auto& [name, values] : request.options) options.push_back({{"name", name}, {"values", values}});
  for (const ReportTool& tool : request.tools)
    tools.push_back({{"name", tool.name}, {"version", text_or_null(tool.version)}});
  json section = {
      {"schema",
       {{"name", "nblocks-report"}, {"version", kReportVersion}, {"readable_by", kReportReadableBy}}},
      {"nblocks", NB_VERSION},
      {"verb", request.verb},
      {"command", command_text(request.command)},
      {"options", std::move(options)},
      {"files", files_json(request.files)},
      {"tools", std::move(tools)}};
  add_narrative(section, ended);
  ended["report"] = std::move(section);
  return ended;
}

std::optional<std::string> report_page(const json& document) {
  constexpr std::string_view kPlace = "@REPORT@";
  const auto page = find_resource("web/report.html");
  const std::size_t at = page ? page->find(kPlace) : std::string_view::npos;
  if (at == std::string_view::npos) return std::nullopt;
  std::string text(page->substr(0, at));
  // No name out of a model may end the element that holds the report.
  for (const char c : json_text(document, -1)) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return text + std::string(page->substr(at + kPlace.size()));
}

Result<json> parse_report(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  const auto refuse = [&](const std::string& what, std::string help) -> Failed {
    return diagnostics.add(
        {.kind = Kind::bad_report, .message = "`" + file + "` " + what, .help = std::move(help)});
  };
  json report = json::parse(text, nullptr, false);
  const json::json_pointer schema("/report/schema");
  if (report.is_discarded() || !report.is_object())
    return refuse("is no JSON object", "a report is what --report FILE.json wrote");
  if (!report.contains(schema) || !report[schema].is_object() ||
      report[schema].value("name", json()) != "nblocks-report" ||
      !report[schema].value("version", json()).is_number_integer() ||
      !report[schema].value("readable_by", json()).is_number_integer())
    return refuse("is no report", "--json alone leaves out what a report says of itself: --report FILE.json");
  const auto version = report[schema]["version"].get<std::int64_t>();
  const auto readable_by = report[schema]["readable_by"].get<std::int64_t>();
  if (version < kOldestReadable || readable_by > kReportVersion) {
    std::string mine = std::to_string(kReportVersion);
    if (kOldestReadable < kReportVersion) mine = std::to_string(kOldestReadable) + " to " + mine;
    const json maker = report["report"].value("nblocks", json());
    return refuse(
        "has schema " + std::to_string(version) + " of reports, for readers of schema " +
            std::to_string(readable_by) + " and later; this version reads " + mine,
        maker.is_string() ? "nblocks " + maker.get<std::string>() + " wrote it; this is " NB_VERSION : "");
  }
  return report;
}

}  // namespace nb
