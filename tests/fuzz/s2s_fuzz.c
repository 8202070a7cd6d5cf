/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A face against peers that do anything, in any order. The input is a program: the first
 * byte is the configuration, then commands. Peers say phrases of the protocol or raw bytes; the
 * transport connects, shakes hands, stalls and breaks; the clock moves; the program sends, revokes,
 * reloads and stops. Afterwards every stanza must be accounted for exactly once.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "s2s/face.h"

enum { WIRES = 12, OUTPUT_KEPT = 4096 };

struct wire {
	struct s2s_stream *stream; /* NULL: not in use */
	struct buf in;
	uint64_t written;
	uint64_t taken;
	bool tls;
	bool wants_tls;
	bool paused;
	bool closing;
	bool given_up;
	bool stuck;
	bool incoming;
	bool wants_bidi; /* the peer may have said that it reads stanzas here */
};

#define STANZA "<message>stanza</message>"
enum { RECEIPTS = 8 };

struct peers {
	struct s2s_face *face;
	struct wire wires[WIRES];
	struct s2s_stream *connecting;
	uint64_t now;
	unsigned flags;
	char id[33]; /* the latest stream id and dialback key that the face wrote */
	char key[65];
	uint64_t given, sent, unsent, next_seq;
	uint64_t receipts[RECEIPTS];
	unsigned n_receipts;
	bool room;
	bool resending; /* answers stanzas from within the callback */
};

enum {
	NO_TLS = 1,
	NO_PKIX = 2,
	NO_DIALBACK = 4,
	PROVED = 8,
	BYTES = 16,
	FORBID = 32,
	FENCED = 64,
	NO_BIDI = 128,
	LATER = 256,
	VANISHED = 1024, /* nothing that is written comes through */
	COMPONENT = 512, /* b.example and all of theirs go by a component */
};

#define NS                                                                                         \
	" xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"                   \
	" xmlns:db='jabber:server:dialback'"
#define SASL " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define SM " xmlns='urn:xmpp:sm:3'"
#define COMP " xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'"
#define TLS " xmlns='urn:ietf:params:xml:ns:xmpp-tls'"

/* $ is the latest id, % the latest key. */
static const char *const phrases[] = {
	("<stream:stream" NS " from='a.example' to='b.example' version='1.0'>"),
	("<stream:stream" NS " from='a.example' to='b.example' id='peer' version='1.0'>"),
	("<stream:stream" NS ">"),
	("<stream:stream" NS " from='a2.example' to='b.example' version='1.0'>"),
	("<stream:stream" NS " id='i' from='c.example' to='b2.example'>"),
	("<starttls" TLS "/>"),
	("<proceed" TLS "/>"),
	("<failure" TLS "/>"),
	("<auth" SASL " mechanism='EXTERNAL'>=</auth>"),
	("<auth" SASL " mechanism='EXTERNAL'>YS5leGFtcGxl</auth>"),
	("<success" SASL "/>"),
	("<failure" SASL "><not-authorized/></failure>"),
	("<challenge" SASL "/>"),
	("<stream:features><starttls" TLS "/></stream:features>"),
	("<stream:features><mechanisms" SASL "><mechanism>EXTERNAL</mechanism></mechanisms>"
	 "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>"),
	"<stream:features/>",
	"<db:result from='a.example' to='b.example'>%</db:result>",
	"<db:result from='a2.example' to='b2.example'>00</db:result>",
	"<db:result from='a.example' to='b.example' type='valid'/>",
	"<db:result from='a.example' to='b.example' type='error'/>",
	"<db:verify from='a.example' to='b.example' id='$'>%</db:verify>",
	"<db:verify from='a.example' to='b.example' id='$' type='valid'/>",
	"<db:verify from='a.example' to='b.example' id='$' type='invalid'/>",
	"<db:verify from='a2.example' to='b2.example' id='$' type='valid'/>",
	"<message from='u@a.example/r' to='v@b.example'><body>x</body></message>",
	("<iq from='a2.example' to='b2.example' type='get' id='1'><ping "
	 "xmlns='urn:xmpp:ping'/></iq>"),
	"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
	"</stream:stream>",
	" ",
	"<?xml version='1.0'?>",
	"<presence from='u@a.example' to='@b.example/'/>",
	"<bidi xmlns='urn:xmpp:bidi'/>",
	("<bidi xmlns='urn:xmpp:bidi'><limits "
	 "xmlns='urn:xmpp:stream-limits:0'><max-bytes>20</max-bytes>"
	 "<idle-seconds>40</idle-seconds></limits></bidi>"),
	("<stream:features><mechanisms" SASL "><mechanism>EXTERNAL</mechanism></mechanisms>"
	 "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
	 "<bidi xmlns='urn:xmpp:features:bidi'/></stream:features>"),
	("<stream:features><limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>20</max-bytes>"
	 "<idle-seconds>40</idle-seconds></limits></stream:features>"),
	"<iq from='a.example' to='b.example' type='result' id='idle-$'/>",
	"<message from='u@a2.example' to='v@b2.example'/>",
	"<db:result from='a2.example' to='b.example'>00</db:result>",
	"<stream:features><sm" SM "/></stream:features>",
	"<enable" SM "/>",
	"<enabled" SM "/>",
	"<failed" SM "/>",
	"<resume" SM " previd='x' h='0'/>",
	"<r" SM "/>",
	"<a" SM " h='0'/>",
	"<a" SM " h='1'/>",
	"<a" SM " h='3'/>",
	"<db:result from='a2.example' to='b2.example' type='valid'/>",
	"<db:result from='a2.example' to='b2.example' type='error'/>",
	"<stream:stream" COMP " from='b.example' id='i'>",
	"<stream:stream" COMP " from='a2.example' id='i'>",
	"<stream:stream" COMP ">",
	"<handshake/>",
	"<message xmlns='jabber:client' from='u@a2.example' "
	"to='v@b.example'><body>x</body></message>",
	"<message from='u@c.example' to='v@b.example'/>",
	"<stream:error><not-authorized "
	"xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
	"<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
};

