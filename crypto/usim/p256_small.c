// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/hkdf.h"
#include "curves.h"
#include "field.h"
#include "taint.h"

/* SP 800-186 3.2.1.3 */
static const uint64_t prime[FIELD_WORDS] = {0xffffffffffffffff, 0x00000000ffffffff, 0, 0xffffffff00000001};
static const uint64_t order[FIELD_WORDS] = {0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff,
                                            0xffffffff00000000};
static const struct number curve_b = {{0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7}};
static const struct number base_x = {{0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247}};
static const struct number base_y = {{0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b}};
/* (prime + 1) / 4: the exponent of a square root. */
static const uint64_t root[FIELD_WORDS] = {0, 0x0000000040000000, 0x4000000000000000, 0x3fffffffc0000000};

enum { COMPRESSED_EVEN = 2, COMPRESSED_ODD = 3, UNCOMPRESSED = 4, UNCOMPRESSED_SIZE = 65, BITS = 256 };

/* A point x/z, y/z. */
struct point {
    struct number x, y, z;
};

struct curve {
    struct field field;
    struct number b;
};

static void open_curve(struct curve *curve) {
    field_open(&curve->field, prime);
    curve->b = field_in(&curve->field, &curve_b);
}

static struct number load(const uint8_t *bytes) {
    struct number number = {{0}};
    for (unsigned i = 0; i < CURVE_SIZE; i++)
        number.word[i / 8] |= (uint64_t)bytes[CURVE_SIZE - 1 - i] << i % 8 * 8;
    return number;
}

static void store(const struct number *number, uint8_t *bytes) {
    for (unsigned i = 0; i < CURVE_SIZE; i++)
        bytes[CURVE_SIZE - 1 - i] = (uint8_t)(number->word[i / 8] >> i % 8 * 8);
}

/* Without a branch on the number. */
static bool below(const struct number *number, const uint64_t *limit) {
    uint64_t borrow = 0;
    for (unsigned i = 0; i < FIELD_WORDS; i++) {
        uint64_t a = number->word[i], b = limit[i], difference = a - b;
        borrow = ((~a & b) | (~(a ^ b) & (difference - borrow))) >> 63;
    }
    return borrow != 0;
}

#define MUL(a, b) field_multiply(&curve->field, &(a), &(b))
#define ADD(a, b) field_add(&curve->field, &(a), &(b))
#define SUB(a, b) field_subtract(&curve->field, &(a), &(b))

/* Renes, Costello, Batina, "Complete addition formulas for prime order elliptic curves", algorithm 4: right for all
 * points, equal ones and the one at infinity too, so that nothing is to be told apart. */
static struct point add(const struct curve *curve, const struct point *p, const struct point *q) {
    struct number t0 = MUL(p->x, q->x), t1 = MUL(p->y, q->y), t2 = MUL(p->z, q->z);
    struct number px = ADD(p->x, p->y), qx = ADD(q->x, q->y), t3 = MUL(px, qx), t4 = ADD(t0, t1);
    struct number x, y, z;
    t3 = SUB(t3, t4);
    px = ADD(p->y, p->z);
    qx = ADD(q->y, q->z);
    t4 = MUL(px, qx);
    x = ADD(t1, t2);
    t4 = SUB(t4, x);
    px = ADD(p->x, p->z);
    qx = ADD(q->x, q->z);
    x = MUL(px, qx);
    y = ADD(t0, t2);
    y = SUB(x, y);
    z = MUL(curve->b, t2);
    x = SUB(y, z);
    z = ADD(x, x);
    x = ADD(x, z);
    z = SUB(t1, x);
    x = ADD(t1, x);
    y = MUL(curve->b, y);
    t1 = ADD(t2, t2);
    t2 = ADD(t1, t2);
    y = SUB(y, t2);
    y = SUB(y, t0);
    t1 = ADD(y, y);
    y = ADD(t1, y);
    t1 = ADD(t0, t0);
    t0 = ADD(t1, t0);
    t0 = SUB(t0, t2);
    t1 = MUL(t4, y);
    t2 = MUL(t0, y);
    y = MUL(x, z);
    y = ADD(y, t2);
    x = MUL(t3, x);
    x = SUB(x, t1);
    z = MUL(t4, z);
    t1 = MUL(t3, t0);
    z = ADD(z, t1);
    return (struct point){x, y, z};
}

static void swap(struct point *a, struct point *b, uint64_t bit) {
    field_swap(&a->x, &b->x, bit);
    field_swap(&a->y, &b->y, bit);
    field_swap(&a->z, &b->z, bit);
}

