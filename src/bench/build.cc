#include "bench/build.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "base/process.h"
#include "base/resources.h"
#include "base/text.h"
#include "bench/emulate.h"
#include "bench/machines.h"
#include "bench/memory_plan.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

constexpr double kCompileSeconds = 300;

std::vector<std::string> strings(std::span<const std::string_view> views) {
  return {views.begin(), views.end()};
}
void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

std::string tensor_rows(const Graph& graph, std::span<const ValueId> ids) {
  std::string rows;
  for (const ValueId id : ids)
    rows += (rows.empty() ? "{" : ", {") + std::to_string(graph.at(id).arena_offset) + ", " +
            std::to_string(graph.at(id).type.size_bytes()) + "}";
  return rows;
}

std::string glue_source(const Program& program, const Graph& graph, bool resets) {
  std::string text = "#include \"model_glue.h\"\n#include \"" + program.name + ".h\"\n\nnamespace {\n";
  text += "alignas(16) uint8_t arena[" + program.macro +
          "_ARENA_BYTES] __attribute__((section(\".nb_arena\")));\n";
  if (!graph.inputs.empty())
    text += "const NbGlueTensor kInputs[] = {" + tensor_rows(graph, graph.inputs) + "};\n";
  text += "const NbGlueTensor kOutputs[] = {" + tensor_rows(graph, graph.public_outputs()) +
          "};\n}  // namespace\n\n";
  text += "extern \"C\" const NbGlueModel nb_glue_model = {\n    arena, sizeof arena, " +
          std::string(resets ? "kNbGlueResetEachSample" : "0") + ", " + std::to_string(graph.inputs.size()) +
          ", " + std::to_string(graph.public_outputs().size()) + ", " +
          (graph.inputs.empty() ? "nullptr" : "kInputs") + ", kOutputs, " + program.name + "_reset, " +
          program.entry + "};\n";
  return text;
}

Status write_text(const fs::path& path, std::string_view text, Diagnostics& diagnostics) {
  std::string why_not;
  if (write_file(path, as_byte_span(text), why_not)) return {};
  return diagnostics.add({.kind = Kind::file_unwritable, .message = "`" + path.string() + "`: " + why_not});
}

Failed missing_tool(const std::string& tool, const std::string& packages, Diagnostics& diagnostics) {
  return diagnostics.add({.kind = Kind::tool_missing,
                          .message = "`" + tool + "` is not on PATH",
                          .help = "apt-get install -y --no-install-recommends " + packages});
}

/// Runs a compiler or linker; reports build-failed with its own words.
Status run_tool(const std::vector<std::string>& command, const fs::path& folder, Diagnostics& diagnostics,
                std::string* output = nullptr) {
  const auto end = run_process(command, folder, kCompileSeconds);
  if (!end)
    return diagnostics.add({.kind = Kind::tool_missing, .message = "`" + command[0] + "` cannot be started"});
  if (end->is_interrupted)
    return diagnostics.add({.kind = Kind::interrupted, .message = "stopped while compiling"});
  if (output != nullptr) *output = end->out + end->err;
  if (end->exit_code == 0) return {};
  if (output != nullptr) return kFailed;
  return diagnostics.add({.kind = Kind::build_failed,
                          .message = end->timed_out
                                         ? "the compiler did not end in " +
                                               std::to_string(static_cast<int>(kCompileSeconds)) + " s"
                                         : "the compiler refused emitted code",
                          .notes = {command_text(command), printable(end->err.substr(0, 1500), 1500)}});
}

std::int64_t size_of(const Memory& memory) { return memory.size_bytes.value_or(0); }

