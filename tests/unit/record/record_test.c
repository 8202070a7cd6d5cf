/* SPDX-License-Identifier: Apache-2.0 */
/* The rules between XML and record: what is stripped, what is refused, what answers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bench.h"
#include "record/catalogue.h"
#include "record/fit.h"
#include "rows.h"

#define M "<message from=\"juliet@example.com/balcony\" to=\"romeo@example.net\""
#define P "<presence from=\"juliet@example.com/balcony\" to=\"romeo@example.net\""
#define I "<iq from=\"juliet@example.com/balcony\" to=\"romeo@example.net\""

struct row {
	const char *name;
	const char *in;
	const char *standard; /* "=": in itself; NULL: see condition */
	const char *open;
	unsigned stripped; /* under standard */
	enum record_condition condition;
};

static const struct row rows[] = {
	{ "threats K4 attributes in our order and quotes",
		"<message id='a' type='chat' to='romeo@example.net' "
		"from='juliet@example.com/balcony'>"
		"<body>x</body></message>",
		M " type=\"chat\" id=\"a\"><body>x</body></message>",
		M " type=\"chat\" id=\"a\"><body>x</body></message>" },
	{ "s2s C13 threats K4 unknown attributes of the stanza go, and are counted",
		M " x=\"1\" xmlns:q=\"urn:q\" q:from=\"y\"/>", M "/>", M "/>", 2 },
	{ "addresses leave prepared",
		"<message from='JULIET@Example.COM./Balcony' to='romeo@example.net'/>",
		"<message from=\"juliet@example.com/Balcony\" to=\"romeo@example.net\"/>",
		"<message from=\"juliet@example.com/Balcony\" to=\"romeo@example.net\"/>" },
	{ "unknown payload", M "><body>x</body><x xmlns=\"urn:x\" a=\"1\"><y/>t</x></message>",
		M "><body>x</body></message>", "=", 1 },
	{ "several unknown", M "><x xmlns=\"urn:x\"/><y xmlns=\"urn:y\"/></message>", M "/>", "=",
		2 },
	{ "unknown child of a known element",
		M "><html xmlns=\"http://jabber.org/protocol/xhtml-im\"><x "
		  "xmlns=\"urn:x\"/></html></message>",
		M "><html xmlns=\"http://jabber.org/protocol/xhtml-im\"/></message>", "=", 1 },
	{ "texts join where mixed content lost an element",
		M "><html xmlns=\"http://jabber.org/protocol/xhtml-im\"><body "
		  "xmlns=\"http://www.w3.org/1999/"
		  "xhtml\">a<script>b</script>c<script/><p>d</p></body></html></message>",
		M "><html xmlns=\"http://jabber.org/protocol/xhtml-im\"><body "
		  "xmlns=\"http://www.w3.org/1999/"
		  "xhtml\">ac<p>d</p></body></html></message>",
		"=", 2 },
	{ "threats K4 unknown attribute of a known element",
		M "><request xmlns=\"urn:xmpp:receipts\" a=\"1\"/></message>",
		M "><request xmlns=\"urn:xmpp:receipts\"/></message>", "=", 1 },
	{ "qualified attribute of a known element",
		M "><request xmlns=\"urn:xmpp:receipts\" xmlns:n1=\"urn:q\" n1:a=\"1\"/></message>",
		M "><request xmlns=\"urn:xmpp:receipts\"/></message>", "=", 1 },
	{ "threats K4 generic attributes in one order",
		M "><x xmlns=\"urn:x\" c=\"3\" xmlns:n1=\"urn:q\" n1:a=\"1\" b=\"2\"/></message>",
		M "/>",
		M "><x xmlns=\"urn:x\" xmlns:n1=\"urn:q\" b=\"2\" c=\"3\" n1:a=\"1\"/></message>",
		1 },
	{ "value that does not fit",
		P "><x xmlns=\"http://jabber.org/protocol/muc#user\"><item "
		  "role=\"king\"/></x></presence>",
		P "><x xmlns=\"http://jabber.org/protocol/muc#user\"/></presence>", "=", 1 },
	{ "required attribute missing",
		M "><replace xmlns=\"urn:xmpp:message-correct:0\"/></message>", M "/>", "=", 1 },
	{ "address in the payload is prepared",
		M "><reply xmlns=\"urn:xmpp:reply:0\" id=\"1\" to=\"Anna@Example.com\"/></message>",
		M "><reply xmlns=\"urn:xmpp:reply:0\" id=\"1\" to=\"anna@example.com\"/></message>",
		M
		"><reply xmlns=\"urn:xmpp:reply:0\" id=\"1\" to=\"anna@example.com\"/></message>" },
	{ "address in the payload is none",
		M "><reply xmlns=\"urn:xmpp:reply:0\" id=\"1\" to=\"@\"/></message>", M "/>", "=",
		1 },
	{ "the unfit stays as it was, also where a part would fit",
		M "><reply xmlns=\"urn:xmpp:reply:0\" a=\"1\" to=\"Anna@Example.com\"/></message>",
		M "/>", "=", 1 },
	{ "number with blanks and a plus", P "><priority> +007\n</priority></presence>",
		P "><priority>7</priority></presence>", P "><priority>7</priority></presence>" },
	{ "minus zero", P "><priority>-0</priority></presence>",
		P "><priority>0</priority></presence>", P "><priority>0</priority></presence>" },
	{ "number that is none", P "><show>dnd</show><priority>high</priority></presence>",
		P "><show>dnd</show></presence>", P "><show>dnd</show></presence>", 1 },
	{ "text in an element of elements",
		P "><x xmlns=\"http://jabber.org/protocol/muc\">join</x></presence>", P "/>", "=",
		1 },
	{ "white space between elements",
		P ">\n <x xmlns=\"http://jabber.org/protocol/muc\">\n  <password>p w </password>\n "
		  "</x>\n</presence>",
		P "><x xmlns=\"http://jabber.org/protocol/muc\"><password>p w "
		  "</password></x></presence>",
		P "><x xmlns=\"http://jabber.org/protocol/muc\"><password>p w "
		  "</password></x></presence>" },
	{ "text between payloads", M ">hello<body>x</body>you</message>",
		M "><body>x</body></message>", M "><body>x</body></message>", 2 },
	{ "element in a body", M "><body>a<b xmlns=\"urn:x\"/></body></message>", M "/>", M "/>",
		1 },
	{ "base64 in lines",
		I " type=\"set\" id=\"1\"><data xmlns=\"http://jabber.org/protocol/ibb\" sid=\"s\" "
		  "seq=\"1\">AQ\n ID</data></iq>",
		I " type=\"set\" id=\"1\"><data xmlns=\"http://jabber.org/protocol/ibb\" sid=\"s\" "
		  "seq=\"1\">AQID</data></iq>",
		I " type=\"set\" id=\"1\"><data xmlns=\"http://jabber.org/protocol/ibb\" sid=\"s\" "
		  "seq=\"1\">AQID</data></iq>" },
	{ "what is no base64 stays",
		I " type=\"set\" id=\"1\"><data xmlns=\"http://jabber.org/protocol/ibb\" sid=\"s\" "
		  "seq=\"1\">AQ\n I*</data></iq>",
		"=", "=" },
	{ "unused bits in base64 stay",
		I " type=\"set\" id=\"1\"><data xmlns=\"http://jabber.org/protocol/ibb\" sid=\"s\" "
		  "seq=\"1\">AR==</data></iq>",
		"=", "=" },
	{ "threats C5 body of jabber:client", M "><body xmlns=\"jabber:client\">x</body></message>",
		M "/>", M "/>", 1 },
	{ "threats C5 body and error of jabber:component:accept",
		M "><body xmlns=\"jabber:component:accept\">x</body>"
		  "<error xmlns=\"jabber:component:accept\"/></message>",
		M "/>", M "/>", 2 },
	{ "jabber:component:accept further inside",
		M "><x xmlns=\"urn:x\"><body "
		  "xmlns=\"jabber:component:accept\">x</body></x></message>",
		M "/>", "=", 1 },
	{ "threats C6 body without namespace", M "><body xmlns=\"\">x</body></message>", M "/>",
		M "/>", 1 },
	{ "threats C6 any element without namespace", M "><x xmlns=\"\"/></message>", M "/>",
		M "/>", 1 },
	{ "unknown element of jabber:server", M "><x/></message>", M "/>", M "/>", 1 },
	{ "no namespace inside of a generic element",
		M "><x xmlns=\"urn:x\"><body xmlns=\"\">x</body></x></message>", M "/>", "=", 1 },
	{ "threats C7 two bodies", M "><body>a</body><body>b</body></message>", "=", "=" },
	{ "threats C8 stanza in a stanza",
		M "><message from=\"a@b.example\"><body>x</body></message></message>", M "/>",
		M "/>", 1 },
	{ "threats C8 iq in a message", M "><iq xmlns=\"jabber:client\" type=\"get\"/></message>",
		M "/>", M "/>", 1 },
	{ "threats C8 forwarded stanza of jabber:server",
		M "><forwarded xmlns=\"urn:xmpp:forward:0\"><message "
		  "xmlns=\"jabber:server\"/></forwarded></message>",
		M "><forwarded xmlns=\"urn:xmpp:forward:0\"/></message>", "=", 1 },
	{ "threats C5 body of jabber:server in a forwarded stanza",
		M "><forwarded xmlns=\"urn:xmpp:forward:0\"><message xmlns=\"jabber:client\"><body "
		  "xmlns=\"jabber:server\">x</body></message></forwarded></message>",
		M "><forwarded xmlns=\"urn:xmpp:forward:0\"><message "
		  "xmlns=\"jabber:client\"/></forwarded></message>",
		M "><forwarded xmlns=\"urn:xmpp:forward:0\"><message "
		  "xmlns=\"jabber:client\"/></forwarded></message>",
		1 },
	{ "threats C9 known name in another namespace",
		M "><body xmlns=\"urn:x\">x</body></message>", M "/>", "=", 1 },
	{ "threats C10 prefixes",
		"<s:message xmlns:s='jabber:server' from='juliet@example.com/balcony' "
		"to='romeo@example.net'><s:body>x</s:body></s:message>",
		M "><body>x</body></message>", M "><body>x</body></message>" },
	{ "threats C13 tabs and line ends",
		M " id=\"a&#9;b&#10;c&#13;\"><body>a\t\n&#13;</body></message>", "=", "=" },
	{ "threats C14 double escaping", M "><body>&amp;lt;</body></message>", "=", "=" },
	{ "s2s C15 unknown type of a message is normal", M " type=\"fun\"/>",
		M " type=\"normal\"/>", M " type=\"normal\"/>" },
	{ "empty type of a message is normal", M " type=\"\"/>", M " type=\"normal\"/>",
		M " type=\"normal\"/>" },
	{ "language that is none", M " xml:lang=\"e n\"/>", M "/>", M "/>" },
	{ "language of a body that is none", M "><body xml:lang=\"e n\">x</body></message>", M "/>",
		M "/>", 1 },
	{ "carbon copies and roster pushes are unknown",
		M "><sent xmlns=\"urn:xmpp:carbons:2\"/></message>", M "/>", "=", 1 },
	{ "child elsewhere than its row says",
		M "><item xmlns=\"http://jabber.org/protocol/muc#user\"/></message>", M "/>", "=",
		1 },
	{ "body in a presence", P "><body>x</body></presence>", P "/>", P "/>", 1 },
	{ "s2s C15 unknown type of a presence", P " type=\"fun\"/>", NULL, NULL, 0,
		COND_BAD_REQUEST },
	{ "available is no type", P " type=\"available\"/>", NULL, NULL, 0, COND_BAD_REQUEST },
	{ "empty type of a presence", P " type=\"\"/>", NULL, NULL, 0, COND_BAD_REQUEST },
	{ "s2s C6 iq without id", I " type=\"get\"><ping xmlns=\"urn:xmpp:ping\"/></iq>", NULL,
		NULL, 0, COND_BAD_REQUEST },
	{ "s2s C6 iq with an empty id",
		I " type=\"get\" id=\"\"><ping xmlns=\"urn:xmpp:ping\"/></iq>", NULL, NULL, 0,
		COND_BAD_REQUEST },
	{ "s2s C6 iq without type", I " id=\"1\"><ping xmlns=\"urn:xmpp:ping\"/></iq>", NULL, NULL,
		0, COND_BAD_REQUEST },
	{ "s2s C6 iq of unknown type",
		I " type=\"put\" id=\"1\"><ping xmlns=\"urn:xmpp:ping\"/></iq>", NULL, NULL, 0,
		COND_BAD_REQUEST },
	{ "s2s C6 iq request without payload", I " type=\"set\" id=\"1\"/>", NULL, NULL, 0,
		COND_BAD_REQUEST },
	{ "s2s C6 iq request with text only", I " type=\"set\" id=\"1\">x</iq>", NULL, NULL, 0,
		COND_BAD_REQUEST },
	{ "threats G7 iq request with two payloads",
		I " type=\"get\" id=\"1\"><ping xmlns=\"urn:xmpp:ping\"/><ping "
		  "xmlns=\"urn:xmpp:ping\"/></iq>",
		NULL, NULL, 0, COND_BAD_REQUEST },
	{ "iq request whose payload is unknown",
		I " type=\"get\" id=\"1\"><x xmlns=\"urn:x\"/></iq>", NULL, "=", 1,
		COND_NOT_ACCEPTABLE },
	{ "iq result whose payload is unknown",
		I " type=\"result\" id=\"1\"><x xmlns=\"urn:x\"/></iq>",
		I " type=\"error\" id=\"1\"><error type=\"modify\"><not-acceptable "
		  "xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>",
		"=", 1 },
	{ "iq result without payload", I " type=\"result\" id=\"1\"/>", "=", "=" },
	{ "iq result with two payloads",
		I " type=\"result\" id=\"1\"><ping xmlns=\"urn:xmpp:ping\"/><ping "
		  "xmlns=\"urn:xmpp:ping\"/></iq>",
		I " type=\"error\" id=\"1\"><error type=\"modify\"><not-acceptable "
		  "xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>",
		I " type=\"error\" id=\"1\"><error type=\"modify\"><not-acceptable "
		  "xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>" },
	{ "iq error that brings its unknown payload back",
		I " type=\"error\" id=\"1\"><x xmlns=\"urn:x\"/><error type=\"cancel\"><gone "
		  "xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>",
		I " type=\"error\" id=\"1\"><error type=\"cancel\"><gone "
		  "xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>",
		"=", 1 },
};

