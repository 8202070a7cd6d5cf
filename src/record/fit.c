/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk in document order. Each element is judged when it is met, from its attributes
 * and its own children: it fits its row, or it becomes generic (open), or it is
 * unlinked (standard). The stack holds one frame for each open element.
 */
#include "record/fit.h"

#include "record/value.h"

bool place_admits(const struct place *p, unsigned number, const struct catalogue_row *row)
{
	if (p->generic)
		return false;
	if (!p->row)
		return row->where & p->where;
	for (unsigned i = 0; i < p->row->n_kids; i++) {
		struct kid_rule kid = p->row->kids[i];
		if (number >= kid.first && number <= kid.last)
			return true;
		if (kid.first >= EL_ANY_M && row->where & 1 << (kid.first - EL_ANY_M))
			return true;
	}
	return false;
}

struct str place_ns(const struct place *p, const struct catalogue_row *row)
{
	return p->client && row->core ? STRL(NS_CLIENT) : row->ns;
}

bool place_admits_generic(const struct place *p, struct str ns)
{
	if (!place_is_stanza(p))
		return true;
	return ns.len && !str_eq(ns, STRL(NS_SERVER)) && !str_eq(ns, STRL(NS_CLIENT));
}

bool place_keeps_generic(const struct place *p, struct str ns)
{
	return place_admits_generic(p, ns) &&
		!(place_is_stanza(p) && str_eq(ns, STRL(NS_COMPONENT)));
}

static bool attrs_fit(const struct xml_node *e, const struct catalogue_row *row, bool exact,
	struct arena *arena, struct fitting *f)
{
	memset(f->attrs, 0, row->n_attrs * sizeof(*f->attrs));
	f->unknown = 0;
	for (struct xml_attr *a = e->attrs; a; a = a->next) {
		unsigned i = 0;
		while (i < row->n_attrs && (row->attrs[i].number != a->id || a->id == AT_NONE))
			i++;
		if (i == row->n_attrs) {
			if (exact)
				return false;
			f->unknown++;
			continue;
		}
		if (!value_fit(row->attrs[i].type, a->value, arena, &f->values[i]))
			return false;
		f->attrs[i] = a;
	}
	for (unsigned i = 0; i < row->n_attrs; i++) {
		if (row->attrs[i].required && !f->attrs[i])
			return false;
	}
	return true;
}

static bool content_fits(const struct xml_node *e, const struct catalogue_row *row, struct arena *a,
	struct fitting *f)
{
	const struct xml_node *c = e->children;

	f->text = STRL("");
	switch (row->content) {
	case TYPE_MIXED:
		return true;
	case TYPE_NOTHING:
		for (; c; c = c->next) {
			if (c->kind == XML_TEXT && !value_is_blank(c->text))
				return false;
		}
		return true;
	default:
		if (!c)
			return row->content == TYPE_TEXT || row->content == TYPE_BASE64;
		return c->kind == XML_TEXT && !c->next &&
			value_fit(row->content, c->text, a, &f->text);
	}
}

bool fit_check(const struct xml_node *e, const struct catalogue_row *row, bool exact,
	struct arena *a, struct fitting *ret_fitting)
{
	return attrs_fit(e, row, exact, a, ret_fitting) && content_fits(e, row, a, ret_fitting);
}

static void remove_texts(struct xml_node **link)
{
	while (*link) {
		if ((*link)->kind == XML_TEXT)
			*link = (*link)->next;
		else
			link = &(*link)->next;
	}
}

/* Puts the canonical content into the element. */
static void apply(struct xml_node *e, const struct catalogue_row *row, const struct fitting *f)
{
	struct xml_attr **tail = &e->attrs;

	for (unsigned i = 0; i < row->n_attrs; i++) {
		if (!f->attrs[i])
			continue;
		f->attrs[i]->value = f->values[i];
		*tail = f->attrs[i];
		tail = &f->attrs[i]->next;
	}
	*tail = NULL;
	if (row->content == TYPE_NOTHING)
		remove_texts(&e->children);
	else if (row->content != TYPE_MIXED && f->text.len == 0)
		e->children = NULL;
	else if (row->content != TYPE_MIXED)
		e->children->text = f->text;
}

static int compare_attrs(const struct xml_attr *a, const struct xml_attr *b)
{
	int c = str_cmp(a->ns, b->ns);
	return c ? c : str_cmp(a->name, b->name);
}

/* Generic attributes stand in order of namespace and name. */
static void make_generic(struct xml_node *e)
{
	struct xml_attr *sorted = NULL;

	e->id = EL_GENERIC;
	while (e->attrs) {
		struct xml_attr *a = e->attrs, **at = &sorted;
		e->attrs = a->next;
		while (*at && compare_attrs(*at, a) < 0)
			at = &(*at)->next;
		a->next = *at;
		*at = a;
	}
	e->attrs = sorted;
}

