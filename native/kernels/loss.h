// Losses of rows of scores; the same for every instruction set.
#pragma once

#include <cstdint>

namespace handgrad {

// Scores (rows, classes) with classes > 0, labels y (rows) from 0 to classes - 1. dscores is the gradient of the loss
// divided by `batch`; what is returned is the sum over the rows, not divided.
template <class T>
struct LossKernels {
    // Cross-entropy with softmax; `smoothing` of the label is spread over all classes.
    double (*softmax)(const T* scores, const std::int64_t* y, std::int64_t rows, std::int64_t classes, double smoothing,
                      double batch, T* dscores);
    // The sum over wrong classes of max(0, score - right score + 1).
    double (*svm)(const T* scores, const std::int64_t* y, std::int64_t rows, std::int64_t classes, double batch, T* dscores);
};

}  // namespace handgrad
