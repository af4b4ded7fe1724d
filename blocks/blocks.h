// The list of all blocks.
#pragma once
#include "graph/block.h"

namespace nb {

#define NB_BLOCKS(folder) [[nodiscard]] std::vector<Block> blocks_of_##folder();
#include "blocks/blocks.def"
#undef NB_BLOCKS

/// Every block, in the order of blocks.def.
[[nodiscard]] const BlockSet& all_blocks();

}  // namespace nb
