#include "emit/emit.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/resources.h"
#include "diag/unknown.h"
#include "emit/memory_map.h"
#include "emit/names.h"
#include "emit/tables.h"
#include "pass/pass.h"

namespace nb {
namespace {

constexpr std::size_t kColumns = 110;

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// A name as it may stand in a // comment: no line break, no trailing backslash.
std::string in_comment(std::string text) {
  std::replace(text.begin(), text.end(), '\\', '/');
  return printable(text, 400);
}

std::string quantization_comment(const Type& type) {
  if (!type.is_quantized()) return "";
  if (type.quantization->is_per_axis())
    return ", real = scales[c] * (q - zero_points[c]), c the index along axis " +
           std::to_string(type.quantization->axis);
  return ", real = " + float_text(type.scale()) + " * (q - " + std::to_string(type.zero_point()) + ")";
}

/// `parts` separated by commas, `indent` columns in, in lines of at most kColumns.
std::string wrapped(const std::vector<std::string>& parts, std::size_t indent) {
  std::string text;
  std::size_t column = kColumns;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t size = parts[i].size() + (i + 1 == parts.size() ? 3 : 1);
    if (column + 1 + size > kColumns) {
      text += (i == 0 ? "" : "\n") + std::string(indent, ' ');
      column = indent;
    } else {
      text += " ";
      ++column;
    }
    text += parts[i] + (i + 1 == parts.size() ? "" : ",");
    column += size;
  }
  return text;
}

std::string c_array_shape(const Shape& shape) {
  std::string text;
  for (const std::int64_t dim : shape) text += "[" + std::to_string(dim) + "]";
  return text;
}

/// The block headers that `roots` include, themselves included, by path under blocks/.
Result<std::set<std::string>> header_closure(const std::set<std::string>& roots, Diagnostics& diagnostics) {
  std::set<std::string> all;
  std::vector<std::string> open(roots.begin(), roots.end());
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    if (!all.insert(path).second) continue;
    const auto content = find_resource("blocks/" + path);
    if (!content)
      return diagnostics.add({.kind = Kind::internal, .message = "the header " + path + " is not embedded"});
    for (const std::string_view line : split(*content, '\n')) {
      const std::string_view trimmed = trim(line);
      if (!trimmed.starts_with("#include \"")) continue;
      const std::string_view included = trimmed.substr(10, trimmed.find('"', 10) - 10);
      std::string target = included.starts_with("../")
                               ? std::string(included.substr(3))
                               : path.substr(0, path.find('/') + 1) + std::string(included);
      open.push_back(std::move(target));
    }
  }
  return all;
}

class Emitter {
 public:
  Emitter(const Graph& graph, const Core& core, const FarLayers& far_layers, Diagnostics& diagnostics)
      : graph_(graph),
        core_(core),
        far_layers_(far_layers),
        diagnostics_(diagnostics),
        names_(graph),
        pointers_(graph.values.size()) {
    program_.name = identifier(graph.name);
    program_.macro = upper(program_.name);
    program_.entry = program_.name + (graph.state_bytes > 0 ? "_step" : "_run");
  }

  Result<Program> run() {
    if (!check_far_layers()) return kFailed;
    for (const Node& node : graph_.nodes)
      lowered_.push_back(kernel_of(node)->lower(graph_.operation(node), core_));
    emit_body();
    auto headers = header_closure(headers_, diagnostics_);
    if (!headers) return kFailed;
    const std::string& name = program_.name;
    program_.header = "include/" + name + ".h";
    program_.sources = {"src/" + name + ".cc", "nb/core/memory.cc"};
    program_.files.push_back({program_.header, api_header()});
    program_.files.push_back({"src/" + name + ".cc", source()});
    program_.files.push_back({"src/" + name + "_weights.h", weights_header()});
    headers->insert("core/nb.h");
    headers->insert("core/memory.h");
    for (const std::string& path : *headers) {
      const auto content = find_resource("blocks/" + path);
      if (!content)
        return diagnostics_.add(
            {.kind = Kind::internal, .message = "the header " + path + " is not embedded"});
      program_.files.push_back({"nb/" + path, std::string(*content)});
    }
    const auto memory = find_resource("blocks/core/memory.cc");
    if (!memory)
      return diagnostics_.add({.kind = Kind::internal, .message = "core/memory.cc is not embedded"});
    program_.files.push_back({"nb/core/memory.cc", std::string(*memory)});
    return std::move(program_);
  }

