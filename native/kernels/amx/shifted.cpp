// Convolution as a sum of shifted products, on tiles. See kernels/shifted.h.
//
//   forward   pixels x channels times channels x filters: a tile of the left factor is 16 neighbouring positions of 32
//             channels, 1 KB in one piece wherever it begins
//   gradient  filters x pixels times pixels x channels: 16 filters of 32 positions; 16 pairs of positions of 16 channels,
//             staged twice, since a tap may fall between two pairs
#include "../shifted.h"

#include "kernels.h"
#include "pack.h"
#include "tiles.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

static_assert(kPieces == 1);
// Positions of the gradient that stay in the first-level cache while the taps go by.
constexpr std::int64_t kPositionsAtOnce = 256;

// Channels in steps.
std::int64_t chunks(const ShiftedPlan& plan) { return steps_of(plan.channels); }
std::int64_t panel_size(const ShiftedPlan& plan) { return chunks(plan) * plan.taps() * kStepFloats; }

// The rows of an image that a group sees: `count` from `first` on, which are staged from row `place` on.
struct Seen {
    Seen(const ShiftedPlan& plan, const ShiftedGroup& group) {
        const std::int64_t top = group.first - plan.pad_y, bottom = top + group.rows + plan.window_y - 1;
        first = top < 0 ? 0 : top;
        count = least(bottom, plan.height) - first;
        place = first - top;
    }
    std::int64_t first, count, place;
};

// 2 x 2 tiles of products: the left ones have rows `row_bytes` apart.
HANDGRAD_INLINE void multiply_tiles(const float* a0, const float* a1, std::int64_t row_bytes, const float* b0, const float* b1) {
    multiply_step(
        [=](int) HANDGRAD_INLINED {
            _tile_loadd(4, a0, row_bytes);
            _tile_loadd(5, a1, row_bytes);
        },
        [=](int) HANDGRAD_INLINED {
            _tile_loadd(6, b0, 64);
            _tile_loadd(7, b1, 64);
        },
        [] {});
}

template <class Order>
__m512 bf16(__m512 x, __m512 y) {
    __m512 joined;
    split_to<Order>(x, y, [&](int, __m512i v) { joined = _mm512_castsi512_ps(v); });
    return joined;
}

// Zeros from `begin` on, in whole vectors, so perhaps somewhat past `end`.
void clear(float* begin, float* end) {
    for (; begin < end; begin += kTile) S::store(begin, S::zero());
}

// ---------------------------------------------------------------- forward

// The staged images: chunks x positions x 32 channels.
std::int64_t plane_size(const ShiftedPlan& plan) { return plan.positions() * kTile; }
std::int64_t staged_size(const ShiftedPlan& plan) { return chunks(plan) * plane_size(plan); }

// 16 pixels of 32 channels, of which count x channels are read: a vector for each pixel.
void load_pixels(__m512 (&v)[16], const float* from, std::int64_t plane, int count, int channels) {
    const auto load = [=](int c) { return c < channels ? S::load_part(from + c * plane, count) : S::zero(); };
    HANDGRAD_UNROLL
    for (int c = 0; c < 16; ++c) v[c] = bf16<Pairs>(load(2 * c), load(2 * c + 1));
    transpose<S>(v);
}

void stage_channels(const ShiftedPlan& plan, const ShiftedGroup& group, const float* x, std::int64_t first_channel,
                    float* to) {
    const Seen rows(plan, group);
    const std::int64_t plane = plan.height * plan.width;
    float* cleared = to;  // all before it is pixels or zeros
    for (std::int64_t image = 0; image < group.images; ++image) {
        const float* from = x + (image * plan.channels + first_channel) * plane + rows.first * plan.width;
        float* at = to + (image * plan.pitch() + rows.place * plan.row() + plan.pad_x) * kTile;
        clear(cleared, at);
        std::int64_t column = 0;
        for (std::int64_t p = 0; p < rows.count * plan.width; p += kTile) {
            const int count = within(rows.count * plan.width - p, kTile);
            __m512 v[16];
            load_pixels(v, from + p, plane, count, within(plan.channels - first_channel, kStep));
            for (int i = 0; i < count; ++i, at += kTile) {
                S::store(at, v[i]);
                if (++column < plan.width) continue;
                column = 0;
                clear(at + kTile, at + (1 + plan.pad_x) * kTile);
                at += plan.pad_x * kTile;
            }
        }
        cleared = at;
    }
    clear(cleared, to + plane_size(plan));
}

