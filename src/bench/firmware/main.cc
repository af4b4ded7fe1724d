// The bench's main: reads samples, runs the model on each, writes what comes out. It is the same on every
// virtual board and on the host.
//
// nb_in.bin   sample after sample; in a sample every input's raw bytes, in order
// nb_out.bin  the same of the outputs
// console     one line: nb-result or nb-error (start-up's handler writes nb-fault)
#include <stdint.h>

#include "io.h"
#include "model_glue.h"
#include "nb_mark.h"
#include "stack_paint.h"

namespace nb::firmware {
namespace {

[[noreturn]] void fail(const char* what, const char* file, uint32_t sample) {
  print("nb-error what=");
  print(what);
  print(" file=");
  print(file);
  print_line(" sample=\0", &sample);
  leave(kExitInputOutput);
}

uint32_t total_bytes(const NbGlueTensor* tensors, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; ++i) sum += tensors[i].size_bytes;
  return sum;
}

// The marks stand next to the call, so that their difference is the call and the model alone.
__attribute__((noinline)) void run_model(const NbGlueModel& model) {
  void (*const run)(void*) = model.run;
  void* const arena = model.arena;
  NB_MARK(NB_MARK_RUN_BEGIN);
  run(arena);
  NB_MARK(NB_MARK_RUN_END);
}

}  // namespace
}  // namespace nb::firmware

int main() {
  using namespace nb::firmware;
  static const char kIn[] = "nb_in.bin";
  static const char kOut[] = "nb_out.bin";
  const NbGlueModel& model = nb_glue_model;
  uint8_t* const arena = static_cast<uint8_t*>(model.arena);
  for (uint32_t i = 0; i < model.arena_bytes; i += 4)
    *reinterpret_cast<uint32_t*>(arena + i) = NB_ARENA_POISON;

  // A model without input bytes needs no input file and runs once.
  const uint32_t sample_bytes = total_bytes(model.inputs, model.input_count);
  int in = -1;
  uint32_t left_bytes = 0;
  if (sample_bytes != 0) {
    in = open_file(kIn, false);
    if (in < 0) fail("open", kIn, 0);
    const int length = file_length_bytes(in);
    if (length <= 0) fail("empty", kIn, 0);
    left_bytes = static_cast<uint32_t>(length);
  }
  const int out = open_file(kOut, true);
  if (out < 0) fail("open", kOut, 0);

  uint32_t samples = 0;
  const uint32_t depth_bytes = stack_depth_bytes();
  do {
    if (left_bytes < sample_bytes) fail("partial-sample", kIn, samples);
    left_bytes -= sample_bytes;
    // State is reset before inputs are read: nothing says that an input's bytes survive a reset.
    if (samples == 0 || (model.flags & kNbGlueResetEachSample) != 0) model.reset(arena);
    for (uint32_t i = 0; i < model.input_count; ++i) {
      const NbGlueTensor& t = model.inputs[i];
      if (t.size_bytes != 0 && !read_file(in, arena + t.offset_bytes, t.size_bytes))
        fail("read", kIn, samples);
    }
    run_model(model);
    for (uint32_t i = 0; i < model.output_count; ++i) {
      const NbGlueTensor& t = model.outputs[i];
      if (t.size_bytes != 0 && !write_file(out, arena + t.offset_bytes, t.size_bytes)) {
        fail("write", kOut, samples);
      }
    }
    ++samples;
  } while (left_bytes != 0);

  if (in >= 0) close_file(in);
  close_file(out);
  // Where nothing lies beyond the stack that would fault, its last word tells.
  const StackUse stack = stack_use();
  if (stack.reserved_bytes != 0 && stack.used_bytes == stack.reserved_bytes)
    fail("stack-overflow", kOut, samples);
  const uint32_t values[] = {samples, stack.used_bytes, stack.reserved_bytes, depth_bytes};
  print_line("nb-result samples=\0 stack_bytes=\0 stack_reserved_bytes=\0 stack_before_run_bytes=\0", values);
  leave(kExitOk);
}
