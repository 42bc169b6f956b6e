/* Tells a process that it is a fork of another, whoever has forked it: the interpreter's own hooks are not run when a
 * host in C calls fork(). It costs the reading of a number. Owns nothing. */
#ifndef TCN_FORK_H
#define TCN_FORK_H

/* Counts forks from now on; where they cannot be heard of, none is counted. Called with the GIL held, as often as one
 * likes. */
void tcn_fork_watch(void);

/* How often this process and those it descends from were forked since: another number in a child than in its parent.
 * For any thread; it changes only in a child that has no other threads yet. */
unsigned tcn_fork_count(void);

#endif
