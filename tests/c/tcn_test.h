/* A test program in C: RUN names a test and runs it, CHECK ends the program at the first thing that is not so. */
#ifndef TCN_TEST_H
#define TCN_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                            \
        }                                                                       \
    } while (0)

#define RUN(test)                   \
    do {                            \
        fprintf(stderr, "%s\n", #test); \
        test();                     \
    } while (0)

/* The program is linked with --wrap for the functions below: the allocation that finds this at zero fails, and so does
 * every one after it until this is set anew; negative: none does. */
static int allocations_until_failure = -1;

static inline int allocation_fails(void) {
    if (allocations_until_failure > 0) allocations_until_failure--;
    else if (allocations_until_failure == 0) return 1;
    return 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size) {
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return allocation_fails() ? NULL : __real_realloc(memory, size);
}

/* Xorshift: the same numbers in each run, from a seed that is not zero. */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
