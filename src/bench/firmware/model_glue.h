// The contract between the firmware's main and one model. The bench writes model_glue.cc for each model;
// everything else in this folder knows nothing of the model.
#pragma once
#include <stdint.h>

/// One input or output tensor: its first byte, counted from the arena's first byte, and its length in raw
/// bytes.
struct NbGlueTensor {
  uint32_t offset_bytes;
  uint32_t size_bytes;
};

/// `NbGlueModel::flags`: call `reset` before every sample. Without it `reset` runs once, before the first
/// sample, and a model's state carries on from one sample to the next.
enum { kNbGlueResetEachSample = 1 };

/// What the firmware needs of a model. The tables lie in flash.
struct NbGlueModel {
  void* arena;  ///< 16-byte aligned, in section ".nb_arena"; main fills it with 0xA5 before the first reset
  uint32_t arena_bytes;  ///< a multiple of 4
  uint32_t flags;
  uint32_t input_count;  ///< may be 0: then the model runs once
  uint32_t output_count;
  const NbGlueTensor* inputs;
  const NbGlueTensor* outputs;
  void (*reset)(void* arena);
  void (*run)(void* arena);  ///< one inference: the model's `_run`, or its `_step` if it keeps state
};

extern "C" const NbGlueModel nb_glue_model;
