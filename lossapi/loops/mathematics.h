/* Functions of single numbers that a compiler turns into vector code: no branch, no table, no call.

   All follow C's Annex F at the ends of their range: subnormal numbers, signed zeros, infinities and NaN. Bounds are
   in units in the last place (ulp) of the result; tests hold them against 40 digits over the whole range.

       function   float   double   method
       exp        1       1        x = k ln 2 + r, a polynomial in r, 2^k put in by its bits in two halves
       exp_down   1       1        the same for x <= 0, which takes fewer steps
       expm1      2       2        2^k (expm1(r) + 1) - 1, of the same polynomial
       log        1       1        x = 2^k (1 + f), a polynomial in f (float) or the series of atanh (double)
       log1p      2       2        log(u) of u = 1 + x, and what the sum lost: (x - (u - 1)) / u
       log1p_unit 2       2        for 0 <= x <= 1: the polynomial or series of log itself
       tanh       3       3        t / (t + 2) of t = expm1(2|x|)
       sigmoid    3       3        1 / (1 + e) or e / (1 + e) of e = exp(-|x|)
       pow        1       libm's   exp(y log x) in double
       sin, cos, acos, asin, atan, and pow of doubles are those of the C library.

   Compiled without contraction: a fused multiply-add stands only where FMA is written. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline, unused))
#ifdef __FMA__
#define FMA32(a, b, c) __builtin_fmaf(a, b, c)
#define FMA64(a, b, c) __builtin_fma(a, b, c)
#elif defined(__aarch64__)
#define FMA32(a, b, c) __builtin_fmaf(a, b, c)
#define FMA64(a, b, c) __builtin_fma(a, b, c)
#else
#define FMA32(a, b, c) ((a) * (b) + (c))
#define FMA64(a, b, c) ((a) * (b) + (c))
#endif

INLINE float float_of(int32_t bits) { float x; memcpy(&x, &bits, sizeof x); return x; }
INLINE double double_of(int64_t bits) { double x; memcpy(&x, &bits, sizeof x); return x; }
INLINE int32_t bits32(float x) { int32_t bits; memcpy(&bits, &x, sizeof x); return bits; }
INLINE int64_t bits64(double x) { int64_t bits; memcpy(&bits, &x, sizeof x); return bits; }

/* Adding 1.5 * 2^23 (2^52) rounds to a whole number, which then stands in the lowest bits. */
#define ROUND32 12582912.0f
#define ROUND64 6755399441055744.0

/* expm1(r) for |r| <= ln(2) / 2 */
INLINE float near_expm1_f32(float r) {
    float p = 1.9891030654370327e-4f;
    p = FMA32(p, r, 1.3933685862617174e-3f);
    p = FMA32(p, r, 8.333310889582076e-3f);
    p = FMA32(p, r, 4.166646460202654e-2f);
    p = FMA32(p, r, 1.6666666681659179e-1f);
    p = FMA32(p, r, 0.5f);
    return FMA32(p, r * r, r);
}

INLINE double near_expm1_f64(double r) {
    double p = 2.0914717341716378e-9;
    p = FMA64(p, r, 2.5105259538448494e-8);
    p = FMA64(p, r, 2.755727357010214e-7);
    p = FMA64(p, r, 2.7557255297969643e-6);
    p = FMA64(p, r, 2.4801587325605324e-5);
    p = FMA64(p, r, 1.984126987490126e-4);
    p = FMA64(p, r, 1.388888888888373e-3);
    p = FMA64(p, r, 8.333333333326112e-3);
    p = FMA64(p, r, 4.166666666666667e-2);
    p = FMA64(p, r, 1.666666666666667e-1);
    p = FMA64(p, r, 0.5);
    return FMA64(p, r * r, r);
}

/* The two parts of ln 2: k times the first is exact. */
INLINE float rest_f32(float x, float k) { return FMA32(k, 2.12194440e-4f, FMA32(k, -0.693359375f, x)); }
INLINE double rest_f64(double x, double k) {
    return FMA64(k, -1.90821492927058770002e-10, FMA64(k, -6.93147180369123816490e-01, x));
}

INLINE float power_of_2_f32(int32_t k) { return float_of((int32_t)((uint32_t)(k + 127) << 23)); }
INLINE double power_of_2_f64(int64_t k) { return double_of((int64_t)((uint64_t)(k + 1023) << 52)); }

