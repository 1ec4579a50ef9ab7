// float32 products on the bf16 tiles of AMX.
//
// A float has 24 bits, a bf16 has 8: each number is cut into three pieces, x = high + middle + low, exactly but for
// the last bit. Of the nine products of the pieces of a and b the six largest are summed, in float32; what is left
// out is below 2^-25 of the product, half of what rounding it once costs. Six bf16 products on the tiles take two
// fifths of the time of one float32 product on the vector units. Pieces below 2^-126 are taken as 0 by the tiles.
//
// These files are compiled a second time with two pieces, for those who ask for `high` precision instead of
// `highest`: x = high + middle to 2^-17, three products of four, the last left out below 2^-16 of the product; and a
// third time with one, for `medium`: numbers rounded to bf16, one product, an error below 2^-8 + 2^-18 of it.
//
//   a step     32 of k
//   a panel    32 rows of A, or 32 columns of B: two tiles side by side
//
//   a panel of A, one step: the pieces, high first; each two tiles of 16 rows of 32 numbers
//   a panel of B, one step: the pieces, high first; each two tiles of 16 pairs of k for 16 columns:
//
//       A  a00 a01 a02 .. a0,31        B  b00 b10  b01 b11  ..  b0,15 b1,15
//          a10 a11 a12 .. a1,31           b20 b30  b21 b31  ..  b2,15 b3,15
//          ...                            ...
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace handgrad::HANDGRAD_ISA {

inline constexpr int kPieces = HANDGRAD_PIECES;
static_assert(kPieces >= 1 && kPieces <= 3);
inline constexpr int kPanel = 32, kStep = 32, kTile = 16;
inline constexpr int kTileFloats = kTile * kStep / 2;              // a tile's size, counted in floats
inline constexpr int kPieceFloats = 2 * kTileFloats;               // two tiles of one piece
inline constexpr std::int64_t kStepFloats = kPieces * kPieceFloats;  // one step of one panel

inline std::int64_t steps_of(std::int64_t k) { return (k + kStep - 1) / kStep; }
inline std::int64_t panels_of(std::int64_t n) { return (n + kPanel - 1) / kPanel; }

// The upper half of a float is a bf16; rounded to the nearest, ties away from 0.
inline __m512 to_bf16(__m512 x) {
    const __m512i up = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
    return _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}

// 16 pairs (x, y) of bf16, x in the lower half.
struct Pairs {
    static __m512i join(__m512 x, __m512 y) {
        return _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(x), 16), _mm512_castps_si512(y));
    }
};

// 32 bf16: those of x, then those of y.
struct Rows {
    static __m512i join(__m512 x, __m512 y) {
        const __m512i odd = _mm512_add_epi16(
            _mm512_set1_epi16(1),
            _mm512_set_epi16(62, 60, 58, 56, 54, 52, 50, 48, 46, 44, 42, 40, 38, 36, 34, 32, 30, 28, 26, 24, 22, 20, 18, 16,
                             14, 12, 10, 8, 6, 4, 2, 0));
        return _mm512_permutex2var_epi16(_mm512_castps_si512(x), odd, _mm512_castps_si512(y));
    }
};

// Whatever is no number becomes the one whose upper half is none either: rounding carries those with all bits set to 0.
inline __m512 plain_nan(__m512 x) {
    return _mm512_fixupimm_ps(x, x, _mm512_set1_epi32(0x11111133), 0);  // quiet, signalling: the default one; others: x
}

// Cuts two vectors into pieces, high first: to(piece, vector of bf16).
template <class Order, class To>
inline void split_to(__m512 x, __m512 y, const To& to) {
    x = plain_nan(x), y = plain_nan(y);
    for (int piece = 0;; ++piece) {
        const __m512 px = to_bf16(x), py = to_bf16(y);
        to(piece, Order::join(px, py));
        if (piece == kPieces - 1) return;
        x = _mm512_sub_ps(x, px);
        y = _mm512_sub_ps(y, py);
    }
}

// Writes the pieces of two vectors to `to`, to + kPieceFloats and so on.
template <class Order>
inline void split(float* to, __m512 x, __m512 y) {
    split_to<Order>(x, y, [=](int piece, __m512i v) { _mm512_storeu_si512(to + piece * kPieceFloats, v); });
}