/// "region `RAM' overflowed by 12 bytes" in the linker's words to a diagnostic by the board's own memory
/// names.
bool report_overflow(const std::string& linker_text, const MemoryPlan& plan, const bench::MemorySizes& sizes,
                     const Board& board, Diagnostics& diagnostics) {
  bool found = false;
  for (const std::string_view line : split(linker_text, '\n')) {
    const std::size_t at = line.find("region `");
    const std::size_t over = line.find("overflowed by ");
    if (at == std::string_view::npos || over == std::string_view::npos) continue;
    const std::string_view region = line.substr(at + 8, line.find('\'', at) - at - 8);
    std::int64_t bytes = 0;
    std::from_chars(line.data() + over + 14, line.data() + line.size(), bytes);
    const Memory& memory = region == "FLASH"    ? *plan.program
                           : region == "FLASH2" ? *plan.weights
                           : region == "RAM2"   ? *plan.arena
                                                : *plan.stack;
    const std::int64_t there = region == "FLASH"    ? sizes.flash_bytes
                               : region == "FLASH2" ? sizes.flash2_bytes
                               : region == "RAM2"   ? sizes.ram2_bytes
                                                    : sizes.ram_bytes;
    if (there < size_of(memory)) {
      diagnostics.add({.kind = Kind::does_not_fit,
                       .message = grouped(bytes) + " bytes too many for the virtual machine of " +
                                  board.processor + ", which has " + grouped(there) + " of the " +
                                  grouped(size_of(memory)) + " of " + memory.name + " of " + board.name,
                       .help = "`nblocks generate` writes the program for the board itself"});
      found = true;
      continue;
    }
    diagnostics.add(
        {.kind = Kind::does_not_fit,
         .message = grouped(bytes) + " bytes too many for " + memory.name + " of " + board.name +
                    ", which has " + grouped(size_of(memory)),
         .help = "take a board with more memory (`nblocks boards`), or a smaller or quantized model"});
    found = true;
  }
  return found;
}

Status write_firmware_sources(const fs::path& folder, Diagnostics& diagnostics) {
  for (const Resource& resource : resources_under("src/bench/firmware/"))
    if (!write_text(folder / "firmware" / fs::path(resource.path).filename(), resource.content, diagnostics))
      return kFailed;
  return {};
}

Result<Firmware> build_host(const Program& program, const fs::path& folder, const BuildOptions& options,
                            const Board& board, Diagnostics& diagnostics) {
  Firmware firmware{.folder = folder, .executable = folder / "model"};
  firmware.machine = "host";
  std::vector<std::string> command = compile_words(board, options.optimize);
  if (find_tool(command[0]).empty()) return missing_tool(command[0], command[0], diagnostics);
  command.emplace_back("-Ifirmware");
  if (options.has_sanitizers)
    append(command, {"-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"});
  for (const std::string& source : program.sources) command.push_back(source);
  append(command, {"glue.cc"});
  for (const std::string_view source : bench::kHostSources)
    command.push_back("firmware/" + std::string(source));
  append(command, {"-o", "model"});
  firmware.compile_command = command;
  if (!run_tool(command, folder, diagnostics)) return kFailed;
  return firmware;
}

}  // namespace

std::vector<std::string> compile_words(const Board& board, const std::string& optimize) {
  std::vector<std::string> words;
  if (const bench::CoreTarget* core = bench::find_core(board.processor)) {
    words.push_back(std::string(core->tool_prefix) + "g++");
    append(words, strings(core->compile_flags));
    append(words, strings(bench::kFreestandingFlags));
  } else {
    words = {"g++", "-std=c++17", "-fno-exceptions", "-fno-rtti"};
    for (const char* name : {"c++", "clang++", "g++"})
      if (!find_tool(name).empty()) words[0] = name;
  }
  append(words, {"-" + (optimize.empty() ? board.optimize : optimize), "-ffp-contract=off", "-Wall",
                 "-Wextra", "-Wdouble-promotion", "-Werror", "-Iinclude", "-Isrc", "-I."});
  return words;
}

Status write_program(const Program& program, const fs::path& folder, Diagnostics& diagnostics) {
  for (const EmittedFile& file : program.files)
    if (!write_text(folder / file.path, file.content, diagnostics)) return kFailed;
  return {};
}

