// Activations, dropout and the L2 penalty, number by number.
#include "elementwise.h"

#include "pcg.h"
#include "simd.h"
#include "special.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// Activations: value(x) and slope(x), or slope(f(x)) for sigmoid and tanh. On NaN both are NaN or let it pass.
template <class T, Activation kind>
struct Function;

template <class T>
struct Function<T, Activation::relu> {
    using S = Simd<T>;
    using V = typename S::Vec;
    V alpha;
    HANDGRAD_INLINE V value(V x) const { return S::relu(x); }
    HANDGRAD_INLINE V gradient(V dout, V x) const { return S::keep(S::above(x, S::zero()), dout); }
};

template <class T>
struct Function<T, Activation::leaky_relu> {
    using S = Simd<T>;
    using V = typename S::Vec;
    V alpha;
    HANDGRAD_INLINE V value(V x) const { return gradient(x, x); }
    HANDGRAD_INLINE V gradient(V dout, V x) const { return S::pick(S::above(x, S::zero()), dout, S::mul(alpha, dout)); }
};

template <class T>
struct Function<T, Activation::elu> {
    using S = Simd<T>;
    using V = typename S::Vec;
    V alpha;
    HANDGRAD_INLINE V value(V x) const {
        const V below = Exponential<T>(S::min(S::zero(), x)).less_one();
        return S::pick(S::above(x, S::zero()), x, S::mul(alpha, below));
    }
    HANDGRAD_INLINE V gradient(V dout, V x) const {
        const V power = Exponential<T>(S::min(S::zero(), x)).exp();
        return S::pick(S::above(x, S::zero()), dout, S::mul(S::mul(alpha, power), dout));
    }
};

template <class T>
struct Function<T, Activation::gelu> {
    using S = Simd<T>;
    using V = typename S::Vec;
    V alpha;
    // Beyond it the density is 0 in both types, and 0 times infinity would be NaN.
    static HANDGRAD_INLINE V floor(V x) { return S::max(S::splat(T(-40)), x); }
    static HANDGRAD_INLINE V near(V x) { return S::min(S::splat(T(40)), floor(x)); }
    HANDGRAD_INLINE V value(V x) const { return S::mul(floor(x), Normal<T>(near(x)).cdf); }
    HANDGRAD_INLINE V gradient(V dout, V x) const {
        const V at = near(x);
        const Normal<T> normal(at);
        const V density = S::mul(normal.bell, S::splat(T(0.39894228040143267794)));
        return S::mul(dout, S::fma(at, density, normal.cdf));
    }
};

template <class T>
struct Function<T, Activation::sigmoid> {
    using S = Simd<T>;
    using V = typename S::Vec;
    V alpha;
    HANDGRAD_INLINE V value(V x) const {
        const V one = S::splat(T(1)), small = Exponential<T>(S::sub(S::zero(), absolute<S>(x))).exp();
        return S::div(S::pick(S::above(S::zero(), x), small, one), S::add(one, small));
    }
    HANDGRAD_INLINE V gradient(V dout, V out) const { return S::mul(S::mul(dout, out), S::sub(S::splat(T(1)), out)); }
};

template <class T>
struct Function<T, Activation::tanh> {
    using S = Simd<T>;
    using V = typename S::Vec;
    V alpha;
    HANDGRAD_INLINE V value(V x) const {
        const V t = Exponential<T>(S::mul(S::splat(T(-2)), absolute<S>(x))).less_one();
        const V below = S::div(t, S::add(S::splat(T(2)), t));  // tanh(-|x|)
        return S::pick(S::above(x, S::zero()), S::sub(S::zero(), below), below);
    }
    HANDGRAD_INLINE V gradient(V dout, V out) const {
        return S::mul(dout, S::sub(S::splat(T(1)), S::mul(out, out)));
    }
};

template <class T, Activation kind>
void values(T* out, const T* x, T alpha, std::int64_t count, bool stream) {
    using S = Simd<T>;
    const Function<T, kind> f{S::splat(alpha)};
    by_lanes<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        ask_ahead(x + i);
        store_or_stream<S>(out + i, f.value(load_some<S>(x + i, n)), n, stream);
    });
}

template <class T, Activation kind>
void gradients(T* dx, const T* dout, const T* x, T alpha, std::int64_t count, bool stream) {
    using S = Simd<T>;
    const Function<T, kind> f{S::splat(alpha)};
    by_lanes<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        ask_ahead(dout + i);
        ask_ahead(x + i);
        store_or_stream<S>(dx + i, f.gradient(load_some<S>(dout + i, n), load_some<S>(x + i, n)), n, stream);
    });
}

