/*
 * A table module for net-snmp's snmpd: rows shaped like those of CISCO-IPSEC-FLOW-MONITOR-MIB's cipSecTunnelTable.
 *
 * It is the other side of the benchmark, so it is written to be fast: net-snmp's table_container helper over its
 * sorted-array container (a binary search per varbind), one array look-up per column, one clock reading per call of
 * the handler, nothing allocated per request.
 *
 * snmpd loads it by `dlmod ipsec_tunnel_table PATH`. Environment: BENCH_ROWS, the number of rows (default 1000).
 * Rows have the indexes 1..BENCH_ROWS. Every accessible column (2..51) is served with the MIB's type.
 * Counters are live: a row carries one packet per PACKET_PERIOD_MS in each direction since the module was loaded, on
 * top of a base that differs by row; octets and 64-bit forms and wraps follow from the packets.
 */
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_ROWS 1000
#define FIRST_COLUMN 2
#define LAST_COLUMN 51
#define PACKET_PERIOD_MS 10
#define IN_PACKET_OCTETS 100  /* a decapsulated ping */
#define OUT_PACKET_OCTETS 176 /* the same ping inside AH and ESP */

void init_ipsec_tunnel_table(void);
void deinit_ipsec_tunnel_table(void);

static const oid table_oid[] = {1, 3, 6, 1, 4, 1, 9, 9, 171, 1, 3, 2};

/* The container compares rows by their first member. */
struct tunnel_row {
    netsnmp_index index;
    oid tunnel_index[1];
    u_char local_address[4];
    u_char remote_address[4];
    uint64_t base_packets;
    uint64_t up_since_ms; /* before the module's start */
};

enum source {
    FIXED,       /* operand is the value */
    ROW_INDEX,   /* the row's own index */
    LOCAL_ADDRESS,
    REMOTE_ADDRESS,
    ACTIVE_TIME, /* hundredths of a second */
    PACKETS,     /* low 32 bits of the packets */
    OCTETS_LOW,  /* operand is octets per packet: low 32 bits */
    OCTETS_FULL, /* all 64 bits */
    OCTETS_WRAPS /* high 32 bits */
};

struct column {
    u_char type;
    enum source source;
    long operand;
};

