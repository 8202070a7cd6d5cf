/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the live nodes carries a pair, from `route` statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "node/choose.h"

/* A node of the link is its name here. */
struct link_peer {
	const char *id;
};

struct str link_peer_id(const struct link_peer *p)
{
	return str_of(p->id);
}

static struct link_peer a = { "outer-a" }, b = { "outer-b" }, m = { "outer-mn" };

#define LINKS                                                                                      \
	"node inner-a\n"                                                                           \
	"link outer-a 10.0.0.1:1 { certificate \"c\" key \"k\" trust \"t\" }\n"                    \
	"link outer-b 10.0.0.2:1 { certificate \"c\" key \"k\" trust \"t\" }\n"                    \
	"link outer-mn 10.0.0.3:1 { certificate \"c\" key \"k\" trust \"t\" }\n"                   \
	"server main 10.2.0.5:5269 { domain example.se allow plaintext }\n"                        \
	"listen s2s 10.2.0.4:5269\n"

static const struct {
	const char *name;
	const char *routes;
	const char *foreign;
	struct link_peer *live[3];
	const char *chosen; /* "": any of the live ones; NULL: none */
} cases[] = {
	{ "no statement", "", "x.example", { &a, &b, &m }, "" },
	{ "nobody is live", "", "x.example", { NULL }, NULL },
	{ "the map", "route *.mil.example via outer-mn\nroute any via any\n", "x.mil.example",
		{ &a, &b, &m }, "outer-mn" },
	{ "the map, and its node is not live",
		"route *.mil.example via outer-mn\nroute any via any\n", "x.mil.example",
		{ &a, &b }, NULL },
	{ "behind the map", "route *.mil.example via outer-mn\nroute any via outer-a\n",
		"x.example", { &a, &b, &m }, "outer-a" },
	{ "first match wins", "route x.example via outer-b\nroute any via outer-a\n", "x.example",
		{ &a, &b }, "outer-b" },
	{ "no statement matches", "route x.example via outer-mn\n", "y.example", { &a, &b }, "" },
	{ "one of two, the other is down", "route any via outer-a outer-b\n", "x.example",
		{ &b, &m }, "outer-b" },
};

static struct config *configure(const char *routes)
{
	char text[2048];
	struct buf errors;

	buf_init(&errors, 65536);
	snprintf(text, sizeof(text), LINKS "%s", routes);
	struct config *c = config_parse(CONFIG_INNER, "t.conf", str_of(text), &errors);
	if (!c)
		fail_msg("%.*s", STR_FMT(buf_bytes(&errors)));
	buf_done(&errors);
	return c;
}

static void chooses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node n = { .config = configure(cases[i].routes) };
		struct link_pair pair = { STR("example.se"), str_of(cases[i].foreign) };
		size_t count = 0;
		while (count < 3 && cases[i].live[count])
			count++;
		choose_prepare(&n);
		const struct link_peer *p = choose_peer(&n, pair, cases[i].live, count);
		const char *want = cases[i].chosen;
		if (!p != !want || (p && want[0] && strcmp(p->id, want) != 0))
			fail_msg("%s: %s", cases[i].name, p ? p->id : "none");
		config_free(n.config);
		free(n.routes);
	}
}

/* A reload counts from the next choice on; the choice stays as long as the nodes do. */
static void follows_a_reload(void **state)
{
	struct config *before = configure("route any via outer-a\n");
	struct config *after = configure("route any via outer-b\n");
	struct node n = { .config = before };
	struct link_pair pair = { STR("example.se"), STR("x.example") };
	struct link_peer *live[] = { &a, &b };

	(void)state;
	choose_prepare(&n);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(choose_peer(&n, pair, live, 2), &a);
	n.config = after;
	choose_prepare(&n);
	assert_ptr_equal(choose_peer(&n, pair, live, 2), &b);
	free(n.routes);
	config_free(before);
	config_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses),
		cmocka_unit_test(follows_a_reload),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
