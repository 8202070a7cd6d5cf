/* SPDX-License-Identifier: Apache-2.0 */
/* The two readers of POSH: an HTTP answer, whole and byte by byte, and the document in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "net/http.h"
#include "net/posh_doc.h"
#include "rows.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *name;
	const char *bytes;
	const char *body; /* NULL: bad */
	const char *why;
} answers[] = {
	{ "s2s E17 with a length", OK "Content-Length: 3\r\n\r\nabc", "abc", NULL },
	{ "in another case", OK "CONTENT-length:3\r\nX: y\r\n\r\nabc", "abc", NULL },
	{ "to the end of the connection", "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nabc", "abc", NULL },
	{ "in chunks", OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n",
		"abc", NULL },
	{ "nothing", OK "Content-Length: 0\r\n\r\n", "", NULL },
	{ "what is behind the length", OK "Content-Length: 1\r\n\r\nabc", "a", NULL },
	{ "threats I9 redirection", "HTTP/1.1 302 Found\r\nLocation: https://x/\r\n\r\n", NULL,
		"an HTTP redirection, which is not followed" },
	{ "not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NULL,
		"the HTTP server has no such document" },
	{ "threats I9 10 MB", OK "Content-Length: 10485760\r\n\r\n", NULL,
		"the document is too large" },
	{ "threats I9 a length that no number holds",
		OK "Content-Length: 99999999999999999999999\r\n\r\n", NULL,
		"malformed HTTP length" },
	{ "negative length", OK "Content-Length: -1\r\n\r\n", NULL, "malformed HTTP length" },
	{ "two lengths", OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", NULL,
		"malformed HTTP length" },
	{ "length and chunks",
		OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", NULL,
		"two HTTP lengths" },
	{ "compressed", OK "Content-Encoding: gzip\r\n\r\nabc", NULL, "unknown HTTP encoding" },
	{ "other encoding", OK "Transfer-Encoding: gzip, chunked\r\n\r\nabc", NULL,
		"unknown HTTP encoding" },
	{ "ended early", OK "Content-Length: 9\r\n\r\nabc", NULL, "the HTTP answer ended early" },
	{ "ended in the header", OK "Content-Le", NULL, "the HTTP answer ended early" },
	{ "ended in a chunk", OK "Transfer-Encoding: chunked\r\n\r\n9\r\nabc", NULL,
		"the HTTP answer ended early" },
	{ "chunk without its end", OK "Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
		NULL, "malformed HTTP chunk" },
	{ "chunk of no number", OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", NULL,
		"malformed HTTP chunk" },
	{ "huge chunk", OK "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", NULL,
		"malformed HTTP chunk" },
	{ "no header name", OK ": x\r\n\r\n", NULL, "malformed HTTP header" },
	{ "another protocol", "SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n", NULL,
		"not an HTTP/1 answer" },
};

static enum net_http_result read_all(
	const char *bytes, size_t step, struct buf *body, const char **why)
{
	size_t len = strlen(bytes);
	enum net_http_result r = NET_HTTP_MORE;

	for (size_t n = step < len ? step : len; r == NET_HTTP_MORE; n += step) {
		bool ended = n >= len;
		/* A copy of exactly this size: reading beyond it is found out. */
		char *copy = malloc(ended ? len : n);
		check(copy);
		memcpy(copy, bytes, ended ? len : n);
		r = net_http_read(str_from(copy, ended ? len : n), ended, body, why);
		free(copy);
		if (ended)
			break;
	}
	return r;
}

static void test_http(void **state)
{
	for (size_t i = 0; i < 2 * sizeof(answers) / sizeof(answers[0]); i++) {
		size_t k = i / 2;
		struct buf body;
		const char *why = NULL;
		name_row(answers[k].name);
		buf_init(&body, 4096);
		enum net_http_result r =
			read_all(answers[k].bytes, i % 2 ? 1 : 1 << 20, &body, &why);
		bool good = answers[k].body
			? r == NET_HTTP_DONE && str_is(buf_bytes(&body), answers[k].body)
			: r == NET_HTTP_BAD && strcmp(why, answers[k].why) == 0;
		if (!good)
			fail_msg("%s: %d %s", answers[k].name, r, why ? why : "-");
		buf_done(&body);
	}
}

