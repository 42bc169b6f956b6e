"""Counts of what became of every capture; see `tocsin._pure.stats` for the promises.

The counters are C11 atomics, so a count is never lost, whatever thread or signal handler comes in between.
"""

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t

from _operator import index


cdef extern from "tcn_error.h" nogil:
    int TCN_OK


cdef extern from "tcn_stats.h" nogil:
    enum:
        TCN_STATS_REASONS
        TCN_STATS_CATEGORIES
        TCN_STATS_INTERNAL_SDK_ERROR
        TCN_STATS_DEFAULT

    const uint64_t TCN_STATS_QUANTITY_MAX

    ctypedef struct tcn_stats

    ctypedef struct tcn_stats_reading:
        uint64_t captured
        uint64_t delivered
        uint64_t dropped[TCN_STATS_REASONS]

    const char *tcn_stats_reason_name(int reason)
    const char *tcn_stats_category_name(int category)
    int tcn_stats_new(tcn_stats **out)
    void tcn_stats_free(tcn_stats *stats)
    void tcn_stats_captured(tcn_stats *stats, uint64_t quantity)
    void tcn_stats_delivered(tcn_stats *stats, uint64_t quantity)
    int tcn_stats_dropped(tcn_stats *stats, int reason, int category, uint64_t quantity, int told)
    void tcn_stats_read(const tcn_stats *stats, tcn_stats_reading *out)
    uint64_t tcn_stats_take_unreported(tcn_stats *stats, int reason, int category)
    int tcn_stats_restore_unreported(tcn_stats *stats, int reason, int category, uint64_t quantity)
    void tcn_stats_reset(tcn_stats *stats)


REASONS = tuple([tcn_stats_reason_name(number).decode("ascii") for number in range(TCN_STATS_REASONS)])
CATEGORIES = tuple([tcn_stats_category_name(number).decode("ascii") for number in range(TCN_STATS_CATEGORIES)])
QUANTITY_MAX = TCN_STATS_QUANTITY_MAX

cdef dict reason_index = {reason: number for number, reason in enumerate(REASONS)}
cdef dict category_index = {category: number for number, category in enumerate(CATEGORIES)}
cdef tuple reasons = REASONS
cdef tuple categories = CATEGORIES


@cython.final
cdef class Stats:
    """The counters of one client."""

    # owned
    cdef tcn_stats *_stats

    def __init__(self):
        """Take no arguments, as the pure twin does."""

    def __cinit__(self):
        if tcn_stats_new(&self._stats) != TCN_OK:
            raise MemoryError

    def __dealloc__(self):
        tcn_stats_free(self._stats)

    def record_captured(self, quantity=1):
        """Counts events that entered the pipeline."""
        tcn_stats_captured(self._stats, checked(quantity))

    def record_delivered(self, quantity=1):
        """Counts events that the server, or another sink, has accepted."""
        tcn_stats_delivered(self._stats, checked(quantity))

    def record_dropped(self, reason, category="error", quantity=1, told=True):
        """Counts what was discarded, and why."""
        cdef uint64_t units = checked(quantity)
        cdef int row = number_of(reason_index, reason, TCN_STATS_INTERNAL_SDK_ERROR)
        cdef int column = number_of(category_index, category, TCN_STATS_DEFAULT)
        tcn_stats_dropped(self._stats, row, column, units, bool(told))

    def snapshot(self):
        """One consistent reading of the events: captured, delivered, pending, and dropped by reason."""
        cdef tcn_stats_reading reading
        cdef dict dropped = {}
        cdef int row
        tcn_stats_read(self._stats, &reading)
        pending = reading.captured
        pending -= reading.delivered
        for row in range(TCN_STATS_REASONS):
            if reading.dropped[row]:
                count = reading.dropped[row]
                dropped[reasons[row]] = count
                pending -= count
        return reading.captured, reading.delivered, pending, dropped

    def take_discarded(self):
        """Moves out what no client report has told yet: (reason, category, quantity), sorted."""
        cdef list discarded = []
        cdef uint64_t taken[TCN_STATS_REASONS][TCN_STATS_CATEGORIES]
        cdef int row, column
        for row in range(TCN_STATS_REASONS):
            for column in range(TCN_STATS_CATEGORIES):
                taken[row][column] = tcn_stats_take_unreported(self._stats, row, column)
        try:
            for row in range(TCN_STATS_REASONS):
                for column in range(TCN_STATS_CATEGORIES):
                    if taken[row][column]:
                        discarded.append((reasons[row], categories[column], taken[row][column]))
            discarded.sort()
        except BaseException:
            # Out of memory: what nobody was told is not lost.
            for row in range(TCN_STATS_REASONS):
                for column in range(TCN_STATS_CATEGORIES):
                    tcn_stats_restore_unreported(self._stats, row, column, taken[row][column])
            raise
        return discarded

    def restore_discarded(self, discarded):
        """Puts back what `take_discarded` gave, after the report that carried it has failed."""
        cdef uint64_t units
        cdef int row, column
        for reason, category, quantity in discarded:
            units = checked(quantity)
            row = number_of(reason_index, reason, TCN_STATS_INTERNAL_SDK_ERROR)
            column = number_of(category_index, category, TCN_STATS_DEFAULT)
            tcn_stats_restore_unreported(self._stats, row, column, units)

    def reset(self):
        """Sets every count to zero; what another thread counts meanwhile may be lost."""
        tcn_stats_reset(self._stats)

    def __reduce__(self):
        raise TypeError("a Stats cannot be copied or pickled")


cdef uint64_t checked(object quantity) except? 0xFFFFFFFFFFFFFFFF:
    cdef int overflow = 0
    cdef long long units
    if type(quantity) is not int:
        quantity = index(quantity)
    units = PyLong_AsLongLongAndOverflow(quantity, &overflow)
    if overflow < 0 or (overflow == 0 and units <= 0):
        return 0
    if overflow > 0 or <uint64_t>units > TCN_STATS_QUANTITY_MAX:
        return TCN_STATS_QUANTITY_MAX
    return <uint64_t>units


cdef int number_of(dict numbers, object name, int otherwise) except -1:
    cdef PyObject *number = PyDict_GetItemWithError(numbers, name)  # borrowed
    return otherwise if number is NULL else <object>number