// What the tile registers are: 16 rows of 64 bytes each. It must lie in memory as a whole: the compiler believes that
// only its first bytes are read.
struct alignas(64) TileConfiguration {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {kTile, kTile, kTile, kTile, kTile, kTile, kTile, kTile};
};
static_assert(sizeof(TileConfiguration) == 64);
inline constexpr TileConfiguration kTileConfiguration;

// A thread sets the registers before its first tile and lets go of them after its last.
class TileRegisters {
  public:
    TileRegisters() { _tile_loadconfig(&kTileConfiguration); }
    ~TileRegisters() { _tile_release(); }
    TileRegisters(const TileRegisters&) = delete;
    TileRegisters& operator=(const TileRegisters&) = delete;
};

// The sums of 2 x 2 tiles, their rows `row` floats apart in memory, go to the registers 0 to 3 and back.
inline void start_sums(const float* sums, std::int64_t row, bool add) {
    if (add) {
        _tile_loadd(0, sums, row * 4);
        _tile_loadd(1, sums + kTile, row * 4);
        _tile_loadd(2, sums + kTile * row, row * 4);
        _tile_loadd(3, sums + kTile * row + kTile, row * 4);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
}
inline void store_sums(float* sums, std::int64_t row) {
    _tile_stored(0, sums, row * 4);
    _tile_stored(1, sums + kTile, row * 4);
    _tile_stored(2, sums + kTile * row, row * 4);
    _tile_stored(3, sums + kTile * row + kTile, row * 4);
}

// Adds the products of the pieces of a step: load_a(piece) fills the registers 4 and 5, load_b(piece) 6 and 7. The
// small products come first, and from one to the next only one side is loaded anew. `between` runs after every second.
template <class LoadA, class LoadB, class Between>
HANDGRAD_INLINE void multiply_step(const LoadA& load_a, const LoadB& load_b, const Between& between) {
    const auto multiply = [&]() HANDGRAD_INLINED {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        between();
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        between();
    };
    load_a(0);
    if constexpr (kPieces == 3) {
        load_b(2);
        multiply();
    }
    if constexpr (kPieces >= 2) {
        load_b(1);
        multiply();
        load_a(1);
    }
    if constexpr (kPieces == 3) multiply();
    load_b(0);
    if constexpr (kPieces >= 2) multiply();
    if constexpr (kPieces == 3) {
        load_a(2);
        multiply();
    }
    if constexpr (kPieces >= 2) load_a(0);
    multiply();
}

// sums (2 x 2 tiles, their rows `row` apart) = a panel of A times a panel of B, and what was there for `add`.
// Between the products the lines from `ahead` on, if it is not null, are asked for: kAhead floats for each step.
inline constexpr int kAheadLines = 4 * (kPieces * (kPieces + 1) / 2);  // four for a product of two pieces
inline constexpr std::int64_t kAhead = kAheadLines * kTile;
inline void multiply_panels(const float* a, const float* b, std::int64_t steps, float* sums, bool add,
                            std::int64_t row = kPanel, const float* ahead = nullptr) {
    const auto ask = [&]() HANDGRAD_INLINED {
        if (ahead == nullptr) return;
        for (int i = 0; i < 2; ++i, ahead += kTile) _mm_prefetch(ahead, _MM_HINT_T1);
    };
    start_sums(sums, row, add);
    for (; steps > 0; --steps, a += kStepFloats, b += kStepFloats)
        multiply_step(
            [=](int piece) HANDGRAD_INLINED {
                _tile_loadd(4, a + piece * kPieceFloats, 64);
                _tile_loadd(5, a + piece * kPieceFloats + kTileFloats, 64);
            },
            [=](int piece) HANDGRAD_INLINED {
                _tile_loadd(6, b + piece * kPieceFloats, 64);
                _tile_loadd(7, b + piece * kPieceFloats + kTileFloats, 64);
            },
            ask);
    store_sums(sums, row);
}

}  // namespace handgrad::HANDGRAD_ISA
