"""csrc/tcn_json.h: a growing byte buffer that JSON is written into."""

from libc.stdint cimport int64_t, uint64_t


cdef extern from "tcn_json.h" nogil:
    ctypedef struct tcn_json:
        char *bytes
        size_t size
        int has_failed

    void tcn_json_init(tcn_json *json, char *storage, size_t capacity)
    void tcn_json_free(tcn_json *json)
    void tcn_json_clear(tcn_json *json)
    void tcn_json_raw(tcn_json *json, const char *bytes, size_t size)
    void tcn_json_put(tcn_json *json, const char *literal)
    void tcn_json_byte(tcn_json *json, char byte)
    void tcn_json_text(tcn_json *json, int kind, const void *data, size_t length)
    void tcn_json_string(tcn_json *json, int kind, const void *data, size_t length)
    void tcn_json_bounded(tcn_json *json, int kind, const void *data, size_t length, size_t room)
    void tcn_json_int64(tcn_json *json, int64_t value)
    void tcn_json_uint64(tcn_json *json, uint64_t value)
    int tcn_json_short_double(tcn_json *json, double value)
    int tcn_json_is_plain(const char *text, size_t length)
