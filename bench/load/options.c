/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

enum kind { TEXT, NUMBER, FLAG, CHOICE, PIDS };

struct row {
	const char *name;
	enum kind kind;
	size_t at;
	const char *const *choices;
	const char *help;
};

static const char *const tls_names[] = { "starttls", "direct", "none", NULL };
static const char *const auth_names[] = { "auto", "external", "dialback", "none", NULL };

#define AT(field) offsetof(struct options, field)
static const struct row rows[] = {
	{ "connect", TEXT, AT(connect), NULL, "source: address:port of the server to load" },
	{ "bind", TEXT, AT(bind), NULL, "source: own address:0" },
	{ "bind-spread", NUMBER, AT(bind_spread), NULL,
		"source: use so many addresses, third octet counting up" },
	{ "listen", TEXT, AT(listen), NULL, "sink: address:port to listen on" },
	{ "certificate", TEXT, AT(certificate), NULL,
		"PEM chain of the source, and of the sink if it has none" },
	{ "key", TEXT, AT(key), NULL, "its key" },
	{ "sink-certificate", TEXT, AT(sink_certificate), NULL, "PEM chain of the sink" },
	{ "sink-key", TEXT, AT(sink_key), NULL, "its key" },
	{ "from", TEXT, AT(from), NULL, "source's domain, % is the pair's number" },
	{ "to", TEXT, AT(to), NULL, "sink's domain, % is the pair's number" },
	{ "tls", CHOICE, AT(tls), tls_names, "source: starttls, direct or none" },
	{ "auth", CHOICE, AT(auth), auth_names,
		"source: auto (external, else dialback), external, dialback, none" },
	{ "no-external", FLAG, AT(no_external), NULL, "sink: do not offer SASL EXTERNAL" },
	{ "no-dialback", FLAG, AT(no_dialback), NULL, "sink: do not offer dialback" },
	{ "pairs", NUMBER, AT(pairs), NULL, "domain pairs (1)" },
	{ "streams", NUMBER, AT(streams), NULL,
		"streams, dealt out over the pairs (as many as pairs)" },
	{ "messages", NUMBER, AT(messages), NULL, "messages to measure, over all streams" },
	{ "warmup", NUMBER, AT(warmup), NULL, "messages per stream before the measurement (1)" },
	{ "rate", NUMBER, AT(rate), NULL,
		"messages a second over all streams, 0 for as many as the socket takes" },
	{ "bytes", NUMBER, AT(bytes), NULL, "size of a message (356)" },
	{ "record", NUMBER, AT(record), NULL,
		"bytes gathered for one write when the rate is 0 (16384)" },
	{ "cold", FLAG, AT(cold), NULL,
		"open streams one after the other, one message each, timed from connect()" },
	{ "parallel", NUMBER, AT(parallel), NULL, "streams being set up at once (16)" },
	{ "hops", NUMBER, AT(hops), NULL,
		"run: the source has the first processor; the sink, so many hops away, it or the "
		"last" },
	{ "hold", NUMBER, AT(hold), NULL, "keep the streams idle for so many seconds, then end" },
	{ "timeout", NUMBER, AT(timeout), NULL, "end, incomplete, after so many seconds (60)" },
	{ "watch", PIDS, 0, NULL, "PID,...: report the CPU time of these processes" },
};