template <class T>
void activate(Activation f, T* out, const T* x, T alpha, std::int64_t count, bool stream) {
    switch (f) {
        case Activation::relu: return values<T, Activation::relu>(out, x, alpha, count, stream);
        case Activation::leaky_relu: return values<T, Activation::leaky_relu>(out, x, alpha, count, stream);
        case Activation::elu: return values<T, Activation::elu>(out, x, alpha, count, stream);
        case Activation::gelu: return values<T, Activation::gelu>(out, x, alpha, count, stream);
        case Activation::sigmoid: return values<T, Activation::sigmoid>(out, x, alpha, count, stream);
        case Activation::tanh: return values<T, Activation::tanh>(out, x, alpha, count, stream);
    }
}

template <class T>
void activation_gradient(Activation f, T* dx, const T* dout, const T* x, T alpha, std::int64_t count, bool stream) {
    switch (f) {
        case Activation::relu: return gradients<T, Activation::relu>(dx, dout, x, alpha, count, stream);
        case Activation::leaky_relu: return gradients<T, Activation::leaky_relu>(dx, dout, x, alpha, count, stream);
        case Activation::elu: return gradients<T, Activation::elu>(dx, dout, x, alpha, count, stream);
        case Activation::gelu: return gradients<T, Activation::gelu>(dx, dout, x, alpha, count, stream);
        case Activation::sigmoid: return gradients<T, Activation::sigmoid>(dx, dout, x, alpha, count, stream);
        case Activation::tanh: return gradients<T, Activation::tanh>(dx, dout, x, alpha, count, stream);
    }
}

template <class T>
double slope_gradient(const T* dout, const T* x, std::int64_t count) {
    using S = Simd<T>;
    return sum_of<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        const auto at = load_some<S>(x + i, n);
        return S::pick(S::above(at, S::zero()), S::zero(), S::mul(load_some<S>(dout + i, n), at));
    });
}

template <class T>
void dropout(T* out, T* mask, const T* x, const double* uniform, double p, T scale, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        mask[i] = uniform[i] >= p ? scale : T(0);
        out[i] = x[i] * mask[i];
    }
}

template <class T>
void dropout_drawn(T* out, T* mask, const T* x, const Pcg64& rng, std::int64_t skipped, std::uint64_t bound, T scale,
                   std::int64_t count, bool stream) {
    using S = Simd<T>;
    Draws draws(rng, static_cast<std::uint64_t>(skipped));
    const auto kept = S::splat(scale);
    for (std::int64_t begin = 0; begin < count; begin += kDraws) {
        const unsigned bits = draws.at_least(bound);
        by_lanes<S>(count - begin < kDraws ? count - begin : kDraws, [&](std::int64_t lane, int n) HANDGRAD_INLINED {
            const std::int64_t i = begin + lane;
            ask_ahead(x + i);
            const auto factor = S::mul(S::flags(bits >> lane), kept);
            store_or_stream<S>(mask + i, factor, n, stream);
            store_or_stream<S>(out + i, S::mul(load_some<S>(x + i, n), factor), n, stream);
        });
    }
}

template <class T>
void multiply(T* out, const T* a, const T* b, std::int64_t count, bool stream) {
    using S = Simd<T>;
    by_lanes<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        store_or_stream<S>(out + i, S::mul(load_some<S>(a + i, n), load_some<S>(b + i, n)), n, stream);
    });
}

template <class T>
void add(T* out, const T* a, const T* b, std::int64_t count, bool stream) {
    using S = Simd<T>;
    by_lanes<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        store_or_stream<S>(out + i, S::add(load_some<S>(a + i, n), load_some<S>(b + i, n)), n, stream);
    });
}

template <class T>
double add_scaled(T* a, const T* b, T factor, std::int64_t count) {
    using S = Simd<T>;
    const auto times = S::splat(factor);
    return sum_of<S>(count, [&](std::int64_t i, int n) HANDGRAD_INLINED {
        const auto at = load_some<S>(b + i, n);
        if (a) store_some<S>(a + i, S::fma(times, at, load_some<S>(a + i, n)), n);
        return S::mul(at, at);
    });
}

}  // namespace

template <class T>
const ElementwiseKernels<T>& elementwise() {
    static constexpr ElementwiseKernels<T> all{
        activate<T>, activation_gradient<T>, slope_gradient<T>, dropout<T>, dropout_drawn<T>, multiply<T>, add<T>,
        add_scaled<T>,
    };
    return all;
}

template const ElementwiseKernels<float>& elementwise();
template const ElementwiseKernels<double>& elementwise();

}  // namespace handgrad::HANDGRAD_ISA
