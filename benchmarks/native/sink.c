/* An HTTP server that swallows what is posted to it, so that the SDK under test is the bottleneck and not the server.
 *
 * One thread, epoll, keep-alive, bound to 127.0.0.1 on a port of the system's choice, which is printed. It ends when its
 * standard input is closed, so that it cannot outlive whoever started it. Bodies are kept in memory until cleared:
 *
 *   GET /control/status/NNN   answer with that status from now on (429 brings "Retry-After: 60")
 *   GET /control/hold         keep the answers back; /control/release gives them
 *   GET /control/count        how many posts have arrived, as a text
 *   GET /control/bodies       the posts: for each a 4 byte length, little-endian, a byte for the encoding
 *                             (0 none, 1 gzip, 2 br, 3 deflate) and the body as it came
 *   GET /control/clear        forget them
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 16384, READ_BYTES = 65536, HEAD_MAX = 65536 };

static const char ANSWER[] = "{\"id\":\"00000000000000000000000000000000\",\"err\":0,\"result\":{\"id\":null}}";

/* Growing bytes; `data` is owned. */
typedef struct {
    char *data;
    size_t length, room;
} bytes;

/* What has arrived on one connection and is not yet answered. `is_held`: its answer is kept back. */
typedef struct {
    int is_held;
    bytes in;
} connection;

static connection connections[FDS_MAX];
static bytes kept;
static unsigned long posts;
static int status = 200, is_holding;

static void append(bytes *to, const void *data, size_t length) {
    if (to->length + length > to->room) {
        size_t room = (to->length + length) * 2;
        char *grown = realloc(to->data, room);
        if (grown == NULL) {
            perror("sink");
            exit(1);
        }
        to->data = grown;
        to->room = room;
    }
    memcpy(to->data + to->length, data, length);
    to->length += length;
}

static void hang_up(int fd) {
    close(fd);
    free(connections[fd].in.data);
    memset(&connections[fd], 0, sizeof connections[fd]);
}

/* Sends all of it; waits for a slow reader, which only /control/bodies can meet. False if the other end is gone. */
static int send_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return 0;
        data += sent;
        length -= (size_t)sent;
    }
    return 1;
}

static int answer(int fd, int code, const char *body, size_t length) {
    char head[256];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n",
                        code, length, code == 429 ? "Retry-After: 60\r\n" : "");
    if (length < 1024) {
        /* In one segment, as a real server would. */
        char whole[sizeof head + 1024];
        memcpy(whole, head, (size_t)size);
        memcpy(whole + size, body, length);
        return send_all(fd, whole, (size_t)size + length);
    }
    return send_all(fd, head, (size_t)size) && send_all(fd, body, length);
}

static int control(int fd, const char *path) {
    char text[32] = "ok";
    if (strncmp(path, "status/", 7) == 0) {
        status = atoi(path + 7);
    } else if (strncmp(path, "hold", 4) == 0) {
        is_holding = 1;
    } else if (strncmp(path, "release", 7) == 0) {
        is_holding = 0;
        for (int held = 0; held < FDS_MAX; held++) {
            if (!connections[held].is_held)
                continue;
            connections[held].is_held = 0;
            if (!answer(held, status, ANSWER, sizeof ANSWER - 1))
                hang_up(held);
        }
    } else if (strncmp(path, "count", 5) == 0) {
        snprintf(text, sizeof text, "%lu", posts);
    } else if (strncmp(path, "clear", 5) == 0) {
        kept.length = 0;
        posts = 0;
    } else if (strncmp(path, "bodies", 6) == 0) {
        return answer(fd, 200, kept.length ? kept.data : "", kept.length);
    }
    return answer(fd, 200, text, strlen(text));
}

/* The value of a header, or NULL; `head` is NUL-terminated, and `name` ends in a colon. */
static const char *header(const char *head, const char *name) {
    const char *found = strcasestr(head, name);
    if (found == NULL)
        return NULL;
    found += strlen(name);
    while (*found == ' ')
        found++;
    return found;
}

