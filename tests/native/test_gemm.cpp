// Matrix products of all awkward sizes and strides against plain loops, for every instruction set of this machine; and steps
// of sgd_momentum whose gradient is a product.
// Arrays are exactly as large as they must be, so that a sanitizer sees whoever reads past an end.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "check.h"
#include "dispatch.h"
#include "linear.h"
#include "memory.h"
#include "threads.h"
#include "update.h"

namespace {

std::uint32_t state = 1;

int random_below(int n) {
    state = state * 1664525u + 1013904223u;
    return static_cast<int>((state >> 8) % static_cast<std::uint32_t>(n));
}

template <class T>
std::vector<T> random_numbers(std::int64_t count) {
    std::vector<T> v(static_cast<std::size_t>(count));
    for (T& x : v) x = static_cast<T>(random_below(2001) - 1000) / T(1000);
    return v;
}

// A matrix in one of its orders: rows together, columns together, or neither.
template <class T>
struct Matrix {
    std::vector<T> numbers;
    std::int64_t row, column;

    Matrix(std::int64_t rows, std::int64_t columns, int order) {
        row = order == 0 ? columns : order == 1 ? 1 : 2 * columns + 1;
        column = order == 0 ? 1 : order == 1 ? rows : 2;
        const bool some = rows > 0 && columns > 0;
        numbers = random_numbers<T>(some ? (rows - 1) * row + (columns - 1) * column + 1 : 0);
    }
    T at(std::int64_t i, std::int64_t j) const { return numbers[static_cast<std::size_t>(i * row + j * column)]; }
};

template <class T>
void try_product(std::int64_t m, std::int64_t n, std::int64_t k, int order_a, int order_b, bool add, bool finish) {
    const Matrix<T> a(m, k, order_a), b(k, n, order_b);
    const std::vector<T> row_bias = random_numbers<T>(m), column_bias = random_numbers<T>(n), before = random_numbers<T>(m * n);
    std::vector<T> c = before;
    if (!add)
        for (T& x : c) x = std::numeric_limits<T>::quiet_NaN();
    handgrad::Gemm<T> g{m, n, k, a.numbers.data(), a.row, a.column, b.numbers.data(), b.row, b.column, c.data(), n, add, {}};
    if (finish) g.finish = {row_bias.data(), column_bias.data(), true};
    handgrad::gemm(g);
    const double allowed = 8 * std::numeric_limits<T>::epsilon() * std::sqrt(static_cast<double>(k + 1)) * 4;
    bool right = true;
    for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
            const auto at = static_cast<std::size_t>(i * n + j);
            double sum = add ? before[at] : 0;
            for (std::int64_t p = 0; p < k; ++p) sum += static_cast<double>(a.at(i, p)) * b.at(p, j);
            if (finish) sum = std::fmax(0, sum + row_bias[static_cast<std::size_t>(i)] + column_bias[static_cast<std::size_t>(j)]);
            right = right && std::fabs(sum - c[at]) <= allowed * std::fmax(1, std::fabs(sum));
        }
    CHECK(right);
    if (!right)
        std::fprintf(stderr, "  %zu bytes, m %d n %d k %d, orders %d %d, add %d, finish %d\n", sizeof(T), static_cast<int>(m),
                     static_cast<int>(n), static_cast<int>(k), order_a, order_b, add, finish);
}

template <class T>
void try_step(std::int64_t n, std::int64_t d, std::int64_t m) {
    const std::vector<T> x = random_numbers<T>(n * d), dout = random_numbers<T>(n * m), w = random_numbers<T>(d * m),
                         velocity = random_numbers<T>(d * m);
    std::vector<T> next_w(w.size()), next_velocity(w.size());
    handgrad::Update<T> u{handgrad::Rule::sgd_momentum};
    u.rate = T(0.1), u.decay = T(0.9);
    u.w = w.data(), u.next_w = next_w.data(), u.memory[0] = velocity.data(), u.next_memory[0] = next_velocity.data();
    handgrad::update(u, handgrad::Factors<T>{n, d, m, x.data(), dout.data()});
    const double allowed = 32 * std::numeric_limits<T>::epsilon() * std::sqrt(static_cast<double>(n + 1));
    bool right = true;
    for (std::int64_t i = 0; i < d; ++i)
        for (std::int64_t j = 0; j < m; ++j) {
            const auto at = static_cast<std::size_t>(i * m + j);
            double sum = 0;
            for (std::int64_t p = 0; p < n; ++p)
                sum += static_cast<double>(x[static_cast<std::size_t>(p * d + i)]) * dout[static_cast<std::size_t>(p * m + j)];
            const double next = 0.9 * velocity[at] - 0.1 * sum;
            right = right && std::fabs(next - next_velocity[at]) <= allowed * std::fmax(1, std::fabs(sum));
            right = right && std::fabs(w[at] + next - next_w[at]) <= allowed * std::fmax(1, std::fabs(sum));
        }
    CHECK(right);
    if (!right)
        std::fprintf(stderr, "  step: %zu bytes, n %d d %d m %d\n", sizeof(T), static_cast<int>(n), static_cast<int>(d),
                     static_cast<int>(m));
}

template <class T>
void try_steps() {
    for (int edge = 0; edge < 100; ++edge) try_step<T>(random_below(60), random_below(90), random_below(90));
    try_step<T>(7, 900, 500);  // many slabs
    try_step<T>(3, 40, 9001);  // long rows
    try_step<T>(800, 60, 50);
}

template <class T>
void try_many() {
    for (int edge = 0; edge < 400; ++edge)
        try_product<T>(random_below(70), random_below(90), random_below(60), random_below(3), random_below(3),
                       random_below(2) != 0, random_below(2) != 0);
    // Several blocks along each side.
    try_product<T>(501, 65, 1100, 0, 0, false, true);
    try_product<T>(470, 2090, 27, 1, 0, false, false);
    try_product<T>(40, 2090, 33, 1, 1, true, false);
    try_product<T>(29, 2090, 800, 0, 0, false, false);
    try_product<T>(60, 101, 300, 0, 0, true, true);
    try_product<T>(450, 70, 1700, 0, 1, false, true);
    try_product<T>(901, 65, 1100, 1, 1, true, false);
}

}  // namespace

int main() {
    for (const handgrad::Isa isa : handgrad::usable_isas())
        for (const int threads : {1, 3}) {
            handgrad::set_isa(handgrad::isa_name(isa));
            handgrad::set_num_threads(threads);
            try_many<float>();
            try_many<double>();
            try_steps<float>();
            try_steps<double>();
        }
    handgrad::empty_memory();
    CHECK(handgrad::memory_state().in_use == 0);
    return failed();
}
