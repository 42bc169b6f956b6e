/* The laws of csrc/tcn_site_table, against a model that looks at every key. */
#include <string.h>

#include "tcn_site_table.h"
#include "tcn_test.h"

#define CAPACITY_MOST 40
#define CODES 12
#define LASTIS 8

static void test_bounds_out_of_range_are_refused(void) {
    tcn_site_table *table;

    CHECK(tcn_site_table_new(0, &table) == TCN_EINVAL && table == NULL);
    CHECK(tcn_site_table_new(TCN_SITE_TABLE_CAPACITY_MAX + 1, &table) == TCN_EINVAL && table == NULL);
    CHECK(tcn_site_table_new(TCN_SITE_TABLE_CAPACITY_MAX, &table) == TCN_OK);
    tcn_site_table_free(table);
    tcn_site_table_free(NULL);
}

static void test_every_failed_allocation_is_reported_and_leaks_nothing(void) {
    tcn_site_table *table;
    int failures = 0;

    for (;; failures++) {
        allocations_until_failure = failures;
        if (tcn_site_table_new(8, &table) == TCN_OK) break;
        CHECK(table == NULL);
    }
    allocations_until_failure = -1;
    CHECK(failures == 3);
    tcn_site_table_free(table);
}

static void test_a_full_table_evicts_what_was_not_found_lately(void) {
    tcn_site_table *table;
    uint32_t site;

    CHECK(tcn_site_table_new(4, &table) == TCN_OK);
    for (int i = 0; i < 4; i++) CHECK(tcn_site_table_insert(table, 100, i, &site) == TCN_OK && site == (uint32_t)i);
    CHECK(tcn_site_table_find(table, 100, 0, &site) == TCN_OK);
    CHECK(tcn_site_table_find(table, 100, 2, &site) == TCN_OK);
    CHECK(tcn_site_table_insert(table, 200, 0, &site) == TCN_REPLACED && site == 1);
    CHECK(tcn_site_table_insert(table, 200, 1, &site) == TCN_REPLACED && site == 3);
    CHECK(tcn_site_table_find(table, 100, 1, &site) == TCN_EEMPTY);
    CHECK(tcn_site_table_find(table, 100, 3, &site) == TCN_EEMPTY);
    CHECK(tcn_site_table_find(table, 100, 0, &site) == TCN_OK && site == 0);
    CHECK(tcn_site_table_len(table) == 4);

    /* Where all were found, the hand goes round once and takes the one it began with. */
    for (int i = 0; i < 2; i++) CHECK(tcn_site_table_find(table, 200, i, &site) == TCN_OK);
    CHECK(tcn_site_table_find(table, 100, 2, &site) == TCN_OK);
    CHECK(tcn_site_table_insert(table, 300, 0, &site) == TCN_REPLACED && site == 0);
    tcn_site_table_free(table);
}

static void test_a_table_of_one_holds_the_latest(void) {
    tcn_site_table *table;
    uint32_t site;

    CHECK(tcn_site_table_new(1, &table) == TCN_OK);
    CHECK(tcn_site_table_insert(table, 1, 1, &site) == TCN_OK && site == 0);
    for (uintptr_t code = 2; code < 100; code++) {
        CHECK(tcn_site_table_insert(table, code, 1, &site) == TCN_REPLACED && site == 0);
        CHECK(tcn_site_table_find(table, code - 1, 1, &site) == TCN_EEMPTY);
        CHECK(tcn_site_table_find(table, code, 1, &site) == TCN_OK);
    }
    tcn_site_table_free(table);
}

static void test_a_code_is_removed_in_as_many_calls_as_the_room_needs(void) {
    tcn_site_table *table;
    uint32_t site, freed[4];

    CHECK(tcn_site_table_new(16, &table) == TCN_OK);
    for (int i = 0; i < 10; i++) CHECK(tcn_site_table_insert(table, 100, i, &site) == TCN_OK);
    CHECK(tcn_site_table_insert(table, 200, 0, &site) == TCN_OK);
    CHECK(tcn_site_table_remove_code(table, 100, freed, 4) == 4);
    CHECK(tcn_site_table_remove_code(table, 100, freed, 4) == 4);
    CHECK(tcn_site_table_remove_code(table, 100, freed, 4) == 2);
    CHECK(tcn_site_table_remove_code(table, 100, freed, 4) == 0);
    CHECK(tcn_site_table_len(table) == 1);
    CHECK(tcn_site_table_find(table, 200, 0, &site) == TCN_OK && site == 10);
    tcn_site_table_free(table);
}

