/* The laws of csrc/tcn_fork. */
#define _POSIX_C_SOURCE 200809L

#include <sys/wait.h>
#include <unistd.h>

#include "tcn_fork.h"
#include "tcn_test.h"

/* Forks, and returns whether the child has found another count than `before`. */
static int child_counts_otherwise(unsigned before) {
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(tcn_fork_count() != before);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status);
}

static void test_a_child_has_another_count_than_its_parent(void) {
    unsigned before = tcn_fork_count();

    CHECK(child_counts_otherwise(before));
    CHECK(tcn_fork_count() == before);
}

static void test_a_childs_child_has_another_count_too(void) {
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(child_counts_otherwise(tcn_fork_count()));
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status));
}

int main(void) {
    tcn_fork_watch();
    RUN(test_a_child_has_another_count_than_its_parent);
    RUN(test_a_childs_child_has_another_count_too);
    return 0;
}
