#include "usm.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define DIGEST_OCTETS 20
#define TRUNCATED_OCTETS 12 /* usmHMACSHAAuthProtocol sends 96 bits */
#define AES_KEY_OCTETS 16
#define SALT_OCTETS 8
#define MAX_ENGINE_ID 32
#define DISCOVERY_TRIES 10 /* each as long as the socket waits */
#define FLAGS_AUTH_PRIV_REPORTABLE 7
#define FLAGS_REPORTABLE 4

struct usm {
    uint8_t engine_id[MAX_ENGINE_ID];
    size_t engine_id_length;
    int64_t boots;
    int64_t time_at_discovery;
    time_t discovered;
    char user[33];
    uint64_t salt;
    uint8_t aes_key[AES_KEY_OCTETS];
    EVP_MAC_CTX *mac;
    EVP_CIPHER_CTX *seal;
    EVP_CIPHER_CTX *open;
};

/* What of a message's outside the two directions share. */
struct outside {
    int64_t message_id;
    struct ber_reader engine_id, digest, salt, data;
    int64_t boots, time;
    uint8_t flags;
    uint8_t data_tag;
};

static time_t seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void die(const char *what)
{
    fprintf(stderr, "load: OpenSSL: %s\n", what);
    exit(2);
}

/* RFC 3414 A.2.2: a megaoctet of the repeated password, hashed, then localised to the engine. */
static void localised_key(const struct usm *usm, const char *password, uint8_t key[DIGEST_OCTETS])
{
    size_t length = strlen(password), at, i;
    uint8_t *stretched = malloc(1048576);
    uint8_t joined[2 * DIGEST_OCTETS + MAX_ENGINE_ID];

    if (stretched == NULL || length == 0)
        die("empty password");
    for (at = 0, i = 0; at < 1048576; at++, i = i + 1 == length ? 0 : i + 1)
        stretched[at] = (uint8_t)password[i];
    if (!EVP_Digest(stretched, 1048576, key, NULL, EVP_sha1(), NULL))
        die("SHA-1");
    free(stretched);
    memcpy(joined, key, DIGEST_OCTETS);
    memcpy(joined + DIGEST_OCTETS, usm->engine_id, usm->engine_id_length);
    memcpy(joined + DIGEST_OCTETS + usm->engine_id_length, key, DIGEST_OCTETS);
    if (!EVP_Digest(joined, 2 * DIGEST_OCTETS + usm->engine_id_length, key, NULL, EVP_sha1(), NULL))
        die("SHA-1");
}

static void digest(struct usm *usm, const uint8_t *octets, size_t length, uint8_t out[DIGEST_OCTETS])
{
    size_t written;

    /* Without a key, the context keeps the one it was set up with. */
    if (!EVP_MAC_init(usm->mac, NULL, 0, NULL) || !EVP_MAC_update(usm->mac, octets, length) ||
        !EVP_MAC_final(usm->mac, out, &written, DIGEST_OCTETS))
        die("HMAC");
}

/* RFC 3826 section 3.1.2.1: the IV is boots, time and the salt. */
static void crypt_in_place(EVP_CIPHER_CTX *context, int64_t boots, int64_t time, const uint8_t *salt, uint8_t *octets,
                           size_t length)
{
    uint8_t iv[16];
    int written;

    ber_patch4(iv, (uint32_t)boots);
    ber_patch4(iv + 4, (uint32_t)time);
    memcpy(iv + 8, salt, SALT_OCTETS);
    if (!EVP_CipherInit_ex2(context, NULL, NULL, iv, -1, NULL) ||
        !EVP_CipherUpdate(context, octets, &written, octets, (int)length))
        die("AES");
}

