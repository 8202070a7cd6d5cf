/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document and the run over the input. Bytes are counted by narrowing the
 * window: no state ever sees a byte beyond limits.bytes, so what is refused is the
 * first byte too many, whatever it is.
 *
 * A character cut by the end of the input waits in part[]; when the rest has come,
 * the state runs over part[] as if it were input.
 */
#include "xml/reader_state.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/random.h"
#include "xml/names.h"

const struct xml_limits xml_limits_default = {
	.bytes = 262144,
	.space = 65536,
	.depth = 64,
	.attrs = 64,
	.ns_decls = 32,
	.elements = 8192,
	.name = 256,
	.value = 65536,
};

const struct xml_limits xml_limits_early = {
	.bytes = 8192,
	.space = 8192,
	.depth = 64,
	.attrs = 64,
	.ns_decls = 32,
	.elements = 32,
	.name = 256,
	.value = 8192,
};

static const char *const error_names[] = {
#define X(id, name, condition) name,
	XML_ERRORS(X)
#undef X
};

static const char *const error_conditions[] = {
#define X(id, name, condition) condition,
	XML_ERRORS(X)
#undef X
};

const char *xml_error_name(enum xml_error e)
{
	return error_names[e];
}

const char *xml_error_condition(enum xml_error e)
{
	return error_conditions[e];
}

bool xml_error_is_size(enum xml_error e)
{
	return e >= XML_ERR_BYTES && e != XML_ERR_SPACE;
}

enum {
	/* Memory of one tree: TREE_PER_BYTE * limits.bytes + TREE_BASE. */
	TREE_PER_BYTE = 8,
	TREE_BASE = 65536,
	/* What a reader keeps between stanzas. */
	KEEP_TREE = 4096,
	KEEP_LASTING = 512,
	KEEP_TOKEN = 2048,
	KEEP_BINDINGS = 64,
};

static void apply_limits(struct xml_reader *r, const struct xml_limits *l)
{
	size_t raw_cap = (size_t)l->attrs + l->ns_decls + 1;
	size_t keep = l->bytes < KEEP_TREE ? l->bytes : KEEP_TREE;

	check(l->bytes > 0 && l->bytes <= 1 << 30 && l->attrs < UINT16_MAX &&
		l->ns_decls < UINT16_MAX && l->depth < UINT16_MAX);
	if (raw_cap > r->raw_cap) {
		r->raw = realloc(r->raw, raw_cap * sizeof(*r->raw));
		check(r->raw);
		r->raw_cap = raw_cap;
	}
	/* The first chunk stays with the arena: most trees fit, and never cost a malloc. */
	if (arena_footprint(&r->arena) < keep) {
		arena_reserve(&r->arena, keep);
	}
	r->arena.limit = r->lasting.limit = TREE_PER_BYTE * l->bytes + TREE_BASE;
	r->tok.limit = l->bytes;
	r->limits = *l;
	r->has_next_limits = false;
}

struct xml_reader *xml_reader_new(const struct xml_dict *dict, const struct xml_limits *limits)
{
	struct xml_reader *r = calloc(1, sizeof(*r));

	check(r);
	r->dict = dict;
	random_bytes(&r->salt, sizeof(r->salt));
	r->none_number = xml_dict_ns(dict, STRL(""));
	r->xml_number = xml_dict_ns(dict, STRL(NS_XML));
	r->lang_id = xml_dict_attr(dict, STRL("xml:lang"));
	arena_init(&r->arena, 0);
	arena_init(&r->lasting, 0);
	arena_reserve(&r->lasting, KEEP_LASTING);
	buf_init(&r->tok, 0);
	xml_reader_restart(r, limits);
	return r;
}

void xml_reader_free(struct xml_reader *r)
{
	if (!r)
		return;
	arena_done(&r->arena);
	arena_done(&r->lasting);
	buf_done(&r->tok);
	free(r->open);
	free(r->bindings);
	free(r->raw);
	free(r->seen);
	free(r);
}

