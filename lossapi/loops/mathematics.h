/* Functions of single numbers that a compiler turns into vector code: no branch, no table, no call.

   All follow C's Annex F at the ends of their range: subnormal numbers, signed zeros, infinities and NaN. Bounds are
   in units in the last place (ulp) of the result; tests hold them against 40 digits over the whole range.

       function   float   double   method
       exp        1       1        x = k ln 2 + r, a polynomial in r, 2^k by its bits in two halves
       exp_down   1       1        the same for x <= 0, which takes fewer steps
       expm1      2       2        2^k (expm1(r) + 1) - 1, of the same polynomial
       log        1       1        x = 2^k (1 + f), a polynomial in f (float) or the series of atanh (double)
       log_sound  1       1        the same, but of subnormal numbers
       log1p      2       2        log(u) of u = 1 + x, and what the sum lost: (x - (u - 1)) / u
       log1p_unit 2       2        for 0 <= x <= 1: a polynomial (float) or the series of log itself
       tanh       3       3        t / (t + 2) of t = expm1(2|x|)
       sigmoid    3       3        1 / (1 + e) or e / (1 + e) of e = exp(-|x|)
       pow        3       libm's   exp(y log x), the log in two floats
       sin, cos, acos, asin, atan, and pow of doubles are those of the C library.

   Compiled without contraction: a fused multiply-add stands only where FMA is written. */

#pragma once

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline, unused))
#if defined(__FMA__) || defined(__aarch64__)
#define FUSED 1
#define FMA32(a, b, c) __builtin_fmaf(a, b, c)
#define FMA64(a, b, c) __builtin_fma(a, b, c)
#else
#define FUSED 0
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
    float p = 1.3940518256276846e-3f;
    p = FMA32(p, r, 8.36643110960722e-3f);
    p = FMA32(p, r, 4.166640341281891e-2f);
    p = FMA32(p, r, 1.666654497385025e-1f);
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

/* The lowest bits of `shifted` hold k and twice the bias of an exponent: half of that is the exponent of each power. */
INLINE float exp_f32(float x) {
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float shifted = FMA32(x, 1.44269504088896341f, ROUND32 + 254.0f);
    float q = near_expm1_f32(rest_f32(x, shifted - (ROUND32 + 254.0f)));
    uint32_t both = (uint32_t)bits32(shifted), half = both >> 1;
    float power = float_of((int32_t)(half << 23));
    return FMA32(power, q, power) * float_of((int32_t)((both - half) << 23));
}

/* exp(x) for x <= 0: by a power of 2 raised so far that it is no subnormal number yet, and the rest of it. */
INLINE float exp_down_f32(float x) {
    x = x < -104.0f ? -104.0f : x;
    float shifted = FMA32(x, 1.44269504088896341f, ROUND32);
    float q = near_expm1_f32(rest_f32(x, shifted - ROUND32));
    float power = float_of((int32_t)(((uint32_t)bits32(shifted) << 23) + ((127u + 64u) << 23)));
    return FMA32(power, q, power) * 5.421010862427522e-20f;
}

INLINE double exp_down_f64(double x) {
    x = x < -746.0 ? -746.0 : x;
    double shifted = FMA64(x, 1.44269504088896340736, ROUND64);
    double q = near_expm1_f64(rest_f64(x, shifted - ROUND64));
    double power = double_of((int64_t)(((uint64_t)bits64(shifted) << 52) + ((1023ull + 128ull) << 52)));
    return FMA64(power, q, power) * 2.938735877055719e-39;
}

