#include "tcn_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a byte below 0x80 needs inside a JSON string: 0 nothing, 1 the six characters \u00XX, 2 becomes U+FFFD,
 * any other value the character after a backslash. */
static const char escapes[128] = {
    2, 1, 1, 1, 1, 1, 1, 1, 'b', 't', 'n', 1, 'f', 'r', 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1,   1,   1,   1, 1,   1,   1, 1,
    [0x22] = '"', [0x5c] = '\\',
};

static const char replacement[] = "\xef\xbf\xbd";

int tcn_json_grow(tcn_json *json, size_t more) {
    size_t capacity;
    char *bytes;

    if (json->has_failed)
        return 0;
    if (more > SIZE_MAX / 4 || json->size > SIZE_MAX / 4)
        goto fail;
    capacity = json->capacity < 256 ? 512 : json->capacity * 2;
    while (capacity - json->size < more)
        capacity *= 2;
    bytes = realloc(json->is_heap ? json->bytes : NULL, capacity);
    if (bytes == NULL)
        goto fail;
    if (!json->is_heap && json->size)
        memcpy(bytes, json->bytes, json->size);
    json->bytes = bytes;
    json->capacity = capacity;
    json->is_heap = 1;
    return 1;
fail:
    json->has_failed = 1;
    /* Nothing fits from here on, so that no write needs to look whether an earlier one has failed. */
    json->capacity = json->size;
    return 0;
}

void tcn_json_init(tcn_json *json, char *storage, size_t capacity) {
    json->bytes = storage;
    json->size = 0;
    json->capacity = storage == NULL ? 0 : capacity;
    json->is_heap = 0;
    json->has_failed = 0;
}

void tcn_json_free(tcn_json *json) {
    if (json->is_heap)
        free(json->bytes);
    tcn_json_init(json, NULL, 0);
}

void tcn_json_clear(tcn_json *json) {
    if (json->has_failed)
        json->capacity = 0;
    json->size = 0;
}

#define EACH(byte) ((uint64_t)(byte) * UINT64_C(0x0101010101010101))
/* The high bit of each byte of `word` that is less than `byte` (at most 0x80) or 0x80 and above; a byte above such a
 * one may be marked in error, so that only the lowest mark is sure, and whether there is any. */
#define BELOW(word, byte) (((word) - EACH(byte)) | (word))
/* The same for each byte that is `byte`. */
#define IS(word, byte) ((((word) ^ EACH(byte)) - EACH(1)) & ~((word) ^ EACH(byte)))

/* Whether all of eight bytes stand in a JSON string as they are. */
static inline int is_clean(const char *text) {
    uint64_t word;

    memcpy(&word, text, 8);
    return ((BELOW(word, 0x20) | IS(word, '"') | IS(word, '\\')) & EACH(0x80)) == 0;
}

/* Whether all of eight bytes are plain (see tcn_json_is_plain). */
static inline int is_plain(const char *text) {
    uint64_t word;

    memcpy(&word, text, 8);
    return ((BELOW(word, 0x20) | IS(word, '"') | IS(word, '\\') | IS(word, '\'') | IS(word, 0x7f)) & EACH(0x80)) == 0;
}

/* Writes one character that may need an escape; at most six bytes, which the caller has reserved. */
static char *write_ascii(char *to, unsigned char character) {
    static const char digits[] = "0123456789abcdef";
    char escape = escapes[character];

    if (escape == 0) {
        *to++ = (char)character;
    } else if (escape == 1) {
        memcpy(to, "\\u00", 4);
        to[4] = digits[character >> 4];
        to[5] = digits[character & 15];
        to += 6;
    } else if (escape == 2) {
        memcpy(to, replacement, 3);
        to += 3;
    } else {
        *to++ = '\\';
        *to++ = escape;
    }
    return to;
}

static char *write_code_point(char *to, uint32_t point) {
    if (point < 0x80)
        return write_ascii(to, (unsigned char)point);
    if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
    } else if (point >= 0xd800 && point <= 0xdfff) {
        memcpy(to, replacement, 3);
        return to + 3;
    } else {
        if (point < 0x10000) {
            *to++ = (char)(0xe0 | point >> 12);
        } else {
            *to++ = (char)(0xf0 | point >> 18);
            *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (point & 0x3f));
    return to;
}

