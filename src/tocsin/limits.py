"""Every bound of the SDK in one place.

Most are what the server keeps (Relay's defaults, measured with its normalizer): spending more on the
caller's thread would be paid for nothing. Units are in the names.
"""

from __future__ import annotations

# A whole event; Relay and Bugsink discard anything larger, unread.
EVENT_BYTES = 1024 * 1024
# What the size guard aims at when it has to cut, so that the marks it leaves still fit.
EVENT_CUT_BYTES = 1000 * 1000

# Exceptions in one event's tree.
EXCEPTIONS = 50
# Text of one exception, message or breadcrumb: the server cuts at this many characters.
TEXT_CHARS = 8192
# Type and module names, and mechanism fields.
NAME_CHARS = 256
# How many __notes__ of an exception are joined to its value.
NOTES = 20

# What is left of an event in which everything is monstrous.
EVENT_SKELETON_BYTES = 64 * 1024

# Frames of one stacktrace: the server keeps this many from the outer and the inner end.
FRAMES_OUTER = 50
FRAMES_INNER = 200
# Of the frames sent, only so many at either end keep locals and surrounding source lines.
DETAILED_OUTER = 25
DETAILED_INNER = 25
# Sites (code object and instruction) remembered by one extractor.
SITES = 4096
# Lines of source on either side of the failing one, and the length at which a line is cut.
CONTEXT_LINES = 5
CONTEXT_LINE_CHARS = 512

# Locals of one frame, as JSON.
VARS_BYTES = 2048
VARS_COUNT = 64
VARS_DEPTH = 4
VARS_BREADTH = 16
# The least that one local gets when the frame's bytes run short.
VARS_MIN_BYTES = 24

# Values outside of locals ("databags"): one key of `extra`, a context, a breadcrumb's data.
EXTRA_VALUE_BYTES = 16_384
EXTRA_BYTES = 262_144
EXTRA_DEPTH = 6
CONTEXT_BYTES = 8_192
CONTEXT_DEPTH = 6
BREADCRUMB_DATA_BYTES = 2_048
BREADCRUMB_NAME_CHARS = 128
BREADCRUMB_DATA_DEPTH = 4
REQUEST_DATA_BYTES = 8_192
DATA_BREADTH = 100

# Attributes shown of an object whose type is not known.
ATTRIBUTES = 8
# Characters of one attribute or key.
ATTRIBUTE_CHARS = 64
KEY_CHARS = 128
# Integers past this many bits are described, not printed: printing is quadratic.
INTEGER_BITS = 512

TAG_KEY_CHARS = 200
TAG_VALUE_CHARS = 200
LOGGER_CHARS = 64
TRANSACTION_CHARS = 200
RELEASE_CHARS = 200
ENVIRONMENT_CHARS = 64
DIST_CHARS = 64
SERVER_NAME_CHARS = 200
USER_ID_CHARS = 128
USER_EMAIL_CHARS = 75
FINGERPRINT_PARTS = 32

BREADCRUMBS = 100
FLAGS = 100

# The queue between the capturing threads and the worker.
QUEUE_EVENTS = 100
QUEUE_BYTES = 16 * 1024 * 1024
# How old an unsent client report may get before it travels with the next envelope, and before it goes alone.
REPORT_WITH_ENVELOPE_S = 30.0
REPORT_ALONE_S = 60.0
HTTP_TIMEOUT_S = 30.0
SHUTDOWN_TIMEOUT_S = 2.0
# A 429 without any word on how long.
RATE_LIMIT_DEFAULT_S = 60.0
ATTACHMENT_BYTES = 20 * 1024 * 1024
# What a server keeps of a request's parts, of all versions of modules, of a frame's function and of a thread's name.
URL_CHARS = 256
FRAGMENT_CHARS = 1024
QUERY_BYTES = 1024
HEADERS_BYTES = 8192
COOKIES_BYTES = 2048
MODULES_BYTES = 8192
FUNCTION_CHARS = 512
THREAD_NAME_CHARS = 1024
