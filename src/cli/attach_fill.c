/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the text of a recipe, line by line; each line may be a directive or hold words in braces. */
#include <stdio.h>

#include "base/check.h"
#include "cli/attach.h"

enum { LINES_MOST = 1 << 20 };

struct kind {
	const char *name;
	const char *user; /* whom its processes run as in Debian's package */
	const char *trust; /* where it may keep the CA */
	bool dialback_only; /* it knows no SASL EXTERNAL */
	bool port_53; /* it asks a name server on no other port */
	bool components; /* there is a recipe for them */
};

static const struct kind kinds[] = {
	{ "prosody", "prosody", "/etc/prosody/certs/sallyport-mint.crt", false, false, true },
	{ "ejabberd", "ejabberd", "/etc/ejabberd/sallyport-mint.pem", false, true, true },
	{ "jabberd2", "jabber", "", true, true, false },
	{ "openfire", "openfire", "", false, false, true },
};

const char attach_kinds[] = "prosody, ejabberd, jabberd2, openfire";

struct filler {
	const struct kind *kind;
	const struct attach_site *site;
	struct attach_result *result;
	struct str inner_ip, inner_port, steer_ip, steer_port, component_ip, component_port;
	size_t component; /* of the server's foreign domains, the one that {{component.domain}} is */
	bool pkix;
	bool skip; /* inside an %if that does not hold */
};

/* "1.2.3.4:53" and "[::1]:53" into address and port. */
static void split(struct str addr, struct str *ret_ip, struct str *ret_port)
{
	size_t at = addr.len;

	while (at && addr.p[at - 1] != ':')
		at--;
	*ret_port = str_skip(addr, at);
	*ret_ip = str_from(addr.p, at ? at - 1 : 0);
	if (ret_ip->len > 1 && ret_ip->p[0] == '[')
		*ret_ip = str_from(ret_ip->p + 1, ret_ip->len - 2);
}

static bool is_v6(struct str ip)
{
	return memchr(ip.p, ':', ip.len) != NULL;
}

static bool is_wildcard(struct str ip)
{
	return str_is(ip, "0.0.0.0") || str_is(ip, "::");
}

/* --- words --- */

struct word {
	const char *name;
	struct str (*value)(const struct filler *f);
};

static struct str get_inner_ip(const struct filler *f)
{
	return f->inner_ip;
}

static struct str get_inner_port(const struct filler *f)
{
	return f->inner_port;
}

static struct str get_steer_ip(const struct filler *f)
{
	return f->steer_ip;
}

static struct str get_steer_port(const struct filler *f)
{
	return f->steer_port;
}

static struct str get_user(const struct filler *f)
{
	return str_of(f->kind->user);
}

static struct str get_trust(const struct filler *f)
{
	return str_of(f->site->trust ? f->site->trust : f->kind->trust);
}

static struct str get_mint(const struct filler *f)
{
	const char *path = f->site->config->mint.certificate;

	return path ? str_of(path) : STRL("");
}

static struct str get_domain(const struct filler *f)
{
	return f->site->server->domains[0];
}

static struct str get_component_ip(const struct filler *f)
{
	return f->component_ip;
}

static struct str get_component_port(const struct filler *f)
{
	return f->component_port;
}

static struct str get_component_secret(const struct filler *f)
{
	return str_of(f->site->server->components[0].secret);
}

/* Of all components of the server, the n-th domain; empty when there are fewer. */
static struct str component_domain(const struct config_server *s, size_t n)
{
	for (size_t i = 0; i < s->n_components; i++) {
		if (n < s->components[i].n_domains)
			return s->components[i].domains[n];
		n -= s->components[i].n_domains;
	}
	return STRL("");
}

static struct str get_component_domain(const struct filler *f)
{
	return component_domain(f->site->server, f->component);
}

