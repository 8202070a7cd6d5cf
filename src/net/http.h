/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to one HTTP/1.1 request (RFC 9112), as little of it as POSH needs. Pure. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"

enum { NET_HTTP_HEAD_MAX = 8192 };

enum net_http_result { NET_HTTP_MORE, NET_HTTP_DONE, NET_HTTP_BAD };

/*
 * Looks at all bytes of the answer so far; ended: no more will come. Only status 200 is taken: a redirection is
 * not followed, and says so. The body is appended to the empty buffer ret_body, whose limit bounds it, once
 * the answer is complete. NET_HTTP_BAD: *ret_why is static.
 */
enum net_http_result net_http_read(
	struct str bytes, bool ended, struct buf *ret_body, const char **ret_why);

#endif
