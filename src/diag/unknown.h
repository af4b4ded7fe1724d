// What is said of a name that there is none of.
#pragma once
#include "diag/diagnostics.h"

namespace nb {

/// Reports usage: no `what` is called `name`; the help says which of `names` may be meant, else `otherwise`.
Failed report_unknown(const std::string& what, const std::string& name, const std::vector<std::string>& names,
                      Diagnostics& diagnostics, const std::string& otherwise = {});

}  // namespace nb