/* Gives back what an unusual stanza made the reader take. */
static void reset_tree(struct xml_reader *r)
{
	r->node = r->begun = NULL;
	r->delivered = false;
	arena_reset(&r->arena);
	if (r->tok.cap > KEEP_TOKEN)
		buf_clear(&r->tok, KEEP_TOKEN);
	if (r->bindings_cap > KEEP_BINDINGS && r->n_bindings <= KEEP_BINDINGS) {
		r->bindings = realloc(r->bindings, KEEP_BINDINGS * sizeof(*r->bindings));
		check(r->bindings);
		r->bindings_cap = KEEP_BINDINGS;
	}
}

void xml_reader_restart(struct xml_reader *r, const struct xml_limits *limits)
{
	r->state = XML_ST_PROLOG;
	r->error = XML_ERR_NONE;
	r->close_due = false;
	r->counting = true;
	r->pristine = true;
	r->used = r->space = 0;
	r->part_len = 0;
	r->root_default = r->alias_content = r->alias_stanza = (struct str){ NULL, 0 };
	r->depth = r->n_bindings = r->root_bindings = 0;
	memset(r->buckets, 0, sizeof(r->buckets));
	buf_truncate(&r->tok, 0);
	reset_tree(r);
	arena_reset(&r->lasting);
	if (limits)
		apply_limits(r, limits);
	else if (r->has_next_limits)
		apply_limits(r, &r->next_limits);
}

void xml_reader_set_limits(struct xml_reader *r, const struct xml_limits *limits)
{
	r->next_limits = *limits;
	r->has_next_limits = true;
}

void xml_reader_forgive_space(struct xml_reader *r)
{
	r->space = 0;
}

bool xml_fail(struct xml_reader *r, enum xml_error e)
{
	r->error = e;
	r->event = XML_BAD;
	return false;
}

bool xml_event(struct xml_reader *r, enum xml_event e)
{
	r->event = e;
	r->delivered = true;
	r->counting = false;
	return false;
}

static bool fail_char(struct xml_reader *r, int n)
{
	return xml_fail(r, n == XML_CHAR_MALFORMED ? XML_ERR_UTF8 : XML_ERR_CHAR);
}

int xml_take_char(struct xml_reader *r, uint32_t *ret_code_point)
{
	size_t left = (size_t)(r->stop - r->p);
	int n = xml_char_len(r->p, left);

	if (n < 0) {
		fail_char(r, n);
	} else if (n == 0) {
		memcpy(r->part, r->p, left);
		r->part_len = (unsigned)left;
		r->p = r->stop;
	} else {
		size_t used;
		*ret_code_point = utf8_decode(str_from(r->p, left), &used);
	}
	return n;
}

bool xml_unexpected(struct xml_reader *r, enum xml_error e)
{
	uint32_t c;
	int n = 1;

	if ((unsigned char)*r->p >= 0x80)
		n = xml_take_char(r, &c);
	else if (!xml_is_char((unsigned char)*r->p))
		return xml_fail(r, XML_ERR_CHAR);
	return n > 0 ? xml_fail(r, e) : n == 0;
}

/* Bytes from p on count against limits.bytes, with those of earlier calls. */
static void open_window(struct xml_reader *r)
{
	size_t left = r->limits.bytes - r->used;

	r->counted = r->p;
	r->stop = (size_t)(r->input_end - r->p) > left ? r->p + left : r->input_end;
}

static const char *skip_space(const char *p, const char *stop)
{
	while (p < stop && xml_class_is(*p, XML_SPACE))
		p++;
	return p;
}

bool xml_on_prolog(struct xml_reader *r)
{
	const char *from = r->p;

	r->p = skip_space(from, r->stop);
	if (r->p > from)
		r->pristine = false;
	if (r->p == r->stop)
		return true;
	return *r->p == '<' ? xml_markup(r) : xml_unexpected(r, XML_ERR_SYNTAX);
}

bool xml_on_outer(struct xml_reader *r)
{
	const char *from = r->p;

	r->p = skip_space(from, r->stop);
	r->space += (size_t)(r->p - from);
	if (r->space > r->limits.space)
		return xml_fail(r, XML_ERR_SPACE);
	if (r->p == r->stop)
		return true;
	if (*r->p != '<')
		return xml_unexpected(r, XML_ERR_TEXT);
	r->counting = true;
	r->used = 0;
	r->elements = 0;
	open_window(r);
	return xml_markup(r);
}

