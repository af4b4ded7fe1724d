// What is wrong with a command line.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace nb::cli {

/// One of these words; else says so, with the nearest.
[[nodiscard]] CLI::Validator one_of(std::vector<std::string> words);
/// A number of that or more.
[[nodiscard]] CLI::Validator at_least(double least);

/// Tells the options what was typed: the verb, its options, and the words that give the same results again.
void keep_command(const CLI::App& verb, int argc, char** argv, Options& options);

/// Says what is wrong with a command line: a verb or an option that there is none of, by its nearest names.
/// The exit code.
int refuse_command_line(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv);

}  // namespace nb::cli
