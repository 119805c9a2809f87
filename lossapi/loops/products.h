/* Products of matrices: sums of some hundred terms, each in its own register, and those added up one after another.

   The right matrix is packed into panels, as wide as two vectors, one row of a panel behind the other; the last is
   filled up with zeros. A corner of the product, a few rows of it by a panel, is then one loop over the terms. What an
   entry comes to follows from its row and its column alone, not from how many others there are. */

#pragma once

#include "mathematics.h"

#define TERMS 256

/* x y + z of vectors, rounded once where the machine can: asked for by name, as compilers make of some sums products
   and sums apart, and of others not. */
#if !FUSED
#define FMAS(END, X, Y, Z) ((X) * (Y) + (Z))
#elif defined(__aarch64__)
#include <arm_neon.h>
#define FMAS(END, X, Y, Z) FMAS_##END(X, Y, Z)
INLINE floats FMAS_f32(floats x, floats y, floats z) { return vfmaq_f32(z, x, y); }
INLINE wholes FMAS_f64(wholes x, wholes y, wholes z) { return vfmaq_f64(z, x, y); }
#elif defined(__clang__)
#define FMAS(END, X, Y, Z) __builtin_elementwise_fma(X, Y, Z)
#else
#define FMAS(END, X, Y, Z) FMAS_##END(X, Y, Z)
INLINE floats FMAS_f32(floats x, floats y, floats z) { return __builtin_ia32_vfmaddps256(x, y, z); }
INLINE wholes FMAS_f64(wholes x, wholes y, wholes z) { return __builtin_ia32_vfmaddpd256(x, y, z); }
#endif

/* The sums of `terms` products for ROWS rows and VECTORS vectors of columns, of which some are wanted. */
#define DEFINE_CORNER(END, NUMBER, NUMBERS, ROWS, VECTORS)                                                             \
    static __attribute__((unused)) void corner_##END##_##ROWS##_##VECTORS(                                             \
        const NUMBER *left, int64_t down, int64_t along, const NUMBER *panel, int64_t terms, NUMBER *into,             \
        int64_t stride, int64_t columns, int more) {                                                                   \
        enum { WIDTH = sizeof(NUMBERS) / sizeof(NUMBER) };                                                             \
        NUMBERS sums[ROWS][VECTORS];                                                                                   \
        for (int row = 0; row < ROWS; row++)                                                                           \
            for (int v = 0; v < VECTORS; v++) sums[row][v] = (NUMBERS){0};                                             \
        for (int64_t term = 0; term < terms; term++) {                                                                 \
            NUMBERS right[VECTORS];                                                                                    \
            for (int v = 0; v < VECTORS; v++) memcpy(&right[v], panel + (term * 2 + v) * WIDTH, sizeof right[v]);      \
            for (int row = 0; row < ROWS; row++) {                                                                     \
                const NUMBERS same = left[row * down + term * along] - (NUMBERS){0};                                   \
                for (int v = 0; v < VECTORS; v++) sums[row][v] = FMAS(END, same, right[v], sums[row][v]);              \
            }                                                                                                          \
        }                                                                                                              \
        for (int row = 0; row < ROWS; row++)                                                                           \
            for (int v = 0; v < VECTORS; v++) {                                                                        \
                NUMBER *place = into + row * stride + v * WIDTH;                                                       \
                NUMBERS found = sums[row][v], before;                                                                  \
                const int64_t left_over = columns - v * WIDTH;                                                         \
                if (left_over >= WIDTH) {                                                                              \
                    memcpy(&before, place, sizeof before);                                                             \
                    found = more ? before + found : found;                                                             \
                    memcpy(place, &found, sizeof found);                                                               \
                } else                                                                                                 \
                    for (int k = 0; k < left_over; k++) place[k] = more ? place[k] + found[k] : found[k];              \
            }                                                                                                          \
    }

#define CORNERS(END, ROWS)                                                                                             \
    for (; row + ROWS <= rows; row += ROWS)                                                                            \
        (wide ? corner_##END##_##ROWS##_2 : corner_##END##_##ROWS##_1)(                                                \
            left + row * down + term * along, down, along, panel, some, into + row * columns + column, columns, width, \
            term > 0);

