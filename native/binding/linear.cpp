// The affine layer.
#include "linear.h"

#include "arrays.h"

namespace {

using handgrad::Gemm;

// out (N, M) = x (N, D) w (D, M) + b (M,), negative numbers cut off for `relu`.
template <class T>
void affine_forward(In<T, 2> x, In<T, 2> w, In<T, 1> b, Out<T, 2> out, bool relu) {
    const std::int64_t n = side(x, 0), d = side(x, 1), m = side(w, 1);
    demand(side(w, 0) == d && side(b, 0) == m && side(out, 0) == n && side(out, 1) == m,
           "x (N, D), w (D, M), b (M,), out (N, M)");
    handgrad::gemm<T>({n, m, d, x.data(), d, 1, w.data(), m, 1, out.data(), m, false, {nullptr, b.data(), relu}});
}

// dx (N, D) = dout (N, M) w (D, M) turned.
template <class T>
void affine_backward_x(In<T, 2> dout, In<T, 2> w, Out<T, 2> dx) {
    const std::int64_t n = side(dout, 0), d = side(w, 0), m = side(w, 1);
    demand(side(dout, 1) == m && side(dx, 0) == n && side(dx, 1) == d, "dout (N, M), w (D, M), dx (N, D)");
    handgrad::gemm<T>({n, d, m, dout.data(), m, 1, w.data(), 1, m, dx.data(), d, false, {}});
}

// dw (D, M) = x (N, D) turned dout (N, M), if it is asked for; db (M,) = the sums of dout's columns.
template <class T>
void affine_backward_w(In<T, 2> dout, In<T, 2> x, std::optional<Out<T, 2>> dw, Out<T, 1> db) {
    const std::int64_t n = side(x, 0), d = side(x, 1), m = side(dout, 1);
    demand(side(dout, 0) == n && (!dw || (side(*dw, 0) == d && side(*dw, 1) == m)) && side(db, 0) == m,
           "dout (N, M), x (N, D), dw (D, M), db (M,)");
    if (dw) handgrad::gemm<T>({d, m, n, x.data(), 1, d, dout.data(), m, 1, dw->data(), m, false, {}});
    handgrad::column_sums<T>(db.data(), dout.data(), n, m);
}

template <class T>
void bind_for(nb::module_& m) {
    const nb::call_guard<nb::gil_scoped_release> free;
    m.def("affine_forward", &affine_forward<T>, "x"_a.noconvert(), "w"_a.noconvert(), "b"_a.noconvert(),
          "out"_a.noconvert(), "relu"_a.noconvert(), free);
    m.def("affine_backward_x", &affine_backward_x<T>, "dout"_a.noconvert(), "w"_a.noconvert(), "dx"_a.noconvert(),
          free);
    m.def("affine_backward_w", &affine_backward_w<T>, "dout"_a.noconvert(), "x"_a.noconvert(),
          "dw"_a.noconvert().none(), "db"_a.noconvert(), free);
}

}  // namespace

void bind_linear(nb::module_& m) {
    bind_for<float>(m);
    bind_for<double>(m);
}
