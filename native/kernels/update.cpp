// Update rules: every array is read and written once. The formulas are those of the docstrings in training/optim.py.
#include "update.h"

#include "simd.h"
#include "table.h"
#include "tuning.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

template <class T>
struct Numbers {
    using S = Simd<T>;
    typename S::Vec rate, decay, rest, decay2, rest2, epsilon, correction;

    explicit Numbers(const Update<T>& u)
        : rate(S::splat(u.rate)),
          decay(S::splat(u.decay)),
          rest(S::splat(u.rest)),
          decay2(S::splat(u.decay2)),
          rest2(S::splat(u.rest2)),
          epsilon(S::splat(u.epsilon)),
          correction(S::splat(u.correction)) {}
};

// g in -most..most. Of two numbers min and max return the second on NaN.
template <class S>
HANDGRAD_INLINE typename S::Vec clipped(typename S::Vec g, typename S::Vec most) {
    return S::min(most, S::max(S::sub(S::zero(), most), g));
}

// What the rule begins with. What is not asked for changes no number, but l2: 0 times an infinite w would be NaN.
template <class T>
HANDGRAD_INLINE void begin_with(const Before<T>& b, typename Simd<T>::Vec& w, typename Simd<T>::Vec& g) {
    using S = Simd<T>;
    g = S::mul(S::splat(b.scale), clipped<S>(g, S::splat(b.limit)));
    if (b.l2 != 0) g = S::add(g, S::mul(S::splat(b.l2), w));
    g = clipped<S>(g, S::splat(b.clip));
    w = S::mul(S::splat(b.shrink), w);
}

// A rule: how many arrays it remembers, and the step from w, g and its memory, which it brings up to date.
template <class T, Rule rule>
struct Step;

template <class T>
struct Step<T, Rule::sgd> {
    using S = Simd<T>;
    using V = typename S::Vec;
    static constexpr int memory = 0;
    static HANDGRAD_INLINE V next(const Numbers<T>& n, V w, V g, V (&)[2]) { return S::sub(w, S::mul(n.rate, g)); }
};

template <class T>
struct Step<T, Rule::sgd_momentum> {
    using S = Simd<T>;
    using V = typename S::Vec;
    static constexpr int memory = 1;
    static HANDGRAD_INLINE V next(const Numbers<T>& n, V w, V g, V (&m)[2]) {
        m[0] = S::sub(S::mul(n.decay, m[0]), S::mul(n.rate, g));
        return S::add(w, m[0]);
    }
};

template <class T>
struct Step<T, Rule::sgd_nesterov_momentum> {
    using S = Simd<T>;
    using V = typename S::Vec;
    static constexpr int memory = 1;
    static HANDGRAD_INLINE V next(const Numbers<T>& n, V w, V g, V (&m)[2]) {
        const V before = m[0];
        m[0] = S::sub(S::mul(n.decay, before), S::mul(n.rate, g));
        return S::add(S::add(w, m[0]), S::mul(n.decay, S::sub(m[0], before)));
    }
};

// w - rate g / (sqrt(cache) + epsilon)
template <class T>
HANDGRAD_INLINE typename Simd<T>::Vec scaled_step(const Numbers<T>& n, typename Simd<T>::Vec w, typename Simd<T>::Vec g,
                                                  typename Simd<T>::Vec cache) {
    using S = Simd<T>;
    return S::sub(w, S::div(S::mul(n.rate, g), S::add(S::sqrt(cache), n.epsilon)));
}

template <class T>
struct Step<T, Rule::adagrad> {
    using S = Simd<T>;
    using V = typename S::Vec;
    static constexpr int memory = 1;
    static HANDGRAD_INLINE V next(const Numbers<T>& n, V w, V g, V (&m)[2]) {
        m[0] = S::add(m[0], S::mul(g, g));
        return scaled_step<T>(n, w, g, m[0]);
    }
};

template <class T>
struct Step<T, Rule::rmsprop> {
    using S = Simd<T>;
    using V = typename S::Vec;
    static constexpr int memory = 1;
    static HANDGRAD_INLINE V next(const Numbers<T>& n, V w, V g, V (&m)[2]) {
        m[0] = S::add(S::mul(n.decay, m[0]), S::mul(S::mul(n.rest, g), g));
        return scaled_step<T>(n, w, g, m[0]);
    }
};

