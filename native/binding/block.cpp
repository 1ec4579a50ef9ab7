// Blocks: several layers in one.
#include "block.h"

#include "conv_shape.h"
#include "pooling.h"

namespace {

using handgrad::ConvShape;
using handgrad::PoolShape;

PoolShape pool_shape(const ConvShape& s, Pair window, Pair stride) {
    const PoolShape pool{s.out_h(), s.out_w(), window.first, window.second, stride.first, stride.second};
    if (stride.first < 1 || stride.second < 1) throw std::invalid_argument("pool_stride must be at least 1");
    demand(pool.window_y >= 1 && pool.window_x >= 1 && pool.window_y <= pool.height && pool.window_x <= pool.width,
           "the pooling window must fit into the convolution's output");
    return pool;
}

// In the shape of the pool's output.
template <class... A>
bool have_its_shape(const ConvShape& s, const PoolShape& pool, const A&... arrays) {
    const auto is_pooled = [&](const auto& a) {
        return side(a, 0) == s.n && side(a, 1) == s.f && side(a, 2) == pool.out_height() && side(a, 3) == pool.out_width();
    };
    return (is_pooled(arrays) && ...);
}

// And the windows do not overlap.
template <class... A>
bool are_pooled(const ConvShape& s, const PoolShape& pool, const A&... arrays) {
    if (!handgrad::conv_relu_pool_takes(pool))
        throw std::invalid_argument("pool windows must not overlap, and have at most 16 pixels");
    return have_its_shape(s, pool, arrays...);
}

template <class T>
bool pays(In<T, 4> x, In<T, 4> w, Pair stride, Pair pad, Pair window, Pair pool_stride) {
    const ConvShape s = conv_shape(x, w, stride, pad);
    return handgrad::conv_relu_pool_pays(s, pool_shape(s, window, pool_stride), sizeof(T) == sizeof(float));
}

template <class T>
void forward(In<T, 4> x, In<T, 4> w, In<T, 1> b, Pair stride, Pair pad, Pair window, Pair pool_stride, Out<T, 4> out,
             Out<std::uint8_t, 4> winner) {
    const ConvShape s = conv_shape(x, w, stride, pad);
    const PoolShape pool = pool_shape(s, window, pool_stride);
    demand(side(b, 0) == s.f && are_pooled(s, pool, out, winner), "b (F,), out and winner (N, F, H'', W'')");
    handgrad::conv_relu_pool_forward<T>(s, pool, x.data(), w.data(), b.data(), out.data(), winner.data());
}

template <class T>
void backward_x(In<T, 4> dout, In<std::uint8_t, 4> winner, In<T, 4> w, Pair stride, Pair pad, Pair window,
                Pair pool_stride, Out<T, 4> dx) {
    const ConvShape s = conv_shape(dx, w, stride, pad);
    const PoolShape pool = pool_shape(s, window, pool_stride);
    demand(are_pooled(s, pool, dout, winner), "dout and winner (N, F, H'', W''), dx (N, C, H, W)");
    handgrad::conv_relu_pool_backward_x<T>(s, pool, dout.data(), winner.data(), w.data(), dx.data());
}

// None, or a number for each channel.
template <class T>
const T* shift_of(const ConvShape& s, const std::optional<In<T, 1>>& shift) {
    if (!shift) return nullptr;
    demand(side(*shift, 0) == s.c, "shift (C,)");
    return shift->data();
}

template <class T>
void backward_w(In<T, 4> dout, In<std::uint8_t, 4> winner, In<T, 4> x, Pair stride, Pair pad, Pair window,
                Pair pool_stride, Out<T, 4> dw, Out<T, 1> db, std::optional<In<T, 1>> shift) {
    const ConvShape s = conv_shape(x, dw, stride, pad);
    const PoolShape pool = pool_shape(s, window, pool_stride);
    demand(are_pooled(s, pool, dout, winner) && side(db, 0) == s.f, "dout and winner (N, F, H'', W''), db (F,)");
    handgrad::conv_relu_pool_backward_w<T>(s, pool, dout.data(), winner.data(), x.data(), shift_of(s, shift), dw.data(), db.data());
}

template <class T>
void relu_backward_w(In<T, 4> dout, In<T, 4> out, In<T, 4> x, Pair stride, Pair pad, Out<T, 4> dw, Out<T, 1> db,
                     std::optional<In<T, 1>> shift) {
    const ConvShape s = conv_shape(x, dw, stride, pad);
    demand(is_output(s, dout) && is_output(s, out) && side(db, 0) == s.f, "dout and out (N, F, H', W'), db (F,)");
    handgrad::conv_relu_backward_w<T>(s, dout.data(), out.data(), x.data(), shift_of(s, shift), dw.data(), db.data());
}

template <class T>
void moments(In<T, 4> x, In<T, 4> w, Pair stride, Pair pad, Out<T, 1> shift, Out<double, 2> products) {
    const ConvShape s = conv_shape(x, w, stride, pad);
    demand(side(shift, 0) == s.c && side(products, 0) == s.taps() + 1 && side(products, 1) == s.taps() + 1,
           "shift (C,), products (C HH WW + 1, C HH WW + 1)");
    handgrad::conv_moments<T>(s, x.data(), shift.data(), products.data());
}

bool pool_takes(In<float, 4> x, In<float, 4> w, Pair stride, Pair pad, Pair window, Pair pool_stride) {
    const ConvShape s = conv_shape(x, w, stride, pad);
    return handgrad::conv_pool_takes(s, pool_shape(s, window, pool_stride));
}

// As their names say, for shapes that pool_takes.
void demand_taken(const ConvShape& s, const PoolShape& pool) {
    demand(handgrad::conv_pool_takes(s, pool), "conv_pool_takes tells which shapes are taken, at the precision in use");
}

void pool_forward(In<float, 4> x, In<float, 4> w, In<float, 1> b, Pair stride, Pair pad, Pair window, Pair pool_stride,
                  Out<float, 4> out, Out<std::uint8_t, 4> winner) {
    const ConvShape s = conv_shape(x, w, stride, pad);
    const PoolShape pool = pool_shape(s, window, pool_stride);
    demand_taken(s, pool);
    demand(side(b, 0) == s.f && have_its_shape(s, pool, out, winner), "b (F,), out and winner (N, F, H'', W'')");
    handgrad::conv_pool_forward(s, pool, x.data(), w.data(), b.data(), out.data(), winner.data());
}

// A winner beyond the window would be written outside of the convolution's output.
void demand_gradient(const ConvShape& s, const PoolShape& pool, In<float, 4> dout, In<std::uint8_t, 4> winner) {
    demand_taken(s, pool);
    demand(have_its_shape(s, pool, dout, winner), "dout and winner (N, F, H'', W'')");
    demand(handgrad::winners_are_taps(pool, winner.data(), s.n * s.f), "winner holds taps of the window");
}

void pool_backward_x(In<float, 4> dout, In<std::uint8_t, 4> winner, In<float, 4> w, Pair stride, Pair pad, Pair window,
                     Pair pool_stride, Out<float, 4> dx) {
    const ConvShape s = conv_shape(dx, w, stride, pad);
    const PoolShape pool = pool_shape(s, window, pool_stride);
    demand_gradient(s, pool, dout, winner);
    handgrad::conv_pool_backward_x(s, pool, dout.data(), winner.data(), w.data(), dx.data());
}

void pool_backward_w(In<float, 4> dout, In<std::uint8_t, 4> winner, In<float, 4> x, Pair stride, Pair pad, Pair window,
                     Pair pool_stride, Out<float, 4> dw, Out<float, 1> db) {
    const ConvShape s = conv_shape(x, dw, stride, pad);
    const PoolShape pool = pool_shape(s, window, pool_stride);
    demand_gradient(s, pool, dout, winner);
    demand(side(db, 0) == s.f, "db (F,)");
    handgrad::conv_pool_backward_w(s, pool, dout.data(), winner.data(), x.data(), dw.data(), db.data());
}

template <class T>
void bind_for(nb::module_& m) {
    const nb::call_guard<nb::gil_scoped_release> free;
    m.def("conv_relu_pool_pays", &pays<T>, "x"_a.noconvert(), "w"_a.noconvert(), "stride"_a, "pad"_a, "window"_a,
          "pool_stride"_a);
    m.def("conv_relu_pool_forward", &forward<T>, "x"_a.noconvert(), "w"_a.noconvert(), "b"_a.noconvert(), "stride"_a,
          "pad"_a, "window"_a, "pool_stride"_a, "out"_a.noconvert(), "winner"_a.noconvert(), free);
    m.def("conv_relu_pool_backward_x", &backward_x<T>, "dout"_a.noconvert(), "winner"_a.noconvert(), "w"_a.noconvert(),
          "stride"_a, "pad"_a, "window"_a, "pool_stride"_a, "dx"_a.noconvert(), free);
    m.def("conv_relu_pool_backward_w", &backward_w<T>, "dout"_a.noconvert(), "winner"_a.noconvert(), "x"_a.noconvert(),
          "stride"_a, "pad"_a, "window"_a, "pool_stride"_a, "dw"_a.noconvert(), "db"_a.noconvert(),
          "shift"_a.noconvert().none() = nb::none(), free);
    m.def("conv_relu_backward_w", &relu_backward_w<T>, "dout"_a.noconvert(), "out"_a.noconvert(), "x"_a.noconvert(),
          "stride"_a, "pad"_a, "dw"_a.noconvert(), "db"_a.noconvert(), "shift"_a.noconvert().none() = nb::none(), free);
    m.def("conv_moments", &moments<T>, "x"_a.noconvert(), "w"_a.noconvert(), "stride"_a, "pad"_a, "shift"_a.noconvert(),
          "products"_a.noconvert(), free);
}

}  // namespace

void bind_block(nb::module_& m) {
    bind_for<float>(m);
    bind_for<double>(m);
    const nb::call_guard<nb::gil_scoped_release> free;
    m.def("conv_pool_takes", &pool_takes, "x"_a.noconvert(), "w"_a.noconvert(), "stride"_a, "pad"_a, "window"_a, "pool_stride"_a);
    m.def("conv_pool_forward", &pool_forward, "x"_a.noconvert(), "w"_a.noconvert(), "b"_a.noconvert(), "stride"_a, "pad"_a,
          "window"_a, "pool_stride"_a, "out"_a.noconvert(), "winner"_a.noconvert(), free);
    m.def("conv_pool_backward_x", &pool_backward_x, "dout"_a.noconvert(), "winner"_a.noconvert(), "w"_a.noconvert(), "stride"_a,
          "pad"_a, "window"_a, "pool_stride"_a, "dx"_a.noconvert(), free);
    m.def("conv_pool_backward_w", &pool_backward_w, "dout"_a.noconvert(), "winner"_a.noconvert(), "x"_a.noconvert(), "stride"_a,
          "pad"_a, "window"_a, "pool_stride"_a, "dw"_a.noconvert(), "db"_a.noconvert(), free);
}
