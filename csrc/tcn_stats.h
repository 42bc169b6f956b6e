/* Counters of what became of every capture. Any thread may count at any moment; nothing waits.
 *
 * Names and numbers follow the protocol:
 * reasons     https://develop.sentry.dev/sdk/telemetry/client-reports/
 * categories  https://develop.sentry.dev/sdk/expected-features/rate-limiting/ */
#ifndef TCN_STATS_H
#define TCN_STATS_H

#include <stdint.h>

#include "tcn_error.h"

enum tcn_stats_reason {
    TCN_STATS_QUEUE_OVERFLOW,
    TCN_STATS_CACHE_OVERFLOW,
    TCN_STATS_BUFFER_OVERFLOW,
    TCN_STATS_RATELIMIT_BACKOFF,
    TCN_STATS_NETWORK_ERROR,
    TCN_STATS_SEND_ERROR,
    TCN_STATS_SAMPLE_RATE,
    TCN_STATS_BEFORE_SEND,
    TCN_STATS_CALLBACK_ERROR,
    TCN_STATS_EVENT_PROCESSOR,
    TCN_STATS_INTERNAL_SDK_ERROR,
    TCN_STATS_INSUFFICIENT_DATA,
    TCN_STATS_BACKPRESSURE,
    TCN_STATS_IGNORED,
    TCN_STATS_INVALID,
    TCN_STATS_REASONS
};

enum tcn_stats_category {
    TCN_STATS_DEFAULT,
    TCN_STATS_ERROR,
    TCN_STATS_TRANSACTION,
    TCN_STATS_SPAN,
    TCN_STATS_ATTACHMENT,
    TCN_STATS_SESSION,
    TCN_STATS_INTERNAL,
    TCN_STATS_FEEDBACK,
    TCN_STATS_LOG_ITEM,
    TCN_STATS_LOG_BYTE,
    TCN_STATS_PROFILE,
    TCN_STATS_PROFILE_CHUNK,
    TCN_STATS_REPLAY,
    TCN_STATS_MONITOR,
    TCN_STATS_TRACE_METRIC,
    TCN_STATS_TRACE_METRIC_BYTE,
    TCN_STATS_SECURITY,
    TCN_STATS_CATEGORIES
};

/* The most that one call counts; a counter of 64 bits then takes millions of the largest. */
#define TCN_STATS_QUANTITY_MAX ((uint64_t)1 << 40)

typedef struct tcn_stats tcn_stats;

/* Events only: what else can be discarded (attachments, reports) is told to the server but is no event. */
typedef struct {
    uint64_t captured;
    uint64_t delivered;
    uint64_t dropped[TCN_STATS_REASONS];
} tcn_stats_reading;

/* The protocol's word, a string that lives for ever; NULL if the number is out of range. */
const char *tcn_stats_reason_name(int reason);
const char *tcn_stats_category_name(int category);

/* Makes counters at zero; `*out` is owned by the caller, and NULL on TCN_ENOMEM. */
int tcn_stats_new(tcn_stats **out);

/* `stats` is stolen; NULL is a no-op. */
void tcn_stats_free(tcn_stats *stats);

/* For an event, tcn_stats_captured must happen before tcn_stats_delivered or tcn_stats_dropped. */
void tcn_stats_captured(tcn_stats *stats, uint64_t quantity);
void tcn_stats_delivered(tcn_stats *stats, uint64_t quantity);

/* Counts a discard, and for the next client report too if `told`. TCN_EINVAL if a number is out of range. */
int tcn_stats_dropped(tcn_stats *stats, int reason, int category, uint64_t quantity, int told);

/* A reading in which captured >= delivered + the sum of dropped, whatever other threads do meanwhile. */
void tcn_stats_read(const tcn_stats *stats, tcn_stats_reading *out);

/* Moves one unreported count out. Each unit counted is given to exactly one caller. 0 if a number is out of range. */
uint64_t tcn_stats_take_unreported(tcn_stats *stats, int reason, int category);

/* Puts a count back. TCN_EINVAL if a number is out of range. */
int tcn_stats_restore_unreported(tcn_stats *stats, int reason, int category, uint64_t quantity);

/* Zeroes everything; what another thread counts meanwhile may be lost. */
void tcn_stats_reset(tcn_stats *stats);

#endif
