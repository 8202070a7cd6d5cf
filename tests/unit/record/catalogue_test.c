/* SPDX-License-Identifier: Apache-2.0 */
/* The tables themselves, and one instance of each row through all forms. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bench.h"
#include "record/catalogue.h"
#include "record/fit.h"
#include "xml/chars.h"
#include "xml/writer.h"

/* Digest of the tables that belongs to RECORD_CATALOGUE_VERSION: change both together. */
enum { DIGEST = 0x2c3ae045 };

static uint32_t mix(uint32_t h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * 16777619u;
	return h;
}

static uint32_t mix_number(uint32_t h, unsigned n)
{
	uint8_t bytes[] = { (uint8_t)(n >> 8), (uint8_t)n };
	return mix(h, bytes, sizeof(bytes));
}

static uint32_t mix_row(uint32_t h, unsigned number, const struct catalogue_row *row)
{
	h = mix_number(h, number);
	h = mix(h, row->ns.p, row->ns.len + 1);
	h = mix(h, row->name.p, row->name.len + 1);
	h = mix_number(h, (unsigned)row->content << 8 | row->where);
	for (unsigned i = 0; i < row->n_attrs; i++) {
		h = mix_number(h, row->attrs[i].number);
		h = mix_number(h, (unsigned)row->attrs[i].type << 8 | row->attrs[i].required);
	}
	for (unsigned i = 0; i < row->n_kids; i++)
		h = mix_number(mix_number(h, row->kids[i].first), row->kids[i].last);
	return h;
}

static void version_follows_the_tables(void **state)
{
	uint32_t h = 2166136261u;

	for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++) {
		if (catalogue_row(i))
			h = mix_row(h, i, catalogue_row(i));
	}
	for (unsigned i = 1; i < CATALOGUE_ATTRS_END; i++) {
		struct str name = catalogue_attr_name(i);
		if (name.p)
			h = mix(mix_number(h, i), name.p, name.len + 1);
	}
	for (int t = TYPE_FIRST_WORDS; t < TYPE_END; t++) {
		size_t n;
		const struct str *words = catalogue_words((enum value_type)t, &n);
		for (size_t i = 0; i < n; i++)
			h = mix(h, words[i].p, words[i].len + 1);
	}
#define X(id, element, type) h = mix(mix_number(h, id), element " " type, sizeof(element " " type));
	RECORD_CONDITIONS(X)
#undef X
	if ((h & 0x7fffffff) != DIGEST)
		print_message("the digest is now 0x%08x\n", h & 0x7fffffff);
	assert_int_equal(h & 0x7fffffff, DIGEST);
	assert_int_equal(record_catalogue_version(), RECORD_CATALOGUE_VERSION);
}

static void rows_are_sound(void **state)
{
	for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++) {
		const struct catalogue_row *row = catalogue_row(i);
		if (!row)
			continue;
		assert_true(xml_is_ncname(row->name));
		assert_true(row->n_attrs <= CATALOGUE_ATTRS_MAX);
		assert_int_equal(catalogue_find(row->ns, row->name), i);
		assert_int_equal(row->core, str_is(row->ns, "jabber:server"));
		for (unsigned k = 0; k < row->n_attrs; k++) {
			assert_true(catalogue_attr_name(row->attrs[k].number).p);
			assert_true(row->attrs[k].type > TYPE_MIXED);
			assert_true(k == 0 || row->attrs[k - 1].number < row->attrs[k].number);
		}
		for (unsigned k = 0; k < row->n_kids; k++) {
			assert_true(row->kids[k].first <= row->kids[k].last);
			assert_true(
				row->kids[k].first >= EL_ANY_M || catalogue_row(row->kids[k].last));
		}
		/* Where there is a typed text there are no children. */
		assert_true(row->content <= TYPE_MIXED || row->n_kids == 0);
	}
	for (int t = TYPE_FIRST_WORDS; t < TYPE_END; t++) {
		size_t n;
		assert_non_null(catalogue_words((enum value_type)t, &n));
		assert_true(n > 1);
	}
}

static struct str sample(enum value_type type)
{
	static const struct str samples[] = {
		[TYPE_TEXT] = STR("some <text> & \"more\""),
		[TYPE_TOKEN] = STR("token"),
		[TYPE_BOOL] = STR("true"),
		[TYPE_UINT] = STR("4711"),
		[TYPE_INT] = STR("-5"),
		[TYPE_TIME] = STR("2024-02-29T12:34:56.789Z"),
		[TYPE_JID] = STR("hamlet@denmark.example/el'sinore"),
		[TYPE_BASE64] = STR("SGVsbG8gd29ybGQ="),
		[TYPE_URI] = STR("https://example.com/a?b=c&d"),
		[TYPE_LANG] = STR("de-CH-1996"),
	};
	size_t n;

