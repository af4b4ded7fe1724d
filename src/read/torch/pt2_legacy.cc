#include "read/torch/pt2_legacy.h"

#include "base/text.h"
#include "read/torch/pickle.h"
#include "read/zip_format.h"

namespace nb::torch {
namespace {

// What inflating an archive within the archive may take: torch.save stores.
constexpr ZipLimits kInnerLimits = {.entry_bytes = std::uint64_t{1} << 30,
                                    .total_bytes = std::uint64_t{2} << 30};

Pt2Storage storage_of(const Pickle& pickle, const PickleNode& node, const std::string& top,
                      const std::shared_ptr<ZipArchive>& inner) {
  const PickleTensor& from = pickle.tensors[node.tensor];
  Pt2Storage storage;
  storage.path = top + "data/" + std::string(pickle.at(node.items[0]).text);
  storage.archive = inner;
  storage.is_quantized = from.quantization.has_value();
  storage.tensor.scalar_type = scalar_type_of(from.view.dtype);
  for (const std::int64_t size : from.view.sizes) storage.tensor.sizes.push_back({size, {}});
  storage.tensor.strides = from.view.strides;
  storage.tensor.offset = from.view.offset;
  return storage;
}

}  // namespace

Checked<Pt2Storages> read_saved_tensors(ZipArchive& archive, const std::string& path) {
  const std::string shown = "`" + printable(path) + "`";
  const auto malformed = [](std::string message) { return Fault{Kind::malformed_file, std::move(message)}; };
  const ZipEntry* entry = archive.find(path);
  if (entry == nullptr) return malformed("the archive has no entry " + shown);
  if (entry->size == 0) return Pt2Storages{};
  std::string why_not;
  const auto bytes = archive.content(*entry, why_not);
  if (!bytes) return malformed("the archive " + why_not);
  if (!is_zip(*bytes)) return malformed(shown + " is no archive of torch.save");
  auto opened = ZipArchive::open(*bytes, why_not, kInnerLimits);
  if (!opened) return malformed(shown + " " + why_not);
  const auto inner = std::make_shared<ZipArchive>(*std::move(opened));
  const std::string top = top_folder(*inner);

  const auto content = [&](const std::string& name) -> std::optional<ByteSpan> {
    const ZipEntry* found = inner->find(top + name);
    if (found == nullptr) {
      why_not = "has no entry `" + name + "`";
      return std::nullopt;
    }
    return inner->content(*found, why_not);
  };
  if (inner->find(top + "byteorder") != nullptr) {
    const auto order = content("byteorder");
    if (!order) return malformed(shown + " " + why_not);
    if (!characters(*order).starts_with("little"))
      return Fault{Kind::unsupported_feature, "the numbers of " + shown + " are big-endian"};
  }
  const auto data = content("data.pkl");
  if (!data) return malformed(shown + " " + why_not);
  PickleFault fault;
  const auto pickle = parse_pickle(*data, fault);
  if (!pickle && !fault.global.empty())
    return Fault{Kind::unsupported_feature, "the pickle of " + shown + " " + fault.message,
                 "nothing in a file is run; export the model with plain tensors"};
  if (!pickle) return malformed("the pickle of " + shown + " " + fault.message);

  Pt2Storages storages;
  const PickleNode& root = pickle->at(pickle->root);
  if (root.kind == PickleKind::tensor) {
    storages.emplace("", storage_of(*pickle, root, top, inner));
  } else if (root.kind == PickleKind::dict) {
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const PickleNode &key = pickle->at(root.items[i]), &value = pickle->at(root.items[i + 1]);
      if (key.kind == PickleKind::text && value.kind == PickleKind::tensor)
        storages.insert_or_assign(std::string(key.text), storage_of(*pickle, value, top, inner));
    }
  } else {
    return malformed("the pickle of " + shown + " is neither a tensor nor a dict of tensors");
  }
  return storages;
}

std::optional<std::string> with_quoted_floats(std::string_view json) {
  std::string out;
  std::size_t done = 0;
  bool is_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (is_text) {
      if (c == '\\') ++i;
      is_text = c != '"';
      continue;
    }
    is_text = c == '"';
    const std::string_view rest = json.substr(i);
    for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (!rest.starts_with(word)) continue;
      out.append(json.substr(done, i - done)).append("\"").append(word).append("\"");
      done = i + word.size();
      i = done - 1;
      break;
    }
  }
  if (done == 0) return std::nullopt;
  return out.append(json.substr(done));
}

}  // namespace nb::torch