static void check_one(struct bench *b, const struct row *row, enum record_profile profile)
{
	const char *want = profile == PROFILE_OPEN ? row->open : row->standard;
	enum record_condition c = bench_pass(b, row->in, profile);

	name_row(row->name);
	if (!want) {
		if (c != row->condition)
			print_message("%s: %s\n", row->name, record_condition_name(c));
		assert_int_equal(c, row->condition);
		assert_non_null(b->report.reason);
		return;
	}
	if (c != COND_NONE)
		print_message("%s: %s\n", row->name, record_condition_name(c));
	assert_int_equal(c, COND_NONE);
	if (want[0] == '=')
		want = row->in;
	if (!str_is(buf_bytes(&b->xml), want))
		print_message("%s:\n%.*s\n%s\n", row->name, STR_FMT(buf_bytes(&b->xml)), want);
	assert_true(str_is(buf_bytes(&b->xml), want));
	if (profile == PROFILE_STANDARD) {
		if (b->report.stripped != row->stripped)
			print_message("%s: %u stripped\n", row->name, b->report.stripped);
		assert_int_equal(b->report.stripped, row->stripped);
	}
	bench_check_fixed_point(b, profile);
}

static void rules(void **state)
{
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		check_one(&b, &rows[i], PROFILE_STANDARD);
		check_one(&b, &rows[i], PROFILE_OPEN);
	}
	bench_done(&b);
}

