/* See tcn_handoff.h for who may call what on which thread. */
#include "tcn_handoff.h"

#include <stdlib.h>

#include "tcn_atomic.h"

#define ITEM_SHIFT 40
#define ONE_ITEM ((uint64_t)1 << ITEM_SHIFT)
#define BYTES_MASK (ONE_ITEM - 1)

typedef struct {
    /* ticket + 1 of the item that was last published here. Written by the producer that holds the ticket, read by
     * the consumer; sequentially consistent. */
    tcn_atomic_u64 sequence;
    /* Written before `sequence` by the same producer, read by the consumer after it. */
    uint64_t size_bytes;
} slot;

struct tcn_handoff {
    /* Set once, before the queue is shared. */
    uint64_t capacity;
    uint64_t capacity_bytes;
    uint64_t mask;
    slot *slots; /* owned */
    char pad_constants[TCN_CACHE_LINE];

    /* Items (high bits) and bytes (low bits) that are reserved. One word, so that both bounds are tested and taken in
     * one step: no offer is refused because of another one that is itself refused a moment later. Written by
     * producers (claim, acquire) and the consumer (release, release). */
    tcn_atomic_u64 level;
    char pad_level[TCN_CACHE_LINE];

    /* Next ticket. Written by producers, acquire and release. */
    tcn_atomic_u64 tail;
    char pad_tail[TCN_CACHE_LINE];

    /* Ticket of the oldest item. The consumer's alone. */
    uint64_t head;
    char pad_head[TCN_CACHE_LINE];

    /* 1 while the consumer sleeps or is about to. Raised by the consumer, taken down by whoever rings or by the
     * consumer; sequentially consistent. */
    tcn_atomic_u32 asleep;
    /* 1 while a wake is to be answered. Raised by any thread, taken down by the consumer; sequentially consistent. */
    tcn_atomic_u32 woken;
};

int tcn_handoff_new(uint64_t capacity, uint64_t capacity_bytes, tcn_handoff **out) {
    tcn_handoff *handoff;
    uint64_t places = 1;

    *out = NULL;
    if (capacity < 1 || capacity > TCN_HANDOFF_CAPACITY_MAX) return TCN_EINVAL;
    if (capacity_bytes < 1 || capacity_bytes > TCN_HANDOFF_BYTES_MAX) return TCN_EINVAL;
    while (places < capacity) places <<= 1;

    handoff = calloc(1, sizeof *handoff);
    if (handoff == NULL) return TCN_ENOMEM;
    handoff->slots = calloc((size_t)places, sizeof *handoff->slots);
    if (handoff->slots == NULL) {
        free(handoff);
        return TCN_ENOMEM;
    }
    for (uint64_t place = 0; place < places; place++) atomic_init(&handoff->slots[place].sequence, 0);
    atomic_init(&handoff->level, 0);
    atomic_init(&handoff->tail, 0);
    atomic_init(&handoff->asleep, 0);
    atomic_init(&handoff->woken, 0);
    handoff->capacity = capacity;
    handoff->capacity_bytes = capacity_bytes;
    handoff->mask = places - 1;
    *out = handoff;
    return TCN_OK;
}

void tcn_handoff_free(tcn_handoff *handoff) {
    if (handoff == NULL) return;
    free(handoff->slots);
    free(handoff);
}

size_t tcn_handoff_places(const tcn_handoff *handoff) {
    return (size_t)(handoff->mask + 1);
}

size_t tcn_handoff_place(const tcn_handoff *handoff, uint64_t ticket) {
    return (size_t)(ticket & handoff->mask);
}

