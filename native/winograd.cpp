#include "winograd.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "conv_plan.h"
#include "dispatch.h"
#include "memory.h"
#include "pooled_scores.h"
#include "threads.h"

namespace handgrad {

namespace {

std::atomic<bool> allowed{true};

// Below this the transforms cost more than the products save.
constexpr std::int64_t kFewestChannels = 16;
// A staged image of more bytes lies outside the second-level cache, and reading it again for every tile is slow: it is
// staged in bands of about so many.
constexpr std::int64_t kLargestStaged = 2 << 20, kBandBytes = 1 << 20;
// Bytes of a block's inputs and products: forward they stay in the second-level cache; for the filters' gradient more
// tiles are summed before the sums are visited again.
constexpr std::int64_t kBlockBytes = 2 << 20, kGradientBlockBytes = 4 << 20;

// Tiles are multiplied in blocks of whole panels. Where the filters do not stay in the second-level cache beside them, they are
// read again for every block: fewer tiles than these where they come from the third-level one, which holds about so many bytes
// of them.
constexpr std::int64_t kPanel = 32, kMostTiles = 128, kFiltersNear = 16 << 20;
// Fewer are not worth waking a thread: it would stage an image and read all filters for them.
constexpr std::int64_t kFewestTiles = 16;

// The larger a tile, the fewer the products and the larger the error: of outputs' root mean square 3e-6 with tiles of 4 and 5,
// 8e-6 with 6, 2e-5 to 3e-5 with 7 and 8, which are for where fewer digits will do. Pairs of bfloat16 err by 0.7 % with 3, 2 to
// 3 % with 4 and 5, and 5 % with 6.
constexpr std::int64_t kSmallestSide = 2, kLargestSide = 5, kLargestSideOfFewDigits = 8;

// Products of a channel and a filter, what hangs over the image included.
std::int64_t products_with(std::int64_t side, std::int64_t out_h, std::int64_t out_w) {
    return ceil_div(out_h, side) * ceil_div(out_w, side) * (side + 2) * (side + 2);
}

// The side with the fewest of them; a larger one must save a tenth.
std::int64_t side_for(std::int64_t out_h, std::int64_t out_w, std::int64_t largest) {
    std::int64_t best = kSmallestSide;
    for (std::int64_t side = best + 1; side <= largest; ++side)
        if (10 * products_with(side, out_h, out_w) < 9 * products_with(best, out_h, out_w)) best = side;
    return best;
}

// Sets the side of the tiles, and whether their products are made in pairs: one takes 0.6 of the time of one in float32.
void choose_tiles(WinogradPlan& p) {
    const bool few_digits = precision() >= Precision::medium;
    p.side = side_for(p.out_height, p.out_width, few_digits ? kLargestSideOfFewDigits : kLargestSide);
    if (!kernels().winograd.pairs) return;
    const std::int64_t side = side_for(p.out_height, p.out_width, kLargestSide);
    p.pairs = 6 * products_with(side, p.out_height, p.out_width) < 10 * products_with(p.side, p.out_height, p.out_width);
    if (p.pairs) p.side = side;
}

WinogradPlan plan_for(std::int64_t channels, std::int64_t filters, std::int64_t out_h, std::int64_t out_w,
                      std::int64_t images, std::int64_t block_bytes, std::int64_t tiles_at_once) {
    const std::int64_t lanes = kernels().winograd.lanes;
    WinogradPlan p;
    p.channels = channels, p.filters = filters;
    p.out_height = out_h, p.out_width = out_w;
    choose_tiles(p);
    p.tiles_y = ceil_div(out_h, p.side), p.tiles_x = ceil_div(out_w, p.side);
    p.channel_lanes = ceil_div(channels, lanes) * lanes, p.filter_lanes = ceil_div(filters, lanes) * lanes;
    const std::int64_t tile_bytes = p.places() * 4 * (p.channel_lanes + p.filter_lanes);
    const std::int64_t filter_bytes = p.places() * 4 * p.channel_lanes * p.filter_lanes;
    if (filter_bytes <= block_bytes)
        p.block = std::clamp(block_bytes / tile_bytes / kPanel * kPanel, kPanel, kMostTiles);
    else
        p.block = filter_bytes <= kFiltersNear ? std::max(tiles_at_once / 2, tiles_at_once * 36 / p.places()) : kMostTiles;
    const std::int64_t tile_row_bytes = p.side * p.staged_width() * std::max(p.channel_lanes, p.filter_lanes) * 4;
    const bool whole = p.tiles_y * tile_row_bytes <= kLargestStaged;
    p.band = whole ? p.tiles_y : std::clamp<std::int64_t>(kBandBytes / tile_row_bytes, 1, p.tiles_y);
    const std::int64_t all = images * p.tiles(), rounds = std::max<std::int64_t>(1, ceil_div(all, p.block * num_threads()));
    p.block = std::min(p.block, std::max(kFewestTiles, ceil_div(all, rounds * num_threads())));  // each thread has as many
    return p;
}

// Where one thread multiplies all tiles, it does the rest, too: what another wrote would have to come from its cache.
std::int64_t grain_for(const WinogradPlan& plan, std::int64_t images, std::int64_t usual) {
    return images * plan.tiles() <= plan.block ? std::numeric_limits<std::int64_t>::max() : usual;
}

// Tiles of a block that lie in one band of one image: the first of them in the image and in the block, and the band's
// first row of tiles. `fresh` where the thread has not staged that band.
struct Stretch {
    std::int64_t block, image, first, count, place, band_row;
    bool fresh;
};

// Cuts the tiles of all images into blocks for the threads. Each stretch of a block goes to tile(pass, slot, stretch),
// first all with pass 0, then, after done(slot, tiles, whether it is the thread's first block), all with pass 1.
template <class Tile, class Done>
void for_each_block(const WinogradPlan& plan, std::int64_t images, const Tile& tile, const Done& done) {
    const std::int64_t all = images * plan.tiles(), band_tiles = plan.band * plan.tiles_x;
    if (all == 0) return;
    parallel_for(ceil_div(all, plan.block), 1, [&](std::int64_t begin, std::int64_t end, int slot) {
        std::int64_t staged = -1;
        for (std::int64_t block = begin; block < end; ++block) {
            const std::int64_t first = block * plan.block, last = std::min(all, first + plan.block);
            for (int pass = 0; pass < 2; ++pass) {
                for (std::int64_t t = first, count = 0; t < last; t += count) {
                    const std::int64_t image = t / plan.tiles(), at = t % plan.tiles(), band = at / band_tiles;
                    count = std::min(std::min(plan.tiles(), (band + 1) * band_tiles) - at, last - t);
                    const std::int64_t here = image * plan.bands() + band;
                    tile(pass, slot, Stretch{block, image, at, count, t - first, band * plan.band, here != staged});
                    if (pass == 0) staged = here;
                }
                if (pass == 0) done(slot, last - first, block == begin);
            }
        }
    });
}

// Stages `rows` rows and `columns` columns, from row `from` on, of images (planes, h, w) that lie at (top, left).
struct Stage {
    std::int64_t planes, h, w, top, left, rows, columns;

