# The report's page: web/ and the npm packages that it imports, as one file that the binary carries as the resource
# "web/report.html" (docs/decisions/0021-report-page.md). Sets NB_PAGE_FILE; empty: the program has no page, and refuses
# to write one.
set(nb_page_packages ${CMAKE_SOURCE_DIR}/web/node_modules/preact/dist/preact.mjs
  ${CMAKE_SOURCE_DIR}/web/node_modules/preact/hooks/dist/hooks.mjs
  ${CMAKE_SOURCE_DIR}/web/node_modules/htm/dist/htm.module.js
  ${CMAKE_SOURCE_DIR}/web/node_modules/uplot/dist/uPlot.iife.min.js
  ${CMAKE_SOURCE_DIR}/web/node_modules/uplot/dist/uPlot.min.css)
set(nb_missing_page_packages "")
foreach(file IN LISTS nb_page_packages)
  if(NOT EXISTS ${file})
    list(APPEND nb_missing_page_packages ${file})
  endif()
endforeach()

# pip builds from a source tree without npm's packages leave the page out; a developer's build says what is missing.
set(nb_page_default ON)
if(SKBUILD AND nb_missing_page_packages)
  set(nb_page_default OFF)
  message(WARNING "npm's packages are not in web/node_modules: this build writes no report.html")
endif()
option(NB_REPORT_PAGE "Carry the page of report.html, of web/ and npm's packages" ${nb_page_default})

set(NB_PAGE_FILE "")
if(NB_REPORT_PAGE)
  if(nb_missing_page_packages)
    message(FATAL_ERROR "The report's page needs packages of npm that are not there. Fetch them with\n"
      "  ./setup.sh\nor build without the page: -DNB_REPORT_PAGE=OFF")
  endif()
  set(NB_PAGE_FILE ${CMAKE_BINARY_DIR}/resources/report.html)
  file(GLOB nb_page_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/*.js ${CMAKE_SOURCE_DIR}/web/*.css
    ${CMAKE_SOURCE_DIR}/web/*.html)
  add_custom_command(OUTPUT ${NB_PAGE_FILE}
    COMMAND ${NB_SCHEMA_PYTHON} ${CMAKE_SOURCE_DIR}/tools/bundle_page.py ${CMAKE_SOURCE_DIR}/web ${NB_PAGE_FILE}
    DEPENDS ${nb_page_sources} ${nb_page_packages} ${CMAKE_SOURCE_DIR}/tools/bundle_page.py
    COMMENT "Bundling report.html" VERBATIM)
endif()
