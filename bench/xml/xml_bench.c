/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Throughput of the reader, of expat with handlers that do nothing, and of the
 * writer, in one process and in turn: one JSON line for each way of feeding.
 * Ours builds a tree with numbered names; expat builds nothing. expat gets its stanzas
 * without reparse deferral, as a gateway would have to use it.
 *
 *	xml_bench [seconds for each line, default 2]
 */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/json.h"
#include "stanzas.h"
#include "xml/names.h"
#include "xml/reader.h"
#include "xml/writer.h"

enum { PLENTY = 64 << 20, REPEAT = 40, ROUNDS = 15 };

struct feed {
	const char *name;
	struct str *pieces;
	size_t n;
	size_t bytes;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void learn_tree(struct xml_dict *d, const struct xml_node *e, xml_name *id)
{
	if (!xml_dict_elem(d, xml_dict_ns(d, e->ns), e->name))
		xml_dict_add_elem(d, str_dup(e->ns), str_dup(e->name), ++*id);
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		struct str name = a->ns.len ? STRL("xml:lang") : a->name;
		if (!xml_dict_attr(d, name))
			xml_dict_add_attr(d, str_dup(name), ++*id);
	}
	for (const struct xml_node *c = e->children; c; c = c->next) {
		if (c->kind == XML_ELEM)
			learn_tree(d, c, id);
	}
}

/* A dictionary of the names in the stanzas, as the catalogue makes one. */
static struct xml_dict *learn(void)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct xml_dict *d = xml_dict_new();
	struct str in = bench_root;
	xml_name id = 0;

	check(xml_reader_next(r, &in) == XML_OPEN);
	for (size_t i = 0; i < bench_n_stanzas; i++) {
		in = bench_stanzas[i];
		check(xml_reader_next(r, &in) == XML_STANZA);
		learn_tree(d, xml_reader_node(r), &id);
	}
	xml_reader_free(r);
	return d;
}

/* Cuts what all holds into pieces of n bytes; 0: one for each stanza. */
static struct feed make_feed(const char *name, struct str all, size_t n)
{
	struct feed f = { .name = name };

	f.pieces = calloc(n ? all.len / n + 1 : REPEAT * bench_n_stanzas, sizeof(*f.pieces));
	check(f.pieces);
	f.bytes = all.len;
	while (all.len) {
		size_t len = n ? n : bench_stanzas[f.n % bench_n_stanzas].len;
		if (len > all.len)
			len = all.len;
		f.pieces[f.n++] = str_from(all.p, len);
		all = str_skip(all, len);
	}
	return f;
}

static size_t read_ours(struct xml_reader *r, const struct feed *f)
{
	size_t stanzas = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct str in = f->pieces[i];
		enum xml_event e;
		while ((e = xml_reader_next(r, &in)) == XML_STANZA)
			stanzas++;
		check(e == XML_MORE);
	}
	return stanzas;
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
	(void)arg, (void)name, (void)atts;
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	(void)arg, (void)name;
}

static void XMLCALL on_text(void *arg, const XML_Char *p, int n)
{
	(void)arg, (void)p, (void)n;
}

static void read_expat(XML_Parser p, const struct feed *f)
{
	for (size_t i = 0; i < f->n; i++)
		check(XML_Parse(p, f->pieces[i].p, (int)f->pieces[i].len, 0) == XML_STATUS_OK);
}

static size_t write_all(struct buf *out, struct xml_node *const *trees)
{
	size_t bytes = 0;

	for (size_t i = 0; i < bench_n_stanzas; i++) {
		buf_clear(out, PLENTY);
		check(xml_write(out, trees[i], STRL(NS_SERVER)));
		bytes += buf_len(out);
	}
	return bytes;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *rates)
{
	qsort(rates, ROUNDS, sizeof(*rates), by_size);
	return rates[ROUNDS / 2];
}

