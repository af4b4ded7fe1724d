// Powers of e of integer scores, relative to a row's largest.
#pragma once
#include "../core/powers.h"
#include "quantized.h"

namespace nb {

/// The scores of one query as softmax compares them: of the right sign, masked.
NB_INLINE int32_t masked_score(const AttentionQuantized&, int32_t score, uint8_t mask) {
  return mask ? score : kHiddenScore;
}
NB_INLINE int32_t masked_score(const AttentionQuantized& p, int32_t score, int32_t mask) {
  return mask == kHiddenScore ? kHiddenScore
                              : high_word_add(score * (1 << p.mask_left), p.mask_multiplier, mask);
}
template <class Mask>
NB_NOINLINE void attention_bend(const AttentionQuantized& p, int32_t count, const Mask* mask,
                                ScoreS32* scores) {
  for (int32_t i = 0; i < count; ++i) {
    const int32_t score = p.sign < 0 ? -scores[i] : scores[i];
    scores[i] = mask ? masked_score(p, score, mask[i * p.mask.k]) : score;
  }
}

/// The numbers of attention_power, in registers: what is stored could be p's, for all the compiler knows.
struct PowerScale {
  uint32_t limit;
  int32_t left, multiplier;
};
NB_INLINE PowerScale power_scale(const AttentionQuantized& p) {
  return {static_cast<uint32_t>(p.power_limit), p.power_left, p.power_multiplier};
}
/// The power of e of a score that lies `below` the largest.
template <class T>
NB_INLINE uint32_t attention_power(PowerScale p, uint32_t below, const uint32_t* table) {
  if (below > p.limit) return 0;
  const int32_t x = high_word(static_cast<int32_t>(below << p.left), p.multiplier);
  return sizeof(T) == 1 ? power_of_half(static_cast<uint32_t>(x), table)
                        : fine_power_of_half(static_cast<uint32_t>(x), table);
}

/// Sums of powers of 32768 scores.
template <class T>
struct PowerSumOf {
  using Type = uint64_t;
};
template <>
struct PowerSumOf<int8_t> {
  using Type = uint32_t;
};
template <class T>
using PowerSum = typename PowerSumOf<T>::Type;

/// How powers lie in memory: of int8 less 32768 in the order of products_place, of int16 as they are.
NB_INLINE void put_power(int16_t* row, int32_t i, uint32_t power) {
  row[products_place(i)] = static_cast<int16_t>(static_cast<int32_t>(power) - 32768);
}
NB_INLINE void put_power(ScoreS32* row, int32_t i, uint32_t power) { row[i] = static_cast<int32_t>(power); }

/// The scores [begin, end) of one query become powers; those of the `count` scores that are not among them
/// become 0. Gives the sum. T is the tensors' element; what is written may lie where put_power says.
template <class T, class Power>
NB_NOINLINE uint64_t attention_powers(const AttentionQuantized& p, int32_t begin, int32_t end, int32_t count,
                                      ScoreS32* scores, const uint32_t* table, Power* powers) {
  int32_t largest = kHiddenScore;
#pragma GCC unroll 2
  for (int32_t i = begin; i < end; ++i) largest = max<int32_t>(largest, scores[i]);
  if (largest == kHiddenScore) begin = end;
  for (int32_t i = 0; i < begin; ++i) put_power(powers, i, 0);
  const PowerScale scale = power_scale(p);
  const auto power_of = [&](int32_t score) {
    return attention_power<T>(scale, static_cast<uint32_t>(largest) - static_cast<uint32_t>(score), table);
  };
  PowerSum<T> sum = 0;
  int32_t i = begin;
#if NB_PAIRED_ROWS
  if constexpr (sizeof(T) == 1)
    if (i % 2 == 0) {
      // Two powers are one word.
      ScoreS32* to = reinterpret_cast<ScoreS32*>(powers + products_place(i));
      for (; i + 2 <= end; i += 2, to += 2) {
        const uint32_t first = power_of(scores[i]), second = power_of(scores[i + 1]);
        sum += first + second;
        *to = static_cast<int32_t>((first | second << 16) ^ 0x80008000u);
      }
    }
#endif
  for (; i < end; ++i) {
    const uint32_t power = power_of(scores[i]);
    sum += power;
    put_power(powers, i, power);
  }
  // As attention_sums wants them.
  if (NB_PAIRED_ROWS && sizeof(T) == 2) count = (count + 3) & ~3;
  for (; i < count; ++i) put_power(powers, i, 0);
  return sum;
}

#if defined(__ARM_FEATURE_MVE)
/// The same of int8, whose powers lie one after the other.
template <>
NB_NOINLINE inline uint64_t attention_powers<int8_t, int16_t>(const AttentionQuantized& p, int32_t begin,
                                                              int32_t end, int32_t count, ScoreS32* scores,
                                                              const uint32_t* table, int16_t* powers) {
  // Whole vectors, hidden at both ends.
  const int32_t from = begin & ~3, to = (end + 3) & ~3;
  for (int32_t i = from; i < begin; ++i) scores[i] = kHiddenScore;
  for (int32_t i = end; i < to; ++i) scores[i] = kHiddenScore;
  int32x4_t largest_four = vdupq_n_s32(kHiddenScore);
  for (int32_t i = from; i < to; i += 4) largest_four = vmaxq_s32(largest_four, vldrwq_s32(scores + i));
  const int32_t largest = vmaxvq_s32(kHiddenScore, largest_four);
  int32_t done = from;
  for (int32_t i = 0; i < from; ++i) powers[i] = -32768;
  uint32_t sum = 0;
  if (largest != kHiddenScore) {
    const uint32x4_t top = vdupq_n_u32(static_cast<uint32_t>(largest));
    const uint32x4_t end_of_powers = vdupq_n_u32(static_cast<uint32_t>(p.power_limit) + 1);
    const int32x4_t multiplier = vdupq_n_s32(p.power_multiplier);
    const int32_t left = p.power_left, end_of_limit = p.power_limit + 1;
    for (; done < to; done += 4) {
      // Shifts instead of masks, whose vectors would not all stay in registers; a sign instead of a
      // predicate.
      const uint32x4_t far = vsubq_u32(top, vreinterpretq_u32_s32(vldrwq_s32(scores + done)));
      const int32x4_t below = vreinterpretq_s32_u32(vminq_u32(far, end_of_powers));
      const uint32x4_t x = vreinterpretq_u32_s32(vrmulhq_s32(vshlq_r_s32(below, left), multiplier));
      const uint32x4_t word = vldrwq_gather_shifted_offset_u32(table, vshrq_n_u32(vshlq_n_u32(x, 12), 25));
      const uint32x4_t fall = vmulhq_u32(vshlq_n_u32(word, 18), vshlq_n_u32(x, 19));  // times 2^5
      const uint32x4_t whole = vsubq_u32(vshrq_n_u32(word, 14), vshrq_n_u32(fall, 22));
      const int32x4_t right = vreinterpretq_s32_u32(vmvnq_u32(vshrq_n_u32(x, 20)));
      const int32x4_t seen = vshrq_n_s32(vsubq_n_s32(below, end_of_limit), 31);
      const uint32x4_t power = vandq_u32(vrshlq_u32(whole, right), vreinterpretq_u32_s32(seen));
      sum = vaddvaq_u32(sum, power);
      vstrhq_s32(powers + done, vreinterpretq_s32_u32(vaddq_n_u32(power, 0x8000u)));
    }
  }
  for (; done < padded_length(count); ++done) powers[done] = -32768;
  return sum;
}
/// The same of int16.
template <>
NB_NOINLINE inline uint64_t attention_powers<int16_t, ScoreS32>(const AttentionQuantized& p, int32_t begin,
                                                                int32_t end, int32_t count, ScoreS32* scores,
                                                                const uint32_t* table, ScoreS32* powers) {
  constexpr uint32_t kLog2 = 2977044472;  // as fine_power_of_half
  // Whole vectors, hidden at both ends.
  const int32_t from = begin & ~3, to = (end + 3) & ~3;
  for (int32_t i = from; i < begin; ++i) scores[i] = kHiddenScore;
  for (int32_t i = end; i < to; ++i) scores[i] = kHiddenScore;
  int32x4_t largest_four = vdupq_n_s32(kHiddenScore);
  for (int32_t i = from; i < to; i += 4) largest_four = vmaxq_s32(largest_four, vldrwq_s32(scores + i));
  const int32_t largest = vmaxvq_s32(kHiddenScore, largest_four);
  int32_t done = from;
  for (int32_t i = 0; i < from; ++i) powers[i] = 0;
  uint64_t sum = 0;
  if (largest != kHiddenScore) {
    const uint32x4_t top = vdupq_n_u32(static_cast<uint32_t>(largest));
    const uint32x4_t end_of_powers = vdupq_n_u32(static_cast<uint32_t>(p.power_limit) + 1);
    const int32x4_t multiplier = vdupq_n_s32(p.power_multiplier);
    const uint32x4_t log2 = vdupq_n_u32(kLog2);
    const int32_t left = p.power_left, end_of_limit = p.power_limit + 1;
    for (; done < to; done += 4) {
      const uint32x4_t far = vsubq_u32(top, vreinterpretq_u32_s32(vldrwq_s32(scores + done)));
      const int32x4_t below = vreinterpretq_s32_u32(vminq_u32(far, end_of_powers));
      const uint32x4_t x = vreinterpretq_u32_s32(vrmulhq_s32(vshlq_r_s32(below, left), multiplier));
      const uint32x4_t whole = vldrwq_gather_shifted_offset_u32(table, vshrq_n_u32(vshlq_n_u32(x, 12), 25));
      const uint32x4_t t = vmulhq_u32(vshrq_n_u32(vshlq_n_u32(x, 19), 7), log2);
      const uint32x4_t fall = vsubq_u32(t, vshrq_n_u32(vmulhq_u32(t, t), 1));
      const uint32x4_t exact = vsubq_u32(whole, vmulhq_u32(whole, fall));
      const int32x4_t right = vreinterpretq_s32_u32(vmvnq_u32(vshrq_n_u32(x, 20)));
      const int32x4_t seen = vshrq_n_s32(vsubq_n_s32(below, end_of_limit), 31);
      const uint32x4_t power = vandq_u32(vrshlq_u32(exact, right), vreinterpretq_u32_s32(seen));
      sum = vaddlvaq_u32(sum, power);
      vstrwq_s32(powers + done, vreinterpretq_s32_u32(power));
    }
  }
  for (; done < count; ++done) powers[done] = 0;
  return sum;
}
#endif

}  // namespace nb
