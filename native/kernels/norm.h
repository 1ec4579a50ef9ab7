// What norms are made of; the same for every instruction set.
#pragma once

#include <cstdint>

namespace handgrad {

// y = (x - centre) scale + shift: one of each for all numbers, or with `each` one for each number. `relu`: y where y > 0,
// else 0, and no gradient goes back there.
template <class T>
struct Line {
    const T *centre, *scale, *shift;
    bool each, relu;
};

// dx = by_dout dout + by_x (x - centre) + rest, with `each` as in the line beside it.
template <class T>
struct LineGradient {
    const T *by_dout, *by_x, *rest;
};

// A row normalised by its own statistics: xhat = (x - centre) inv_std + offset, y = xhat gamma + beta.
template <class T>
struct Row {
    T centre, inv_std, offset;
    const T *gamma, *beta;
};

// dx = dy gamma inv_std + by_x (x - centre) + rest of a row.
template <class T>
struct RowGradient {
    T by_x, rest;
};

// Rows whose gradients are taken together, at most: they visit dgamma and dbeta once.
inline constexpr int kTogether = 4;

// In sums, x is taken less a centre near its mean, so that nothing cancels where the mean is far larger than the spread.
// Sums of float32 go on in double after some thousand numbers. `stream` writes past the caches.
template <class T>
struct NormKernels {
    // The mean and the sum of squared distances from it, of `length` > 0 numbers, or of several parts of so many that lie `apart`
    // and together stay in the first-level cache.
    void (*moments)(const T* x, std::int64_t parts, std::int64_t apart, std::int64_t length, double* mean, double* squares);
    // The same of columns begin..end of x (rows, columns), rows > 0.
    void (*column_moments)(const T* x, std::int64_t rows, std::int64_t columns, std::int64_t begin, std::int64_t end,
                           double* mean, double* squares);
    // y, and the gradient of x.
    void (*apply)(const Line<T>& line, const T* x, T* y, std::int64_t count, bool stream);
    void (*gradient)(const Line<T>& line, const LineGradient<T>& g, const T* dy, const T* x, T* dx, std::int64_t count,
                     bool stream);
    // sum = the sum of dy, dot = that of dy (x - centre), over numbers that share one line; then over columns begin..end.
    void (*dots)(const Line<T>& line, const T* dy, const T* x, std::int64_t count, double* sum, double* dot);
    void (*column_dots)(const Line<T>& line, const T* dy, const T* x, std::int64_t rows, std::int64_t columns,
                        std::int64_t begin, std::int64_t end, double* sum, double* dot);
    // y of a row; sum = the sum of dy gamma, dot = that of dy gamma (x - centre).
    void (*row_apply)(const Row<T>& row, const T* x, T* y, std::int64_t count, bool stream);
    void (*row_dots)(const Row<T>& row, const T* dy, const T* x, std::int64_t count, double* sum, double* dot);
    // dx of `rows` rows that lie `apart`; dgamma += dy xhat, dbeta += dy.
    void (*row_gradients)(int rows, std::int64_t apart, const Row<T>* row, const RowGradient<T>* g, const T* dy, const T* x,
                          T* dx, T* dgamma, T* dbeta, std::int64_t count, bool stream);
};

}  // namespace handgrad