static bool op_plays(void *user, struct str us)
{
	return str_is(us, "b.example") || str_is(us, "b2.example");
}

static struct s2s_rule op_rule(void *user, struct str us, struct str them)
{
	const struct peers *p = user;
	bool component = (p->flags & COMPONENT) && str_is(us, "b.example");

	return (struct s2s_rule){
		.component = component ? STRL("a.example") : STRL(""),
		.allowed = !(p->flags & FORBID) || str_is(them, "a2.example"),
		.tls_required = !(p->flags & NO_TLS),
		.accept_certificate = !(p->flags & NO_PKIX),
		.accept_dialback = !(p->flags & NO_DIALBACK),
		.bidi = !(p->flags & NO_BIDI),
		.share = !(p->flags & NO_BIDI),
	};
}

static void op_key(void *user, struct str to, struct str from, struct str id, char ret_hex[65])
{
	memset(ret_hex, 'a', 64);
	ret_hex[64] = '\0';
	ret_hex[id.len % 64] = 'b';
}

static bool op_handshake(
	void *user, struct str us, struct str them, struct str id, char ret_hex[41])
{
	check(op_rule(user, us, them).component.len && id.len);
	memset(ret_hex, 'c', 40);
	ret_hex[40] = '\0';
	return !(((struct peers *)user)->flags & FENCED);
}

static bool op_check(void *user, struct str to, struct str from, struct str id, struct str key)
{
	char good[65];

	op_key(user, to, from, id, good);
	return str_is(key, good);
}

static bool op_credentials(void *user, struct str us)
{
	return us.len || !(((struct peers *)user)->flags & FENCED);
}

static bool op_may_write(void *user, struct s2s_token token)
{
	return !(((struct peers *)user)->flags & FENCED);
}

static void op_connect(void *user, struct s2s_stream *s, struct str us, struct str them)
{
	struct peers *p = user;

	/* One at a time: an older one stays unanswered until its deadline. */
	p->connecting = s;
}

static void op_cancel(void *user, struct s2s_stream *s)
{
	struct peers *p = user;

	if (p->connecting == s)
		p->connecting = NULL;
}

static void remember(char *ret, size_t len, struct str bytes, const char *before)
{
	size_t n = strlen(before);

	for (size_t i = 0; i + n + len <= bytes.len; i++) {
		if (memcmp(bytes.p + i, before, n) == 0)
			memcpy(ret, bytes.p + i + n, len);
	}
}

