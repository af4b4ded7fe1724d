// The digit classifier, by hand.
#pragma once
#include <stdint.h>

/// image: int8_t[8][8], q = round(255 * pixel) - 128 for pixels 0..1. logits: int8_t[10], the digit is the
/// place of the largest.
void classify_digit(const int8_t* image, int8_t* logits);
