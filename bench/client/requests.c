#include "requests.h"

#include <string.h>

/* cipSecTunnelEntry, 1.3.6.1.4.1.9.9.171.1.3.2.1, as BER content octets. */
static const uint8_t entry[] = {0x2b, 6, 1, 4, 1, 9, 9, 0x81, 0x2b, 1, 3, 2, 1};

static uint32_t random_below(uint64_t *seed, uint32_t limit)
{
    /* xorshift64: quick, and the same on both sides of a comparison for the same seed. */
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)((*seed >> 32) * limit >> 32);
}

const uint8_t *request_start(const struct request *request)
{
    return request->octets + MAX_REQUEST - request->length;
}

void request_set_id(struct request *request, uint32_t id)
{
    ber_patch4(request->octets + MAX_REQUEST - request->id_from_end, id);
}

static void put_varbind(struct ber_writer *writer, uint32_t column, uint32_t row)
{
    static const uint8_t null[] = {BER_NULL, 0};
    size_t since = ber_length(writer);
    size_t name_since;

    ber_put_octets(writer, null, sizeof(null));
    name_since = ber_length(writer);
    ber_put_subidentifier(writer, row);
    ber_put_subidentifier(writer, column);
    ber_put_octets(writer, entry, sizeof(entry));
    ber_put_header(writer, BER_OBJECT_IDENTIFIER, name_since);
    ber_put_header(writer, BER_SEQUENCE, since);
}

void request_make(struct request *request, const struct plan *plan, uint64_t *seed)
{
    static const uint8_t tags[] = {[OP_GET] = PDU_GET, [OP_GETNEXT] = PDU_GETNEXT, [OP_GETBULK] = PDU_GETBULK};
    struct ber_writer writer;
    uint32_t row;
    size_t i;

    request->answer_rows = plan->operation == OP_GETBULK ? plan->repetitions : 1;
    if (plan->operation == OP_GET) {
        row = 1 + random_below(seed, plan->rows);
        request->first_row = row;
    } else {
        /* The answer stays inside the column, so that what it must hold is known. */
        row = 1 + random_below(seed, plan->rows - request->answer_rows);
        request->first_row = row + 1;
    }
    request->column_count = plan->together ? plan->column_count : 1;
    for (i = 0; i < request->column_count; i++)
        request->columns[i] = plan->columns[plan->together ? i : random_below(seed, (uint32_t)plan->column_count)];

    ber_open(&writer, request->octets, MAX_REQUEST);
    for (i = request->column_count; i-- > 0;)
        put_varbind(&writer, request->columns[i], row);
    ber_put_header(&writer, BER_SEQUENCE, 0);
    ber_put_integer(&writer, plan->operation == OP_GETBULK ? (int64_t)plan->repetitions : 0);
    ber_put_integer(&writer, 0); /* error-status, or GETBULK's non-repeaters */
    ber_put_integer4(&writer, FIRST_REQUEST_ID);
    request->id_from_end = ber_length(&writer) - 2;
    ber_put_header(&writer, tags[plan->operation], 0);
    request->length = ber_length(&writer);
}

void request_wrap_v2c(struct request *request, const char *community)
{
    struct ber_writer writer;

    ber_open(&writer, request->octets, MAX_REQUEST);
    writer.at -= request->length;
    ber_put_string(&writer, community, strlen(community));
    ber_put_integer(&writer, 1);
    ber_put_header(&writer, BER_SEQUENCE, 0);
    request->length = ber_length(&writer);
}

bool response_open(struct ber_reader *message, struct ber_reader *pdu, uint32_t *id)
{
    int64_t value;

    if (!ber_expect(message, PDU_RESPONSE, pdu) || !ber_expect_integer(pdu, &value))
        return false;
    *id = (uint32_t)value;
    return true;
}

bool response_open_v2c(const uint8_t *octets, size_t length, struct ber_reader *pdu, uint32_t *id)
{
    struct ber_reader datagram = {octets, octets + length}, message, community;
    int64_t version;

    return ber_expect(&datagram, BER_SEQUENCE, &message) && datagram.at == datagram.end &&
           ber_expect_integer(&message, &version) && version == 1 &&
           ber_expect(&message, BER_OCTET_STRING, &community) && response_open(&message, pdu, id);
}

static bool read_subidentifier(struct ber_reader *name, uint32_t *value)
{
    *value = 0;
    while (name->at < name->end) {
        uint8_t octet = *name->at++;

        *value = *value << 7 | (octet & 0x7f);
        if (!(octet & 0x80))
            return true;
    }
    return false;
}

static bool names_cell(struct ber_reader name, uint32_t column, uint32_t row)
{
    uint32_t found_column, found_row;

    if ((size_t)(name.end - name.at) < sizeof(entry) || memcmp(name.at, entry, sizeof(entry)) != 0)
        return false;
    name.at += sizeof(entry);
    return read_subidentifier(&name, &found_column) && found_column == column &&
           read_subidentifier(&name, &found_row) && found_row == row && name.at == name.end;
}

bool response_answers(struct ber_reader *pdu, const struct request *request)
{
    struct ber_reader varbinds, varbind, name, value;
    int64_t error_status, error_index;
    uint32_t row;
    size_t i;
    uint8_t tag;

    if (!ber_expect_integer(pdu, &error_status) || error_status != 0 || !ber_expect_integer(pdu, &error_index) ||
        !ber_expect(pdu, BER_SEQUENCE, &varbinds))
        return false;
    for (row = request->first_row; row < request->first_row + request->answer_rows; row++) {
        for (i = 0; i < request->column_count; i++) {
            if (!ber_expect(&varbinds, BER_SEQUENCE, &varbind) ||
                !ber_expect(&varbind, BER_OBJECT_IDENTIFIER, &name) || !ber_next(&varbind, &tag, &value) ||
                !names_cell(name, request->columns[i], row) || value.at == value.end ||
                (tag >= VALUE_NO_SUCH_OBJECT && tag <= VALUE_END_OF_MIB_VIEW))
                return false;
        }
    }
    return varbinds.at == varbinds.end;
}