static void op_write(void *user, void *transport, struct str bytes)
{
	struct wire *w = transport;
	struct peers *p = user;

	check(w->stream && !w->closing && !w->wants_tls && bytes.len);
	/* Stanzas go to those alone who read them: on streams of ours, and on theirs by their wish. */
	if (w->incoming && str_starts(bytes, STRL(STANZA)))
		check(w->tls && w->wants_bidi);
	w->written += bytes.len;
	remember(p->id, 32, bytes, " id=\"");
	remember(p->key, 64, bytes, "a.example\">");
	for (char *c = p->key; *c; c++) {
		if (*c != 'a' && *c != 'b')
			*c = 'a';
	}
	for (char *c = p->id; *c; c++) {
		if (!(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'f'))
			*c = '0';
	}
}

static void op_start_tls(void *user, void *transport, bool server, struct str us, struct str them)
{
	struct wire *w = transport;

	check(!w->tls && !w->wants_tls);
	w->wants_tls = true;
}

static void op_certificate(
	void *user, void *transport, struct str us, struct str them, struct s2s_certified *ret)
{
	unsigned flags = ((struct peers *)user)->flags;

	check(((struct wire *)transport)->tls);
	ret->why = "not trusted";
	ret->cert = flags & LATER ? S2S_CERT_LATER : S2S_CERT_BAD;
	if ((flags & PROVED) && !(flags & LATER) && str_is(them, "a.example")) {
		ret->cert = S2S_CERT_VALID;
		ret->proof = S2S_PROOF_DANE;
	}
	ret->said[ret->n_said++] = (struct s2s_said){ S2S_PROOF_DANE, "pending", NULL };
}

static const char *op_tls_version(void *user, void *transport)
{
	return NULL;
}

static void op_pause(void *user, void *transport, bool paused)
{
	((struct wire *)transport)->paused = paused;
}

static void op_close(void *user, void *transport)
{
	struct wire *w = transport;

	check(!w->closing || w->given_up);
	w->closing = true;
}

static void op_cut(void *user, void *transport, bool all)
{
	struct wire *w = transport;

	w->closing = w->given_up = true;
}

static bool op_give_up(void *user, void *transport)
{
	struct wire *w = transport;

	w->given_up = ((struct peers *)user)->flags & VANISHED;
	w->closing |= w->given_up;
	return w->given_up;
}

static void op_named(void *user, struct str us, struct str them)
{
	check(op_rule(user, us, them).allowed);
}

static void give(struct peers *p, struct str us, struct str them, uint64_t channel)
{
	enum s2s_failure failure = S2S_TIMEOUT;
	const char *text = NULL;

	if (s2s_send(p->face, us, them, STRL(STANZA), (struct s2s_token){ channel, ++p->next_seq },
		    p->now, &failure, &text))
		p->given++;
	else
		check(text);
}

static bool op_stanza(void *user, const struct s2s_stanza *st)
{
	struct peers *p = user;

	/* Nobody gets here without a proof that the rule once accepted. */
	check(st->proof != S2S_PROOF_NONE && op_plays(user, st->us));
	check(str_eq(st->from.domain, st->them) && str_eq(st->to.domain, st->us));
	s2s_handled(p->face, p->receipts[p->n_receipts % RECEIPTS]);
	p->receipts[p->n_receipts++ % RECEIPTS] = st->receipt;
	if (p->resending)
		give(p, st->us, st->them, 2);
	return p->room;
}

static void op_sent(void *user, struct str us, struct str them, struct s2s_token token)
{
	/* Number 0: an error that the face made. */
	((struct peers *)user)->sent += token.seq != 0;
}

static void op_unsent(void *user, struct str us, struct str them, struct s2s_token token,
	enum s2s_failure failure, const char *text)
{
	struct peers *p = user;

	check(text);
	p->unsent += token.seq != 0;
	/* A program that stubbornly sends again. */
	if (p->resending && token.seq % 4 != 0)
		give(p, us, them, token.channel);
}

static void op_event(void *user, const struct s2s_event *e)
{
	check(e->event);
}

static const struct s2s_ops ops = { op_plays, op_rule, op_key, op_handshake, op_credentials,
	op_check, op_may_write, op_connect, op_cancel, op_write, op_start_tls, op_certificate,
	op_tls_version, op_pause, op_close, op_cut, op_give_up, op_named, op_stanza, op_sent,
	op_unsent, op_event };

static void report_closed(struct peers *p, struct wire *w)
{
	struct s2s_stream *s = w->stream;

	w->stream = NULL;
	buf_done(&w->in);
	s2s_closed(s, "gone", p->now);
}

