/* The present time, and unix times as text. Plain functions without state, callable from any thread. */
#ifndef TCN_CLOCK_H
#define TCN_CLOCK_H

/* The length of what tcn_clock_iso writes. */
#define TCN_CLOCK_ISO_SIZE 27

/* Writes a unix time as RFC 3339 in UTC with microseconds, `2001-09-09T01:46:40.000000Z`, without a final NUL, into
 * `text` (borrowed, TCN_CLOCK_ISO_SIZE bytes). A time outside the years 1 to 9999, and NaN, is written as the epoch. */
void tcn_clock_iso(double timestamp_s, char *text);

/* The present unix time in seconds, to the microsecond or better. */
double tcn_clock_now(void);

#endif
