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

// u has (panels, channels, width) for each place, so far apart.
std::int64_t filter_step(const WinogradPlan& plan) { return plan.filter_step(Width::width); }
std::int64_t filter_size(const WinogradPlan& plan) { return plan.places() * filter_step(plan); }
std::int64_t filter_workspace() { return 9 * kUnitChannels * Width::width; }
std::int64_t channel_units(const WinogradPlan& plan) { return ceil_div(plan.channel_lanes, kUnitChannels); }
std::int64_t filter_units(const WinogradPlan& plan) { return panels_of_filters(plan) * channel_units(plan); }

template <int Side>
void filters(const WinogradPlan& plan, const float* w, std::int64_t begin, std::int64_t end, float* u, float* workspace) {
    constexpr int points = Side + 2;
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
                both_sides<3, points>(
                    [](Vec(&v)[3], Vec(&o)[points]) HANDGRAD_INLINED { to_points(matrices<Side>.filters, v, o); },
                    [&](int i, int j) HANDGRAD_INLINED {
                        return c < real ? S::load(g + (i * 3 + j) * Width::width) : S::zero();
                    },
                    [&](int i, int j, Vec v) HANDGRAD_INLINED { S::store(to + (i * points + j) * place, v); });
            }
    }
}

void stage(const float* image, std::int64_t planes, std::int64_t plane, std::int64_t height, std::int64_t width,
           std::int64_t top, std::int64_t left, std::int64_t rows, std::int64_t columns, float* to) {
    const std::int64_t pixel = staged_pixel(ceil_div(planes, S::lanes) * S::lanes), pixels = height * width;
    const auto clear = [&](std::int64_t row, std::int64_t from, std::int64_t until) {
        for (std::int64_t i = (row * columns + from) * pixel; i < (row * columns + until) * pixel; i += S::lanes)
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
                prefetch_read(from + S::lanes * plane);  // planes are more streams than the machine follows
                v[i] = i >= here ? S::zero() : count == S::lanes ? S::load(from) : S::load_part(from, count);
            }
            transpose<S>(v);
            for (int i = 0; i < count; ++i) {
                S::store(to + ((y + top) * columns + x + left) * pixel + c, v[i]);
                if (++x == width) {
                    x = 0;
                    ++y;
                }
            }
        }
    }
}

// So many places are more streams than the machine follows by itself, and lie in the third-level cache: they are asked for.
template <int Side>
inline constexpr bool kFar = Side > 5;

template <int Side>
void input(const WinogradPlan& plan, const float* staged, std::int64_t first, std::int64_t count, float* v) {
    constexpr int points = Side + 2;
    const std::int64_t deep = plan.channel_lanes, pixel = staged_pixel(deep), row = plan.staged_width() * pixel;
    const std::int64_t step = plan.input_step();
    for (std::int64_t t = first; t < first + count; ++t, v += deep) {
        const float* corner = staged + Side * (t / plan.tiles_x * row + t % plan.tiles_x * pixel);
        for (std::int64_t c = 0; c < deep; c += S::lanes)
            both_sides<points, points>(
                [](Vec(&d)[points], Vec(&o)[points]) HANDGRAD_INLINED { to_points(matrices<Side>.inputs, d, o); },
                [&](int i, int j) HANDGRAD_INLINED { return S::load(corner + i * row + j * pixel + c); },
                [&](int i, int j, Vec o) HANDGRAD_INLINED {
                    float* const at = v + (i * points + j) * step + c;
                    if constexpr (kFar<Side>) prefetch(at + 2 * S::lanes);
                    S::store(at, o);
                });
    }
}

template <int Side>
void gradient(const WinogradPlan& plan, const float* staged, std::int64_t first, std::int64_t count, float* m) {
    constexpr int points = Side + 2;
    const std::int64_t deep = plan.filter_lanes, pixel = staged_pixel(deep), row = Side * plan.tiles_x * pixel;
    const std::int64_t step = plan.output_step();
    for (std::int64_t t = first; t < first + count; ++t, m += deep) {
        const float* corner = staged + Side * (t / plan.tiles_x * row + t % plan.tiles_x * pixel);
        for (std::int64_t f = 0; f < deep; f += S::lanes)
            both_sides<Side, points>(
                [](Vec(&d)[Side], Vec(&o)[points]) HANDGRAD_INLINED { to_points(matrices<Side>.outputs, d, o); },
                [&](int i, int j) HANDGRAD_INLINED { return S::load(corner + i * row + j * pixel + f); },
                [&](int i, int j, Vec o) HANDGRAD_INLINED { S::store(m + (i * points + j) * step + f, o); });
    }
}

std::int64_t products_workspace(const WinogradPlan&) { return 0; }

