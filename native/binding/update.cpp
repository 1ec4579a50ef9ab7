// Update rules.
#include "update.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/variant.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <variant>

#include "arrays.h"

namespace {

using handgrad::Rule;
using handgrad::Update;

template <class T>
using AnyIn = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using AnyOut = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// A gradient: an array of w's size, or the factors (x, dout) of one that is not multiplied out.
template <class T>
using Product = std::pair<In<T, 2>, In<T, 2>>;
template <class T>
using Gradient = std::variant<AnyIn<T>, Product<T>>;

// Before of backend/before.py: limit, scale, l2, clip_value, shrink.
using Given = std::array<double, 5>;
constexpr Given kNothing = {HUGE_VAL, 1, 0, HUGE_VAL, 1};

template <class T>
struct Pair {  // an array of w's size before and after the step
    AnyIn<T> before;
    AnyOut<T> after;
};

template <class T, class... Memory>
void run(Update<T> u, const Given& before, AnyIn<T> w, const Gradient<T>& dw, AnyOut<T> next_w, const Memory&... memory) {
    const std::size_t size = w.size();
    demand(next_w.size() == size && ((memory.before.size() == size) && ...) && ((memory.after.size() == size) && ...),
           "arrays of one size");
    const auto number = [&](std::size_t i) { return static_cast<T>(before[i]); };
    u.before = {number(0), number(1), number(2), number(3), number(4)};
    u.begins = before != kNothing;
    u.w = w.data(), u.next_w = next_w.data();
    int k = 0;
    ((u.memory[k] = memory.before.data(), u.next_memory[k] = memory.after.data(), ++k), ...);
    if (const auto* const product = std::get_if<Product<T>>(&dw)) {
        const auto& [x, dout] = *product;
        const handgrad::Factors<T> factors{side(x, 0), side(x, 1), side(dout, 1), x.data(), dout.data()};
        demand(side(dout, 0) == factors.n && static_cast<std::int64_t>(size) == factors.d * factors.m,
               "x (N, D), dout (N, M), w (D, M)");
        handgrad::update(u, factors);
    } else {
        const auto& array = std::get<AnyIn<T>>(dw);
        demand(array.size() == size, "arrays of one size");
        u.dw = array.data();
        handgrad::update(u, static_cast<std::int64_t>(size));
    }
}

template <class T>
void sgd(AnyIn<T> w, const Gradient<T>& dw, double learning_rate, const Given& before, AnyOut<T> next_w) {
    Update<T> u{Rule::sgd};
    u.rate = static_cast<T>(learning_rate);
    run(u, before, w, dw, next_w);
}

template <class T, Rule rule>
void momentum(AnyIn<T> w, const Gradient<T>& dw, AnyIn<T> velocity, double learning_rate, double momentum,
              const Given& before, AnyOut<T> next_w, AnyOut<T> next_velocity) {
    Update<T> u{rule};
    u.rate = static_cast<T>(learning_rate), u.decay = static_cast<T>(momentum);
    run(u, before, w, dw, next_w, Pair<T>{velocity, next_velocity});
}

template <class T>
void adagrad(AnyIn<T> w, const Gradient<T>& dw, AnyIn<T> cache, double learning_rate, double epsilon, const Given& before,
             AnyOut<T> next_w, AnyOut<T> next_cache) {
    Update<T> u{Rule::adagrad};
    u.rate = static_cast<T>(learning_rate), u.epsilon = static_cast<T>(epsilon);
    run(u, before, w, dw, next_w, Pair<T>{cache, next_cache});
}

template <class T>
void rmsprop(AnyIn<T> w, const Gradient<T>& dw, AnyIn<T> cache, double learning_rate, double decay_rate, double epsilon,
             const Given& before, AnyOut<T> next_w, AnyOut<T> next_cache) {
    Update<T> u{Rule::rmsprop};
    u.rate = static_cast<T>(learning_rate), u.decay = static_cast<T>(decay_rate), u.rest = static_cast<T>(1 - decay_rate);
    u.epsilon = static_cast<T>(epsilon);
    run(u, before, w, dw, next_w, Pair<T>{cache, next_cache});
}

template <class T>
void adadelta(AnyIn<T> w, const Gradient<T>& dw, AnyIn<T> cache, AnyIn<T> delta_cache, double learning_rate, double decay_rate,
              double epsilon, const Given& before, AnyOut<T> next_w, AnyOut<T> next_cache, AnyOut<T> next_delta_cache) {
    Update<T> u{Rule::adadelta};
    u.rate = static_cast<T>(learning_rate), u.decay = static_cast<T>(decay_rate), u.rest = static_cast<T>(1 - decay_rate);
    u.epsilon = static_cast<T>(epsilon);
    run(u, before, w, dw, next_w, Pair<T>{cache, next_cache}, Pair<T>{delta_cache, next_delta_cache});
}

// `t` counts this step.
template <class T>
void adam(AnyIn<T> w, const Gradient<T>& dw, AnyIn<T> m, AnyIn<T> v, std::int64_t t, double learning_rate, double beta1,
          double beta2, double epsilon, const Given& before, AnyOut<T> next_w, AnyOut<T> next_m, AnyOut<T> next_v) {
    const auto steps = static_cast<double>(t);
    Update<T> u{Rule::adam};
    u.rate = static_cast<T>(learning_rate / (1 - std::pow(beta1, steps)));
    u.decay = static_cast<T>(beta1), u.rest = static_cast<T>(1 - beta1);
    u.decay2 = static_cast<T>(beta2), u.rest2 = static_cast<T>(1 - beta2);
    u.epsilon = static_cast<T>(epsilon);
    u.correction = static_cast<T>(1 / (1 - std::pow(beta2, steps)));
    run(u, before, w, dw, next_w, Pair<T>{m, next_m}, Pair<T>{v, next_v});
}

template <class T>
void bind_for(nb::module_& m) {
    const nb::call_guard<nb::gil_scoped_release> free;
    const auto w = "w"_a.noconvert(), dw = "dw"_a.noconvert(), next_w = "next_w"_a.noconvert();
    m.def("sgd", &sgd<T>, w, dw, "learning_rate"_a, "before"_a, next_w, free);
    m.def("sgd_momentum", &momentum<T, Rule::sgd_momentum>, w, dw, "velocity"_a.noconvert(), "learning_rate"_a,
          "momentum"_a, "before"_a, next_w, "next_velocity"_a.noconvert(), free);
    m.def("sgd_nesterov_momentum", &momentum<T, Rule::sgd_nesterov_momentum>, w, dw, "velocity"_a.noconvert(),
          "learning_rate"_a, "momentum"_a, "before"_a, next_w, "next_velocity"_a.noconvert(), free);
    m.def("adagrad", &adagrad<T>, w, dw, "cache"_a.noconvert(), "learning_rate"_a, "epsilon"_a, "before"_a, next_w,
          "next_cache"_a.noconvert(), free);
    m.def("rmsprop", &rmsprop<T>, w, dw, "cache"_a.noconvert(), "learning_rate"_a, "decay_rate"_a, "epsilon"_a, "before"_a,
          next_w, "next_cache"_a.noconvert(), free);
    m.def("adadelta", &adadelta<T>, w, dw, "cache"_a.noconvert(), "delta_cache"_a.noconvert(), "learning_rate"_a,
          "decay_rate"_a, "epsilon"_a, "before"_a, next_w, "next_cache"_a.noconvert(), "next_delta_cache"_a.noconvert(),
          free);
    m.def("adam", &adam<T>, w, dw, "m"_a.noconvert(), "v"_a.noconvert(), "t"_a, "learning_rate"_a, "beta1"_a, "beta2"_a,
          "epsilon"_a, "before"_a, next_w, "next_m"_a.noconvert(), "next_v"_a.noconvert(), free);
}

}  // namespace

void bind_update(nb::module_& m) {
    bind_for<float>(m);
    bind_for<double>(m);
}
