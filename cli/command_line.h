// What is wrong with a command line.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace nb::cli {

/// One of these words; else says so, with the nearest.
[[nodiscard]] CLI::Validator one_of(std::vector<std::string> words);
/// A number of that or more.
[[nodiscard]] CLI::Validator at_least(double least);

/// Says what is wrong with a command line: a verb or an option that there is none of, by its nearest names.
/// The exit code.
int refuse_command_line(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv);

}  // namespace nb::cli
