// SPDX-License-Identifier: BSD-3-Clause
// interop-tuak: our TUAK's answers, a line for each line of standard input: K, TOP, RAND, SQN and AMF in hexadecimal
// digits, then the bytes of MAC, RES, CK and IK, and the iterations.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "usim/tuak.h"

enum { DIGITS_MAX = 64, FIELDS = 10 };

static struct inputs {
    uint8_t k[TUAK_KEY_MAX], top[TUAK_TOP_SIZE], rand[TUAK_KEY_MAX], sqn[TUAK_KEY_MAX], amf[TUAK_KEY_MAX];
} inputs;

/* @return whether there was a line; K and TOPc are set */
static bool next(struct tuak *tuak, uint8_t *topc) {
    char k[DIGITS_MAX + 1], top[DIGITS_MAX + 1], rand[DIGITS_MAX + 1], sqn[DIGITS_MAX + 1], amf[DIGITS_MAX + 1];
    if (scanf("%64s %64s %64s %64s %64s %zu %zu %zu %zu %u", k, top, rand, sqn, amf, &tuak->mac_size, &tuak->res_size,
              &tuak->ck_size, &tuak->ik_size, &tuak->iterations) != FIELDS)
        return false;
    tuak->k = inputs.k;
    tuak->k_size = from_hex(k, inputs.k);
    (void)from_hex(top, inputs.top);
    (void)from_hex(rand, inputs.rand);
    (void)from_hex(sqn, inputs.sqn);
    (void)from_hex(amf, inputs.amf);
    tuak_topc(tuak, inputs.top, topc);
    tuak->topc = topc;
    return true;
}

static void print(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    printf(" ");
}

static void print_answers(const struct tuak *tuak) {
    uint8_t mac[TUAK_KEY_MAX], ak[6];
    struct tuak_answer answer;
    print(tuak->topc, TUAK_TOP_SIZE);
    tuak_f1(tuak, inputs.rand, inputs.sqn, inputs.amf, mac);
    print(mac, tuak->mac_size);
    tuak_f1_star(tuak, inputs.rand, inputs.sqn, inputs.amf, mac);
    print(mac, tuak->mac_size);
    tuak_f2345(tuak, inputs.rand, &answer);
    print(answer.res, tuak->res_size);
    print(answer.ck, tuak->ck_size);
    print(answer.ik, tuak->ik_size);
    print(answer.ak, sizeof(answer.ak));
    tuak_f5_star(tuak, inputs.rand, ak);
    print(ak, sizeof(ak));
    printf("\n");
}

int main(void) {
    uint8_t topc[TUAK_TOP_SIZE];
    struct tuak tuak = {.k_size = 0};
    while (next(&tuak, topc))
        print_answers(&tuak);
    return EXIT_SUCCESS;
}