static void test_large_header(void **state)
{
	struct buf bytes, body;
	const char *why = NULL;

	buf_init(&bytes, 1 << 20);
	buf_init(&body, 4096);
	buf_append_c(&bytes, OK);
	while (buf_len(&bytes) < 20000)
		buf_append_c(
			&bytes, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
	assert_int_equal(net_http_read(buf_bytes(&bytes), false, &body, &why), NET_HTTP_BAD);
	assert_string_equal(why, "the HTTP header is too large");
	buf_done(&bytes);
	buf_done(&body);
}

/* SHA-256 of nothing. */
#define PRINT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static const struct {
	const char *name;
	const char *json;
	size_t n;
	const char *url;
	unsigned expires;
	const char *error;
} docs[] = {
	{ "s2s E17 RFC 7711 section 3.1",
		"{ \"fingerprints\": [ { \"sha-256\": \"" PRINT "\", \"sha-512\": \"x\" },\n"
		" { \"sha-256\": \"" PRINT "\" } ], \"expires\": 604800 }",
		2, "", 86400, NULL },
	{ "s2s E17 RFC 7711 section 3.2",
		"{\"url\":\"https://hosting.example/posh.json\",\"expires\":86400}", 0,
		"https://hosting.example/posh.json", 86400, NULL },
	{ "unknown members",
		"{\"a\":[{\"b\":[1,null,\"}\"]}],\"fingerprints\":[{\"sha-256\":\"" PRINT
		"\"}],\"z\":-1.5e3}",
		1, "", 0, NULL },
	{ "escapes", "{\"\\u0061\":1,\"url\":\"https:\\/\\/x.example\\/y\"}", 0,
		"https://x.example/y", 0, NULL },
	{ "only old digests", "{\"fingerprints\":[{\"sha-1\":\"x\"}]}", 0, "", 0,
		"no digest that can be used" },
	{ "nothing", "{}", 0, "", 0, "no digest that can be used" },
	{ "both", "{\"url\":\"https://x/\",\"fingerprints\":[{\"sha-256\":\"" PRINT "\"}]}", 0, "",
		0, "both digests and a URL" },
	{ "short digest", "{\"fingerprints\":[{\"sha-256\":\"YWJj\"}]}", 0, "", 0,
		"malformed digest" },
	{ "no digest at all", "{\"fingerprints\":[{\"sha-256\":\"!\"}]}", 0, "", 0,
		"malformed digest" },
	{ "an array", "[]", 0, "", 0, "malformed JSON" },
	{ "cut", "{\"fingerprints\":[{\"sha-256\":\"", 0, "", 0, "malformed JSON" },
	{ "behind the end", "{\"url\":\"https://x/\"} x", 0, "", 0, "malformed JSON" },
	{ "negative expiry", "{\"url\":\"https://x/\",\"expires\":-1}", 0, "", 0,
		"malformed time of expiry" },
	{ "unbalanced", "{\"a\":[}],\"url\":\"https://x/\"}", 0, "", 0, "malformed JSON" },
	{ "closed too often", "{\"a\":]}", 0, "", 0, "malformed JSON" },
	{ "empty", "", 0, "", 0, "malformed JSON" },
};

static void test_docs(void **state)
{
	for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
		struct net_posh_doc doc = { 0 };
		name_row(docs[i].name);
		size_t len = strlen(docs[i].json);
		char *copy = malloc(len + 1);
		check(copy);
		memcpy(copy, docs[i].json, len);
		const char *error = net_posh_read(str_from(copy, len), &doc);
		free(copy);
		bool same_error =
			error ? docs[i].error && strcmp(error, docs[i].error) == 0 : !docs[i].error;
		if (!same_error ||
			(!error &&
				(doc.n != docs[i].n || doc.expires_s != docs[i].expires ||
					strcmp(doc.url, docs[i].url) != 0)))
			fail_msg("%s: %s, %zu, %s, %u", docs[i].name, error ? error : "-", doc.n,
				doc.url, doc.expires_s);
	}
}

static void test_deep(void **state)
{
	struct net_posh_doc doc;
	char text[4000] = "{\"a\":";

	memset(text + 5, '[', 3900);
	assert_string_equal(net_posh_read(str_of(text), &doc), "JSON that is nested too deeply");
}

static void test_urls(void **state)
{
	static const struct {
		const char *url, *host, *path; /* host NULL: refused */
	} urls[] = {
		{ "https://a.example/x/y.json", "a.example", "/x/y.json" },
		{ "https://A.Example/?q=1", "a.example", "/?q=1" },
		{ "http://a.example/x", NULL, NULL },
		{ "https://a.example", NULL, NULL },
		{ "https://a.example:8443/x", NULL, NULL },
		{ "https://u@a.example/x", NULL, NULL },
		{ "https:///x", NULL, NULL },
		{ "https://a.example/x#y", NULL, NULL },
		{ "https://a.example/x y", NULL, NULL },
		{ "https://a.example/x\r\nHost: b", NULL, NULL },
		{ "https://[::1]/x", NULL, NULL },
		{ "", NULL, NULL },
	};
	char host[256], path[NET_POSH_URL_MAX];

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		bool ok = net_posh_url(urls[i].url, host, path);
		if (ok != (urls[i].host != NULL) ||
			(ok &&
				(strcmp(host, urls[i].host) != 0 ||
					strcmp(path, urls[i].path) != 0)))
			fail_msg("%s", urls[i].url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http),
		{ "threats I9 a large HTTP header", test_large_header, NULL, NULL, NULL },
		cmocka_unit_test(test_docs),
		{ "threats I9 a deep document", test_deep, NULL, NULL, NULL },
		{ "threats I9 URLs that are not followed", test_urls, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
