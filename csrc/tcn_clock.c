#include "tcn_clock.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

/* All numbers of two digits: a division for each digit would cost 12 ns a time more. */
static const char pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* Writes a number below 100 as two digits and returns where they end. */
static char *put_pair(char *to, uint32_t value) {
    memcpy(to, pairs + 2 * value, 2);
    return to + 2;
}

void tcn_clock_iso(double timestamp_s, char *text) {
    uint64_t micros, seconds;
    uint32_t fraction, rest, days, era, day_of_era, year_of_era, day_of_year, month_index, year, month, day;

    if (!(timestamp_s >= -62135596800.0 && timestamp_s < 253402300800.0))
        timestamp_s = 0.0;
    /* Counted from 1 March of year 0 all numbers are positive, and of 32 bits from the days on. */
    micros = (uint64_t)((int64_t)(timestamp_s * 1000000.0) + INT64_C(719468) * 86400 * 1000000);
    seconds = micros / 1000000;
    fraction = (uint32_t)(micros - seconds * 1000000);
    days = (uint32_t)(seconds / 86400);
    rest = (uint32_t)(seconds - (uint64_t)days * 86400);

    /* The civil calendar counted in eras of 400 years, where a leap day comes last. */
    era = days / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_index = (5 * day_of_year + 2) / 153;
    day = day_of_year - (153 * month_index + 2) / 5 + 1;
    month = month_index < 10 ? month_index + 3 : month_index - 9;
    year = era * 400 + year_of_era + (month <= 2);

    text = put_pair(text, year / 100);
    text = put_pair(text, year % 100);
    *text++ = '-';
    text = put_pair(text, month);
    *text++ = '-';
    text = put_pair(text, day);
    *text++ = 'T';
    text = put_pair(text, rest / 3600);
    *text++ = ':';
    text = put_pair(text, rest / 60 % 60);
    *text++ = ':';
    text = put_pair(text, rest % 60);
    *text++ = '.';
    text = put_pair(text, fraction / 10000);
    text = put_pair(text, fraction / 100 % 100);
    text = put_pair(text, fraction % 100);
    *text = 'Z';
}

double tcn_clock_now(void) {
    struct timespec now;

    /* C11's own, so that it is there on every platform; it is clock_gettime on those that have one. */
    if (timespec_get(&now, TIME_UTC) != TIME_UTC) return 0.0;
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
