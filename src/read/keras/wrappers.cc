// Layers around another one.
#include "read/keras/importer.h"
#include "read/keras/operators.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

const Json& inner_layer(Layer& l) {
  const Json* inner = l.find("layer");
  if (inner == nullptr || !inner->is_object()) l.invalid("it has no layer");
  return *inner;
}

}  // namespace

/// The steps become samples.
void translate_time_distributed(Layer& l) {
  const ValueId x = l.in();
  const Shape s = l.shape(x);
  if (s.size() < 2)
    l.refuse(Kind::shape_mismatch, "its input is " + type_text(l.type(x)) + ", without steps");
  Shape joined(s.begin() + 1, s.end());
  joined[0] = s[0] * s[1];
  const auto outputs = l.call(inner_layer(l), "layer", {{tensor_argument(reshape(l, x, joined))}, {}});
  for (const ValueId y : outputs) {
    Shape shape = l.shape(y);
    if (shape.empty() || shape[0] != joined[0]) l.unsupported("its layer changes the number of samples");
    shape[0] = s[1];
    shape.insert(shape.begin(), s[0]);
    l.output(reshape(l, y, shape));
  }
}

/// SpectralNormalization: what it does to the weights was done in training.
void translate_wrapper(Layer& l) {
  refuse_training(l);
  for (const ValueId y : l.call(inner_layer(l), "layer", l.arguments())) l.output(y);
}

}  // namespace nb::keras
