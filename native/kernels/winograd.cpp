// The steps of Winograd's convolution. Transforms work on a vector of channels of one tile at a time; the products
// are the micro-kernel of the matrix product.
#include "winograd.h"

#include "micro.h"
#include "pack.h"
#include "table.h"
#include "winograd_outputs.h"
#include "winograd_sides.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

using Width = Tuning<float>;

constexpr std::int64_t kUnitChannels = 16;

std::int64_t panels_of_filters(const WinogradPlan& plan) { return ceil_div(plan.filters, Width::width); }

// u is 36 of (panels, channels, width), so far apart.
std::int64_t filter_step(const WinogradPlan& plan) { return plan.filter_step(Width::width); }
std::int64_t filter_size(const WinogradPlan& plan) { return WinogradPlan::places * filter_step(plan); }
std::int64_t filter_workspace() { return 9 * kUnitChannels * Width::width; }
std::int64_t channel_units(const WinogradPlan& plan) { return ceil_div(plan.channel_lanes, kUnitChannels); }
std::int64_t filter_units(const WinogradPlan& plan) { return panels_of_filters(plan) * channel_units(plan); }

void transform_filters(const WinogradPlan& plan, const float* w, std::int64_t begin, std::int64_t end, float* u,
                       float* workspace) {
    const std::int64_t row = 9 * plan.channels, place = filter_step(plan);
    for (std::int64_t unit = begin; unit < end; ++unit) {
        const std::int64_t panel = unit / channel_units(plan), c0 = unit % channel_units(plan) * kUnitChannels;
        const std::int64_t real = least(kUnitChannels, plan.channels - c0);
        const int rows = static_cast<int>(least(Width::width, plan.filters - panel * Width::width));
        if (real > 0)
            pack_panel(workspace, Width::width, rows, 9 * real, w + panel * Width::width * row + c0 * 9, row,
                       std::int64_t{1}, 9 * kUnitChannels);
        for (std::int64_t c = 0; c < least(kUnitChannels, plan.channel_lanes - c0); ++c)
            for (int f = 0; f < Width::width; f += S::lanes) {
                const float* g = workspace + c * 9 * Width::width + f;
                float* to = u + (panel * plan.channel_lanes + c0 + c) * Width::width + f;
                both_sides<3, 6, filter_side>(
                    [&](int i, int j) { return c < real ? S::load(g + (i * 3 + j) * Width::width) : S::zero(); },
                    [&](int i, int j, Vec v) { S::store(to + (i * 6 + j) * place, v); });
            }
    }
}

void stage(const float* image, std::int64_t planes, std::int64_t plane, std::int64_t height, std::int64_t width,
           std::int64_t top, std::int64_t left, std::int64_t rows, std::int64_t columns, float* to) {
    const std::int64_t deep = ceil_div(planes, S::lanes) * S::lanes, pixels = height * width;
    const auto clear = [&](std::int64_t row, std::int64_t from, std::int64_t until) {
        for (std::int64_t i = (row * columns + from) * deep; i < (row * columns + until) * deep; i += S::lanes)
            S::store(to + i, S::zero());
    };
    for (std::int64_t y = 0; y < rows; ++y) {
        const bool border = y < top || y >= top + height;
        clear(y, 0, border ? columns : left);
        if (!border) clear(y, left + width, columns);
    }
    for (std::int64_t c = 0; c < planes; c += S::lanes) {
        const int here = static_cast<int>(least(S::lanes, planes - c));
        std::int64_t y = 0, x = 0;
        for (std::int64_t p = 0; p < pixels; p += S::lanes) {
            const int count = static_cast<int>(least(S::lanes, pixels - p));
            Vec v[S::lanes];
            HANDGRAD_UNROLL
            for (int i = 0; i < S::lanes; ++i) {
                const float* from = image + (c + i) * plane + p;
                v[i] = i >= here ? S::zero() : count == S::lanes ? S::load(from) : S::load_part(from, count);
            }
            transpose<S>(v);
            for (int i = 0; i < count; ++i) {
                S::store(to + ((y + top) * columns + x + left) * deep + c, v[i]);
                if (++x == width) {
                    x = 0;
                    ++y;
                }
            }
        }
    }
}

