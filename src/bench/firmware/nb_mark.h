// Marks for exact instruction counts, at no instruction's cost. The bench compiles emitted code with
// `-include nb_mark.h`; emitted code defines NB_MARK(id) as nothing when it is not defined.
#pragma once

/// Records (address of the next instruction, id) as two 32-bit words in the ELF's section ".nb_marks", which
/// is never loaded. One id may stand at several addresses when the compiler copies the code around it.
#if defined(__arm__)
#define NB_MARK_CONSTANT "%c0"
#elif defined(__riscv) && __riscv_xlen == 32
#define NB_MARK_CONSTANT "%0"
#endif
// clang-format off
#ifdef NB_MARK_CONSTANT
#define NB_MARK(id)                                            \
  __asm__ volatile(                                            \
      "0:\n"                                                   \
      ".pushsection .nb_marks, \"\", %%progbits\n"             \
      ".word 0b\n"                                             \
      ".word " NB_MARK_CONSTANT "\n"                           \
      ".popsection"                                            \
      ::"i"(id) : "memory")
#else
#define NB_MARK(id) ((void)0)
#endif
// clang-format on

/// Ids from 0 count the model's layers in the order of execution. These two stand round the call of `run`.
#define NB_MARK_RUN_BEGIN 0xFFFF0000u
#define NB_MARK_RUN_END 0xFFFF0001u
