/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a POSH server: HTTP in two pieces and whole, then the document in it, and its URL. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/http.h"
#include "net/posh_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_document(struct str json)
{
	struct net_posh_doc doc;
	char host[256], path[NET_POSH_URL_MAX];

	if (net_posh_read(json, &doc))
		return;
	check(doc.n <= NET_POSH_PRINTS_MAX && (doc.n > 0) != (doc.url[0] != '\0'));
	check(doc.expires_s <= NET_POSH_EXPIRES_S && memchr(doc.url, '\0', sizeof(doc.url)));
	if (net_posh_url(doc.url, host, path))
		check(host[0] && path[0] == '/' && !strpbrk(path, " \r\n") &&
			!strpbrk(host, "/@:"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_from(data, size);
	struct buf whole, parts;
	const char *why = NULL, *why_parts = NULL;

	look_at_document(all);
	buf_init(&whole, 4096);
	buf_init(&parts, 4096);
	enum net_http_result r = net_http_read(all, true, &whole, &why);
	check(r == NET_HTTP_DONE || (r == NET_HTTP_BAD && why));
	/* What is complete early is the same as in the end; what is bad early stays bad. */
	enum net_http_result early =
		net_http_read(str_from(data, size / 2), false, &parts, &why_parts);
	if (early == NET_HTTP_DONE)
		check(r == NET_HTTP_DONE && str_eq(buf_bytes(&whole), buf_bytes(&parts)));
	if (early == NET_HTTP_BAD)
		check(r == NET_HTTP_BAD && why_parts);
	if (r == NET_HTTP_DONE)
		look_at_document(buf_bytes(&whole));
	buf_done(&whole);
	buf_done(&parts);
	return 0;
}
