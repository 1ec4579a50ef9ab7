#include "norm.h"

#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace handgrad {

namespace {

// Numbers of x that are worth waking a thread.
constexpr std::int64_t kWorth = 16384;

// Numbers of a channel, from several images where one has fewer, whose moments are taken at once: what comes after the sums
// takes as long as a hundred numbers.
constexpr std::int64_t kPart = 2048;

std::int64_t grain_for(std::int64_t size) { return std::max<std::int64_t>(1, kWorth / std::max<std::int64_t>(1, size)); }

template <class T>
const NormKernels<T>& norm_kernels() {
    return kernels().of<T>().norm();
}

// Whether a result as large as x is written past the caches.
template <class T>
bool streams(const NormShape& s) {
    return beyond_caches<T>(s.n * s.columns());
}

// Settings of channels repeated for each of their columns.
template <class T>
class Columns {
  public:
    Columns(const NormShape& s, int settings)
        : shape_(s), room_(s.inner == 1 ? 0 : static_cast<std::size_t>(settings * s.columns())), next_(room_.get()) {}
    const T* of(const T* channels) {
        if (shape_.inner == 1 || channels == nullptr) return channels;
        T* const made = next_;
        for (std::int64_t c = 0; c < shape_.c; ++c) next_ = std::fill_n(next_, shape_.inner, channels[c]);
        return made;
    }

  private:
    const NormShape shape_;
    const Scratch<T> room_;
    T* next_;
};

// A line of channel c, and of the columns of all channels.
template <class T>
Line<T> line_of(const Line<T>& line, std::int64_t c) {
    return {line.centre + c, line.scale ? line.scale + c : nullptr, line.shift ? line.shift + c : nullptr, false, line.relu};
}

template <class T>
Line<T> line_of(const Line<T>& line, Columns<T>& columns) {
    return {columns.of(line.centre), columns.of(line.scale), columns.of(line.shift), true, line.relu};
}

// body(image, c, at): the channels of every `step`-th image, each thread some channels of all images, so that sums over a
// channel are one thread's.
template <class Body>
void by_channels(const NormShape& s, std::int64_t step, const Body& body) {
    parallel_for(s.c, grain_for(s.count()), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t image = 0; image < s.n; image += step)
            for (std::int64_t c = begin; c < end; ++c) body(image, c, (image * s.c + c) * s.inner);
    });
}

}  // namespace

template <class T>
void channel_moments(const NormShape& s, const T* x, double* mean, double* squares) {
    const NormKernels<T>& k = norm_kernels<T>();
    std::fill_n(mean, s.c, 0.0);
    std::fill_n(squares, s.c, 0.0);
    if (s.count() == 0) return;
    if (s.inner >= kWide) {
        const std::int64_t together = std::max<std::int64_t>(1, kPart / s.inner);
        by_channels(s, together, [&](std::int64_t image, std::int64_t c, std::int64_t at) {
            const std::int64_t images = std::min(together, s.n - image);
            double own_mean, own_squares;
            k.moments(x + at, images, s.columns(), s.inner, &own_mean, &own_squares);
            join_moments(static_cast<double>(s.inner * image), &mean[c], &squares[c], static_cast<double>(s.inner * images),
                         own_mean, own_squares);
        });
        return;
    }
    const Scratch<double> room(static_cast<std::size_t>(2 * s.columns()));
    double *const means = room.get(), *const parts = means + s.columns();
    parallel_for(s.columns(), grain_for(s.n), [&](std::int64_t begin, std::int64_t end, int) {
        k.column_moments(x, s.n, s.columns(), begin, end, means, parts);
    });
    for (std::int64_t c = 0; c < s.c; ++c) {
        const double *const m = means + c * s.inner, *const q = parts + c * s.inner;
        for (std::int64_t i = 0; i < s.inner; ++i) mean[c] += m[i] / static_cast<double>(s.inner);
        for (std::int64_t i = 0; i < s.inner; ++i)
            squares[c] += q[i] + static_cast<double>(s.n) * (m[i] - mean[c]) * (m[i] - mean[c]);
    }
}