void transform_input(const WinogradPlan& plan, const float* staged, std::int64_t first, std::int64_t count, float* v) {
    const std::int64_t deep = plan.channel_lanes, row = plan.staged_width() * deep, step = plan.input_step();
    for (std::int64_t t = first; t < first + count; ++t, v += deep) {
        const float* corner = staged + 4 * (t / plan.tiles_x * row + t % plan.tiles_x * deep);
        for (std::int64_t c = 0; c < deep; c += S::lanes)
            both_sides<6, 6, input_side>([&](int i, int j) { return S::load(corner + i * row + j * deep + c); },
                                         [&](int i, int j, Vec o) { S::store(v + (i * 6 + j) * step + c, o); });
    }
}

void transform_gradient(const WinogradPlan& plan, const float* staged, std::int64_t first, std::int64_t count, float* m) {
    const std::int64_t deep = plan.filter_lanes, row = 4 * plan.tiles_x * deep, step = plan.output_step();
    for (std::int64_t t = first; t < first + count; ++t, m += deep) {
        const float* corner = staged + 4 * (t / plan.tiles_x * row + t % plan.tiles_x * deep);
        for (std::int64_t f = 0; f < deep; f += S::lanes)
            both_sides<4, 6, gradient_side>([&](int i, int j) { return S::load(corner + i * row + j * deep + f); },
                                            [&](int i, int j, Vec o) { S::store(m + (i * 6 + j) * step + f, o); });
    }
}

std::int64_t products_workspace(const WinogradPlan&) { return 0; }

void products(const WinogradPlan& plan, const float* v, const float* u, std::int64_t tiles, float* m, float*) {
    const Panels panels(tiles);
    const std::int64_t panel = plan.channel_lanes * Width::width;
    for (int place = 0; place < WinogradPlan::places; ++place) {
        const float *a = v + place * plan.input_step(), *b = u + place * filter_step(plan);
        float* c = m + place * plan.output_step();
        for (std::int64_t f = 0; f < plan.filter_lanes; f += Width::width, b += panel)
            for (std::int64_t q = 0; q < panels.count; ++q) {
                Tile<float> tile{plan.channels, a + panels.begin(q) * plan.channel_lanes, plan.channel_lanes, 1, b,
                                 Width::width, c + panels.begin(q) * plan.filter_lanes + f, plan.filter_lanes,
                                 static_cast<int>(least(Width::width, plan.filter_lanes - f)), false, {}};
                ask_for_share(tile, b + panel, panel, panels.count, q);
                micro_tile<float, false>(panels.height(q), tile);
            }
    }
}

// Where v and m are so large they come from the third-level cache, a line here and a line there, which the machine does not
// foresee: while one place is multiplied, each tile asks for its share of the next one's.
constexpr std::int64_t kFarAway = 8 << 20;

void filter_products(const WinogradPlan& plan, const float* v, const float* m, std::int64_t tiles, bool add, float* du,
                     float*) {
    const Panels panels(plan.channels);
    const std::int64_t of_v = tiles * plan.channel_lanes, of_m = tiles * plan.filter_lanes;
    const bool far = WinogradPlan::places * (of_v + of_m) * static_cast<std::int64_t>(sizeof(float)) >= kFarAway;
    // Of the tiles of a place so many ask for v, the others for m.
    const std::int64_t all = panels.count * ceil_div(plan.filter_lanes, Width::width), for_v = all * of_v / (of_v + of_m);
    for (int place = 0; place < WinogradPlan::places; ++place) {
        const float *a = v + place * plan.input_step(), *b = m + place * plan.output_step();
        float* c = du + place * plan.gradient_step();
        const bool asks = far && place + 1 < WinogradPlan::places;
        std::int64_t number = 0;
        for (std::int64_t f = 0; f < plan.filter_lanes; f += Width::width)
            for (std::int64_t q = 0; q < panels.count; ++q, ++number) {
                Tile<float> tile{tiles, a + panels.begin(q), 1, plan.channel_lanes, b + f, plan.filter_lanes,
                                 c + panels.begin(q) * plan.filter_lanes + f, plan.filter_lanes,
                                 static_cast<int>(least(Width::width, plan.filter_lanes - f)), add, {}};
                if (asks && number < for_v)
                    ask_for_share(tile, a + plan.input_step(), of_v, for_v, number);
                else if (asks)
                    ask_for_share(tile, b + plan.output_step(), of_m, all - for_v, number - for_v);
                micro_tile<float>(panels.height(q), tile);
            }
    }
}