static void deliver(struct peers *p, struct wire *w)
{
	while (w->stream && buf_len(&w->in) && !w->paused) {
		struct str bytes = buf_bytes(&w->in);
		if (w->wants_tls) {
			report_closed(p, w);
			return;
		}
		if (p->flags & BYTES)
			bytes.len = 1;
		size_t used = s2s_input(w->stream, bytes, p->now);
		check(used <= bytes.len && (used == bytes.len || w->paused));
		buf_consume(&w->in, used);
	}
}

/* Everything that the transport does by itself. */
static void settle(struct peers *p)
{
	for (size_t i = 0; i < WIRES; i++) {
		struct wire *w = &p->wires[i];
		deliver(p, w);
		if (w->stream && !w->stuck && w->taken != w->written) {
			w->taken = w->written;
			s2s_taken(w->stream, w->taken, p->now);
		}
		if (w->stream && w->closing)
			report_closed(p, w);
	}
}

static struct wire *plug(struct peers *p, bool tls)
{
	for (size_t i = 0; i < WIRES; i++) {
		if (!p->wires[i].stream) {
			p->wires[i] = (struct wire){ .tls = tls };
			buf_init(&p->wires[i].in, 1 << 20);
			return &p->wires[i];
		}
	}
	return NULL;
}

static struct wire *accept_one(struct peers *p, bool tls)
{
	struct wire *w = plug(p, tls);

	if (w)
		w->incoming = true;
	if (w)
		w->stream = s2s_accept(p->face, w, tls, p->now);
	return w;
}

static struct wire *connect_one(struct peers *p, bool tls)
{
	struct s2s_stream *s = p->connecting;
	struct wire *w = s ? plug(p, tls) : NULL;

	if (!w)
		return NULL;
	p->connecting = NULL;
	w->stream = s;
	s2s_connected(s, w, tls, p->now);
	return w;
}

/* The wanted connection would lead to where this one does. */
static void join_one(struct peers *p, struct wire *w)
{
	struct s2s_stream *s = p->connecting;

	if (s && w->stream && !w->closing && s2s_join(s, w->stream, p->now))
		p->connecting = NULL;
}

static void refuse_one(struct peers *p)
{
	struct s2s_stream *s = p->connecting;

	p->connecting = NULL;
	if (s)
		s2s_connect_failed(s,
			&(const struct s2s_why){ S2S_NOT_FOUND, "connect", "refused", "listen" },
			p->now);
}

static void shake_hands(struct peers *p, struct wire *w)
{
	if (!w->wants_tls || w->closing)
		return;
	w->wants_tls = false;
	w->tls = true;
	s2s_tls_done(w->stream, p->now);
}

static void say(struct peers *p, struct wire *w, const char *phrase)
{
	w->wants_bidi |= strstr(phrase, "urn:xmpp:bidi") != NULL;
	for (const char *c = phrase; *c; c++) {
		if (*c == '$')
			buf_append_c(&w->in, p->id);
		else if (*c == '%')
			buf_append_c(&w->in, p->key);
		else
			buf_append(&w->in, str_from(c, 1));
	}
}

static void wait(struct peers *p, unsigned ms)
{
	p->now += ms;
	for (int i = 0; i < 20 && s2s_deadline(p->face) <= p->now; i++)
		s2s_tick(p->face, p->now);
}

struct input {
	const uint8_t *p;
	size_t n;
};

static unsigned next(struct input *in)
{
	if (!in->n)
		return 0;
	in->n--;
	return *in->p++;
}

static void say_raw(struct wire *w, struct input *in)
{
	size_t n = next(in);

	n = n < in->n ? n : in->n;
	w->wants_bidi = true;
	buf_append(&w->in, str_from(in->p, n));
	in->p += n;
	in->n -= n;
}

/* What the peers and the network do; w is a wire in use. */
static void act_on_wire(struct peers *p, struct wire *w, unsigned command, struct input *in)
{
	switch (command) {
	case 0:
		say_raw(w, in);
		break;
	case 1:
		shake_hands(p, w);
		break;
	case 2:
		report_closed(p, w);
		break;
	case 3:
		w->stuck = !w->stuck;
		break;
	case 9:
		p->flags &= ~(unsigned)LATER;
		s2s_proved(w->stream, p->now);
		break;
	case 10:
		s2s_judge_again(w->stream, p->now);
		break;
	case 11:
		p->flags ^= LATER;
		break;
	default:
		say(p, w, phrases[next(in) % (sizeof(phrases) / sizeof(phrases[0]))]);
	}
}

