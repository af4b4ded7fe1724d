#include "blocks/blocks.h"

#include <iterator>

namespace nb {
namespace {

std::vector<Block> collect() {
  std::vector<Block> all;
  const auto add = [&](std::vector<Block> blocks) {
    std::move(blocks.begin(), blocks.end(), std::back_inserter(all));
  };
#define NB_BLOCKS(folder) add(blocks_of_##folder());
#include "blocks/blocks.def"
#undef NB_BLOCKS
  return all;
}

}  // namespace

const BlockSet& all_blocks() {
  static const BlockSet kBlocks(collect());
  return kBlocks;
}

}  // namespace nb
