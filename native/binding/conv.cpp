// Convolution.
#include "conv.h"

#include "conv_shape.h"
#include "winograd.h"

namespace {

using handgrad::ConvShape;

template <class T>
void forward(In<T, 4> x, In<T, 4> w, In<T, 1> b, Pair stride, Pair pad, bool relu, Out<T, 4> out,
             std::optional<Out<double, 2>> moments) {
    const ConvShape s = conv_shape(x, w, stride, pad);
    demand(side(b, 0) == s.f && is_output(s, out), "b (F,), out (N, F, H', W')");
    handgrad::conv_forward<T>(s, x.data(), w.data(), b.data(), relu, out.data(),
                              moments_of(moments, s.f));
}

template <class T>
void backward_x(In<T, 4> dout, In<T, 4> w, Pair stride, Pair pad, Out<T, 4> dx) {
    const ConvShape s = conv_shape(dx, w, stride, pad);
    demand(is_output(s, dout), "dout (N, F, H', W'), dx (N, C, H, W)");
    handgrad::conv_backward_x<T>(s, dout.data(), w.data(), dx.data());
}

template <class T>
void backward_w(In<T, 4> dout, In<T, 4> x, Pair stride, Pair pad, Out<T, 4> dw, Out<T, 1> db) {
    const ConvShape s = conv_shape(x, dw, stride, pad);
    demand(is_output(s, dout) && side(db, 0) == s.f, "dout (N, F, H', W'), db (F,)");
    handgrad::conv_backward_w<T>(s, dout.data(), x.data(), dw.data(), db.data());
}

template <class T>
void bind_for(nb::module_& m) {
    const nb::call_guard<nb::gil_scoped_release> free;
    m.def("conv_forward", &forward<T>, "x"_a.noconvert(), "w"_a.noconvert(), "b"_a.noconvert(), "stride"_a, "pad"_a,
          "relu"_a.noconvert(), "out"_a.noconvert(), "moments"_a.noconvert().none() = nb::none(), free);
    m.def("conv_backward_x", &backward_x<T>, "dout"_a.noconvert(), "w"_a.noconvert(), "stride"_a, "pad"_a,
          "dx"_a.noconvert(), free);
    m.def("conv_backward_w", &backward_w<T>, "dout"_a.noconvert(), "x"_a.noconvert(), "stride"_a, "pad"_a,
          "dw"_a.noconvert(), "db"_a.noconvert(), free);
}

}  // namespace

void bind_conv(nb::module_& m) {
    bind_for<float>(m);
    bind_for<double>(m);
    m.def("winograd", &handgrad::winograd_allowed);
    m.def("set_winograd", &handgrad::set_winograd, "allowed"_a.noconvert());
}