int tcn_handoff_claim(tcn_handoff *handoff, uint64_t size_bytes, uint64_t *ticket) {
    uint64_t level = atomic_load_explicit(&handoff->level, memory_order_relaxed);

    if (size_bytes > handoff->capacity_bytes) return TCN_EFULL;
    do {
        if ((level >> ITEM_SHIFT) >= handoff->capacity) return TCN_EFULL;
        if ((level & BYTES_MASK) > handoff->capacity_bytes - size_bytes) return TCN_EFULL;
        /* Acquire: partner is the release in tcn_handoff_release. */
    } while (!atomic_compare_exchange_weak_explicit(&handoff->level, &level, level + ONE_ITEM + size_bytes,
                                                    memory_order_acquire, memory_order_relaxed));

    /* Acquire and release: partner is this same operation in other producers. It is what makes the place free.
     * Of the reservations behind tickets 0 to t, the last one in the order of `level` was granted when at least
     * t + 1 - places items had been released, so it comes after the release of ticket t - places, the place's
     * former user; and as its own ticket is not later than t, this chain carries that order to us. */
    *ticket = atomic_fetch_add_explicit(&handoff->tail, 1, memory_order_acq_rel);
    handoff->slots[*ticket & handoff->mask].size_bytes = size_bytes;
    return TCN_OK;
}

/* Returns 1 to the one caller that took the flag down. */
static int take_asleep(tcn_handoff *handoff) {
    /* The load spares the bus while the consumer is awake. Partner: the store in tcn_handoff_sleep_begin. */
    if (atomic_load_explicit(&handoff->asleep, memory_order_seq_cst) == 0) return 0;
    /* Partner: this same operation in others, of which only one may see 1. */
    return atomic_exchange_explicit(&handoff->asleep, 0, memory_order_seq_cst) == 1;
}

int tcn_handoff_publish(tcn_handoff *handoff, uint64_t ticket) {
    /* Partner: the load in tcn_handoff_peek, for the item; and the one in tcn_handoff_sleep_begin, with
     * which it must be in one total order with the two accesses of `asleep`. */
    atomic_store_explicit(&handoff->slots[ticket & handoff->mask].sequence, ticket + 1, memory_order_seq_cst);
    return take_asleep(handoff);
}

int tcn_handoff_wake(tcn_handoff *handoff) {
    /* Partner: the load in tcn_handoff_sleep_begin and the exchange in tcn_handoff_take_wake. */
    atomic_store_explicit(&handoff->woken, 1, memory_order_seq_cst);
    return take_asleep(handoff);
}

int tcn_handoff_peek(const tcn_handoff *handoff, size_t *place) {
    const slot *oldest = &handoff->slots[handoff->head & handoff->mask];

    /* Partner: the store in tcn_handoff_publish. */
    if (atomic_load_explicit(&oldest->sequence, memory_order_seq_cst) != handoff->head + 1) return TCN_EEMPTY;
    *place = (size_t)(handoff->head & handoff->mask);
    return TCN_OK;
}

void tcn_handoff_release(tcn_handoff *handoff) {
    uint64_t size_bytes = handoff->slots[handoff->head & handoff->mask].size_bytes;

    handoff->head++;
    /* Release: partner is the acquire in tcn_handoff_claim; whoever gets this room may overwrite the place. */
    atomic_fetch_sub_explicit(&handoff->level, ONE_ITEM + size_bytes, memory_order_release);
}

int tcn_handoff_take_wake(tcn_handoff *handoff) {
    /* Partner: the store in tcn_handoff_wake; what its caller did before is seen by ours after. */
    return atomic_exchange_explicit(&handoff->woken, 0, memory_order_seq_cst) == 1;
}

int tcn_handoff_sleep_begin(tcn_handoff *handoff) {
    size_t place;

    /* Partner: the load in take_asleep. */
    atomic_store_explicit(&handoff->asleep, 1, memory_order_seq_cst);
    if (tcn_handoff_peek(handoff, &place) == TCN_OK) return 0;
    /* Partner: the store in tcn_handoff_wake. */
    return atomic_load_explicit(&handoff->woken, memory_order_seq_cst) == 0;
}

int tcn_handoff_sleep_end(tcn_handoff *handoff) {
    /* Partner: the exchange in take_asleep. */
    return atomic_exchange_explicit(&handoff->asleep, 0, memory_order_seq_cst) == 1;
}

void tcn_handoff_level(const tcn_handoff *handoff, uint64_t *items, uint64_t *size_bytes) {
    uint64_t level = atomic_load_explicit(&handoff->level, memory_order_relaxed);

    *items = level >> ITEM_SHIFT;
    *size_bytes = level & BYTES_MASK;
}

uint64_t tcn_handoff_offered(const tcn_handoff *handoff) {
    return atomic_load_explicit(&handoff->tail, memory_order_relaxed);
}
