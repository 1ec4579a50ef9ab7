// The shapes of a convolution, checked.
#pragma once

#include <utility>

#include "arrays.h"
#include "conv.h"

#include <nanobind/stl/pair.h>

using Pair = std::pair<std::int64_t, std::int64_t>;

template <class X, class W>
handgrad::ConvShape conv_shape(const X& x, const W& w, Pair stride, Pair pad) {
    const handgrad::ConvShape s{side(x, 0), side(x, 1),   side(x, 2),    side(x, 3), side(w, 0), side(w, 2),
                                side(w, 3), stride.first, stride.second, pad.first,  pad.second};
    if (stride.first < 1 || stride.second < 1) throw std::invalid_argument("stride must be at least 1");
    if (pad.first < 0 || pad.second < 0) throw std::invalid_argument("pad must not be negative");
    demand(side(w, 1) == s.c, "x (N, C, H, W), w (F, C, HH, WW)");
    demand(s.hh >= 1 && s.ww >= 1 && s.hh <= s.h + 2 * s.pad_y && s.ww <= s.w + 2 * s.pad_x,
           "w's window must fit into the padded image");
    return s;
}

template <class A>
bool is_output(const handgrad::ConvShape& s, const A& a) {
    return side(a, 0) == s.n && side(a, 1) == s.f && side(a, 2) == s.out_h() && side(a, 3) == s.out_w();
}