static const struct column columns[LAST_COLUMN + 1] = {
    [2] = {ASN_INTEGER, ROW_INDEX, 0},                      /* IkeTunnelIndex */
    [3] = {ASN_INTEGER, FIXED, 1},                          /* IkeTunnelAlive: true */
    [4] = {ASN_OCTET_STR, LOCAL_ADDRESS, 0},                /* LocalAddr */
    [5] = {ASN_OCTET_STR, REMOTE_ADDRESS, 0},               /* RemoteAddr */
    [6] = {ASN_INTEGER, FIXED, 1},                          /* KeyType: ike */
    [7] = {ASN_INTEGER, FIXED, 1},                          /* EncapMode: tunnel */
    [8] = {ASN_INTEGER, FIXED, 4608000},                    /* LifeSize */
    [9] = {ASN_INTEGER, FIXED, 3600},                       /* LifeTime */
    [10] = {ASN_INTEGER, ACTIVE_TIME, 0},                   /* ActiveTime */
    [11] = {ASN_INTEGER, FIXED, 64},                        /* SaLifeSizeThreshold */
    [12] = {ASN_INTEGER, FIXED, 10},                        /* SaLifeTimeThreshold */
    [13] = {ASN_COUNTER, FIXED, 0},                         /* TotalRefreshes */
    [14] = {ASN_COUNTER, FIXED, 0},                         /* ExpiredSaInstances */
    [15] = {ASN_GAUGE, FIXED, 4},                           /* CurrentSaInstances */
    [16] = {ASN_INTEGER, FIXED, 3},                         /* InSaDiffHellmanGrp: dhGroup2 */
    [17] = {ASN_INTEGER, FIXED, 2},                         /* InSaEncryptAlgo: des */
    [18] = {ASN_INTEGER, FIXED, 3},                         /* InSaAhAuthAlgo: hmacSha */
    [19] = {ASN_INTEGER, FIXED, 3},                         /* InSaEspAuthAlgo: hmacSha */
    [20] = {ASN_INTEGER, FIXED, 1},                         /* InSaDecompAlgo: none */
    [21] = {ASN_INTEGER, FIXED, 3},                         /* OutSaDiffHellmanGrp */
    [22] = {ASN_INTEGER, FIXED, 2},                         /* OutSaEncryptAlgo */
    [23] = {ASN_INTEGER, FIXED, 3},                         /* OutSaAhAuthAlgo */
    [24] = {ASN_INTEGER, FIXED, 3},                         /* OutSaEspAuthAlgo */
    [25] = {ASN_INTEGER, FIXED, 1},                         /* OutSaCompAlgo */
    [26] = {ASN_COUNTER, OCTETS_LOW, IN_PACKET_OCTETS},     /* InOctets */
    [27] = {ASN_COUNTER64, OCTETS_FULL, IN_PACKET_OCTETS},  /* HcInOctets */
    [28] = {ASN_COUNTER, OCTETS_WRAPS, IN_PACKET_OCTETS},   /* InOctWraps */
    [29] = {ASN_COUNTER, OCTETS_LOW, IN_PACKET_OCTETS},     /* InDecompOctets */
    [30] = {ASN_COUNTER64, OCTETS_FULL, IN_PACKET_OCTETS},  /* HcInDecompOctets */
    [31] = {ASN_COUNTER, OCTETS_WRAPS, IN_PACKET_OCTETS},   /* InDecompOctWraps */
    [32] = {ASN_COUNTER, PACKETS, 0},                       /* InPkts */
    [33] = {ASN_COUNTER, FIXED, 0},                         /* InDropPkts */
    [34] = {ASN_COUNTER, FIXED, 0},                         /* InReplayDropPkts */
    [35] = {ASN_COUNTER, PACKETS, 0},                       /* InAuths */
    [36] = {ASN_COUNTER, FIXED, 0},                         /* InAuthFails */
    [37] = {ASN_COUNTER, PACKETS, 0},                       /* InDecrypts */
    [38] = {ASN_COUNTER, FIXED, 0},                         /* InDecryptFails */
    [39] = {ASN_COUNTER, OCTETS_LOW, OUT_PACKET_OCTETS},    /* OutOctets */
    [40] = {ASN_COUNTER64, OCTETS_FULL, OUT_PACKET_OCTETS}, /* HcOutOctets */
    [41] = {ASN_COUNTER, OCTETS_WRAPS, OUT_PACKET_OCTETS},  /* OutOctWraps */
    [42] = {ASN_COUNTER, OCTETS_LOW, OUT_PACKET_OCTETS},    /* OutUncompOctets */
    [43] = {ASN_COUNTER64, OCTETS_FULL, OUT_PACKET_OCTETS}, /* HcOutUncompOctets */
    [44] = {ASN_COUNTER, OCTETS_WRAPS, OUT_PACKET_OCTETS},  /* OutUncompOctWraps */
    [45] = {ASN_COUNTER, PACKETS, 0},                       /* OutPkts */
    [46] = {ASN_COUNTER, FIXED, 1},                         /* OutDropPkts */
    [47] = {ASN_COUNTER, PACKETS, 0},                       /* OutAuths */
    [48] = {ASN_COUNTER, FIXED, 0},                         /* OutAuthFails */
    [49] = {ASN_COUNTER, PACKETS, 0},                       /* OutEncrypts */
    [50] = {ASN_COUNTER, FIXED, 0},                         /* OutEncryptFails */
    [51] = {ASN_INTEGER, FIXED, 1},                         /* Status: active */
};

static struct tunnel_row *rows;
static netsnmp_handler_registration *registration;
static uint64_t started_ms;

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set_counter64(netsnmp_variable_list *varbind, uint64_t value)
{
    struct counter64 halves = {.high = (u_long)(value >> 32), .low = (u_long)(value & 0xffffffffUL)};

    snmp_set_var_typed_value(varbind, ASN_COUNTER64, &halves, sizeof(halves));
}

static void set_value(netsnmp_variable_list *varbind, const struct column *column, const struct tunnel_row *row,
                      uint64_t elapsed_ms)
{
    uint64_t packets = row->base_packets + elapsed_ms / PACKET_PERIOD_MS;
    long value;

    switch (column->source) {
    case LOCAL_ADDRESS:
        snmp_set_var_typed_value(varbind, column->type, row->local_address, sizeof(row->local_address));
        return;
    case REMOTE_ADDRESS:
        snmp_set_var_typed_value(varbind, column->type, row->remote_address, sizeof(row->remote_address));
        return;
    case OCTETS_FULL:
        set_counter64(varbind, packets * (uint64_t)column->operand);
        return;
    case ROW_INDEX:
        value = (long)row->tunnel_index[0];
        break;
    case ACTIVE_TIME:
        value = (long)((row->up_since_ms + elapsed_ms) / 10);
        break;
    case PACKETS:
        value = (long)(packets & 0xffffffffUL);
        break;
    case OCTETS_LOW:
        value = (long)((packets * (uint64_t)column->operand) & 0xffffffffUL);
        break;
    case OCTETS_WRAPS:
        value = (long)((packets * (uint64_t)column->operand) >> 32);
        break;
    case FIXED:
    default:
        value = column->operand;
        break;
    }
    snmp_set_var_typed_integer(varbind, column->type, value);
}

