#include "tcn_id.h"

#include <string.h>

static uint64_t rotate_left(uint64_t value, int by) {
    return (value << by) | (value >> (64 - by));
}

static uint64_t next(tcn_id *id) {
    uint64_t *state = id->state;
    uint64_t made = rotate_left(state[0] + state[3], 23) + state[0];
    uint64_t shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return made;
}

void tcn_id_seed(tcn_id *id, const unsigned char seed[TCN_ID_SEED_BYTES]) {
    memcpy(id->state, seed, TCN_ID_SEED_BYTES);
    /* All zeros would stay so for ever. */
    if (!(id->state[0] | id->state[1] | id->state[2] | id->state[3])) id->state[0] = 1;
}

void tcn_id_hex(tcn_id *id, char *text, size_t words) {
    static const char digits[] = "0123456789abcdef";

    while (words--) {
        uint64_t word = next(id);
        int shift;

        for (shift = 60; shift >= 0; shift -= 4) *text++ = digits[(word >> shift) & 15];
    }
}
