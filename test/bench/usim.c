// SPDX-License-Identifier: BSD-3-Clause
// A USIM's answers to challenges, whole commands with all checks, beside libosmocore making such challenges for the
// network's side, by turns in one process, as JSON: CPU nanoseconds, the least of the rounds.
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "usim_fixture.h"

enum { ROUNDS = 12, CHALLENGES = 2000, UMTS = 2, MILENAGE = 5 };

/* As the library has them (osmocom/crypt/auth.h of 1.7.0); it is opened and not linked. */
struct subscriber {
    int type, algorithm;
    struct {
        uint8_t opc[16], k[16], amf[2];
        uint64_t sqn;
        int opc_is_op;
        unsigned ind_bits, ind;
        uint64_t sqn_ms;
    } umts;
};

struct vector {
    uint8_t rand[16], autn[16], ck[16], ik[16], res[16];
    uint8_t res_size, kc[8], sres[4];
    uint32_t types;
    uint8_t more[64];
};

static struct usim_fixture fixture;
static uint8_t autn[ROUNDS][CHALLENGES][16];
static const uint8_t rand_bytes[16] = {1, 2, 3};
static struct subscriber subscriber;
static int (*generate)(struct vector *vector, struct subscriber *subscriber, const uint8_t *rand);

static void require(bool good, const char *what) {
    if (good)
        return;
    (void)fprintf(stderr, "bench-usim: %s\n", what);
    exit(EXIT_FAILURE);
}

static void open_library(void) {
    void *library = dlopen("libosmogsm.so.18", RTLD_NOW);
    if (library == NULL)
        library = dlopen("libosmogsm.so", RTLD_NOW);
    void *found = library == NULL ? NULL : dlsym(library, "osmo_auth_gen_vec");
    require(found != NULL, "libosmogsm is not installed");
    memcpy(&generate, &found, sizeof(found));
    subscriber = (struct subscriber){.type = UMTS, .algorithm = MILENAGE};
    memcpy(subscriber.umts.k, fixture.card.profile.secret.k, 16);
    memcpy(subscriber.umts.opc, fixture.card.profile.secret.opc, 16);
    subscriber.umts.ind_bits = 5;
}

/* AUTHENTICATE and GET RESPONSE. */
static void our_answers(unsigned round) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    for (unsigned i = 0; i < CHALLENGES; i++)
        require(usim_authenticate(&fixture.card, rand_bytes, autn[round][i], response, &size) == 0x9000 &&
                    response[0] == 0xdb,
                "AUTHENTICATE");
}

static void their_vectors(unsigned round) {
    struct vector vector;
    (void)round;
    for (unsigned i = 0; i < CHALLENGES; i++)
        require(generate(&vector, &subscriber, rand_bytes) == 0, "osmo_auth_gen_vec");
}

static uint64_t now_ns(void) {
    struct timespec time;
    require(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0, "clock_gettime");
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void measure(void (*run)(unsigned round), unsigned round, uint64_t *least) {
    uint64_t started = now_ns();
    run(round);
    uint64_t taken = now_ns() - started;
    *least = taken < *least ? taken : *least;
}

int main(void) {
    uint64_t ours = UINT64_MAX, theirs = UINT64_MAX, sqn = 0;
    usim_fixture_open(&fixture, NULL);
    usim_begin(&fixture.card);
    open_library();
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < CHALLENGES; i++)
            usim_network_challenge(&fixture.card.profile.secret, rand_bytes, ++sqn << 5 | i % 32, autn[round][i]);
    for (unsigned round = 0; round < ROUNDS; round++) {
        measure(our_answers, round, &ours);
        measure(their_vectors, round, &theirs);
    }
    (void)printf("{\"authentications\": %d, \"usim_ns\": %llu, \"libosmocore_ns\": %llu}\n", CHALLENGES,
                 (unsigned long long)ours, (unsigned long long)theirs);
    return EXIT_SUCCESS;
}
