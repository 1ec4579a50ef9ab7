// Update rules.
#include "kernels/update.h"

#include <nanobind/stl/array.h>

#include <array>
#include <cmath>
#include <cstdint>

#include "arrays.h"
#include "dispatch.h"
#include "threads.h"

namespace {

using handgrad::Rule;
using handgrad::Update;

template <class T>
using AnyIn = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using AnyOut = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// Below it, waking a thread takes longer than it saves.
constexpr std::int64_t kGrain = 1 << 15;
// From so many bytes on, results that lie apart from what they are made of are written past the caches: adam on 33 MB
// takes 4.0 ms so, 6.5 ms through the caches, 2.8 ms in place.
constexpr std::size_t kBeyondCaches = std::size_t{8} << 20;

// Before of backend/before.py: limit, scale, l2, clip_value, shrink.
using Given = std::array<double, 5>;
constexpr Given kNothing = {HUGE_VAL, 1, 0, HUGE_VAL, 1};

template <class T>
struct Pair {  // an array of w's size before and after the step
    AnyIn<T> before;
    AnyOut<T> after;
};

template <class T, class... Memory>
void run(Update<T> u, const Given& before, AnyIn<T> w, AnyIn<T> dw, AnyOut<T> next_w, const Memory&... memory) {
    demand(dw.size() == w.size() && next_w.size() == w.size() && ((memory.before.size() == w.size()) && ...) &&
               ((memory.after.size() == w.size()) && ...),
           "arrays of one size");
    const auto number = [&](std::size_t i) { return static_cast<T>(before[i]); };
    u.before = {number(0), number(1), number(2), number(3), number(4)};
    u.begins = before != kNothing;
    u.w = w.data(), u.dw = dw.data(), u.next_w = next_w.data();
    int k = 0;
    ((u.memory[k] = memory.before.data(), u.next_memory[k] = memory.after.data(), ++k), ...);
    u.stream = w.nbytes() >= kBeyondCaches && u.next_w != u.w;
    const auto step = handgrad::kernels().of<T>().update;
    handgrad::parallel_for(static_cast<std::int64_t>(w.size()), kGrain,
                           [&](std::int64_t begin, std::int64_t end, int) { step(u, begin, end); });
}

template <class T>
void sgd(AnyIn<T> w, AnyIn<T> dw, double learning_rate, const Given& before, AnyOut<T> next_w) {
    Update<T> u{Rule::sgd};
    u.rate = static_cast<T>(learning_rate);
    run(u, before, w, dw, next_w);
}

template <class T, Rule rule>
void momentum(AnyIn<T> w, AnyIn<T> dw, AnyIn<T> velocity, double learning_rate, double momentum,
              const Given& before, AnyOut<T> next_w, AnyOut<T> next_velocity) {
    Update<T> u{rule};
    u.rate = static_cast<T>(learning_rate), u.decay = static_cast<T>(momentum);
    run(u, before, w, dw, next_w, Pair<T>{velocity, next_velocity});
}

template <class T>
void adagrad(AnyIn<T> w, AnyIn<T> dw, AnyIn<T> cache, double learning_rate, double epsilon, const Given& before,
             AnyOut<T> next_w, AnyOut<T> next_cache) {
    Update<T> u{Rule::adagrad};
    u.rate = static_cast<T>(learning_rate), u.epsilon = static_cast<T>(epsilon);
    run(u, before, w, dw, next_w, Pair<T>{cache, next_cache});
}

template <class T>
void rmsprop(AnyIn<T> w, AnyIn<T> dw, AnyIn<T> cache, double learning_rate, double decay_rate, double epsilon,
             const Given& before, AnyOut<T> next_w, AnyOut<T> next_cache) {
    Update<T> u{Rule::rmsprop};
    u.rate = static_cast<T>(learning_rate), u.decay = static_cast<T>(decay_rate), u.rest = static_cast<T>(1 - decay_rate);
    u.epsilon = static_cast<T>(epsilon);
    run(u, before, w, dw, next_w, Pair<T>{cache, next_cache});
}

template <class T>
void adadelta(AnyIn<T> w, AnyIn<T> dw, AnyIn<T> cache, AnyIn<T> delta_cache, double learning_rate, double decay_rate,
              double epsilon, const Given& before, AnyOut<T> next_w, AnyOut<T> next_cache, AnyOut<T> next_delta_cache) {
    Update<T> u{Rule::adadelta};
    u.rate = static_cast<T>(learning_rate), u.decay = static_cast<T>(decay_rate), u.rest = static_cast<T>(1 - decay_rate);
    u.epsilon = static_cast<T>(epsilon);
    run(u, before, w, dw, next_w, Pair<T>{cache, next_cache}, Pair<T>{delta_cache, next_delta_cache});
}

// `t` counts this step.
template <class T>
void adam(AnyIn<T> w, AnyIn<T> dw, AnyIn<T> m, AnyIn<T> v, std::int64_t t, double learning_rate, double beta1, double beta2,
          double epsilon, const Given& before, AnyOut<T> next_w, AnyOut<T> next_m, AnyOut<T> next_v) {
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