template <class T>
void channel_apply(const NormShape& s, const Line<T>& line, const T* x, T* y) {
    const auto run = norm_kernels<T>().apply;
    const bool stream = streams<T>(s);
    if (s.inner >= kWide) {
        parallel_for(s.n * s.c, grain_for(s.inner), [&](std::int64_t begin, std::int64_t end, int) {
            for (std::int64_t p = begin; p < end; ++p)
                run(line_of(line, p % s.c), x + p * s.inner, y + p * s.inner, s.inner, stream);
        });
        return;
    }
    Columns<T> columns(s, 3);
    const Line<T> all = line_of(line, columns);
    parallel_for(s.n, grain_for(s.columns()), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) run(all, x + i * s.columns(), y + i * s.columns(), s.columns(), stream);
    });
}

template <class T>
void channel_dots(const NormShape& s, const Line<T>& line, const T* dy, const T* x, double* sum, double* dot) {
    const NormKernels<T>& k = norm_kernels<T>();
    std::fill_n(sum, s.c, 0.0);
    std::fill_n(dot, s.c, 0.0);
    if (s.inner >= kWide) {
        by_channels(s, 1, [&](std::int64_t, std::int64_t c, std::int64_t at) {
            double own_sum, own_dot;
            k.dots(line_of(line, c), dy + at, x + at, s.inner, &own_sum, &own_dot);
            sum[c] += own_sum;
            dot[c] += own_dot;
        });
        return;
    }
    Columns<T> columns(s, 3);
    const Line<T> all = line_of(line, columns);
    const Scratch<double> room(static_cast<std::size_t>(2 * s.columns()));
    double *const sums = room.get(), *const dots = sums + s.columns();
    parallel_for(s.columns(), grain_for(s.n), [&](std::int64_t begin, std::int64_t end, int) {
        k.column_dots(all, dy, x, s.n, s.columns(), begin, end, sums, dots);
    });
    for (std::int64_t j = 0; j < s.columns(); ++j) {
        sum[j / s.inner] += sums[j];
        dot[j / s.inner] += dots[j];
    }
}

template <class T>
void channel_gradient(const NormShape& s, const Line<T>& line, const LineGradient<T>& g, const T* dy, const T* x, T* dx) {
    const auto run = norm_kernels<T>().gradient;
    const bool stream = streams<T>(s);
    if (s.inner >= kWide) {
        parallel_for(s.n * s.c, grain_for(s.inner), [&](std::int64_t begin, std::int64_t end, int) {
            for (std::int64_t p = begin; p < end; ++p) {
                const std::int64_t c = p % s.c, at = p * s.inner;
                run(line_of(line, c), {g.by_dout + c, g.by_x + c, g.rest + c}, dy + at, x + at, dx + at, s.inner, stream);
            }
        });
        return;
    }
    Columns<T> columns(s, 6);
    const Line<T> all = line_of(line, columns);
    const LineGradient<T> by_column{columns.of(g.by_dout), columns.of(g.by_x), columns.of(g.rest)};
    parallel_for(s.n, grain_for(s.columns()), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t at = i * s.columns();
            run(all, by_column, dy + at, x + at, dx + at, s.columns(), stream);
        }
    });
}

template <class T>
void batchnorm_forward(const NormShape& s, const BatchNorm& settings, const T* x, const T* gamma, const T* beta,
                       const Running<T>& running, const Statistics<T>& kept, T* out, const ChannelMoments& moments) {
    const Scratch<double> room(static_cast<std::size_t>(2 * s.c));
    double *const mean = room.get(), *const var = mean + s.c;
    const auto count = static_cast<double>(s.count());
    const bool empty = s.count() == 0, of_x = settings.train && !empty;
    if (of_x && moments.mean) {
        std::copy_n(moments.mean, s.c, mean);
        std::copy_n(moments.squares, s.c, var);
    } else if (of_x) {
        channel_moments(s, x, mean, var);
    }
    const Scratch<T> scale(static_cast<std::size_t>(s.c));
    for (std::int64_t c = 0; c < s.c; ++c) {
        mean[c] = of_x ? mean[c] : settings.train ? 0.0 : static_cast<double>(running.mean[c]);
        var[c] = of_x ? var[c] / count : settings.train ? 0.0 : static_cast<double>(running.var[c]);
        const double keep = of_x ? settings.momentum : 1;
        running.next_mean[c] = static_cast<T>(keep * running.mean[c] + (of_x ? (1 - keep) * mean[c] : 0));
        running.next_var[c] = static_cast<T>(keep * running.var[c] + (of_x ? (1 - keep) * var[c] : 0));
        kept.mean[c] = static_cast<T>(mean[c]);
        kept.rest[c] = static_cast<T>(mean[c] - static_cast<double>(kept.mean[c]));
        kept.inv_std[c] = static_cast<T>(1 / std::sqrt(var[c] + settings.eps));
        scale.get()[c] = gamma[c] * kept.inv_std[c];
        kept.shift[c] = beta[c] - kept.rest[c] * scale.get()[c];
    }
    channel_apply<T>(s, {kept.mean, scale.get(), kept.shift, true, settings.relu}, x, out);
}

