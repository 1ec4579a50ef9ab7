// Losses, a row of scores at a time.
#include "loss.h"

#include "simd.h"
#include "special.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

template <class T>
constexpr T infinity = static_cast<T>(HUGE_VAL);

// The greatest of a row without NaN; with one, some number.
template <class T>
T greatest(const T* x, std::int64_t count) {
    using S = Simd<T>;
    auto most = S::splat(x[0]);
    by_lanes<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED { most = S::max(most, load_some<S>(x + i, n, most)); });
    HANDGRAD_UNROLL
    for (int left = S::lanes; left > 1; left /= 2) most = S::max(S::evens(most, most), S::odds(most, most));
    T lanes[S::lanes];
    S::store(lanes, most);
    return lanes[0];
}

// to = exp(x - most); returns the sum. Meanwhile the next row comes from memory: exp leaves it the time.
template <class T>
double exponentials(const T* x, std::int64_t count, T most, T* to) {
    using S = Simd<T>;
    const auto top = S::splat(most), none = S::splat(-infinity<T>);
    return sum_of<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        prefetch_read(x + count + i);
        prefetch(to + count + i);
        const auto e = Exponential<T>(S::sub(load_some<S>(x + i, n, none), top)).exp();
        store_some<S>(to + i, e, n);
        return e;
    });
}

template <class T>
double softmax(const T* scores, const std::int64_t* y, std::int64_t rows, std::int64_t classes, double smoothing, double batch,
               T* dscores) {
    using S = Simd<T>;
    const double everywhere = smoothing / static_cast<double>(classes);
    double loss = 0;
    for (std::int64_t r = 0; r < rows; ++r, scores += classes, dscores += classes) {
        const T most = greatest(scores, classes);
        const double total = exponentials(scores, classes, most, dscores), log_total = ::log(total);
        const auto share = S::splat(static_cast<T>(1 / (total * batch))), level = S::splat(static_cast<T>(-everywhere / batch));
        by_lanes<S>(classes, [&](std::int64_t i, int n) HANDGRAD_INLINED {
            store_some<S>(dscores + i, S::fma(load_some<S>(dscores + i, n), share, level), n);
        });
        dscores[y[r]] -= static_cast<T>((1 - smoothing) / batch);
        loss -= (1 - smoothing) * (static_cast<double>(scores[y[r]]) - static_cast<double>(most) - log_total);
        if (smoothing > 0)
            for (std::int64_t k = 0; k < classes; ++k)
                loss -= everywhere * (static_cast<double>(scores[k]) - static_cast<double>(most) - log_total);
    }
    return loss;
}

// First the margins, where the gradient will be: a NaN goes through relu and counts as a margin.
template <class T>
double svm(const T* scores, const std::int64_t* y, std::int64_t rows, std::int64_t classes, double batch, T* dscores) {
    using S = Simd<T>;
    const auto one = S::splat(T(1)), share = S::splat(static_cast<T>(1 / batch));
    double loss = 0;
    for (std::int64_t r = 0; r < rows; ++r, scores += classes, dscores += classes) {
        const auto right = S::splat(scores[y[r]]);
        by_lanes<S>(classes, [&](std::int64_t i, int n) HANDGRAD_INLINED {
            prefetch_read(scores + classes + i);
            prefetch(dscores + classes + i);
            store_some<S>(dscores + i, S::relu(S::add(S::sub(load_some<S>(scores + i, n), right), one)), n);
        });
        dscores[y[r]] = 0;
        auto wrong = S::zero();
        loss += sum_of<S>(classes, [&](std::int64_t i, int n) HANDGRAD_INLINED {
            const auto margin = load_some<S>(dscores + i, n);
            const auto counts = S::above(margin, S::zero());
            wrong = S::add(wrong, S::keep(counts, one));
            store_some<S>(dscores + i, S::keep(counts, share), n);
            return margin;
        });
        dscores[y[r]] = -static_cast<T>(static_cast<double>(S::sum(wrong)) / batch);
    }
    return loss;
}

}  // namespace

template <class T>
const LossKernels<T>& loss() {
    static constexpr LossKernels<T> all{softmax<T>, svm<T>};
    return all;
}

template const LossKernels<float>& loss();
template const LossKernels<double>& loss();

}  // namespace handgrad::HANDGRAD_ISA
