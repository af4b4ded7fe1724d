// QingKe V2A of the CH32V003: two stages, single issue, no multiplier.
//
// Source: measured on a CH32V003 by github.com/jnk0le/random, ch32v003_(qkv2).md.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class QingkeV2 final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    switch (insn.operation) {
      case load:
      case store:
        return {.issue = 2};
      case barrier:
      case system:
        return {.issue = 3};
      default:
        return {};
    }
  }

  // Three cycles, a fourth for a wide instruction across two words.
  [[nodiscard]] int taken_cycles(const Instruction&, const Instruction*,
                                 const Instruction& target) const override {
    return 2 + (target.lies_across_words() ? 1 : 0);
  }
};

}  // namespace

std::unique_ptr<CoreModel> qingke_v2_model() { return std::make_unique<QingkeV2>(); }

}  // namespace nb
