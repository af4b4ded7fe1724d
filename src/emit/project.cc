#include "emit/project.h"

#include <utility>

#include "base/resources.h"
#include "base/text.h"

namespace nb {
namespace {

/// How an input's or output's integers stand for reals, as a comment; empty for one that has no scale.
std::string numbers_line(const Type& type, const std::string& tensor, bool is_output) {
  if (!type.is_quantized()) return "";
  std::string scale = tensor + "_scales[c]", zero = tensor + "_zero_points[c]", note;
  if (type.quantization->is_per_axis()) {
    note = ", c the index along axis " + std::to_string(type.quantization->axis);
  } else {
    std::string upper = tensor;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    scale = upper + "_SCALE";
    zero = upper + "_ZERO_POINT";
  }
  return is_output ? "//   real = " + scale + " * (q - " + zero + ")" + note + "\n"
                   : "//   q = round(real / " + scale + ") + " + zero + ", saturated" + note + "\n";
}

/// How a caller reaches each tensor, as lines of C.
std::string tensor_lines(const Program& program, const Graph& graph, std::span<const ValueId> ids,
                         std::string_view role) {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Value& value = graph.at(ids[i]);
    const std::string name = std::string(role) + "_" + std::to_string(i);
    text += (role == "output" ? "const " : "") + std::string(dtype_c_name(value.type.dtype)) + "* " + name +
            " = " + program.name + "_" + name + "(arena);  // " + std::to_string(value.type.elements()) +
            " elements, " + shape_text(value.type.shape) + ", `" + printable(value.name, 60) + "`\n" +
            numbers_line(value.type, program.name + "_" + name, role == "output");
  }
  return text;
}

/// What the linker has to be told of memories outside the part; empty if there are none.
std::string outer_section(const Program& program, const OuterMemories& outer) {
  std::string text;
  if (!outer.weights.empty())
    text += "\n`" + outer.weights + "` holds " + grouped(program.far_bytes) +
            " bytes of the weights: the tables marked `NB_FAR` in `src/" + program.name +
            "_weights.h`. They are in section `.nb_weights`, which your linker script has to put there:\n\n"
            "```\n.nb_weights : ALIGN(16) { *(.nb_weights .nb_weights.*) } > " +
            identifier(outer.weights) + "\n```\n\nAnother attribute than that section: `-DNB_FAR=...`.\n";
  if (!outer.arena.empty())
    text += "\n`" + outer.arena +
            "` holds the arena: declare it in a section that your linker script puts "
            "there.\n";
  if (text.empty()) return text;
  return "\n## Memory outside the part\n" + text + "\nThe memory has to be readable by address before `" +
         program.entry + "` is called" + (outer.arena.empty() ? "" : ", the arena's writable") + ".\n";
}

}  // namespace

Status add_project_files(Program& program, const Graph& graph, std::span<const std::string> compile_words,
                         const OuterMemories& outer, Diagnostics& diagnostics) {
  std::string compile;
  for (const std::string& source : program.sources)
    compile += (compile.empty() ? "" : "\n") + join(compile_words, " ") + " -c " + source;
  const std::vector<std::pair<std::string, std::string>> values = {
      {"VERSION", NB_VERSION},
      {"NAME", program.name},
      {"MACRO", program.macro},
      {"ENTRY", program.entry},
      {"RESET", graph.state_bytes > 0
                    ? program.name + "_reset(arena);  // before the first step of a sequence\n"
                    : ""},
      {"ONCE", graph.state_bytes > 0 ? "step" : "run"},
      {"MODEL", printable(graph.name)},
      {"BOARD", graph.board},
      {"SOURCES", join(program.sources, " ")},
      {"ARENA_BYTES", grouped(graph.arena_bytes)},
      {"STATE_BYTES", grouped(graph.state_bytes)},
      {"WEIGHTS_BYTES", grouped(program.constant_bytes)},
      {"INPUTS", tensor_lines(program, graph, graph.inputs, "input")},
      {"OUTPUTS", tensor_lines(program, graph, graph.public_outputs(), "output")},
      {"OUTER", outer_section(program, outer)},
      {"COMPILE", compile}};
  for (const std::string name : {"README.md", "CMakeLists.txt"}) {
    const auto text = find_resource("src/emit/templates/" + name);
    if (!text)
      return diagnostics.add(
          {.kind = Kind::internal, .message = "the template " + name + " is not embedded"});
    program.files.push_back({name, fill_template(*text, values)});
  }
  return {};
}

}  // namespace nb
