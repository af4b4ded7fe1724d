// Operators that address elements by index, and tensors made of nothing but numbers.
#include <algorithm>
#include <cmath>

#include "blocks/one_hot/attributes.h"
#include "blocks/scatter/attributes.h"
#include "blocks/trilu/attributes.h"
#include "read/onnx/compose.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

constexpr std::int64_t kMaxGenerated = std::int64_t{1} << 22;

/// Elements of one axis between neighbours in memory.
std::int64_t stride_of(const Shape& shape, std::int64_t axis) {
  return product(shape, axis + 1, static_cast<std::int64_t>(shape.size()));
}

/// Indices as a dtype that the gather block takes.
ValueId as_index(Layer& l, ValueId indices) {
  const DType dtype = l.dtype(indices);
  return dtype == DType::i32 || dtype == DType::i64 ? indices : cast(l, indices, DType::i64);
}

void check_count(Layer& l, std::int64_t count) {
  if (count < 0 || count > kMaxGenerated)
    l.refuse(Kind::limit_exceeded, std::to_string(count) + " elements would be generated");
}

}  // namespace

void translate_gather(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t axis = l.axis(l.integer("axis", 0), l.rank(x));
  l.output(0, gather(l, x, as_index(l, l.in(1)), axis));
}

void translate_array_feature_extractor(Layer& l) {
  const ValueId x = l.in(0);
  l.require_rank(x, 1, "the input");
  const ValueId flat = reshape(l, as_index(l, l.in(1)), {l.type(l.in(1)).elements()});
  l.output(0, gather(l, l.rank(x) == 1 ? unsqueeze(l, x, {0}) : x, flat,
                     std::max<std::int64_t>(l.rank(x) - 1, 1)));
}

/// y[i,j,k] = x[i, index[i,j,k], k]: the place of each element in the flat tensor.
void translate_gather_elements(Layer& l) {
  const ValueId x = l.in(0), given = as_index(l, l.in(1));
  const std::int64_t rank = l.rank(x), axis = l.axis(l.integer("axis", 0), rank);
  if (l.rank(given) != rank) l.refuse(Kind::shape_mismatch, "the indices differ in rank");
  const Shape xs = l.shape(x), is = l.shape(given);
  const DType dtype = l.dtype(given);
  Ints base(static_cast<std::size_t>(l.type(given).elements()), 0);
  check_count(l, static_cast<std::int64_t>(base.size()));
  for (std::size_t i = 0; i < base.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    for (std::int64_t d = rank; d-- > 0;) {
      const std::int64_t dim = is[static_cast<std::size_t>(d)];
      if (d != axis) base[i] += rest % dim * stride_of(xs, d);
      rest /= dim;
    }
  }
  ValueId place = wrap_indices(l, given, l.dim(x, axis));
  place = binary(l, "mul", place, static_cast<double>(stride_of(xs, axis)));
  place = binary(l, "add", place, ints(l, base, is, dtype));
  l.output(0, gather(l, reshape(l, x, {l.type(x).elements()}), place, 0));
}

void translate_gather_nd(Layer& l) {
  const ValueId x = l.in(0), given = as_index(l, l.in(1));
  const std::int64_t batch = l.integer("batch_dims", 0), rank = l.rank(x), index_rank = l.rank(given);
  if (index_rank < 1 || batch < 0 || batch >= std::min(rank, index_rank))
    l.refuse(Kind::attribute_out_of_range, "batch_dims is " + std::to_string(batch));
  const Shape xs = l.shape(x), is = l.shape(given);
  const std::int64_t depth = is.back();
  if (depth < 1 || batch + depth > rank)
    l.refuse(Kind::shape_mismatch, "the indices address more axes than there are");
  // Negative indices count from the end of their axis.
  const DType dtype = l.dtype(given);
  Ints dims(xs.begin() + batch, xs.begin() + batch + depth), strides;
  for (std::int64_t d = 0; d < depth; ++d) strides.push_back(product(dims, d + 1, depth));
  const ValueId from_end = binary(l, "add", given, ints(l, dims, {depth}, dtype));
  const ValueId index = where(l, binary(l, "less", given, 0.0), from_end, given);
  const ValueId weighted = binary(l, "mul", index, ints(l, strides, {depth}, dtype));
  ValueId place;
  if (depth == 1)
    place = squeeze(l, weighted, {index_rank - 1});
  else
    for (std::int64_t d = 0; d < depth; ++d) {
      const ValueId part = squeeze(l, slice_axis(l, weighted, index_rank - 1, d, 1), {index_rank - 1});
      place = d == 0 ? part : binary(l, "add", place, part);
    }
  Shape flat(xs.begin(), xs.begin() + batch);
  flat.push_back(product(xs, batch, batch + depth));
  flat.insert(flat.end(), xs.begin() + batch + depth, xs.end());
  l.output(0, gather(l, reshape(l, x, flat), place, batch, batch));
}

void translate_one_hot(Layer& l) {
  const ValueId indices = l.in(0);
  OneHotAttrs a;
  a.depth = l.one_int(l.in(1), "depth");
  a.axis = l.axis(l.integer("axis", -1), l.rank(indices) + 1);
  l.output(0, l.add("one_hot", std::move(a),
                    {is_float(l.dtype(indices)) ? indices : as_index(l, indices), l.in(2)}));
}

void translate_trilu(Layer& l) {
  const std::int64_t k = l.has(1) ? l.one_int(l.in(1), "k") : 0;
  l.output(0, l.add("trilu", TriluAttrs{l.integer("upper", 1) != 0, k}, {l.in(0)}));
}

