// Pooling.
#include "pooling.h"

#include <utility>

#include "arrays.h"

#include <nanobind/stl/pair.h>

namespace {

using Pair = std::pair<std::int64_t, std::int64_t>;
using handgrad::PoolShape;

template <class X>
PoolShape shape_of(const X& x, Pair window, Pair stride) {
    if (stride.first < 1 || stride.second < 1) throw std::invalid_argument("stride must be at least 1");
    const PoolShape s{side(x, 2), side(x, 3), window.first, window.second, stride.first, stride.second};
    demand(s.window_y >= 1 && s.window_x >= 1 && s.window_y <= s.height && s.window_x <= s.width,
           "the window must fit into the image");
    return s;
}

template <class X>
std::int64_t planes_of(const X& x) {
    return side(x, 0) * side(x, 1);
}

template <class X, class Out>
void demand_output(const PoolShape& s, const X& x, const Out& out, const char* rule) {
    demand(side(out, 0) == side(x, 0) && side(out, 1) == side(x, 1) && side(out, 2) == s.out_height() &&
               side(out, 3) == s.out_width(),
           rule);
}

void demand_bytes(const PoolShape& s) { demand(s.taps() <= 256, "winner is bytes, so a window has at most 256 taps"); }

template <class T>
void max_forward(In<T, 4> x, Pair window, Pair stride, Out<T, 4> out, Out<std::uint8_t, 4> winner) {
    const PoolShape s = shape_of(x, window, stride);
    demand_output(s, x, out, "out (N, C, H', W')");
    demand_output(s, x, winner, "winner (N, C, H', W')");
    demand_bytes(s);
    handgrad::max_pool<T>(s, x.data(), out.data(), winner.data(), planes_of(x));
}

template <class T>
void max_backward(In<T, 4> dout, In<std::uint8_t, 4> winner, Pair window, Pair stride, Out<T, 4> dx) {
    const PoolShape s = shape_of(dx, window, stride);
    demand_output(s, dx, dout, "dout (N, C, H', W')");
    demand_output(s, dx, winner, "winner (N, C, H', W')");
    demand_bytes(s);
    if (!s.halves())  // a winner beyond the window would be written outside of dx
        demand(handgrad::winners_are_taps(s, winner.data(), planes_of(dx)), "winner holds taps of the window");
    handgrad::max_pool_gradient<T>(s, dout.data(), winner.data(), dx.data(), planes_of(dx));
}

template <class T>
void average_forward(In<T, 4> x, Pair window, Pair stride, Out<T, 4> out) {
    const PoolShape s = shape_of(x, window, stride);
    demand_output(s, x, out, "out (N, C, H', W')");
    handgrad::average_pool<T>(s, x.data(), out.data(), planes_of(x));
}

template <class T>
void average_backward(In<T, 4> dout, Pair window, Pair stride, Out<T, 4> dx) {
    const PoolShape s = shape_of(dx, window, stride);
    demand_output(s, dx, dout, "dout (N, C, H', W')");
    handgrad::average_pool_gradient<T>(s, dout.data(), dx.data(), planes_of(dx));
}

template <class T>
void global_forward(In<T, 4> x, Out<T, 2> out) {
    demand(side(out, 0) == side(x, 0) && side(out, 1) == side(x, 1), "x (N, C, H, W), out (N, C)");
    demand(side(x, 2) > 0 && side(x, 3) > 0, "x has pixels");
    handgrad::plane_means<T>(x.data(), out.data(), planes_of(x), side(x, 2) * side(x, 3));
}

template <class T>
void global_backward(In<T, 2> dout, Out<T, 4> dx) {
    demand(side(dout, 0) == side(dx, 0) && side(dout, 1) == side(dx, 1), "dout (N, C), dx (N, C, H, W)");
    handgrad::plane_means_gradient<T>(dout.data(), dx.data(), planes_of(dx), side(dx, 2) * side(dx, 3));
}

template <class T>
void bind_for(nb::module_& m) {
    const nb::call_guard<nb::gil_scoped_release> free;
    m.def("max_pool_forward", &max_forward<T>, "x"_a.noconvert(), "window"_a, "stride"_a, "out"_a.noconvert(),
          "winner"_a.noconvert(), free);
    m.def("max_pool_backward", &max_backward<T>, "dout"_a.noconvert(), "winner"_a.noconvert(), "window"_a, "stride"_a,
          "dx"_a.noconvert(), free);
    m.def("avg_pool_forward", &average_forward<T>, "x"_a.noconvert(), "window"_a, "stride"_a, "out"_a.noconvert(), free);
    m.def("avg_pool_backward", &average_backward<T>, "dout"_a.noconvert(), "window"_a, "stride"_a, "dx"_a.noconvert(), free);
    m.def("global_avg_pool_forward", &global_forward<T>, "x"_a.noconvert(), "out"_a.noconvert(), free);
    m.def("global_avg_pool_backward", &global_backward<T>, "dout"_a.noconvert(), "dx"_a.noconvert(), free);
}

}  // namespace

void bind_pooling(nb::module_& m) {
    bind_for<float>(m);
    bind_for<double>(m);
}
