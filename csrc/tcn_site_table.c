/* See tcn_site_table.h. Keys stand in `sites`, in the place of their site; `buckets` is an open-addressing index of
 * it with linear probing, at most half full, kept free of tombstones by shifting back what follows a removed one. */
#include "tcn_site_table.h"

#include <stdlib.h>

/* In a bucket: no site. */
#define NONE UINT32_MAX

enum { UNUSED, USED, FOUND };

typedef struct {
    uintptr_t code; /* borrowed address, never followed */
    int lasti;
    /* While the site is UNUSED: the next freed one, or NONE. */
    uint32_t next_freed;
    /* USED, or FOUND since the clock hand last came by. */
    uint8_t state;
} site_key;

struct tcn_site_table {
    site_key *sites; /* owned, `capacity` entries */
    uint32_t *buckets; /* owned, `mask` + 1 entries */
    uint32_t capacity;
    uint32_t mask;
    uint32_t len;
    /* Sites from here on were never used. */
    uint32_t fresh;
    /* First of the freed sites, or NONE. */
    uint32_t freed;
    uint32_t hand;
};

int tcn_site_table_new(uint32_t capacity, tcn_site_table **out) {
    tcn_site_table *table;
    uint32_t buckets = 2;

    *out = NULL;
    if (capacity < 1 || capacity > TCN_SITE_TABLE_CAPACITY_MAX) return TCN_EINVAL;
    while (buckets < 2 * capacity) buckets <<= 1;

    table = calloc(1, sizeof *table);
    if (table == NULL) return TCN_ENOMEM;
    table->sites = calloc(capacity, sizeof *table->sites);
    table->buckets = calloc(buckets, sizeof *table->buckets);
    if (table->sites == NULL || table->buckets == NULL) {
        tcn_site_table_free(table);
        return TCN_ENOMEM;
    }
    table->capacity = capacity;
    table->mask = buckets - 1;
    tcn_site_table_clear(table);
    *out = table;
    return TCN_OK;
}

void tcn_site_table_free(tcn_site_table *table) {
    if (table == NULL) return;
    free(table->sites);
    free(table->buckets);
    free(table);
}

uint32_t tcn_site_table_len(const tcn_site_table *table) {
    return table->len;
}

/* The bucket where the search for a key begins. */
static uint32_t home(const tcn_site_table *table, uintptr_t code, int lasti) {
    /* Addresses differ in their middle bits and lasti in its low ones; the finalizer of SplitMix64 mixes both. */
    uint64_t hash = (uint64_t)code ^ ((uint64_t)(uint32_t)lasti * UINT64_C(0x9e3779b97f4a7c15));

    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(hash ^ (hash >> 31)) & table->mask;
}

/* The bucket that holds the key, or else the empty one where it belongs; half of them are empty, so this ends. */
static uint32_t bucket_of(const tcn_site_table *table, uintptr_t code, int lasti) {
    uint32_t bucket = home(table, code, lasti);

    while (table->buckets[bucket] != NONE) {
        const site_key *key = &table->sites[table->buckets[bucket]];
        if (key->code == code && key->lasti == lasti) break;
        bucket = (bucket + 1) & table->mask;
    }
    return bucket;
}

/* Empties the bucket of a site that is in the table, and closes the gap. */
static void remove_bucket(tcn_site_table *table, uint32_t site) {
    uint32_t gap = bucket_of(table, table->sites[site].code, table->sites[site].lasti);
    uint32_t bucket = gap;

    for (;;) {
        const site_key *key;
        bucket = (bucket + 1) & table->mask;
        if (table->buckets[bucket] == NONE) break;
        key = &table->sites[table->buckets[bucket]];
        /* It may move into the gap unless that lies before its home; distances are counted round the ring. */
        if (((bucket - home(table, key->code, key->lasti)) & table->mask) >= ((bucket - gap) & table->mask)) {
            table->buckets[gap] = table->buckets[bucket];
            gap = bucket;
        }
    }
    table->buckets[gap] = NONE;
}

/* Of a full table: takes the first site that was not found since the hand last came by. At most two rounds. */
static uint32_t evict(tcn_site_table *table) {
    for (;;) {
        uint32_t site = table->hand;
        table->hand = site + 1 == table->capacity ? 0 : site + 1;
        if (table->sites[site].state == USED) {
            remove_bucket(table, site);
            return site;
        }
        table->sites[site].state = USED;
    }
}

int tcn_site_table_find(tcn_site_table *table, uintptr_t code, int lasti, uint32_t *site) {
    uint32_t found = table->buckets[bucket_of(table, code, lasti)];

    if (found == NONE) return TCN_EEMPTY;
    table->sites[found].state = FOUND;
    *site = found;
    return TCN_OK;
}

int tcn_site_table_insert(tcn_site_table *table, uintptr_t code, int lasti, uint32_t *site) {
    int result = TCN_OK;
    uint32_t chosen;

    if (tcn_site_table_find(table, code, lasti, site) == TCN_OK) return TCN_EXISTS;
    if (table->fresh < table->capacity) {
        chosen = table->fresh++;
        table->len++;
    } else if (table->freed != NONE) {
        chosen = table->freed;
        table->freed = table->sites[chosen].next_freed;
        table->len++;
    } else {
        chosen = evict(table);
        result = TCN_REPLACED;
    }
    table->sites[chosen].code = code;
    table->sites[chosen].lasti = lasti;
    table->sites[chosen].state = USED;
    /* Sought anew, as an eviction may have moved the gap. */
    table->buckets[bucket_of(table, code, lasti)] = chosen;
    *site = chosen;
    return result;
}

size_t tcn_site_table_remove_code(tcn_site_table *table, uintptr_t code, uint32_t *freed, size_t room) {
    size_t count = 0;

    for (uint32_t site = 0; site < table->fresh && count < room; site++) {
        if (table->sites[site].state == UNUSED || table->sites[site].code != code) continue;
        remove_bucket(table, site);
        table->sites[site].state = UNUSED;
        table->sites[site].next_freed = table->freed;
        table->freed = site;
        table->len--;
        freed[count++] = site;
    }
    return count;
}

void tcn_site_table_clear(tcn_site_table *table) {
    for (uint32_t site = 0; site < table->capacity; site++) table->sites[site].state = UNUSED;
    for (uint32_t bucket = 0; bucket <= table->mask; bucket++) table->buckets[bucket] = NONE;
    table->len = 0;
    table->fresh = 0;
    table->freed = NONE;
    table->hand = 0;
}
