/* A growing byte buffer that JSON is written into.
 *
 * Owned by the function that declares it, used by one thread at a time, with or without the GIL: it touches no Python
 * state. A failed allocation is sticky: further writes do nothing, and the caller asks once, at the end.
 */
#ifndef TCN_JSON_H
#define TCN_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct tcn_json {
    char *bytes;     /* what was written; borrowed storage at first, owned once `is_heap` is set */
    size_t size;     /* how many bytes were written */
    size_t capacity; /* how many fit before the next growth */
    int is_heap;     /* `bytes` came from malloc */
    int has_failed;  /* an allocation failed: the content is void */
} tcn_json;

/* Starts an empty buffer. `storage` is borrowed until tcn_json_free, and may be NULL with `capacity` 0. */
void tcn_json_init(tcn_json *json, char *storage, size_t capacity);

/* Releases what the buffer owns. Harmless on a buffer freed before. */
void tcn_json_free(tcn_json *json);

/* Forgets the content, keeping the memory. */
void tcn_json_clear(tcn_json *json);

/* Makes room for `more` bytes after the content; 0 if that failed, now or before. Called when what there is does not
 * suffice. */
int tcn_json_grow(tcn_json *json, size_t more);

/* Whether `more` bytes fit, grown if need be. Inline, as is what appends: most writes are of some bytes, and a call for
 * each would cost more than they do. */
static inline int tcn_json_reserve(tcn_json *json, size_t more) {
    return json->capacity - json->size >= more || tcn_json_grow(json, more);
}

/* Appends bytes as they are. `bytes` is borrowed for the call. */
static inline void tcn_json_raw(tcn_json *json, const char *bytes, size_t size) {
    if (size == 0 || !tcn_json_reserve(json, size))
        return;
    memcpy(json->bytes + json->size, bytes, size);
    json->size += size;
}

static inline void tcn_json_byte(tcn_json *json, char byte) {
    if (!tcn_json_reserve(json, 1))
        return;
    json->bytes[json->size++] = byte;
}

/* Appends a string literal, without its final NUL; its length is known at compile time. */
static inline void tcn_json_put(tcn_json *json, const char *literal) {
    tcn_json_raw(json, literal, strlen(literal));
}

/* Appends text as the inside of a JSON string, without quotes: UTF-8, escaped as RFC 8259 demands and no more.
 * `data` is borrowed: `length` code points of `kind` bytes each (1: Latin-1, 2: UCS-2, 4: UCS-4), as CPython keeps
 * them. A lone surrogate and a NUL become U+FFFD: the one is not UTF-8, the other is refused by PostgreSQL. */
void tcn_json_text(tcn_json *json, int kind, const void *data, size_t length);

/* The same with quotes around it. */
void tcn_json_string(tcn_json *json, int kind, const void *data, size_t length);

/* The same in at most `room` bytes between the quotes: of what does not fit, the longest beginning that leaves three
 * for an ellipsis, never ending within a character or an escape. `room` is at least 3. */
void tcn_json_bounded(tcn_json *json, int kind, const void *data, size_t length, size_t room);

void tcn_json_int64(tcn_json *json, int64_t value);
void tcn_json_uint64(tcn_json *json, uint64_t value);

/* Appends a number of at most 15 digits, up to six of them after the point, as Python's repr() has it; 0, with nothing
 * written, if it is none of these. Such a text is the shortest one that reads as this number, as no two of so few
 * digits read as the same; most floats are, and the general way takes 100 ns and a call of malloc. */
int tcn_json_short_double(tcn_json *json, double value);

/* Whether `length` ASCII characters stand in a Python literal in single quotes, and in JSON, as they are: printable,
 * no quote of either kind, no backslash. Most text does, and then needs no repr(). */
int tcn_json_is_plain(const char *text, size_t length);

#endif