static void report_names_what_went(void **state)
{
	struct bench b;

	bench_init(&b);
	assert_int_equal(
		bench_pass(&b,
			M "><a xmlns='urn:1'/><b xmlns='urn:2'/><c/><d xmlns='x'/><d xmlns='x'/>"
			  "<d xmlns='x'/><d xmlns='x'/><d xmlns='x'/><d xmlns='x'/></message>",
			PROFILE_STANDARD),
		COND_NONE);
	assert_int_equal(b.report.stripped, 9);
	assert_true(str_is(b.report.what[0].ns, "urn:1"));
	assert_true(str_is(b.report.what[1].name, "b"));
	assert_true(str_is(b.report.what[2].ns, "jabber:server"));
	assert_true(str_is(b.report.what[RECORD_STRIPPED_MAX - 1].ns, "x"));
	assert_int_equal(
		bench_pass(&b,
			M " odd='1'>text <request xmlns='urn:xmpp:receipts' a='1'/> \n</message>",
			PROFILE_STANDARD),
		COND_NONE);
	assert_int_equal(b.report.stripped, 3);
	assert_true(str_is(b.report.what[0].name, "message"));
	assert_true(str_is(b.report.what[0].attribute, "odd"));
	assert_true(str_is(b.report.what[1].name, ""));
	assert_null(b.report.what[1].attribute.p);
	assert_true(str_is(b.report.what[2].ns, "urn:xmpp:receipts"));
	assert_true(str_is(b.report.what[2].attribute, "a"));
	bench_done(&b);
}

