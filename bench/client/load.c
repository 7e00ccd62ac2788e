/*
 * A UDP load client for one SNMP agent that serves cipSecTunnelTable with the indexes 1..N.
 *
 * Keeps a window of requests outstanding for some seconds, checks every answer cell by cell, and prints one line:
 *
 *   requests=… responses=… errors=… timeouts=… seconds=… rate=… cpu=…
 *
 * requests are those sent, responses the right answers, errors the wrong ones, all counted after the warm-up; rate is
 * responses per second, cpu the share of one core that this program took. Thousands of different requests are made
 * ahead, so that sending one is to patch its id (and with SNMPv3 to seal it).
 */
#define _GNU_SOURCE
#include "usm.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define MAX_WINDOW 256
#define TEMPLATES 4096
#define LOST_AFTER 1.0   /* seconds without an answer */
#define TICK_MS 100      /* how long a receive may block */
#define RECEIVE_OCTETS (4 << 20)

struct options {
    const char *host, *port, *community, *user, *auth_password, *priv_password;
    struct plan plan;
    double seconds, warm_up;
    uint32_t window;
    uint64_t seed;
};

/* Slot k carries the requests with the sequence numbers k, k + window, k + 2 window, … one after the other. */
struct slot {
    uint32_t sequence;
    bool busy;
    double sent;
    const struct request *request;
};

struct counts {
    uint64_t requests, responses, errors, timeouts;
};

struct load {
    int socket;
    uint32_t window;
    struct usm *usm; /* NULL: SNMPv2c */
    struct request *requests;
    struct slot slots[MAX_WINDOW];
    struct mmsghdr outgoing[MAX_WINDOW], incoming[MAX_WINDOW];
    struct iovec outgoing_octets[MAX_WINDOW], incoming_octets[MAX_WINDOW];
    uint8_t *outgoing_buffers, *incoming_buffers;
    uint32_t busy;
    struct counts counts;
};

static double now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "load: %s: %s\n", what, why);
    exit(2);
}