static int handle_table(netsnmp_mib_handler *handler, netsnmp_handler_registration *reginfo,
                        netsnmp_agent_request_info *reqinfo, netsnmp_request_info *requests)
{
    uint64_t elapsed_ms = monotonic_ms() - started_ms;
    netsnmp_request_info *request;

    (void)handler;
    (void)reginfo;
    if (reqinfo->mode != MODE_GET)
        return SNMP_ERR_NOERROR; /* table_container turns GETNEXT and GETBULK into GET */
    for (request = requests; request != NULL; request = request->next) {
        netsnmp_table_request_info *table_info;
        const struct tunnel_row *row;

        if (request->processed)
            continue;
        row = netsnmp_container_table_row_extract(request);
        table_info = netsnmp_extract_table_info(request);
        if (row == NULL || table_info == NULL || table_info->colnum < FIRST_COLUMN ||
            table_info->colnum > LAST_COLUMN) {
            netsnmp_set_request_error(reqinfo, request, SNMP_NOSUCHINSTANCE);
            continue;
        }
        set_value(request->requestvb, &columns[table_info->colnum], row, elapsed_ms);
    }
    return SNMP_ERR_NOERROR;
}

static void fill_row(struct tunnel_row *row, uint32_t number)
{
    u_char low[3] = {(u_char)(number >> 16), (u_char)(number >> 8), (u_char)number};

    row->tunnel_index[0] = number;
    row->index.oids = row->tunnel_index;
    row->index.len = 1;
    row->local_address[0] = 10;
    memcpy(row->local_address + 1, low, sizeof(low));
    row->remote_address[0] = 172;
    memcpy(row->remote_address + 1, low, sizeof(low));
    row->base_packets = 20000000 + (uint64_t)number * 37; /* four-octet counters, and 64-bit ones past 2^31 */
    row->up_since_ms = 600000 + (uint64_t)(number % 1000) * 100;
}

static size_t rows_wanted(void)
{
    const char *text = getenv("BENCH_ROWS");
    long wanted = text != NULL ? strtol(text, NULL, 10) : DEFAULT_ROWS;

    return wanted > 0 ? (size_t)wanted : DEFAULT_ROWS;
}

void init_ipsec_tunnel_table(void)
{
    netsnmp_table_registration_info *table_info;
    netsnmp_container *container;
    size_t count = rows_wanted();
    size_t i;

    started_ms = monotonic_ms();
    rows = calloc(count, sizeof(*rows));
    container = netsnmp_container_find("ipsecTunnelTable:table_container");
    table_info = SNMP_MALLOC_TYPEDEF(netsnmp_table_registration_info);
    registration = netsnmp_create_handler_registration("ipsecTunnelTable", handle_table, table_oid,
                                                       OID_LENGTH(table_oid), HANDLER_CAN_RONLY);
    if (rows == NULL || container == NULL || table_info == NULL || registration == NULL) {
        snmp_log(LOG_ERR, "ipsec_tunnel_table: out of memory\n");
        return;
    }
    for (i = 0; i < count; i++) {
        fill_row(&rows[i], (uint32_t)(i + 1));
        CONTAINER_INSERT(container, &rows[i]);
    }
    netsnmp_table_helper_add_indexes(table_info, ASN_INTEGER, 0);
    table_info->min_column = FIRST_COLUMN;
    table_info->max_column = LAST_COLUMN;
    if (netsnmp_container_table_register(registration, table_info, container,
                                         TABLE_CONTAINER_KEY_NETSNMP_INDEX) != MIB_REGISTERED_OK)
        snmp_log(LOG_ERR, "ipsec_tunnel_table: the table could not be registered\n");
}

void deinit_ipsec_tunnel_table(void)
{
    if (registration != NULL)
        netsnmp_container_table_unregister(registration);
    registration = NULL;
    free(rows);
    rows = NULL;
}
