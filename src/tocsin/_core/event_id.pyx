"""The ids of events, traces and spans; see the pure twin. Called on any thread, with the GIL held."""

import os

from libc.stdint cimport uint64_t


cdef extern from "tcn_id.h" nogil:
    enum:
        TCN_ID_SEED_BYTES
    ctypedef struct tcn_id:
        uint64_t state[4]
    void tcn_id_seed(tcn_id *id, const unsigned char *seed)
    void tcn_id_hex(tcn_id *id, char *text, size_t words)


cdef extern from "tcn_fork.h" nogil:
    void tcn_fork_watch()
    unsigned int tcn_fork_count()


cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, unsigned int maxchar)
    unsigned char *PyUnicode_1BYTE_DATA(object)


# A call to the system for every id would cost ten times as much as all the rest of a message.
cdef tcn_id generator
# The count of forks it was seeded at: a host in C may fork without a word to the interpreter.
cdef unsigned int seeded_at = 0


def new_event_id():
    """Return a random id: 32 hexadecimal digits."""
    cdef object text = PyUnicode_New(32, 127)
    if seeded_at != tcn_fork_count():
        after_fork_in_child()
    tcn_id_hex(&generator, <char *>PyUnicode_1BYTE_DATA(text), 2)
    return text


def new_span_id():
    """Return a random id: 16 hexadecimal digits."""
    cdef object text = PyUnicode_New(16, 127)
    if seeded_at != tcn_fork_count():
        after_fork_in_child()
    tcn_id_hex(&generator, <char *>PyUnicode_1BYTE_DATA(text), 1)
    return text


def after_fork_in_child():
    """Go on with other ids than the parent."""
    global seeded_at
    cdef bytes seed = os.urandom(TCN_ID_SEED_BYTES)
    tcn_id_seed(&generator, seed)
    seeded_at = tcn_fork_count()


tcn_fork_watch()
after_fork_in_child()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork_in_child)
