/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "net/issue.h"
#include "net/tls_int.h"

enum { DAY_S = 24 * 3600, BEFORE_S = 3600, NAMES_MAX = 100 };

struct net_pki_ca {
	struct net_creds *creds;
};

static bool complain(char *err, size_t err_size, const char *path, const char *what)
{
	snprintf(err, err_size, "%s: %s", path, what);
	return false;
}

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.p, bytes.len);
		if (n < 0 && errno != EINTR)
			return false;
		bytes = str_skip(bytes, n > 0 ? (size_t)n : 0);
	}
	return fsync(fd) == 0;
}

/* The file appears whole or not at all. */
static bool write_file(const char *path, mode_t mode, BIO *content, char *err, size_t err_size)
{
	char temporary[4096];
	char *data = NULL;
	long len = BIO_get_mem_data(content, &data);

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return complain(err, err_size, path, "name is too long");
	unlink(temporary);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return complain(err, err_size, temporary, strerror(errno));
	bool ok = write_all(fd, str_from(data, (size_t)len));
	ok = close(fd) == 0 && ok && rename(temporary, path) == 0;
	if (!ok) {
		complain(err, err_size, path, strerror(errno));
		unlink(temporary);
	}
	return ok;
}

static bool write_pair(const struct net_creds *c, const char *certificate, const char *key,
	char *err, size_t err_size)
{
	BIO *cert_pem = BIO_new(BIO_s_mem());
	BIO *key_pem = BIO_new(BIO_s_secmem());

	check(cert_pem && key_pem);
	check(PEM_write_bio_X509(cert_pem, c->cert) == 1);
	check(PEM_write_bio_PrivateKey(key_pem, c->key, NULL, NULL, 0, NULL, NULL) == 1);
	bool ok = write_file(key, 0600, key_pem, err, err_size) &&
		write_file(certificate, 0644, cert_pem, err, err_size);
	BIO_free(cert_pem);
	BIO_free(key_pem);
	return ok;
}

enum existing { EXIST_NONE, EXIST_BOTH, EXIST_ONE };

static enum existing existing(const char *certificate, const char *key, char *err, size_t err_size)
{
	bool have_cert = access(certificate, F_OK) == 0;
	bool have_key = access(key, F_OK) == 0;

	if (have_cert == have_key)
		return have_cert ? EXIST_BOTH : EXIST_NONE;
	complain(err, err_size, have_cert ? certificate : key,
		have_cert ? "exists without its key" : "exists without its certificate");
	return EXIST_ONE;
}

/* A new certificate with a new key; issuer NULL: self-signed. */
static struct net_creds *issue(
	struct net_issue_settings s, unsigned days, char *err, size_t err_size)
{
	long long now = (long long)time(NULL);

	s.key = net_issue_key();
	s.from_s = now - BEFORE_S;
	s.to_s = now + (long long)days * DAY_S;
	X509 *cert = net_issue(&s);
	if (cert)
		return net_creds_new(cert, s.key, NULL);
	EVP_PKEY_free(s.key);
	snprintf(err, err_size, "a name is too long or not ASCII");
	return NULL;
}

static struct net_creds *make_ca(
	const struct net_pki_ca_settings *settings, char *err, size_t err_size)
{
	const struct net_issue_settings s = {
		.subject_cn = settings->name,
		.is_ca = true,
		.excluded = settings->excluded,
		.n_excluded = settings->n_excluded,
	};
	struct net_creds *c = issue(s, settings->days, err, err_size);

	if (c && write_pair(c, settings->certificate, settings->key, err, err_size))
		return c;
	net_creds_unref(c);
	return NULL;
}

struct net_pki_ca *net_pki_ca(
	const struct net_pki_ca_settings *settings, char *err, size_t err_size)
{
	enum existing files = existing(settings->certificate, settings->key, err, err_size);
	struct net_creds *creds = NULL;

	if (files == EXIST_NONE)
		creds = make_ca(settings, err, err_size);
	else if (files == EXIST_BOTH)
		creds = net_creds_load(settings->certificate, settings->key, err, err_size);
	if (!creds)
		return NULL;
	struct net_pki_ca *ca = calloc(1, sizeof(*ca));
	check(ca);
	ca->creds = creds;
	return ca;
}

void net_pki_ca_free(struct net_pki_ca *ca)
{
	if (ca)
		net_creds_unref(ca->creds);
	free(ca);
}

bool net_pki_leaf(struct net_pki_ca *ca, const char *const *names, size_t n, unsigned days,
	const char *certificate, const char *key, char *err, size_t err_size)
{
	struct str dns[NAMES_MAX];

	enum existing files = existing(certificate, key, err, err_size);
	if (files != EXIST_NONE)
		return files == EXIST_BOTH;
	if (n > NAMES_MAX)
		return complain(err, err_size, certificate, "too many names");
	for (size_t i = 0; i < n; i++)
		dns[i] = str_of(names[i]);
	const struct net_issue_settings s = {
		.names = dns,
		.n_names = n,
		.addresses = true,
		.issuer = ca->creds->cert,
		.issuer_key = ca->creds->key,
	};
	struct net_creds *c = issue(s, days, err, err_size);
	bool ok = c && write_pair(c, certificate, key, err, err_size);
	net_creds_unref(c);
	return ok;
}

bool net_pki_pin(const char *certificate, char ret_hex[65], char *err, size_t err_size)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned char *der = NULL;
	BIO *file = BIO_new_file(certificate, "r");
	X509 *cert = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;

	BIO_free(file);
	if (!cert) {
		ERR_clear_error();
		return complain(err, err_size, certificate, "no certificate can be read from it");
	}
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	X509_free(cert);
	check(len > 0 && EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1);
	OPENSSL_free(der);
	for (size_t i = 0; i < 32; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", hash[i]);
	return true;
}