// A square of 4 x 4 pixels for each lane of y, to the filters' planes; what hangs over the image is left out.
void store_tile(const WinogradPlan& plan, Vec (&y)[16], std::int64_t tile, int filters, float* out) {
    const std::int64_t top = tile / plan.tiles_x * 4, left = tile % plan.tiles_x * 4;
    const std::int64_t plane = plan.out_height * plan.out_width;
    const Inside in(plan, tile);
    alignas(64) float square[S::lanes][16];  // of each filter
    HANDGRAD_UNROLL
    for (int p = 0; p < 16; p += S::lanes) {
        Vec v[S::lanes];
        HANDGRAD_UNROLL
        for (int i = 0; i < S::lanes; ++i) v[i] = y[p + i];
        transpose<S>(v);
        HANDGRAD_UNROLL
        for (int i = 0; i < S::lanes; ++i) S::store(square[i] + p, v[i]);
    }
    for (int f = 0; f < filters; ++f) {
        float* to = out + f * plane + top * plan.out_width + left;
        for (int i = 0; i < in.high; ++i, to += plan.out_width)
            if (in.wide == 4)
                memcpy(to, square[f] + 4 * i, 4 * sizeof(float));
            else
                for (int j = 0; j < in.wide; ++j) to[j] = square[f][4 * i + j];
    }
}

// Tiles side by side, as many as fill a vector of pixels: their rows are stored whole, for scattered quarters of a line
// in planes that are a power of two apart cost as much as the products.
constexpr int kStrip = S::lanes / 4;

// Vectors of pixels of a strip: a row of it, or where the image is no wider than `Wide` the rows that lie in one piece.
template <int Wide>
void store_rows(const WinogradPlan& plan, const Vec (&y)[kStrip][16], std::int64_t tile, int filters, float* out) {
    constexpr int rows = S::lanes / Wide;
    const std::int64_t top = tile / plan.tiles_x * 4, left = tile % plan.tiles_x * 4;
    const std::int64_t plane = plan.out_height * plan.out_width, high = least(4, plan.out_height - top);
    const std::int64_t wide = least(Wide, plan.out_width - left);
    for (std::int64_t i = 0; i < high; i += rows) {
        Vec v[S::lanes];
        HANDGRAD_UNROLL
        for (int p = 0; p < S::lanes; ++p) v[p] = y[p % Wide / 4][4 * (i + p / Wide) + p % 4];
        transpose<S>(v);
        float* to = out + (top + i) * plan.out_width + left;
        const int pixels = static_cast<int>(rows == 1 ? wide : least(rows, high - i) * Wide);
        HANDGRAD_UNROLL
        for (int f = 0; f < S::lanes; ++f)
            if (f < filters) store_some<S>(to + f * plane, v[f], pixels);
    }
}

void store_strip(const WinogradPlan& plan, const Vec (&y)[kStrip][16], std::int64_t tile, int filters, float* out) {
    if constexpr (S::lanes == 16) {
        if (plan.out_width == 4) return store_rows<4>(plan, y, tile, filters, out);
    }
    if constexpr (S::lanes >= 8) {
        if (plan.out_width == S::lanes / 2) return store_rows<S::lanes / 2>(plan, y, tile, filters, out);
    }
    store_rows<S::lanes>(plan, y, tile, filters, out);
}

