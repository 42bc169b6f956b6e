/* Random identifiers: unique, not secret. A generator is used under a lock of its owner's (the GIL), and owns nothing. */
#ifndef TCN_ID_H
#define TCN_ID_H

#include <stddef.h>
#include <stdint.h>

#define TCN_ID_SEED_BYTES 32

/* The state of xoshiro256++ (https://prng.di.unimi.it/), whose period no process comes to the end of. Made by
 * tcn_id_seed; a copy goes on with the very same identifiers, so a forked child seeds its own anew. */
typedef struct tcn_id {
    uint64_t state[4];
} tcn_id;

/* Starts the generator with what the system's source of randomness gave. A seed of zeros is as good as any other. */
void tcn_id_seed(tcn_id *id, const unsigned char seed[TCN_ID_SEED_BYTES]);

/* Writes the next identifier of `words` times 64 bits into `text` (borrowed, 16 bytes a word): lower-case hexadecimal
 * digits, without a final NUL. */
void tcn_id_hex(tcn_id *id, char *text, size_t words);

#endif
