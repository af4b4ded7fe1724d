// Float math for emitted code and for people: everything of the math_*.h headers. Include this one.
#pragma once
#include "math_bits.h"
#include "math_exp.h"
#include "math_log.h"
#include "math_quick.h"
#include "math_trig.h"
