"""The pure twin: the readable specification of every room that is also compiled."""