static void set_up_keys(struct usm *usm, const char *auth_password, const char *priv_password)
{
    char sha1[] = "SHA1";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1, 0), OSSL_PARAM_END};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    uint8_t key[DIGEST_OCTETS];

    usm->mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    usm->seal = EVP_CIPHER_CTX_new();
    usm->open = EVP_CIPHER_CTX_new();
    localised_key(usm, auth_password, key);
    if (usm->mac == NULL || !EVP_MAC_init(usm->mac, key, sizeof(key), parameters))
        die("HMAC");
    localised_key(usm, priv_password, key);
    memcpy(usm->aes_key, key, AES_KEY_OCTETS);
    if (usm->seal == NULL || usm->open == NULL ||
        !EVP_CipherInit_ex2(usm->seal, EVP_aes_128_cfb128(), usm->aes_key, NULL, 1, NULL) ||
        !EVP_CipherInit_ex2(usm->open, EVP_aes_128_cfb128(), usm->aes_key, NULL, 0, NULL))
        die("AES");
    EVP_MAC_free(hmac);
}

/* Writes all that comes before msgData; returns where msgAuthenticationParameters begin. */
static uint8_t *put_outside(struct ber_writer *writer, const struct usm *usm, int64_t time, uint8_t flags,
                            uint32_t message_id, const uint8_t *salt)
{
    static const uint8_t no_digest[TRUNCATED_OCTETS];
    bool secured = flags != FLAGS_REPORTABLE;
    size_t since = ber_length(writer);
    uint8_t *digest_at;

    ber_put_string(writer, salt, secured ? SALT_OCTETS : 0);
    ber_put_string(writer, no_digest, secured ? TRUNCATED_OCTETS : 0);
    digest_at = writer->at + 2;
    ber_put_string(writer, usm->user, secured ? strlen(usm->user) : 0);
    ber_put_integer(writer, time);
    ber_put_integer(writer, usm->boots);
    ber_put_string(writer, usm->engine_id, usm->engine_id_length);
    ber_put_header(writer, BER_SEQUENCE, since);
    ber_put_header(writer, BER_OCTET_STRING, since);
    since = ber_length(writer);
    ber_put_integer(writer, 3); /* the USM */
    ber_put_string(writer, &flags, 1);
    ber_put_integer(writer, 65507);
    ber_put_integer4(writer, message_id);
    ber_put_header(writer, BER_SEQUENCE, since);
    ber_put_integer(writer, 3); /* SNMPv3 */
    ber_put_header(writer, BER_SEQUENCE, 0);
    return digest_at;
}

static void put_scoped_pdu(struct ber_writer *writer, const struct usm *usm, const uint8_t *pdu, size_t length)
{
    ber_put_octets(writer, pdu, length);
    ber_put_string(writer, "", 0);
    ber_put_string(writer, usm->engine_id, usm->engine_id_length);
    ber_put_header(writer, BER_SEQUENCE, 0);
}

uint8_t *usm_seal(struct usm *usm, const struct request *request, uint32_t message_id, uint8_t *buffer, size_t *length)
{
    int64_t time = usm->time_at_discovery + (seconds_now() - usm->discovered);
    struct ber_writer writer;
    uint8_t salt[SALT_OCTETS], mac[DIGEST_OCTETS], *digest_at;

    usm->salt++;
    memcpy(salt, &usm->salt, sizeof(salt));
    ber_open(&writer, buffer, MAX_MESSAGE);
    put_scoped_pdu(&writer, usm, request_start(request), request->length);
    crypt_in_place(usm->seal, usm->boots, time, salt, writer.at, ber_length(&writer));
    ber_put_header(&writer, BER_OCTET_STRING, 0);
    digest_at = put_outside(&writer, usm, time, FLAGS_AUTH_PRIV_REPORTABLE, message_id, salt);
    digest(usm, writer.at, ber_length(&writer), mac);
    memcpy(digest_at, mac, TRUNCATED_OCTETS);
    *length = ber_length(&writer);
    return writer.at;
}