	return type < TYPE_FIRST_WORDS ? samples[type] : catalogue_words(type, &n)[n - 1];
}

enum { ANY_STANZA = IN_M | IN_P | IN_I, STEPS_MAX = 8 };

/* Steps from a stanza to each row, and the row one step nearer. */
static unsigned steps[CATALOGUE_ELEMENTS_END];
static unsigned nearer[CATALOGUE_ELEMENTS_END];

static void find_ways(void)
{
	for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++)
		steps[i] = catalogue_row(i) && catalogue_row(i)->where & ANY_STANZA ? 1 : 0;
	for (unsigned round = 1; round < STEPS_MAX; round++) {
		for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++) {
			struct place p = place_in(&catalogue_rows[i]);
			for (unsigned k = 1; steps[i] == round && k < CATALOGUE_ELEMENTS_END; k++) {
				if (!catalogue_row(k) || steps[k] ||
					!place_admits(&p, k, catalogue_row(k)))
					continue;
				steps[k] = round + 1;
				nearer[k] = i;
			}
		}
	}
}

static void open_tag(struct buf *out, unsigned number, bool all)
{
	const struct catalogue_row *row = catalogue_row(number);

	buf_printf(out, "<%.*s xmlns='%.*s'", STR_FMT(row->name), STR_FMT(row->ns));
	for (unsigned i = 0; i < row->n_attrs; i++) {
		struct attr_rule a = row->attrs[i];
		if (!a.required && !all)
			continue;
		buf_printf(out, " %.*s=\"", STR_FMT(catalogue_attr_name(a.number)));
		xml_write_value(out, sample((enum value_type)a.type));
		buf_append_c(out, "\"");
	}
	buf_append_c(out, ">");
}

static void build(struct buf *out, unsigned number, bool all)
{
	static const char *const kinds[] = { "message", "presence", "iq" };
	unsigned chain[STEPS_MAX] = { number };
	unsigned depth = 1;

	assert_int_not_equal(steps[number], 0);
	for (; steps[chain[depth - 1]] > 1; depth++)
		chain[depth] = nearer[chain[depth - 1]];
	unsigned where = catalogue_row(chain[depth - 1])->where;
	const char *kind = kinds[where & IN_M ? 0 : where & IN_P ? 1 : 2];
	buf_printf(out, "<%s id='x'%s>", kind, where & (IN_M | IN_P) ? "" : " type='set'");
	for (unsigned i = depth; i-- > 0;)
		open_tag(out, chain[i], all);
	const struct catalogue_row *row = catalogue_row(number);
	if (row->content > TYPE_NOTHING)
		xml_write_text(out,
			row->content == TYPE_MIXED ? STRL("mixed")
						   : sample((enum value_type)row->content));
	for (unsigned i = 0; i < depth; i++)
		buf_append(out, catalogue_row(chain[i])->close);
	buf_printf(out, "</%s>", kind);
}

static void pass_row(struct bench *b, unsigned number, bool all)
{
	struct buf xml;

	buf_init(&xml, 1 << 16);
	build(&xml, number, all);
	buf_append(&xml, str_from("", 1));
	const char *text = buf_bytes(&xml).p;
	struct xml_node *e = bench_read(b, b->another, str_of(text));
	assert_int_equal(bench_pass(b, text, PROFILE_STANDARD), COND_NONE);
	if (b->report.stripped)
		print_message("stripped: %s\n", text);
	assert_int_equal(b->report.stripped, 0);
	/* The payload is what it was. */
	for (struct xml_node *x = e->children, *y = b->again.payload; x || y;
		x = x->next, y = y->next) {
		assert_true(x && y);
		if (!bench_same_tree(x, y))
			print_message("%s\nbecame %.*s\n", text, STR_FMT(buf_bytes(&b->xml)));
		assert_true(bench_same_tree(x, y));
	}
	bench_check_fixed_point(b, PROFILE_STANDARD);
	buf_done(&xml);
}

static void every_row_passes(void **state)
{
	struct bench b;

	bench_init(&b);
	find_ways();
	for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++) {
		if (catalogue_row(i)) {
			pass_row(&b, i, false);
			pass_row(&b, i, true);
		}
	}
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_follows_the_tables),
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(every_row_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
