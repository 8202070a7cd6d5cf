/* SPDX-License-Identifier: Apache-2.0 */
#include "shared.h"

#define EPOCHS 2000000000000 /* above what the clock says */

void write_entry(struct buf *b, uint64_t revision, const char *owner, const char *wish,
	uint64_t inner, bool other)
{
	struct lease e = { .epoch = EPOCHS + 100 * revision,
		.pair = lab_one,
		.owner = str_of(owner),
		.wish = str_of(wish) };

	if (inner)
		assert_true(lease_join(&e, STRL("inner"), inner));
	if (other)
		assert_true(lease_join(&e, STRL("other"), OTHER_BOOT));
	buf_init(b, LEASE_BYTES_MAX);
	lease_write(&e, b);
}

void win(struct lab *lab, uint64_t revision)
{
	link_answered(lab->nodes[INNER].l, lab->ticket, LINK_WON, revision, STRL(""), lab->now);
	lab_talk(lab);
}

void lose(struct lab *lab, uint64_t revision, const char *owner, const char *wish, uint64_t inner,
	bool other)
{
	struct buf b;

	write_entry(&b, revision, owner, wish, inner, other);
	link_answered(
		lab->nodes[INNER].l, lab->ticket, LINK_LOST, revision, buf_bytes(&b), lab->now);
	buf_done(&b);
	lab_talk(lab);
}

void tell_nth(struct lab *lab, uint64_t nth, uint64_t revision, const char *owner, const char *wish,
	uint64_t inner, bool other)
{
	struct buf b;

	write_entry(&b, nth, owner, wish, inner, other);
	link_told(lab->nodes[INNER].l, revision, buf_bytes(&b), lab->now);
	buf_done(&b);
	lab_talk(lab);
}

void tell(struct lab *lab, uint64_t revision, const char *owner, const char *wish, uint64_t inner,
	bool other)
{
	tell_nth(lab, revision, revision, owner, wish, inner, other);
}

void fail_to_answer(struct lab *lab)
{
	link_answered(lab->nodes[INNER].l, lab->ticket, LINK_UNAVAILABLE, 0, STRL(""), lab->now);
}

void hold(struct lab *lab, bool other)
{
	lab_init_shared(lab, 2);
	lab_send(lab, INNER, lab_one, "r0");
	if (other)
		lose(lab, 4, "a", "", 0, true);
	win(lab, 5);
	lab_pass(lab, 10, ALL);
	HAPPENED(lab,
		other ? "asks 0: a inner/2\nasks 4: a other/9 inner/2\na: r0\n"
		      : "asks 0: a inner/2\na: r0\n");
}
