# The header libraries and zlib, which Debian packages; missing ones are named with the line that installs them.
set(nb_missing_packages "")
foreach(pair "fmt/core.h libfmt-dev" "toml++/toml.h libtomlplusplus-dev" "CLI/CLI.hpp libcli11-dev"
             "nlohmann/json.hpp nlohmann-json3-dev" "stb/stb_image.h libstb-dev" "zlib.h zlib1g-dev")
  separate_arguments(pair)
  list(GET pair 0 header)
  list(GET pair 1 package)
  find_path(nb_has_${package} NAMES ${header})
  mark_as_advanced(nb_has_${package})
  if(NOT nb_has_${package})
    list(APPEND nb_missing_packages ${package})
  endif()
endforeach()
if(nb_missing_packages)
  list(JOIN nb_missing_packages " " nb_missing_packages)
  message(FATAL_ERROR "Libraries are missing. On Debian:\n"
    "  apt-get install -y --no-install-recommends ${nb_missing_packages}")
endif()