static void keep(const char *head, const char *body, size_t length) {
    const char *encoding = header(head, "\r\ncontent-encoding:");
    uint8_t code = 0;
    if (encoding != NULL)
        code = strncasecmp(encoding, "gzip", 4) == 0 ? 1 : strncasecmp(encoding, "br", 2) == 0 ? 2 : 3;
    uint8_t prefix[5] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), (uint8_t)(length >> 24), code};
    append(&kept, prefix, sizeof prefix);
    append(&kept, body, length);
    posts++;
}

/* Joins the chunks at `body` in place; returns how many bytes of input they took, 0 while some are missing. */
static size_t join_chunks(char *body, size_t available, size_t *length) {
    size_t at = 0, made = 0;
    for (;;) {
        char *end = memmem(body + at, available - at, "\r\n", 2);
        if (end == NULL)
            return 0;
        size_t size = strtoul(body + at, NULL, 16), start = (size_t)(end - body) + 2;
        if (start + size + 2 > available)
            return 0;
        if (size == 0) {
            *length = made;
            return start + 2;
        }
        memmove(body + made, body + start, size);
        made += size;
        at = start + size + 2;
    }
}

/* Serves one whole request of what has arrived; returns 0 if there is none yet, -1 if the connection is over. */
static int serve(int fd) {
    bytes *in = &connections[fd].in;
    char *blank = in->length ? memmem(in->data, in->length, "\r\n\r\n", 4) : NULL;
    if (blank == NULL)
        return in->length > HEAD_MAX ? -1 : 0;
    size_t head_length = (size_t)(blank - in->data) + 4, length = 0, taken;
    char after = in->data[head_length - 2];
    in->data[head_length - 2] = '\0';
    const char *content_length = header(in->data, "\r\ncontent-length:");
    int is_chunked = header(in->data, "\r\ntransfer-encoding: chunked") != NULL, is_ok;
    int closes = header(in->data, "\r\nconnection: close") != NULL;
    if (is_chunked) {
        /* A partial join would spoil the input: joined only once the last chunk is there. */
        if (in->length - head_length < 5 || memcmp(in->data + in->length - 5, "0\r\n\r\n", 5) != 0) {
            in->data[head_length - 2] = after;
            return 0;
        }
        taken = join_chunks(in->data + head_length, in->length - head_length, &length);
        if (taken == 0)
            return -1;
    } else {
        length = taken = content_length ? strtoul(content_length, NULL, 10) : 0;
        if (in->length < head_length + taken) {
            in->data[head_length - 2] = after;
            return 0;
        }
    }
    if (strncmp(in->data, "GET /control/", 13) == 0) {
        is_ok = control(fd, in->data + 13);
    } else {
        if (strncmp(in->data, "POST ", 5) == 0)
            keep(in->data, in->data + head_length, length);
        if (is_holding) {
            connections[fd].is_held = 1;
            is_ok = 1;
        } else {
            is_ok = answer(fd, status, ANSWER, sizeof ANSWER - 1);
        }
    }
    if (!is_ok || (closes && !connections[fd].is_held))
        return -1;
    in->length -= head_length + taken;
    memmove(in->data, in->data + head_length + taken, in->length);
    return 1;
}

static void read_from(int fd) {
    char chunk[READ_BYTES];
    ssize_t got = recv(fd, chunk, sizeof chunk, 0);
    int served = 1;
    if (got > 0) {
        append(&connections[fd].in, chunk, (size_t)got);
        while (served > 0)
            served = serve(fd);
    }
    if (got <= 0 || served < 0)
        hang_up(fd);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), poll = epoll_create1(EPOLL_CLOEXEC);
    if (listener < 0 || poll < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 1024) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        perror("sink");
        return 1;
    }
    for (int fd = 0; fd <= listener; fd += listener) {
        struct epoll_event wanted = {.events = EPOLLIN | EPOLLHUP, .data.fd = fd};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted) < 0 && errno != EPERM) {
            perror("sink");
            return 1;
        }
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll, events, 64, -1);
        if (ready < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == 0)
                return 0;
            if (fd != listener) {
                read_from(fd);
                continue;
            }
            int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (accepted < 0)
                continue;
            struct epoll_event wanted = {.events = EPOLLIN, .data.fd = accepted};
            if (accepted >= FDS_MAX || epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &wanted) < 0) {
                close(accepted);
                continue;
            }
            setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        }
    }
}
