/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/verify.h"

#include "s2s/dialback.h"
#include "s2s/pair_reach.h"
#include "xml/names.h"
#include "xml/writer.h"

enum { KEY_FAILURES_MAX = 16 };

#define VERIFY_OF(link) LIST_OWNER(link, struct member, in_pair)

static void report_refusal(const struct member *m, const char *condition)
{
	struct s2s_event e = stream_event(m->stream, "dialback-failed");

	e.us = m->pair->us;
	e.them = m->pair->them;
	e.warning = true;
	e.text = str_of(condition);
	face_event(m->stream->face, &e);
}

void verify_refuse(struct member *m, const char *condition)
{
	struct s2s_stream *s = m->stream;
	struct s2s_face *f = s->face;
	bool alone = s->n_members == 1;

	*(condition ? &f->counts.keys_error : &f->counts.keys_invalid) += 1;
	report_refusal(m, condition ? condition : "invalid");
	/* With other pairs on the stream it stays up, and the answer says so (section 2.2.1). */
	if (!condition && !alone)
		condition = "forbidden";
	dialback_answer_key(
		s, m->pair->us, m->pair->them, condition ? "error" : "invalid", condition);
	member_free(m);
	if (!condition)
		stream_close(s, CLOSE_KEY_INVALID, STRL(""));
	else if (++s->key_failures >= KEY_FAILURES_MAX && !member_any_valid(s))
		stream_close(s, CLOSE_KEY_FAILURES, STRL(""));
	else if (!s->versioned && alone) /* knows no dialback errors, would wait */
		stream_close(s, CLOSE_KEY_INVALID, STRL(""));
}

static void accept(struct member *m)
{
	struct s2s_stream *s = m->stream;

	s->face->counts.keys_valid++;
	dialback_answer_key(s, m->pair->us, m->pair->them, "valid", NULL);
	member_make_valid(m, S2S_PROOF_DIALBACK);
}

static const char *failure_condition(enum s2s_failure failure)
{
	return failure == S2S_NOT_FOUND  ? "remote-server-not-found"
		: failure == S2S_REFUSED ? "policy-violation"
					 : "remote-server-timeout";
}

static void ask(struct member *m)
{
	struct s2s_stream *s = m->pair->out;
	struct buf *out = &s->face->out;

	buf_append(out, STRL("<db:verify"));
	dialback_put_pair(out, m->pair->us, m->pair->them);
	buf_printf(out, " id=\"%s\">", m->stream->id);
	xml_write_text(out, m->key);
	buf_append(out, STRL("</db:verify>"));
	stream_flush_out(s);
	m->asked = true;
}

void verify_ask_all(struct s2s_pair *p)
{
	LIST_EACH (&p->verifies, it) {
		if (!VERIFY_OF(it)->asked && !VERIFY_OF(it)->proving)
			ask(VERIFY_OF(it));
	}
}

void verify_wait(struct member *m)
{
	struct s2s_stream *s = m->stream;
	struct s2s_face *f = s->face;
	uint64_t until = after(f->now, f->settings.auth_ms);

	timer_set(f, &m->timer, until);
	/* The asker's own deadline waits for the answer. */
	if (s->state == ST_NEGOTIATE && s->phase_until <= until)
		s->phase_until = after(until, 1000);
}

void verify_begin(struct member *m)
{
	struct s2s_pair *p = m->pair;

	verify_wait(m);
	if (p->out && p->out->answerable && stream_is_open(p->out))
		ask(m);
	else if (!p->out && !pair_connect_for_key(p))
		verify_refuse(m, failure_condition(p->failure));
}

void verify_forget_asked(struct s2s_pair *p)
{
	LIST_EACH (&p->verifies, it) {
		VERIFY_OF(it)->asked = false;
	}
}

/* The first whose key their server has to be asked about, or NULL. */
static struct member *first_to_ask(const struct s2s_pair *p)
{
	LIST_EACH (&p->verifies, it) {
		if (!VERIFY_OF(it)->proving)
			return VERIFY_OF(it);
	}
	return NULL;
}

bool verify_any_to_ask(const struct s2s_pair *p)
{
	return first_to_ask(p);
}

/* One after the other from the start: a refusal may end a stream, and with it others. */
void verify_fail_all(struct s2s_pair *p, enum s2s_failure failure)
{
	struct member *m;

	while ((m = first_to_ask(p)))
		verify_refuse(m, failure_condition(failure));
}

static struct member *find_question(struct s2s_pair *p, struct str id)
{
	LIST_EACH (&p->verifies, it) {
		if (VERIFY_OF(it)->asked && str_is(id, VERIFY_OF(it)->stream->id))
			return VERIFY_OF(it);
	}
	return NULL;
}

bool verify_on_answer(struct s2s_stream *s, struct str id, struct str type, struct str condition)
{
	struct member *m = s->pair ? find_question(s->pair, id) : NULL;

	if (!m)
		return false;
	if (str_is(type, "valid"))
		accept(m);
	else if (str_is(type, "invalid"))
		verify_refuse(m, NULL);
	else
		verify_refuse(m,
			str_is(condition, "item-not-found") ? "item-not-found"
							    : "remote-server-timeout");
	return true;
}

void verify_on_timer(struct s2s_face *f, struct timer *t)
{
	verify_refuse(LIST_OWNER(t, struct member, timer), "remote-server-timeout");
}
