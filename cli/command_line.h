// What is wrong with a command line.
#pragma once
#include <CLI/CLI.hpp>

namespace nb::cli {

/// Says what is wrong with a command line: a verb or an option that there is none of, by its nearest names.
/// The exit code.
int refuse_command_line(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv);

}  // namespace nb::cli