    void operator()(const float* image, std::int64_t from, float* to) const {
        const std::int64_t first = std::clamp<std::int64_t>(from - top, 0, h);
        const std::int64_t last = std::clamp<std::int64_t>(from + rows - top, first, h);
        kernels().winograd.stage(image + first * w, planes, h * w, last - first, w, first + top - from, left, rows, columns,
                                 to);
    }
};

// The moments of every block's outputs: the blocks depend on nothing but the shape and the number of threads.
class BlockMoments {
  public:
    BlockMoments(const WinogradPlan& plan, std::int64_t images, bool wanted)
        : blocks_(as_size(wanted ? ceil_div(images * plan.tiles(), plan.block) : 0)),
          room_(3 * blocks_.size() * as_size(plan.filter_lanes)) {
        float* next = room_.get();
        for (TileMoments& block : blocks_) {
            block = {next, next + plan.filter_lanes, next + 2 * plan.filter_lanes};
            next += 3 * plan.filter_lanes;
        }
    }
    TileMoments* of(std::int64_t block) { return blocks_.empty() ? nullptr : &blocks_[as_size(block)]; }
    RunningMoments joined(std::int64_t filters) const {
        RunningMoments all(filters);
        for (const TileMoments& block : blocks_)
            all.add(static_cast<double>(block.count), [&](std::int64_t f, double* mean, double* squares) {
                *mean = static_cast<double>(block.centre[f]) + block.mean[f];
                const double own = block.squares[f];
                *squares = own > 0 ? own : own * 0;  // 0 where rounding went below, NaN where it is NaN
            });
        return all;
    }