/* What a far node of an older release does not have yet is unknown to it. */
static void older_catalogue(void **state)
{
	static const char text[] =
		M "><body>hi</body><request xmlns='urn:xmpp:receipts'/></message>";
	struct bench b;

	bench_init(&b);
	for (int open = 0; open < 2; open++) {
		struct xml_node *e = bench_read(&b, b.reader, str_of(text));
		b.report.stripped = 0;
		assert_null(fit_payload(&e->children, RECORD_MESSAGE,
			open ? PROFILE_OPEN : PROFILE_STANDARD, EL_RECEIPTS_REQUEST, &b.arena,
			&b.report));
		assert_int_equal(b.report.stripped, open ? 0 : 1);
		assert_int_equal(e->children->id, EL_BODY);
		if (open)
			assert_int_equal(e->children->next->id, EL_GENERIC);
		else
			assert_null(e->children->next);
	}
	assert_int_equal(catalogue_end(RECORD_CATALOGUE_VERSION), CATALOGUE_ELEMENTS_END);
	assert_int_equal(catalogue_end(RECORD_CATALOGUE_VERSION + 1), CATALOGUE_ELEMENTS_END);
	assert_int_equal(catalogue_end(0), catalogue_end(1));
	bench_done(&b);
}

/* The link stays, the element goes. */
static void older_node(void **state)
{
	struct record_limits taking = record_limits_default;
	const struct xml_node *x;
	struct bench b;

	name_row("threats C5 a far node that does not take out jabber:component:accept");
	bench_init(&b);
	taking.strays = true;
	assert_int_equal(
		bench_pass(&b,
			M "><x xmlns='urn:x'/><y xmlns='urn:yyyyyyyyyyyyyyyyyyy'/></message>",
			PROFILE_OPEN),
		COND_NONE);
	/* As long as the other name. */
	struct str sent = buf_bytes(&b.cbor);
	char *at = memmem(sent.p, sent.len, "urn:yyyyyyyyyyyyyyyyyyy", 23);
	assert_non_null(at);
	memcpy(at, "jabber:component:accept", 23);
	bench_decode(&b, PROFILE_OPEN);
	assert_string_equal(b.fault, "namespace of components' streams in a stanza");
	arena_reset(&b.arena);
	assert_null(record_decode(sent, &taking, PROFILE_OPEN, &b.arena, &b.again));
	assert_int_equal(record_restrict(&b.again, PROFILE_OPEN, &b.arena, &b.report), COND_NONE);
	assert_int_equal(b.report.stripped, 1);
	x = b.again.payload;
	assert_true(str_is(x->name, "x"));
	assert_null(x->next);
	bench_done(&b);
}

