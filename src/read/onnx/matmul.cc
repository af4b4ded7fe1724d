// Matrix products in floats.
#include "read/matmul.h"

#include "read/einsum.h"
#include "read/onnx/operators.h"

namespace nb::onnx {

void translate_matmul(Layer& l) { l.output(0, numpy_matmul(l, l.in(0), l.in(1))); }

void translate_gemm(Layer& l) {
  const Factor a{l.in(0), l.flag("transA", false)}, b{l.in(1), l.flag("transB", false)};
  l.output(0, gemm(l, a, b, l.optional(2), l.real("alpha", 1.0f), l.real("beta", 1.0f)));
}

void translate_einsum(Layer& l) { l.output(0, einsum(l, l.text("equation", ""), l.all_inputs())); }

}  // namespace nb::onnx
