"""The protocol's words: for what was discarded, and why, and for levels.

https://develop.sentry.dev/sdk/telemetry/client-reports/
"""

from __future__ import annotations

# The server makes "error" of any other level, silently (https://develop.sentry.dev/sdk/data-model/event-payloads/).
LEVELS = frozenset(("fatal", "error", "warning", "info", "debug"))


class DiscardReason:
    """Why data was discarded; servers count only the reasons that they know."""

    QUEUE_OVERFLOW = "queue_overflow"
    CACHE_OVERFLOW = "cache_overflow"
    BUFFER_OVERFLOW = "buffer_overflow"
    RATELIMIT_BACKOFF = "ratelimit_backoff"
    NETWORK_ERROR = "network_error"
    SEND_ERROR = "send_error"
    SAMPLE_RATE = "sample_rate"
    BEFORE_SEND = "before_send"
    CALLBACK_ERROR = "callback_error"
    EVENT_PROCESSOR = "event_processor"
    INTERNAL_SDK_ERROR = "internal_sdk_error"
    INSUFFICIENT_DATA = "insufficient_data"
    BACKPRESSURE = "backpressure"
    IGNORED = "ignored"
    INVALID = "invalid"


class DataCategory:
    """What was discarded, or is limited: https://develop.sentry.dev/sdk/expected-features/rate-limiting/#definitions"""

    DEFAULT = "default"
    ERROR = "error"
    TRANSACTION = "transaction"
    SPAN = "span"
    ATTACHMENT = "attachment"
    SESSION = "session"
    INTERNAL = "internal"
    FEEDBACK = "feedback"
    LOG_ITEM = "log_item"
    LOG_BYTE = "log_byte"
    PROFILE = "profile"
    PROFILE_CHUNK = "profile_chunk"
    REPLAY = "replay"
    MONITOR = "monitor"
    TRACE_METRIC = "trace_metric"
    TRACE_METRIC_BYTE = "trace_metric_byte"
    SECURITY = "security"