/// ScatterElements, its predecessor Scatter, and ScatterND.
void translate_scatter(Layer& l) {
  const ValueId x = l.in(0);
  ScatterAttrs a;
  if (l.block() == "scatter_elements") a.axis = l.axis(l.integer("axis", 0), l.rank(x));
  const std::string reduction = l.text("reduction", "none");
  const auto names = names_of(a.reduction);
  const auto found = std::find(names.begin(), names.end(), reduction);
  if (found == names.end()) l.invalid("reduction `" + reduction + "` is none of none, add, mul, min, max");
  a.reduction = static_cast<ScatterReduction>(found - names.begin());
  l.output(0, l.add(l.block(), std::move(a), {x, as_index(l, l.in(1)), l.in(2)}));
}

void translate_range(Layer& l) {
  const DType dtype = l.dtype(l.in(0));
  const double start = l.one_double(l.in(0), "start"), limit = l.one_double(l.in(1), "limit"),
               step = l.one_double(l.in(2), "delta");
  const double exact = std::ceil((limit - start) / step);
  if (step == 0 || !(exact <= static_cast<double>(kMaxGenerated)))
    l.refuse(Kind::limit_exceeded, "the range has no end");
  const auto count = static_cast<std::int64_t>(std::max(exact, 0.0));
  if (is_integer(dtype)) {
    Ints values;
    const std::int64_t first = l.one_int(l.in(0), "start"), delta = l.one_int(l.in(2), "delta");
    for (std::int64_t i = 0; i < count; ++i) values.push_back(first + i * delta);
    return l.output(0, ints(l, values, {count}, dtype));
  }
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(start + static_cast<double>(i) * step));
  l.output(0, floats(l, values, {count}));
}

void translate_eye_like(Layer& l) {
  const ValueId x = l.in(0);
  if (l.rank(x) != 2) l.refuse(Kind::shape_mismatch, "the input is no matrix");
  const std::int64_t k = l.integer("k", 0), rows = l.dim(x, 0), columns = l.dim(x, 1);
  check_count(l, rows * columns);
  Ints values;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) values.push_back(j - i == k);
  l.output(0, ints(l, values, {rows, columns}, l.element_type("dtype", l.dtype(x))));
}

/// Hann, Hamming and Blackman windows.
void translate_window_function(Layer& l) {
  const std::int64_t size = l.one_int(l.in(0), "size");
  check_count(l, size);
  const DType dtype = l.element_type("output_datatype", DType::f32);
  const double periods = static_cast<double>(l.integer("periodic", 1) != 0 ? size : size - 1);
  double a0 = 0.5, a1 = 0.5, a2 = 0;
  if (l.type() == "HammingWindow") {
    a0 = 25.0 / 46.0;
    a1 = 1 - a0;
  } else if (l.type() == "BlackmanWindow") {
    a0 = 0.42;
    a2 = 0.08;
  }
  std::vector<float> values;
  for (std::int64_t i = 0; i < size; ++i) {
    const double turn = 2 * M_PI * static_cast<double>(i) / periods;
    values.push_back(static_cast<float>(a0 - a1 * std::cos(turn) + a2 * std::cos(2 * turn)));
  }
  l.output(0, cast(l, floats(l, values, {size}), dtype));
}

/// A triangular filter bank on the mel scale, [bins, filters].
void translate_mel_weight_matrix(Layer& l) {
  const std::int64_t filters = l.one_int(l.in(0), "num_mel_bins"), dft = l.one_int(l.in(1), "dft_length"),
                     rate = l.one_int(l.in(2), "sample_rate");
  const double low = l.one_double(l.in(3), "lower_edge_hertz"),
               high = l.one_double(l.in(4), "upper_edge_hertz");
  check_count(l, filters);
  check_count(l, dft);
  const std::int64_t bins = dft / 2 + 1;
  check_count(l, filters * bins);
  if (rate < 1 || dft < 1)
    l.refuse(Kind::attribute_out_of_range, "the sample rate or the DFT's length is not positive");
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  Ints edge;
  const double mel_low = mel(low), mel_step = (mel(high) - mel_low) / static_cast<double>(filters + 2);
  for (std::int64_t i = 0; i < filters + 2; ++i) {
    const double hertz = 700 * (std::pow(10.0, (mel_low + static_cast<double>(i) * mel_step) / 2595) - 1);
    edge.push_back(static_cast<std::int64_t>(
        std::floor(static_cast<double>(dft + 1) * hertz / static_cast<double>(rate))));
  }
  std::vector<float> values(static_cast<std::size_t>(bins * filters), 0.0f);
  for (std::int64_t f = 0; f < filters; ++f) {
    const auto at = static_cast<std::size_t>(f);
    const std::int64_t left = edge[at], center = edge[at + 1], right = edge[at + 2];
    const auto put = [&](std::int64_t bin, double value) {
      if (bin >= 0 && bin < bins)
        values[static_cast<std::size_t>(bin * filters + f)] = static_cast<float>(value);
    };
    if (center == left)
      put(center, 1);
    else
      for (std::int64_t bin = std::max<std::int64_t>(left, 0); bin <= std::min(center, bins); ++bin)
        put(bin, static_cast<double>(bin - left) / static_cast<double>(center - left));
    for (std::int64_t bin = std::max<std::int64_t>(center, 0); bin < std::min(right, bins); ++bin)
      put(bin, static_cast<double>(right - bin) / static_cast<double>(right - center));
  }
  l.output(0, cast(l, floats(l, values, {bins, filters}), l.element_type("output_datatype", DType::f32)));
}

}  // namespace nb::onnx
