/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lookup asks four questions at once: both SRV names, and A and AAAA of the domain itself for the
 *case that there are no SRV records. When both SRV answers are in, the targets' addresses follow,
 *again all at once.
 *
 *	_xmpps-server SRV --.
 *	_xmpp-server  SRV --+--> records? --yes--> A, AAAA of each target --> targets in order
 *	domain A, AAAA -----'        '---no--> the domain's own addresses, port 5269
 *
 * libunbound works in a thread of its own and caches; its answers arrive through ub_fd(). The end
 *is always reported from a timer, so never inside net_resolve() or libunbound.
 */
#include "net/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>

#include "base/check.h"
#include "base/random.h"
#include "net/ask.h"
#include "net/srv.h"
#include "net/uv_loop.h"

enum {
	TYPE_A = NET_TYPE_A,
	TYPE_AAAA = NET_TYPE_AAAA,
	TYPE_SRV = NET_TYPE_SRV,
	CLASS_IN = 1,
	RCODE_NXDOMAIN = 3,
	PORT = 5269,
	HOSTS_MAX = NET_TARGETS_MAX, /* looked up for one domain */
	ADDRS_MAX = 8, /* of one kind per host */
	QUESTIONS_MAX = 4 + 2 * HOSTS_MAX,
};

struct net_resolver {
	struct net_loop *loop;
	struct ub_ctx *ctx;
	uv_poll_t *poll;
	struct net_resolver_settings settings;
	struct list lookups;
	struct list questions; /* of net_ask() */
};

struct host {
	char name[NET_NAME_SIZE];
	struct net_addr v4[ADDRS_MAX];
	struct net_addr v6[ADDRS_MAX];
	size_t n_v4;
	size_t n_v6;
	bool failed; /* one of the two questions */
};

/* One question that is under way. */
struct question {
	struct net_lookup *lookup; /* NULL: free */
	int id;
	int type;
	bool direct_tls; /* SRV */
	struct host *host; /* A, AAAA */
};

struct net_lookup {
	struct list link;
	struct net_resolver *resolver;
	struct net_timer *timer; /* the deadline, or now: the end is due */
	void (*done)(void *user, enum net_lookup_result result, const struct net_target *targets,
		size_t n);
	void *user;
	struct question questions[QUESTIONS_MAX];
	uint16_t port; /* where no SRV says another */
	unsigned n_srv; /* SRV answers still missing */
	unsigned n_addresses; /* other answers that the end needs */
	bool use_srv;
	bool srv_failed; /* of _xmpp-server */
	bool no_service; /* a target of "." */
	struct net_srv srv[NET_SRV_MAX];
	size_t n_records;
	struct host own; /* the domain itself */
	struct host hosts[HOSTS_MAX];
	size_t n_hosts;
};

static void on_answer(void *arg, int error, struct ub_result *result);

/* --- questions --- */

static struct question *free_question(struct net_lookup *l)
{
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		if (!l->questions[i].lookup)
			return &l->questions[i];
	}
	return NULL;
}

/* False: it could not even be asked. */
static bool ask(struct net_lookup *l, const char *name, struct question what)
{
	struct question *q = free_question(l);

	check(q);
	*q = what;
	q->lookup = l;
	if (ub_resolve_async(l->resolver->ctx, name, what.type, CLASS_IN, q, on_answer, &q->id) ==
		0)
		return true;
	q->lookup = NULL;
	return false;
}

static void ask_addresses(struct net_lookup *l, struct host *host)
{
	static const int types[] = { TYPE_A, TYPE_AAAA };

	for (size_t i = 0; i < 2; i++) {
		struct question q = { .type = types[i], .host = host };
		if (ask(l, host->name, q))
			l->n_addresses++;
		else
			host->failed = true;
	}
}

static void ask_service(struct net_lookup *l, const char *service, bool direct_tls)
{
	char name[NET_NAME_SIZE + 32];
	struct question q = { .type = TYPE_SRV, .direct_tls = direct_tls };

	snprintf(name, sizeof(name), "%s._tcp.%s", service, l->own.name);
	if (ask(l, name, q))
		l->n_srv++;
	else if (!direct_tls)
		l->srv_failed = true;
}

static void cancel_questions(struct net_lookup *l)
{
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		if (l->questions[i].lookup)
			ub_cancel(l->resolver->ctx, l->questions[i].id);
		l->questions[i].lookup = NULL;
	}
}

/* --- answers --- */

static bool failed(int error, const struct ub_result *r)
{
	return error != 0 || !r || r->bogus || (r->rcode != 0 && r->rcode != RCODE_NXDOMAIN);
}