// 16 positions: where they are staged, where their outputs lie, and which of them are outputs.
struct Place {
    const float* staged;
    float* out;
    __mmask16 outputs;
};

std::int64_t places_of(const ShiftedPlan& plan, std::int64_t rows) { return ceil_div(plan.outputs(rows), kTile); }

std::int64_t find_places(const ShiftedPlan& plan, const ShiftedGroup& group, const float* staged, float* out, Place* to) {
    std::int64_t number = 0;
    for (std::int64_t image = 0; image < group.images; ++image) {
        float* next = out + image * plan.filters * plan.out_height * plan.out_width + group.first * plan.out_width;
        std::int64_t x = 0, left = group.rows * plan.out_width;
        for (std::int64_t q = 0; q < plan.outputs(group.rows); q += kTile, ++number) {
            unsigned outputs = 0;
            float* const begin = next;
            for (int i = 0; i < kTile; ++i) {
                if (x < plan.out_width && left > 0) outputs |= 1u << i, ++next, --left;
                if (++x == plan.row()) x = 0;
            }
            to[number] = {staged + (image * plan.pitch() + q) * kTile, begin, static_cast<__mmask16>(outputs)};
        }
    }
    return number;
}

// sums (32 positions x 32 filters) = two places times the filters b; ask() comes once a step.
template <class Ask>
HANDGRAD_INLINE void multiply_taps(const ShiftedPlan& plan, const float* first, const float* second, const float* b,
                                   float* sums, const Ask& ask) {
    const std::int64_t plane = plane_size(plan), row = plan.row() * kTile;
    start_sums(sums, kPanel, false);
    for (std::int64_t chunk = 0; chunk < chunks(plan); ++chunk, first += plane, second += plane)
        for (std::int64_t i = 0; i < plan.window_y; ++i)
            for (std::int64_t j = 0; j < plan.window_x; ++j, b += kStepFloats) {
                multiply_tiles(first + i * row + j * kTile, second + i * row + j * kTile, 64, b, b + kTileFloats);
                ask();
            }
    store_sums(sums, kPanel);
}

// Bias, relu; then 16 positions x 16 filters turned, and each filter's outputs stored next to each other, `skip` numbers
// on for the first of these filters.
void finish_place(const Place& place, const float* sums, std::int64_t skip, std::int64_t plane, int filters,
                  const float* bias, bool relu) {
    const int count = __builtin_popcount(place.outputs);
    for (int half = 0; half < filters; half += kTile) {
        const int here = within(filters - half, kTile);
        const __m512 add = bias ? S::load_part(bias + half, here) : S::zero();
        __m512 v[16];
        HANDGRAD_UNROLL
        for (int i = 0; i < kTile; ++i) {
            v[i] = S::add(S::load(sums + i * kPanel + half), add);
            if (relu) v[i] = S::relu(v[i]);
        }
        transpose<S>(v);
        HANDGRAD_UNROLL
        for (int f = 0; f < kTile; ++f)
            if (f < here)
                S::store_part(place.out + skip + (half + f) * plane, _mm512_maskz_compress_ps(place.outputs, v[f]), count);
    }
}

// Places are found once a group; so many there may be.
std::int64_t most_places(const ShiftedPlan& plan) { return plan.images * places_of(plan, plan.band); }
std::int64_t room_for_places(const ShiftedPlan& plan) {
    return ceil_div(most_places(plan) * static_cast<std::int64_t>(sizeof(Place)), kLineBytes) * kTile;
}

}  // namespace

std::int64_t shifted_panels(const ShiftedPlan& plan) { return panels_of(plan.filters); }
std::int64_t shifted_packed_size(const ShiftedPlan& plan) { return shifted_panels(plan) * panel_size(plan); }

void shifted_pack(const ShiftedPlan& plan, const ShiftedFilters& filters, std::int64_t begin, std::int64_t end,
                  float* packed) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
        float* to = packed + panel * panel_size(plan);
        for (std::int64_t c = 0; c < plan.channels; c += kStep)
            for (std::int64_t tap = 0; tap < plan.taps(); ++tap, to += kStepFloats)
                pack_pairs(to,
                           filters.w + c * filters.channel + panel * kPanel * filters.filter +
                               (filters.backwards ? plan.taps() - 1 - tap : tap),
                           least(kStep, plan.channels - c), least(kPanel, plan.filters - panel * kPanel), filters.channel,
                           filters.filter);
    }
}

std::int64_t shifted_workspace(const ShiftedPlan& plan) {
    return staged_size(plan) + kPanel * kPanel + room_for_places(plan);
}