static int connected_socket(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *address;
    struct timeval tick = {.tv_usec = TICK_MS * 1000};
    int octets = RECEIVE_OCTETS, failure = getaddrinfo(host, port, &hints, &address), opened;

    if (failure != 0)
        die(host, gai_strerror(failure));
    opened = socket(address->ai_family, SOCK_DGRAM, 0);
    if (opened < 0 || connect(opened, address->ai_addr, address->ai_addrlen) != 0)
        die("socket", strerror(errno));
    freeaddrinfo(address);
    /* A window of large answers must fit; the forced form passes rmem_max where we may. */
    if (setsockopt(opened, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) != 0)
        setsockopt(opened, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
    setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
    return opened;
}

static void prepare(struct load *load, const struct options *options)
{
    uint64_t seed = options->seed;
    uint32_t i;

    load->window = options->window;
    load->socket = connected_socket(options->host, options->port);
    load->requests = calloc(TEMPLATES, sizeof(*load->requests));
    load->outgoing_buffers = malloc((size_t)load->window * MAX_MESSAGE);
    load->incoming_buffers = malloc((size_t)load->window * MAX_MESSAGE);
    if (load->requests == NULL || load->outgoing_buffers == NULL || load->incoming_buffers == NULL)
        die("memory", strerror(errno));
    if (options->user != NULL) {
        load->usm = usm_discover(load->socket, options->user, options->auth_password, options->priv_password);
        if (load->usm == NULL)
            die("discovery", "no usable Report");
    }
    for (i = 0; i < TEMPLATES; i++) {
        request_make(&load->requests[i], &options->plan, &seed);
        if (load->usm == NULL)
            request_wrap_v2c(&load->requests[i], options->community);
    }
    for (i = 0; i < load->window; i++) {
        load->slots[i].sequence = i;
        load->outgoing[i].msg_hdr.msg_iov = &load->outgoing_octets[i];
        load->outgoing[i].msg_hdr.msg_iovlen = 1;
        load->incoming_octets[i].iov_base = load->incoming_buffers + (size_t)i * MAX_MESSAGE;
        load->incoming_octets[i].iov_len = MAX_MESSAGE;
        load->incoming[i].msg_hdr.msg_iov = &load->incoming_octets[i];
        load->incoming[i].msg_hdr.msg_iovlen = 1;
    }
}

/* Makes the slot's request the next datagram of the batch. */
static void queue_request(struct load *load, uint32_t place, struct slot *slot, double now)
{
    struct request *request = &load->requests[slot->sequence % TEMPLATES];
    struct iovec *octets = &load->outgoing_octets[place];
    uint32_t id = FIRST_REQUEST_ID + slot->sequence;

    request_set_id(request, id);
    if (load->usm != NULL) {
        octets->iov_base = usm_seal(load->usm, request, id, load->outgoing_buffers + (size_t)place * MAX_MESSAGE,
                                    &octets->iov_len);
    } else {
        octets->iov_base = (void *)request_start(request);
        octets->iov_len = request->length;
    }
    slot->busy = true;
    slot->sent = now;
    slot->request = request;
}

static void fill_window(struct load *load, double now)
{
    uint32_t queued = 0, sent = 0, i;

    if (load->busy == load->window)
        return;
    for (i = 0; i < load->window; i++)
        if (!load->slots[i].busy)
            queue_request(load, queued++, &load->slots[i], now);
    while (sent < queued) {
        int taken = sendmmsg(load->socket, load->outgoing + sent, queued - sent, 0);

        if (taken < 0 && errno != EINTR)
            die("send", strerror(errno));
        sent += taken > 0 ? (uint32_t)taken : 0;
    }
    load->busy += queued;
    load->counts.requests += queued;
}

static void release(struct load *load, struct slot *slot)
{
    slot->busy = false;
    slot->sequence += load->window;
    load->busy--;
}

static void take_answer(struct load *load, uint8_t *octets, size_t length)
{
    struct ber_reader pdu;
    struct slot *slot;
    uint32_t id;
    bool well_formed = load->usm != NULL ? usm_open(load->usm, octets, length, &pdu, &id)
                                         : response_open_v2c(octets, length, &pdu, &id);

    if (!well_formed) {
        load->counts.errors++;
        return; /* its slot frees itself by time */
    }
    slot = &load->slots[(id - FIRST_REQUEST_ID) % load->window];
    if (!slot->busy || slot->sequence != id - FIRST_REQUEST_ID)
        return; /* late: counted as lost already */
    if (response_answers(&pdu, slot->request))
        load->counts.responses++;
    else
        load->counts.errors++;
    release(load, slot);
}

static void receive(struct load *load)
{
    int taken = recvmmsg(load->socket, load->incoming, load->window, MSG_WAITFORONE, NULL), i;

    if (taken < 0 && errno != EAGAIN && errno != EINTR)
        die("receive", strerror(errno));
    for (i = 0; i < taken; i++)
        take_answer(load, load->incoming_octets[i].iov_base, load->incoming[i].msg_len);
}

static void give_up_on_lost(struct load *load, double now)
{
    uint32_t i;

    for (i = 0; i < load->window; i++) {
        if (load->slots[i].busy && now - load->slots[i].sent > LOST_AFTER) {
            load->counts.timeouts++;
            release(load, &load->slots[i]);
        }
    }
}

/* Runs until `deadline`; returns the time it really ended. */
static double run_until(struct load *load, double deadline)
{
    double now = now_seconds(), next_check = now + TICK_MS * 1e-3;

    while (now < deadline) {
        fill_window(load, now);
        receive(load);
        now = now_seconds();
        if (now >= next_check) {
            give_up_on_lost(load, now);
            next_check = now + TICK_MS * 1e-3;
        }
    }
    return now;
}

/* What is still on its way is read, so that the agent's next client finds it idle. */
static void drain(struct load *load)
{
    double deadline = now_seconds() + LOST_AFTER;

    while (load->busy > 0 && now_seconds() < deadline)
        receive(load);
}

static void read_columns(struct plan *plan, const char *text)
{
    char *end;

    for (plan->column_count = 0; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        unsigned long column = strtoul(text, &end, 10);

        if (end == text || (*end != ',' && *end != '\0') || column == 0 || column > 0x7fffffff ||
            plan->column_count == MAX_COLUMNS)
            die("--columns", "a list like 26,27,32 is wanted");
        plan->columns[plan->column_count++] = (uint32_t)column;
    }
}

static enum operation operation_named(const char *name)
{
    static const char *const names[] = {[OP_GET] = "get", [OP_GETNEXT] = "getnext", [OP_GETBULK] = "getbulk"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum operation)i;
    die("--op", "get, getnext or getbulk is wanted");
    return OP_GET;
}

static void read_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"host", required_argument, NULL, 'h'},        {"port", required_argument, NULL, 'p'},
        {"op", required_argument, NULL, 'o'},          {"columns", required_argument, NULL, 'c'},
        {"together", no_argument, NULL, 'g'},          {"rows", required_argument, NULL, 'n'},
        {"repetitions", required_argument, NULL, 'r'}, {"seconds", required_argument, NULL, 's'},
        {"warm-up", required_argument, NULL, 'u'},     {"window", required_argument, NULL, 'w'},
        {"community", required_argument, NULL, 'C'},   {"seed", required_argument, NULL, 'd'},
        {"user", required_argument, NULL, 'U'},        {"auth-password", required_argument, NULL, 'A'},
        {"priv-password", required_argument, NULL, 'X'}, {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'h': options->host = optarg; break;
        case 'p': options->port = optarg; break;
        case 'o': options->plan.operation = operation_named(optarg); break;
        case 'c': read_columns(&options->plan, optarg); break;
        case 'g': options->plan.together = true; break;
        case 'n': options->plan.rows = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'r': options->plan.repetitions = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 's': options->seconds = strtod(optarg, NULL); break;
        case 'u': options->warm_up = strtod(optarg, NULL); break;
        case 'w': options->window = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'C': options->community = optarg; break;
        case 'd': options->seed = strtoull(optarg, NULL, 10); break;
        case 'U': options->user = optarg; break;
        case 'A': options->auth_password = optarg; break;
        case 'X': options->priv_password = optarg; break;
        default: exit(2);
        }
    }
    if (options->plan.column_count == 0 || options->port == NULL)
        die("arguments", "--port and --columns are needed");
    if (options->plan.rows <= (options->plan.operation == OP_GETBULK ? options->plan.repetitions : 1))
        die("--rows", "more rows than repetitions are needed");
    if (options->window < 1 || options->window > MAX_WINDOW || options->seed == 0 || options->seconds <= 0)
        die("arguments", "--window is 1 to 256, --seed and --seconds are above 0");
    if (options->user != NULL && (options->auth_password == NULL || options->priv_password == NULL))
        die("--user", "--auth-password and --priv-password are needed with it");
}

int main(int argc, char **argv)
{
    static struct load load;
    struct options options = {.host = "127.0.0.1", .community = "public", .seconds = 1, .warm_up = 0.2, .window = 32,
                              .seed = 88172645463325252ull, .plan = {.rows = 1000, .repetitions = 20}};
    double started, elapsed, cpu;

    read_options(&options, argc, argv);
    prepare(&load, &options);
    run_until(&load, now_seconds() + options.warm_up);
    load.counts = (struct counts){0};
    cpu = cpu_seconds();
    started = now_seconds();
    elapsed = run_until(&load, started + options.seconds) - started;
    cpu = cpu_seconds() - cpu;
    printf("requests=%llu responses=%llu errors=%llu timeouts=%llu seconds=%.4f rate=%.1f cpu=%.3f\n",
           (unsigned long long)load.counts.requests, (unsigned long long)load.counts.responses,
           (unsigned long long)load.counts.errors, (unsigned long long)load.counts.timeouts, elapsed,
           (double)load.counts.responses / elapsed, cpu / elapsed);
    drain(&load);
    return 0;
}
