// Sums over the rows of a matrix.
#include "simd.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// Four rows at a time: four additions that do not wait for one another.
template <class T>
void sum_of_lanes(T* to, const T* from, std::int64_t rows, std::int64_t columns, int n) {
    using S = Simd<T>;
    typename S::Vec sums[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
    for (std::int64_t i = 0; i < rows; i += 4) {
        HANDGRAD_UNROLL
        for (int q = 0; q < 4; ++q)
            if (i + q < rows) {
                const T* at = from + (i + q) * columns;
                sums[q] = S::add(sums[q], n == S::lanes ? S::load(at) : S::load_part(at, n));
            }
    }
    S::store_part(to, S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3])), n);
}

}  // namespace

template <class T>
void column_sums(T* to, const T* from, std::int64_t rows, std::int64_t columns, std::int64_t begin,
                 std::int64_t end) {
    constexpr int lanes = Simd<T>::lanes;
    for (std::int64_t j = begin; j < end; j += lanes)
        sum_of_lanes(to + j, from + j, rows, columns, end - j < lanes ? static_cast<int>(end - j) : lanes);
}

template void column_sums(float*, const float*, std::int64_t, std::int64_t, std::int64_t, std::int64_t);
template void column_sums(double*, const double*, std::int64_t, std::int64_t, std::int64_t, std::int64_t);

}  // namespace handgrad::HANDGRAD_ISA