static const struct word words[] = {
	{ "inner.ip", get_inner_ip },
	{ "inner.port", get_inner_port },
	{ "steer.ip", get_steer_ip },
	{ "steer.port", get_steer_port },
	{ "user", get_user },
	{ "trust", get_trust },
	{ "mint", get_mint },
	{ "domain", get_domain },
	{ "component.ip", get_component_ip },
	{ "component.port", get_component_port },
	{ "component.secret", get_component_secret },
	{ "component.domain", get_component_domain },
};

static void put_word(struct filler *f, struct str name)
{
	struct buf *out = &f->result->lines;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_is(name, words[i].name)) {
			buf_append(out, words[i].value(f));
			return;
		}
	}
	check(false && "unknown word in a recipe");
}

static bool is_this_host(struct str ip)
{
	return str_starts(ip, STRL("127.")) || str_is(ip, "::1");
}

static bool holds(const struct filler *f, struct str word)
{
	if (str_is(word, "alone"))
		return !f->steer_ip.len;
	if (str_is(word, "remote4"))
		return !is_v6(f->component_ip) && !is_this_host(f->component_ip);
	if (str_is(word, "remote6"))
		return is_v6(f->component_ip) && !is_this_host(f->component_ip);
	if (str_is(word, "pkix"))
		return f->pkix;
	if (str_is(word, "dialback"))
		return !f->pkix;
	if (str_is(word, "v4"))
		return !is_v6(f->inner_ip);
	if (str_is(word, "v6"))
		return is_v6(f->inner_ip);
	if (str_is(word, "steer4"))
		return f->steer_ip.len && !is_v6(f->steer_ip);
	check(str_is(word, "steer6"));
	return f->steer_ip.len && is_v6(f->steer_ip);
}

/* --- lines --- */

static struct str first_word(struct str s)
{
	const char *space = memchr(s.p, ' ', s.len);

	return str_from(s.p, space ? (size_t)(space - s.p) : s.len);
}

static void begin_part(struct filler *f, struct str rest)
{
	struct attach_result *r = f->result;
	struct str name = first_word(rest);

	check(r->n < ATTACH_PARTS && name.len < rest.len);
	r->parts[r->n++] = (struct attach_part){
		.name = name,
		.where = str_skip(rest, name.len + 1),
		.from = buf_len(&r->lines),
		.to = buf_len(&r->lines),
	};
}

static void put_line(struct filler *f, struct str line)
{
	struct attach_result *r = f->result;

	check(r->n);
	while (line.len) {
		const char *open = memmem(line.p, line.len, "{{", 2);
		/* In `{{{word}}}` the outer braces are text. */
		while (open && open + 2 < line.p + line.len && open[2] == '{')
			open++;
		size_t plain = open ? (size_t)(open - line.p) : line.len;
		buf_append(&r->lines, str_from(line.p, plain));
		line = str_skip(line, plain);
		if (!open)
			break;
		const char *close = memmem(line.p, line.len, "}}", 2);
		check(close);
		put_word(f, str_from(open + 2, (size_t)(close - open) - 2));
		line = str_skip(line, (size_t)(close - open) + 2);
	}
	buf_append_c(&r->lines, "\n");
	r->parts[r->n - 1].to = buf_len(&r->lines);
}

static void fill_text(struct filler *f, struct str name);

static void directive(struct filler *f, struct str line)
{
	struct str verb = first_word(line);
	struct str rest = str_skip(line, verb.len < line.len ? verb.len + 1 : verb.len);

	if (str_is(verb, "%end"))
		f->skip = false;
	else if (str_is(verb, "%if"))
		f->skip = !holds(f, rest);
	else if (f->skip)
		return;
	else if (str_is(verb, "%part"))
		begin_part(f, rest);
	else if (str_is(verb, "%include"))
		fill_text(f, rest);
	else
		check(false && "unknown directive in a recipe");
}

/* At %end of what is repeated: is there another domain? */
static bool again(struct filler *f)
{
	f->component++;
	return get_component_domain(f).len;
}

