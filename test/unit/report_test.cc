// What reports are made of: digests, sentences, the schema's gate.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/sha256.h"
#include "report/document.h"
#include "report/sentences.h"

using namespace nb;

TEST_CASE("sha256: the examples of FIPS 180-4 and lengths about the block's") {
  const auto digest = [](const std::string& text) { return sha256_text(as_byte_span(text)); };
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(digest(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  // Lengths whose padding just fits a block, and just does not; from another implementation.
  CHECK(digest(std::string(55, 'a')) == "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  CHECK(digest(std::string(56, 'a')) == "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  CHECK(digest(std::string(64, 'a')) == "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

TEST_CASE("sentences: numbers as each language writes them") {
  CHECK(count(1234567).en == "1,234,567");
  CHECK(count(1234567).fr == "1\u202f234\u202f567");
  CHECK(amount(40.7246).en == "40.7");
  CHECK(amount(40.7246).fr == "40,7");
  CHECK(amount(0.00123456).en == "0.00123");
  CHECK(amount(-1234.4).en == "-1,234");
  CHECK(amount(99.999).en == "100.0");
  CHECK(amount(0).en == "0");
  const Sentence said = say("{1} before {0}", "{0} après {1}", {word("a"), count(2000)});
  CHECK(said.en == "2,000 before a");
  CHECK(said.fr == "a après 2\u202f000");
  // What stands for a name is not searched again.
  CHECK(say("{0}", "{0}", {word("{0}{1}")}).en == "{0}{1}");
}

TEST_CASE("parse_report: schemas that this version reads, and those that it does not") {
  const auto read = [](int version, int readable_by) {
    Diagnostics diagnostics;
    const nlohmann::json report = {
        {"report",
         {{"nblocks", "9.9"},
          {"schema", {{"name", "nblocks-report"}, {"version", version}, {"readable_by", readable_by}}}}}};
    const bool is_read = parse_report(report.dump(), "old.json", diagnostics).is_ok();
    return is_read ? std::string("read") : diagnostics.all()[0].message;
  };
  CHECK(read(kReportVersion, kReportReadableBy) == "read");
  CHECK(read(kReportVersion + 5, kReportVersion) == "read");
  CHECK(read(3, 2) ==
        "`old.json` has schema 3 of reports, for readers of schema 2 and later; this version reads 1");
  CHECK(read(0, 0) ==
        "`old.json` has schema 0 of reports, for readers of schema 0 and later; this version reads 1");
  for (const char* text :
       {"", "[]", "{", "{\"ok\": true}", "{\"report\": {\"schema\": 1}}",
        "{\"report\": {\"schema\": {\"name\": \"nblocks-report\", \"version\": \"1\"}}}"}) {
    Diagnostics diagnostics;
    CHECK_FALSE(parse_report(text, "old.json", diagnostics).is_ok());
    CHECK(diagnostics.all()[0].kind == Kind::bad_report);
  }
}