/* Both branches of each bit are computed. */
static struct point multiply(const struct curve *curve, const struct number *scalar, const struct point *by) {
    struct point result = {field_small(&curve->field, 0), field_small(&curve->field, 1), field_small(&curve->field, 0)};
    for (unsigned bit = BITS; bit-- > 0;) {
        result = add(curve, &result, &result);
        struct point sum = add(curve, &result, by);
        swap(&result, &sum, scalar->word[bit / 64] >> bit % 64 & 1);
        crypto_wipe(&sum, sizeof(sum));
    }
    return result;
}

static void affine(const struct curve *curve, const struct point *point, struct number *x, struct number *y) {
    struct number inverse = field_invert(&curve->field, &point->z);
    struct number in_field = MUL(point->y, inverse);
    *y = field_out(&curve->field, &in_field);
    in_field = MUL(point->x, inverse);
    *x = field_out(&curve->field, &in_field);
    /* The same of a zero, which overwrites what the last multiplication left on the stack. */
    const struct number zero = {{0}};
    in_field = field_out(&curve->field, &zero);
    inverse = field_out(&curve->field, &zero);
    crypto_wipe(&in_field, sizeof(in_field));
    crypto_wipe(&inverse, sizeof(inverse));
}

static bool load_scalar(const uint8_t *bytes, struct number *scalar) {
    static const struct number zero = {{0}};
    *scalar = load(bytes);
    unsigned good = (unsigned)below(scalar, order) & (unsigned)!field_equal(scalar, &zero);
    /* That a random number is none is known by another one being taken. */
    USIM_PUBLIC(&good, sizeof(good));
    return good != 0;
}

/* y^2 = x^3 - 3x + b */
static struct number right_side(const struct curve *curve, const struct number *x) {
    struct number square = MUL(*x, *x), three = field_small(&curve->field, 3);
    square = SUB(square, three);
    square = MUL(square, *x);
    return ADD(square, curve->b);
}

/* Keys are public: branches are no harm. */
static bool load_key(const struct curve *curve, const uint8_t *key, size_t size, struct point *point) {
    bool compressed = size == CURVE_COMPRESSED_SIZE && (key[0] == COMPRESSED_EVEN || key[0] == COMPRESSED_ODD);
    if (!compressed && (size != UNCOMPRESSED_SIZE || key[0] != UNCOMPRESSED))
        return false;
    struct number x = load(key + 1);
    if (!below(&x, prime))
        return false;
    point->x = field_in(&curve->field, &x);
    point->z = field_small(&curve->field, 1);
    struct number square = right_side(curve, &point->x), y = {{0}};
    if (compressed) {
        point->y = field_power(&curve->field, &square, root);
        y = field_out(&curve->field, &point->y);
        struct number zero = field_small(&curve->field, 0);
        if ((y.word[0] & 1) != (key[0] & 1u))
            point->y = SUB(zero, point->y);
    } else {
        y = load(key + 1 + CURVE_SIZE);
        if (!below(&y, prime))
            return false;
        point->y = field_in(&curve->field, &y);
    }
    struct number found = MUL(point->y, point->y);
    return field_equal(&found, &square);
}

bool curve_p256_is_key(const uint8_t *key, size_t size) {
    struct curve curve;
    struct point point;
    open_curve(&curve);
    return load_key(&curve, key, size, &point);
}

bool curve_p256_public(const uint8_t *scalar, uint8_t *compressed) {
    struct curve curve;
    struct number number, x, y;
    if (!load_scalar(scalar, &number))
        return false;
    open_curve(&curve);
    struct point base = {field_in(&curve.field, &base_x), field_in(&curve.field, &base_y),
                         field_small(&curve.field, 1)};
    struct point product = multiply(&curve, &number, &base);
    affine(&curve, &product, &x, &y);
    compressed[0] = (uint8_t)(COMPRESSED_EVEN + (y.word[0] & 1));
    store(&x, compressed + 1);
    crypto_wipe(&number, sizeof(number));
    return true;
}

bool curve_p256_shared(const uint8_t *scalar, const uint8_t *key, size_t size, uint8_t *shared) {
    struct curve curve;
    struct point point;
    struct number number, x, y;
    open_curve(&curve);
    if (!load_scalar(scalar, &number) || !load_key(&curve, key, size, &point))
        return false;
    struct point product = multiply(&curve, &number, &point);
    affine(&curve, &product, &x, &y);
    store(&x, shared);
    crypto_wipe(&number, sizeof(number));
    crypto_wipe(&product, sizeof(product));
    crypto_wipe(&x, sizeof(x));
    crypto_wipe(&y, sizeof(y));
    return true;
}
