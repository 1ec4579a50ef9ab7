// Means, variances and lines through them, for batch, layer and group norm.
#include "norm.h"

#include "simd.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

constexpr int kWays = 4;                // sums that do not wait for one another
constexpr std::int64_t kRun = 4096;     // numbers that stay in the first-level cache from the mean to the variance
constexpr std::int64_t kRowRun = 128;   // rows before float32 sums of columns go on in double

// body(i, n, way) for 0..count: lanes i .. i + n, the ways in turn.
template <class S, class Body>
HANDGRAD_INLINE void in_ways(std::int64_t count, const Body& body) {
    std::int64_t i = 0;
    for (; i + kWays * S::lanes <= count; i += kWays * S::lanes) {
        HANDGRAD_UNROLL
        for (int way = 0; way < kWays; ++way) body(i + way * S::lanes, S::lanes, way);
    }
    for (; i < count; i += S::lanes) body(i, count - i < S::lanes ? static_cast<int>(count - i) : S::lanes, 0);
}

template <class S>
struct Sum {
    typename S::Vec way[kWays] = {S::zero(), S::zero(), S::zero(), S::zero()};
    HANDGRAD_INLINE double total() const {
        return static_cast<double>(S::sum(S::add(S::add(way[0], way[1]), S::add(way[2], way[3]))));
    }
};

// Distances of lanes from the centre; lanes beyond n are 0 distant.
template <class S, class T>
HANDGRAD_INLINE typename S::Vec distance(const T* x, int n, typename S::Vec centre) {
    return S::sub(load_some<S>(x, n, centre), centre);
}

struct Moments {
    double count, mean, squares;
};

Moments join(const Moments& a, const Moments& b) {
    const double count = a.count + b.count, apart = b.mean - a.mean;
    return {count, a.mean + apart * b.count / count, a.squares + b.squares + apart * apart * a.count * b.count / count};
}

// Twice over a run, which lies in `parts` of `length` numbers each: its mean, rounded, and the distances from it, which also tell
// what the rounding left out.
template <class T>
Moments moments_of_run(const T* x, std::int64_t parts, std::int64_t apart, std::int64_t length) {
    using S = Simd<T>;
    Sum<S> sum;
    for (std::int64_t p = 0; p < parts; ++p)
        in_ways<S>(length, [&](std::int64_t i, int n, int way) HANDGRAD_INLINED {
            const T* const at = x + p * apart + i;
            ask_ahead(at);
            sum.way[way] = S::add(sum.way[way], load_some<S>(at, n));
        });
    const double count = static_cast<double>(parts * length);
    const T near = static_cast<T>(sum.total() / count);
    const auto centre = S::splat(near);
    Sum<S> left, squares;
    for (std::int64_t p = 0; p < parts; ++p)
        in_ways<S>(length, [&](std::int64_t i, int n, int way) HANDGRAD_INLINED {
            const auto d = distance<S>(x + p * apart + i, n, centre);
            left.way[way] = S::add(left.way[way], d);
            squares.way[way] = S::fma(d, d, squares.way[way]);
        });
    const double missed = left.total();
    return {count, near + missed / count, squares.total() - missed * missed / count};
}

template <class T>
void moments(const T* x, std::int64_t parts, std::int64_t apart, std::int64_t length, double* mean, double* squares) {
    Moments all{0, 0, 0};
    for (std::int64_t i = 0; i < length; i += kRun) {
        const Moments run = moments_of_run(x + i, parts, apart, length - i < kRun ? length - i : kRun);
        all = i == 0 ? run : join(all, run);
    }
    *mean = all.mean;
    *squares = all.squares > 0 ? all.squares : all.squares * 0;  // 0 where rounding went below, NaN where it is NaN
}