  private:
    std::vector<TileMoments> blocks_;
    const Scratch<float> room_;
};

// What is convolved: `filters` w (filters, channels, 3, 3) over images (channels, h, w) with their corners at (top, left).
struct Convolved {
    std::int64_t h, w, top, left;
    const float *filters, *bias;
    bool relu;
};

// from(image, slot) is where an image lies, to(image, slot) where its outputs go; done(image, slot) comes after those of a
// stretch of its tiles.
template <class From, class To, class Done>
void convolve(const WinogradPlan& plan, std::int64_t images, const Convolved& c, const From& from, const To& to,
              BlockMoments& moments, const Done& done) {
    const WinogradKernels& k = kernels().winograd;
    const WinogradTransforms& side = k.of_side[plan.side];
    const Scratch<float> u(as_size(k.filter_size(plan)));
    const std::int64_t packed_size = k.pack_filters ? k.packed_size(plan) : 0;
    const Scratch<float> packed(as_size(packed_size));
    const Scratch<float> filter_work(as_size(k.filter_workspace() * num_threads()));
    parallel_for(k.filter_units(plan), grain_for(plan, images, 1), [&](std::int64_t begin, std::int64_t end, int slot) {
        side.filters(plan, c.filters, begin, end, u.get(), filter_work.get() + slot * k.filter_workspace());
    });
    if (packed_size > 0)
        parallel_for(plan.places(), grain_for(plan, images, 1), [&](std::int64_t begin, std::int64_t end, int) {
            k.pack_filters(plan, u.get(), begin, end, packed.get());
        });
    const float* const filters = packed_size > 0 ? packed.get() : u.get();
    const std::int64_t staged = plan.staged_height() * plan.staged_width() * staged_pixel(plan.channel_lanes);
    const std::int64_t inputs = plan.places() * plan.input_step();
    const std::int64_t outputs = plan.places() * plan.output_step();
    const std::int64_t share = staged + inputs + outputs + k.products_workspace(plan);
    const Scratch<float> workspace(as_size(share * num_threads()));
    const Stage stage{plan.channels, c.h, c.w, c.top, c.left, plan.staged_height(), plan.staged_width()};
    for_each_block(
        plan, images,
        [&](int pass, int slot, const Stretch& t) {
            float *mine = workspace.get() + slot * share, *v = mine + staged, *m = v + inputs;
            if (pass == 1) {
                side.output(plan, m + t.place * plan.filter_lanes, t.first, t.count, c.bias, c.relu, to(t.image, slot),
                            moments.of(t.block));
                return done(t.image, slot);
            }
            if (t.fresh) stage(from(t.image, slot), plan.side * t.band_row, mine);
            side.input(plan, mine, t.first - t.band_row * plan.tiles_x, t.count, v + t.place * plan.channel_lanes);
        },
        [&](int slot, std::int64_t tiles, bool) {
            float *v = workspace.get() + slot * share + staged, *m = v + inputs;
            k.products(plan, v, filters, tiles, m, m + outputs);
        });
}

void nothing(std::int64_t, int) {}

// Gradients of an image, as backward_x and backward_w ask for them.
auto unpooled(const Pooled& pooled) {
    return [&](std::int64_t image, int slot) { return pooled.of(image, 1, slot); };
}

WinogradPlan forward_plan_of(const ConvShape& s) {
    return plan_for(s.c, s.f, s.out_h(), s.out_w(), s.n, kBlockBytes, kernels().winograd.tiles_at_once);
}

WinogradPlan backward_plan_of(const ConvShape& s) {
    return plan_for(s.f, s.c, s.h, s.w, s.n, kBlockBytes, kernels().winograd.tiles_at_once);
}

WinogradPlan gradient_plan_of(const ConvShape& s) {
    return plan_for(s.c, s.f, s.out_h(), s.out_w(), s.n, kGradientBlockBytes, kMostTiles);
}

// from(image, slot) is where the gradient of an image's outputs lies.
template <class From>
void backward_x(const ConvShape& s, const From& from, const float* w, float* dx) {
    const WinogradPlan plan = backward_plan_of(s);
    const Scratch<float> turned(as_size(s.f * s.c * 9));
    parallel_for(s.c, grain_for(plan, s.n, 8), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t c = begin; c < end; ++c)
            for (std::int64_t f = 0; f < s.f; ++f)
                for (int tap = 0; tap < 9; ++tap)
                    turned.get()[(c * s.f + f) * 9 + 8 - tap] = w[(f * s.c + c) * 9 + tap];
    });
    BlockMoments none(plan, s.n, false);
    convolve(plan, s.n, {s.out_h(), s.out_w(), 2 - s.pad_y, 2 - s.pad_x, turned.get(), nullptr, false}, from,
             in_batch(dx, s.c * s.h * s.w), none, nothing);
}

