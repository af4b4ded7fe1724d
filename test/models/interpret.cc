// Runs a graph of integers by the blocks' references. Usage: nb_interpret GRAPH INPUTS FILE: the bytes of all
// outputs of the first sample, then those of the next, go to FILE. Graph text is compiled for this computer.
#include <fstream>
#include <iostream>

#include "bench/samples.h"
#include "driver/program.h"
#include "quantize/interpret.h"

int main(int argc, char** argv) {
  using namespace nb;
  if (argc != 4) return 2;
  Diagnostics diagnostics;
  const auto compiled = compile_for_board(argv[1], {}, "host", diagnostics);
  const auto samples = compiled ? read_samples(argv[2], compiled->graph, {}, diagnostics) : kFailed;
  if (!samples) {
    for (const Diagnostic& diagnostic : diagnostics.all()) std::cerr << diagnostic.message << '\n';
    return 1;
  }
  std::ofstream file(argv[3], std::ios::binary);
  Interpreter interpreter(compiled->graph);
  const std::size_t size = samples->bytes.size() / samples->count;
  for (std::size_t n = 0; n < samples->count; ++n) {
    interpreter.reset();
    interpreter.run(ByteSpan(samples->bytes).subspan(n * size, size));
    for (const ValueId id : compiled->graph.public_outputs()) {
      const TensorView view = interpreter.view(id);
      file.write(reinterpret_cast<const char*>(view.data),
                 static_cast<std::streamsize>(view.type->size_bytes()));
    }
  }
  file.close();
  return file ? 0 : 1;
}
