/* The laws of csrc/tcn_json: what is written, however the memory behind it grows or fails. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tcn_json.h"
#include "tcn_test.h"

#define REPLACEMENT "\xef\xbf\xbd"

static void check_bytes(const tcn_json *json, const char *expected, size_t size) {
    CHECK(!json->has_failed);
    CHECK(json->size == size);
    CHECK(size == 0 || memcmp(json->bytes, expected, size) == 0);
}

static void check_point(uint32_t point, const char *expected, size_t size) {
    const unsigned char latin = (unsigned char)point;
    const uint16_t two = (uint16_t)point;
    tcn_json json;

    tcn_json_init(&json, NULL, 0);
    if (point < 0x100) {
        tcn_json_text(&json, 1, &latin, 1);
        check_bytes(&json, expected, size);
        tcn_json_clear(&json);
    }
    if (point < 0x10000) {
        tcn_json_text(&json, 2, &two, 1);
        check_bytes(&json, expected, size);
        tcn_json_clear(&json);
    }
    tcn_json_text(&json, 4, &point, 1);
    check_bytes(&json, expected, size);
    tcn_json_free(&json);
}

static void test_controls_are_escaped_as_rfc_8259_demands(void) {
    static const char *const short_escapes[0x20] = {
        [8] = "\\b", [9] = "\\t", [10] = "\\n", [12] = "\\f", [13] = "\\r",
    };
    char expected[8];

    check_point(0, REPLACEMENT, 3);
    for (uint32_t point = 1; point < 0x20; point++) {
        snprintf(expected, sizeof expected, "\\u%04x", (unsigned)point);
        if (short_escapes[point] != NULL) {
            check_point(point, short_escapes[point], 2);
        } else {
            check_point(point, expected, 6);
        }
    }
    check_point('"', "\\\"", 2);
    check_point('\\', "\\\\", 2);
    check_point('/', "/", 1);
    check_point(0x7f, "\x7f", 1);
}

static void test_every_code_point_is_utf_8_and_surrogates_are_replaced(void) {
    for (uint32_t point = 0x20; point < 0x110000; point++) {
        char expected[4];
        size_t size = 0;
        if (point == '"' || point == '\\') continue;
        if (0xd800 <= point && point < 0xe000) {
            check_point(point, REPLACEMENT, 3);
            continue;
        }
        /* The table of RFC 3629, section 3. */
        if (point < 0x80) {
            expected[size++] = (char)point;
        } else {
            int tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
            static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
            expected[size++] = (char)(leads[tail] + (point >> (6 * tail)));
            while (tail-- > 0) expected[size++] = (char)(0x80 + (point >> (6 * tail)) % 64);
        }
        check_point(point, expected, size);
    }
}

static void test_the_bytes_do_not_depend_on_where_the_storage_ends(void) {
    uint16_t text[3000];
    tcn_json whole;

    for (size_t i = 0; i < 3000; i++) text[i] = (uint16_t)(i % 700);
    tcn_json_init(&whole, NULL, 0);
    tcn_json_string(&whole, 2, text, 3000);
    CHECK(!whole.has_failed);
    for (size_t capacity = 0; capacity < 600; capacity += 7) {
        char *storage = malloc(capacity + 1);
        tcn_json json;
        CHECK(storage != NULL);
        storage[capacity] = '#';
        tcn_json_init(&json, storage, capacity);
        tcn_json_byte(&json, '"');
        for (size_t done = 0; done < 3000; done += 50) tcn_json_text(&json, 2, text + done, 50);
        tcn_json_byte(&json, '"');
        CHECK(storage[capacity] == '#');
        check_bytes(&json, whole.bytes, whole.size);
        tcn_json_free(&json);
        tcn_json_free(&json);
        free(storage);
    }
    tcn_json_free(&whole);
}

static void test_what_fits_the_storage_allocates_nothing(void) {
    char storage[16];
    tcn_json json;

    allocations_until_failure = 0;
    tcn_json_init(&json, storage, sizeof storage);
    tcn_json_raw(&json, "0123456789abcdef", 16);
    check_bytes(&json, "0123456789abcdef", 16);
    CHECK(json.bytes == storage);
    tcn_json_clear(&json);
    tcn_json_raw(&json, NULL, 0);
    check_bytes(&json, "", 0);
    tcn_json_byte(&json, '1');
    check_bytes(&json, "1", 1);
    allocations_until_failure = -1;
    tcn_json_free(&json);
}

static void write_much(tcn_json *json) {
    for (int i = 0; i < 400; i++) {
        tcn_json_put(json, "{\"key\":");
        tcn_json_int64(json, i);
        tcn_json_string(json, 1, "text\n", 5);
        tcn_json_byte(json, '}');
    }
}

static void test_a_failed_allocation_sticks_and_leaks_nothing(void) {
    int failures = 0;

    for (;; failures++) {
        tcn_json json;
        int has_failed;
        allocations_until_failure = failures;
        tcn_json_init(&json, NULL, 0);
        write_much(&json);
        allocations_until_failure = -1;
        has_failed = json.has_failed;
        if (has_failed) {
            /* Even now that memory is to be had again. */
            size_t size = json.size;
            write_much(&json);
            CHECK(json.has_failed && json.size == size);
        }
        tcn_json_free(&json);
        CHECK(!json.has_failed);
        if (!has_failed) break;
    }
    CHECK(failures >= 3);
}

