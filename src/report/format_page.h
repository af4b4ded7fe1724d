// What of a model format is read, as text and as the pages of docs/.
#pragma once
#include <string>
#include <string_view>

namespace nb {

/// The operators of a format ("keras", "torch"), one a line; or as a page of Markdown. Empty if no format is
/// called that.
[[nodiscard]] std::string format_text(std::string_view format);
[[nodiscard]] std::string format_markdown(std::string_view format);

}  // namespace nb
