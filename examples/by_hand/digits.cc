// The digit classifier of examples/digits, built by hand from the blocks' headers. Freestanding C++17.
#include "digits.h"

#include "blocks/conv2d/conv2d_s8.h"
#include "blocks/dense/dense_s8.h"
#include "blocks/depthwise_conv2d/depthwise_conv2d_s8.h"
#include "blocks/max_pool2d/max_pool2d.h"
#include "weights.h"

namespace {

// in, out, kernel, stride, pad, dilation
constexpr nb::Window2d kSame8x8{{8, 8}, {8, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1}};
constexpr nb::Window2d kHalved{{8, 8}, {4, 4}, {2, 2}, {2, 2}, {0, 0}, {1, 1}};
constexpr nb::Window2d kSame4x4{{4, 4}, {4, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}};

// window, channels in and out, groups, zero points in and out, least and greatest output (from zero: ReLU)
constexpr nb::Conv2dS8 kConv1{kSame8x8, 1, 8, 1, -128, -128, -128, 127};
constexpr nb::Conv2dS8 kConv2{kSame8x8, 8, 16, 1, -128, -128, -128, 127};
constexpr nb::MaxPool2d<int8_t> kPool{1, kHalved, 16, -128, 127};
constexpr nb::DepthwiseConv2dS8 kDepthwise{kSame4x4, 16, 1, -128, -128, -128, 127};
constexpr nb::DenseS8 kLogits{1, 256, 10, -128, 39, -128, 127};

// Each layer reads one of these and writes the other.
alignas(16) int8_t even[8 * 8 * 8], odd[8 * 8 * 16];

}  // namespace

void classify_digit(const int8_t* image, int8_t* logits) {
  int8_t *const conv1 = even, *const conv2 = odd, *const pool = even, *const depthwise = odd;

  // 8x8x1 -> 8x8x8
  nb::conv2d_s8(kConv1, image, kConv1Weights, kConv1Bias, kConv1Multiplier, kConv1Shift, conv1);

  // 8x8x8 -> 8x8x16
  nb::conv2d_s8(kConv2, conv1, kConv2Weights, kConv2Bias, kConv2Multiplier, kConv2Shift, conv2);

  // 8x8x16 -> 4x4x16
  nb::max_pool2d<int8_t>(kPool, conv2, pool);

  // 4x4x16 -> 4x4x16
  nb::depthwise_conv2d_s8(kDepthwise, pool, kDepthwiseWeights, kDepthwiseBias, kDepthwiseMultiplier,
                          kDepthwiseShift, depthwise);

  // 4x4x16, seen as 256 -> 10
  nb::dense_s8(kLogits, depthwise, kLogitsWeights, kLogitsBias, kLogitsMultiplier, kLogitsShift, logits);
}
