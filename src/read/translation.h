// One layer of a model under translation: what the translators of every format need to make blocks of it.
// A format's own layer derives from this and adds the operands and attributes that its operators have.
#pragma once
#include <initializer_list>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "read/builder.h"

namespace nb::read {

using Ints = std::vector<std::int64_t>;

/// How a translator stops: thrown after a diagnostic was reported, caught by the reader. It never leaves
/// src/read. A translator is a page of steps that can each fail; this keeps it readable.
struct Refusal {};

/// A reader's run, of which neither refusals nor a lack of memory leave src/read.
template <class F>
[[nodiscard]] Result<Graph> guarded(Diagnostics& diagnostics, F read) {
  try {
    return read();
  } catch (const Refusal&) {
    return kFailed;
  } catch (const std::bad_alloc&) {
    return diagnostics.add(
        {.kind = Kind::limit_exceeded, .message = "reading the model needs more memory than there is"});
  }
}

class Translation {
 public:
  /// `name` is the layer's name in the model, `origin` its operator's name there; neither may be empty.
  /// `source` is where the model's own code calls it, if known.
  Translation(GraphBuilder& builder, std::string name, std::string origin, std::string source = {});

  GraphBuilder& build;

  [[nodiscard]] const std::string& name() const { return name_; }

  [[noreturn]] void refuse(Kind kind, const std::string& message, const std::string& help = {});
  [[noreturn]] void unsupported(const std::string& message, const std::string& help = {}) {
    refuse(Kind::unsupported_feature, message, help);
  }
  [[noreturn]] void invalid(const std::string& message) { refuse(Kind::invalid_model, message); }

  // Values.
  [[nodiscard]] Type type(ValueId id) const { return build.type(id); }
  [[nodiscard]] Shape shape(ValueId id) const { return build.type(id).shape; }
  [[nodiscard]] DType dtype(ValueId id) const { return build.type(id).dtype; }
  [[nodiscard]] std::int64_t rank(ValueId id) const { return build.type(id).rank(); }
  /// The size of an axis, which must exist.
  [[nodiscard]] std::int64_t dim(ValueId id, std::int64_t axis);
  void require_rank(ValueId id, std::int64_t at_least, std::string_view what);
  /// axis counted from the front; refuses one outside [-rank, rank).
  [[nodiscard]] std::int64_t axis(std::int64_t value, std::int64_t rank);
  /// Each counted from the front; refuses repeated ones. In the order given.
  [[nodiscard]] Ints axes(Ints values, std::int64_t rank);

  // Elements of values that must be known when compiling.
  [[nodiscard]] bool is_constant(ValueId id) const { return build.is_constant(id); }
  [[nodiscard]] Ints ints(ValueId id, std::string_view what);
  [[nodiscard]] std::vector<double> doubles(ValueId id, std::string_view what);
  [[nodiscard]] std::int64_t one_int(ValueId id, std::string_view what);
  [[nodiscard]] double one_double(ValueId id, std::string_view what);

  // Blocks. Inference faults end the layer.
  [[nodiscard]] bool has_block(std::string_view block) const { return build.blocks().find(block) != nullptr; }
  std::vector<ValueId> add_all(std::string_view block, Attributes attributes, std::vector<ValueId> inputs);
  template <class A>
  ValueId add(std::string_view block, A attributes, std::vector<ValueId> inputs,
              std::optional<Quantization> quantization = {}) {
    return add_one(block, Attributes(std::move(attributes)), std::move(inputs), std::move(quantization));
  }
  /// With default attributes.
  ValueId add(std::string_view block, std::vector<ValueId> inputs);
  /// With default attributes but those named.
  ValueId add(std::string_view block, std::vector<ValueId> inputs,
              std::initializer_list<std::pair<std::string_view, float>> attributes);
  ValueId add_one(std::string_view block, Attributes attributes, std::vector<ValueId> inputs,
                  std::optional<Quantization> quantization = {});
  ValueId constant(Tensor tensor, std::string_view what = "constant");

 private:
  void need_block(std::string_view block);

  std::string name_, origin_, source_;
};

}  // namespace nb::read
