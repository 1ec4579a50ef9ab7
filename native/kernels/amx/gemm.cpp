// The matrix product of one thread in float32, on tiles: blocks cut into pieces and packed, multiplied panel by panel.
#include "finish.h"
#include "kernels.h"
#include "pack.h"
#include "table.h"
#include "tiles.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// A panel of B stays in the first-level cache at this length of k.
constexpr std::int64_t kDepth = 128;
// So much of k is summed on the tiles before it is added to C: longer sums would lose digits.
constexpr std::int64_t kSum = 8 * kDepth;
// A block of the factor that is packed again and again, and one of the factor that is packed once and kept. At a
// depth of kDepth both and the sums between them share the second-level cache (2 MB) and what lies behind it.
constexpr std::int64_t kBlock = 512, kKeptBlock = 512;

bool pays(const Gemm<float>& g) { return !g.add && g.m >= kTile && g.n >= kTile && g.k >= kStep; }

// How the product is cut. The smaller factor is packed once and kept where the other has more than one block.
struct Plan {
    bool keeps_a, keeps_b;
    std::int64_t m, n;                // a block of C
    std::int64_t a_depth, b_depth;    // floats of a block of A and of B, kDepth deep
    std::int64_t a_all, b_all;        // of all that is held at once

    explicit Plan(const Gemm<float>& g)
        : keeps_a(g.m <= g.n && g.n > kBlock),
          keeps_b(!keeps_a && g.m > kBlock),
          m(least(g.m, keeps_a ? kKeptBlock : kBlock)),
          n(least(g.n, keeps_b ? kKeptBlock : kBlock)),
          a_depth(panels_of(m) * steps_of(least(g.k, kDepth)) * kStepFloats),
          b_depth(panels_of(n) * steps_of(least(g.k, kDepth)) * kStepFloats),
          a_all(a_depth * (keeps_a ? depths(g.k) : 1)),
          b_all(b_depth * (keeps_b ? depths(g.k) : 1)) {}

    static std::int64_t depths(std::int64_t k) { return (k + kDepth - 1) / kDepth; }
    std::int64_t sums() const { return panels_of(m) * panels_of(n) * kPanel * kPanel; }
    std::int64_t workspace() const { return a_all + b_all + sums(); }
};

// The product of two packed blocks, m x n, kDepth deep at the most.
struct Block {
    const Gemm<float>& g;
    const float *a, *b;
    float* sums;
    std::int64_t i, m, j, n, p, k;

    bool last() const { return p + k >= g.k; }
    bool sums_end() const { return last() || (p + kDepth) % kSum == 0; }

    // Returns whether all results so far are finite.
    bool multiply() const {
        bool finite = true;
        float* tile = sums;
        const std::int64_t steps = steps_of(k);
        for (std::int64_t c = 0; c < n; c += kPanel)
            for (std::int64_t r = 0; r < m; r += kPanel, tile += kPanel * kPanel) {
                if (sums_end()) prefetch_rows(r, c);
                multiply_panels(a + r / kPanel * steps * kStepFloats, b + c / kPanel * steps * kStepFloats, steps, tile,
                                p % kSum != 0);
                if (sums_end()) finite &= finish(tile, r, c);
            }
        return finite;
    }

    float* c_at(std::int64_t r, std::int64_t c) const { return g.c + (i + r) * g.c_row + j + c; }

    // C is wanted after the product; asked for now, it is there by then.
    void prefetch_rows(std::int64_t r, std::int64_t c) const {
        prefetch_lines(c_at(r, c), within(m - r, kPanel), g.c_row);
        prefetch_lines(c_at(r, c) + 16, within(m - r, kPanel), g.c_row);
    }

    bool finish(const float* tile, std::int64_t r, std::int64_t c) const {
        Finish<float> f;
        if (last()) {
            f.relu = g.finish.relu;
            if (g.finish.row_bias) f.row_bias = g.finish.row_bias + i + r;
            if (g.finish.column_bias) f.column_bias = g.finish.column_bias + j + c;
        }
        return finish_sums(tile, within(m - r, kPanel), within(n - c, kPanel), f, p >= kSum,
                           c_at(r, c), g.c_row);
    }
};

// One block of C, over all of k.
bool product_block(const Gemm<float>& g, const Plan& plan, std::int64_t i, std::int64_t j, float* workspace) {
    const std::int64_t m = least(plan.m, g.m - i), n = least(plan.n, g.n - j);
    float *a = workspace, *b = a + plan.a_all, *sums = b + plan.b_all;
    bool finite = true;
    for (std::int64_t p = 0; p < g.k; p += kDepth) {
        const std::int64_t k = least(kDepth, g.k - p);
        if (!plan.keeps_a || j == 0) pack_rows(a, g.a + i * g.a_row + p * g.a_column, m, k, g.a_row, g.a_column);
        if (!plan.keeps_b || i == 0) pack_pairs(b, g.b + p * g.b_row + j * g.b_column, k, n, g.b_row, g.b_column);
        finite &= Block{g, a, b, sums, i, m, j, n, p, k}.multiply();
        if (plan.keeps_a) a += plan.a_depth;
        if (plan.keeps_b) b += plan.b_depth;
    }
    return finite;
}

bool product(const Gemm<float>& g, float* workspace) {
    const TileRegisters registers;
    const Plan plan(g);
    bool finite = true;
    if (plan.keeps_b) {
        for (std::int64_t j = 0; j < g.n; j += plan.n)
            for (std::int64_t i = 0; i < g.m; i += plan.m) finite &= product_block(g, plan, i, j, workspace);
    } else {
        for (std::int64_t i = 0; i < g.m; i += plan.m)
            for (std::int64_t j = 0; j < g.n; j += plan.n) finite &= product_block(g, plan, i, j, workspace);
    }
    return finite;
}

}  // namespace

std::int64_t tiles_gemm_workspace(const Gemm<float>& g) {
    const std::int64_t plain = avx512::table.f32.gemm_workspace(g);
    if (!pays(g)) return plain;
    const std::int64_t ours = Plan(g).workspace();
    return ours > plain ? ours : plain;
}

void tiles_gemm(const Gemm<float>& g, float* workspace) {
    // The pieces of what is infinite or no number, or becomes so, are not what they stand for.
    if (!pays(g) || !product(g, workspace)) avx512::table.f32.gemm(g, workspace);
}

}  // namespace handgrad::HANDGRAD_ISA
