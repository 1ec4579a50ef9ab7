// Update rules on all threads.
#pragma once

#include "kernels/update.h"

namespace handgrad {

// The step of kernels/update.h for `count` numbers; `stream` is settled here. T is float or double.
template <class T>
void update(Update<T> u, std::int64_t count);

// The two factors of a gradient that is not multiplied out, that of an affine layer's weights:
// dw (d, m) = x (n, d) turned times dout (n, m).
template <class T>
struct Factors {
    std::int64_t n = 0, d = 0, m = 0;
    const T *x = nullptr, *dout = nullptr;
};

// The same step with the product of `factors` for its gradient; u.dw is not read. A few rows at a time are multiplied and go
// from the second-level cache into the step: dw is neither written to memory nor read from it.
template <class T>
void update(Update<T> u, const Factors<T>& factors);

}  // namespace handgrad