INLINE float exp_f32(float x) {
    x = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
    float shifted = FMA32(x, 1.44269504088896341f, ROUND32);
    float r = rest_f32(x, shifted - ROUND32);
    int32_t k = bits32(shifted) - bits32(ROUND32), half = k >> 1;
    float p = 1.0f + near_expm1_f32(r);
    return p * power_of_2_f32(half) * power_of_2_f32(k - half);
}

/* exp(x) for x <= 0: the power of 2 goes into the bits, raised so far that it is no subnormal number yet. */
INLINE float exp_down_f32(float x) {
    x = x < -104.0f ? -104.0f : x;
    float shifted = FMA32(x, 1.44269504088896341f, ROUND32);
    float p = 1.0f + near_expm1_f32(rest_f32(x, shifted - ROUND32));
    uint32_t raised = (uint32_t)bits32(p) + ((uint32_t)bits32(shifted) << 23) + (64u << 23);
    return x != x ? x : float_of((int32_t)raised) * 5.421010862427522e-20f;
}

INLINE double exp_down_f64(double x) {
    x = x < -746.0 ? -746.0 : x;
    double shifted = FMA64(x, 1.44269504088896340736, ROUND64);
    double p = 1.0 + near_expm1_f64(rest_f64(x, shifted - ROUND64));
    uint64_t raised = (uint64_t)bits64(p) + ((uint64_t)bits64(shifted) << 52) + (128ull << 52);
    return x != x ? x : double_of((int64_t)raised) * 2.938735877055719e-39;
}

INLINE double exp_f64(double x) {
    x = x < -746.0 ? -746.0 : x > 710.0 ? 710.0 : x;
    double shifted = FMA64(x, 1.44269504088896340736, ROUND64);
    double r = rest_f64(x, shifted - ROUND64);
    double halves = FMA64(shifted - ROUND64, 0.5, ROUND64);
    int64_t k = bits64(shifted) - bits64(ROUND64), half = bits64(halves) - bits64(ROUND64);
    double p = 1.0 + near_expm1_f64(r);
    return p * power_of_2_f64(half) * power_of_2_f64(k - half);
}

INLINE float expm1_f32(float x) {
    float held = x < -20.0f ? -20.0f : x > 89.0f ? 89.0f : x;
    float shifted = FMA32(held, 1.44269504088896341f, ROUND32);
    float q = near_expm1_f32(rest_f32(held, shifted - ROUND32));
    int32_t k = bits32(shifted) - bits32(ROUND32);
    float scale = power_of_2_f32(k - 1);
    float large = 2.0f * (scale * q + (scale - 0.5f));
    return k == 0 ? (x == 0.0f ? x : q) : large;
}

INLINE double expm1_f64(double x) {
    double held = x < -40.0 ? -40.0 : x > 710.0 ? 710.0 : x;
    double shifted = FMA64(held, 1.44269504088896340736, ROUND64);
    double q = near_expm1_f64(rest_f64(held, shifted - ROUND64));
    int64_t k = bits64(shifted) - bits64(ROUND64);
    double scale = power_of_2_f64(k - 1);
    double large = 2.0 * (scale * q + (scale - 0.5));
    return k == 0 ? (x == 0.0 ? x : q) : large;
}

