// The products of Winograd's convolution in pairs: numbers rounded to bfloat16, two of them side by side in the room of a
// float32, of which one instruction multiplies sixteen by sixteen others and adds both products to the sums of float32.
// To the micro-kernel a pair is a number, and what is summed is half as long. The transforms are those of AVX-512.
#include "../winograd.h"

#include <immintrin.h>

#include "../micro.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

using S = Simd<float>;
using Width = Tuning<float>;

// For plans without pairs.
const WinogradKernels& in_float32() { return avx512::table.winograd; }

// Rounded to bfloat16: all of `first`, then all of `second`.
HANDGRAD_INLINE __m512i rounded(S::Vec first, S::Vec second) {
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
}

// Neighbours of a row are pairs as they lie: `count` numbers to count / 2 pairs, a whole vector of pairs at a time.
void pair_neighbours(const float* from, std::int64_t count, float* to) {
    for (std::int64_t i = 0; i < count; i += 2 * S::lanes)
        S::store(to + i / 2, _mm512_castsi512_ps(rounded(S::load(from + i), S::load(from + i + S::lanes))));
}

// Rows of whole vectors, one after the other: each number with the one below it; a last row without another, with 0.
void pair_rows(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
    const __m512i side_by_side = order_of<std::int16_t>([](int i) { return static_cast<std::int16_t>(i / 2 + i % 2 * S::lanes); });
    for (std::int64_t r = 0; r < rows; r += 2, from += 2 * columns, to += columns)
        for (std::int64_t i = 0; i < columns; i += S::lanes) {
            const S::Vec below = r + 1 < rows ? S::load(from + columns + i) : S::zero();
            const __m512i both = rounded(S::load(from + i), below);
            S::store(to + i, _mm512_castsi512_ps(_mm512_permutexvar_epi16(side_by_side, both)));
        }
}

// Pairs of a panel of filters, and of a place.
std::int64_t panel_of(const WinogradPlan& plan) { return plan.channel_lanes / 2 * Width::width; }
std::int64_t packed_place(const WinogradPlan& plan) { return ceil_div(plan.filters, Width::width) * panel_of(plan) + kLine<float>; }

}  // namespace

std::int64_t winograd_packed_size(const WinogradPlan& plan) { return plan.pairs ? plan.places() * packed_place(plan) : 0; }

void winograd_pack_filters(const WinogradPlan& plan, const float* u, std::int64_t begin, std::int64_t end, float* packed) {
    for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t f = 0; f < ceil_div(plan.filters, Width::width); ++f)
            pair_rows(u + i * plan.filter_step(Width::width) + f * 2 * panel_of(plan), plan.channel_lanes, Width::width,
                      packed + i * packed_place(plan) + f * panel_of(plan));
}

std::int64_t winograd_products_workspace(const WinogradPlan& plan) {
    if (!plan.pairs) return in_float32().products_workspace(plan);
    return ceil_div(plan.block, 2) * (plan.channel_lanes + plan.filter_lanes) + 2 * S::lanes;
}

void winograd_products(const WinogradPlan& plan, const float* v, const float* packed, std::int64_t tiles, float* m,
                       float* workspace) {
    if (!plan.pairs) return in_float32().products(plan, v, packed, tiles, m, workspace);
    const Panels panels(tiles);
    const std::int64_t deep = plan.channel_lanes / 2, panel = panel_of(plan);
    for (int place = 0; place < plan.places(); ++place) {
        // An odd number of vectors reads one more than there is, which lies within the line between two places.
        pair_neighbours(v + place * plan.input_step(), tiles * plan.channel_lanes, workspace);
        const float* b = packed + place * packed_place(plan);
        float* c = m + place * plan.output_step();
        for (std::int64_t f = 0; f < plan.filter_lanes; f += Width::width, b += panel)
            for (std::int64_t q = 0; q < panels.count; ++q) {
                Tile<float> tile{ceil_div(plan.channels, 2), workspace + panels.begin(q) * deep, deep, 1, b, Width::width,
                                 c + panels.begin(q) * plan.filter_lanes + f, plan.filter_lanes,
                                 static_cast<int>(least(Width::width, plan.filter_lanes - f)), false, {}};
                ask_for_share(tile, b + panel, panel, panels.count, q);
                micro_tile<float, false>(panels.height(q), tile);
            }
    }
}

void winograd_filter_products(const WinogradPlan& plan, const float* v, const float* m, std::int64_t tiles, bool add,
                              float* du, float* workspace) {
    if (!plan.pairs) return in_float32().filter_products(plan, v, m, tiles, add, du, workspace);
    const Panels panels(plan.channels);
    const std::int64_t deep = ceil_div(tiles, 2);
    float *const a = workspace, *const b = workspace + deep * plan.channel_lanes;
    for (int place = 0; place < plan.places(); ++place) {
        pair_rows(v + place * plan.input_step(), tiles, plan.channel_lanes, a);
        pair_rows(m + place * plan.output_step(), tiles, plan.filter_lanes, b);
        float* c = du + place * plan.gradient_step();
        for (std::int64_t f = 0; f < plan.filter_lanes; f += Width::width)
            for (std::int64_t q = 0; q < panels.count; ++q) {
                Tile<float> tile{deep, a + panels.begin(q), 1, plan.channel_lanes, b + f, plan.filter_lanes,
                                 c + panels.begin(q) * plan.filter_lanes + f, plan.filter_lanes,
                                 static_cast<int>(least(Width::width, plan.filter_lanes - f)), add, {}};
                micro_tile<float>(panels.height(q), tile);
            }
    }
}

void install(KernelTable& t) {
    t.winograd.pairs = true;
    t.winograd.packed_size = winograd_packed_size;
    t.winograd.pack_filters = winograd_pack_filters;
    t.winograd.products_workspace = winograd_products_workspace;
    t.winograd.products = winograd_products;
    t.winograd.filter_products = winograd_filter_products;
}

}  // namespace handgrad::HANDGRAD_ISA
