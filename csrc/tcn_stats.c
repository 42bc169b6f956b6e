/* See tcn_stats.h. */
#include "tcn_stats.h"

#include <stdlib.h>

#include "tcn_atomic.h"

struct tcn_stats {
    /* Written by capturing threads, relaxed: the order comes with the two below. */
    tcn_atomic_u64 captured;
    /* Written by the worker, release; read acquire. */
    tcn_atomic_u64 delivered;
    /* Written by any thread, release; read acquire. */
    tcn_atomic_u64 dropped[TCN_STATS_REASONS];
    /* Written by any thread, emptied by whoever reports; relaxed, as nothing else depends on them. */
    tcn_atomic_u64 unreported[TCN_STATS_REASONS][TCN_STATS_CATEGORIES];
};

static const char *const reason_names[TCN_STATS_REASONS] = {
    [TCN_STATS_QUEUE_OVERFLOW] = "queue_overflow",
    [TCN_STATS_CACHE_OVERFLOW] = "cache_overflow",
    [TCN_STATS_BUFFER_OVERFLOW] = "buffer_overflow",
    [TCN_STATS_RATELIMIT_BACKOFF] = "ratelimit_backoff",
    [TCN_STATS_NETWORK_ERROR] = "network_error",
    [TCN_STATS_SEND_ERROR] = "send_error",
    [TCN_STATS_SAMPLE_RATE] = "sample_rate",
    [TCN_STATS_BEFORE_SEND] = "before_send",
    [TCN_STATS_CALLBACK_ERROR] = "callback_error",
    [TCN_STATS_EVENT_PROCESSOR] = "event_processor",
    [TCN_STATS_INTERNAL_SDK_ERROR] = "internal_sdk_error",
    [TCN_STATS_INSUFFICIENT_DATA] = "insufficient_data",
    [TCN_STATS_BACKPRESSURE] = "backpressure",
    [TCN_STATS_IGNORED] = "ignored",
    [TCN_STATS_INVALID] = "invalid",
};

static const char *const category_names[TCN_STATS_CATEGORIES] = {
    [TCN_STATS_DEFAULT] = "default",
    [TCN_STATS_ERROR] = "error",
    [TCN_STATS_TRANSACTION] = "transaction",
    [TCN_STATS_SPAN] = "span",
    [TCN_STATS_ATTACHMENT] = "attachment",
    [TCN_STATS_SESSION] = "session",
    [TCN_STATS_INTERNAL] = "internal",
    [TCN_STATS_FEEDBACK] = "feedback",
    [TCN_STATS_LOG_ITEM] = "log_item",
    [TCN_STATS_LOG_BYTE] = "log_byte",
    [TCN_STATS_PROFILE] = "profile",
    [TCN_STATS_PROFILE_CHUNK] = "profile_chunk",
    [TCN_STATS_REPLAY] = "replay",
    [TCN_STATS_MONITOR] = "monitor",
    [TCN_STATS_TRACE_METRIC] = "trace_metric",
    [TCN_STATS_TRACE_METRIC_BYTE] = "trace_metric_byte",
    [TCN_STATS_SECURITY] = "security",
};

static int is_reason(int reason) {
    return 0 <= reason && reason < TCN_STATS_REASONS;
}

static int is_category(int category) {
    return 0 <= category && category < TCN_STATS_CATEGORIES;
}

const char *tcn_stats_reason_name(int reason) {
    return is_reason(reason) ? reason_names[reason] : NULL;
}

const char *tcn_stats_category_name(int category) {
    return is_category(category) ? category_names[category] : NULL;
}

int tcn_stats_new(tcn_stats **out) {
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return TCN_ENOMEM;
    tcn_stats_reset(*out);
    return TCN_OK;
}

void tcn_stats_free(tcn_stats *stats) {
    free(stats);
}

void tcn_stats_captured(tcn_stats *stats, uint64_t quantity) {
    atomic_fetch_add_explicit(&stats->captured, quantity, memory_order_relaxed);
}

void tcn_stats_delivered(tcn_stats *stats, uint64_t quantity) {
    /* Release: partner is the acquire in tcn_stats_read. */
    atomic_fetch_add_explicit(&stats->delivered, quantity, memory_order_release);
}

int tcn_stats_dropped(tcn_stats *stats, int reason, int category, uint64_t quantity, int told) {
    if (!is_reason(reason) || !is_category(category)) return TCN_EINVAL;
    if (category == TCN_STATS_ERROR) {
        /* Release: partner is the acquire in tcn_stats_read. */
        atomic_fetch_add_explicit(&stats->dropped[reason], quantity, memory_order_release);
    }
    if (told) atomic_fetch_add_explicit(&stats->unreported[reason][category], quantity, memory_order_relaxed);
    return TCN_OK;
}

void tcn_stats_read(const tcn_stats *stats, tcn_stats_reading *out) {
    /* What is settled first, what was captured last. The acquire loads synchronize with every addition whose count
     * they see (additions are read-modify-writes, so a release sequence does not break off), and before each of
     * those its event was added to `captured`; the load that follows cannot see less. It may see more: events
     * captured in between count as pending. */
    out->delivered = atomic_load_explicit(&stats->delivered, memory_order_acquire);
    for (int reason = 0; reason < TCN_STATS_REASONS; reason++) {
        /* Partner: the release in tcn_stats_dropped. */
        out->dropped[reason] = atomic_load_explicit(&stats->dropped[reason], memory_order_acquire);
    }
    out->captured = atomic_load_explicit(&stats->captured, memory_order_relaxed);
}

uint64_t tcn_stats_take_unreported(tcn_stats *stats, int reason, int category) {
    if (!is_reason(reason) || !is_category(category)) return 0;
    return atomic_exchange_explicit(&stats->unreported[reason][category], 0, memory_order_relaxed);
}

int tcn_stats_restore_unreported(tcn_stats *stats, int reason, int category, uint64_t quantity) {
    if (!is_reason(reason) || !is_category(category)) return TCN_EINVAL;
    atomic_fetch_add_explicit(&stats->unreported[reason][category], quantity, memory_order_relaxed);
    return TCN_OK;
}

void tcn_stats_reset(tcn_stats *stats) {
    atomic_store_explicit(&stats->captured, 0, memory_order_relaxed);
    atomic_store_explicit(&stats->delivered, 0, memory_order_relaxed);
    for (int reason = 0; reason < TCN_STATS_REASONS; reason++) {
        atomic_store_explicit(&stats->dropped[reason], 0, memory_order_relaxed);
        for (int category = 0; category < TCN_STATS_CATEGORIES; category++) {
            atomic_store_explicit(&stats->unreported[reason][category], 0, memory_order_relaxed);
        }
    }
}