// Columns side by side: `Sums` sums of kWays vectors each, which add(row, way, n, sums) feeds.
template <class S, int Sums, class T, class Add>
HANDGRAD_INLINE void add_rows(std::int64_t rows, int width, double (&totals)[Sums][kWays * S::lanes], const Add& add) {
    for (auto& total : totals)
        for (double& t : total) t = 0;
    for (std::int64_t begin = 0; begin < rows; begin += kRowRun) {
        const std::int64_t end = rows - begin < kRowRun ? rows : begin + kRowRun;
        Sum<S> sums[Sums];
        if (width == kWays * S::lanes) {
            for (std::int64_t i = begin; i < end; ++i) {
                HANDGRAD_UNROLL
                for (int way = 0; way < kWays; ++way) add(i, way, S::lanes, sums);
            }
        } else {
            for (std::int64_t i = begin; i < end; ++i)
                for (int way = 0; way * S::lanes < width; ++way)
                    add(i, way, width - way * S::lanes < S::lanes ? width - way * S::lanes : S::lanes, sums);
        }
        T run[kWays * S::lanes];
        for (int s = 0; s < Sums; ++s) {
            for (int way = 0; way < kWays; ++way) S::store(run + way * S::lanes, sums[s].way[way]);
            for (int j = 0; j < kWays * S::lanes; ++j) totals[s][j] += static_cast<double>(run[j]);
        }
    }
}

template <class T>
void column_moments(const T* x, std::int64_t rows, std::int64_t columns, std::int64_t begin, std::int64_t end, double* mean,
                    double* squares) {
    using S = Simd<T>;
    constexpr int strip = kWays * S::lanes;
    const double length = static_cast<double>(rows);
    for (std::int64_t j = begin; j < end; j += strip) {
        const int width = end - j < strip ? static_cast<int>(end - j) : strip;
        const T* const at = x + j;
        double sums[1][strip], rest[2][strip];
        T near[strip];
        add_rows<S, 1, T>(rows, width, sums, [&](std::int64_t i, int way, int n, Sum<S>* to) HANDGRAD_INLINED {
            to[0].way[way] = S::add(to[0].way[way], load_some<S>(at + i * columns + way * S::lanes, n));
        });
        for (int k = 0; k < strip; ++k) near[k] = static_cast<T>(sums[0][k] / length);
        add_rows<S, 2, T>(rows, width, rest, [&](std::int64_t i, int way, int n, Sum<S>* to) HANDGRAD_INLINED {
            const auto d = S::sub(load_some<S>(at + i * columns + way * S::lanes, n), S::load(near + way * S::lanes));
            to[0].way[way] = S::add(to[0].way[way], d);
            to[1].way[way] = S::fma(d, d, to[1].way[way]);
        });
        for (int k = 0; k < width; ++k) {
            const double missed = rest[0][k], all = rest[1][k] - missed * missed / length;
            mean[j + k] = near[k] + missed / length;
            squares[j + k] = all > 0 ? all : all * 0;
        }
    }
}

// A setting of a line: the same for all lanes, or a number for each.
template <class S, bool Each, class T>
HANDGRAD_INLINE typename S::Vec setting(const T* from, std::int64_t i, int n) {
    return Each ? load_some<S>(from + i, n) : S::splat(*from);
}

template <class T, bool Each, bool Relu>
void apply_line(const Line<T>& line, const T* x, T* y, std::int64_t count, bool stream) {
    using S = Simd<T>;
    by_lanes<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        ask_ahead(x + i);
        const auto d = S::sub(load_some<S>(x + i, n), setting<S, Each>(line.centre, i, n));
        const auto v = S::fma(d, setting<S, Each>(line.scale, i, n), setting<S, Each>(line.shift, i, n));
        store_or_stream<S>(y + i, Relu ? S::relu(v) : v, n, stream);
    });
}

template <class T>
void apply(const Line<T>& line, const T* x, T* y, std::int64_t count, bool stream) {
    if (line.each)
        line.relu ? apply_line<T, true, true>(line, x, y, count, stream) : apply_line<T, true, false>(line, x, y, count, stream);
    else
        line.relu ? apply_line<T, false, true>(line, x, y, count, stream) : apply_line<T, false, false>(line, x, y, count, stream);
}

// dy where relu let the line through.
template <class S, bool Each, bool Relu, class T>
HANDGRAD_INLINE typename S::Vec passed(const Line<T>& line, typename S::Vec dy, typename S::Vec d, std::int64_t i, int n) {
    if constexpr (!Relu) return dy;
    const auto v = S::fma(d, setting<S, Each>(line.scale, i, n), setting<S, Each>(line.shift, i, n));
    return S::keep(S::above(v, S::zero()), dy);
}

