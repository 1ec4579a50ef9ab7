// Losses on all threads.
#pragma once

#include "kernels/loss.h"

namespace handgrad {

// The mean over the rows of the losses of kernels/loss.h, 0 for none, and its gradient. T is float or double.
template <class T>
double softmax_loss(const T* scores, const std::int64_t* y, std::int64_t rows, std::int64_t classes, double smoothing, T* dscores);
template <class T>
double svm_loss(const T* scores, const std::int64_t* y, std::int64_t rows, std::int64_t classes, T* dscores);

}  // namespace handgrad
