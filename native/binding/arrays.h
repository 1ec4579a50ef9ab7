// The arrays that the binding takes. The type is the check: dtype, rank, C order, writability. Nothing is converted.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "moments.h"

namespace nb = nanobind;
using namespace nb::literals;

// An array that is read, read-only ones too; and one that is written.
template <class T, int Rank>
using In = nb::ndarray<const T, nb::ndim<Rank>, nb::c_contig, nb::device::cpu>;
template <class T, int Rank>
using Out = nb::ndarray<T, nb::ndim<Rank>, nb::c_contig, nb::device::cpu>;

template <class Array>
std::int64_t side(const Array& array, std::size_t axis) {
    return static_cast<std::int64_t>(array.shape(axis));
}

// One sentence for shapes that do not go together: what is checked, and what came.
inline void demand(bool holds, const char* rule) {
    if (!holds) throw std::invalid_argument(std::string("shapes do not go together: ") + rule);
}

// None, or moments (2, channels): mean and squared distances.
template <class Array>
handgrad::ChannelMoments moments_of(const std::optional<Array>& moments, std::int64_t channels) {
    if (!moments) return {};
    demand(side(*moments, 0) == 2 && side(*moments, 1) == channels, "moments (2, channels)");
    auto* const first = const_cast<double*>(moments->data());  // who takes an In reads only
    return {first, first + channels};
}

void bind_memory(nb::module_& m);
void bind_linear(nb::module_& m);
void bind_conv(nb::module_& m);
void bind_elementwise(nb::module_& m);
void bind_update(nb::module_& m);
void bind_loss(nb::module_& m);
void bind_norm(nb::module_& m);
void bind_pooling(nb::module_& m);
void bind_block(nb::module_& m);
