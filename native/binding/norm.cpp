// Batch and group norm; layer norm is group norm of one group, on rows.
#include "norm.h"

#include "arrays.h"

namespace {

using handgrad::NormShape;

template <class X>
NormShape shape_of(const X& x) {
    return {side(x, 0), side(x, 1), side(x, 2)};
}

template <class X, class Y>
bool alike(const X& x, const Y& y) {
    return side(x, 0) == side(y, 0) && side(x, 1) == side(y, 1) && side(x, 2) == side(y, 2);
}

// Vectors with a number for each channel.
template <class X, class... Vectors>
void demand_channels(const X& x, const Vectors&... vectors) {
    demand(((side(vectors, 0) == side(x, 1)) && ...), "x (N, C, inner), a number for each of C");
}

// kept (4, C): mean, rest, inv_std, shift.
template <class T, class Kept>
handgrad::Statistics<T> statistics(const Kept& kept, std::int64_t rows, std::int64_t length) {
    demand(side(kept, 0) == rows && side(kept, 1) == length, "kept holds rows of statistics");
    T* const first = const_cast<T*>(kept.data());  // only forward writes, and it takes an Out
    return {first, first + length, first + 2 * length, rows == 4 ? first + 3 * length : nullptr};
}

template <class T>
void batchnorm_forward(In<T, 3> x, In<T, 1> gamma, In<T, 1> beta, double eps, double momentum, bool train, bool relu,
                       In<T, 1> running_mean, In<T, 1> running_var, Out<T, 1> next_mean, Out<T, 1> next_var, Out<T, 2> kept,
                       Out<T, 3> out, std::optional<In<double, 2>> moments) {
    if (moments && !train) throw std::invalid_argument("moments go with train");
    demand(alike(x, out), "x and out (N, C, inner)");
    demand_channels(x, gamma, beta, running_mean, running_var, next_mean, next_var);
    handgrad::batchnorm_forward<T>(shape_of(x), {eps, momentum, train, relu}, x.data(), gamma.data(), beta.data(),
                                   {running_mean.data(), running_var.data(), next_mean.data(), next_var.data()},
                                   statistics<T>(kept, 4, side(x, 1)), out.data(), moments_of(moments, side(x, 1)));
}

template <class T>
void batchnorm_backward(In<T, 3> dout, In<T, 3> x, In<T, 1> gamma, In<T, 2> kept, bool train, bool relu, Out<T, 3> dx,
                        Out<T, 1> dgamma, Out<T, 1> dbeta) {
    demand(alike(x, dout) && alike(x, dx), "dout, x and dx (N, C, inner)");
    demand_channels(x, gamma, dgamma, dbeta);
    if (relu && !train) throw std::invalid_argument("relu goes with train");
    handgrad::batchnorm_backward<T>(shape_of(x), train, relu, dout.data(), x.data(), gamma.data(),
                                    statistics<T>(kept, 4, side(x, 1)), dx.data(), dgamma.data(), dbeta.data());
}

void demand_groups(const NormShape& s, std::int64_t groups) {
    if (groups < 1 || s.c % groups != 0) throw std::invalid_argument("groups must divide the channels");
}

template <class T>
void groupnorm_forward(In<T, 3> x, In<T, 1> gamma, In<T, 1> beta, std::int64_t groups, double eps, Out<T, 2> kept, Out<T, 3> out) {
    demand(alike(x, out), "x and out (N, C, inner)");
    demand_channels(x, gamma, beta);
    demand_groups(shape_of(x), groups);
    handgrad::groupnorm_forward<T>(shape_of(x), groups, eps, x.data(), gamma.data(), beta.data(),
                                   statistics<T>(kept, 3, side(x, 0) * groups), out.data());
}

template <class T>
void groupnorm_backward(In<T, 3> dout, In<T, 3> x, In<T, 1> gamma, std::int64_t groups, In<T, 2> kept, Out<T, 3> dx,
                        Out<T, 1> dgamma, Out<T, 1> dbeta) {
    demand(alike(x, dout) && alike(x, dx), "dout, x and dx (N, C, inner)");
    demand_channels(x, gamma, dgamma, dbeta);
    demand_groups(shape_of(x), groups);
    handgrad::groupnorm_backward<T>(shape_of(x), groups, dout.data(), x.data(), gamma.data(),
                                    statistics<T>(kept, 3, side(x, 0) * groups), dx.data(), dgamma.data(), dbeta.data());
}

template <class T>
void bind_for(nb::module_& m) {
    const nb::call_guard<nb::gil_scoped_release> free;
    m.def("batchnorm_forward", &batchnorm_forward<T>, "x"_a.noconvert(), "gamma"_a.noconvert(), "beta"_a.noconvert(), "eps"_a,
          "momentum"_a, "train"_a.noconvert(), "relu"_a.noconvert(), "running_mean"_a.noconvert(), "running_var"_a.noconvert(),
          "next_mean"_a.noconvert(), "next_var"_a.noconvert(), "kept"_a.noconvert(), "out"_a.noconvert(),
          "moments"_a.noconvert().none() = nb::none(), free);
    m.def("batchnorm_backward", &batchnorm_backward<T>, "dout"_a.noconvert(), "x"_a.noconvert(), "gamma"_a.noconvert(),
          "kept"_a.noconvert(), "train"_a.noconvert(), "relu"_a.noconvert(), "dx"_a.noconvert(), "dgamma"_a.noconvert(),
          "dbeta"_a.noconvert(), free);
    m.def("groupnorm_forward", &groupnorm_forward<T>, "x"_a.noconvert(), "gamma"_a.noconvert(), "beta"_a.noconvert(), "groups"_a,
          "eps"_a, "kept"_a.noconvert(), "out"_a.noconvert(), free);
    m.def("groupnorm_backward", &groupnorm_backward<T>, "dout"_a.noconvert(), "x"_a.noconvert(), "gamma"_a.noconvert(),
          "groups"_a, "kept"_a.noconvert(), "dx"_a.noconvert(), "dgamma"_a.noconvert(), "dbeta"_a.noconvert(), free);
}

}  // namespace

void bind_norm(nb::module_& m) {
    bind_for<float>(m);
    bind_for<double>(m);
}