static void fill_text(struct filler *f, struct str name)
{
	const char *text = NULL, *repeated = NULL;

	for (size_t i = 0; i < n_attach_texts; i++) {
		if (str_is(name, attach_texts[i].name))
			text = attach_texts[i].text;
	}
	check(text);
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		struct str line = str_from(text, (size_t)(end - text));
		bool literal = str_starts(line, STRL("%%"));
		if (str_is(line, "%each component")) {
			f->component = 0;
			repeated = end;
			continue;
		}
		if (repeated && str_is(line, "%end")) {
			if (again(f))
				end = repeated;
			else
				repeated = NULL;
			continue;
		}
		if (line.len && line.p[0] == '%' && !literal)
			directive(f, line);
		else if (!f->skip)
			put_line(f, literal ? str_skip(line, 1) : line);
	}
}

static const char *addresses(struct filler *f)
{
	const struct config *c = f->site->config;
	struct str ignored;

	split(c->listen_s2s[0].addr, &f->inner_ip, &f->inner_port);
	if (c->steer.len == 0 && f->site->server->n_components)
		return NULL;
	if (c->steer.len == 0)
		return "this configuration has no `steer`, and the server no `component`";
	if (c->n_steer_targets)
		f->inner_ip = c->steer_targets[0].ip;
	split(c->steer, &f->steer_ip, &f->steer_port);
	if (is_wildcard(f->steer_ip))
		split(c->listen_s2s[0].addr, &f->steer_ip, &ignored);
	if (is_wildcard(f->steer_ip))
		f->steer_ip = f->inner_ip;
	if (f->kind->port_53 && !str_is(f->steer_port, "53"))
		return "this server asks name servers on port 53 alone: `steer` must use it";
	return NULL;
}

static const char *component_address(struct filler *f)
{
	const struct config_server *s = f->site->server;

	if (s->n_components && !f->kind->components && !f->steer_ip.len)
		return "there is no recipe for components of this server: it can be led by `steer`";
	for (size_t i = 1; i < s->n_components; i++) {
		if (!str_eq(s->components[0].addr, s->components[i].addr) ||
			strcmp(s->components[0].secret, s->components[i].secret) != 0)
			return "the components of this server differ in address or secret: there "
			       "is no "
			       "recipe for that";
	}
	if (s->n_components)
		split(s->components[0].addr, &f->component_ip, &f->component_port);
	return NULL;
}

/* What it is told for its components, behind what steers it. */
static void fill_components(struct filler *f)
{
	char name[64];

	if (!f->site->server->n_components || !f->kind->components)
		return;
	snprintf(name, sizeof(name), "%s-component", f->kind->name);
	fill_text(f, str_of(name));
}

static const char *proof(struct filler *f)
{
	unsigned accept = f->site->server->accept;

	if (f->kind->dialback_only && !(accept & CONFIG_DIALBACK))
		return "this server knows dialback alone, which its `server` section does not "
		       "accept";
	f->pkix = (accept & CONFIG_PKIX) && f->site->config->mint.certificate &&
		!f->kind->dialback_only;
	if (!f->pkix && !(accept & CONFIG_DIALBACK))
		return "certificates for this server need `mint`";
	return NULL;
}

const char *attach_fill(
	const char *kind, const struct attach_site *site, struct attach_result *ret_result)
{
	struct filler f = { .site = site, .result = ret_result };

	ret_result->n = 0;
	buf_init(&ret_result->lines, LINES_MOST);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kind, kinds[i].name) == 0)
			f.kind = &kinds[i];
	}
	if (!f.kind)
		return "no recipe for such a server";
	const char *why = addresses(&f);
	why = why ? why : component_address(&f);
	if (!why && f.steer_ip.len)
		why = proof(&f);
	if (why)
		return why;
	if (f.steer_ip.len)
		fill_text(&f, str_of(kind));
	fill_components(&f);
	return NULL;
}

void attach_done(struct attach_result *r)
{
	buf_done(&r->lines);
}