static bool read_outside(const uint8_t *octets, size_t length, struct outside *found)
{
    struct ber_reader datagram = {octets, octets + length}, message, header, flags, parameters, body, user;
    int64_t version, max_size, model;

    if (!ber_expect(&datagram, BER_SEQUENCE, &message) || datagram.at != datagram.end ||
        !ber_expect_integer(&message, &version) || version != 3 || !ber_expect(&message, BER_SEQUENCE, &header) ||
        !ber_expect_integer(&header, &found->message_id) || !ber_expect_integer(&header, &max_size) ||
        !ber_expect(&header, BER_OCTET_STRING, &flags) || flags.at == flags.end ||
        !ber_expect_integer(&header, &model) || model != 3 ||
        !ber_expect(&message, BER_OCTET_STRING, &parameters) || !ber_expect(&parameters, BER_SEQUENCE, &body) ||
        !ber_expect(&body, BER_OCTET_STRING, &found->engine_id) || !ber_expect_integer(&body, &found->boots) ||
        !ber_expect_integer(&body, &found->time) || !ber_expect(&body, BER_OCTET_STRING, &user) ||
        !ber_expect(&body, BER_OCTET_STRING, &found->digest) || !ber_expect(&body, BER_OCTET_STRING, &found->salt) ||
        !ber_next(&message, &found->data_tag, &found->data))
        return false;
    found->flags = *flags.at;
    return true;
}

bool usm_open(struct usm *usm, uint8_t *octets, size_t length, struct ber_reader *pdu, uint32_t *id)
{
    struct outside found;
    struct ber_reader scoped, engine_id, name;
    uint8_t sent[TRUNCATED_OCTETS], mac[DIGEST_OCTETS];
    uint8_t *digest_at, *data_at;

    if (!read_outside(octets, length, &found) || (found.flags & 3) != 3 || found.data_tag != BER_OCTET_STRING ||
        found.digest.end - found.digest.at != TRUNCATED_OCTETS || found.salt.end - found.salt.at != SALT_OCTETS)
        return false;
    digest_at = octets + (found.digest.at - octets);
    memcpy(sent, digest_at, TRUNCATED_OCTETS);
    memset(digest_at, 0, TRUNCATED_OCTETS);
    digest(usm, octets, length, mac);
    if (memcmp(sent, mac, TRUNCATED_OCTETS) != 0)
        return false;
    data_at = octets + (found.data.at - octets);
    crypt_in_place(usm->open, found.boots, found.time, found.salt.at, data_at,
                   (size_t)(found.data.end - found.data.at));
    if (!ber_expect(&found.data, BER_SEQUENCE, &scoped) || !ber_expect(&scoped, BER_OCTET_STRING, &engine_id) ||
        !ber_expect(&scoped, BER_OCTET_STRING, &name) || !response_open(&scoped, pdu, id))
        return false;
    *id = (uint32_t)found.message_id;
    return true;
}

/* RFC 3414 section 4: an unauthenticated request without engine ID is answered by a Report that tells all three. */
struct usm *usm_discover(int socket, const char *user, const char *auth_password, const char *priv_password)
{
    static const uint8_t empty_get[] = {PDU_GET, 11, BER_INTEGER, 1, 0, BER_INTEGER, 1, 0, BER_INTEGER, 1, 0,
                                        BER_SEQUENCE, 0};
    struct usm *usm = calloc(1, sizeof(*usm));
    uint8_t buffer[2048];
    struct ber_writer writer;
    struct outside found;
    ssize_t received = -1;
    int tries;

    if (usm == NULL || strlen(user) >= sizeof(usm->user))
        return NULL;
    for (tries = 0; received < 0 && tries < DISCOVERY_TRIES; tries++) {
        ber_open(&writer, buffer, sizeof(buffer));
        put_scoped_pdu(&writer, usm, empty_get, sizeof(empty_get));
        put_outside(&writer, usm, 0, FLAGS_REPORTABLE, FIRST_REQUEST_ID, buffer);
        if (send(socket, writer.at, ber_length(&writer), 0) >= 0)
            received = recv(socket, buffer, sizeof(buffer), 0);
    }
    if (received < 0 || !read_outside(buffer, (size_t)received, &found) ||
        found.engine_id.end - found.engine_id.at > MAX_ENGINE_ID)
        return NULL;
    usm->engine_id_length = (size_t)(found.engine_id.end - found.engine_id.at);
    memcpy(usm->engine_id, found.engine_id.at, usm->engine_id_length);
    usm->boots = found.boots;
    usm->time_at_discovery = found.time;
    usm->discovered = seconds_now();
    usm->salt = (uint64_t)time(NULL) << 32;
    strcpy(usm->user, user);
    set_up_keys(usm, auth_password, priv_password);
    return usm;
}
