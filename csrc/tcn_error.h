/* What the functions of csrc return. Failures are negative, so that `result < 0` is the whole test. */
#ifndef TCN_ERROR_H
#define TCN_ERROR_H

enum {
    TCN_OK = 0,
    /* Done, and what stood there before is gone. */
    TCN_REPLACED = 1,
    /* Nothing done: it was there already. */
    TCN_EXISTS = 2,

    /* A bound of items or bytes is reached. */
    TCN_EFULL = -1,
    TCN_ENOMEM = -2,
    /* There is nothing to give. */
    TCN_EEMPTY = -3,
    /* An argument is out of its documented range. */
    TCN_EINVAL = -4
};

#endif