template <class From>
void backward_w(const ConvShape& s, const From& from, const float* x, float* dw, float* db) {
    const WinogradKernels& k = kernels().winograd;
    const WinogradPlan plan = gradient_plan_of(s);
    const WinogradTransforms& side = k.of_side[plan.side];
    const std::int64_t all = s.n * plan.tiles(), pixels = plan.out_height * plan.out_width;
    if (all == 0) {
        std::fill_n(dw, s.f * s.c * 9, 0.0f);
        std::fill_n(db, s.f, 0.0f);
        return;
    }
    const std::int64_t staged_x = plan.staged_height() * plan.staged_width() * staged_pixel(plan.channel_lanes);
    const std::int64_t staged_y = plan.side * plan.side * plan.band * plan.tiles_x * staged_pixel(plan.filter_lanes);
    const std::int64_t inputs = plan.places() * plan.input_step();
    const std::int64_t outputs = plan.places() * plan.output_step();
    const std::int64_t share = staged_x + staged_y + inputs + outputs + k.products_workspace(plan);
    const std::int64_t sums = plan.places() * plan.gradient_step(), of_bias = whole_lines<float>(s.f);
    const std::int64_t parts = std::min<std::int64_t>(num_threads(), ceil_div(all, plan.block));
    const Scratch<float> workspace(as_size(share * parts)), result(as_size(sums * parts)), bias(as_size(of_bias * parts));
    std::fill_n(bias.get(), of_bias * parts, 0.0f);
    const Stage stage_x{s.c, s.h, s.w, s.pad_y, s.pad_x, plan.staged_height(), plan.staged_width()};
    const Stage stage_y{s.f, plan.out_height, plan.out_width, 0, 0, plan.side * plan.band, plan.side * plan.tiles_x};
    for_each_block(
        plan, s.n,
        [&](int pass, int slot, const Stretch& t) {
            if (pass == 1) return;
            float *in = workspace.get() + slot * share, *out = in + staged_x, *v = out + staged_y, *m = v + inputs;
            if (t.fresh) {
                stage_x(x + t.image * s.c * s.h * s.w, plan.side * t.band_row, in);
                const float* const dout = from(t.image, slot);
                stage_y(dout, plan.side * t.band_row, out);
                // Its sums are taken while it is near, by whoever has the first of its tiles.
                if (t.first == 0) kernels().of<float>().add_row_sums(bias.get() + slot * of_bias, dout, s.f, pixels);
            }
            const std::int64_t first = t.first - t.band_row * plan.tiles_x;
            side.input(plan, in, first, t.count, v + t.place * plan.channel_lanes);
            side.gradient(plan, out, first, t.count, m + t.place * plan.filter_lanes);
        },
        [&](int slot, std::int64_t tiles, bool first) {
            float *v = workspace.get() + slot * share + staged_x + staged_y, *m = v + inputs;
            k.filter_products(plan, v, m, tiles, !first, result.get() + slot * sums, m + outputs);
        });
    parallel_for(s.c, grain_for(plan, s.n, 4), [&](std::int64_t begin, std::int64_t end, int) {
        side.filter_gradients(plan, result.get(), parts, begin, end, dw);
    });
    sum_parts<float>(bias.get(), of_bias, parts, s.f, db);
}

}  // namespace

