// Convolutions of random geometry against plain loops, for every instruction set of this machine. Arrays are exactly
// as large as they must be, so that a sanitizer sees whoever reads or writes past an end.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "check.h"
#include "conv.h"
#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace {

std::uint32_t state = 1;

int random_between(int low, int high) {
    state = state * 1664525u + 1013904223u;
    return low + static_cast<int>((state >> 8) % static_cast<std::uint32_t>(high - low + 1));
}

template <class T>
std::vector<T> random_numbers(std::int64_t count) {
    std::vector<T> v(static_cast<std::size_t>(count));
    for (T& x : v) x = static_cast<T>(random_between(-1000, 1000)) / T(1000);
    return v;
}

template <class T>
std::vector<T> unset(std::int64_t count) {
    return std::vector<T>(static_cast<std::size_t>(count), std::numeric_limits<T>::quiet_NaN());
}

// Numbers that every precision multiplies and adds up exactly.
std::vector<float> whole_numbers(std::int64_t count) {
    std::vector<float> v(static_cast<std::size_t>(count));
    for (float& x : v) x = static_cast<float>(random_between(-8, 8));
    return v;
}

// How often the usual rounding is allowed: Winograd's large tiles, at medium precision where there are none of AMX, err more.
double times_allowed = 1;
// The share of the scale that is allowed in any case: pairs of bfloat16, at low precision, err by some percent.
double share_allowed = 0;

// The rule of tests/tolerances.py: a share of the result's scale.
template <class T>
bool near(const std::vector<T>& actual, const std::vector<double>& expected, double length) {
    double scale = 1;
    for (const double x : expected) scale = std::fmax(scale, std::fabs(x));
    const double rounding = times_allowed * 8 * std::numeric_limits<T>::epsilon() * std::sqrt(length + 1);
    const double allowed = std::fmax(rounding, share_allowed) * scale;
    for (std::size_t i = 0; i < actual.size(); ++i)
        if (!(std::fabs(actual[i] - expected[i]) <= allowed)) return false;
    return true;
}

// Shapes for Winograd's convolution where `three` is set: 3 x 3, stride 1, channels enough; and whole numbers where
// `whole` is.
template <class T>
void try_one(int channels, bool three = false, bool whole = false) {
    handgrad::ConvShape s{};
    s.n = random_between(0, 3), s.c = random_between(1, channels), s.f = random_between(1, channels);
    s.hh = random_between(1, 5), s.ww = random_between(1, 5);
    s.stride_y = random_between(1, 3), s.stride_x = random_between(1, 3);
    s.pad_y = random_between(0, 4), s.pad_x = random_between(0, 4);
    if (three) {
        s.c += 31, s.f += 31;
        s.hh = s.ww = 3, s.stride_y = s.stride_x = 1;
        s.pad_y %= 3, s.pad_x %= 3;
    }
    s.h = std::max<std::int64_t>(1, s.hh - 2 * s.pad_y) + random_between(0, 9);
    s.w = std::max<std::int64_t>(1, s.ww - 2 * s.pad_x) + random_between(0, 40);
    const std::int64_t oh = s.out_h(), ow = s.out_w();
    const auto numbers = [=](std::int64_t count) {
        if constexpr (sizeof(T) == sizeof(float))
            if (whole) return whole_numbers(count);
        return random_numbers<T>(count);
    };
    const auto x = numbers(s.n * s.c * s.h * s.w), w = numbers(s.f * s.taps()), b = numbers(s.f);
    const auto dout = numbers(s.n * s.f * oh * ow);
    auto out = unset<T>(s.n * s.f * oh * ow), dx = unset<T>(s.n * s.c * s.h * s.w), dw = unset<T>(s.f * s.taps()), db = unset<T>(s.f);
    handgrad::conv_forward(s, x.data(), w.data(), b.data(), false, out.data());
    handgrad::conv_backward_x(s, dout.data(), w.data(), dx.data());
    handgrad::conv_backward_w(s, dout.data(), x.data(), dw.data(), db.data());

    std::vector<double> out1(out.size()), dx1(dx.size()), dw1(dw.size()), db1(db.size());
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    for (std::int64_t n = 0; n < s.n; ++n)
        for (std::int64_t f = 0; f < s.f; ++f)
            for (std::int64_t y = 0; y < oh; ++y)
                for (std::int64_t q = 0; q < ow; ++q) {
                    const std::size_t o = at(((n * s.f + f) * oh + y) * ow + q);
                    out1[o] += b[at(f)];
                    db1[at(f)] += dout[o];
                    for (std::int64_t c = 0; c < s.c; ++c)
                        for (std::int64_t i = 0; i < s.hh; ++i)
                            for (std::int64_t j = 0; j < s.ww; ++j) {
                                const std::int64_t r = y * s.stride_y + i - s.pad_y, t = q * s.stride_x + j - s.pad_x;
                                if (r < 0 || t < 0 || r >= s.h || t >= s.w) continue;
                                const std::size_t from = at(((n * s.c + c) * s.h + r) * s.w + t), by = at(((f * s.c + c) * s.hh + i) * s.ww + j);
                                out1[o] += static_cast<double>(x[from]) * w[by];
                                dx1[from] += static_cast<double>(dout[o]) * w[by];
                                dw1[by] += static_cast<double>(dout[o]) * x[from];
                            }
                }
    const bool right = near(out, out1, static_cast<double>(s.taps())) && near(dx, dx1, static_cast<double>(s.f * s.hh * s.ww)) &&
                       near(dw, dw1, static_cast<double>(s.n * oh * ow)) && near(db, db1, static_cast<double>(s.n * oh * ow));
    CHECK(right);
    if (!right)
        std::fprintf(stderr, "  %zu bytes, x (%d, %d, %d, %d), filters %d of %d x %d, stride %d %d, pad %d %d\n", sizeof(T),
                     static_cast<int>(s.n), static_cast<int>(s.c), static_cast<int>(s.h), static_cast<int>(s.w), static_cast<int>(s.f),
                     static_cast<int>(s.hh), static_cast<int>(s.ww), static_cast<int>(s.stride_y), static_cast<int>(s.stride_x),
                     static_cast<int>(s.pad_y), static_cast<int>(s.pad_x));
}

}  // namespace

int main() {
    for (const handgrad::Isa isa : handgrad::usable_isas())
        for (const int threads : {1, 3}) {
            handgrad::set_isa(handgrad::isa_name(isa));
            handgrad::set_num_threads(threads);
            for (int i = 0; i < 60; ++i) {
                try_one<float>(i % 6 == 0 ? 40 : 6);
                try_one<double>(i % 6 == 0 ? 40 : 6);
                if (i % 6 == 0) try_one<float>(9, true);
            }
            times_allowed = isa == handgrad::Isa::amx ? 1 : 100;
            for (const bool low : {false, true}) {
                handgrad::set_precision(low ? "low" : "medium");
                share_allowed = low && isa == handgrad::Isa::avx512 ? 0.08 : 0;
                for (int i = 0; i < 20; ++i) try_one<float>(9, true, true);
            }
            handgrad::set_precision("highest");
            times_allowed = 1, share_allowed = 0;
        }
    CHECK(handgrad::memory_state().in_use == 0);
    return failed();
}
