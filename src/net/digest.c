/* SPDX-License-Identifier: Apache-2.0 */
#include "net/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/check.h"

static void to_hex(const unsigned char *bytes, size_t n, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret_hex[2 * i] = digits[bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_hex[2 * n] = '\0';
}

void net_dialback_key(
	struct str secret, struct str to, struct str from, struct str id, char ret_hex[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf text;
	char key[65];

	check(EVP_Digest(secret.p, secret.len, digest, &n, EVP_sha256(), NULL) == 1 && n == 32);
	to_hex(digest, 32, key);
	buf_init(&text, to.len + from.len + id.len + 2);
	buf_append(&text, to);
	buf_append_c(&text, " ");
	buf_append(&text, from);
	buf_append_c(&text, " ");
	buf_append(&text, id);
	struct str data = buf_bytes(&text);
	check(HMAC(EVP_sha256(), key, 64, (const unsigned char *)data.p, data.len, digest, &n));
	buf_done(&text);
	to_hex(digest, 32, ret_hex);
	OPENSSL_cleanse(key, sizeof(key));
}

void net_component_handshake(struct str id, struct str secret, char ret_hex[41])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned n = 0;

	check(ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 &&
		EVP_DigestUpdate(ctx, id.p, id.len) == 1 &&
		EVP_DigestUpdate(ctx, secret.p, secret.len) == 1 &&
		EVP_DigestFinal_ex(ctx, digest, &n) == 1 && n == 20);
	EVP_MD_CTX_free(ctx);
	to_hex(digest, 20, ret_hex);
}

bool net_equal_secret(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.p, b.p, a.len) == 0);
}