void tcn_json_text(tcn_json *json, int kind, const void *data, size_t length) {
    size_t done = 0;

    /* In pieces, so that the room for the worst case (six bytes a character) is never asked for at once. */
    while (done < length) {
        size_t piece = length - done < 1024 ? length - done : 1024;
        size_t end = done + piece;
        char *to;

        if (!tcn_json_reserve(json, piece * 6))
            return;
        to = json->bytes + json->size;
        if (kind == 1) {
            const unsigned char *text = data;
            while (done < end) {
                /* Eight at a time, as far as none of them needs an escape: a fifth of the time for a long text. */
                for (; end - done >= 8 && is_clean((const char *)text + done); done += 8, to += 8)
                    memcpy(to, text + done, 8);
                if (done == end)
                    break;
                unsigned char character = text[done];
                if (character < 0x80 && escapes[character] == 0)
                    *to++ = (char)character;
                else
                    to = write_code_point(to, character);
                done++;
            }
        } else if (kind == 2) {
            const uint16_t *text = data;
            for (; done < end; done++)
                to = write_code_point(to, text[done]);
        } else {
            const uint32_t *text = data;
            for (; done < end; done++)
                to = write_code_point(to, text[done]);
        }
        json->size = (size_t)(to - json->bytes);
    }
}

void tcn_json_string(tcn_json *json, int kind, const void *data, size_t length) {
    tcn_json_byte(json, '"');
    tcn_json_text(json, kind, data, length);
    tcn_json_byte(json, '"');
}

static uint32_t code_point_at(int kind, const void *data, size_t at) {
    if (kind == 1)
        return ((const unsigned char *)data)[at];
    if (kind == 2)
        return ((const uint16_t *)data)[at];
    return ((const uint32_t *)data)[at];
}

void tcn_json_bounded(tcn_json *json, int kind, const void *data, size_t length, size_t room) {
    size_t start, keep, at;

    tcn_json_byte(json, '"');
    start = json->size;
    /* A character takes a byte at least. */
    if (length <= room) {
        tcn_json_text(json, kind, data, length);
        if (json->size - start <= room)
            goto done;
        json->size = start;
    }
    keep = start;
    for (at = 0; at < length; at++) {
        if (!tcn_json_reserve(json, 6))
            return;
        json->size = (size_t)(write_code_point(json->bytes + json->size, code_point_at(kind, data, at)) - json->bytes);
        if (json->size - start > room - 3)
            break;
        keep = json->size;
    }
    json->size = keep;
    tcn_json_put(json, "...");
done:
    tcn_json_byte(json, '"');
}

/* Writes the digits of a number before `end`; returns where they begin. */
static char *write_digits(char *end, uint64_t value) {
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return end;
}

void tcn_json_uint64(tcn_json *json, uint64_t value) {
    char digits[20];
    char *start = write_digits(digits + sizeof digits, value);

    tcn_json_raw(json, start, (size_t)(digits + sizeof digits - start));
}

void tcn_json_int64(tcn_json *json, int64_t value) {
    char digits[21];
    char *start = write_digits(digits + sizeof digits, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);

    if (value < 0)
        *--start = '-';
    tcn_json_raw(json, start, (size_t)(digits + sizeof digits - start));
}

int tcn_json_short_double(tcn_json *json, double value) {
    /* Of a sign, up to 15 digits, a point and the zeros around it. */
    char text[32];
    char *const end = text + sizeof text;
    char *start = end;
    double size = value < 0 ? -value : value;
    uint64_t number, whole;
    unsigned part;

    /* Below 1e-4 repr() has an exponent. NaN is in no range. */
    if (!((size >= 1e-4 && size < 1e9) || size == 0.0))
        return 0;
    number = (uint64_t)(size * 1e6 + 0.5);
    /* Both are exact, so that this is the number that the decimal fraction reads as. */
    if ((double)number / 1e6 != size)
        return 0;
    whole = number / 1000000;
    part = (unsigned)(number % 1000000);
    if (part == 0) {
        *--start = '0';
    } else {
        int places = 6;
        for (; part % 10 == 0; part /= 10)
            places--;
        for (; places > 0; places--, part /= 10)
            *--start = (char)('0' + part % 10);
    }
    *--start = '.';
    start = write_digits(start, whole);
    if (signbit(value))
        *--start = '-';
    tcn_json_raw(json, start, (size_t)(end - start));
    return 1;
}

int tcn_json_is_plain(const char *text, size_t length) {
    size_t at = 0;

    for (; length - at >= 8; at += 8) {
        if (!is_plain(text + at))
            return 0;
    }
    for (; at < length; at++) {
        unsigned char character = (unsigned char)text[at];
        if (character < 0x20 || character >= 0x7f || character == '\'' || character == '"' || character == '\\')
            return 0;
    }
    return 1;
}
