/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include "base/check.h"
#include "base/count.h"
#include "cli/options.h"
#include "cli/show.h"

enum { EXTRA_MAX = 16, COLUMNS_MAX = 16 };

static bool is_known(const struct section *s, const struct words *extra, const char *key)
{
	for (size_t i = 0; i < extra->n; i++) {
		if (strcmp(extra->word[i], key) == 0)
			return true;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->columns[i].key, key) == 0)
			return true;
	}
	return false;
}

/* Members that hold one value and are in no column. */
static void find_extra(const struct section *s, json_t *rows, struct words *ret_keys)
{
	json_t *value;
	const char *key;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_object_foreach(json_array_get(rows, i), key, value)
		{
			bool scalar = !json_is_object(value) && !json_is_array(value);
			if (scalar && ret_keys->n < EXTRA_MAX && !is_known(s, ret_keys, key))
				words_add(ret_keys, key);
		}
	}
}

/* Is there anything to show in this column? */
static bool is_used(json_t *rows, const char *key)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		if (json_object_get(row, key))
			return true;
	}
	return false;
}

static size_t used_columns(const struct section *s, json_t *rows, const struct column *ret[])
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (is_used(rows, s->columns[i].key))
			ret[n++] = &s->columns[i];
	}
	return n;
}

static void put_titles(
	struct grid *g, const struct column *columns[], size_t n, const struct words *extra)
{
	for (size_t i = 0; i < n; i++) {
		buf_append_c(&g->text, columns[i]->title);
		grid_cell(g);
		if (columns[i]->right)
			grid_right(g, i);
	}
	for (size_t i = 0; i < extra->n; i++) {
		show_safe(&g->text, str_of(extra->word[i]));
		grid_cell(g);
		grid_right(g, n + i);
	}
}

static void put_row(struct grid *g, const struct column *columns[], size_t n,
	const struct words *extra, const json_t *row)
{
	for (size_t i = 0; i < n; i++) {
		columns[i]->put(&g->text, row, columns[i]->key);
		grid_cell(g);
	}
	for (size_t i = 0; i < extra->n; i++) {
		value_plain(&g->text, row, extra->word[i]);
		grid_cell(g);
	}
}

void table_show(struct buf *out, const struct section *s, json_t *rows)
{
	const struct column *columns[COLUMNS_MAX];
	struct words extra = { 0 };
	struct grid g;

	check(s->n <= COUNT(columns));
	if (json_array_size(rows) == 0)
		return;
	find_extra(s, rows, &extra);
	size_t n = used_columns(s, rows, columns);
	if (n + extra.n) {
		grid_init(&g, n + extra.n);
		put_titles(&g, columns, n, &extra);
		for (size_t i = 0; i < json_array_size(rows); i++)
			put_row(&g, columns, n, &extra, json_array_get(rows, i));
		buf_printf(out, "\n%s\n", s->title);
		grid_show(&g, out);
		grid_done(&g);
	}
	words_free(&extra);
}
