/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lookup asks four questions at once: both SRV names, and A and AAAA of the domain itself for the
 * case that there are no SRV records. When both SRV answers are in, the targets' addresses follow,
 * again all at once.
 *
 *	_xmpps-server SRV --.
 *	_xmpp-server  SRV --+--> records? --yes--> A, AAAA of each target --> targets in order
 *	domain A, AAAA -----'        '---no--> the domain's own addresses, port 5269
 *
 * The end is always reported from a timer, so never inside net_resolve() or libunbound.
 */
#include "net/lookup.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/random.h"
#include "net/resolver_int.h"
#include "net/srv.h"

enum {
	TYPE_A = NET_TYPE_A,
	TYPE_AAAA = NET_TYPE_AAAA,
	TYPE_SRV = NET_TYPE_SRV,
	PORT = 5269,
	HOSTS_MAX = NET_TARGETS_MAX, /* looked up for one domain */
	ADDRS_MAX = 8, /* of one kind per host */
	QUESTIONS_MAX = 4 + 2 * HOSTS_MAX,
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
	struct resolver_ctx *ctx; /* that is asked, to the end */
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
	if (resolver_ask(l->ctx, name, what.type, q, on_answer, &q->id))
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
			resolver_cancel(l->ctx, l->questions[i].id);
		l->questions[i].lookup = NULL;
	}
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

static void add_addresses(struct host *host, int type, const struct ub_result *r)
{
	for (size_t i = 0; r->data && r->data[i]; i++) {
		struct net_addr a;
		if (!resolver_read_address(type, r->data[i], r->len[i], &a))
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
	bool bad = resolver_failed(error, result);

	if (l) {
		resolver_answered(l->ctx);
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

struct found {
	struct net_target targets[NET_TARGETS_MAX];
	size_t n;
	bool forbidden; /* an address that must not be dialled */
	bool failed;
};

static void add_target(struct found *f, struct net_lookup *l, const char *host, struct net_addr a,
	uint16_t port, bool direct_tls)
{
	const struct net_resolver_settings *s = &l->resolver->settings;

	if (f->n == NET_TARGETS_MAX)
		return;
	net_addr_set_port(&a, port);
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

typedef void lookup_done(
	void *user, enum net_lookup_result result, const struct net_target *targets, size_t n);

static struct net_lookup *lookup_new(struct net_resolver *r, lookup_done *done, void *user)
{
	struct net_lookup *l = calloc(1, sizeof(*l));

	check(l);
	l->resolver = r;
	l->ctx = r->ctx;
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
	if (resolver_is_name(ascii_host)) {
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

	if (resolver_is_name(ascii_domain)) {
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

void lookup_cancel_all(struct net_resolver *r)
{
	struct list *it;

	while ((it = list_first(&r->lookups)) != NULL)
		lookup_free(LIST_OWNER(it, struct net_lookup, link));
}