bool xml_on_done(struct xml_reader *r)
{
	r->p = skip_space(r->p, r->stop);
	return r->p == r->stop || xml_fail(r, XML_ERR_AFTER_END);
}

static bool (*const states[])(struct xml_reader *r) = {
#define X(id, fn) fn,
	XML_STATES(X)
#undef X
};

static bool run_states(struct xml_reader *r)
{
	while (r->p < r->stop) {
		if (!states[r->state](r))
			return false;
	}
	return true;
}

/* Completes the cut character and runs over it. */
static bool run_part(struct xml_reader *r)
{
	char whole[sizeof(r->part)];
	int n = 0;

	while (n == 0 && r->p < r->stop) {
		r->part[r->part_len++] = *r->p++;
		n = xml_char_len(r->part, r->part_len);
	}
	if (n <= 0)
		return n == 0 || fail_char(r, n);
	const char *p = r->p, *stop = r->stop;
	memcpy(whole, r->part, (size_t)n);
	r->part_len = 0;
	r->p = whole;
	r->stop = whole + n;
	bool go_on = run_states(r);
	r->p = p;
	r->stop = stop;
	return go_on;
}

static enum xml_event run(struct xml_reader *r)
{
	r->event = XML_MORE;
	if (r->part_len && !run_part(r))
		return r->event;
	if (run_states(r) && r->stop < r->input_end)
		xml_fail(r, XML_ERR_BYTES);
	return r->event;
}

enum xml_event xml_reader_next(struct xml_reader *r, struct str *in)
{
	if (r->error != XML_ERR_NONE)
		return XML_BAD;
	if (r->delivered)
		reset_tree(r);
	if (r->close_due) {
		r->close_due = false;
		r->depth = 0;
		return XML_CLOSE;
	}
	if (in->len == 0)
		return XML_MORE;
	if (r->has_next_limits && r->state == XML_ST_OUTER)
		apply_limits(r, &r->next_limits);
	r->p = r->counted = in->p;
	r->stop = r->input_end = in->p + in->len;
	if (r->counting)
		open_window(r);
	run(r);
	if (r->counting)
		r->used += (size_t)(r->p - r->counted);
	*in = str_from(r->p, (size_t)(r->input_end - r->p));
	if (r->event == XML_BAD) {
		r->begun = r->depth > 1 ? r->node : NULL;
		r->node = NULL;
	}
	return r->event;
}

const struct xml_node *xml_reader_begun(const struct xml_reader *r)
{
	return r->begun;
}

struct xml_node *xml_reader_node(struct xml_reader *r)
{
	return r->node;
}

struct str xml_reader_root_ns(const struct xml_reader *r, struct str prefix)
{
	if (prefix.len == 0)
		return r->root_default;
	for (size_t i = 0; i < r->root_bindings; i++) {
		if (str_eq(r->bindings[i].prefix, prefix))
			return r->bindings[i].space.uri;
	}
	return str_eq(prefix, STRL("xml")) ? STRL(NS_XML) : (struct str){ NULL, 0 };
}

void xml_reader_alias(
	struct xml_reader *r, struct str content, struct str stanza, struct str meaning)
{
	check(r->depth == 1);
	r->alias_content = content;
	r->alias_stanza = stanza;
	r->alias = (struct xml_space){ meaning, xml_dict_ns(r->dict, meaning) };
	if (str_eq(r->open[0].space.uri, content))
		r->open[0].space = r->alias;
	for (size_t i = 0; i < r->n_bindings; i++) {
		if (str_eq(r->bindings[i].space.uri, content))
			r->bindings[i].space = r->alias;
	}
}

enum xml_error xml_reader_error(const struct xml_reader *r)
{
	return r->error;
}

bool xml_reader_inside(const struct xml_reader *r)
{
	return r->counting && r->depth > 0;
}

struct arena *xml_reader_arena(struct xml_reader *r)
{
	return &r->arena;
}

size_t xml_reader_footprint(const struct xml_reader *r)
{
	return sizeof(*r) + arena_footprint(&r->arena) + arena_footprint(&r->lasting) + r->tok.cap +
		r->open_cap * sizeof(*r->open) + r->bindings_cap * sizeof(*r->bindings) +
		r->raw_cap * sizeof(*r->raw) + r->seen_cap * sizeof(*r->seen);
}
