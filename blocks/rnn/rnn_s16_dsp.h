// A simple recurrent layer of integers with the packed 16-bit instructions of the DSP extension.
#pragma once
#include "../core/rows_s16_dsp.h"
#include "rnn_s16.h"
