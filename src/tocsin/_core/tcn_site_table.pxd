"""csrc/tcn_site_table.h: a bounded map from (code object, instruction) to a site's index."""

from libc.stdint cimport uint32_t, uintptr_t


cdef extern from "tcn_site_table.h" nogil:
    ctypedef struct tcn_site_table:
        pass

    enum:
        TCN_OK

    int tcn_site_table_new(uint32_t capacity, tcn_site_table **out)
    void tcn_site_table_free(tcn_site_table *table)
    uint32_t tcn_site_table_len(const tcn_site_table *table)
    int tcn_site_table_find(tcn_site_table *table, uintptr_t code, int lasti, uint32_t *site)
    int tcn_site_table_insert(tcn_site_table *table, uintptr_t code, int lasti, uint32_t *site)
    size_t tcn_site_table_remove_code(tcn_site_table *table, uintptr_t code, uint32_t *freed, size_t room)
