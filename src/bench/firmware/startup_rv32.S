// Start-up for RV32 in machine mode, from reset to main without a C function.
#include "stack_paint.h"

// Writes the bounds of the memory at t0 + offset to a pair of registers.
.macro protect offset, low, high
    lw t1, \offset(t0)
    lw t2, \offset + 4(t0)
    add t2, t2, t1
    srli t1, t1, 2
    srli t2, t2, 2
    csrw \low, t1
    csrw \high, t2
.endm

    .section .nb_vectors, "ax", @progbits
    .global nb_reset
    .type nb_reset, @function
nb_reset:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, __nb_stack_top
    la t0, nb_trap_entry
    csrw mtvec, t0
    la t0, __nb_stack_limit
    li t1, NB_STACK_PAINT
1:  sw t1, 0(t0)
    addi t0, t0, 4
    bltu t0, sp, 1b
    la t0, __nb_bss_start
    la t1, __nb_bss_end
2:  bgeu t0, t1, 3f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 2b
3:  la t0, __nb_data_start
    la t1, __nb_data_end
    la t2, __nb_data_load
4:  bgeu t0, t1, 5f
    lw t3, 0(t2)
    sw t3, 0(t0)
    addi t0, t0, 4
    addi t2, t2, 4
    j 4b

// Physical memory protection, locked so that it binds machine mode as well: a pair of registers a memory (its
// start, its end and what it allows), then nothing for all other addresses.
5:  la t0, __nb_memories
    protect 0, pmpaddr0, pmpaddr1   // FLASH
    protect 8, pmpaddr2, pmpaddr3   // FLASH2
    protect 16, pmpaddr4, pmpaddr5  // RAM
    protect 24, pmpaddr6, pmpaddr7  // RAM2
    li t1, -1
    csrw pmpaddr8, t1
    li t1, 0x8D008D00               // FLASH, FLASH2: read, execute
    csrw pmpcfg0, t1
    li t1, 0x8B008B00               // RAM, RAM2: read, write
    csrw pmpcfg1, t1
    li t1, 0x98                     // all other addresses: nothing; last, since it binds at once
    csrw pmpcfg2, t1
    call main                       // main does not return; if it does, the trap handler says so
    ebreak
    .size nb_reset, . - nb_reset

    .section .text.nb_trap, "ax", @progbits
    .global nb_trap_entry
    .type nb_trap_entry, @function
    .balign 4                       // mtvec, direct mode
nb_trap_entry:
    mv a1, ra
    mv a2, sp
    csrr a0, mepc
    csrr a3, mcause
    csrr a4, mtval
    la sp, __nb_stack_top
    call nb_fault_report
    .size nb_trap_entry, . - nb_trap_entry
