// Activations, dropout and the L2 penalty: arrays of any shape, number by number.
#include "elementwise.h"

#include <string>
#include <utility>

#include "arrays.h"

#include <nanobind/stl/pair.h>

namespace {

using handgrad::Activation;

template <class T>
using AnyIn = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using AnyOut = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// The number of elements that all arrays have.
template <class First, class... Others>
std::int64_t common_size(const First& first, const Others&... others) {
    demand(((others.size() == first.size()) && ...), "arrays of one size");
    return static_cast<std::int64_t>(first.size());
}

template <class T, Activation f>
void forward(AnyIn<T> x, AnyOut<T> out) {
    handgrad::activate<T>(f, out.data(), x.data(), T(0), common_size(x, out));
}

template <class T, Activation f>
void backward(AnyIn<T> dout, AnyIn<T> x, AnyOut<T> dx) {
    handgrad::activation_gradient<T>(f, dx.data(), dout.data(), x.data(), T(0), common_size(dout, x, dx));
}

template <class T, Activation f>
void forward_alpha(AnyIn<T> x, double alpha, AnyOut<T> out) {
    handgrad::activate<T>(f, out.data(), x.data(), static_cast<T>(alpha), common_size(x, out));
}

template <class T, Activation f>
void backward_alpha(AnyIn<T> dout, AnyIn<T> x, double alpha, AnyOut<T> dx) {
    handgrad::activation_gradient<T>(f, dx.data(), dout.data(), x.data(), static_cast<T>(alpha), common_size(dout, x, dx));
}

template <class T>
handgrad::Channels channels_of(const In<T, 3>& x, const In<T, 1>& alpha) {
    demand(side(alpha, 0) == 1 || side(alpha, 0) == side(x, 1), "x (N, C, inner), alpha (C,) or (1,)");
    return {side(x, 0), side(x, 1), side(x, 2)};
}

template <class T>
void prelu_forward(In<T, 3> x, In<T, 1> alpha, Out<T, 3> out) {
    common_size(x, out);
    handgrad::prelu<T>(channels_of<T>(x, alpha), out.data(), x.data(), alpha.data(), side(alpha, 0));
}

template <class T>
void prelu_backward(In<T, 3> dout, In<T, 3> x, In<T, 1> alpha, Out<T, 3> dx, Out<T, 1> dalpha) {
    common_size(x, dout, dx);
    common_size(alpha, dalpha);
    handgrad::prelu_gradient<T>(channels_of<T>(x, alpha), dx.data(), dalpha.data(), dout.data(), x.data(), alpha.data(),
                                side(alpha, 0));
}

template <class T>
void dropout_forward(AnyIn<T> x, AnyIn<double> uniform, double p, AnyOut<T> out, AnyOut<T> mask) {
    handgrad::dropout<T>(out.data(), mask.data(), x.data(), uniform.data(), p, common_size(x, uniform, out, mask));
}

using Halves = std::pair<std::uint64_t, std::uint64_t>;  // of 128 bits, the upper first

template <class T>
void dropout_pcg64(AnyIn<T> x, Halves state, Halves increment, double p, AnyOut<T> out, AnyOut<T> mask) {
    if (!(p >= 0 && p < 1)) throw std::invalid_argument("p must lie in [0, 1)");
    const handgrad::Pcg64 rng{{state.first, state.second}, {increment.first, increment.second}};
    handgrad::dropout_drawn<T>(out.data(), mask.data(), x.data(), rng, p, common_size(x, out, mask));
}

template <class T>
void multiply(AnyIn<T> a, AnyIn<T> b, AnyOut<T> out) {
    handgrad::multiply<T>(out.data(), a.data(), b.data(), common_size(a, b, out));
}

template <class T>
void add(AnyIn<T> a, AnyIn<T> b, AnyOut<T> out) {
    handgrad::add<T>(out.data(), a.data(), b.data(), common_size(a, b, out));
}

template <class T>
double add_scaled(std::optional<AnyOut<T>> a, AnyIn<T> b, double factor) {
    const std::int64_t count = a ? common_size(*a, b) : common_size(b);
    return handgrad::add_scaled<T>(a ? a->data() : nullptr, b.data(), static_cast<T>(factor), count);
}

using Free = nb::call_guard<nb::gil_scoped_release>;

template <class T, Activation f>
void bind_activation(nb::module_& m, const std::string& name) {
    m.def((name + "_forward").c_str(), &forward<T, f>, "x"_a.noconvert(), "out"_a.noconvert(), Free());
    m.def((name + "_backward").c_str(), &backward<T, f>, "dout"_a.noconvert(), "x"_a.noconvert(), "dx"_a.noconvert(), Free());
}

template <class T, Activation f>
void bind_with_alpha(nb::module_& m, const std::string& name) {
    m.def((name + "_forward").c_str(), &forward_alpha<T, f>, "x"_a.noconvert(), "alpha"_a, "out"_a.noconvert(), Free());
    m.def((name + "_backward").c_str(), &backward_alpha<T, f>, "dout"_a.noconvert(), "x"_a.noconvert(), "alpha"_a,
          "dx"_a.noconvert(), Free());
}

template <class T>
void bind_for(nb::module_& m) {
    bind_activation<T, Activation::relu>(m, "relu");
    bind_activation<T, Activation::gelu>(m, "gelu");
    bind_activation<T, Activation::sigmoid>(m, "sigmoid");
    bind_activation<T, Activation::tanh>(m, "tanh");
    bind_with_alpha<T, Activation::leaky_relu>(m, "leaky_relu");
    bind_with_alpha<T, Activation::elu>(m, "elu");
    m.def("prelu_forward", &prelu_forward<T>, "x"_a.noconvert(), "alpha"_a.noconvert(), "out"_a.noconvert(), Free());
    m.def("prelu_backward", &prelu_backward<T>, "dout"_a.noconvert(), "x"_a.noconvert(), "alpha"_a.noconvert(),
          "dx"_a.noconvert(), "dalpha"_a.noconvert(), Free());
    m.def("dropout_forward", &dropout_forward<T>, "x"_a.noconvert(), "uniform"_a.noconvert(), "p"_a, "out"_a.noconvert(),
          "mask"_a.noconvert(), Free());
    m.def("dropout_pcg64", &dropout_pcg64<T>, "x"_a.noconvert(), "state"_a, "increment"_a, "p"_a, "out"_a.noconvert(),
          "mask"_a.noconvert(), Free());
    m.def("multiply", &multiply<T>, "a"_a.noconvert(), "b"_a.noconvert(), "out"_a.noconvert(), Free());
    m.def("add", &add<T>, "a"_a.noconvert(), "b"_a.noconvert(), "out"_a.noconvert(), Free());
    m.def("add_scaled", &add_scaled<T>, "a"_a.noconvert().none(), "b"_a.noconvert(), "factor"_a, Free());
}

}  // namespace

void bind_elementwise(nb::module_& m) {
    bind_for<float>(m);
    bind_for<double>(m);
}
