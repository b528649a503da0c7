/*
 * beat: codec and signature. Layout, big-endian: "YB", u8 version, u8 path,
 * u8 role, u16 flags, u32 node, u32 interval, u32 hears, u64 session, number,
 * echo session, echo number, epoch, table epoch, seq, str instance, HMAC.
 */
#include "ha/beat.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"
#include "ha/role.h"

#define BEAT_VERSION 1
#define MAC_LEN BEAT_MAC_LEN

struct beat_key {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx;
	uint8_t key[64];
	size_t len;
};

int
beat_key_new(const uint8_t *key, size_t len, struct beat_key **ret)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[2];
	struct beat_key *k;

	if (len == 0 || len > sizeof(k->key))
		return -EINVAL;
	k = mem_new(struct beat_key);
	memcpy(k->key, key, len);
	k->len = len;
	k->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	k->ctx = k->mac != NULL ? EVP_MAC_CTX_new(k->mac) : NULL;
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (k->ctx == NULL || !EVP_MAC_init(k->ctx, k->key, k->len, params)) {
		beat_key_free(k);
		return -ENOMEM;
	}
	*ret = k;
	return 0;
}

void
beat_key_free(struct beat_key *k)
{
	if (k == NULL)
		return;
	EVP_MAC_CTX_free(k->ctx);
	EVP_MAC_free(k->mac);
	OPENSSL_cleanse(k->key, sizeof(k->key));
	free(k);
}

int
beat_sign(
    struct beat_key *k, const uint8_t *bytes, size_t len, uint8_t *ret_mac)
{
	size_t n = 0;

	if (!EVP_MAC_init(k->ctx, NULL, 0, NULL) ||
	    !EVP_MAC_update(k->ctx, bytes, len) ||
	    !EVP_MAC_final(k->ctx, ret_mac, &n, MAC_LEN) || n != MAC_LEN)
		return -EIO;
	return 0;
}

int
beat_pack(const struct beat *b, struct beat_key *k, uint8_t *mem)
{
	struct buf w = buf_writer(mem, BEAT_BYTES_MAX - MAC_LEN);
	int rc;

	put_bytes(&w, "YB", 2);
	put_u8(&w, BEAT_VERSION);
	put_u8(&w, b->path);
	put_u8(&w, b->role);
	put_u16(&w, b->flags);
	put_u32(&w, b->node);
	put_u32(&w, b->interval_us);
	put_u32(&w, b->hears);
	put_u64(&w, b->session);
	put_u64(&w, b->number);
	put_u64(&w, b->echo_session);
	put_u64(&w, b->echo_number);
	put_u64(&w, b->epoch);
	put_u64(&w, b->table_epoch);
	put_u64(&w, b->seq);
	put_str(&w, b->instance);
	if (w.bad)
		return -EMSGSIZE;
	rc = beat_sign(k, mem, w.pos, mem + w.pos);
	return rc < 0 ? rc : (int)(w.pos + MAC_LEN);
}

static void
beat_read(struct buf *r, struct beat *b)
{
	b->path = get_u8(r);
	b->role = get_u8(r);
	b->flags = get_u16(r);
	b->node = get_u32(r);
	b->interval_us = get_u32(r);
	b->hears = get_u32(r);
	b->session = get_u64(r);
	b->number = get_u64(r);
	b->echo_session = get_u64(r);
	b->echo_number = get_u64(r);
	b->epoch = get_u64(r);
	b->table_epoch = get_u64(r);
	b->seq = get_u64(r);
	get_str(r, b->instance, sizeof(b->instance));
}

int
beat_unpack(const void *bytes, size_t len, struct beat_key *k, struct beat *ret)
{
	uint8_t mac[MAC_LEN];
	struct beat b = { 0 };
	char magic[2];
	uint8_t version;
	struct buf r;

	if (len <= MAC_LEN || len > BEAT_BYTES_MAX)
		return -EBADMSG;
	r = buf_reader(bytes, len - MAC_LEN);
	get_bytes(&r, magic, sizeof(magic));
	version = get_u8(&r);
	if (r.bad || memcmp(magic, "YB", 2) != 0)
		return -EBADMSG;
	if (beat_sign(k, bytes, r.len, mac) < 0 ||
	    CRYPTO_memcmp(mac, (const uint8_t *)bytes + r.len, MAC_LEN) != 0)
		return -ERR_AUTH;
	if (version != BEAT_VERSION)
		return -ERR_VERSION;
	beat_read(&r, &b);
	if (r.bad || buf_left(&r) != 0 || b.role >= ROLE__LAST ||
	    b.interval_us == 0 || b.interval_us > 60 * USEC_S)
		return -EBADMSG;
	*ret = b;
	return 0;
}
