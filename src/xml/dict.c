/* SPDX-License-Identifier: Apache-2.0 */
#include "xml/dict_find.h"

#include <stdlib.h>

#include "base/check.h"

static struct dict_entry *alloc_entries(size_t n)
{
	struct dict_entry *entries = calloc(n, sizeof(*entries));

	check(entries);
	return entries;
}

struct xml_dict *xml_dict_new(void)
{
	struct xml_dict *d = calloc(1, sizeof(*d));

	check(d);
	d->mask = 63;
	d->entries = alloc_entries(d->mask + 1);
	return d;
}

void xml_dict_free(struct xml_dict *d)
{
	if (!d)
		return;
	free(d->entries);
	free(d);
}

static void insert(struct xml_dict *d, struct dict_entry e)
{
	size_t i = dict_slot(e.key, e.name.len, e.space);

	while (d->entries[i & d->mask].id)
		i++;
	d->entries[i & d->mask] = e;
}

/* At most a quarter of the table is used: nearly every lookup is one probe. */
static void grow(struct xml_dict *d)
{
	struct dict_entry *old = d->entries;
	size_t n = d->mask + 1;

	d->mask = n * 2 - 1;
	d->entries = alloc_entries(n * 2);
	for (size_t i = 0; i < n; i++) {
		if (old[i].id)
			insert(d, old[i]);
	}
	free(old);
}

static void add(struct xml_dict *d, uint32_t space, struct str name, uint32_t id)
{
	check(id != 0 && !dict_find(d, space, name));
	if (++d->count * 4 > d->mask)
		grow(d);
	insert(d, (struct dict_entry){ dict_key(name), name, space, id });
}

void xml_dict_add_elem(struct xml_dict *d, struct str ns, struct str name, xml_name id)
{
	unsigned space = xml_dict_ns(d, ns);

	if (space == 0) {
		space = ++d->spaces;
		check(space <= UINT16_MAX);
		add(d, DICT_SPACES, ns, space);
	}
	add(d, DICT_ELEMS + space, name, id);
}

void xml_dict_add_attr(struct xml_dict *d, struct str name, xml_name id)
{
	add(d, DICT_ATTRS, name, id);
}

unsigned xml_dict_ns(const struct xml_dict *d, struct str ns)
{
	const struct dict_entry *e = dict_find(d, DICT_SPACES, ns);
	return e ? e->id : 0;
}

xml_name xml_dict_elem(const struct xml_dict *d, unsigned ns, struct str name)
{
	const struct dict_entry *e = ns ? dict_find(d, DICT_ELEMS + ns, name) : NULL;
	return e ? (xml_name)e->id : 0;
}

xml_name xml_dict_attr(const struct xml_dict *d, struct str name)
{
	const struct dict_entry *e = dict_find(d, DICT_ATTRS, name);
	return e ? (xml_name)e->id : 0;
}
