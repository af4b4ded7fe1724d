// Classifies images on this computer: reads int8_t[8][8] images from standard input, one after the other, and
// writes the ten int8_t logits of each to standard output.
#include <cstdio>

#include "digits.h"

int main() {
  int8_t image[8 * 8], logits[10];
  while (std::fread(image, 1, sizeof image, stdin) == sizeof image) {
    classify_digit(image, logits);
    std::fwrite(logits, 1, sizeof logits, stdout);
  }
  return std::ferror(stdin) || std::fflush(stdout) ? 1 : 0;
}
