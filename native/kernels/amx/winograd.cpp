// The products of Winograd's convolution on tiles; its transforms are those of AVX-512.
#include "../winograd.h"

#include "finish.h"
#include "kernels.h"
#include "pack.h"
#include "tiles.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

std::int64_t steps(const WinogradPlan& plan) { return steps_of(plan.channel_lanes); }
std::int64_t packed_place(const WinogradPlan& plan) { return panels_of(plan.filters) * steps(plan) * kStepFloats; }

// 32 x 32 sums, or as many of them as there is room for.
void store_some_sums(const float* sums, std::int64_t rows, std::int64_t columns, bool add, float* to, std::int64_t to_row) {
    finish_sums(sums, within(rows, kPanel), within(columns, kPanel), {}, add, to, to_row);
}

}  // namespace

std::int64_t winograd_packed_size(const WinogradPlan& plan) { return plan.places() * packed_place(plan); }

// u is, for each place, (panels of 32 filters, channels, 32), as the transform of AVX-512 leaves it.
void winograd_pack_filters(const WinogradPlan& plan, const float* u, std::int64_t begin, std::int64_t end, float* packed) {
    const std::int64_t panel = plan.channel_lanes * kPanel, place = plan.filter_step(kPanel);
    for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t f = 0; f < panels_of(plan.filters); ++f)
            pack_pairs(packed + i * packed_place(plan) + f * steps(plan) * kStepFloats, u + i * place + f * panel,
                       plan.channel_lanes, kPanel, kPanel, 1);
}

std::int64_t winograd_products_workspace(const WinogradPlan& plan) {
    const std::int64_t forward = panels_of(plan.block) * steps(plan);
    const std::int64_t gradient = steps_of(plan.block) * (panels_of(plan.channel_lanes) + panels_of(plan.filter_lanes));
    return (forward > gradient ? forward : gradient) * kStepFloats + kPanel * kPanel;
}

void winograd_products(const WinogradPlan& plan, const float* v, const float* packed, std::int64_t tiles, float* m,
                       float* workspace) {
    const TileRegisters registers;
    const std::int64_t panel = steps(plan) * kStepFloats;
    float *const sums = workspace, *const a = workspace + kPanel * kPanel;
    // Many channels' filters lie behind the second-level cache: the next panel is asked for while this one is used.
    const bool asks = steps(plan) >= 4;
    for (int place = 0; place < plan.places(); ++place) {
        const float* b = packed + place * packed_place(plan);
        float* to = m + place * plan.output_step();
        pack_rows(a, v + place * plan.input_step(), tiles, plan.channel_lanes, plan.channel_lanes, 1);
        for (std::int64_t f = 0; f < plan.filter_lanes; f += kPanel, b += panel)
            for (std::int64_t t = 0; t < tiles; t += kPanel) {
                const bool whole = tiles - t >= kPanel && plan.filter_lanes - f >= kPanel;
                float* const at = to + t * plan.filter_lanes + f;
                const float* const next = b + panel + t / kPanel * steps(plan) * kAhead;
                multiply_panels(a + t / kPanel * panel, b, steps(plan), whole ? at : sums, false,
                                whole ? plan.filter_lanes : kPanel, asks ? next : nullptr);
                if (!whole) store_some_sums(sums, tiles - t, plan.filter_lanes - f, false, at, plan.filter_lanes);
            }
    }
}

void winograd_filter_products(const WinogradPlan& plan, const float* v, const float* m, std::int64_t tiles, bool add,
                              float* du, float* workspace) {
    const TileRegisters registers;
    const std::int64_t panel = steps_of(tiles) * kStepFloats;
    float *const sums = workspace, *const a = sums + kPanel * kPanel;
    float* const b = a + panels_of(plan.channel_lanes) * panel;
    for (int place = 0; place < plan.places(); ++place) {
        float* to = du + place * plan.gradient_step();
        pack_rows(a, v + place * plan.input_step(), plan.channel_lanes, tiles, 1, plan.channel_lanes);
        pack_pairs(b, m + place * plan.output_step(), tiles, plan.filter_lanes, plan.filter_lanes, 1);
        for (std::int64_t f = 0; f < plan.filter_lanes; f += kPanel)
            for (std::int64_t c = 0; c < plan.channel_lanes; c += kPanel) {
                multiply_panels(a + c / kPanel * panel, b + f / kPanel * panel, steps_of(tiles), sums, false);
                store_some_sums(sums, plan.channel_lanes - c, plan.filter_lanes - f, add, to + c * plan.filter_lanes + f,
                           plan.filter_lanes);
            }
    }
}

}  // namespace handgrad::HANDGRAD_ISA
