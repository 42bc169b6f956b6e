#include "tcn_clock.h"

#include <stdint.h>
#include <time.h>

static char *put(char *to, unsigned value, int digits) {
    int at;

    for (at = digits - 1; at >= 0; at--) {
        to[at] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + digits;
}

void tcn_clock_iso(double timestamp_s, char *text) {
    int64_t micros, seconds, days, era, year;
    unsigned fraction, rest, day_of_era, year_of_era, day_of_year, month_index, day, month;

    if (!(timestamp_s >= -62135596800.0 && timestamp_s < 253402300800.0))
        timestamp_s = 0.0;
    micros = (int64_t)(timestamp_s * 1000000.0);
    seconds = micros / 1000000;
    if (micros % 1000000 < 0)
        seconds--;
    fraction = (unsigned)(micros - seconds * 1000000);
    days = seconds / 86400;
    if (seconds % 86400 < 0)
        days--;
    rest = (unsigned)(seconds - days * 86400);

    /* The civil calendar counted in eras of 400 years from 1 March of year 0, where a leap day comes last. */
    days += 719468;
    era = days / 146097;
    day_of_era = (unsigned)(days - era * 146097);
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_index = (5 * day_of_year + 2) / 153;
    day = day_of_year - (153 * month_index + 2) / 5 + 1;
    month = month_index < 10 ? month_index + 3 : month_index - 9;
    year = era * 400 + year_of_era + (month <= 2);

    text = put(text, (unsigned)year, 4);
    *text++ = '-';
    text = put(text, month, 2);
    *text++ = '-';
    text = put(text, day, 2);
    *text++ = 'T';
    text = put(text, rest / 3600, 2);
    *text++ = ':';
    text = put(text, rest / 60 % 60, 2);
    *text++ = ':';
    text = put(text, rest % 60, 2);
    *text++ = '.';
    text = put(text, fraction, 6);
    *text = 'Z';
}

double tcn_clock_now(void) {
    struct timespec now;

    /* C11's own, so that it is there on every platform; it is clock_gettime on those that have one. */
    if (timespec_get(&now, TIME_UTC) != TIME_UTC) return 0.0;
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
