/* SPDX-License-Identifier: Apache-2.0 */
/* The file of dialback secrets: lines in, which key is made, which are taken (XEP-0185). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "../rows.h"
#include "node/secrets.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccc"

static const struct {
	const char *name;
	const char *text; /* NULL: there is no file */
	unsigned n; /* secrets; 0: refused */
	const char *says;
} files[] = {
	{ "one", A "\n", 1 },
	{ "no line end", A, 1 },
	{ "two, a comment, an empty line, other line ends", "# old below\r\n" A "\r\n\r\n" B "\r\n",
		2 },
	{ "as many as are kept", A "\n" B "\n" C "\n" A "d\n" A "e\n", 4 },
	{ "exactly long enough", "0123456789abcdef\n", 1 },
	{ "too short", "0123456789abcde\n", 0, "at least 16 characters" },
	{ "the second too short", A "\nshort\n", 0, "at least 16 characters" },
	{ "empty", "", 0, "needs one secret" },
	{ "comments alone", "# " A "\n\n", 0, "needs one secret" },
	{ "no file", NULL, 0, "No such file" },
};

static char path[] = "/tmp/secrets-test-XXXXXX";

static void write_file(const char *text)
{
	FILE *f = text ? fopen(path, "w") : NULL;

	if (!f) {
		unlink(path);
		return;
	}
	fputs(text, f);
	fclose(f);
}

static bool load(struct node *n, struct config *c, const char *text, char err[256])
{
	write_file(text);
	c->dialback_secret = path;
	n->config = c;
	return secrets_load(n, err, 256);
}

static void reads_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct config c = { 0 };
		struct node n = { 0 };
		char err[256] = "";
		bool ok = load(&n, &c, files[i].text, err);
		if (ok != (files[i].n > 0) || n.n_secrets != files[i].n ||
			(files[i].says && !strstr(err, files[i].says)))
			fail_msg("%s: %d, %u, %s", files[i].name, ok, n.n_secrets, err);
		secrets_free(&n);
	}
}

static struct s2s_ops ops;

static void key(struct node *n, char hex[65])
{
	ops.dialback_key(n, STRL("a.example"), STRL("b.example"), STRL("id"), hex);
}

static bool takes(struct node *n, const char *hex)
{
	return ops.dialback_check(n, STRL("a.example"), STRL("b.example"), STRL("id"), str_of(hex));
}

/* A new secret is put first, keys of the old one are taken until it goes. */
static void rotates(void **state)
{
	struct config c = { 0 };
	struct node n = { 0 };
	char err[256] = "", old[65], new[65];

	(void)state;
	name_row("s2s G6 rotation with overlap");
	secrets_fill_ops(&ops);
	assert_true(load(&n, &c, A "\n", err));
	key(&n, old);
	assert_true(takes(&n, old));
	assert_true(load(&n, &c, B "\n" A "\n", err));
	key(&n, new);
	assert_string_not_equal(old, new);
	assert_true(takes(&n, old) && takes(&n, new));
	assert_true(load(&n, &c, B "\n", err));
	assert_false(takes(&n, old));
	assert_true(takes(&n, new));
	/* What cannot be read changes nothing. */
	assert_false(load(&n, &c, "short\n", err));
	assert_true(takes(&n, new));
	assert_false(takes(&n, "") || takes(&n, "00") || takes(&n, old));
	secrets_free(&n);
}

/* Without a file: one that is drawn at the start, and kept over reloads. */
static void draws_one(void **state)
{
	struct config c = { 0 };
	struct node n = { .config = &c }, other = { .config = &c };
	char err[256] = "", first[65], second[65];

	(void)state;
	name_row("threats E6 secrets that nobody can guess");
	secrets_fill_ops(&ops);
	assert_true(secrets_load(&n, err, sizeof(err)));
	assert_int_equal(n.n_secrets, 1);
	assert_true(n.secrets[0].len >= 32);
	key(&n, first);
	assert_true(secrets_load(&n, err, sizeof(err)));
	key(&n, second);
	assert_string_equal(first, second);
	assert_true(secrets_load(&other, err, sizeof(err)));
	assert_false(takes(&other, first));
	secrets_free(&n);
	secrets_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_files),
		cmocka_unit_test(rotates),
		cmocka_unit_test(draws_one),
	};
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
