#include "ber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ber_open(struct ber_writer *writer, uint8_t *buffer, size_t size)
{
    writer->start = buffer;
    writer->end = writer->at = buffer + size;
}

size_t ber_length(const struct ber_writer *writer)
{
    return (size_t)(writer->end - writer->at);
}

void ber_put_octets(struct ber_writer *writer, const void *octets, size_t length)
{
    if ((size_t)(writer->at - writer->start) < length) {
        fprintf(stderr, "load: a request does not fit its buffer\n");
        exit(2);
    }
    writer->at -= length;
    memcpy(writer->at, octets, length);
}

static void put_octet(struct ber_writer *writer, uint8_t octet)
{
    ber_put_octets(writer, &octet, 1);
}

void ber_put_header(struct ber_writer *writer, uint8_t tag, size_t since)
{
    size_t length = ber_length(writer) - since;

    if (length < 0x80) {
        put_octet(writer, (uint8_t)length);
    } else {
        uint8_t octets = 0;

        for (; length != 0; length >>= 8, octets++)
            put_octet(writer, (uint8_t)length);
        put_octet(writer, 0x80 | octets);
    }
    put_octet(writer, tag);
}

void ber_put_string(struct ber_writer *writer, const void *octets, size_t length)
{
    size_t since = ber_length(writer);

    ber_put_octets(writer, octets, length);
    ber_put_header(writer, BER_OCTET_STRING, since);
}

void ber_put_integer(struct ber_writer *writer, int64_t value)
{
    size_t since = ber_length(writer);
    int64_t rest = value;

    /* Until what is left is only the sign that the last octet already shows. */
    do {
        put_octet(writer, (uint8_t)rest);
        rest >>= 8;
    } while (!((rest == 0 && !(*writer->at & 0x80)) || (rest == -1 && (*writer->at & 0x80))));
    ber_put_header(writer, BER_INTEGER, since);
}

void ber_put_integer4(struct ber_writer *writer, uint32_t value)
{
    size_t since = ber_length(writer);
    uint8_t octets[4];

    ber_patch4(octets, value);
    ber_put_octets(writer, octets, sizeof(octets));
    ber_put_header(writer, BER_INTEGER, since);
}

void ber_patch4(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

void ber_put_subidentifier(struct ber_writer *writer, uint32_t value)
{
    put_octet(writer, value & 0x7f);
    while ((value >>= 7) != 0)
        put_octet(writer, 0x80 | (value & 0x7f));
}

bool ber_next(struct ber_reader *reader, uint8_t *tag, struct ber_reader *body)
{
    const uint8_t *at = reader->at;
    size_t length;

    if (reader->end - at < 2)
        return false;
    *tag = *at++;
    length = *at++;
    if (length & 0x80) {
        size_t octets = length & 0x7f;

        if (octets == 0 || octets > 3 || (size_t)(reader->end - at) < octets)
            return false;
        for (length = 0; octets > 0; octets--)
            length = length << 8 | *at++;
    }
    if ((size_t)(reader->end - at) < length)
        return false;
    body->at = at;
    body->end = reader->at = at + length;
    return true;
}

bool ber_expect(struct ber_reader *reader, uint8_t tag, struct ber_reader *body)
{
    uint8_t found;

    return ber_next(reader, &found, body) && found == tag;
}

bool ber_expect_integer(struct ber_reader *reader, int64_t *value)
{
    struct ber_reader body;

    if (!ber_expect(reader, BER_INTEGER, &body) || body.at == body.end || body.end - body.at > 8)
        return false;
    *value = (int8_t)*body.at++;
    while (body.at < body.end)
        *value = (int64_t)((uint64_t)*value << 8 | *body.at++);
    return true;
}