/* Steps `down` and `along` lead to the next row and column, so that a matrix may be seen the other way round. */
#define DEFINE_PRODUCT(END, NUMBER, NUMBERS)                                                                           \
    DEFINE_CORNER(END, NUMBER, NUMBERS, 6, 2)                                                                          \
    DEFINE_CORNER(END, NUMBER, NUMBERS, 6, 1)                                                                          \
    DEFINE_CORNER(END, NUMBER, NUMBERS, 3, 2)                                                                          \
    DEFINE_CORNER(END, NUMBER, NUMBERS, 3, 1)                                                                          \
    DEFINE_CORNER(END, NUMBER, NUMBERS, 1, 2)                                                                          \
    DEFINE_CORNER(END, NUMBER, NUMBERS, 1, 1)                                                                          \
                                                                                                                       \
    /* So many columns, those that fill up the last panel among them. */                                               \
    INLINE int64_t whole_panels_##END(int64_t columns) {                                                               \
        enum { PANEL = 2 * sizeof(NUMBERS) / sizeof(NUMBER) };                                                         \
        return (columns + PANEL - 1) / PANEL * PANEL;                                                                  \
    }                                                                                                                  \
                                                                                                                       \
    static __attribute__((unused)) void packed_##END(                                                                  \
        const NUMBER *right, int64_t down, int64_t along, int64_t terms, int64_t columns, NUMBER *panel) {             \
        enum { PANEL = 2 * sizeof(NUMBERS) / sizeof(NUMBER) };                                                         \
        for (int64_t first = 0; first < columns; first += PANEL)                                                       \
            for (int64_t term = 0; term < terms; term++, panel += PANEL)                                               \
                for (int64_t k = 0; k < PANEL; k++)                                                                    \
                    panel[k] = first + k < columns ? right[term * down + (first + k) * along] : 0;                     \
    }                                                                                                                  \
                                                                                                                       \
    static __attribute__((unused)) void product_##END(                                                                 \
        const NUMBER *left, int64_t down, int64_t along, const NUMBER *panels, NUMBER *into, int64_t rows,             \
        int64_t columns, int64_t terms) {                                                                              \
        enum { PANEL = 2 * sizeof(NUMBERS) / sizeof(NUMBER) };                                                         \
        for (int64_t term = 0; term < terms; term += TERMS)                                                            \
            for (int64_t column = 0; column < columns; column += PANEL) {                                              \
                const int64_t some = terms - term < TERMS ? terms - term : TERMS, left_over = columns - column;        \
                const int64_t width = left_over < PANEL ? left_over : PANEL;                                           \
                const int wide = width > PANEL / 2;                                                                    \
                const NUMBER *panel = panels + column * terms + term * PANEL;                                          \
                int64_t row = 0;                                                                                       \
                CORNERS(END, 6)                                                                                        \
                CORNERS(END, 3)                                                                                        \
                CORNERS(END, 1)                                                                                        \
            }                                                                                                          \
    }                                                                                                                  \
                                                                                                                       \
    static __attribute__((unused)) void added_##END(double *sums, const NUMBER *more, int64_t n) {                     \
        for (int64_t k = 0; k < n; k++) sums[k] += (double)more[k];                                                    \
    }                                                                                                                  \
                                                                                                                       \
    static __attribute__((unused)) void settled_##END(const double *sums, NUMBER *into, int64_t n) {                   \
        for (int64_t k = 0; k < n; k++) into[k] = (NUMBER)sums[k];                                                     \
    }

DEFINE_PRODUCT(f32, float, floats)
DEFINE_PRODUCT(f64, double, wholes)

/* Rows of a table of `size` rows, by an index that counts from the end where it is negative; whether any is astray. */
static __attribute__((unused)) int looked_up(
    const void *table, const int64_t *index, void *into, int64_t rows, int64_t size, int64_t bytes) {
    int astray = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t place = index[row] < 0 ? index[row] + size : index[row];
        if (place < 0 || place >= size) astray = 1, place = 0;
        memcpy((char *)into + row * bytes, (const char *)table + place * bytes, (size_t)bytes);
    }
    return astray;
}

/* Room for so many numbers, where a line of the cache begins. */
#define ROOM(NUMBER, COUNT) aligned_alloc(64, ((size_t)(COUNT) * sizeof(NUMBER) + 63) & ~(size_t)63)
