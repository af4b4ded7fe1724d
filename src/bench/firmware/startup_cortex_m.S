// Start-up for every Cortex-M. No C function runs before floating point and MVE are enabled, since a compiler
// may turn any loop into such instructions.
#include "stack_paint.h"

    .syntax unified
    .thumb

    .section .nb_vectors, "a", %progbits
    .global nb_vectors
nb_vectors:
    .word __nb_stack_top
    .word nb_reset
    .rept 14                        // NMI to SysTick: nothing is expected, each is reported
    .word nb_fault_entry
    .endr

    .section .text.nb_startup, "ax", %progbits

// Fills [r1, r0) with r2, a word at a time; both ends are 4-byte aligned.
    .type fill, %function
fill:
    cmp r1, r0
    bhs 1f
    stmia r1!, {r2}
    b fill
1:  bx lr

    .global nb_reset
    .type nb_reset, %function
nb_reset:
    ldr r0, =__nb_stack_top
    mov sp, r0
    ldr r1, =__nb_stack_limit
#if __ARM_ARCH >= 8
    msr msplim, r1
#endif
#if __ARM_ARCH_ISA_THUMB == 1
    // Armv6-M faults on unaligned accesses. A larger core that stands in for it does so once
    // CCR.UNALIGN_TRP is set; on a real Armv6-M core the bit is already one and cannot be written.
    ldr r3, =0xE000ED14
    ldr r4, [r3]
    movs r5, #8
    orrs r4, r5
    str r4, [r3]
#else
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    ldr r3, =0xE000ED88             // CPACR: full access to CP10 and CP11
    ldr r4, [r3]
    orr r4, r4, #0x00F00000
    str r4, [r3]
    dsb
    isb
#endif
    ldr r3, =0xE000ED24             // SHCSR: usage, bus and memory faults keep their own number
    ldr r4, [r3]
    orr r4, r4, #0x00070000
    str r4, [r3]
#endif
    ldr r2, =NB_STACK_PAINT
    bl fill
    ldr r1, =__nb_bss_start
    ldr r0, =__nb_bss_end
    movs r2, #0
    bl fill
    ldr r1, =__nb_data_start
    ldr r0, =__nb_data_end
    ldr r2, =__nb_data_load
2:  cmp r1, r0
    bhs 3f
    ldmia r2!, {r3}
    stmia r1!, {r3}
    b 2b
3:  bl nb_protect_memory
    bl main
    b nb_fault_entry                // main does not return
    .size nb_reset, . - nb_reset

// Any exception. Hands (stacked pc, stacked lr, sp, exception number) to the reporter on a stack that is
// known good; pc and lr are 0 when the frame does not lie in the stack, which is what an overflow looks like.
    .global nb_fault_entry
    .type nb_fault_entry, %function
nb_fault_entry:
    mrs r2, msp
    mrs r3, ipsr
    movs r0, #0
    movs r1, #0
    ldr r4, =__nb_stack_limit
    ldr r5, =__nb_stack_top
    cmp r2, r4
    bls 4f                          // a stack limit register leaves sp there and stacks nothing
    mov r6, r2
    adds r6, #32
    cmp r6, r5
    bhi 4f
    ldr r0, [r2, #24]
    ldr r1, [r2, #20]
4:  mov sp, r5
    bl nb_fault_report
    b .
    .size nb_fault_entry, . - nb_fault_entry
    .pool
