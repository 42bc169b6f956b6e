/* The laws of csrc/tcn_handoff, alone and under four producers. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include "tcn_atomic.h"
#include "tcn_handoff.h"
#include "tcn_test.h"

#define PRODUCERS 4
#define OFFERS 20000
#define PATIENCE_S 30

/* A queue with the memory and the bell that a caller has to provide. The items are plain memory on purpose: a place
 * that two threads had at once would be a data race, which ThreadSanitizer reports. */
typedef struct {
    tcn_handoff *queue;
    uint64_t *items;
    sem_t bell;
} channel;

static void channel_open(channel *channel, uint64_t capacity, uint64_t capacity_bytes) {
    CHECK(tcn_handoff_new(capacity, capacity_bytes, &channel->queue) == TCN_OK);
    channel->items = calloc(tcn_handoff_places(channel->queue), sizeof *channel->items);
    CHECK(channel->items != NULL);
    CHECK(sem_init(&channel->bell, 0, 0) == 0);
}

static void channel_close(channel *channel) {
    sem_destroy(&channel->bell);
    free(channel->items);
    tcn_handoff_free(channel->queue);
}

static int channel_offer(channel *channel, uint64_t item, uint64_t size_bytes) {
    uint64_t ticket;
    int result = tcn_handoff_claim(channel->queue, size_bytes, &ticket);

    if (result != TCN_OK) return result;
    channel->items[tcn_handoff_place(channel->queue, ticket)] = item;
    if (tcn_handoff_publish(channel->queue, ticket)) CHECK(sem_post(&channel->bell) == 0);
    return TCN_OK;
}

static void channel_wake(channel *channel) {
    if (tcn_handoff_wake(channel->queue)) CHECK(sem_post(&channel->bell) == 0);
}

static int channel_poll(channel *channel, uint64_t *item) {
    size_t place;

    if (tcn_handoff_peek(channel->queue, &place) != TCN_OK) return TCN_EEMPTY;
    *item = channel->items[place];
    channel->items[place] = UINT64_MAX;
    tcn_handoff_release(channel->queue);
    return TCN_OK;
}

/* TCN_EEMPTY means woken. A sleep that lasts for PATIENCE_S is a lost wake-up. */
static int channel_take(channel *channel, uint64_t *item) {
    for (;;) {
        int is_rung = 0, rings;
        if (channel_poll(channel, item) == TCN_OK) return TCN_OK;
        if (tcn_handoff_take_wake(channel->queue)) return TCN_EEMPTY;
        if (tcn_handoff_sleep_begin(channel->queue)) {
            struct timespec until;
            int result;
            CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
            until.tv_sec += PATIENCE_S;
            do result = sem_timedwait(&channel->bell, &until);
            while (result != 0 && errno == EINTR);
            CHECK(result == 0);
            is_rung = 1;
        }
        if (!tcn_handoff_sleep_end(channel->queue) && !is_rung) CHECK(sem_wait(&channel->bell) == 0);
        CHECK(sem_getvalue(&channel->bell, &rings) == 0);
        CHECK(rings == 0);
    }
}

static void check_level(const tcn_handoff *queue, uint64_t items, uint64_t size_bytes) {
    uint64_t items_seen, bytes_seen;

    tcn_handoff_level(queue, &items_seen, &bytes_seen);
    CHECK(items_seen == items);
    CHECK(bytes_seen == size_bytes);
}

static void test_bounds_out_of_range_are_refused(void) {
    tcn_handoff *queue;

    CHECK(tcn_handoff_new(0, 1, &queue) == TCN_EINVAL && queue == NULL);
    CHECK(tcn_handoff_new(1, 0, &queue) == TCN_EINVAL && queue == NULL);
    CHECK(tcn_handoff_new(TCN_HANDOFF_CAPACITY_MAX + 1, 1, &queue) == TCN_EINVAL && queue == NULL);
    CHECK(tcn_handoff_new(1, TCN_HANDOFF_BYTES_MAX + 1, &queue) == TCN_EINVAL && queue == NULL);
    CHECK(tcn_handoff_new(TCN_HANDOFF_CAPACITY_MAX, TCN_HANDOFF_BYTES_MAX, &queue) == TCN_OK);
    CHECK(tcn_handoff_places(queue) == TCN_HANDOFF_CAPACITY_MAX);
    tcn_handoff_free(queue);
    tcn_handoff_free(NULL);
}

static void test_every_failed_allocation_is_reported_and_leaks_nothing(void) {
    tcn_handoff *queue;
    int failures = 0;

    for (;; failures++) {
        allocations_until_failure = failures;
        if (tcn_handoff_new(5, 5, &queue) == TCN_OK) break;
        CHECK(queue == NULL);
    }
    allocations_until_failure = -1;
    CHECK(failures == 2);
    tcn_handoff_free(queue);
}