INLINE double exp_f64(double x) {
    x = x < -746.0 ? -746.0 : x;
    x = x > 710.0 ? 710.0 : x;
    double shifted = FMA64(x, 1.44269504088896340736, ROUND64 + 2046.0);
    double q = near_expm1_f64(rest_f64(x, shifted - (ROUND64 + 2046.0)));
    uint64_t both = (uint64_t)bits64(shifted), half = both >> 1;
    double power = double_of((int64_t)(half << 52));
    return FMA64(power, q, power) * double_of((int64_t)((both - half) << 52));
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

/* The log of a number that is normal, given `apart` times 2^23 (2^52). */
INLINE float log_normal_f32(float x, int apart) {
    int32_t bits = bits32(x) - 0x3f3504f3;
    float k = (float)((bits >> 23) - apart);
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
    p = FMA32(p, f, -0.5f);
    return FMA32(k, 0.693359375f, f + FMA32(p, f * f, k * -2.12194440e-4f));
}

/* What a log is at 0, at infinity and beyond, where all bits set are a NaN; without a branch, which none is made of. */
INLINE float log_ends_f32(float x, float found) {
    int32_t zero = -(int32_t)(x == 0.0f), endless = -(int32_t)(x == INFINITY), beyond = -(int32_t)!(x >= 0.0f);
    float more = float_of((zero & bits32(-INFINITY)) | (endless & bits32(INFINITY)));
    return float_of(bits32(found + more) | beyond);
}

INLINE float log_f32(float x) {
    int small = x < 1.17549435e-38f;
    return log_ends_f32(x, log_normal_f32(small ? x * 8388608.0f : x, small ? 23 : 0));
}

/* Of what is no subnormal number. */
INLINE float log_sound_f32(float x) { return log_ends_f32(x, log_normal_f32(x, 0)); }

/* The series of atanh, of z = (f / (2 + f))^2: what log(1 + f) takes beside f. */
INLINE double log_series_f64(double z) {
    double p = 0.1461703754879165;
    p = FMA64(p, z, 0.1533167403016786);
    p = FMA64(p, z, 0.18182890556695602);
    p = FMA64(p, z, 0.2222221111514416);
    p = FMA64(p, z, 0.2857142862609589);
    p = FMA64(p, z, 0.3999999999989924);
    return FMA64(p, z, 0.666666666666667);
}

INLINE double log_normal_f64(double x, double apart) {
    int64_t bits = bits64(x) - 0x3fe6a09e667f3bcdLL;
    /* A whole number in the lowest bits of 2^52 is that number as a double; the shift stays within unsigned ones. */
    uint64_t above = (uint64_t)(bits + (1024LL << 52)) >> 52;
    double k = double_of((int64_t)(above | 0x4330000000000000ULL)) - (4503599627370496.0 + 1024.0) - apart;
    double f = double_of((bits & 0xfffffffffffffLL) + 0x3fe6a09e667f3bcdLL) - 1.0;
    double s = f / (2.0 + f), z = s * s;
    double half = 0.5 * f * f;
    double low = FMA64(s, half + z * log_series_f64(z), k * 1.90821492927058770002e-10);
    return FMA64(k, 6.93147180369123816490e-01, f - (half - low));
}

INLINE double log_ends_f64(double x, double found) {
    int64_t zero = -(int64_t)(x == 0.0), endless = -(int64_t)(x == INFINITY), beyond = -(int64_t)!(x >= 0.0);
    double more = double_of((zero & bits64(-INFINITY)) | (endless & bits64(INFINITY)));
    return double_of(bits64(found + more) | beyond);
}

INLINE double log_f64(double x) {
    int small = x < 2.2250738585072014e-308;
    return log_ends_f64(x, log_normal_f64(small ? x * 4503599627370496.0 : x, small ? 52.0 : 0.0));
}

INLINE double log_sound_f64(double x) { return log_ends_f64(x, log_normal_f64(x, 0.0)); }

/* log(1 + x) for 0 <= x <= 1: a polynomial (float), or beyond sqrt(2) - 1 the log of half of 1 + x, and ln 2. */
INLINE float log1p_unit_f32(float x) {
    float p = -0.0033184518106281757f;
    p = FMA32(p, x, 0.020204493775963783f);
    p = FMA32(p, x, -0.057664282619953156f);
    p = FMA32(p, x, 0.10680539906024933f);
    p = FMA32(p, x, -0.15355387330055237f);
    p = FMA32(p, x, 0.19695398211479187f);
    p = FMA32(p, x, -0.24958586692810059f);
    p = FMA32(p, x, 0.33330512046813965f);
    p = FMA32(p, x, -0.4999993145465851f);
    return FMA32(p, x * x, x);
}

INLINE double log1p_unit_f64(double x) {
    int far = x > 0.41421356237309503;
    double f = far ? 0.5 * (x - 1.0) : x, half = 0.5 * f * f;
    double s = f / (2.0 + f), z = s * s;
    double near = f - (half - s * (half + z * log_series_f64(z)));
    return far ? near + 0.69314718055994531 : near;
}

INLINE float log1p_f32(float x) {
    float u = 1.0f + x, lost = x - (u - 1.0f); /* of large x, where u - 1 is not exact, nothing matters any more */
    float found = log_normal_f32(u, 0) + lost / (u == 0.0f ? 1.0f : u);
    return (x == 0.0f) | (u == INFINITY) ? x : log_ends_f32(u, found);
}

INLINE double log1p_f64(double x) {
    double u = 1.0 + x, lost = x - (u - 1.0);
    double found = log_normal_f64(u, 0.0) + lost / (u == 0.0 ? 1.0 : u);
    return (x == 0.0) | (u == INFINITY) ? x : log_ends_f64(u, found);
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

/* Where a compiler knows the exponent. */
#define EASY_POWERS(x, y)                                                                                              \
    if (__builtin_constant_p(y) && y == 2) return x * x;                                                               \
    if (__builtin_constant_p(y) && y == 1) return x;                                                                   \
    if (__builtin_constant_p(y) && y == 0) return 1;

/* log |x| as two floats, by the series of atanh at s = f / (2 + f), s in two floats too. */
INLINE float log_parts_f32(float size, float *low) {
    int small = size < 1.17549435e-38f;
    int32_t bits = bits32(small ? size * 8388608.0f : size) - 0x3f3504f3;
    float k = (float)((bits >> 23) - (small ? 23 : 0));
    float f = float_of((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    float t = 2.0f + f, inverse = 1.0f / t, s = f * inverse, z = s * s;
    float rest = (FMA32(-s, t, f) - s * (f - (t - 2.0f))) * inverse;
    float p = 0.23582816123962402f;
    p = FMA32(p, z, 0.2853727638721466f);
    p = FMA32(p, z, 0.4000033438205719f);
    p = FMA32(p, z, 0.6666666269302368f);
    float most = k * 0.693359375f, head = most + 2.0f * s;
    float tail = ((most - head) + 2.0f * s) + (p * z * s + FMA32(k, -2.12194440e-4f, 2.0f * rest));
    float found = head + tail;
    *low = (head - found) + tail;
    int32_t zero = -(int32_t)(size == 0.0f), endless = -(int32_t)(size == INFINITY), none = -(int32_t)(size != size);
    float more = float_of((zero & bits32(-INFINITY)) | (endless & bits32(INFINITY)));
    return float_of(bits32(found + more) | none);
}

/* exp(y log x) of a size x. */
INLINE float power_f32(float x, float y) {
    if (!FUSED) return (float)exp_f64((double)y * log_f64((double)x));
    float low, high = log_parts_f32(x, &low), z = y * high;
    float held = z < -104.0f ? -104.0f : z;
    held = held > 89.0f ? 89.0f : held;
    float rest = held == z ? FMA32(y, high, -z) + y * low : 0.0f;
    float shifted = FMA32(held, 1.44269504088896341f, ROUND32 + 254.0f);
    float q = near_expm1_f32(rest_f32(held, shifted - (ROUND32 + 254.0f)) + rest);
    uint32_t both = (uint32_t)bits32(shifted), part = both >> 1;
    float power = float_of((int32_t)(part << 23));
    return FMA32(power, q, power) * float_of((int32_t)((both - part) << 23));
}

INLINE float pow_f32(float x, float y) {
    EASY_POWERS(x, y)
    float found = power_f32(__builtin_fabsf(x), y), half = 0.5f * y;
    int whole = __builtin_floorf(y) == y, odd = whole & (__builtin_floorf(half) != half);
    found = bits32(x) < 0 && odd ? -found : found;
    found = (x < 0.0f) & !whole & (x != -INFINITY) ? NAN : found;
    int unit = (y == 0.0f) | (x == 1.0f) | ((x == -1.0f) & (__builtin_fabsf(y) == INFINITY));
    return unit ? 1.0f : found;
}

INLINE double pow_f64(double x, double y) {
    EASY_POWERS(x, y)
    return y == 2.0 ? x * x : pow(x, y);
}

/* x, or 0 where something holds whatever x is: without a branch, as rows of these are jumped through together. */
INLINE float unless_f32(int held, float x) { return float_of(bits32(x) & -(int32_t)!held); }
INLINE double unless_f64(int held, double x) { return double_of(bits64(x) & -(int64_t)!held); }

/* The larger and the smaller of two, NaN if either is; of equal ones the second. */
INLINE float max_f32(float x, float y) { return (x > y) | (x != x) ? x : y; }
INLINE double max_f64(double x, double y) { return (x > y) | (x != x) ? x : y; }
INLINE float min_f32(float x, float y) { return (x < y) | (x != x) ? x : y; }
INLINE double min_f64(double x, double y) { return (x < y) | (x != x) ? x : y; }
INLINE float sign_f32(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }
INLINE double sign_f64(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }

/* How many entries of a row to make, of m that are wanted and some that are left: whole vectors, if there are any. */
INLINE int64_t whole(int64_t m, int64_t left) {
    int64_t more = (m + 7) & -8;
    return more <= left ? more : m;
}

/* Sums and extremes of a block in a fixed number of lanes: the same bits wherever it runs. Totals are doubles. */
typedef double doubles __attribute__((vector_size(32)));
typedef float halves __attribute__((vector_size(16)));

INLINE doubles four_f64(const double *x) { doubles four; memcpy(&four, x, sizeof four); return four; }
INLINE doubles four_f32(const float *x) {
    halves four;
    memcpy(&four, x, sizeof four);
#if defined(__AVX__) && !defined(__clang__)
    return (doubles)__builtin_ia32_cvtps2pd256(four); /* which gcc does not see in the line below */
#else
    return __builtin_convertvector(four, doubles);
#endif
}

#define DEFINE_SUM(NAME, NUMBER, FOUR)                                                                                 \
    static __attribute__((noinline, unused)) double NAME(const NUMBER *x, int64_t n) {                                 \
        doubles a = {0.0}, b = {0.0}, c = {0.0}, d = {0.0};                                                            \
        int64_t k = 0;                                                                                                 \
        for (; k + 16 <= n; k += 16) {                                                                                 \
            a += FOUR(x + k);                                                                                          \
            b += FOUR(x + k + 4);                                                                                      \
            c += FOUR(x + k + 8);                                                                                      \
            d += FOUR(x + k + 12);                                                                                     \
        }                                                                                                              \
        for (; k + 4 <= n; k += 4) a += FOUR(x + k);                                                                   \
        a = (a + c) + (b + d);                                                                                         \
        double left = 0.0;                                                                                             \
        for (; k < n; k++) left += (double)x[k];                                                                       \
        return ((a[0] + a[2]) + (a[1] + a[3])) + left;                                                                 \
    }

/* Extremes go by vectors that the machine has: those it has not are compared entry by entry. */
#ifdef __AVX__
#define WIDE 32
#else
#define WIDE 16
#endif
typedef float floats __attribute__((vector_size(WIDE)));
typedef double wholes __attribute__((vector_size(WIDE)));
typedef int32_t words __attribute__((vector_size(WIDE)));
typedef int64_t longs __attribute__((vector_size(WIDE)));

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
            if (k < n) { /* the last vectors, whatever of them was seen before */                                      \
                NUMBERS some, more;                                                                                    \
                memcpy(&some, x + n - 2 * WIDTH, sizeof some);                                                         \
                memcpy(&more, x + n - WIDTH, sizeof more);                                                             \
                BETTER(one, some, MASKS, ORDER, NUMBERS)                                                               \
                BETTER(two, more, MASKS, ORDER, NUMBERS)                                                               \
                k = n;                                                                                                 \
            }                                                                                                          \
            BETTER(one, two, MASKS, ORDER, NUMBERS)                                                                    \
            NUMBER each[WIDTH];                                                                                        \
            memcpy(each, &one, sizeof one);                                                                            \
            for (int width = WIDTH / 2; width; width /= 2)                                                             \
                for (int lane = 0; lane < width; lane++) each[lane] = PICK(each[lane], each[lane + width]);            \
            found = PICK(found, each[0]);                                                                              \
        }                                                                                                              \
        for (; k < n; k++) found = PICK(found, x[k]);                                                                  \
        return found;                                                                                                  \
    }

DEFINE_SUM(sum_f32, float, four_f32)
DEFINE_SUM(sum_f64, double, four_f64)
DEFINE_EXTREME(largest_f32, float, floats, words, >, max_f32)
DEFINE_EXTREME(largest_f64, double, wholes, longs, >, max_f64)
DEFINE_EXTREME(smallest_f32, float, floats, words, <, min_f32)
DEFINE_EXTREME(smallest_f64, double, wholes, longs, <, min_f64)
