// Reductions over any axes.
#pragma once
#include "../core/integers.h"
#include "../core/math.h"
#include "../core/requantize.h"
#include "../core/strided.h"

namespace nb {

/// One loop: how often, and how far the input steps, in elements.
struct ReduceAxis {
  int32_t size, in;
};

/// The reduction with its numbers; loop nests over the axes that stay and over those that vanish, outermost
/// first.
template <class F, int Kept, int Reduced>
struct Reduce {
  F f;
  ReduceAxis kept[Kept];
  ReduceAxis reduced[Reduced];
};

/// F: an accumulator type F::Acc<T>, first<T>(), step(acc, x) and finish<R>(acc).
template <class F, class T, class R>
NB_NOINLINE inline void reduce_axes(const F& function, const ReduceAxis* kept, int32_t kept_rank,
                                    const ReduceAxis* reduced, int32_t reduced_rank, const T* in, R* out) {
  const F f = function;
  int32_t at[kMaxRank] = {};
  for (int32_t k = 0; k < kept_rank; ++k)
    if (kept[k].size == 0) return;
  do {
    auto acc = f.template first<T>();
    int32_t inner_at[kMaxRank] = {};
    const T* from = in;
    const ReduceAxis inner = reduced[reduced_rank - 1];
    do {
      for (int32_t i = 0; i < inner.size; ++i) f.step(acc, from[i * inner.in]);
    } while (next_index(reduced, reduced_rank - 1, inner_at,
                        [&](const ReduceAxis& axis, int32_t n) { from += n * axis.in; }));
    *out++ = f.template finish<R>(acc);
  } while (next_index(kept, kept_rank, at, [&](const ReduceAxis& axis, int32_t n) { in += n * axis.in; }));
}

/// The output is contiguous.
template <class F, int Kept, int Reduced, class T, class R>
NB_INLINE void reduce(const Reduce<F, Kept, Reduced>& p, const T* in, R* out) {
  reduce_axes(p.f, p.kept, Kept, p.reduced, Reduced, in, out);
}

struct ReduceSum {
  template <class T>
  Wrapping<T> first() const {
    return 0;
  }
  template <class A, class T>
  void step(A& acc, T x) const {
    acc = acc + static_cast<A>(x);
  }
  template <class R, class A>
  R finish(A acc) const {
    return static_cast<R>(acc);
  }
};
/// Sum over count; integers sum in 64 bits and round towards zero.
struct ReduceMean {
  int32_t count;
  template <class T>
  auto first() const {
    if constexpr (kIsFloat<T>)
      return T(0);
    else
      return int64_t{0};
  }
  template <class A, class T>
  void step(A& acc, T x) const {
    acc = acc + static_cast<A>(x);
  }
  template <class R, class A>
  R finish(A acc) const {
    if constexpr (kIsFloat<A>)
      return static_cast<R>(acc / static_cast<A>(count));
    else
      return count == 0 ? R(0) : static_cast<R>(acc / count);
  }
};
struct ReduceProd : ReduceSum {
  template <class T>
  Wrapping<T> first() const {
    return 1;
  }
  template <class A, class T>
  void step(A& acc, T x) const {
    acc = acc * static_cast<A>(x);
  }
};
struct ReduceMax {
  template <class T>
  T first() const {
    return lowest_of<T>();
  }
  template <class T>
  void step(T& acc, T x) const {
    if (acc < x) acc = x;
  }
  template <class R>
  R finish(R acc) const {
    return acc;
  }
};
struct ReduceMin : ReduceMax {
  template <class T>
  T first() const {
    return highest_of<T>();
  }
  template <class T>
  void step(T& acc, T x) const {
    if (x < acc) acc = x;
  }
};
struct ReduceAny : ReduceMax {
  template <class T>
  T first() const {
    return 0;
  }
  template <class T>
  void step(T& acc, T x) const {
    acc = acc || x;
  }
};
struct ReduceAll : ReduceMax {
  template <class T>
  T first() const {
    return 1;
  }
  template <class T>
  void step(T& acc, T x) const {
    acc = acc && x;
  }
};
struct ReduceL1 : ReduceSum {
  template <class A, class T>
  void step(A& acc, T x) const {
    acc = x < T(0) ? acc - static_cast<A>(x) : acc + static_cast<A>(x);
  }
};
struct ReduceSumSquare : ReduceSum {
  template <class A, class T>
  void step(A& acc, T x) const {
    acc = acc + static_cast<A>(x) * static_cast<A>(x);
  }
};
struct ReduceL2 : ReduceSumSquare {
  template <class R>
  R finish(float acc) const {
    return sqrt(acc);
  }
};
struct ReduceLogSum : ReduceSum {
  template <class R>
  R finish(float acc) const {
    return log(acc);
  }
};
/// Keeps the largest element, and the sum of e^(x - largest).
struct ReduceLogSumExp {
  struct Acc {
    float largest, sum;
  };
  template <class T>
  Acc first() const {
    return {lowest_of<float>(), 0.0f};
  }
  void step(Acc& acc, float x) const {
    if (x <= acc.largest) {
      acc.sum += x == acc.largest ? 1.0f : exp(x - acc.largest);
    } else {
      acc.sum = (acc.sum > 0.0f ? acc.sum * exp(acc.largest - x) : 0.0f) + 1.0f;
      acc.largest = x;
    }
  }
  template <class R>
  R finish(Acc acc) const {
    return acc.largest + log(acc.sum);
  }
};

/// Sum or mean of quantized elements: rescale(sum - sum_zero) + out_zero.
struct ReduceQuantized {
  int32_t sum_zero;
  int32_t multiplier, shift;
  int32_t out_zero, out_min, out_max;
  template <class T>
  int32_t first() const {
    return 0;
  }
  template <class T>
  void step(int32_t& acc, T x) const {
    acc += x;
  }
  template <class R>
  R finish(int32_t acc) const {
    return static_cast<R>(clamp(rescale(acc - sum_zero, multiplier, shift) + out_zero, out_min, out_max));
  }
};

}  // namespace nb