void shifted_forward(const ShiftedPlan& plan, const ShiftedGroup& group, const float* x, const float* packed,
                     const float* bias, bool relu, float* out, float* workspace) {
    const TileRegisters registers;
    float *const staged = workspace, *const sums = staged + staged_size(plan);
    Place* const places = reinterpret_cast<Place*>(sums + kPanel * kPanel);
    for (std::int64_t chunk = 0; chunk < chunks(plan); ++chunk)
        stage_channels(plan, group, x, chunk * kStep, staged + chunk * plane_size(plan));
    const std::int64_t number = find_places(plan, group, staged, out, places), plane = plan.out_height * plan.out_width;
    const std::int64_t filters_a_step = kPanel / (chunks(plan) * plan.taps()) + 1;
    for (std::int64_t f = 0; f < plan.filters; f += kPanel, packed += panel_size(plan))
        for (std::int64_t t = 0; t < number; t += 2) {
            const int pair = within(number - t, 2);
            const Place &first = places[t], &second = places[t + pair - 1];
            std::int64_t asked = f * plane;  // the lines of the outputs are asked for while their sums are made
            const std::int64_t last = asked + within(plan.filters - f, kPanel) * plane;
            multiply_taps(plan, first.staged, second.staged, packed, sums, [&]() HANDGRAD_INLINED {
                for (std::int64_t i = 0; i < filters_a_step && asked < last; ++i, asked += plane) {
                    _mm_prefetch(first.out + asked, _MM_HINT_T0);
                    _mm_prefetch(second.out + asked, _MM_HINT_T0);
                }
            });
            for (int i = 0; i < pair; ++i)
                finish_place(places[t + i], sums + i * kTile * kPanel, f * plane, plane, within(plan.filters - f, kPanel),
                             bias ? bias + f : nullptr, relu);
        }
}

// ---------------------------------------------------------------- the gradient of the filters

namespace {

// Positions of a group in whole steps, and what is between two rows of them: an odd number of lines, or all rows would
// fall on a few sets of the cache.
std::int64_t depth_of(const ShiftedPlan& plan) { return steps_of(plan.images * plan.pitch()) * kStep; }
std::int64_t line_floats(const ShiftedPlan& plan) { return (depth_of(plan) / kStep | 1) * kTile; }
std::int64_t rows_size(const ShiftedPlan& plan) { return panels_of(plan.filters) * kPanel * line_floats(plan); }
// 16 channels: two versions x pairs of positions x 16 channels.
std::int64_t pairs_floats(const ShiftedPlan& plan) { return steps_of(plan.positions() + kStep) * kTileFloats; }
std::int64_t pairs_size(const ShiftedPlan& plan) {
    return panels_of(plan.channels) * 2 * 2 * pairs_floats(plan);
}
// A channel in its positions, as numbers.
std::int64_t line_size(const ShiftedPlan& plan) { return steps_of(plan.positions()) * kStep + 2 * kStep; }

// Lays a plane of each image of the group, `rows` rows of `width` numbers, at its positions, the first at `place`; all
// else is 0.
void lay(const ShiftedPlan& plan, std::int64_t images, const float* from, std::int64_t image_size, std::int64_t rows,
         std::int64_t width, std::int64_t place, float* to) {
    float *cleared = to, *const end = to + line_size(plan) - kTile;
    for (std::int64_t image = 0; image < images; ++image, from += image_size) {
        float* row = to + image * plan.pitch() + place;
        clear(cleared, row);
        for (std::int64_t y = 0; y < rows; ++y, row += plan.row())
            for (std::int64_t x = 0; x < plan.row(); x += kTile)  // past the end may be the next row's place
                S::store(row + x, S::load_part(from + y * width + x, within(width - x, kTile)));
        cleared = row;
    }
    clear(cleared, end);
}

// 32 numbers in a row.
__m512 bf16_line(const float* from) { return bf16<Rows>(S::load(from), S::load(from + kTile)); }

// Adds the sums of dout's planes to db (filters).
void stage_gradient(const ShiftedPlan& plan, const ShiftedGroup& group, const float* dout, float* line, float* to, float* db) {
    const std::int64_t plane = plan.out_height * plan.out_width;
    for (std::int64_t f = 0; f < panels_of(plan.filters) * kPanel; ++f, to += line_floats(plan)) {
        if (f >= plan.filters) {
            clear(to, to + line_floats(plan));
            continue;
        }
        lay(plan, group.images, dout + f * plane + group.first * plan.out_width, plan.filters * plane, group.rows,
            plan.out_width, 0, line);
        __m512 sum = S::zero();
        for (std::int64_t q = 0; q < depth_of(plan); q += kStep) {
            S::store(to + q / 2, bf16_line(line + q));
            sum = S::add(sum, S::add(S::load(line + q), S::load(line + q + kTile)));
        }
        db[f] += _mm512_reduce_add_ps(sum);
    }
}

// 16 channels from `channel` on.
void stage_pairs(const ShiftedPlan& plan, const ShiftedGroup& group, const float* x, std::int64_t channel, float* lines,
                 float* to) {
    const Seen rows(plan, group);
    const std::int64_t pixels = plan.height * plan.width, size = line_size(plan);
    for (int c = 0; c < kTile; ++c)
        lay(plan, channel + c < plan.channels ? group.images : 0, x + (channel + c) * pixels + rows.first * plan.width,
            plan.channels * pixels, rows.count, plan.width, rows.place * plan.row() + plan.pad_x, lines + c * size);
    for (int odd = 0; odd < 2; ++odd, to += pairs_floats(plan))
        for (std::int64_t q = 0; q < steps_of(plan.positions()) * kStep; q += kStep) {
            __m512 v[16];
            HANDGRAD_UNROLL
            for (int c = 0; c < 16; ++c) v[c] = bf16_line(lines + c * size + q + odd);
            transpose<S>(v);
            for (int r = 0; r < 16; ++r) S::store(to + (q / 2 + r) * kTile, v[r]);
        }
}

}  // namespace