/* After elements between them went, texts may stand side by side. */
static bool join_texts(struct xml_node *first, struct arena *a)
{
	for (struct xml_node *n = first; n; n = n->next) {
		size_t len = 0, at = 0;
		struct xml_node *end = n;
		for (; end && end->kind == XML_TEXT; end = end->next)
			len += end->text.len;
		if (end == n || end == n->next)
			continue;
		char *text = arena_alloc(a, len);
		if (!text)
			return false;
		for (struct xml_node *t = n; t != end; t = t->next) {
			memcpy(text + at, t->text.p, t->text.len);
			at += t->text.len;
		}
		n->text = str_from(text, len);
		n->next = end;
	}
	return true;
}

struct frame {
	struct xml_node **first;
	struct xml_node **link; /* points to the next child to judge */
	struct place place;
	bool cut; /* an element was unlinked */
};

struct walk {
	enum record_profile profile;
	unsigned elements_end;
	struct arena *arena;
	struct record_report *report;
};

void fit_note(struct record_report *report, struct str ns, struct str name, struct str attribute)
{
	unsigned i = report->stripped++;

	if (i >= RECORD_STRIPPED_MAX)
		return;
	report->what[i].ns = ns;
	report->what[i].name = name;
	report->what[i].attribute = attribute;
}

static void strip(struct walk *w, struct frame *f)
{
	struct xml_node *e = *f->link;

	fit_note(w->report, e->ns, e->name, (struct str){ NULL, 0 });
	*f->link = e->next;
	f->cut = true;
}

static void note_unknown_attrs(
	struct walk *w, const struct xml_node *e, const struct catalogue_row *row)
{
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		unsigned i = 0;
		while (i < row->n_attrs && (row->attrs[i].number != a->id || a->id == AT_NONE))
			i++;
		if (i == row->n_attrs)
			fit_note(w->report, a->ns.len ? a->ns : e->ns, e->name, a->name);
	}
}

/* Judges *f->link, an element. True when it stays; ret_inside is then the place in it. */
static bool judge(struct walk *w, struct frame *f, struct place *ret_inside)
{
	struct xml_node *e = *f->link;
	bool known = !f->place.generic && e->id < w->elements_end;
	const struct catalogue_row *row = known ? catalogue_row(e->id) : NULL;
	bool open = w->profile == PROFILE_OPEN;
	struct fitting fitting;

	if (row && place_admits(&f->place, e->id, row) && str_eq(place_ns(&f->place, row), e->ns) &&
		fit_check(e, row, open, w->arena, &fitting)) {
		if (fitting.unknown)
			note_unknown_attrs(w, e, row);
		apply(e, row, &fitting);
		*ret_inside = place_in(row);
		return true;
	}
	if (!open || !place_keeps_generic(&f->place, e->ns)) {
		strip(w, f);
		return false;
	}
	make_generic(e);
	*ret_inside = (struct place){ .generic = true };
	return true;
}

static bool leave(struct walk *w, const struct frame *f)
{
	if (!f->cut || !f->place.row || f->place.row->content != TYPE_MIXED)
		return true;
	return join_texts(*f->first, w->arena);
}

/* Between payloads there is nothing but elements. */
static void strip_texts(struct xml_node **first, struct record_report *report)
{
	for (const struct xml_node *n = *first; n; n = n->next) {
		if (n->kind == XML_TEXT && !value_is_blank(n->text))
			fit_note(report, STRL(""), STRL(""), (struct str){ NULL, 0 });
	}
	remove_texts(first);
}

const char *fit_payload(struct xml_node **first, enum record_kind kind, enum record_profile profile,
	unsigned elements_end, struct arena *a, struct record_report *report)
{
	struct walk w = { profile, elements_end, a, report };
	struct frame stack[RECORD_DEPTH_MAX];
	struct frame *f = stack;
	struct place inside;

	strip_texts(first, report);
	*f = (struct frame){ first, first, place_of_stanza(kind), false };
	for (;;) {
		struct xml_node *n = *f->link;
		if (!n) {
			if (!leave(&w, f))
				return "stanza too big in memory";
			if (f == stack)
				return NULL;
			f--;
			f->link = &(*f->link)->next;
		} else if (n->kind == XML_TEXT) {
			f->link = &n->next;
		} else if (judge(&w, f, &inside)) {
			if (f == stack + RECORD_DEPTH_MAX - 1)
				return "stanza too deep";
			f++;
			*f = (struct frame){ &n->children, &n->children, inside, false };
		}
	}
}
