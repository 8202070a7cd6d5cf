/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each part that has settings of its own. */
#include "node/settings.h"

#include "base/file.h"
#include "node/gate.h"

enum {
	FILE_MOST = 2 << 20, /* more than the language takes, so that too much is seen as such */
	DOMAINS_MAX = 4096, /* announced on the link */
};

struct config *settings_read(enum config_role role, const char *path, struct buf *errors)
{
	struct config *c = NULL;
	struct buf text;

	buf_init(&text, FILE_MOST);
	if (file_read(path, &text, errors))
		c = config_parse(role, path, buf_bytes(&text), errors);
	buf_done(&text);
	return c;
}

void settings_face(const struct node *n, struct s2s_settings *s)
{
	const struct config *c = n->config;
	const struct config_limits *l = &c->limits;

	*s = s2s_settings_default;
	s->dict = n->dict;
	s->early = xml_limits_early;
	s->early.bytes = l->early_bytes;
	s->early.elements = (unsigned)l->early_elements;
	s->limits = xml_limits_default;
	s->limits.bytes = l->stanza_bytes;
	s->limits.depth = (unsigned)l->depth;
	s->limits.attrs = (unsigned)l->attributes;
	s->limits.ns_decls = (unsigned)l->namespaces;
	s->limits.elements = (unsigned)l->elements;
	s->limits.name = l->name_bytes;
	s->limits.value = l->value_bytes;
	s->header_ms = (unsigned)l->header_ms;
	s->tls_ms = (unsigned)l->tls_ms;
	s->auth_ms = (unsigned)l->auth_ms;
	s->prove_ms = (unsigned)l->prove_ms;
	s->connect_ms = (unsigned)l->connect_ms;
	s->stanza_ms = (unsigned)l->stanza_ms;
	s->close_ms = (unsigned)l->close_ms;
	s->write_ms = (unsigned)l->write_ms;
	s->idle_ms = (unsigned)l->idle_ms;
	s->retry_min_ms = (unsigned)l->retry_min_ms;
	s->retry_max_ms = (unsigned)l->retry_max_ms;
	s->queue_stanzas = (unsigned)l->queue_stanzas;
	s->queue_bytes = l->queue_bytes;
	s->queue_age_ms = (unsigned)l->queue_ms;
	s->pairs_per_stream = (unsigned)l->pairs_per_stream;
	s->verifies_per_stream = (unsigned)l->verifies_per_stream;
	s->verifies_per_pair = (unsigned)l->verifies_per_pair;
	s->verifies_max = (unsigned)l->verifies;
	s->streams_max = (unsigned)l->streams;
	s->traffic = (struct s2s_traffic_limits){
		.stanzas = rate_per_s(l->pair_stanzas),
		.bytes = rate_per_s(l->pair_bytes),
		.requests = rate_per_min(l->pair_requests),
		.joins = rate_per_min(l->pair_joins),
		.recipients = (unsigned)l->pair_recipients,
	};
	/* Inner reaches the local servers that it knows, and nobody else. */
	if (n->role->link == LINK_OUTER)
		s->destinations = rate_per_s(l->destinations);
	s->ack_ms = (unsigned)l->ack_ms;
	s->manage_in = n->config->manage & CONFIG_MANAGE_IN;
	s->manage_out = n->config->manage & CONFIG_MANAGE_OUT;
	s->flush = c->flush;
}

static bool add_crls(struct net_tls *tls, const struct config *c, char *err, size_t err_size)
{
	for (size_t i = 0; i < c->n_crls; i++) {
		if (!net_tls_add_crls(tls, &c->crls[i].path, 1, err, err_size))
			return false;
	}
	return true;
}

struct net_tls *settings_tls(const struct config *c, char *err, size_t err_size)
{
	const char *files[64];
	size_t n = 0;

	for (size_t i = 0; i < c->n_trust && n < 64; i++)
		files[n++] = c->trust[i].path;
	for (size_t i = 0; i < c->n_servers && n < 64; i++) {
		if (c->servers[i].trust)
			files[n++] = c->servers[i].trust;
	}
	bool system = c->role == CONFIG_OUTER && n == 0;
	struct net_tls *tls = net_tls_new(NET_TLS_S2S, files, n, system, err, err_size);
	if (tls && !add_crls(tls, c, err, err_size)) {
		net_tls_unref(tls);
		return NULL;
	}
	return tls;
}

void settings_announce(struct node *n)
{
	struct str domains[DOMAINS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < n->config->n_servers; i++) {
		const struct config_server *s = &n->config->servers[i];
		for (size_t k = 0; k < s->n_domains && count < DOMAINS_MAX; k++)
			domains[count++] = s->domains[k];
	}
	link_set_domains(n->link, domains, count, n->now);
}

void settings_apply_limits(struct node *n)
{
	const struct config_limits *l = &n->config->limits;

	gate_set_limits(n->gate, l);
	gate_set_limits(n->link_gate, l);
	net_set_handshakes(n->loop, (unsigned)l->shakes);
}

void settings_link(const struct node *n, struct link_settings *s)
{
	const struct config_limits *l = &n->config->limits;

	*s = link_settings_default;
	s->role = n->role->link;
	s->node = n->config->node;
	s->boot_id = n->boot_id;
	s->catalogue = record_catalogue_version();
	s->release = STRL(SALLYPORT_VERSION);
	s->frame_bytes = n->frame_bytes;
	/* Half and a quarter of the pair's queue at the next hop: XML is larger than CBOR, and back-pressure
	 * must come before the queue is full. */
	s->window_records = (unsigned)l->queue_stanzas / 2;
	s->window_bytes = l->queue_bytes / 4;
	/* Who lets more streams in has as many pairs. */
	if (s->channels_max < l->streams)
		s->channels_max = (unsigned)l->streams;
	s->queue_age_ms = (unsigned)l->queue_ms;
	s->home_ms = (unsigned)l->home_ms;
	s->alone_ms = (unsigned)l->lease_ms;
	s->cond_timeout = COND_REMOTE_SERVER_TIMEOUT;
	s->cond_internal = COND_INTERNAL_SERVER_ERROR;
	s->cond_busy = COND_RESOURCE_CONSTRAINT;
}