// With d = x - mean and M numbers in a channel: dgamma = inv_std sum(dout d), dbeta = sum(dout), and where mean and variance
// depend on x,  dx = gamma inv_std (dout - dbeta / M - d inv_std dgamma / M).
template <class T>
void batchnorm_backward(const NormShape& s, bool train, bool relu, const T* dout, const T* x, const T* gamma,
                        const Statistics<T>& kept, T* dx, T* dgamma, T* dbeta) {
    const auto c_count = static_cast<std::size_t>(s.c);
    const Scratch<double> sums(2 * c_count);
    double *const sum = sums.get(), *const dot = sum + s.c;
    const Scratch<T> settings(4 * c_count);
    T *const scale = settings.get(), *const by_x = scale + s.c, *const rest = by_x + s.c, *const zero = rest + s.c;
    for (std::int64_t c = 0; c < s.c; ++c) scale[c] = gamma[c] * kept.inv_std[c];
    const Line<T> line{kept.mean, scale, kept.shift, true, relu};
    channel_dots(s, line, dout, x, sum, dot);
    const double share = 1 / std::max(1.0, static_cast<double>(s.count()));
    for (std::int64_t c = 0; c < s.c; ++c) {
        const double inv_std = kept.inv_std[c], of_mean = kept.rest[c];
        const double slope = (dot[c] - of_mean * sum[c]) * inv_std;
        dgamma[c] = static_cast<T>(slope);
        dbeta[c] = static_cast<T>(sum[c]);
        const double of_x = -scale[c] * slope * inv_std * share;
        by_x[c] = static_cast<T>(of_x);
        rest[c] = static_cast<T>(-scale[c] * sum[c] * share - of_x * of_mean);
        zero[c] = T(0);
    }
    if (train)
        channel_gradient<T>(s, line, {scale, by_x, rest}, dout, x, dx);
    else
        channel_apply<T>(s, {zero, scale, zero, true, false}, dout, dx);
}

namespace {

// A group of an image: number r of all, its channels from `first` on, its numbers from `at` on.
struct Group {
    std::int64_t r, first, channels, inner, at;
    std::int64_t length() const { return channels * inner; }
};

Group group_of(const NormShape& s, std::int64_t groups, std::int64_t r) {
    const std::int64_t channels = s.c / groups;
    return {r, r % groups * channels, channels, s.inner, r * channels * s.inner};
}

template <class T>
void normalise_group(const NormKernels<T>& k, const Group& g, const T* x, const T* gamma, const T* beta,
                     const Statistics<T>& kept, T* out, bool stream) {
    const T inv_std = kept.inv_std[g.r], offset = -kept.rest[g.r] * inv_std;
    if (g.inner < kWide) {
        const std::int64_t column = g.first * g.inner;
        k.row_apply({kept.mean[g.r], inv_std, offset, gamma + column, beta + column}, x + g.at, out + g.at, g.length(), stream);
        return;
    }
    for (std::int64_t c = 0; c < g.channels; ++c) {
        const T scale = gamma[g.first + c] * inv_std, shift = beta[g.first + c] + gamma[g.first + c] * offset;
        const std::int64_t at = g.at + c * g.inner;
        k.apply({&kept.mean[g.r], &scale, &shift, false, false}, x + at, out + at, g.inner, stream);
    }
}

}  // namespace