 private:
  /// The constant as a table, once for the same bytes; its name.
  std::string table(const std::string& wished, DType dtype, const Bytes& data, const std::string& comment) {
    const auto key =
        std::make_pair(dtype, std::string(reinterpret_cast<const char*>(data.data()), data.size()));
    const auto found = tables_.find(key);
    if (found != tables_.end()) return found->second;
    const std::string name = names_.constant(wished);
    tables_[key] = name;
    const auto size_bytes = static_cast<std::int64_t>(data.size());
    weights_text_ += "\n" + table_text(name, dtype, data, in_comment(comment), is_far_ ? "NB_FAR" : "");
    program_.constant_bytes += size_bytes;
    if (is_far_) program_.far_bytes += size_bytes;
    return name;
  }
  std::string table_of(const Value& value) {
    return table(value.name, value.type.dtype, *value.data, value.name + " : " + type_text(value.type));
  }

  static std::string place(std::int64_t offset, std::string_view element_type) {
    return "at<" + std::string(element_type) + ">(arena, " + std::to_string(offset) + ")";
  }

  /// Declares a pointer into the arena on a line of its own before the call; its name.
  std::string declare(const std::string& wished, std::string_view element_type, std::int64_t offset) {
    std::string name = names_.pointer(wished);
    body_ +=
        "  " + std::string(element_type) + "* const " + name + " = " + place(offset, element_type) + ";\n";
    return name;
  }
  const std::string& pointer_to(ValueId id) {
    std::string& name = pointers_[id.index()];
    const Value& value = graph_.at(id);
    if (name.empty()) name = declare(value.name, dtype_c_name(value.type.dtype), value.arena_offset);
    return name;
  }

  std::string argument_text(const Node& node, const Lowered& lowered, const Argument& argument) {
    switch (argument.from) {
      case Argument::From::literal:
        return argument.text;
      case Argument::From::scratch:
        return declare(node.name + "_scratch", argument.cast.empty() ? "uint8_t" : argument.cast,
                       node.scratch_offset);
      case Argument::From::constant: {
        const PackedConstant& packed = lowered.constants[argument.index];
        return table(node.name + " " + packed.role, packed.dtype, packed.data,
                     node.name + ": " + packed.role + (packed.note.empty() ? "" : ", " + packed.note));
      }
      case Argument::From::input:
      case Argument::From::output:
        break;
    }
    const bool is_input = argument.from == Argument::From::input;
    const ValueId id = is_input ? node.inputs[argument.index] : node.outputs[argument.index];
    const Value& value = graph_.at(id);
    const bool is_written = !is_input || value.source == Source::state;
    const std::string name = value.source == Source::constant ? table_of(value) : pointer_to(id);
    if (argument.cast.empty() || argument.cast == dtype_c_name(value.type.dtype)) return name;
    return "reinterpret_cast<" + std::string(is_written ? "" : "const ") + argument.cast + "*>(" + name + ")";
  }

  /// Reports layers that there are none of.
  Status check_far_layers() {
    std::vector<std::string> names;
    for (const Node& node : graph_.nodes) names.push_back(node.name);
    for (const std::string& layer : far_layers_) {
      if (layer == "*" || std::find(names.begin(), names.end(), layer) != names.end()) continue;
      return report_unknown("layer whose weights are to lie in a memory of their own", layer, names,
                            diagnostics_, "`nblocks analyze` lists layers");
    }
    return {};
  }

