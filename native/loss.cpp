#include "loss.h"

#include <algorithm>

#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace handgrad {

namespace {

// Scores that are worth waking a thread.
constexpr std::int64_t kWorth = 4096;

// The mean over the rows of run(first, count, batch), which returns a sum.
template <class Run>
double mean_over_rows(std::int64_t rows, std::int64_t classes, const Run& run) {
    const double batch = std::max(1.0, static_cast<double>(rows));
    const Scratch<double> sums(static_cast<std::size_t>(num_threads()));
    std::fill_n(sums.get(), num_threads(), 0.0);
    parallel_for(rows, std::max<std::int64_t>(1, kWorth / classes), [&](std::int64_t begin, std::int64_t end, int slot) {
        sums.get()[slot] = run(begin, end - begin, batch);
    });
    double total = 0;
    for (int slot = 0; slot < num_threads(); ++slot) total += sums.get()[slot];
    return total / batch;
}

}  // namespace

template <class T>
double softmax_loss(const T* scores, const std::int64_t* y, std::int64_t rows, std::int64_t classes, double smoothing, T* dscores) {
    const auto kernel = kernels().of<T>().loss().softmax;
    return mean_over_rows(rows, classes, [&](std::int64_t i, std::int64_t n, double batch) {
        return kernel(scores + i * classes, y + i, n, classes, smoothing, batch, dscores + i * classes);
    });
}

template <class T>
double svm_loss(const T* scores, const std::int64_t* y, std::int64_t rows, std::int64_t classes, T* dscores) {
    const auto kernel = kernels().of<T>().loss().svm;
    return mean_over_rows(rows, classes, [&](std::int64_t i, std::int64_t n, double batch) {
        return kernel(scores + i * classes, y + i, n, classes, batch, dscores + i * classes);
    });
}

template double softmax_loss(const float*, const std::int64_t*, std::int64_t, std::int64_t, double, float*);
template double softmax_loss(const double*, const std::int64_t*, std::int64_t, std::int64_t, double, double*);
template double svm_loss(const float*, const std::int64_t*, std::int64_t, std::int64_t, float*);
template double svm_loss(const double*, const std::int64_t*, std::int64_t, std::int64_t, double*);

}  // namespace handgrad
