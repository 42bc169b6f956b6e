"""csrc/tcn_clock.h: unix times as text."""

cdef extern from "tcn_clock.h" nogil:
    enum:
        TCN_CLOCK_ISO_SIZE
    void tcn_clock_iso(double timestamp_s, char *text)
    double tcn_clock_now()