static void language_of_the_stream(void **state)
{
	struct bench b;
	struct jid jid;
	struct record r;

	bench_init(&b);
	jid_parse_prepared(STRL("a@example.com"), &jid);
	struct xml_node *e = bench_read(&b, b.reader, STRL(M "/>"));
	assert_int_equal(record_from_stanza(e, &jid, &jid, STRL("de"), PROFILE_STANDARD, &b.arena,
				 &r, &b.report),
		COND_NONE);
	assert_true(str_is(r.lang, "de"));
	e = bench_read(&b, b.reader, STRL(M " xml:lang='fr'/>"));
	assert_int_equal(record_from_stanza(e, &jid, &jid, STRL("de"), PROFILE_STANDARD, &b.arena,
				 &r, &b.report),
		COND_NONE);
	assert_true(str_is(r.lang, "fr"));
	bench_done(&b);
}

static void no_stanza(void **state)
{
	static const char *const texts[] = { "<message xmlns='jabber:client'/>", "<features/>",
		"<message xmlns=''/>" };
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(bench_pass(&b, texts[i], PROFILE_OPEN), COND_BAD_REQUEST);
	bench_done(&b);
}

/* The reader's own limit may be higher than the stacks here. */
static void too_deep(void **state)
{
	struct bench b;
	struct buf xml;
	struct xml_limits limits = xml_limits_default;

	bench_init(&b);
	buf_init(&xml, 1 << 20);
	limits.depth = 1000;
	xml_reader_set_limits(b.reader, &limits);
	buf_append_c(&xml, M ">");
	for (int i = 0; i < 300; i++)
		buf_append_c(&xml, "<x xmlns='urn:x'>");
	for (int i = 0; i < 300; i++)
		buf_append_c(&xml, "</x>");
	buf_append_c(&xml, "</message>");
	buf_append(&xml, str_from("", 1));
	assert_int_equal(bench_pass(&b, buf_bytes(&xml).p, PROFILE_OPEN), COND_NOT_ACCEPTABLE);
	assert_string_equal(b.report.reason, "stanza too deep");
	assert_int_equal(bench_pass(&b, buf_bytes(&xml).p, PROFILE_STANDARD), COND_NONE);
	buf_done(&xml);
	bench_done(&b);
}

