/* A bounded map from (code object, instruction) to a small number, the site.
 *
 * It holds no objects: `code` is an address that the caller vouches for, and sites are indices into an array of
 * `capacity` entries, owned by the caller. Because an address can be given to another object later, the caller
 * must call tcn_site_table_remove_code before the code object of an address dies.
 *
 * For one thread at a time (the GIL sees to that); nothing here is atomic. */
#ifndef TCN_SITE_TABLE_H
#define TCN_SITE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "tcn_error.h"

#define TCN_SITE_TABLE_CAPACITY_MAX ((uint32_t)1 << 20)

typedef struct tcn_site_table tcn_site_table;

/* Makes an empty table; `*out` is owned by the caller, and NULL on failure.
 * TCN_EINVAL unless 1 <= capacity <= TCN_SITE_TABLE_CAPACITY_MAX. */
int tcn_site_table_new(uint32_t capacity, tcn_site_table **out);

/* `table` is stolen; NULL is a no-op. */
void tcn_site_table_free(tcn_site_table *table);

uint32_t tcn_site_table_len(const tcn_site_table *table);

/* Gives the site of a key and marks it as used. TCN_EEMPTY if the key is not in the table. */
int tcn_site_table_find(tcn_site_table *table, uintptr_t code, int lasti, uint32_t *site);

/* Gives a site to a key.
 * TCN_OK: a free one, the lowest that was never used before any that was freed.
 * TCN_REPLACED: the table was full, and the key that had this site is no longer in it. Chosen by a clock: a hand goes
 *   round the sites, spares each one that was found since it last came by, and stops at the first that was not.
 * TCN_EXISTS: the key is in the table; this is its site, marked as used. */
int tcn_site_table_insert(tcn_site_table *table, uintptr_t code, int lasti, uint32_t *site);

/* Removes keys of a code object and lists their sites in `freed` (borrowed, `room` entries). Returns how many there
 * were; if that is `room`, there may be more, and the caller calls again. Looks at every site. */
size_t tcn_site_table_remove_code(tcn_site_table *table, uintptr_t code, uint32_t *freed, size_t room);

/* Removes all keys. */
void tcn_site_table_clear(tcn_site_table *table);

#endif
