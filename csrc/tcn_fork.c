#include "tcn_fork.h"

static unsigned count;

#ifdef _WIN32

void tcn_fork_watch(void) {}

#else

#include <pthread.h>

static void after_fork_in_child(void) {
    count++;
}

void tcn_fork_watch(void) {
    static int is_watching;

    if (is_watching)
        return;
    is_watching = 1;
    /* It fails for want of memory alone. */
    (void)pthread_atfork(NULL, NULL, after_fork_in_child);
}

#endif

unsigned tcn_fork_count(void) {
    return count;
}
