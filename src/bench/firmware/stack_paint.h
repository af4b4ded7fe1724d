// The word that start-up writes all over the stack; assembly and C++ read it here.
#pragma once
#define NB_STACK_PAINT 0xC5A35AC3
#define NB_ARENA_POISON 0xA5A5A5A5