template <class T>
struct Step<T, Rule::adadelta> {
    using S = Simd<T>;
    using V = typename S::Vec;
    static constexpr int memory = 2;
    static HANDGRAD_INLINE V next(const Numbers<T>& n, V w, V g, V (&m)[2]) {
        m[0] = S::add(S::mul(n.decay, m[0]), S::mul(S::mul(n.rest, g), g));
        const V ratio = S::div(S::sqrt(S::add(m[1], n.epsilon)), S::sqrt(S::add(m[0], n.epsilon)));
        const V delta = S::mul(ratio, g);
        m[1] = S::add(S::mul(n.decay, m[1]), S::mul(S::mul(n.rest, delta), delta));
        return S::sub(w, S::mul(n.rate, delta));
    }
};

template <class T>
struct Step<T, Rule::adam> {
    using S = Simd<T>;
    using V = typename S::Vec;
    static constexpr int memory = 2;
    static HANDGRAD_INLINE V next(const Numbers<T>& n, V w, V g, V (&m)[2]) {
        m[0] = S::add(S::mul(n.decay, m[0]), S::mul(n.rest, g));
        m[1] = S::add(S::mul(n.decay2, m[1]), S::mul(S::mul(n.rest2, g), g));
        const V root = S::add(S::sqrt(S::mul(m[1], n.correction)), n.epsilon);
        return S::sub(w, S::div(S::mul(n.rate, m[0]), root));
    }
};

template <class T, Rule rule, bool begins>
void run_rule(const Update<T>& u, std::int64_t begin, std::int64_t end) {
    using S = Simd<T>;
    using R = Step<T, rule>;
    const Numbers<T> numbers(u);
    const Before<T> before = u.before;
    for (std::int64_t i = begin; i < end; i += S::lanes) {
        const int n = static_cast<int>(least(S::lanes, end - i));
        const bool whole = n == S::lanes;
        const auto load = [&](const T* from) {
            ask_ahead(from + i);
            return whole ? S::load(from + i) : S::load_part(from + i, n);
        };
        const auto store = [&](T* to, typename S::Vec v) {
            if (!whole)
                S::store_part(to + i, v, n);
            else if (u.stream)
                S::stream(to + i, v);
            else
                S::store(to + i, v);
        };
        typename S::Vec memory[2] = {S::zero(), S::zero()};
        HANDGRAD_UNROLL
        for (int k = 0; k < R::memory; ++k) memory[k] = load(u.memory[k]);
        typename S::Vec w = load(u.w), g = load(u.dw);
        if constexpr (begins) begin_with<T>(before, w, g);
        store(u.next_w, R::next(numbers, w, g, memory));
        HANDGRAD_UNROLL
        for (int k = 0; k < R::memory; ++k) store(u.next_memory[k], memory[k]);
    }
}

template <class T, Rule rule>
void run(const Update<T>& u, std::int64_t begin, std::int64_t end) {
    u.begins ? run_rule<T, rule, true>(u, begin, end) : run_rule<T, rule, false>(u, begin, end);
}

}  // namespace

template <class T>
void update(const Update<T>& u, std::int64_t begin, std::int64_t end) {
    switch (u.rule) {
        case Rule::sgd: return run<T, Rule::sgd>(u, begin, end);
        case Rule::sgd_momentum: return run<T, Rule::sgd_momentum>(u, begin, end);
        case Rule::sgd_nesterov_momentum: return run<T, Rule::sgd_nesterov_momentum>(u, begin, end);
        case Rule::adagrad: return run<T, Rule::adagrad>(u, begin, end);
        case Rule::adadelta: return run<T, Rule::adadelta>(u, begin, end);
        case Rule::rmsprop: return run<T, Rule::rmsprop>(u, begin, end);
        case Rule::adam: return run<T, Rule::adam>(u, begin, end);
    }
}

template void update(const Update<float>&, std::int64_t, std::int64_t);
template void update(const Update<double>&, std::int64_t, std::int64_t);

}  // namespace handgrad::HANDGRAD_ISA