/* The site of each key, or -1. */
typedef struct {
    int64_t sites[CODES][LASTIS];
    uint32_t len;
} model;

/* Far apart and close together, with the top bit and without. */
static uintptr_t code_at(int number) {
    static const uintptr_t bases[] = {0x1000, 0x7f0000000000u & UINTPTR_MAX, ~(uintptr_t)0xfff};
    return bases[number % 3] + (uintptr_t)(number / 3) * 16;
}

static int lasti_at(int number) {
    return number == 0 ? -1 : number * 2;
}

static void model_forget_site(model *model, uint32_t site) {
    for (int i = 0; i < CODES; i++) {
        for (int j = 0; j < LASTIS; j++) {
            if (model->sites[i][j] != (int64_t)site) continue;
            model->sites[i][j] = -1;
            model->len--;
        }
    }
}

static void check_same(tcn_site_table *table, const model *model) {
    CHECK(tcn_site_table_len(table) == model->len);
    for (int i = 0; i < CODES; i++) {
        for (int j = 0; j < LASTIS; j++) {
            uint32_t site;
            int result = tcn_site_table_find(table, code_at(i), lasti_at(j), &site);
            CHECK(result == (model->sites[i][j] < 0 ? TCN_EEMPTY : TCN_OK));
            if (result == TCN_OK) CHECK((int64_t)site == model->sites[i][j]);
        }
    }
}

static void check_random_steps(uint32_t capacity, uint64_t seed) {
    tcn_site_table *table;
    model model;
    uint64_t random = seed;

    memset(&model.sites, -1, sizeof model.sites);
    model.len = 0;
    CHECK(tcn_site_table_new(capacity, &table) == TCN_OK);
    for (int step = 0; step < 2000; step++) {
        int code = (int)(next_random(&random) % CODES), lasti = (int)(next_random(&random) % LASTIS);
        uint64_t kind = next_random(&random) % 100;
        uint32_t site, freed[LASTIS];
        if (kind < 80) {
            int64_t before = model.sites[code][lasti];
            int result = tcn_site_table_insert(table, code_at(code), lasti_at(lasti), &site);
            CHECK(result == (before >= 0 ? TCN_EXISTS : model.len == capacity ? TCN_REPLACED : TCN_OK));
            CHECK(site < capacity);
            if (before >= 0) {
                CHECK(before == (int64_t)site);
            } else {
                uint32_t len = model.len;
                model_forget_site(&model, site);
                CHECK(len - model.len == (result == TCN_REPLACED ? 1 : 0));
                model.sites[code][lasti] = site;
                model.len++;
            }
        } else if (kind < 99) {
            size_t count = tcn_site_table_remove_code(table, code_at(code), freed, LASTIS);
            for (size_t i = 0; i < count; i++) {
                int is_ours = 0;
                for (int j = 0; j < LASTIS; j++) is_ours |= model.sites[code][j] == (int64_t)freed[i];
                CHECK(is_ours);
                model_forget_site(&model, freed[i]);
            }
            for (int j = 0; j < LASTIS; j++) CHECK(model.sites[code][j] < 0);
        } else {
            tcn_site_table_clear(table);
            memset(&model.sites, -1, sizeof model.sites);
            model.len = 0;
        }
        /* Not always, because looking marks every site as found. */
        if (kind % 4 == 0) check_same(table, &model);
    }
    check_same(table, &model);
    tcn_site_table_free(table);
}

static void test_the_table_agrees_with_a_model_after_random_steps(void) {
    for (uint32_t capacity = 1; capacity <= CAPACITY_MOST; capacity++) {
        check_random_steps(capacity, UINT64_C(0x5eed) * capacity);
    }
}

int main(void) {
    RUN(test_bounds_out_of_range_are_refused);
    RUN(test_every_failed_allocation_is_reported_and_leaks_nothing);
    RUN(test_a_full_table_evicts_what_was_not_found_lately);
    RUN(test_a_table_of_one_holds_the_latest);
    RUN(test_a_code_is_removed_in_as_many_calls_as_the_room_needs);
    RUN(test_the_table_agrees_with_a_model_after_random_steps);
    return 0;
}
