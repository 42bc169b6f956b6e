/* A bounded queue of places, from many producers to one consumer, without locks.
 *
 * It holds no items: it says which place of an array of `tcn_handoff_places` entries, owned by the caller, the
 * next item goes into or comes out of, and keeps count of items and bytes. Producers may run on any threads at
 * once; each step of theirs is bounded, and a producer that is interrupted between claim and publish holds up the
 * consumer, never another producer. One thread at a time may be the consumer; if the role moves to another thread,
 * the caller orders the two (the GIL does).
 *
 *     producer                                   consumer
 *     tcn_handoff_claim -> ticket                tcn_handoff_peek -> place
 *     store the item at its place                move the item out of the place
 *     tcn_handoff_publish -> ring the bell?      tcn_handoff_release
 *
 * Sleeping. The consumer sleeps on a bell that the caller provides: something that remembers one ring, and that the
 * consumer waits for with a timeout. `tcn_handoff_sleep_begin` raises a flag and only then looks once more at
 * the queue. A producer publishes and only then looks at the flag. These four steps are sequentially consistent, so
 * at least one of the two sees the other: no wake-up is lost. The producer that sees the flag takes it down with
 * one exchange, hence exactly one rings for each announcement: no ring is stray. If the wait times out,
 * `tcn_handoff_sleep_end` takes the flag down; where it finds it down already, a ring has been or is just being
 * given, and the consumer takes it in before it sleeps again. While the consumer is awake, the flag costs a producer
 * one load. */
#ifndef TCN_HANDOFF_H
#define TCN_HANDOFF_H

#include <stddef.h>
#include <stdint.h>

#include "tcn_error.h"

/* Both bounds share one 64-bit word: 24 bits of items, 40 bits of bytes. */
#define TCN_HANDOFF_CAPACITY_MAX ((uint64_t)1 << 20)
#define TCN_HANDOFF_BYTES_MAX (((uint64_t)1 << 40) - 1)

typedef struct tcn_handoff tcn_handoff;

/* Makes an empty queue; `*out` is owned by the caller, and NULL on failure.
 * TCN_EINVAL unless 1 <= capacity <= TCN_HANDOFF_CAPACITY_MAX and 1 <= capacity_bytes <= TCN_HANDOFF_BYTES_MAX. */
int tcn_handoff_new(uint64_t capacity, uint64_t capacity_bytes, tcn_handoff **out);

/* `handoff` is stolen; NULL is a no-op. No thread may be using it. */
void tcn_handoff_free(tcn_handoff *handoff);

/* How many entries the caller's array needs: the capacity, rounded up to a power of two. */
size_t tcn_handoff_places(const tcn_handoff *handoff);

/* The place that belongs to a ticket. */
size_t tcn_handoff_place(const tcn_handoff *handoff, uint64_t ticket);

/* Producers: reserves room for one item of `size_bytes`. TCN_EFULL if either bound would be passed. On TCN_OK the
 * ticket's place is the caller's alone until it publishes, which it must. */
int tcn_handoff_claim(tcn_handoff *handoff, uint64_t size_bytes, uint64_t *ticket);

/* Producers: lets the consumer have the ticket's place. Returns 1 if the caller must ring the bell, else 0. */
int tcn_handoff_publish(tcn_handoff *handoff, uint64_t ticket);

/* Any thread: asks the consumer to come back even though nothing was offered; requests are not counted.
 * Returns 1 if the caller must ring the bell, else 0. */
int tcn_handoff_wake(tcn_handoff *handoff);

/* Consumer: finds the oldest item. TCN_EEMPTY if there is none, or if the oldest is not published yet. The place is
 * the consumer's alone until it releases it. */
int tcn_handoff_peek(const tcn_handoff *handoff, size_t *place);

/* Consumer: gives back the place that tcn_handoff_peek found. */
void tcn_handoff_release(tcn_handoff *handoff);

/* Consumer: returns 1 if tcn_handoff_wake was called since the last such answer, else 0. */
int tcn_handoff_take_wake(tcn_handoff *handoff);

/* Consumer: announces a sleep. Returns 1 if it shall wait for the bell, 0 if there is something to do at once; after
 * either answer tcn_handoff_sleep_end must follow. */
int tcn_handoff_sleep_begin(tcn_handoff *handoff);

/* Consumer: ends a sleep. Returns 1 if nobody rang or will ring for it, 0 if there was or will be a ring, to be taken
 * in unless the wait has done so. */
int tcn_handoff_sleep_end(tcn_handoff *handoff);

/* Any thread: items and bytes that are reserved, in one reading. */
void tcn_handoff_level(const tcn_handoff *handoff, uint64_t *items, uint64_t *size_bytes);

/* Any thread: how many claims ever succeeded. */
uint64_t tcn_handoff_offered(const tcn_handoff *handoff);

#endif