static const struct {
	const char *in;
	const char *want; /* NULL: is not answered */
} errors[] = {
	{ M " id=\"1\"><body>secret</body></message>",
		"<message from=\"romeo@example.net\" to=\"juliet@example.com/balcony\" "
		"type=\"error\" "
		"id=\"1\"><error type=\"wait\" by=\"example.net\"><remote-server-timeout "
		"xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/><text "
		"xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">TLS "
		"failed</text></error>"
		"</message>" },
	{ I " type=\"set\" id=\"1\"><ping xmlns=\"urn:xmpp:ping\"/></iq>",
		"<iq from=\"romeo@example.net\" to=\"juliet@example.com/balcony\" type=\"error\" "
		"id=\"1\"><error type=\"wait\" by=\"example.net\"><remote-server-timeout "
		"xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/><text "
		"xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">TLS "
		"failed</text></error>"
		"</iq>" },
	{ P " type=\"subscribe\"/>",
		"<presence from=\"romeo@example.net\" to=\"juliet@example.com/balcony\" "
		"type=\"error\">"
		"<error type=\"wait\" by=\"example.net\"><remote-server-timeout "
		"xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/><text "
		"xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">TLS "
		"failed</text></error>"
		"</presence>" },
	{ M " type=\"error\"/>", NULL },
	{ I " type=\"result\" id=\"1\"/>", NULL },
	{ I " type=\"error\" id=\"1\"/>", NULL },
	{ P " type=\"error\"/>", NULL },
	{ P " type=\"unavailable\"/>", NULL },
	{ P " type=\"unsubscribe\"/>", NULL },
	{ P " type=\"unsubscribed\"/>", NULL },
};

static void errors_answer(void **state)
{
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct record error, same;
		struct xml_node *e = bench_read(&b, b.another, str_of(errors[i].in));
		assert_int_equal(bench_pass(&b, errors[i].in, PROFILE_STANDARD), COND_NONE);
		bool made = record_make_error(&b.again, COND_REMOTE_SERVER_TIMEOUT, "TLS failed",
			STRL("example.net"), &b.arena, &error);
		assert_int_equal(made, errors[i].want != NULL);
		assert_int_equal(record_stanza_error(e, &b.again.from, &b.again.to,
					 COND_REMOTE_SERVER_TIMEOUT, "TLS failed",
					 STRL("example.net"), &b.arena, &same),
			made);
		if (!made)
			continue;
		buf_clear(&b.xml, SIZE_MAX);
		assert_true(record_write(&error, &b.xml));
		assert_true(str_is(buf_bytes(&b.xml), errors[i].want));
		buf_clear(&b.xml, SIZE_MAX);
		assert_true(record_write(&same, &b.xml));
		assert_true(str_is(buf_bytes(&b.xml), errors[i].want));
		buf_clear(&b.xml, SIZE_MAX);
		assert_true(record_encode(&error, &b.xml));
		assert_null(record_decode(buf_bytes(&b.xml), &record_limits_default,
			PROFILE_STANDARD, &b.arena, &same));
	}
	bench_done(&b);
}