static void print_line(const char *feed, double ours, double expat, double mean_bytes)
{
	struct buf out;
	struct json j;

	buf_init(&out, 4096);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_cstr(&j, "bench", expat > 0 ? "xml-read" : "xml-write");
	json_cstr(&j, "feed", feed);
	json_real(&j, "mean_stanza_bytes", mean_bytes);
	json_real(&j, "ours_mb_s", ours / 1e6);
	json_real(&j, "ours_ns_per_stanza", mean_bytes / ours * 1e9);
	if (expat > 0) {
		json_real(&j, "expat_mb_s", expat / 1e6);
		json_real(&j, "expat_ns_per_stanza", mean_bytes / expat * 1e9);
		json_real(&j, "ratio", ours / expat);
	}
	json_end(&j);
	printf("%.*s\n", STR_FMT(buf_bytes(&out)));
	fflush(stdout);
	buf_done(&out);
}

static void bench_read(const struct feed *f, const struct xml_dict *d, double seconds)
{
	double ours[ROUNDS], expat[ROUNDS], each = seconds / ROUNDS / 2;
	struct xml_reader *r = xml_reader_new(d, &xml_limits_default);
	XML_Parser p = XML_ParserCreateNS(NULL, '\1');
	struct str root = bench_root;

#ifdef EXPAT_CAN_DEFER
	XML_SetReparseDeferralEnabled(p, XML_FALSE);
#endif
	XML_SetElementHandler(p, on_start, on_end);
	XML_SetCharacterDataHandler(p, on_text);
	check(XML_Parse(p, root.p, (int)root.len, 0) == XML_STATUS_OK);
	check(xml_reader_next(r, &root) == XML_OPEN);
	check(read_ours(r, f) == REPEAT * bench_n_stanzas);
	for (int i = 0; i < ROUNDS; i++) {
		double t = now(), n = 0;
		for (; now() < t + each; n++)
			read_ours(r, f);
		ours[i] = n * (double)f->bytes / (now() - t);
		t = now();
		for (n = 0; now() < t + each; n++)
			read_expat(p, f);
		expat[i] = n * (double)f->bytes / (now() - t);
	}
	print_line(f->name, median(ours), median(expat),
		(double)f->bytes / (double)(REPEAT * bench_n_stanzas));
	XML_ParserFree(p);
	xml_reader_free(r);
}

static void bench_write(const struct xml_dict *d, double seconds)
{
	struct xml_reader **readers = calloc(bench_n_stanzas, sizeof(struct xml_reader *));
	struct xml_node **trees = calloc(bench_n_stanzas, sizeof(struct xml_node *));
	double rates[ROUNDS], each = seconds / ROUNDS / 2;
	size_t bytes = 0;
	struct buf out;

	check(readers && trees);
	buf_init(&out, PLENTY);
	for (size_t i = 0; i < bench_n_stanzas; i++) {
		struct str in = bench_root;
		readers[i] = xml_reader_new(d, &xml_limits_default);
		check(xml_reader_next(readers[i], &in) == XML_OPEN);
		in = bench_stanzas[i];
		check(xml_reader_next(readers[i], &in) == XML_STANZA);
		trees[i] = xml_reader_node(readers[i]);
	}
	for (int i = 0; i < ROUNDS; i++) {
		double t = now(), n = 0;
		for (; now() < t + each; n++)
			bytes = write_all(&out, trees);
		rates[i] = n * (double)bytes / (now() - t);
	}
	print_line("tree", median(rates), 0, (double)bytes / (double)bench_n_stanzas);
	for (size_t i = 0; i < bench_n_stanzas; i++)
		xml_reader_free(readers[i]);
	free(readers);
	free(trees);
	buf_done(&out);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
	struct xml_dict *d = learn();
	struct buf all;

	buf_init(&all, PLENTY);
	for (size_t i = 0; i < REPEAT * bench_n_stanzas; i++)
		buf_append(&all, bench_stanzas[i % bench_n_stanzas]);
	struct feed feeds[] = { make_feed("stanza by stanza", buf_bytes(&all), 0),
		make_feed("pieces of 16384 bytes", buf_bytes(&all), 16384),
		make_feed("pieces of 100 bytes", buf_bytes(&all), 100) };
	for (size_t i = 0; i < sizeof(feeds) / sizeof(feeds[0]); i++) {
		bench_read(&feeds[i], d, seconds);
		free(feeds[i].pieces);
	}
	bench_write(d, seconds);
	buf_done(&all);
	xml_dict_free(d);
	return 0;
}
