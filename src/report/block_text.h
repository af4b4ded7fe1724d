// Blocks as documentation: what `nblocks blocks` prints, and docs/blocks.md.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "graph/block.h"

namespace nb {

/// One block in full: what it computes, operands, attributes, kernels. Several lines.
[[nodiscard]] std::string block_text(const Block& block);

/// The same as JSON.
[[nodiscard]] nlohmann::json block_json(const Block& block);

/// All blocks as a page of Markdown.
[[nodiscard]] std::string blocks_markdown(const BlockSet& blocks);

}  // namespace nb
