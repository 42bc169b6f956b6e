/* The laws of csrc/tcn_id. */
#include <string.h>

#include "tcn_id.h"
#include "tcn_test.h"

static void seeded(tcn_id *id, unsigned char first) {
    unsigned char seed[TCN_ID_SEED_BYTES] = {0};

    seed[0] = first;
    tcn_id_seed(id, seed);
}

static void test_the_sequence_is_that_of_xoshiro256_plus_plus(void) {
    /* State 1, 2, 3, 4; computed by hand from the published recurrence. */
    tcn_id id = {{1, 2, 3, 4}};
    char text[48];

    tcn_id_hex(&id, text, 2);
    CHECK(memcmp(text, "0000000002800001" "0000000003800067", 32) == 0);
}

static void test_what_is_written_is_hexadecimal_and_no_longer_than_said(void) {
    tcn_id id;
    char text[34];

    seeded(&id, 7);
    for (int i = 0; i < 1000; i++) {
        text[32] = '#';
        tcn_id_hex(&id, text, 2);
        CHECK(text[32] == '#');
        for (int at = 0; at < 32; at++) CHECK(strchr("0123456789abcdef", text[at]) != NULL);
    }
}

static void test_a_seed_of_zeros_does_not_stand_still(void) {
    tcn_id id;
    char one[32], other[32];

    seeded(&id, 0);
    for (int i = 0; i < 100; i++) tcn_id_hex(&id, one, 2);
    tcn_id_hex(&id, other, 2);
    CHECK(memcmp(one, other, 32) != 0);
    CHECK(memcmp(one, "00000000000000000000000000000000", 32) != 0);
}

static void test_every_bit_is_set_about_half_of_the_time(void) {
    tcn_id id;
    int set[64] = {0};

    seeded(&id, 3);
    for (int i = 0; i < 20000; i++) {
        char text[16];

        tcn_id_hex(&id, text, 1);
        for (int bit = 0; bit < 64; bit++) {
            const char digit = text[bit / 4];
            set[bit] += ((digit <= '9' ? digit - '0' : digit - 'a' + 10) >> (3 - bit % 4)) & 1;
        }
    }
    for (int bit = 0; bit < 64; bit++) CHECK(set[bit] > 9500 && set[bit] < 10500);
}

static void test_other_seeds_give_other_ids(void) {
    tcn_id one, other;
    char first[32], second[32];

    seeded(&one, 1);
    seeded(&other, 2);
    for (int i = 0; i < 100; i++) {
        tcn_id_hex(&one, first, 2);
        tcn_id_hex(&other, second, 2);
        CHECK(memcmp(first, second, 32) != 0);
    }
}

int main(void) {
    RUN(test_the_sequence_is_that_of_xoshiro256_plus_plus);
    RUN(test_what_is_written_is_hexadecimal_and_no_longer_than_said);
    RUN(test_a_seed_of_zeros_does_not_stand_still);
    RUN(test_every_bit_is_set_about_half_of_the_time);
    RUN(test_other_seeds_give_other_ids);
    return 0;
}