static void add_records(struct net_lookup *l, const struct question *q, const struct ub_result *r)
{
	for (size_t i = 0; r->data && r->data[i] && l->n_records < NET_SRV_MAX; i++) {
		struct net_srv *srv = &l->srv[l->n_records];
		if (!net_srv_read(str_from(r->data[i], (size_t)r->len[i]), srv))
			continue;
		srv->direct_tls = q->direct_tls;
		if (srv->target[0] == '\0')
			l->no_service = l->no_service || !q->direct_tls;
		else if (srv->port != 0)
			l->n_records++;
	}
}

static bool read_address(int type, const char *data, int len, struct net_addr *ret)
{
	struct net_addr a = { .len = 0 };

	if (type == TYPE_A && len == 4) {
		struct sockaddr_in *sin = (struct sockaddr_in *)(void *)&a.sa;
		sin->sin_family = AF_INET;
		memcpy(&sin->sin_addr, data, 4);
		a.len = sizeof(*sin);
	} else if (type == TYPE_AAAA && len == 16) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)(void *)&a.sa;
		sin6->sin6_family = AF_INET6;
		memcpy(&sin6->sin6_addr, data, 16);
		a.len = sizeof(*sin6);
	}
	*ret = a;
	return a.len > 0;
}

static void add_addresses(struct host *host, int type, const struct ub_result *r)
{
	for (size_t i = 0; r->data && r->data[i]; i++) {
		struct net_addr a;
		if (!read_address(type, r->data[i], r->len[i], &a))
			continue;
		if (type == TYPE_A && host->n_v4 < ADDRS_MAX)
			host->v4[host->n_v4++] = a;
		else if (type == TYPE_AAAA && host->n_v6 < ADDRS_MAX)
			host->v6[host->n_v6++] = a;
	}
}

static struct host *find_host(struct net_lookup *l, const char *name)
{
	for (size_t i = 0; i < l->n_hosts; i++) {
		if (strcmp(l->hosts[i].name, name) == 0)
			return &l->hosts[i];
	}
	return NULL;
}

/* Both SRV answers are in. */
static void choose_way(struct net_lookup *l)
{
	if (l->n_records == 0)
		return;
	l->use_srv = true;
	/* The domain's own addresses are of no use now. */
	cancel_questions(l);
	l->n_addresses = 0;
	net_srv_order(l->srv, l->n_records, random_below);
	for (size_t i = 0; i < l->n_records && l->n_hosts < HOSTS_MAX; i++) {
		if (find_host(l, l->srv[i].target))
			continue;
		struct host *host = &l->hosts[l->n_hosts++];
		memcpy(host->name, l->srv[i].target, sizeof(host->name));
		ask_addresses(l, host);
	}
}

static bool complete(const struct net_lookup *l)
{
	bool nowhere = !l->use_srv && (l->no_service || l->srv_failed);

	return l->n_srv == 0 && (l->n_addresses == 0 || nowhere);
}

static void finish_if_complete(struct net_lookup *l)
{
	if (complete(l))
		net_timer_set(l->timer, 0);
}

static void on_answer(void *arg, int error, struct ub_result *result)
{
	struct question *q = arg;
	struct net_lookup *l = q->lookup;
	bool bad = failed(error, result);

	if (l) {
		q->lookup = NULL;
		if (q->type == TYPE_SRV) {
			l->n_srv--;
			if (!bad)
				add_records(l, q, result);
			else if (!q->direct_tls)
				l->srv_failed = true;
			if (l->n_srv == 0)
				choose_way(l);
		} else {
			l->n_addresses--;
			if (bad)
				q->host->failed = true;
			else
				add_addresses(q->host, q->type, result);
		}
		finish_if_complete(l);
	}
	ub_resolve_free(result);
}

/* --- the end --- */

struct found {
	struct net_target targets[NET_TARGETS_MAX];
	size_t n;
	bool forbidden; /* an address that must not be dialled */
	bool failed;
};

static void set_port(struct net_addr *a, uint16_t port)
{
	if (a->sa.ss_family == AF_INET)
		((struct sockaddr_in *)(void *)&a->sa)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)(void *)&a->sa)->sin6_port = htons(port);
}

static void add_target(struct found *f, struct net_lookup *l, const char *host, struct net_addr a,
	uint16_t port, bool direct_tls)
{
	const struct net_resolver_settings *s = &l->resolver->settings;

	if (f->n == NET_TARGETS_MAX)
		return;
	set_port(&a, port);
	if (s->may_dial && !s->may_dial(s->user, &a)) {
		f->forbidden = true;
		return;
	}
	struct net_target *t = &f->targets[f->n++];
	*t = (struct net_target){ .addr = a, .direct_tls = direct_tls, .port = port };
	snprintf(t->host, sizeof(t->host), "%s", host);
}

