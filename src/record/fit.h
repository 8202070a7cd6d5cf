/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does an element fit its catalogue row, and is it allowed where it stands? The XML side asks
 * this for every payload element, the decoder for those that come in generic form.
 */
#ifndef RECORD_FIT_H
#define RECORD_FIT_H

#include "record/catalogue.h"
#include "record/record.h"

enum { RECORD_DEPTH_MAX = 128 }; /* bound of the explicit stacks; limits.depth is at most this */

/* Where an element stands: what may be a child here. */
struct place {
	const struct catalogue_row *row; /* of the parent; NULL: a stanza itself, or generic */
	uint8_t where; /* of a stanza itself: 1 << kind */
	bool client; /* child of a forwarded stanza */
	bool generic; /* inside a generic element: everything is */
};

static inline struct place place_of_stanza(enum record_kind kind)
{
	return (struct place){ .where = (uint8_t)(1 << kind) };
}

static inline struct place place_in(const struct catalogue_row *row)
{
	unsigned number = (unsigned)(row - catalogue_rows);

	return (struct place){ .row = row, .client = catalogue_is_stanza(number) };
}

/* Is the parent a stanza: the record's own, or a forwarded one? */
static inline bool place_is_stanza(const struct place *p)
{
	return p->client || (!p->row && !p->generic);
}

/* May an element with this number be a child here? */
bool place_admits(const struct place *p, unsigned number, const struct catalogue_row *row);

/* The namespace of an element of this row here. */
struct str place_ns(const struct place *p, const struct catalogue_row *row);

/* May a generic element with this namespace be a child here? */
bool place_admits_generic(const struct place *p, struct str ns);

/*
 * And may it stay there? What is written to a component's stream (XEP-0114) in the namespace of such streams is the
 * stanza's own body or error to who reads it. A far node of an older release may send it: it is taken out.
 */
bool place_keeps_generic(const struct place *p, struct str ns);

/* The canonical content of an element that fits. */
struct fitting {
	struct xml_attr *attrs[CATALOGUE_ATTRS_MAX]; /* by rule; NULL: absent */
	struct str values[CATALOGUE_ATTRS_MAX];
	unsigned unknown; /* attributes without a rule */
	struct str text;
};

/*
 * Does e fit the row? Its attributes and children are looked at, not changed; children of
 * children are not looked at. With exact no attribute may be unknown. Attributes are
 * known by their id.
 */
bool fit_check(const struct xml_node *e, const struct catalogue_row *row, bool exact,
	struct arena *a, struct fitting *ret_fitting);

/* One more thing was taken out. */
void fit_note(struct record_report *report, struct str ns, struct str name, struct str attribute);

/*
 * Removes or makes generic what does not fit, and rows from elements_end on, which the reader does not have yet.
 * NULL, or a static text: refuse the stanza.
 */
const char *fit_payload(struct xml_node **first, enum record_kind kind, enum record_profile profile,
	unsigned elements_end, struct arena *a, struct record_report *report);

#endif