template <class T, bool Each, bool Relu>
void gradient_of_line(const Line<T>& line, const LineGradient<T>& g, const T* dy, const T* x, T* dx, std::int64_t count,
                      bool stream) {
    using S = Simd<T>;
    by_lanes<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        ask_ahead(x + i);
        ask_ahead(dy + i);
        const auto d = S::sub(load_some<S>(x + i, n), setting<S, Each>(line.centre, i, n));
        const auto dv = passed<S, Each, Relu>(line, load_some<S>(dy + i, n), d, i, n);
        const auto of_x = S::fma(d, setting<S, Each>(g.by_x, i, n), setting<S, Each>(g.rest, i, n));
        store_or_stream<S>(dx + i, S::fma(dv, setting<S, Each>(g.by_dout, i, n), of_x), n, stream);
    });
}

template <class T>
void gradient(const Line<T>& line, const LineGradient<T>& g, const T* dy, const T* x, T* dx, std::int64_t count, bool stream) {
    if (line.each)
        line.relu ? gradient_of_line<T, true, true>(line, g, dy, x, dx, count, stream)
                  : gradient_of_line<T, true, false>(line, g, dy, x, dx, count, stream);
    else
        line.relu ? gradient_of_line<T, false, true>(line, g, dy, x, dx, count, stream)
                  : gradient_of_line<T, false, false>(line, g, dy, x, dx, count, stream);
}

template <class T, bool Relu>
void dots_of_line(const Line<T>& line, const T* dy, const T* x, std::int64_t count, double* sum, double* dot) {
    using S = Simd<T>;
    const auto centre = S::splat(*line.centre);
    *sum = *dot = 0;
    for (std::int64_t begin = 0; begin < count; begin += kRun) {
        Sum<S> sums, dots;
        in_ways<S>(count - begin < kRun ? count - begin : kRun, [&](std::int64_t at, int n, int way) HANDGRAD_INLINED {
            const std::int64_t i = begin + at;
            ask_ahead(x + i);
            ask_ahead(dy + i);
            const auto d = distance<S>(x + i, n, centre);
            const auto dv = passed<S, false, Relu>(line, load_some<S>(dy + i, n), d, i, n);
            sums.way[way] = S::add(sums.way[way], dv);
            dots.way[way] = S::fma(dv, d, dots.way[way]);
        });
        *sum += sums.total();
        *dot += dots.total();
    }
}

template <class T>
void dots(const Line<T>& line, const T* dy, const T* x, std::int64_t count, double* sum, double* dot) {
    line.relu ? dots_of_line<T, true>(line, dy, x, count, sum, dot) : dots_of_line<T, false>(line, dy, x, count, sum, dot);
}

template <class T, bool Relu>
void column_dots_of_line(const Line<T>& line, const T* dy, const T* x, std::int64_t rows, std::int64_t columns,
                         std::int64_t begin, std::int64_t end, double* sum, double* dot) {
    using S = Simd<T>;
    constexpr int strip = kWays * S::lanes;
    for (std::int64_t j = begin; j < end; j += strip) {
        const int width = end - j < strip ? static_cast<int>(end - j) : strip;
        double totals[2][strip];
        add_rows<S, 2, T>(rows, width, totals, [&](std::int64_t i, int way, int n, Sum<S>* to) HANDGRAD_INLINED {
            const std::int64_t column = j + way * S::lanes, at = i * columns + column;
            const auto d = S::sub(load_some<S>(x + at, n), load_some<S>(line.centre + column, n));
            const auto dv = passed<S, true, Relu>(line, load_some<S>(dy + at, n), d, column, n);
            to[0].way[way] = S::add(to[0].way[way], dv);
            to[1].way[way] = S::fma(dv, d, to[1].way[way]);
        });
        for (int k = 0; k < width; ++k) {
            sum[j + k] = totals[0][k];
            dot[j + k] = totals[1][k];
        }
    }
}

template <class T>
void column_dots(const Line<T>& line, const T* dy, const T* x, std::int64_t rows, std::int64_t columns, std::int64_t begin,
                 std::int64_t end, double* sum, double* dot) {
    line.relu ? column_dots_of_line<T, true>(line, dy, x, rows, columns, begin, end, sum, dot)
              : column_dots_of_line<T, false>(line, dy, x, rows, columns, begin, end, sum, dot);
}

