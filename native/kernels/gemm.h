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

}  // namespace handgrad
