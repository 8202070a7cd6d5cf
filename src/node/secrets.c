/* SPDX-License-Identifier: Apache-2.0 */
#include "node/secrets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "net/digest.h"

enum { SECRET_LEAST = 16, LINE_MAX_BYTES = 512 };

static void use(struct node *n, struct str secrets[], unsigned count)
{
	secrets_free(n);
	for (unsigned i = 0; i < count; i++)
		n->secrets[i] = secrets[i];
	n->n_secrets = count;
}

static void use_random(struct node *n)
{
	char id[33];

	if (n->n_secrets)
		return;
	random_id(id);
	struct str one[] = { str_dup(str_of(id)) };
	use(n, one, 1);
}

static bool read_lines(FILE *f, struct str secrets[], unsigned max, unsigned *ret_n)
{
	char line[LINE_MAX_BYTES];

	while (*ret_n < max && fgets(line, sizeof(line), f)) {
		size_t len = strcspn(line, "\r\n");
		if (len == 0 || line[0] == '#')
			continue;
		if (len < SECRET_LEAST)
			return false;
		secrets[(*ret_n)++] = str_dup((struct str){ line, len });
	}
	return *ret_n > 0;
}

bool secrets_read(const char *path, struct str secrets[], unsigned most, unsigned *ret_n, char *err,
	size_t err_size)
{
	unsigned count = 0;
	FILE *f = fopen(path, "re");

	if (!f) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return false;
	}
	bool ok = read_lines(f, secrets, most, &count);
	fclose(f);
	*ret_n = count;
	if (ok)
		return true;
	for (unsigned i = 0; i < count; i++)
		str_free(&secrets[i]);
	snprintf(err, err_size, "%s: needs one secret of at least %d characters a line", path,
		SECRET_LEAST);
	return false;
}

bool secrets_load(struct node *n, char *err, size_t err_size)
{
	const char *path = n->config->dialback_secret;
	enum { MAX = sizeof(n->secrets) / sizeof(n->secrets[0]) };
	struct str secrets[MAX];
	unsigned count;

	if (!path) {
		use_random(n);
		return true;
	}
	if (!secrets_read(path, secrets, MAX, &count, err, err_size))
		return false;
	use(n, secrets, count);
	return true;
}

void secrets_free(struct node *n)
{
	for (unsigned i = 0; i < n->n_secrets; i++)
		str_free(&n->secrets[i]);
	n->n_secrets = 0;
}

static void dialback_key(
	void *user, struct str to, struct str from, struct str id, char ret_hex[65])
{
	struct node *n = user;

	net_dialback_key(n->secrets[0], to, from, id, ret_hex);
}

static bool dialback_check(
	void *user, struct str to, struct str from, struct str id, struct str key)
{
	struct node *n = user;
	bool good = false;

	for (unsigned i = 0; i < n->n_secrets; i++) {
		char expected[65];
		net_dialback_key(n->secrets[i], to, from, id, expected);
		good |= net_equal_secret(str_of(expected), key);
	}
	return good;
}

static bool handshake(void *user, struct str us, struct str them, struct str id, char ret_hex[41])
{
	struct node *n = user;

	return n->role->handshake && n->role->handshake(n, us, them, id, ret_hex);
}

void secrets_fill_ops(struct s2s_ops *ops)
{
	ops->handshake = handshake;
	ops->dialback_key = dialback_key;
	ops->dialback_check = dialback_check;
}