// Asks for the next row, whose moments are taken next, while this one is written.
template <class T>
void row_apply(const Row<T>& row, const T* x, T* y, std::int64_t count, bool stream) {
    using S = Simd<T>;
    const auto centre = S::splat(row.centre), inv_std = S::splat(row.inv_std), offset = S::splat(row.offset);
    by_lanes<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        prefetch_read(x + count + i);
        const auto xhat = S::fma(S::sub(load_some<S>(x + i, n), centre), inv_std, offset);
        store_or_stream<S>(y + i, S::fma(xhat, load_some<S>(row.gamma + i, n), load_some<S>(row.beta + i, n)), n, stream);
    });
}

template <class T>
void row_dots(const Row<T>& row, const T* dy, const T* x, std::int64_t count, double* sum, double* dot) {
    using S = Simd<T>;
    const auto centre = S::splat(row.centre);
    *sum = *dot = 0;
    for (std::int64_t begin = 0; begin < count; begin += kRun) {
        Sum<S> sums, dots;
        in_ways<S>(count - begin < kRun ? count - begin : kRun, [&](std::int64_t at, int n, int way) HANDGRAD_INLINED {
            const std::int64_t i = begin + at;
            ask_ahead(x + i);
            ask_ahead(dy + i);
            const auto dxhat = S::mul(load_some<S>(dy + i, n), load_some<S>(row.gamma + i, n));
            sums.way[way] = S::add(sums.way[way], dxhat);
            dots.way[way] = S::fma(dxhat, distance<S>(x + i, n, centre), dots.way[way]);
        });
        *sum += sums.total();
        *dot += dots.total();
    }
}

template <int Rows, class T>
void gradients_of_rows(std::int64_t apart, const Row<T>* row, const RowGradient<T>* g, const T* dy, const T* x, T* dx, T* dgamma,
                       T* dbeta, std::int64_t count, bool stream) {
    using S = Simd<T>;
    by_lanes<S>(count, [=](std::int64_t i, int n) HANDGRAD_INLINED {
        const auto gamma = load_some<S>(row->gamma + i, n);
        auto of_gamma = load_some<S>(dgamma + i, n), of_beta = load_some<S>(dbeta + i, n);
        HANDGRAD_UNROLL
        for (int r = 0; r < Rows; ++r) {
            const std::int64_t at = r * apart + i;
            prefetch_read(x + at + Rows * apart);
            prefetch_read(dy + at + Rows * apart);
            const auto inv_std = S::splat(row[r].inv_std), dv = load_some<S>(dy + at, n);
            const auto d = S::sub(load_some<S>(x + at, n), S::splat(row[r].centre));
            of_gamma = S::fma(dv, S::fma(d, inv_std, S::splat(row[r].offset)), of_gamma);
            of_beta = S::add(dv, of_beta);
            const auto of_x = S::fma(d, S::splat(g[r].by_x), S::splat(g[r].rest));
            store_or_stream<S>(dx + at, S::fma(S::mul(dv, gamma), inv_std, of_x), n, stream);
        }
        store_some<S>(dgamma + i, of_gamma, n);
        store_some<S>(dbeta + i, of_beta, n);
    });
}

template <class T>
void row_gradients(int rows, std::int64_t apart, const Row<T>* row, const RowGradient<T>* g, const T* dy, const T* x, T* dx,
                   T* dgamma, T* dbeta, std::int64_t count, bool stream) {
    if (rows == kTogether) return gradients_of_rows<kTogether>(apart, row, g, dy, x, dx, dgamma, dbeta, count, stream);
    for (int r = 0; r < rows; ++r)
        gradients_of_rows<1>(0, row + r, g + r, dy + r * apart, x + r * apart, dx + r * apart, dgamma, dbeta, count, stream);
}

}  // namespace

template <class T>
const NormKernels<T>& norm() {
    static constexpr NormKernels<T> all{
        moments<T>,     column_moments<T>, apply<T>,    gradient<T>,     dots<T>,
        column_dots<T>, row_apply<T>,      row_dots<T>, row_gradients<T>,
    };
    return all;
}

template const NormKernels<float>& norm();
template const NormKernels<double>& norm();

}  // namespace handgrad::HANDGRAD_ISA
