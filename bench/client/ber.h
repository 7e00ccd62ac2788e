/* BER as SNMP uses it (RFC 3417 section 8): a writer that fills a buffer from its end, and a reader with bounds checked. */
#ifndef BENCH_BER_H
#define BENCH_BER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BER_INTEGER = 0x02,
    BER_OCTET_STRING = 0x04,
    BER_NULL = 0x05,
    BER_OBJECT_IDENTIFIER = 0x06,
    BER_SEQUENCE = 0x30,
    PDU_GET = 0xa0,
    PDU_GETNEXT = 0xa1,
    PDU_RESPONSE = 0xa2,
    PDU_GETBULK = 0xa5,
    PDU_REPORT = 0xa8,
    VALUE_NO_SUCH_OBJECT = 0x80,
    VALUE_END_OF_MIB_VIEW = 0x82
};

/* Everything between `at` and `end` is written. Writing backwards, a length is known when its header is due. */
struct ber_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
};

void ber_open(struct ber_writer *writer, uint8_t *buffer, size_t size);
size_t ber_length(const struct ber_writer *writer);
void ber_put_octets(struct ber_writer *writer, const void *octets, size_t length);
/* Wraps all that was written since the writer's length was `since`. */
void ber_put_header(struct ber_writer *writer, uint8_t tag, size_t since);
void ber_put_string(struct ber_writer *writer, const void *octets, size_t length);
void ber_put_integer(struct ber_writer *writer, int64_t value);
/* An INTEGER of exactly four octets, so that it can be patched in place; value's top octet must be 0x01..0x7f. */
void ber_put_integer4(struct ber_writer *writer, uint32_t value);
void ber_patch4(uint8_t *at, uint32_t value);
void ber_put_subidentifier(struct ber_writer *writer, uint32_t value);

struct ber_reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* Reads one tag and length; `body` is what it contains, and the reader moves past it. False: malformed. */
bool ber_next(struct ber_reader *reader, uint8_t *tag, struct ber_reader *body);
bool ber_expect(struct ber_reader *reader, uint8_t tag, struct ber_reader *body);
bool ber_expect_integer(struct ber_reader *reader, int64_t *value);

#endif
