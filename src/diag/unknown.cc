#include "diag/unknown.h"

#include "base/text.h"

namespace nb {

Failed report_unknown(const std::string& what, const std::string& name, const std::vector<std::string>& names,
                      Diagnostics& diagnostics, const std::string& otherwise) {
  const std::string near = nearest(name, names);
  return diagnostics.add({.kind = Kind::usage,
                          .message = "no " + what + " is called `" + printable(name) + "`",
                          .help = near.empty() ? otherwise : "did you mean `" + printable(near) + "`?"});
}

}  // namespace nb