INLINE float log_f32(float x) {
    int small = x < 1.17549435e-38f;
    int32_t bits = bits32(small ? x * 8388608.0f : x) - 0x3f3504f3;
    float k = (float)(bits >> 23) - (small ? 23.0f : 0.0f);
    float f = float_of((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    float p = 0.06971611471451178f;
    p = FMA32(p, f, -0.11479733846637635f);
    p = FMA32(p, f, 0.1168541992348674f);
    p = FMA32(p, f, -0.12425687331451106f);
    p = FMA32(p, f, 0.1424905764569748f);
    p = FMA32(p, f, -0.16667802319501254f);
    p = FMA32(p, f, 0.200007157488921f);
    p = FMA32(p, f, -0.24999996957950882f);
    p = FMA32(p, f, 0.33333331180030046f);
    float square = f * f;
    float low = FMA32(k, -2.12194440e-4f, FMA32(square * f, p, -0.5f * square));
    float found = FMA32(k, 0.693359375f, f + low);
    found = x == INFINITY ? x : found;
    found = x == 0.0f ? -INFINITY : found;
    return x < 0.0f ? NAN : x != x ? x : found;
}

INLINE double log_f64(double x) {
    int small = x < 2.2250738585072014e-308;
    int64_t bits = bits64(small ? x * 4503599627370496.0 : x) - 0x3fe6a09e667f3bcdLL;
    /* A whole number in the lowest bits of 2^52 is that number as a double; the shift stays within unsigned ones. */
    uint64_t above = (uint64_t)(bits + (1024LL << 52)) >> 52;
    double k = double_of((int64_t)(above | 0x4330000000000000ULL)) - 4503599627370496.0 - 1024.0;
    k -= small ? 52.0 : 0.0;
    double f = double_of((bits & 0xfffffffffffffLL) + 0x3fe6a09e667f3bcdLL) - 1.0;
    double s = f / (2.0 + f), z = s * s;
    double p = 0.1461703754879165;
    p = FMA64(p, z, 0.1533167403016786);
    p = FMA64(p, z, 0.18182890556695602);
    p = FMA64(p, z, 0.2222221111514416);
    p = FMA64(p, z, 0.2857142862609589);
    p = FMA64(p, z, 0.3999999999989924);
    p = FMA64(p, z, 0.666666666666667);
    double half = 0.5 * f * f;
    double low = FMA64(s, half + z * p, k * 1.90821492927058770002e-10);
    double found = FMA64(k, 6.93147180369123816490e-01, f - (half - low));
    found = x == INFINITY ? x : found;
    found = x == 0.0 ? -INFINITY : found;
    return x < 0.0 ? NAN : x != x ? x : found;
}

/* log(1 + x) for 0 <= x <= 1: beyond sqrt(2) - 1 that of half of 1 + x, and ln 2. */
INLINE float log1p_unit_f32(float x) {
    int far = x > 0.41421356f;
    float f = far ? 0.5f * (x - 1.0f) : x, square = f * f;
    float p = 0.06971611471451178f;
    p = FMA32(p, f, -0.11479733846637635f);
    p = FMA32(p, f, 0.1168541992348674f);
    p = FMA32(p, f, -0.12425687331451106f);
    p = FMA32(p, f, 0.1424905764569748f);
    p = FMA32(p, f, -0.16667802319501254f);
    p = FMA32(p, f, 0.200007157488921f);
    p = FMA32(p, f, -0.24999996957950882f);
    p = FMA32(p, f, 0.33333331180030046f);
    float near = f + FMA32(square * f, p, -0.5f * square);
    return far ? near + 0.69314718f : near;
}

INLINE double log1p_unit_f64(double x) {
    int far = x > 0.41421356237309503;
    double f = far ? 0.5 * (x - 1.0) : x, half = 0.5 * f * f;
    double s = f / (2.0 + f), z = s * s;
    double p = 0.1461703754879165;
    p = FMA64(p, z, 0.1533167403016786);
    p = FMA64(p, z, 0.18182890556695602);
    p = FMA64(p, z, 0.2222221111514416);
    p = FMA64(p, z, 0.2857142862609589);
    p = FMA64(p, z, 0.3999999999989924);
    p = FMA64(p, z, 0.666666666666667);
    double near = f - (half - s * (half + z * p));
    return far ? near + 0.69314718055994531 : near;
}

INLINE float log1p_f32(float x) {
    float u = 1.0f + x;
    float lost = x > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);
    float found = log_f32(u) + lost / u;
    return (u == INFINITY) | (x == 0.0f) ? x : u == 0.0f ? -INFINITY : found;
}

INLINE double log1p_f64(double x) {
    double u = 1.0 + x;
    double lost = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    double found = log_f64(u) + lost / u;
    return (u == INFINITY) | (x == 0.0) ? x : u == 0.0 ? -INFINITY : found;
}

INLINE float tanh_f32(float x) {
    float size = __builtin_fabsf(x);
    float t = expm1_f32(2.0f * (size > 10.0f ? 10.0f : size));
    return __builtin_copysignf(t / (t + 2.0f), x);
}

INLINE double tanh_f64(double x) {
    double size = __builtin_fabs(x);
    double t = expm1_f64(2.0 * (size > 20.0 ? 20.0 : size));
    return __builtin_copysign(t / (t + 2.0), x);
}

INLINE float sigmoid_f32(float x) {
    float e = exp_down_f32(-__builtin_fabsf(x));
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}

INLINE double sigmoid_f64(double x) {
    double e = exp_down_f64(-__builtin_fabs(x));
    return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}

INLINE float pow_f32(float x, float y) {
    double base = __builtin_fabs((double)x), half = 0.5 * (double)y;
    float found = (float)exp_f64((double)y * log_f64(base));
    int whole = __builtin_floorf(y) == y, odd = whole & (__builtin_floor(half) != half);
    found = bits32(x) < 0 && odd ? -found : found;
    found = (x < 0.0f) & !whole & (x != -INFINITY) ? NAN : found;
    int unit = (y == 0.0f) | (x == 1.0f) | ((x == -1.0f) & (__builtin_fabsf(y) == INFINITY));
    return unit ? 1.0f : found;
}

INLINE double pow_f64(double x, double y) { return y == 2.0 ? x * x : pow(x, y); }

/* The larger and the smaller of two, NaN if either is; of equal ones the second. */
INLINE float max_f32(float x, float y) { return (x > y) | (x != x) ? x : y; }
INLINE double max_f64(double x, double y) { return (x > y) | (x != x) ? x : y; }
INLINE float min_f32(float x, float y) { return (x < y) | (x != x) ? x : y; }
INLINE double min_f64(double x, double y) { return (x < y) | (x != x) ? x : y; }
INLINE float sign_f32(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }
INLINE double sign_f64(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }

/* Sums and extremes of a block in a fixed number of lanes: the same bits wherever it runs. Totals are doubles. */
#define LANES 16
typedef float floats __attribute__((vector_size(32)));
typedef double doubles __attribute__((vector_size(32)));
typedef int32_t words __attribute__((vector_size(32)));
typedef int64_t longs __attribute__((vector_size(32)));

#define DEFINE_SUM(NAME, NUMBER)                                                                                       \
    static __attribute__((noinline, unused)) double NAME(const NUMBER *x, int64_t n) {                                 \
        double lanes[LANES] = {0.0};                                                                                   \
        int64_t k = 0;                                                                                                 \
        for (; k + LANES <= n; k += LANES) {                                                                           \
            _Pragma("GCC unroll 16") for (int lane = 0; lane < LANES; lane++) lanes[lane] += (double)x[k + lane];      \
        }                                                                                                              \
        for (int lane = 0; k < n; k++, lane++) lanes[lane] += (double)x[k];                                            \
        for (int width = LANES / 2; width; width /= 2)                                                                 \
            for (int lane = 0; lane < width; lane++) lanes[lane] += lanes[lane + width];                               \
        return lanes[0];                                                                                               \
    }

#define BETTER(BEST, SOME, MASKS, ORDER, NUMBERS)                                                                      \
    MASKS BEST##_taken = (SOME ORDER BEST) | (SOME != SOME);                                                           \
    BEST = (NUMBERS)(((MASKS)SOME & BEST##_taken) | ((MASKS)BEST & ~BEST##_taken));

#define DEFINE_EXTREME(NAME, NUMBER, NUMBERS, MASKS, ORDER, PICK)                                                      \
    static __attribute__((noinline, unused)) NUMBER NAME(NUMBER found, const NUMBER *x, int64_t n) {                   \
        enum { WIDTH = sizeof(NUMBERS) / sizeof(NUMBER) };                                                             \
        int64_t k = 0;                                                                                                 \
        if (n >= 2 * WIDTH) {                                                                                          \
            NUMBERS one, two;                                                                                          \
            memcpy(&one, x, sizeof one);                                                                               \
            memcpy(&two, x + WIDTH, sizeof two);                                                                       \
            for (k = 2 * WIDTH; k + 2 * WIDTH <= n; k += 2 * WIDTH) {                                                  \
                NUMBERS some, more;                                                                                    \
                memcpy(&some, x + k, sizeof some);                                                                     \
                memcpy(&more, x + k + WIDTH, sizeof more);                                                             \
                BETTER(one, some, MASKS, ORDER, NUMBERS)                                                               \
                BETTER(two, more, MASKS, ORDER, NUMBERS)                                                               \
            }                                                                                                          \
            NUMBER each[2 * WIDTH];                                                                                    \
            memcpy(each, &one, sizeof one);                                                                            \
            memcpy(each + WIDTH, &two, sizeof two);                                                                    \
            for (int lane = 0; lane < 2 * WIDTH; lane++) found = PICK(found, each[lane]);                              \
        }                                                                                                              \
        for (; k < n; k++) found = PICK(found, x[k]);                                                                  \
        return found;                                                                                                  \
    }

DEFINE_SUM(sum_f32, float)
DEFINE_SUM(sum_f64, double)
DEFINE_EXTREME(largest_f32, float, floats, words, >, max_f32)
DEFINE_EXTREME(largest_f64, double, doubles, longs, >, max_f64)
DEFINE_EXTREME(smallest_f32, float, floats, words, <, min_f32)
DEFINE_EXTREME(smallest_f64, double, doubles, longs, <, min_f64)
