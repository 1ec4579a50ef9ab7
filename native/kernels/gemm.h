// What the matrix product is asked for; the same for every instruction set.
#pragma once

#include <cstdint>

namespace handgrad {

// What is done to a result before it is stored: a number of its row is added, one of its column, and what is
// negative becomes 0 (NaN stays). Null pointers add nothing.
template <class T>
struct Finish {
    const T* row_bias = nullptr;
    const T* column_bias = nullptr;
    bool relu = false;
    bool nothing() const { return !row_bias && !column_bias && !relu; }
};

// C = A B, or C += A B, then finished. A is (m, k), B is (k, n), C is (m, n) with neighbours in a row side by side.
// Element (i, j) of A lies at a[i * a_row + j * a_column]; a transposed matrix is one with its strides exchanged.
// C overlaps neither A nor B. C is not read unless `add`.
template <class T>
struct Gemm {
    std::int64_t m = 0, n = 0, k = 0;
    const T* a = nullptr;
    std::int64_t a_row = 0, a_column = 0;
    const T* b = nullptr;
    std::int64_t b_row = 0, b_column = 0;
    T* c = nullptr;
    std::int64_t c_row = 0;
    bool add = false;
    Finish<T> finish;
};

// Who takes C a slab of rows at a time, so that C as a whole is never written to memory. Slab i lies at C + i % 2 * rows * n,
// row by row without gaps. While the tiles of the next one are computed, `take` is called again and again for its parts, one
// after another: what a part waits for comes from memory meanwhile.
template <class T>
struct Taker {
    std::int64_t rows = 0;  // of a slab; the last may have fewer
    void (*take)(const void* context, std::int64_t slab, std::int64_t part, std::int64_t parts) = nullptr;
    const void* context = nullptr;
};

}  // namespace handgrad