static void switch_components(struct peers *p)
{
	p->flags ^= COMPONENT;
	s2s_rejudge(p->face, p->now);
	s2s_keep(p->face, STRL("b.example"), STRL("a.example"), p->now);
}

/* What the program does. */
static void act(struct peers *p, unsigned command, struct input *in)
{
	static const unsigned waits[] = { 1, 1000, 5000, 10000, 30000, 60000, 300000, 600000 };
	unsigned which = next(in);
	struct str us = which % 2 ? STRL("b.example") : STRL("b2.example");
	struct str them = us.len == 9 ? STRL("a.example") : STRL("a2.example");

	switch (command) {
	case 0:
	case 1:
		give(p, us, them, command);
		break;
	case 2:
		if (which & 2)
			switch_components(p);
		else
			s2s_open(p->face, us, them, p->now);
		break;
	case 3:
		s2s_revoke(p->face, us, them, 1);
		break;
	case 4:
		p->room = !p->room;
		s2s_resume(p->face, us, them, p->now);
		break;
	case 5:
		p->flags = next(in);
		s2s_rejudge(p->face, p->now);
		break;
	case 6:
		wait(p, waits[next(in) % 8]);
		break;
	case 7:
		refuse_one(p);
		break;
	case 8:
		if (which & 4)
			s2s_send_away(p->face, p->now);
		else
			s2s_shutdown(p->face, p->now);
		break;
	case 9:
		if (which & 4)
			p->flags ^= VANISHED;
		else
			s2s_drain(p->face, p->now);
		break;
	case 10:
		for (unsigned i = RECEIPTS; i > 0; i--)
			s2s_handled(p->face, p->receipts[i - 1]);
		break;
	case 11:
		join_one(p, &p->wires[next(in) % WIRES]);
		break;
	default:
		p->resending = !p->resending;
	}
}

static uint64_t counter(const struct peers *p, const char *name)
{
	char wanted[40];
	struct buf b;
	struct json j;
	uint64_t n = 0;

	buf_init(&b, 1 << 20);
	json_init(&j, &b);
	json_object(&j, NULL);
	s2s_status(p->face, p->now, &(struct excerpt){ 0 }, &j);
	json_end(&j);
	check(!j.failed && buf_append(&b, STRL("\0")));
	wanted[0] = '"';
	strcpy(wanted + 1, name);
	strcat(wanted, "\":");
	const char *at = strstr(strstr(buf_bytes(&b).p, "\"counters\""), wanted);
	check(at);
	n = strtoull(at + strlen(wanted), NULL, 10);
	buf_done(&b);
	return n;
}

static void finish(struct peers *p)
{
	p->resending = false;
	s2s_shutdown(p->face, p->now);
	for (size_t i = 0; i < WIRES; i++) {
		if (p->wires[i].stream)
			report_closed(p, &p->wires[i]);
	}
	s2s_tick(p->face, p->now);
	check(s2s_streams(p->face) == 0 && s2s_pending(p->face) == 0);
	check(p->given == p->sent + p->unsent + counter(p, "revoked"));
	s2s_face_free(p->face);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char *const fuzz_proves;
const char *const fuzz_proves = "threats E11, E12, E20, E23 peers that do anything in any order";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peers p = { .now = 1000, .room = true };
	struct input in = { data, size };
	struct wire *w = NULL;

	p.flags = next(&in);
	memset(p.id, '0', 32);
	memset(p.key, 'a', 64);
	p.face = s2s_face_new(&s2s_settings_default, &ops, &p);
	while (in.n) {
		unsigned command = next(&in) % 32;
		struct wire *other = NULL;
		if (command < 12 && w && w->stream && !w->closing)
			act_on_wire(&p, w, command, &in);
		else if (command < 14)
			other = accept_one(&p, command == 13);
		else if (command < 16)
			other = connect_one(&p, command == 15);
		else if (command < 19)
			other = &p.wires[next(&in) % WIRES];
		else
			act(&p, command - 19, &in);
		w = other ? other : w;
		settle(&p);
		s2s_flush(p.face, p.now);
	}
	finish(&p);
	return 0;
}
