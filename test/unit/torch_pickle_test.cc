// Pickles of PyTorch: what is read, what is refused by name, and that bombs stay small.
#include <doctest/doctest.h>

#include "read/torch/pickle.h"

namespace nb::torch {
namespace {

using namespace std::string_literals;

const std::string kStorage = "((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0007X\3\0\0\0cpuK\014tQ"s;

std::string pickle(const std::string& body, char protocol = 2) { return "\x80"s + protocol + body; }

void refused(const std::string& bytes, std::string_view what, std::string_view global = "") {
  PickleFault fault;
  CAPTURE(bytes.size());
  CHECK_FALSE(parse_pickle(as_byte_span(bytes), fault).has_value());
  INFO(fault.message);
  CHECK(fault.message.find(what) != std::string::npos);
  CHECK(fault.global == global);
}

/// `text` outlives the pickle.
Pickle parsed(const std::string& text) {
  PickleFault fault;
  auto pickle = parse_pickle(as_byte_span(text), fault);
  REQUIRE_MESSAGE(pickle.has_value(), fault.message);
  return *std::move(pickle);
}

TEST_CASE("values of every kind") {
  const std::string text = pickle(
      "(N\x88\x89K\7M\1\2J\xff\xff\xff\xff\x8a\1\x80\x8a\0G\x3f\xf8\0\0\0\0\0\0X\2\0\0\0hi](K\1K\2e}(X\1\0\0\0aK\5u)t."s);
  const Pickle p = parsed(text);
  const PickleNode& root = p.at(p.root);
  REQUIRE(root.kind == PickleKind::tuple);
  REQUIRE(root.items.size() == 13);
  const auto item = [&](std::size_t i) -> const PickleNode& { return p.at(root.items[i]); };
  CHECK(item(0).kind == PickleKind::none);
  CHECK(item(1).integer == 1);
  CHECK(item(2).kind == PickleKind::boolean);
  CHECK(item(3).integer == 7);
  CHECK(item(4).integer == 513);
  CHECK(item(5).integer == -1);
  CHECK(item(6).integer == -128);
  CHECK(item(7).integer == 0);
  CHECK(item(8).real == 1.5);
  CHECK(item(9).text == "hi");
  CHECK(item(10).items.size() == 2);
  CHECK(p.at(p.find(root.items[11], "a")).integer == 5);
  CHECK(p.find(root.items[11], "b") == kNoPickle);
  CHECK(item(12).items.empty());
}

TEST_CASE("tensors, parameters and objects of the model") {
  const std::string tensor = "ctorch._utils\n_rebuild_tensor_v2\n" + kStorage +
                             "K\2K\2K\3\x86K\3K\1\x86\x89"
                             "ccollections\nOrderedDict\n)RtR"s;
  const std::string text = pickle("c__torch__.a\nNet\n)\x81}(X\1\0\0\0w"s + tensor + "ub."s);
  const Pickle p = parsed(text);
  const PickleNode& object = p.at(p.root);
  REQUIRE(object.kind == PickleKind::object);
  REQUIRE(object.items.size() == 2);
  CHECK(p.at(object.items[0]).text == "__torch__.a");
  CHECK(p.at(object.items[0]).name == "Net");
  const PickleNode& made = p.at(p.find(object.items[1], "w"));
  REQUIRE(made.kind == PickleKind::tensor);
  const StridedView& view = p.tensors[made.tensor].view;
  CHECK(view.sizes == Shape{2, 3});
  CHECK(view.strides == std::vector<std::int64_t>{3, 1});
  CHECK(view.offset == 2);
  CHECK(p.at(made.items[0]).text == "7");
  CHECK(p.at(made.items[0]).integer == 12);
  parsed(pickle("ctorch._utils\n_rebuild_parameter\n"s + tensor +
                "\x89"
                "ccollections\nOrderedDict\n)R\x87R."s));
}

TEST_CASE("names that a model does not need are refused, whichever way they are given") {
  refused(pickle("cos\nsystem\nX\2\0\0\0ls\x85R."s), "`os.system`", "os.system");
  refused(pickle("cbuiltins\neval\n."s), "at byte 2", "builtins.eval");
  refused(pickle("\x8c\2os\x8c\6system\x93."s, 4), "`os.system`", "os.system");
  refused(pickle("ctorch\nload\n."s), "`torch.load`", "torch.load");
  refused(pickle("c__torch__x\nNet\n."s), "__torch__x.Net", "__torch__x.Net");
  refused(pickle("c__torch__.a\nNet\n)R."s), "calls what is no function");
  refused(pickle("K\1)R."s), "calls what is no function");
  refused(pickle("ccollections\nOrderedDict\n)\x81."s), "no class of the model");
}

TEST_CASE("opcodes and values that do not fit") {
  for (const char* op : {"I1\n", "F1\n", "L1\n", "S'a'\n", "V\n", "P1\n", "g1\n", "p1\n", "i", "o", "\x82\1",
                         "\x8f", "\x92", "\x96", "\xff"}) {
    CAPTURE(op);
    refused(pickle(op), "opcode 0x");
  }
  refused("", "does not begin");
  refused("\x80\1N."s, "does not begin");
  refused("\x80\6N."s, "does not begin");
  refused(pickle("N"), "ends inside");
  refused(pickle("."), "not there");
  refused(pickle("t."), "no mark");
  refused(pickle("N(0."), "not there");
  refused(pickle("Ne."), "no mark");
  refused(pickle("N(Ne."), "no list");
  refused(pickle("N(NNu."), "no dict");
  refused(pickle("}(Nu."), "no dict");
  refused(pickle("h\5."), "which was not kept");
  refused(pickle("X\xff\xff\xff\xffhi."s), "ends inside");
  refused(pickle("\x8d\xff\xff\xff\xff\xff\xff\xff\xffhi."s), "ends inside");
  refused(pickle("\x8a\x09\1\1\1\1\1\1\1\1\1."s), "more than 64 bits");
  refused(pickle("NQ."), "no storage");
  refused(pickle("ctorch._utils\n_rebuild_tensor_v2\n)R."s), "what is not storage");
  refused(pickle("NNb."), "takes none");
}

TEST_CASE("bombs: doubling through the memo, dicts of one list, names without an end") {
  // ((x, x), (x, x)) ...: two to the hundred values if it were written out, a hundred nodes here.
  std::string doubling = "N";
  for (int i = 0; i < 100; ++i) doubling += "q\0h\0\x86"s;
  const std::string text = pickle(doubling + ".");
  CHECK(parsed(text).nodes.size() == 101);
  std::string dicts = "ccollections\nOrderedDict\nq\1](";
  for (int i = 0; i < 2000; ++i) dicts += "NN\x86";
  dicts += "e\x85q\2";
  for (int i = 0; i < 2000; ++i) dicts += "h\1h\2R";
  refused(pickle(dicts + "."), "more items than a pickle of its size");
  refused(pickle("("s + std::string(2 << 20, 'N') + "t."), "more than 1048576 values");
  refused(pickle("c" + std::string(100000, 'a')), "name without an end");
  refused(pickle(std::string(100000, '(')), "ends inside");
  const std::string self = pickle("]q\0h\0a."s);
  const Pickle p = parsed(self);
  CHECK(p.at(p.root).items == std::vector<PickleId>{p.root});
}

}  // namespace
}  // namespace nb::torch