  void emit_body() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      is_far_ = std::any_of(far_layers_.begin(), far_layers_.end(),
                            [&](const std::string& layer) { return layer == "*" || layer == node.name; });
      body_ += "\n  // " + in_comment(node_text(graph_, node)) + "\n  NB_MARK(" + std::to_string(i) + ");\n";
      if (lowered_[i].function.empty())
        emit_view(node);
      else
        emit_call(node, lowered_[i]);
    }
    is_far_ = false;
    emit_kept();
  }

  /// States take their next contents, which are complete by now; some were made in the state's own place.
  void emit_kept() {
    for (std::size_t i = 0; i < graph_.kept.size(); ++i) {
      const Value &state = graph_.at(graph_.kept[i]), &next = graph_.at(graph_.next_contents()[i]);
      body_ += "\n  // " + in_comment("state \"" + state.name + "\" takes \"" + next.name + "\"") +
               (state.arena_offset == next.arena_offset ? ": the same bytes\n" : "\n");
      if (state.arena_offset != next.arena_offset)
        body_ += "  nb::copy_bytes(" + place(state.arena_offset, "uint8_t") + ", " +
                 place(next.arena_offset, "const uint8_t") + ", " + std::to_string(state.type.size_bytes()) +
                 ");\n";
    }
  }

  void emit_call(const Node& node, const Lowered& lowered) {
    const Kernel& kernel = *kernel_of(node);
    if (!kernel.header.empty()) headers_.insert(kernel.header);
    if (!lowered.define.empty()) defines_.insert(lowered.define);
    std::vector<std::string> arguments;
    if (!lowered.params_type.empty()) {
      arguments.push_back(names_.constant(node.name));
      std::vector<std::string> members;
      for (const Param& param : lowered.params) members.push_back("/*" + param.name + "*/ " + param.text);
      params_ += "\nconstexpr nb::" + lowered.params_type + " " + arguments[0] + "{\n" + wrapped(members, 4) +
                 "};\n";
    }
    for (const Argument& argument : lowered.arguments)
      arguments.push_back(argument_text(node, lowered, argument));
    const std::string call = "  nb::" + lowered.function + "(" + join(arguments, ", ") + ");\n";
    body_ += call.size() <= kColumns + 1
                 ? call
                 : "  nb::" + lowered.function + "(\n" + wrapped(arguments, 6) + ");\n";
  }

  void emit_view(const Node& node) {
    const Value &from = graph_.at(node.inputs[0]), &to = graph_.at(node.outputs[0]);
    if (from.source != Source::constant && from.arena_offset == to.arena_offset) {
      body_ += "  // the same bytes, seen as " + type_text(to.type) + "\n";
      return;
    }
    const std::string source =
        from.source == Source::constant ? table_of(from) : place(from.arena_offset, "const uint8_t");
    body_ += "  nb::copy_bytes(" + place(to.arena_offset, "uint8_t") + ", " + source + ", " +
             std::to_string(to.type.size_bytes()) + ");\n";
  }

  [[nodiscard]] std::string banner() const {
    return "// Generated by Neural Blocks " NB_VERSION " from model \"" + in_comment(graph_.name) +
           "\" for " + (graph_.board.empty() ? core_.name : graph_.board) + ". Do not edit.\n";
  }

  /// The scales and zero points of a tensor that has several, as tables.
  static std::string per_axis_api(const Quantization& q, const std::string& tensor) {
    const std::string size = "[" + std::to_string(q.scales.size()) + "] = {\n";
    std::vector<std::string> scales, zeros;
    for (const float scale : q.scales) scales.push_back(float_literal(scale));
    for (const std::int32_t zero : q.zero_points) zeros.push_back(std::to_string(zero));
    return "#define " + upper(tensor) + "_AXIS " + std::to_string(q.axis) + "\n#define " + upper(tensor) +
           "_CHANNELS " + std::to_string(q.scales.size()) + "\nstatic const float " + tensor + "_scales" +
           size + wrapped(scales, 2) + "};\nstatic const int32_t " + tensor + "_zero_points" + size +
           wrapped(zeros, 2) + "};\n";
  }

  std::string tensor_api(const Value& value, const std::string& role, std::size_t index) const {
    const std::string number = std::to_string(index), type(dtype_c_name(value.type.dtype));
    std::string text = "/** " + role + " " + number + " `" + in_comment(value.name) + "`: " + type +
                       c_array_shape(value.type.shape) + quantization_comment(value.type) + ". */\n";
    std::string::size_type close = 0;
    while ((close = text.find("*/", close)) != std::string::npos && close + 3 < text.size())
      text.replace(close, 2, "* ");
    const std::string role_upper = upper(role);
    text += "#define " + program_.macro + "_" + role_upper + "_" + number + "_ELEMENTS " +
            std::to_string(value.type.elements()) + "\n";
    text += "#define " + program_.macro + "_" + role_upper + "_" + number + "_OFFSET_BYTES " +
            std::to_string(value.arena_offset) + "\n";
    if (value.type.is_quantized() && value.type.quantization->is_per_axis()) {
      text += per_axis_api(*value.type.quantization, program_.name + "_" + role + "_" + number);
    } else if (value.type.is_quantized()) {
      text += "#define " + program_.macro + "_" + role_upper + "_" + number + "_SCALE " +
              float_literal(value.type.scale()) + "\n";
      text += "#define " + program_.macro + "_" + role_upper + "_" + number + "_ZERO_POINT " +
              std::to_string(value.type.zero_point()) + "\n";
    }
    text += "static inline " + type + "* " + program_.name + "_" + role + "_" + number +
            "(void* arena) {\n  return (" + type + "*)((unsigned char*)arena + " +
            std::to_string(value.arena_offset) + ");\n}\n\n";
    return text;
  }

  [[nodiscard]] std::string api_header() const {
    const std::string &name = program_.name, &macro = program_.macro;
    std::string text = banner();
    text += "#ifndef " + macro + "_H\n#define " + macro +
            "_H\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
    text +=
        "/** Bytes of the arena that the caller provides, 16-byte aligned: inputs, outputs, state and "
        "everything between. */\n";
    text += "#define " + macro + "_ARENA_BYTES " +
            std::to_string(std::max<std::int64_t>(graph_.arena_bytes, 16)) + "\n";
    text += "/** Bytes of it, at its start, that keep their value from step to step. */\n";
    text += "#define " + macro + "_STATE_BYTES " + std::to_string(graph_.state_bytes) + "\n\n";
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i)
      text += tensor_api(graph_.at(graph_.inputs[i]), "input", i);
    for (std::size_t i = 0; i < graph_.public_outputs().size(); ++i)
      text += tensor_api(graph_.at(graph_.public_outputs()[i]), "output", i);
    const bool has_state = graph_.state_bytes > 0;
    text += has_state
                ? "/** Gives the state its first contents: once before the first step, and whenever a "
                  "sequence begins anew.\n    Each arena is an instance of its own. */\n"
                : "/** Does nothing: this model keeps no state. Each arena is an instance of its own. */\n";
    text += "void " + name + "_reset(void* arena);\n\n";
    text += has_state
                ? "/** One step: computes the outputs from the inputs and the state, and the next state.\n"
                  "    Inputs must be written before every step: their bytes are reused. */\n"
                : "/** Computes the outputs from the inputs. Inputs must be written before every run: "
                  "their bytes are reused. */\n";
    text += "void " + program_.entry + "(void* arena);\n\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
    return text;
  }

  [[nodiscard]] std::string source() {
    std::string reset;
    for (const Value& value : graph_.values) {
      if (value.source != Source::state) continue;
      const bool is_zero = !value.data || std::all_of(value.data->begin(), value.data->end(),
                                                      [](std::byte b) { return b == std::byte{0}; });
      const std::string size = std::to_string(value.type.size_bytes());
      const std::string to = place(value.arena_offset, "uint8_t");
      reset += is_zero ? "  nb::zero_bytes(" + to + ", " + size + ");\n"
                       : "  nb::copy_bytes(" + to + ", " +
                             table(value.name, value.type.dtype, *value.data, value.name + ": first state") +
                             ", " + size + ");\n";
    }
    std::string text = banner();
    // What the DSP kernels need to round once (blocks/core/matmul_s8_dsp.h).
    if (graph_.rounding == Rounding::once &&
        std::any_of(headers_.begin(), headers_.end(),
                    [](const std::string& h) { return h.ends_with("_dsp.h"); }))
      defines_.insert("NB_ROUNDS_ONCE");
    for (const std::string& define : defines_) text += "#define " + define + " 1\n";
    text += "#include \"" + program_.name + ".h\"\n\n#include \"" + program_.name +
            "_weights.h\"\n#include \"nb/core/memory.h\"\n";
    for (const std::string& header : headers_) text += "#include \"nb/" + header + "\"\n";
    text += "\n#ifndef NB_MARK\n#define NB_MARK(layer) (void)0\n#endif\n\n";
    for (const std::string& line : draw_memory_map(graph_)) text += "// " + in_comment(line) + "\n";
    text +=
        "\nnamespace {\n\n/// The values at an offset of the arena.\ntemplate <class T>\ninline T* at(void* "
        "arena, int32_t offset_bytes) {\n"
        "  return reinterpret_cast<T*>(static_cast<uint8_t*>(arena) + offset_bytes);\n}\n" +
        params_ + "\n}  // namespace\n\n";
    const std::string arena = reset.empty() ? "void*" : "void* arena";
    text += "extern \"C\" void " + program_.name + "_reset(" + arena + ") {" + (reset.empty() ? "" : "\n") +
            reset + "}\n\n";
    const bool uses_arena = body_.find("(arena,") != std::string::npos;
    text += "extern \"C\" void " + program_.entry + "(void*" + (uses_arena ? " arena" : "") + ") {" + body_ +
            "}\n";
    return text;
  }

  [[nodiscard]] std::string weights_header() const {
    const std::string_view far =
        "// Tables marked NB_FAR lie in a section of their own, for the linker to put into another memory.\n"
        "#ifndef NB_FAR\n#define NB_FAR __attribute__((section(\".nb_weights\")))\n#endif\n\n";
    return banner() + "#pragma once\n#include <stdint.h>\n\n" +
           std::string(program_.far_bytes > 0 ? far : "") + "namespace {\n" + weights_text_ +
           "\n}  // namespace\n";
  }

  const Graph& graph_;
  const Core& core_;
  const FarLayers& far_layers_;
  Diagnostics& diagnostics_;
  Program program_;
  ModelNames names_;
  std::vector<Lowered> lowered_;       ///< of each node
  std::vector<std::string> pointers_;  ///< of each value: the name declared for it, if any yet
  std::map<std::pair<DType, std::string>, std::string> tables_;
  std::set<std::string> headers_, defines_;
  std::string weights_text_, params_, body_;
  bool is_far_ = false;  ///< constants of the node being emitted are far
};

}  // namespace

Result<Program> emit_program(const Graph& graph, const Core& core, Diagnostics& diagnostics,
                             const FarLayers& far_layers) {
  return Emitter(graph, core, far_layers, diagnostics).run();
}

}  // namespace nb
