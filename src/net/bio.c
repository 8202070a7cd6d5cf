/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's view of a connection: it reads bio_in and writes to bio_out. */
#include "base/check.h"
#include "net/conn_int.h"

static int bio_read(BIO *bio, char *to, int n)
{
	struct net_conn *c = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (c->bio_in.len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	size_t len = c->bio_in.len < (size_t)n ? c->bio_in.len : (size_t)n;
	memcpy(to, c->bio_in.p, len);
	c->bio_in = str_skip(c->bio_in, len);
	return (int)len;
}

static int bio_write(BIO *bio, const char *from, int n)
{
	struct net_conn *c = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	return buf_append(c->bio_out, str_from(from, (size_t)n)) ? n : -1;
}

static long bio_ctrl(BIO *bio, int cmd, long number, void *pointer)
{
	return cmd == BIO_CTRL_FLUSH;
}

BIO *net_bio_new(struct net_conn *c)
{
	static BIO_METHOD *method;

	if (!method) {
		method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
		check(method);
		BIO_meth_set_read(method, bio_read);
		BIO_meth_set_write(method, bio_write);
		BIO_meth_set_ctrl(method, bio_ctrl);
	}
	BIO *bio = BIO_new(method);
	check(bio);
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	c->bio_out = &c->wire;
	return bio;
}