static void test_capacity_is_exact_for_any_number(void) {
    for (uint64_t capacity = 1; capacity <= 33; capacity++) {
        channel channel;
        uint64_t item;
        channel_open(&channel, capacity, 1000);
        for (uint64_t round = 0; round < 5; round++) {
            for (uint64_t i = 0; i < capacity; i++) CHECK(channel_offer(&channel, i, 1) == TCN_OK);
            CHECK(channel_offer(&channel, 0, 0) == TCN_EFULL);
            check_level(channel.queue, capacity, capacity);
            for (uint64_t i = 0; i < capacity; i++) CHECK(channel_poll(&channel, &item) == TCN_OK && item == i);
            CHECK(channel_poll(&channel, &item) == TCN_EEMPTY);
            check_level(channel.queue, 0, 0);
        }
        CHECK(tcn_handoff_offered(channel.queue) == 5 * capacity);
        channel_close(&channel);
    }
}

static void test_bytes_are_bounded_up_to_the_last_one(void) {
    channel channel;
    uint64_t item;

    channel_open(&channel, 4, TCN_HANDOFF_BYTES_MAX);
    CHECK(channel_offer(&channel, 1, TCN_HANDOFF_BYTES_MAX + 1) == TCN_EFULL);
    CHECK(channel_offer(&channel, 1, UINT64_MAX) == TCN_EFULL);
    CHECK(channel_offer(&channel, 1, TCN_HANDOFF_BYTES_MAX - 1) == TCN_OK);
    CHECK(channel_offer(&channel, 2, 2) == TCN_EFULL);
    CHECK(channel_offer(&channel, 2, 1) == TCN_OK);
    check_level(channel.queue, 2, TCN_HANDOFF_BYTES_MAX);
    CHECK(channel_offer(&channel, 3, 1) == TCN_EFULL);
    CHECK(channel_offer(&channel, 3, 0) == TCN_OK);
    for (uint64_t i = 1; i <= 3; i++) CHECK(channel_poll(&channel, &item) == TCN_OK && item == i);
    check_level(channel.queue, 0, 0);
    channel_close(&channel);
}

static void test_an_unpublished_item_holds_up_those_behind_it(void) {
    channel channel;
    uint64_t first, item;

    channel_open(&channel, 4, 100);
    CHECK(tcn_handoff_claim(channel.queue, 1, &first) == TCN_OK);
    CHECK(channel_offer(&channel, 2, 1) == TCN_OK);
    CHECK(channel_poll(&channel, &item) == TCN_EEMPTY);
    channel.items[tcn_handoff_place(channel.queue, first)] = 1;
    CHECK(tcn_handoff_publish(channel.queue, first) == 0);
    CHECK(channel_poll(&channel, &item) == TCN_OK && item == 1);
    CHECK(channel_poll(&channel, &item) == TCN_OK && item == 2);
    channel_close(&channel);
}

static void test_one_ring_for_each_announced_sleep(void) {
    channel channel;
    uint64_t ticket, item;

    channel_open(&channel, 4, 100);
    CHECK(tcn_handoff_sleep_begin(channel.queue) == 1);
    CHECK(tcn_handoff_claim(channel.queue, 1, &ticket) == TCN_OK);
    CHECK(tcn_handoff_publish(channel.queue, ticket) == 1);
    CHECK(tcn_handoff_claim(channel.queue, 1, &ticket) == TCN_OK);
    CHECK(tcn_handoff_publish(channel.queue, ticket) == 0);
    CHECK(tcn_handoff_wake(channel.queue) == 0);
    CHECK(tcn_handoff_sleep_end(channel.queue) == 0);

    CHECK(tcn_handoff_sleep_begin(channel.queue) == 0);
    CHECK(tcn_handoff_sleep_end(channel.queue) == 1);
    CHECK(channel_poll(&channel, &item) == TCN_OK);
    CHECK(channel_poll(&channel, &item) == TCN_OK);
    CHECK(tcn_handoff_sleep_begin(channel.queue) == 0);
    CHECK(tcn_handoff_sleep_end(channel.queue) == 1);
    CHECK(tcn_handoff_take_wake(channel.queue) == 1);
    CHECK(tcn_handoff_take_wake(channel.queue) == 0);
    CHECK(tcn_handoff_sleep_begin(channel.queue) == 1);
    CHECK(tcn_handoff_wake(channel.queue) == 1);
    CHECK(tcn_handoff_sleep_end(channel.queue) == 0);
    channel_close(&channel);
}

