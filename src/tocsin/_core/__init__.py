"""The compiled twin: the same names as `_pure`, the same behaviour. It is there as a whole, or its import fails."""

import tocsin._core.rooms  # noqa: F401
