/* The requests that a run sends, made ahead, and what the answer to each must look like. */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include "ber.h"

#define MAX_COLUMNS 64
#define MAX_REQUEST 1400
#define MAX_MESSAGE 65535
#define FIRST_REQUEST_ID 0x20000000u

enum operation { OP_GET, OP_GETNEXT, OP_GETBULK };

struct plan {
    enum operation operation;
    uint32_t columns[MAX_COLUMNS];
    size_t column_count;
    bool together;        /* all columns in each request; else one of them, at random */
    uint32_t rows;        /* the table's indexes are 1..rows */
    uint32_t repetitions; /* GETBULK's max-repetitions */
};

struct request {
    uint8_t octets[MAX_REQUEST]; /* the PDU, or for v2c the message around it; it ends at the array's end */
    size_t length;
    size_t id_from_end; /* where the request-id's four octets begin, counted from the array's end */
    uint32_t columns[MAX_COLUMNS];
    size_t column_count;
    uint32_t first_row; /* of the answer */
    uint32_t answer_rows;
};

/* A PDU for random rows. Random numbers come from *seed. */
void request_make(struct request *request, const struct plan *plan, uint64_t *seed);
/* Puts SNMPv2c's message around the PDU. */
void request_wrap_v2c(struct request *request, const char *community);
void request_set_id(struct request *request, uint32_t id);
const uint8_t *request_start(const struct request *request);

/* Reads a Response-PDU's request-id, leaving `pdu` at its error-status. False: not a well-formed response. */
bool response_open(struct ber_reader *message, struct ber_reader *pdu, uint32_t *id);
bool response_open_v2c(const uint8_t *octets, size_t length, struct ber_reader *pdu, uint32_t *id);
/* True where the answer has no error, names exactly the cells that the request asks for, and a value for each. */
bool response_answers(struct ber_reader *pdu, const struct request *request);

#endif