static void check_int64(int64_t value) {
    char expected[32];
    tcn_json json;

    snprintf(expected, sizeof expected, "%lld", (long long)value);
    tcn_json_init(&json, NULL, 0);
    tcn_json_int64(&json, value);
    check_bytes(&json, expected, strlen(expected));
    tcn_json_clear(&json);
    snprintf(expected, sizeof expected, "%llu", (unsigned long long)(uint64_t)value);
    tcn_json_uint64(&json, (uint64_t)value);
    check_bytes(&json, expected, strlen(expected));
    tcn_json_free(&json);
}

static void test_integers_are_those_of_printf(void) {
    uint64_t random = 1;

    check_int64(0);
    check_int64(INT64_MIN);
    check_int64(INT64_MAX);
    check_int64(-1);
    for (int i = 0; i < 10000; i++) check_int64((int64_t)(next_random(&random) >> (i % 64)));
}

/* Whether the number was written; if so, it reads as itself, and no text with a digit less does. */
static int check_short_double(double value) {
    char shorter[64];
    tcn_json json;
    int is_short;

    tcn_json_init(&json, NULL, 0);
    is_short = tcn_json_short_double(&json, value);
    if (is_short) {
        tcn_json_byte(&json, 0);
        double read = strtod(json.bytes, NULL);
        CHECK(memcmp(&read, &value, sizeof value) == 0);
        for (int digits = 1; digits <= 17; digits++) {
            size_t count = 0, trailing = 0;
            snprintf(shorter, sizeof shorter, "%.*e", digits - 1, value);
            if (strtod(shorter, NULL) != value) continue;
            /* So many digits are the fewest; what was written has no more but for zeros that end it or begin it. */
            for (const char *at = json.bytes; *at; at++) {
                if (*at == '-' || *at == '.' || (count == 0 && *at == '0')) continue;
                count++;
                trailing = *at == '0' ? trailing + 1 : 0;
            }
            CHECK(value == 0 || count - trailing == (size_t)digits);
            break;
        }
    } else {
        CHECK(json.size == 0);
    }
    tcn_json_free(&json);
    return is_short;
}

static void test_a_short_double_is_the_shortest_text_that_reads_as_it(void) {
    static const double shorts[] = {0.0, -0.0, 1.0, -1.5, 0.1, 0.25, 3.14159, 100.0, 123456.75, 0.0001, 999999999.999999};
    static const double others[] = {1e-5, 1e300, 5e-324, 0.1 + 0.2, 1.0 / 3, HUGE_VAL, -HUGE_VAL, 1e9, 2e15};
    uint64_t random = 1;
    int count = 0;

    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++) CHECK(check_short_double(shorts[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) CHECK(!check_short_double(others[i]));
    CHECK(!check_short_double(strtod("nan", NULL)));
    for (int i = 0; i < 200000; i++) {
        static const double scales[] = {1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7};
        uint64_t bits = next_random(&random);
        double decimal = (double)(bits >> (14 + i % 50)) / scales[i % 8];
        double any, beside;
        uint64_t beside_bits;
        memcpy(&any, &bits, sizeof any);
        memcpy(&beside_bits, &decimal, sizeof decimal);
        beside_bits += i % 2 ? 1 : (uint64_t)-1;
        memcpy(&beside, &beside_bits, sizeof beside);
        count += check_short_double(decimal);
        if (beside == beside) check_short_double(-beside);
        if (any == any) check_short_double(any);
    }
    CHECK(count > 50000);
}

static void test_plain_text_is_printable_ascii_without_quotes_or_backslashes(void) {
    for (int character = 0; character < 256; character++) {
        char text[3] = {'a', (char)character, 'z'};
        int is_plain = character >= ' ' && character <= '~' && strchr("'\"\\", character) == NULL;
        CHECK(tcn_json_is_plain(text, 3) == is_plain);
    }
    CHECK(tcn_json_is_plain("", 0));
    /* Wherever it stands in a text of whatever length, and whatever stands before and behind it. */
    for (size_t length = 1; length <= 20; length++) {
        for (size_t at = 0; at < length; at++) {
            for (int character = 0; character < 256; character++) {
                static const char around[] = " ~!#[]";
                char text[20];
                int is_plain = character >= ' ' && character <= '~' && strchr("'\"\\", character) == NULL;
                memset(text, around[(at + (size_t)character) % 6], sizeof text);
                text[at] = (char)character;
                CHECK(tcn_json_is_plain(text, length) == is_plain);
            }
        }
    }
}

int main(void) {
    RUN(test_controls_are_escaped_as_rfc_8259_demands);
    RUN(test_every_code_point_is_utf_8_and_surrogates_are_replaced);
    RUN(test_the_bytes_do_not_depend_on_where_the_storage_ends);
    RUN(test_what_fits_the_storage_allocates_nothing);
    RUN(test_a_failed_allocation_sticks_and_leaks_nothing);
    RUN(test_integers_are_those_of_printf);
    RUN(test_a_short_double_is_the_shortest_text_that_reads_as_it);
    RUN(test_plain_text_is_printable_ascii_without_quotes_or_backslashes);
    return 0;
}
