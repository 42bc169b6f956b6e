/* The laws of csrc/tcn_stats, alone and under four counting threads. */
#include <pthread.h>
#include <string.h>

#include "tcn_atomic.h"
#include "tcn_stats.h"
#include "tcn_test.h"

#define COUNTERS 4
#define COUNTS 60000

static void test_every_number_has_a_name_of_its_own(void) {
    for (int i = 0; i < TCN_STATS_REASONS; i++) {
        CHECK(tcn_stats_reason_name(i) != NULL);
        for (int j = 0; j < i; j++) CHECK(strcmp(tcn_stats_reason_name(i), tcn_stats_reason_name(j)) != 0);
    }
    for (int i = 0; i < TCN_STATS_CATEGORIES; i++) {
        CHECK(tcn_stats_category_name(i) != NULL);
        for (int j = 0; j < i; j++) CHECK(strcmp(tcn_stats_category_name(i), tcn_stats_category_name(j)) != 0);
    }
    CHECK(strcmp(tcn_stats_reason_name(TCN_STATS_INTERNAL_SDK_ERROR), "internal_sdk_error") == 0);
    CHECK(strcmp(tcn_stats_category_name(TCN_STATS_ERROR), "error") == 0);
    CHECK(tcn_stats_reason_name(-1) == NULL && tcn_stats_reason_name(TCN_STATS_REASONS) == NULL);
    CHECK(tcn_stats_category_name(-1) == NULL && tcn_stats_category_name(TCN_STATS_CATEGORIES) == NULL);
}

static void test_a_failed_allocation_is_reported(void) {
    tcn_stats *stats;

    allocations_until_failure = 0;
    CHECK(tcn_stats_new(&stats) == TCN_ENOMEM && stats == NULL);
    allocations_until_failure = -1;
    tcn_stats_free(NULL);
}

static void test_each_counter_is_its_own(void) {
    tcn_stats *stats;
    tcn_stats_reading reading;
    uint64_t quantity = 0;

    CHECK(tcn_stats_new(&stats) == TCN_OK);
    tcn_stats_captured(stats, 3);
    tcn_stats_delivered(stats, 2);
    for (int i = 0; i < TCN_STATS_REASONS; i++) {
        for (int j = 0; j < TCN_STATS_CATEGORIES; j++) {
            CHECK(tcn_stats_dropped(stats, i, j, ++quantity, 1) == TCN_OK);
            CHECK(tcn_stats_dropped(stats, i, j, 1000, 0) == TCN_OK);
        }
    }
    tcn_stats_read(stats, &reading);
    CHECK(reading.captured == 3 && reading.delivered == 2);
    quantity = 0;
    for (int i = 0; i < TCN_STATS_REASONS; i++) {
        CHECK(reading.dropped[i] == (uint64_t)(i * TCN_STATS_CATEGORIES + TCN_STATS_ERROR + 1 + 1000));
        for (int j = 0; j < TCN_STATS_CATEGORIES; j++) {
            CHECK(tcn_stats_take_unreported(stats, i, j) == ++quantity);
            CHECK(tcn_stats_take_unreported(stats, i, j) == 0);
            CHECK(tcn_stats_restore_unreported(stats, i, j, 7) == TCN_OK);
            CHECK(tcn_stats_take_unreported(stats, i, j) == 7);
        }
    }
    tcn_stats_reset(stats);
    tcn_stats_read(stats, &reading);
    CHECK(reading.captured == 0 && reading.delivered == 0);
    for (int i = 0; i < TCN_STATS_REASONS; i++) CHECK(reading.dropped[i] == 0);
    tcn_stats_free(stats);
}

static void test_numbers_out_of_range_count_nothing(void) {
    static const int wrong[][2] = {{-1, 0}, {TCN_STATS_REASONS, 0}, {0, -1}, {0, TCN_STATS_CATEGORIES}};
    tcn_stats *stats;

    CHECK(tcn_stats_new(&stats) == TCN_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(tcn_stats_dropped(stats, wrong[i][0], wrong[i][1], 1, 1) == TCN_EINVAL);
        CHECK(tcn_stats_restore_unreported(stats, wrong[i][0], wrong[i][1], 1) == TCN_EINVAL);
        CHECK(tcn_stats_take_unreported(stats, wrong[i][0], wrong[i][1]) == 0);
    }
    for (int i = 0; i < TCN_STATS_REASONS; i++) {
        for (int j = 0; j < TCN_STATS_CATEGORIES; j++) CHECK(tcn_stats_take_unreported(stats, i, j) == 0);
    }
    tcn_stats_free(stats);
}

static tcn_stats *shared;
static tcn_atomic_u32 counting;

static uint64_t take_all(void) {
    uint64_t sum = 0;

    for (int i = 0; i < TCN_STATS_REASONS; i++) {
        for (int j = 0; j < TCN_STATS_CATEGORIES; j++) sum += tcn_stats_take_unreported(shared, i, j);
    }
    return sum;
}

static uint64_t settled(const tcn_stats_reading *reading) {
    uint64_t sum = reading->delivered;

    for (int i = 0; i < TCN_STATS_REASONS; i++) sum += reading->dropped[i];
    return sum;
}

static void *count(void *argument) {
    int number = (int)(intptr_t)argument;

    for (int i = 0; i < COUNTS; i++) {
        tcn_stats_captured(shared, 1);
        if (i % 2 == 0) {
            tcn_stats_delivered(shared, 1);
        } else {
            CHECK(tcn_stats_dropped(shared, (i + number) % TCN_STATS_REASONS, TCN_STATS_ERROR, 1, 1) == TCN_OK);
        }
    }
    atomic_fetch_sub(&counting, 1);
    return NULL;
}

static void *take(void *argument) {
    uint64_t *taken = argument;

    do *taken += take_all();
    while (atomic_load(&counting) > 0);
    return NULL;
}

static void test_no_count_is_lost_and_no_reading_shows_more_settled_than_captured(void) {
    pthread_t counters[COUNTERS], takers[2];
    uint64_t taken[2] = {0};
    tcn_stats_reading reading;

    CHECK(tcn_stats_new(&shared) == TCN_OK);
    atomic_init(&counting, COUNTERS);
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&takers[i], NULL, take, &taken[i]) == 0);
    for (int i = 0; i < COUNTERS; i++) CHECK(pthread_create(&counters[i], NULL, count, (void *)(intptr_t)i) == 0);
    /* Nothing else in this loop: the more readings, the more of them fall between two counts. */
    while (atomic_load(&counting) > 0) {
        tcn_stats_read(shared, &reading);
        CHECK(reading.captured >= settled(&reading));
    }
    for (int i = 0; i < COUNTERS; i++) CHECK(pthread_join(counters[i], NULL) == 0);
    for (int i = 0; i < 2; i++) CHECK(pthread_join(takers[i], NULL) == 0);
    tcn_stats_read(shared, &reading);
    CHECK(reading.captured == COUNTERS * COUNTS);
    CHECK(reading.delivered == COUNTERS * COUNTS / 2);
    CHECK(settled(&reading) == reading.captured);
    CHECK(taken[0] + taken[1] + take_all() == COUNTERS * COUNTS / 2);
    tcn_stats_free(shared);
}

int main(void) {
    RUN(test_every_number_has_a_name_of_its_own);
    RUN(test_a_failed_allocation_is_reported);
    RUN(test_each_counter_is_its_own);
    RUN(test_numbers_out_of_range_count_nothing);
    RUN(test_no_count_is_lost_and_no_reading_shows_more_settled_than_captured);
    return 0;
}