// gamma and beta are repeated for each column where channels are narrow.
template <class T>
void groupnorm_forward(const NormShape& s, std::int64_t groups, double eps, const T* x, const T* gamma, const T* beta,
                       const Statistics<T>& kept, T* out) {
    const NormKernels<T>& k = norm_kernels<T>();
    Columns<T> columns(s, s.inner < kWide ? 2 : 0);
    if (s.inner < kWide) gamma = columns.of(gamma), beta = columns.of(beta);
    const bool stream = streams<T>(s);
    parallel_for(s.n * groups, grain_for(s.columns() / groups), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t r = begin; r < end; ++r) {
            const Group g = group_of(s, groups, r);
            double mean = 0, squares = 0;
            if (g.length() > 0) k.moments(x + g.at, 1, 0, g.length(), &mean, &squares);
            kept.mean[r] = static_cast<T>(mean);
            kept.rest[r] = static_cast<T>(mean - static_cast<double>(kept.mean[r]));
            kept.inv_std[r] = static_cast<T>(1 / std::sqrt(squares / std::max(1.0, static_cast<double>(g.length())) + eps));
            normalise_group(k, g, x, gamma, beta, kept, out, stream);
        }
    });
}

namespace {

// dgamma and dbeta, summed over images in double, a set for each thread. Where channels are narrow there is a sum for each
// column, which runs in T for some images first.
template <class T>
class ScaleSums {
  public:
    explicit ScaleSums(const NormShape& s)
        : shape_(s),
          columns_(s.inner < kWide ? s.columns() : s.c),
          slots_(num_threads()),
          short_(static_cast<std::size_t>(2 * columns_ * slots_)),
          long_(static_cast<std::size_t>(2 * columns_ * slots_)) {
        std::fill_n(short_.get(), 2 * columns_ * slots_, T(0));
        std::fill_n(long_.get(), 2 * columns_ * slots_, 0.0);
    }
    T* run_of_gamma(int slot) const { return short_.get() + 2 * columns_ * slot; }
    T* run_of_beta(int slot) const { return run_of_gamma(slot) + columns_; }
    double* gamma(int slot) const { return long_.get() + 2 * columns_ * slot; }
    double* beta(int slot) const { return gamma(slot) + columns_; }
    // After an image: the runs go on in double, now and then and after the last.
    void after(std::int64_t images, bool last, int slot) const {
        if (columns_ == shape_.c && shape_.inner >= kWide) return;
        if (images % 64 != 0 && !last) return;
        for (std::int64_t j = 0; j < 2 * columns_; ++j) gamma(slot)[j] += static_cast<double>(run_of_gamma(slot)[j]);
        std::fill_n(run_of_gamma(slot), 2 * columns_, T(0));
    }
    void total(T* dgamma, T* dbeta) const {
        const std::int64_t each = shape_.c > 0 ? columns_ / shape_.c : 0;
        for (std::int64_t c = 0; c < shape_.c; ++c) {
            double sums[2] = {0, 0};
            for (int slot = 0; slot < slots_; ++slot)
                for (std::int64_t i = 0; i < each; ++i) {
                    sums[0] += gamma(slot)[c * each + i];
                    sums[1] += beta(slot)[c * each + i];
                }
            dgamma[c] = static_cast<T>(sums[0]);
            dbeta[c] = static_cast<T>(sums[1]);
        }
    }