static int usage(FILE *to, int status)
{
	fprintf(to, "usage: sallyport-load source|sink|run [--option value]...\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(to, "  --%-17s %s\n", rows[i].name, rows[i].help);
	return status;
}

static bool set_choice(const struct row *r, void *at, const char *value)
{
	for (unsigned i = 0; r->choices[i]; i++) {
		if (!strcmp(r->choices[i], value)) {
			memcpy(at, &i, sizeof(i));
			return true;
		}
	}
	return false;
}

static bool set_pids(struct options *o, const char *value)
{
	for (const char *p = value; *p && o->watches < WATCH_MAX;) {
		size_t n = strcspn(p, ",");
		if (!str_to_u64(str_from(p, n), &o->watch[o->watches++]))
			return false;
		p += n + (p[n] == ',');
	}
	return true;
}

static bool set(struct options *o, const struct row *r, const char *value)
{
	void *at = (char *)o + r->at;
	switch (r->kind) {
	case TEXT:
		memcpy(at, &value, sizeof(value));
		return true;
	case NUMBER:
		return str_to_u64(str_of(value), at);
	case CHOICE:
		return set_choice(r, at, value);
	case PIDS:
		return set_pids(o, value);
	case FLAG:
		*(bool *)at = true;
		return true;
	}
	return false;
}

static const struct row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	}
	return NULL;
}

static bool parse_role(const char *text, enum role *ret_role)
{
	static const struct {
		const char *name;
		enum role role;
	} roles[] = { { "source", ROLE_SOURCE }, { "sink", ROLE_SINK }, { "run", ROLE_RUN } };
	for (size_t i = 0; i < 3; i++) {
		if (!strcmp(roles[i].name, text)) {
			*ret_role = roles[i].role;
			return true;
		}
	}
	return false;
}

/* What is missing or contradicts itself, or NULL. */
static const char *complaint(const struct options *o)
{
	bool source = o->role & ROLE_SOURCE, sink = o->role & ROLE_SINK;
	if (source && (!o->connect || !o->from || !o->to))
		return "a source needs --connect, --from and --to";
	if (sink && !o->listen)
		return "a sink needs --listen";
	if (sink && !o->sink_certificate)
		return "a sink needs --certificate and --key, or --sink-certificate and --sink-key";
	if ((o->certificate && !o->key) || (o->sink_certificate && !o->sink_key))
		return "a certificate needs its key";
	if (!o->pairs || !o->streams || o->streams > 1000000 || !o->parallel || !o->record ||
		!o->timeout)
		return "number out of range";
	return NULL;
}

static void set_defaults(struct options *o)
{
	if (!o->streams)
		o->streams = o->pairs;
	if (!o->sink_certificate) {
		o->sink_certificate = o->certificate;
		o->sink_key = o->key;
	}
	if (o->cold) {
		o->messages = o->streams;
		o->parallel = 1;
		o->warmup = 0;
	}
}

bool options_parse(int argc, char **argv, struct options *ret_options, int *ret_status)
{
	struct options o = { .pairs = 1,
		.warmup = 1,
		.bytes = 356,
		.record = 16384,
		.timeout = 60,
		.parallel = 16 };
	*ret_status = 2;
	if (argc < 2 || !parse_role(argv[1], &o.role)) {
		bool help = argc == 2 && !strcmp(argv[1], "--help");
		*ret_status = usage(help ? stdout : stderr, help ? 0 : 2);
		return false;
	}
	for (int i = 2; i < argc; i++) {
		const struct row *r = !strncmp(argv[i], "--", 2) ? find_row(argv[i] + 2) : NULL;
		const char *value = r && r->kind == FLAG ? ""
			: r && i + 1 < argc              ? argv[++i]
							 : NULL;
		if (!r || !value || !set(&o, r, value)) {
			fprintf(stderr, "sallyport-load: bad option or value: %s\n", argv[i]);
			return false;
		}
	}
	set_defaults(&o);
	const char *wrong = complaint(&o);
	if (wrong) {
		fprintf(stderr, "sallyport-load: %s\n", wrong);
		return false;
	}
	*ret_options = o;
	return true;
}

char *pattern_expand(const char *text, uint64_t n)
{
	char out[1024];
	const char *hole = strchr(text, '%');
	if (hole)
		snprintf(out, sizeof(out), "%.*s%04llu%s", (int)(hole - text), text,
			(unsigned long long)n, hole + 1);
	else
		snprintf(out, sizeof(out), "%s", text);
	char *copy = strdup(out);
	check(copy);
	return copy;
}