/* A stanza that never became a record is answered as well: it has an unknown type. */
static void malformed_is_answered(void **state)
{
	struct bench b;
	struct record error;
	struct jid from, to;

	bench_init(&b);
	jid_parse_prepared(STRL("juliet@example.com"), &from);
	jid_parse_prepared(STRL("romeo@example.net"), &to);
	struct xml_node *e = bench_read(&b, b.another, STRL(I " type='fun'/>"));
	assert_true(record_stanza_error(
		e, &from, &to, COND_BAD_REQUEST, NULL, STRL(""), &b.arena, &error));
	assert_true(record_write(&error, &b.xml));
	assert_true(str_is(buf_bytes(&b.xml),
		"<iq from=\"romeo@example.net\" to=\"juliet@example.com\" type=\"error\"><error "
		"type=\"modify\"><bad-request "
		"xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>"));
	bench_done(&b);
}

static void errors_without_by(void **state)
{
	struct bench b;
	struct record error;

	bench_init(&b);
	assert_int_equal(bench_pass(&b, M "/>", PROFILE_STANDARD), COND_NONE);
	assert_true(record_make_error(
		&b.again, COND_PEER_LIMIT, NULL, STRL("gateway.example"), &b.arena, &error));
	buf_clear(&b.xml, SIZE_MAX);
	assert_true(record_write(&error, &b.xml));
	assert_true(str_is(buf_bytes(&b.xml),
		"<message from=\"romeo@example.net\" to=\"juliet@example.com/balcony\" "
		"type=\"error\"><error type=\"modify\"><policy-violation "
		"xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></message>"));
	bench_done(&b);
}

static void all_conditions(void **state)
{
	struct bench b;
	struct record error;

	bench_init(&b);
	assert_int_equal(bench_pass(&b, M "/>", PROFILE_STANDARD), COND_NONE);
	assert_false(record_condition_valid(COND_NONE));
	assert_false(record_condition_valid(COND_PEER_LIMIT + 1));
	for (unsigned c = COND_BAD_REQUEST; c <= COND_PEER_LIMIT; c++) {
		assert_true(record_condition_valid(c));
		assert_true(record_make_error(
			&b.again, (enum record_condition)c, NULL, STRL(""), &b.arena, &error));
		struct xml_node *condition = error.payload->children;
		assert_true(
			str_is(condition->name, record_condition_name((enum record_condition)c)));
		assert_true(condition->id >= EL_STANZAS_BAD_REQUEST &&
			condition->id <= EL_STANZAS_TEXT);
		buf_clear(&b.xml, SIZE_MAX);
		assert_true(record_encode(&error, &b.xml));
		struct record r;
		assert_null(record_decode(
			buf_bytes(&b.xml), &record_limits_default, PROFILE_STANDARD, &b.arena, &r));
	}
	bench_done(&b);
}

static void output_limits(void **state)
{
	struct bench b;
	struct buf small;

	bench_init(&b);
	assert_int_equal(
		bench_pass(&b, M " id='1'><body>x</body><x xmlns='urn:x' a='1'>t<y/></x></message>",
			PROFILE_OPEN),
		COND_NONE);
	for (size_t limit = 0; limit < buf_len(&b.xml); limit++) {
		buf_init(&small, limit);
		assert_false(record_write(&b.again, &small));
		assert_int_equal(buf_len(&small), 0);
		buf_done(&small);
	}
	for (size_t limit = 0; limit < buf_len(&b.cbor); limit++) {
		buf_init(&small, limit);
		assert_false(record_encode(&b.again, &small));
		assert_int_equal(buf_len(&small), 0);
		buf_done(&small);
	}
	bench_done(&b);
}

static void words(void **state)
{
	assert_string_equal(record_kind_word(RECORD_PRESENCE), "presence");
	assert_string_equal(record_type_word(RECORD_GROUPCHAT), "groupchat");
	assert_string_equal(record_type_word(RECORD_NONE), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(report_names_what_went),
		cmocka_unit_test(older_catalogue),
		cmocka_unit_test(older_node),
		cmocka_unit_test(language_of_the_stream),
		cmocka_unit_test(no_stanza),
		cmocka_unit_test(too_deep),
		{ "s2s C8 errors answer as they should", errors_answer, NULL, NULL, NULL },
		{ "s2s H5 an error about another server's limit has no by", errors_without_by, NULL,
			NULL, NULL },
		cmocka_unit_test(malformed_is_answered),
		cmocka_unit_test(all_conditions),
		cmocka_unit_test(output_limits),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