static void test_no_sleep_while_there_is_an_item_or_a_wake(void) {
    channel channel;
    uint64_t item;

    channel_open(&channel, 4, 100);
    CHECK(channel_offer(&channel, 1, 1) == TCN_OK);
    CHECK(tcn_handoff_sleep_begin(channel.queue) == 0);
    CHECK(tcn_handoff_sleep_end(channel.queue) == 1);
    CHECK(channel_poll(&channel, &item) == TCN_OK);
    channel_wake(&channel);
    CHECK(tcn_handoff_sleep_begin(channel.queue) == 0);
    CHECK(tcn_handoff_sleep_end(channel.queue) == 1);
    CHECK(tcn_handoff_take_wake(channel.queue) == 1);
    CHECK(tcn_handoff_sleep_begin(channel.queue) == 1);
    CHECK(tcn_handoff_sleep_end(channel.queue) == 1);
    channel_close(&channel);
}

typedef struct {
    channel *channel;
    tcn_atomic_u32 *running;
    uint64_t number;
    uint64_t accepted;
    uint64_t refused;
} producer;

static void *produce(void *argument) {
    producer *self = argument;
    uint64_t random = self->number + 1;

    for (uint64_t i = 0; i < OFFERS; i++) {
        uint64_t size_bytes = next_random(&random) % 40;
        if (channel_offer(self->channel, self->number << 32 | self->accepted, size_bytes) == TCN_OK) {
            self->accepted++;
        } else {
            self->refused++;
        }
        if (i % 64 == 0) sched_yield();
    }
    if (atomic_fetch_sub(self->running, 1) == 1) channel_wake(self->channel);
    return NULL;
}

static void concurrent(uint64_t capacity, uint64_t capacity_bytes) {
    channel channel;
    tcn_atomic_u32 running;
    producer producers[PRODUCERS] = {0};
    pthread_t threads[PRODUCERS];
    uint64_t taken[PRODUCERS] = {0}, total = 0, item;

    atomic_init(&running, PRODUCERS);
    channel_open(&channel, capacity, capacity_bytes);
    for (uint64_t i = 0; i < PRODUCERS; i++) {
        producers[i].channel = &channel;
        producers[i].running = &running;
        producers[i].number = i;
        CHECK(pthread_create(&threads[i], NULL, produce, &producers[i]) == 0);
    }
    for (;;) {
        uint64_t items, size_bytes;
        tcn_handoff_level(channel.queue, &items, &size_bytes);
        CHECK(items <= capacity && size_bytes <= capacity_bytes);
        if (channel_take(&channel, &item) != TCN_OK) break;
        CHECK(item >> 32 < PRODUCERS);
        CHECK((item & UINT32_MAX) == taken[item >> 32]);
        taken[item >> 32]++;
    }
    for (int i = 0; i < PRODUCERS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < PRODUCERS; i++) {
        CHECK(producers[i].accepted + producers[i].refused == OFFERS);
        CHECK(producers[i].accepted == taken[i]);
        total += taken[i];
    }
    CHECK(total == tcn_handoff_offered(channel.queue));
    check_level(channel.queue, 0, 0);
    channel_close(&channel);
}

static void test_what_four_producers_offer_is_refused_or_comes_out_once_in_order(void) {
    concurrent(1, 1000);
    concurrent(3, 60);
    concurrent(64, 1000000);
}

static void *echo_items(void *argument) {
    channel *channels = argument;

    for (uint64_t i = 0; i < OFFERS; i++) {
        uint64_t item;
        CHECK(channel_take(&channels[0], &item) == TCN_OK && item == i);
        CHECK(channel_offer(&channels[1], item, 1) == TCN_OK);
    }
    return NULL;
}

static void test_a_sleeping_consumer_is_woken_by_every_single_item(void) {
    channel channels[2];
    pthread_t thread;

    /* Two threads that each sleep until the other one offers: the slightest lost wake-up stops both. */
    channel_open(&channels[0], 1, 1000);
    channel_open(&channels[1], 1, 1000);
    CHECK(pthread_create(&thread, NULL, echo_items, channels) == 0);
    for (uint64_t i = 0; i < OFFERS; i++) {
        uint64_t item;
        CHECK(channel_offer(&channels[0], i, 1) == TCN_OK);
        CHECK(channel_take(&channels[1], &item) == TCN_OK && item == i);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    channel_close(&channels[0]);
    channel_close(&channels[1]);
}

int main(void) {
    RUN(test_bounds_out_of_range_are_refused);
    RUN(test_every_failed_allocation_is_reported_and_leaks_nothing);
    RUN(test_capacity_is_exact_for_any_number);
    RUN(test_bytes_are_bounded_up_to_the_last_one);
    RUN(test_an_unpublished_item_holds_up_those_behind_it);
    RUN(test_one_ring_for_each_announced_sleep);
    RUN(test_no_sleep_while_there_is_an_item_or_a_wake);
    RUN(test_what_four_producers_offer_is_refused_or_comes_out_once_in_order);
    RUN(test_a_sleeping_consumer_is_woken_by_every_single_item);
    return 0;
}
