/* The laws of csrc/tcn_clock, with the C library's calendar as the oracle. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <string.h>
#include <time.h>

#include "tcn_clock.h"
#include "tcn_test.h"

#define FIRST (-62135596800.0)
#define END 253402300800.0

static void check_text(double timestamp_s, const char *expected) {
    char text[TCN_CLOCK_ISO_SIZE + 1];

    text[TCN_CLOCK_ISO_SIZE] = '#';
    tcn_clock_iso(timestamp_s, text);
    CHECK(text[TCN_CLOCK_ISO_SIZE] == '#');
    text[TCN_CLOCK_ISO_SIZE] = '\0';
    if (strcmp(text, expected) != 0) fprintf(stderr, "%.6f gave %s, not %s\n", timestamp_s, text, expected);
    CHECK(strcmp(text, expected) == 0);
}

static void check_second(int64_t second, int micros) {
    time_t moment = (time_t)second;
    struct tm parts;
    char expected[80];

    CHECK(gmtime_r(&moment, &parts) != NULL);
    snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900, parts.tm_mon + 1,
             parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, micros);
    check_text((double)second + micros / 1e6, expected);
}

static void test_known_moments(void) {
    check_text(0.0, "1970-01-01T00:00:00.000000Z");
    check_text(-0.0, "1970-01-01T00:00:00.000000Z");
    check_text(1e9, "2001-09-09T01:46:40.000000Z");
    check_text(-0.5, "1969-12-31T23:59:59.500000Z");
    check_text(951782400.25, "2000-02-29T00:00:00.250000Z");
    check_text(FIRST, "0001-01-01T00:00:00.000000Z");
    check_text(END - 0.5, "9999-12-31T23:59:59.500000Z");
}

static void test_what_is_no_time_is_the_epoch(void) {
    const double wrong[] = {NAN, INFINITY, -INFINITY, END, FIRST - 1.0, 1e300, -1e300};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) check_text(wrong[i], "1970-01-01T00:00:00.000000Z");
}

static void test_every_day_is_that_of_the_calendar(void) {
    uint64_t random = 1;

    for (int64_t second = (int64_t)FIRST; second < (int64_t)END; second += 86400) {
        /* Often enough the first and the last second of it. */
        int64_t within = (int64_t)(next_random(&random) % 90000) - 1800;
        check_second(second + (within < 0 ? 0 : within > 86399 ? 86399 : within), 0);
    }
}

static void test_random_moments_are_those_of_the_calendar(void) {
    uint64_t random = 1;

    for (int i = 0; i < 100000; i++) {
        /* Halves and quarters are exact in a double, whatever the year. */
        check_second((int64_t)(next_random(&random) % 4000000000u) - 1000000000, (int)(next_random(&random) % 4) * 250000);
    }
}

static void test_now_is_what_the_system_says(void) {
    for (int i = 0; i < 1000; i++) {
        struct timespec before, after;
        double now;

        CHECK(clock_gettime(CLOCK_REALTIME, &before) == 0);
        now = tcn_clock_now();
        CHECK(clock_gettime(CLOCK_REALTIME, &after) == 0);
        /* A double holds these times to a quarter of a microsecond. */
        CHECK(now >= (double)before.tv_sec + 1e-9 * (double)before.tv_nsec - 1e-6);
        CHECK(now <= (double)after.tv_sec + 1e-9 * (double)after.tv_nsec + 1e-6);
    }
}

int main(void) {
    RUN(test_known_moments);
    RUN(test_what_is_no_time_is_the_epoch);
    RUN(test_every_day_is_that_of_the_calendar);
    RUN(test_random_moments_are_those_of_the_calendar);
    RUN(test_now_is_what_the_system_says);
    return 0;
}
