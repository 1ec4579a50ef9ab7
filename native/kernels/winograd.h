// Winograd's F(m x m, 3 x 3): a square of outputs from a square of inputs two wider, with as many products as it has inputs: for
// 4 x 4 outputs 36, not 144.
//
// With d the input tile, g the filter, y the output tile, and B, G, A as in Lavin and Gray (CVPR 2016):
//
//     y  = A^T [ (G g G^T) * (B^T d B) ] A          * is element by element, summed over channels
//     dg = G^T [ (A dy A^T) * (B^T d B) ] G         summed over tiles
//
// so that each of the places is a matrix product of its own: tiles x channels times channels x filters. The gradient of d is the
// first line with turned filters. Single precision only: the error is a few times the direct product's, because 8 and 1/24 stand
// in A and G, and it grows with m.
#pragma once

#include <cstdint>

namespace handgrad {

// Numbers from one staged pixel to the next: a line more than many channels need, or a tile's would share few sets of the cache.
inline std::int64_t staged_pixel(std::int64_t lanes) { return lanes % 128 == 0 ? lanes + 16 : lanes; }

struct WinogradPlan {
    std::int64_t side = 4;  // of a tile of outputs: 2 to 8
    std::int64_t channels = 0, filters = 0;
    std::int64_t out_height = 0, out_width = 0;
    std::int64_t tiles_y = 0, tiles_x = 0;
    bool pairs = false;                    // products are made in pairs of bfloat16
    std::int64_t block = 0;                // tiles that are multiplied together
    std::int64_t band = 0;                 // rows of tiles that are staged together: all of them but in large images
    std::int64_t channel_lanes = 0, filter_lanes = 0;  // rounded up to whole vectors; what is added is 0

    std::int64_t points() const { return side + 2; }
    std::int64_t places() const { return points() * points(); }
    // A staged band is (staged_height, staged_width, staged_pixel(channel_lanes)): pixels apart, channels together.
    std::int64_t staged_height() const { return side * band + 2; }
    std::int64_t staged_width() const { return side * tiles_x + 2; }
    std::int64_t tiles() const { return tiles_y * tiles_x; }
    std::int64_t bands() const { return (tiles_y + band - 1) / band; }
    // From one place to the next of v, m, u (in panels of `width` filters) and du: a line more than they need, or all of
    // them would fall on one set of the cache.
    std::int64_t input_step() const { return block * channel_lanes + 16; }
    std::int64_t output_step() const { return block * filter_lanes + 16; }
    std::int64_t filter_step(std::int64_t width) const { return (filters + width - 1) / width * width * channel_lanes + 16; }
    std::int64_t gradient_step() const { return channel_lanes * filter_lanes + 16; }
};

// Of `count` outputs of each filter: an output that they are seen from, so that their mean is centre + mean, and the sum
// of squared distances from the mean. Where count is 0 nothing else is set.
struct TileMoments {
    float *centre = nullptr, *mean = nullptr, *squares = nullptr;  // (filter_lanes)
    std::int64_t count = 0;
};

// The transforms of tiles of one side.
struct WinogradTransforms {
    // u = G g G^T for units begin..end of w (filters, channels, 3, 3); workspace of filter_workspace numbers.
    void (*filters)(const WinogradPlan& plan, const float* w, std::int64_t begin, std::int64_t end, float* u,
                    float* workspace);
    // v = B^T d B of tiles first..first + count of a staged band; v points at the first of them in the block.
    void (*input)(const WinogradPlan& plan, const float* staged, std::int64_t first, std::int64_t count, float* v);
    // out (filters, out_height, out_width) = A^T m A + bias for tiles first..first + count, joined to `moments` unless null.
    void (*output)(const WinogradPlan& plan, const float* m, std::int64_t first, std::int64_t count, const float* bias,
                   bool relu, float* out, TileMoments* moments);
    // m = A dy A^T of a staged band of the gradient (side band, side tiles_x, staged_pixel(filter_lanes)).
    void (*gradient)(const WinogradPlan& plan, const float* staged, std::int64_t first, std::int64_t count, float* m);
    // dw (filters, channels, 3, 3) = G^T du G, du summed over `count` parts, for channels begin..end.
    void (*filter_gradients)(const WinogradPlan& plan, const float* parts, std::int64_t count, std::int64_t begin,
                             std::int64_t end, float* dw);
};

struct WinogradKernels {
    // Numbers in a vector: what channels and filters are rounded up to.
    int lanes;
    // Tiles of 4 x 4 in a block where the filters are read from the third-level cache for every one: so few that their inputs
    // and products are not far either.
    int tiles_at_once;
    // to (rows, columns, staged_pixel(lanes of planes)) = image (planes, height, width) with its corner at (top, left), else 0;
    // the planes are `plane` numbers apart.
    void (*stage)(const float* image, std::int64_t planes, std::int64_t plane, std::int64_t height, std::int64_t width,
                  std::int64_t top, std::int64_t left, std::int64_t rows, std::int64_t columns, float* to);
    // Units of filters: one is 32 filters (or what a product's tile is wide) of 16 channels.
    std::int64_t (*filter_units)(const WinogradPlan& plan);
    std::int64_t (*filter_size)(const WinogradPlan& plan);
    std::int64_t (*filter_workspace)();
    // u as the products want it, for places begin..end; null, or a size of 0, where they take it as it is.
    std::int64_t (*packed_size)(const WinogradPlan& plan);
    void (*pack_filters)(const WinogradPlan& plan, const float* u, std::int64_t begin, std::int64_t end, float* packed);
    // What products and filter_products need as their workspace.
    std::int64_t (*products_workspace)(const WinogradPlan& plan);
    // m = v u for `tiles` tiles of the block.
    void (*products)(const WinogradPlan& plan, const float* v, const float* u, std::int64_t tiles, float* m,
                     float* workspace);
    // du (places of (channel_lanes, filter_lanes), gradient_step apart) = v^T m, or += where `add`.
    void (*filter_products)(const WinogradPlan& plan, const float* v, const float* m, std::int64_t tiles, bool add,
                            float* du, float* workspace);
    WinogradTransforms of_side[9];  // from 2 on
    bool pairs = false;             // whether plans may ask for pairs of bfloat16
};

}  // namespace handgrad