// Whether `tile` and those to its right, `left` of them being there, make a strip, which may hang over the image.
bool strip_begins(const WinogradPlan& plan, std::int64_t tile, std::int64_t left) {
    const std::int64_t row = least(kStrip, plan.tiles_x - tile % plan.tiles_x);
    return (row > 1 || plan.out_width == 4) && left >= row;
}

void transform_output(const WinogradPlan& plan, const float* m, std::int64_t first, std::int64_t count,
                      const float* bias, bool relu, float* out, TileMoments* moments) {
    const std::int64_t step = plan.output_step(), plane = plan.out_height * plan.out_width;
    for (std::int64_t t = first, tiles = 1; t < first + count; t += tiles, m += tiles * plan.filter_lanes) {
        const bool strip = strip_begins(plan, t, first + count - t);
        tiles = strip ? least(kStrip, plan.tiles_x - t % plan.tiles_x) : 1;
        const Strip here(plan, t, tiles, moments ? moments->count : 0);
        for (std::int64_t f = 0; f < plan.filters; f += S::lanes) {
            const int filters = static_cast<int>(least(S::lanes, plan.filters - f));
            const Vec add = bias ? S::load_part(bias + f, filters) : S::zero();
            Vec y[kStrip][16];
            for (std::int64_t tile = tiles; strip && tile < kStrip; ++tile)
                for (Vec& v : y[tile]) v = S::zero();
            for (std::int64_t tile = 0; tile < tiles; ++tile) {
                const float* from = m + tile * plan.filter_lanes + f;
                both_sides<6, 4, output_side>([&](int i, int j) { return S::load(from + (i * 6 + j) * step); },
                                              [&](int i, int j, Vec o) {
                                                  const Vec sum = S::add(o, add);
                                                  y[tile][4 * i + j] = relu ? S::relu(sum) : sum;
                                              });
            }
            if (moments) join_outputs(plan, y, here, f, *moments);
            if (strip)
                store_strip(plan, y, t, filters, out + f * plane);
            else
                store_tile(plan, y[0], t, filters, out + f * plane);
        }
        if (moments) moments->count += here.count;
    }
}

// The sums lie in 36 places a part, more streams than the machine follows by itself: so many numbers ahead they are asked for.
constexpr std::int64_t kAhead = 4 * S::lanes;

void filter_gradients(const WinogradPlan& plan, const float* parts, std::int64_t count, std::int64_t begin,
                      std::int64_t end, float* dw) {
    const std::int64_t place = plan.gradient_step(), share = WinogradPlan::places * place;
    for (std::int64_t c = begin; c < end; ++c)
        for (std::int64_t f = 0; f < plan.filters; f += S::lanes) {
            const float* at = parts + c * plan.filter_lanes + f;
            float taps[9][S::lanes];
            const auto sum_of_parts = [&](int i, int j) {
                const float* from = at + (i * 6 + j) * place;
                Vec sum = S::load(from);
                prefetch_read(from + kAhead);
                for (std::int64_t part = 1; part < count; ++part) {
                    sum = S::add(sum, S::load(from + part * share));
                    prefetch_read(from + part * share + kAhead);
                }
                return sum;
            };
            both_sides<6, 3, filter_gradient_side>(sum_of_parts,
                                                   [&](int i, int j, Vec o) { S::store(taps[3 * i + j], o); });
            for (int lane = 0; lane < least(S::lanes, plan.filters - f); ++lane)
                for (int tap = 0; tap < 9; ++tap) dw[((f + lane) * plan.channels + c) * 9 + tap] = taps[tap][lane];
        }
}

}  // namespace

const WinogradKernels winograd{
    S::lanes, 4 * kRows, stage, filter_units, filter_size,        filter_workspace, transform_filters,  transform_input,
    nullptr,  nullptr, products_workspace, products, transform_output, transform_gradient, filter_products,
    filter_gradients,
};

}  // namespace handgrad::HANDGRAD_ISA