  private:
    const NormShape shape_;
    const std::int64_t columns_;
    const int slots_;
    const Scratch<T> short_;
    const Scratch<double> long_;
};

// Where sum and dot are the sums of dxhat = dout gamma, as row_dots takes them.
template <class T>
RowGradient<T> gradient_of(const Group& g, const Statistics<T>& kept, double sum, double dot) {
    const double inv_std = kept.inv_std[g.r], of_mean = kept.rest[g.r], share = 1 / std::max(1.0, static_cast<double>(g.length()));
    const double by_x = -inv_std * inv_std * inv_std * (dot - of_mean * sum) * share;
    return {static_cast<T>(by_x), static_cast<T>(-inv_std * sum * share - by_x * of_mean)};
}

// Of one group of `images` images in a row, the first of which has it as `g`; each image has `groups`.
template <class T>
void narrow_group_gradients(const NormKernels<T>& k, Group g, int images, std::int64_t groups, const T* dout, const T* x,
                            const T* gamma, const Statistics<T>& kept, T* dx, const ScaleSums<T>& sums, int slot, bool stream) {
    const std::int64_t column = g.first * g.inner, first = g.at, apart = groups * g.length();
    Row<T> row[kTogether];
    RowGradient<T> of[kTogether];
    for (int i = 0; i < images; ++i, g.r += groups, g.at += apart) {
        const T inv_std = kept.inv_std[g.r];
        row[i] = {kept.mean[g.r], inv_std, -kept.rest[g.r] * inv_std, gamma + column, nullptr};
        double sum, dot;
        k.row_dots(row[i], dout + g.at, x + g.at, g.length(), &sum, &dot);
        of[i] = gradient_of(g, kept, sum, dot);
    }
    k.row_gradients(images, apart, row, of, dout + first, x + first, dx + first, sums.run_of_gamma(slot) + column,
                    sums.run_of_beta(slot) + column, g.length(), stream);
}

template <class T>
void wide_group_gradient(const NormKernels<T>& k, const Group& g, const T* dout, const T* x, const T* gamma,
                         const Statistics<T>& kept, T* dx, const ScaleSums<T>& sums, int slot, bool stream) {
    const Line<T> line{&kept.mean[g.r], nullptr, nullptr, false, false};
    double sum = 0, dot = 0;
    for (std::int64_t c = 0; c < g.channels; ++c) {
        const std::int64_t at = g.at + c * g.inner, channel = g.first + c;
        double own_sum, own_dot;
        k.dots(line, dout + at, x + at, g.inner, &own_sum, &own_dot);
        sum += gamma[channel] * own_sum;
        dot += gamma[channel] * own_dot;
        sums.gamma(slot)[channel] += kept.inv_std[g.r] * (own_dot - kept.rest[g.r] * own_sum);
        sums.beta(slot)[channel] += own_sum;
    }
    const RowGradient<T> of = gradient_of(g, kept, sum, dot);
    for (std::int64_t c = 0; c < g.channels; ++c) {
        const std::int64_t at = g.at + c * g.inner;
        const T by_dout = gamma[g.first + c] * kept.inv_std[g.r];
        k.gradient(line, {&by_dout, &of.by_x, &of.rest}, dout + at, x + at, dx + at, g.inner, stream);
    }
}

}  // namespace

template <class T>
void groupnorm_backward(const NormShape& s, std::int64_t groups, const T* dout, const T* x, const T* gamma,
                        const Statistics<T>& kept, T* dx, T* dgamma, T* dbeta) {
    const NormKernels<T>& k = norm_kernels<T>();
    const bool narrow = s.inner < kWide;
    Columns<T> columns(s, narrow ? 1 : 0);
    if (narrow) gamma = columns.of(gamma);
    const ScaleSums<T> sums(s);
    const bool stream = streams<T>(s);
    parallel_for(s.n, grain_for(s.columns()), [&](std::int64_t begin, std::int64_t end, int slot) {
        int images = 1;
        for (std::int64_t image = begin; image < end; image += images) {
            if (narrow) images = static_cast<int>(std::min<std::int64_t>(kTogether, end - image));
            for (std::int64_t r = image * groups; r < (image + 1) * groups; ++r) {
                const Group g = group_of(s, groups, r);
                if (narrow)
                    narrow_group_gradients(k, g, images, groups, dout, x, gamma, kept, dx, sums, slot, stream);
                else
                    wide_group_gradient(k, g, dout, x, gamma, kept, dx, sums, slot, stream);
            }
            sums.after(image + images - begin, image + images == end, slot);
        }
    });
    sums.total(dgamma, dbeta);
}

#define HANDGRAD_INSTANTIATE(T)                                                                                            \
    template void channel_moments(const NormShape&, const T*, double*, double*);                                           \
    template void channel_apply(const NormShape&, const Line<T>&, const T*, T*);                                           \
    template void channel_dots(const NormShape&, const Line<T>&, const T*, const T*, double*, double*);                    \
    template void channel_gradient(const NormShape&, const Line<T>&, const LineGradient<T>&, const T*, const T*, T*);      \
    template void batchnorm_forward(const NormShape&, const BatchNorm&, const T*, const T*, const T*, const Running<T>&,   \
                                    const Statistics<T>&, T*, const ChannelMoments&);                                      \
    template void batchnorm_backward(const NormShape&, bool, bool, const T*, const T*, const T*, const Statistics<T>&, T*, \
                                     T*, T*);                                                                              \
    template void groupnorm_forward(const NormShape&, std::int64_t, double, const T*, const T*, const T*,                  \
                                    const Statistics<T>&, T*);                                                             \
    template void groupnorm_backward(const NormShape&, std::int64_t, const T*, const T*, const T*, const Statistics<T>&,   \
                                     T*, T*, T*);

HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

}  // namespace handgrad
