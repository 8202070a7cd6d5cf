/* SPDX-License-Identifier: Apache-2.0 */
#include "inner/steering.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { RCODE_AT = 3, RCODE_MASK = 15, FORMERR = 1 }; /* RFC 1035 section 4.1.1 */

static bool on_question(
	void *user, struct str question, bool tcp, const struct net_addr *from, struct buf *out)
{
	struct steering *s = user;
	size_t before = buf_len(out);
	bool answered = steer_answer(&s->steer, question, out);

	if (!answered || (buf_bytes(out).p[before + RCODE_AT] & RCODE_MASK) == FORMERR) {
		char text[64];
		net_addr_print(from, text);
		LOG(LOG_WARNING, "dns-malformed", LF_CSTR("from", text),
			LF_CSTR("by", tcp ? "tcp" : "udp"), LF_U64("bytes", question.len));
	}
	return answered;
}

static bool read_target(const struct config_target *from, struct steer_target *ret)
{
	struct net_addr addr;
	char text[128];
	bool v6 = memchr(from->ip.p, ':', from->ip.len);

	snprintf(text, sizeof(text), v6 ? "[%.*s]:1" : "%.*s:1", STR_FMT(from->ip));
	if (!net_addr_parse(str_of(text), &addr))
		return false;
	*ret = (struct steer_target){ .is_v6 = addr.sa.ss_family == AF_INET6,
		.priority = (uint16_t)from->priority,
		.weight = (uint16_t)from->weight };
	if (ret->is_v6)
		memcpy(ret->addr, &((struct sockaddr_in6 *)&addr.sa)->sin6_addr, 16);
	else
		memcpy(ret->addr, &((struct sockaddr_in *)&addr.sa)->sin_addr, 4);
	return true;
}

/* A stable sort: the order of the configuration counts among equals. */
static void add_target(struct steer *s, const struct steer_target *t)
{
	unsigned at = s->n_targets++;

	for (; at && s->targets[at - 1].priority > t->priority; at--)
		s->targets[at] = s->targets[at - 1];
	s->targets[at] = *t;
}

/* Sets *ret_steer only when all is well. */
static bool read_settings(const struct steering *own, const struct config *c,
	struct steer *ret_steer, char *err, size_t err_size)
{
	struct steer s = { .srv = c->steer_srv,
		.srv_tls = c->steer_tls,
		.ttl = (uint32_t)c->steer_ttl,
		.is_local = own->is_local,
		.user = own->user };
	struct net_addr face;

	if (c->n_listen_s2s == 0 || !net_addr_parse(c->listen_s2s[0].addr, &face)) {
		snprintf(err, err_size, "steer needs a listen s2s address");
		return false;
	}
	for (size_t i = 0; i < c->n_steer_targets && i < STEER_TARGETS_MAX; i++) {
		struct steer_target t;
		if (!read_target(&c->steer_targets[i], &t)) {
			snprintf(err, err_size, "%.*s is not an IP address",
				STR_FMT(c->steer_targets[i].ip));
			return false;
		}
		add_target(&s, &t);
	}
	s.port = net_addr_port(&face);
	*ret_steer = s;
	return true;
}

bool steering_start(struct steering *s, struct net_loop *loop, const struct config *c, char *err,
	size_t err_size)
{
	struct net_dns_server *dns = NULL;
	struct steer steer = s->steer;
	struct net_addr addr;

	if (c->steer.len && !read_settings(s, c, &steer, err, err_size))
		return false;
	if (str_eq(s->addr, c->steer)) {
		s->steer = steer;
		return true;
	}
	if (c->steer.len) {
		if (!net_addr_read(c->steer, &addr, err, err_size))
			return false;
		dns = net_dns_serve(loop, &addr, on_question, s, err, err_size);
		if (!dns)
			return false;
	}
	steering_done(s);
	s->dns = dns;
	s->steer = steer;
	s->addr = str_dup(c->steer);
	return true;
}

void steering_done(struct steering *s)
{
	if (s->dns)
		net_dns_close(s->dns);
	s->dns = NULL;
	str_free(&s->addr);
}