bool winograd_allowed() { return allowed.load(std::memory_order_relaxed); }
void set_winograd(bool yes) { allowed.store(yes, std::memory_order_relaxed); }

void set_winograd_from_environment() {
    const char* text = std::getenv("HANDGRAD_WINOGRAD");
    const std::string value = text == nullptr ? "" : text;
    if (value != "" && value != "on" && value != "off")
        throw std::invalid_argument("HANDGRAD_WINOGRAD must be on or off, got '" + value + "'");
    set_winograd(value != "off");
}

bool winograd_takes(const ConvShape& s) {
    if (!winograd_allowed() || s.hh != 3 || s.ww != 3 || s.stride_y != 1 || s.stride_x != 1) return false;
    if (s.pad_y > 2 || s.pad_x > 2 || std::min(s.out_h(), s.out_w()) < kSmallestSide) return false;
    if (std::min(s.c, s.f) < kFewestChannels) return false;
    constexpr std::int64_t rows = 10;  // of a band of two rows of tiles: one row would be staged half as often again
    return std::min(s.h + 6, rows) * (s.w + 6) * std::max(s.c, s.f) * 4 <= kLargestStaged;
}

void winograd_forward(const ConvShape& s, const float* x, const float* w, const float* b, bool relu, float* out,
                      const ChannelMoments& moments) {
    const WinogradPlan plan = forward_plan_of(s);
    BlockMoments by_block(plan, s.n, moments.mean != nullptr);
    convolve(plan, s.n, {s.h, s.w, s.pad_y, s.pad_x, w, b, relu}, in_batch(x, s.c * s.h * s.w),
             in_batch(out, s.f * s.out_h() * s.out_w()), by_block, nothing);
    if (moments.mean) by_block.joined(s.f).copy(moments);
}

void winograd_backward_x(const ConvShape& s, const float* dout, const float* w, float* dx) {
    backward_x(s, in_batch(dout, s.f * s.out_h() * s.out_w()), w, dx);
}

void winograd_backward_w(const ConvShape& s, const float* dout, const float* x, float* dw, float* db) {
    backward_w(s, in_batch(dout, s.f * s.out_h() * s.out_w()), x, dw, db);
}

bool winograd_pool_takes(const ConvShape& s, const PoolShape& pool) {
    if (s.n == 0 || pool.taps() > 256 || !winograd_takes(s)) return false;
    return forward_plan_of(s).bands() == 1 && backward_plan_of(s).bands() == 1;
}

void winograd_pool_forward(const ConvShape& s, const PoolShape& pool, const float* x, const float* w, const float* b, float* out,
                           std::uint8_t* winner) {
    WinogradPlan plan = forward_plan_of(s);
    plan.block = std::max<std::int64_t>(1, plan.block / plan.tiles()) * plan.tiles();  // whole images
    const Scores scores(s, 1);
    BlockMoments none(plan, s.n, false);
    convolve(plan, s.n, {s.h, s.w, s.pad_y, s.pad_x, w, b, false}, in_batch(x, s.c * s.h * s.w),
             [&](std::int64_t, int slot) { return scores.of(slot); }, none, [&](std::int64_t image, int slot) {
                 pool_scores(s, pool, scores.of(slot), image, 1, out, winner);
             });
}

void winograd_pool_backward_x(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                              const float* w, float* dx) {
    const Scores scores(s, 1);
    const Pooled pooled{s, pool, dout, winner, scores};
    backward_x(s, unpooled(pooled), w, dx);
}

void winograd_pool_backward_w(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                              const float* x, float* dw, float* db) {
    const Scores scores(s, 1);
    const Pooled pooled{s, pool, dout, winner, scores};
    backward_w(s, unpooled(pooled), x, dw, db);
}

}  // namespace handgrad