Status check_fit(const Graph& graph, const Board& board, Diagnostics& diagnostics) {
  if (board.is_host()) return {};
  const auto found = early_misfits(board, graph.arena_bytes, graph.weights_bytes());
  for (const Misfit& misfit : found) {
    const bool is_arena = misfit.what == "arena";
    diagnostics.add(
        {.kind = Kind::does_not_fit,
         .message = (is_arena ? "the arena needs " + grouped(misfit.needed_bytes) + " bytes in one piece, "
                              : "the weights alone need " + grouped(misfit.needed_bytes) + " bytes, ") +
                    grouped(misfit.excess_bytes()) + " more than " + misfit.memory + " of " + board.name +
                    (is_arena ? " has free (" : " has (") + grouped(misfit.free_bytes) + ")",
         .help = std::string("take a board with more ") + (is_arena ? "RAM" : "flash") +
                 " (`nblocks boards`), or a smaller or quantized model"});
  }
  return found.empty() ? Status() : Status(kFailed);
}

Result<Firmware> build_firmware(const Program& program, const Graph& graph, const Board& board,
                                const fs::path& folder, const BuildOptions& options,
                                Diagnostics& diagnostics) {
  if (!write_program(program, folder, diagnostics) || !write_firmware_sources(folder, diagnostics) ||
      !write_text(folder / "glue.cc", glue_source(program, graph, !options.keeps_state_between_samples),
                  diagnostics))
    return kFailed;
  if (board.is_host()) return build_host(program, folder, options, board, diagnostics);

  const bench::CoreTarget* core = bench::find_core(board.processor);
  if (core == nullptr)
    return diagnostics.add(
        {.kind = Kind::internal, .message = "no virtual board has the core " + board.processor});
  const std::string prefix(core->tool_prefix), packages(core->package);
  if (find_tool(prefix + "g++").empty()) return missing_tool(prefix + "g++", packages, diagnostics);
  MemoryPlan plan = plan_memories(board, graph.arena_bytes);
  if (options.stack_bytes) plan.stack_bytes = *options.stack_bytes;
  if (plan.arena == nullptr) {
    const Status misfit = check_fit(graph, board, diagnostics);
    return misfit ? diagnostics.add({.kind = Kind::internal, .message = "no memory takes the arena"})
                  : kFailed;
  }
  const bool has_own_arena_memory = plan.arena != plan.stack;
  const auto narrow = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  const bench::MemorySizes sizes =
      bench::cut_to_machines(*core, {narrow(size_of(*plan.program)), narrow(size_of(*plan.stack)),
                                     plan.weights == nullptr ? 0 : narrow(size_of(*plan.weights)),
                                     has_own_arena_memory ? narrow(size_of(*plan.arena)) : 0});
  const auto placement = bench::place_memories(*core, sizes);
  if (!placement)
    return diagnostics.add(
        {.kind = Kind::does_not_fit,
         .message = "no virtual machine of " + board.processor + " holds the memories of " + board.name});

  const auto script = find_resource("src/bench/firmware/" + std::string(core->linker_template));
  if (!script)
    return diagnostics.add({.kind = Kind::internal, .message = "the linker template is not embedded"});
  const auto bytes = [](std::int64_t value) { return std::to_string(value); };
  const std::string filled_script =
      fill_template(*script, {{"FLASH_ORIGIN", "0x" + hex_text(placement->flash_origin)},
                              {"FLASH_LENGTH", bytes(sizes.flash_bytes)},
                              {"FLASH2_ORIGIN", "0x" + hex_text(placement->flash2_origin)},
                              {"FLASH2_LENGTH", bytes(sizes.flash2_bytes)},
                              {"RAM_ORIGIN", "0x" + hex_text(placement->ram_origin)},
                              {"RAM_LENGTH", bytes(size_of(*plan.stack))},
                              {"RAM2_ORIGIN", "0x" + hex_text(placement->ram2_origin)},
                              {"RAM2_LENGTH", bytes(sizes.ram2_bytes)},
                              {"WEIGHTS_REGION", plan.weights == nullptr ? "FLASH" : "FLASH2"},
                              {"ARENA_REGION", has_own_arena_memory ? "RAM2" : "RAM"},
                              {"STACK_BYTES", bytes(plan.stack_bytes)},
                              {"BOOT_ORIGIN", "0x" + hex_text(placement->boot_origin)},
                              {"BOOT_LENGTH", bytes(placement->boot_length_bytes)},
                              {"BOOT_REGION", placement->separate_boot ? "BOOT" : "FLASH"}});
  if (!write_text(folder / "board.ld", filled_script, diagnostics)) return kFailed;

  Firmware firmware{.folder = folder, .executable = folder / "firmware.elf"};
  firmware.machine = placement->machine->name;
  firmware.places = {
      {placement->flash_origin, placement->flash_origin + sizes.flash_bytes, plan.program->name},
      {placement->ram_origin, placement->ram_origin + narrow(size_of(*plan.stack)), plan.stack->name}};
  if (has_own_arena_memory)
    firmware.places.push_back(
        {placement->ram2_origin, placement->ram2_origin + sizes.ram2_bytes, plan.arena->name});
  if (plan.weights != nullptr)
    firmware.places.push_back(
        {placement->flash2_origin, placement->flash2_origin + sizes.flash2_bytes, plan.weights->name});
  std::vector<std::string> objects;
  const auto compile_all = [&](const std::vector<std::string>& sources,
                               const std::string& optimize) -> Status {
    std::vector<std::string> command = compile_words(board, optimize);
    append(command, {"-Ifirmware", "-include", "nb_mark.h", "-c"});
    for (const std::string& source : sources) {
      const std::string object = fs::path(source).stem().string() + ".o";
      std::vector<std::string> one = command;
      append(one, {source, "-o", object});
      if (firmware.compile_command.empty()) firmware.compile_command = one;
      if (!run_tool(one, folder, diagnostics)) return kFailed;
      objects.push_back(object);
    }
    return {};
  };
  if (!compile_all(program.sources, options.optimize)) return kFailed;
  std::vector<std::string> sources = {"glue.cc"};
  for (const std::string_view source : bench::kFirmwareSources)
    sources.push_back("firmware/" + std::string(source));
  for (const std::string_view source : core->startup_sources)
    sources.push_back("firmware/" + std::string(source));
  if (!compile_all(sources, "Os")) return kFailed;

  std::vector<std::string> link = {prefix + "g++"};
  append(link, strings(core->compile_flags));
  append(link, strings(bench::kLinkFlags));
  append(link, {"-T", "board.ld"});
  append(link, objects);
  append(link, {"-lgcc", "-o", "firmware.elf"});
  std::string linker_text;
  if (!run_tool(link, folder, diagnostics, &linker_text)) {
    if (!diagnostics.has_errors() && !report_overflow(linker_text, plan, sizes, board, diagnostics))
      diagnostics.add({.kind = Kind::build_failed,
                       .message = "the linker refused emitted code",
                       .notes = {command_text(link), printable(linker_text.substr(0, 1500), 1500)}});
    return kFailed;
  }
  const FileRead file = read_file(firmware.executable);
  if (file.bytes) firmware.elf = parse_elf32(*file.bytes);
  if (!firmware.elf)
    return diagnostics.add({.kind = Kind::internal, .message = "the linked firmware cannot be read"});
  for (const ElfSection& section : firmware.elf->sections) {
    const auto size = static_cast<std::int64_t>(section.size_bytes);
    const bool is_far = plan.weights != nullptr && section.name == ".nb_weights";
    if (section.is_loaded()) (is_far ? firmware.far_bytes : firmware.flash_bytes) += size;
    if (section.name == ".data" || section.name == ".bss") firmware.static_bytes += size;
    if (section.name == ".nb_arena") firmware.arena_bytes += size;
  }
  firmware.qemu = qemu_command(*placement->machine);
  return firmware;
}

}  // namespace nb
