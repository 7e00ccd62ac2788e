/* SNMPv3 with the User-based Security Model at authPriv: HMAC-SHA-96 (RFC 3414) and AES-128-CFB (RFC 3826). */
#ifndef BENCH_USM_H
#define BENCH_USM_H

#include "requests.h"

struct usm;

/* Learns the agent's engine ID, boots and time over the connected socket, and localises the keys. NULL: no answer. */
struct usm *usm_discover(int socket, const char *user, const char *auth_password, const char *priv_password);

/* The message around a request's PDU, sealed, in `buffer` (MAX_MESSAGE octets). Returns its start; sets its length. */
uint8_t *usm_seal(struct usm *usm, const struct request *request, uint32_t message_id, uint8_t *buffer,
                  size_t *length);

/* Checks the digest, decrypts in place and opens the response; `id` is its msgID. False: a Report, or not genuine. */
bool usm_open(struct usm *usm, uint8_t *octets, size_t length, struct ber_reader *pdu, uint32_t *id);

#endif
