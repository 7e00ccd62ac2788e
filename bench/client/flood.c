/*
 * Sends one datagram again and again from an address, at a rate or as fast as it can, and never reads an answer.
 *
 *   flood SOURCE HOST PORT RATE SECONDS < DATAGRAM
 *
 * RATE is in datagrams a second, 0 for full speed. Prints `sent=…`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
#define LARGEST 65507

static double now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int socket_from(const char *source, const char *host, const char *port)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    int opened = socket(AF_INET, SOCK_DGRAM, 0);

    to.sin_port = htons((uint16_t)atoi(port));
    if (inet_pton(AF_INET, source, &from.sin_addr) != 1 || inet_pton(AF_INET, host, &to.sin_addr) != 1)
        die("address");
    if (opened < 0 || bind(opened, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(opened, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("socket");
    return opened;
}

int main(int argc, char **argv)
{
    static uint8_t octets[LARGEST];
    struct iovec data = {.iov_base = octets};
    struct mmsghdr batch[BATCH];
    double rate, began, end, now;
    uint64_t sent = 0;
    int to, i;

    if (argc != 6) {
        fprintf(stderr, "usage: flood SOURCE HOST PORT RATE SECONDS < DATAGRAM\n");
        return 2;
    }
    data.iov_len = fread(octets, 1, sizeof(octets), stdin);
    to = socket_from(argv[1], argv[2], argv[3]);
    rate = atof(argv[4]);
    memset(batch, 0, sizeof(batch));
    for (i = 0; i < BATCH; i++) {
        batch[i].msg_hdr.msg_iov = &data;
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    began = now_seconds();
    end = began + atof(argv[5]);
    for (now = began; now < end; now = now_seconds()) {
        unsigned due = BATCH;
        int taken;

        if (rate > 0) {
            double behind = (now - began) * rate - (double)sent;

            if (behind < 1) {
                usleep(200);
                continue;
            }
            due = behind < BATCH ? (unsigned)behind : BATCH;
        }
        taken = sendmmsg(to, batch, due, 0);
        if (taken > 0)
            sent += (uint64_t)taken;
        else if (errno != ECONNREFUSED && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
            die("send");
    }
    printf("sent=%llu\n", (unsigned long long)sent);
    return 0;
}
