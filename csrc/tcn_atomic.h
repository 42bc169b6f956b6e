/* The part of C11 <stdatomic.h> that csrc relies on, included through here so that a compiler's needs are met
 * in one place. MSVC has these names from 19.35 on, with /std:c11 /experimental:c11atomics.
 *
 * Written as plain C11 on purpose: no fences (ThreadSanitizer does not model them), no volatile, and every
 * operation spells its memory order. */
#ifndef TCN_ATOMIC_H
#define TCN_ATOMIC_H

#if defined(__STDC_NO_ATOMICS__)
#error "tocsin's core needs C11 atomics; build with TOCSIN_BUILD=pure"
#endif

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t tcn_atomic_u64;
typedef _Atomic uint32_t tcn_atomic_u32;

/* Fields of different writers are kept this far apart; padding rather than alignas, which calloc need not honour. */
#define TCN_CACHE_LINE 64

#endif
