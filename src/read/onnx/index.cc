// Operators that address elements by index, and tensors made of nothing but numbers.
#include <algorithm>
#include <cmath>

#include "blocks/gather/attributes.h"
#include "blocks/one_hot/attributes.h"
#include "blocks/scatter/attributes.h"
#include "blocks/trilu/attributes.h"
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

/// y[i,j,k] = x[i, index[i,j,k], k].
void translate_gather_elements(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t axis = l.axis(l.integer("axis", 0), l.rank(x));
  l.output(0, l.add("gather_elements", GatherAttrs{axis}, {x, as_index(l, l.in(1))}));
}

void translate_gather_nd(Layer& l) {
  l.output(0,
           l.add("gather_nd", GatherAttrs{0, l.integer("batch_dims", 0)}, {l.in(0), as_index(l, l.in(1))}));
}

/// Refuses an operator whose number of results follows from a value of run time.
void refuse_counted(Layer& l, ValueId value) {
  if (!l.is_constant(value))
    l.refuse(
        Kind::dynamic_shape,
        "how many results it gives is known only at run time, from `" + l.build.graph().at(value).name + "`",
        std::string(obstacle(l.type())));
}

/// Elements along an axis where a condition holds, which must be known: it decides how many there are.
void translate_compress(Layer& l) {
  ValueId x = l.in(0);
  std::int64_t axis = 0;
  if (l.has_attribute("axis"))
    axis = l.axis(l.integer("axis"), l.rank(x));
  else
    x = reshape(l, x, {l.type(x).elements()});
  refuse_counted(l, l.in(1));
  const Ints condition = l.ints(l.in(1), "condition");
  Ints places;
  for (std::size_t i = 0; i < condition.size(); ++i)
    if (condition[i] != 0) places.push_back(static_cast<std::int64_t>(i));
  if (!places.empty() && places.back() >= l.dim(x, axis))
    l.refuse(Kind::shape_mismatch, "the condition is longer than the axis");
  l.output(0, gather(l, x, ints(l, places, {static_cast<std::int64_t>(places.size())}), axis));
}

/// The indices of elements that are not 0, which must be known: they decide how many there are.
void translate_non_zero(Layer& l) {
  refuse_counted(l, l.in(0));
  const std::vector<double> values = l.doubles(l.in(0), "the tensor");
  Shape shape = l.shape(l.in(0));
  if (shape.empty()) shape = {1};
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != 0) places.push_back(i);
  const auto rank = static_cast<std::int64_t>(shape.size()), count = static_cast<std::int64_t>(places.size());
  check_count(l, rank * count);
  Ints indices;
  for (std::int64_t axis = 0; axis < rank; ++axis)
    for (const std::size_t place : places)
      indices.push_back(static_cast<std::int64_t>(place) / stride_of(shape, axis) %
                        shape[static_cast<std::size_t>(axis)]);
  l.output(0, ints(l, indices, {rank, count}));
}

void translate_one_hot(Layer& l) {
  const ValueId indices = l.in(0);
  OneHotAttrs a;
  a.depth = l.one_int(l.in(1), "depth");
  a.axis = l.axis(l.integer("axis", -1), l.rank(indices) + 1);
  l.output(0, l.add("one_hot", a, {is_float(l.dtype(indices)) ? indices : as_index(l, indices), l.in(2)}));
}

void translate_trilu(Layer& l) {
  const std::int64_t k = l.has(1) ? l.one_int(l.in(1), "k") : 0;
  l.output(0, l.add("trilu", TriluAttrs{l.flag("upper", true), k}, {l.in(0)}));
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
  l.output(0, l.add(l.block(), a, {x, as_index(l, l.in(1)), l.in(2)}));
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
  const double periods = static_cast<double>(l.flag("periodic", true) ? size : size - 1);
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
  if (!(low >= 0 && low <= 1e9 && high >= 0 && high <= 1e9))
    l.refuse(Kind::attribute_out_of_range, "an edge of the bank is no frequency");
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  Ints edge;
  const double mel_low = mel(low), mel_step = (mel(high) - mel_low) / static_cast<double>(filters + 2);
  for (std::int64_t i = 0; i < filters + 2; ++i) {
    const double hertz = 700 * (std::pow(10.0, (mel_low + static_cast<double>(i) * mel_step) / 2595) - 1);
    const double bin = std::floor(static_cast<double>(dft + 1) * hertz / static_cast<double>(rate));
    if (!(std::abs(bin) < static_cast<double>(kMaxGenerated)))
      l.refuse(Kind::attribute_out_of_range, "an edge of the filters lies at bin " + std::to_string(bin));
    edge.push_back(static_cast<std::int64_t>(bin));
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