static void add_host(struct found *f, struct net_lookup *l, const struct host *host, uint16_t port,
	bool direct_tls)
{
	for (size_t i = 0; i < host->n_v4; i++)
		add_target(f, l, host->name, host->v4[i], port, direct_tls);
	for (size_t i = 0; i < host->n_v6; i++)
		add_target(f, l, host->name, host->v6[i], port, direct_tls);
	f->failed = f->failed || host->failed;
}

static void collect(struct found *f, struct net_lookup *l)
{
	if (l->use_srv) {
		for (size_t i = 0; i < l->n_records; i++) {
			const struct host *host = find_host(l, l->srv[i].target);
			if (host)
				add_host(f, l, host, l->srv[i].port, l->srv[i].direct_tls);
		}
	} else if (l->srv_failed) {
		f->failed = true;
	} else if (!l->no_service) {
		add_host(f, l, &l->own, l->port, false);
	}
}

static void lookup_free(struct net_lookup *l)
{
	cancel_questions(l);
	list_remove(&l->link);
	net_timer_free(l->timer);
	free(l);
}

static void on_end(void *user)
{
	struct net_lookup *l = user;
	struct found f = { .failed = !complete(l) };
	enum net_lookup_result result = NET_LOOKUP_NOT_FOUND;

	collect(&f, l);
	if (f.n > 0)
		result = NET_LOOKUP_FOUND;
	else if (f.forbidden)
		result = NET_LOOKUP_FORBIDDEN;
	else if (f.failed)
		result = NET_LOOKUP_FAILED;
	l->done(l->user, result, f.targets, f.n);
	lookup_free(l);
}

static bool is_name(struct str s)
{
	if (s.len == 0 || s.len > 253)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c >= 0x7f || c == '\\')
			return false;
	}
	return true;
}

typedef void lookup_done(
	void *user, enum net_lookup_result result, const struct net_target *targets, size_t n);

static struct net_lookup *lookup_new(struct net_resolver *r, lookup_done *done, void *user)
{
	struct net_lookup *l = calloc(1, sizeof(*l));

	check(l);
	l->resolver = r;
	l->done = done;
	l->user = user;
	l->port = PORT;
	l->timer = net_timer_new(r->loop, on_end, l);
	net_timer_set(l->timer, net_now(r->loop) + r->settings.timeout_ms);
	list_append(&r->lookups, &l->link);
	return l;
}

struct net_lookup *net_resolve_host(
	struct net_resolver *r, struct str ascii_host, uint16_t port, lookup_done *done, void *user)
{
	struct net_lookup *l = lookup_new(r, done, user);

	l->port = port;
	if (is_name(ascii_host)) {
		memcpy(l->own.name, ascii_host.p, ascii_host.len);
		ask_addresses(l, &l->own);
	}
	finish_if_complete(l);
	return l;
}

struct net_lookup *net_resolve(
	struct net_resolver *r, struct str ascii_domain, lookup_done *done, void *user)
{
	struct net_lookup *l = lookup_new(r, done, user);

	if (is_name(ascii_domain)) {
		memcpy(l->own.name, ascii_domain.p, ascii_domain.len);
		ask_service(l, "_xmpps-server", true);
		ask_service(l, "_xmpp-server", false);
		ask_addresses(l, &l->own);
	}
	finish_if_complete(l);
	return l;
}

void net_lookup_cancel(struct net_lookup *l)
{
	if (l)
		lookup_free(l);
}

/* --- single questions --- */

struct net_question {
	struct list link; /* in resolver->questions */
	struct net_resolver *resolver;
	int id;
	void (*done)(void *user, const struct net_answer *a);
	void *user;
};

static size_t count_records(const struct ub_result *r)
{
	size_t n = 0;

	while (r->data && r->data[n])
		n++;
	return n;
}

static void on_single(void *arg, int error, struct ub_result *result)
{
	struct net_question *q = arg;
	struct net_answer a = { .failed = failed(error, result) };

	if (error == 0 && result)
		a.bogus = result->bogus;
	if (!a.failed) {
		a.secure = result->secure;
		a.ttl_s = result->ttl > 0 ? (unsigned)result->ttl : 0;
		a.n = count_records(result);
		a.data = result->data;
		a.len = result->len;
	}
	list_remove(&q->link);
	q->done(q->user, &a);
	free(q);
	ub_resolve_free(result);
}