std::int64_t shifted_gradient_size(const ShiftedPlan& plan) {
    return panels_of(plan.filters) * panels_of(plan.channels) * plan.taps() * kPanel * kPanel;
}

std::int64_t shifted_gradient_workspace(const ShiftedPlan& plan) {
    return rows_size(plan) + pairs_size(plan) + kTile * line_size(plan);
}

void shifted_gradient(const ShiftedPlan& plan, const ShiftedGroup& group, const float* dout, const float* x, float* sums,
                      float* db, float* workspace) {
    const TileRegisters registers;
    float *const rows = workspace, *const pairs = rows + rows_size(plan), *const lines = pairs + pairs_size(plan);
    const std::int64_t version = pairs_floats(plan), block = 2 * version, line = line_floats(plan);
    stage_gradient(plan, group, dout, lines, rows, db);
    for (std::int64_t c = 0; c < panels_of(plan.channels) * 2; ++c)
        stage_pairs(plan, group, x, c * kTile, lines, pairs + c * block);
    const std::int64_t all = group.images * plan.pitch();
    for (std::int64_t q = 0; q < all; q += kPositionsAtOnce) {
        const std::int64_t steps = steps_of(least(kPositionsAtOnce, all - q));
        float* to = sums;
        for (std::int64_t f = 0; f < panels_of(plan.filters); ++f)
            for (std::int64_t c = 0; c < panels_of(plan.channels); ++c)
                for (std::int64_t tap = 0; tap < plan.taps(); ++tap, to += kPanel * kPanel) {
                    const std::int64_t from = q + tap / plan.window_x * plan.row() + tap % plan.window_x;
                    const float* a = rows + f * kPanel * line + q / 2;
                    const float* b = pairs + 2 * c * block + from % 2 * version + from / 2 * kTile;
                    start_sums(to, kPanel, true);
                    for (std::int64_t step = 0; step < steps; ++step, a += kTile, b += kTileFloats)
                        multiply_tiles(a, a + kTile * line, line * 4, b, b + block);
                    store_sums(to, kPanel);
                }
    }
}

void shifted_unpack(const ShiftedPlan& plan, const float* sums, std::int64_t count, std::int64_t apart, std::int64_t begin,
                    std::int64_t end, float* dw) {
    const std::int64_t taps = plan.taps();
    const std::int64_t panels = panels_of(plan.channels);
    for (std::int64_t f = begin * kPanel; f < least(plan.filters, end * kPanel); ++f)
        for (std::int64_t c = 0; c < plan.channels; ++c)
            for (std::int64_t tap = 0; tap < taps; ++tap) {
                const float* from = sums + ((f / kPanel * panels + c / kPanel) * taps + tap) * kPanel * kPanel +
                                    f % kPanel * kPanel + c % kPanel;
                float sum = *from;
                for (std::int64_t part = 1; part < count; ++part) sum += from[part * apart];
                dw[(f * plan.channels + c) * taps + tap] = sum;
            }
}

}  // namespace handgrad::HANDGRAD_ISA
