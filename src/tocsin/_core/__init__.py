"""The compiled twin: the same names as `_pure`, the same behaviour."""