struct net_question *net_ask(struct net_resolver *r, const char *name, int type,
	void (*done)(void *user, const struct net_answer *a), void *user)
{
	struct net_question *q = calloc(1, sizeof(*q));

	check(q);
	*q = (struct net_question){ .resolver = r, .done = done, .user = user };
	list_append(&r->questions, &q->link);
	if (is_name(str_of(name)) &&
		ub_resolve_async(r->ctx, name, type, CLASS_IN, q, on_single, &q->id) == 0)
		return q;
	list_remove(&q->link);
	free(q);
	return NULL;
}

void net_question_cancel(struct net_question *q)
{
	if (!q)
		return;
	ub_cancel(q->resolver->ctx, q->id);
	list_remove(&q->link);
	free(q);
}

struct net_loop *net_resolver_loop(const struct net_resolver *r)
{
	return r->loop;
}

size_t net_answer_addrs(const struct net_resolver *r, const struct net_answer *a, int type,
	uint16_t port, struct net_addr *ret, size_t max, bool *ret_forbidden)
{
	size_t n = 0;

	for (size_t i = 0; !a->failed && i < a->n && n < max; i++) {
		struct net_addr addr;
		if (!read_address(type, a->data[i], a->len[i], &addr))
			continue;
		set_port(&addr, port);
		if (r->settings.may_dial && !r->settings.may_dial(r->settings.user, &addr))
			*ret_forbidden = true;
		else
			ret[n++] = addr;
	}
	return n;
}

/* --- the resolver --- */

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct net_resolver *r = poll->data;

	ub_process(r->ctx);
}

/* libunbound's way to write an address with a port. */
static void forward_text(const struct net_addr *a, char ret_text[80])
{
	char host[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *sin = (const void *)&a->sa;
	const struct sockaddr_in6 *sin6 = (const void *)&a->sa;

	if (a->sa.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
	unsigned port = ntohs(a->sa.ss_family == AF_INET6 ? sin6->sin6_port : sin->sin_port);
	snprintf(ret_text, 80, "%s@%u", host, port ? port : 53);
}

static int set_up(struct net_resolver *r)
{
	char forward[80];
	/* A resolver on loopback is normal here, and answers for reserved names are the lab's
	 * affair. */
	static const struct {
		const char *option;
		const char *value;
	} options[] = {
		{ "do-not-query-localhost:", "no" },
		/* Lifetimes are the peer's word: within reason. */
		{ "cache-min-ttl:", "5" },
		{ "cache-max-ttl:", "3600" },
		{ "cache-max-negative-ttl:", "300" },
		{ "msg-cache-size:", "8m" },
		{ "rrset-cache-size:", "16m" },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && rc == 0; i++)
		rc = ub_ctx_set_option(r->ctx, options[i].option, options[i].value);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < r->settings.n_anchors && rc == 0; i++)
		rc = ub_ctx_add_ta_file(r->ctx, r->settings.anchors[i]);
	if (rc != 0)
		return rc;
	if (r->settings.forward.len > 0) {
		forward_text(&r->settings.forward, forward);
		rc = ub_ctx_set_fwd(r->ctx, forward);
	} else {
		rc = ub_ctx_resolvconf(r->ctx, NULL);
	}
	if (rc == 0)
		rc = ub_ctx_async(r->ctx, 1);
	if (rc == 0)
		rc = ub_ctx_zone_add(r->ctx, "test.", "transparent");
	return rc;
}

struct net_resolver *net_resolver_new(struct net_loop *loop,
	const struct net_resolver_settings *settings, char *err, size_t err_size)
{
	struct net_resolver *r = calloc(1, sizeof(*r));

	check(r);
	r->loop = loop;
	r->settings = *settings;
	if (r->settings.timeout_ms == 0)
		r->settings.timeout_ms = 10000;
	list_init(&r->lookups);
	list_init(&r->questions);
	r->ctx = ub_ctx_create();
	check(r->ctx);
	int rc = set_up(r);
	if (rc != 0) {
		snprintf(err, err_size, "resolver: %s", ub_strerror(rc));
		ub_ctx_delete(r->ctx);
		free(r);
		return NULL;
	}
	r->poll = calloc(1, sizeof(*r->poll));
	check(r->poll && uv_poll_init(net_uv_loop(loop), r->poll, ub_fd(r->ctx)) == 0);
	r->poll->data = r;
	check(uv_poll_start(r->poll, UV_READABLE, on_readable) == 0);
	return r;
}

void net_resolver_free(struct net_resolver *r)
{
	struct list *it;

	if (!r)
		return;
	while ((it = list_first(&r->lookups)) != NULL)
		lookup_free(LIST_OWNER(it, struct net_lookup, link));
	while ((it = list_first(&r->questions)) != NULL)
		net_question_cancel(LIST_OWNER(it, struct net_question, link));
	net_uv_release(r->poll);
	ub_ctx_delete(r->ctx);
	free(r);
}