void products(const WinogradPlan& plan, const float* v, const float* u, std::int64_t tiles, float* m, float*) {
    const Panels panels(tiles);
    const std::int64_t panel = plan.channel_lanes * Width::width;
    for (int place = 0; place < plan.places(); ++place) {
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
    const bool far = plan.places() * (of_v + of_m) * static_cast<std::int64_t>(sizeof(float)) >= kFarAway;
    // Of the tiles of a place so many ask for v, the others for m.
    const std::int64_t all = panels.count * ceil_div(plan.filter_lanes, Width::width), for_v = all * of_v / (of_v + of_m);
    for (int place = 0; place < plan.places(); ++place) {
        const float *a = v + place * plan.input_step(), *b = m + place * plan.output_step();
        float* c = du + place * plan.gradient_step();
        const bool asks = far && place + 1 < plan.places();
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

template <int Side>
void output(const WinogradPlan& plan, const float* m, std::int64_t first, std::int64_t count, const float* bias, bool relu,
            float* out, TileMoments* moments) {
    constexpr int points = Side + 2;
    const std::int64_t step = plan.output_step(), plane = plan.out_height * plan.out_width;
    for (std::int64_t t = first; t < first + count;) {
        const std::int64_t in_row = least(kStrip<Side>, plan.tiles_x - t % plan.tiles_x);
        const Strip strip(plan, t, least(in_row, first + count - t), moments ? moments->count : 0);
        for (std::int64_t f = 0; f < plan.filters; f += S::lanes) {
            const int filters = static_cast<int>(least(S::lanes, plan.filters - f));
            const Vec add = bias ? S::load_part(bias + f, filters) : S::zero();
            Vec y[kStrip<Side> * Side * Side + S::lanes];
            // From right to left: what of a tile hangs over the image lies on the next row, and is written over.
            for (std::int64_t tile = strip.tiles - 1; tile >= 0; --tile) {
                const float* from = m + tile * plan.filter_lanes + f;
                Vec* to = y + tile * Side;
                both_sides<points, Side>(
                    [](Vec(&v)[points], Vec(&o)[Side]) HANDGRAD_INLINED { from_points(matrices<Side>.outputs, v, o); },
                    [&](int i, int j) HANDGRAD_INLINED {
                        const float* const at = from + (i * points + j) * step;
                        if constexpr (kFar<Side>) prefetch_read(at + 2 * S::lanes);
                        return S::load(at);
                    },
                    [&](int i, int j, Vec o) HANDGRAD_INLINED {
                        const Vec sum = S::add(o, add);
                        to[i * strip.wide + j] = relu ? S::relu(sum) : sum;
                    });
            }
            if (moments) join_outputs(y, strip, f, *moments);
            store_strip(plan, y, strip, filters, out + f * plane);
        }
        if (moments) moments->count += strip.pixels();
        t += strip.tiles, m += strip.tiles * plan.filter_lanes;
    }
}

// The sums lie in many places a part, more streams than the machine follows by itself: so many numbers ahead they are asked for.
constexpr std::int64_t kAhead = 4 * S::lanes;

template <int Side>
void filter_gradients(const WinogradPlan& plan, const float* parts, std::int64_t count, std::int64_t begin,
                      std::int64_t end, float* dw) {
    constexpr int points = Side + 2;
    const std::int64_t place = plan.gradient_step(), share = plan.places() * place;
    for (std::int64_t c = begin; c < end; ++c)
        for (std::int64_t f = 0; f < plan.filters; f += S::lanes) {
            const float* at = parts + c * plan.filter_lanes + f;
            float taps[9][S::lanes];
            const auto sum_of_parts = [&](int i, int j) HANDGRAD_INLINED {
                const float* from = at + (i * points + j) * place;
                Vec sum = S::load(from);
                prefetch_read(from + kAhead);
                for (std::int64_t part = 1; part < count; ++part) {
                    sum = S::add(sum, S::load(from + part * share));
                    prefetch_read(from + part * share + kAhead);
                }
                return sum;
            };
            both_sides<points, 3>(
                [](Vec(&v)[points], Vec(&o)[3]) HANDGRAD_INLINED { from_points(matrices<Side>.filters, v, o); }, sum_of_parts,
                [&](int i, int j, Vec o) HANDGRAD_INLINED { S::store(taps[3 * i + j], o); });
            for (int lane = 0; lane < least(S::lanes, plan.filters - f); ++lane)
                for (int tap = 0; tap < 9; ++tap) dw[((f + lane) * plan.channels + c) * 9 + tap] = taps[tap][lane];
        }
}

template <int Side>
constexpr WinogradTransforms transforms{filters<Side>, input<Side>, output<Side>, gradient<Side>, filter_gradients<Side>};

}  // namespace

const WinogradKernels winograd{
    S::lanes, 4 * kRows, stage, filter_units, filter_size, filter_workspace, nullptr, nullptr, products_workspace, products,
    filter_products,
    {{}, {}, transforms<2>, transforms<3>, transforms<4>, transforms<5>, transforms<6>, transforms<7>, transforms<8>},
};

}  // namespace handgrad::HANDGRAD_ISA
