/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of the lease table (doc/link.md, section 7), for spin: two inners with a record each share a pair and a table,
 * two outers may own it. Questions are late, and granted after the inner has given up; answers get lost; what a
 * refusal and the watch tell of the entry may be old. Links are cut, outers pause, inners crash and come
 * back. Time is counted in heartbeats.
 *
 * Checked in every state that can be reached:
 *
 *	one owner    whose record an outer writes, that inner holds the pair there, by the entry of this moment; an entry
 *	             names one owner, so no other outer may write
 *	once         within one epoch a record is written once
 *	no loss      an inner forgets a record only when it was written
 *
 * and that the records of both inners are written when the faults stop (the claim below): nobody starves. With GONE one
 * inner is dead for good from the start, has left its row, and the other one must not starve for that.
 *
 * Left out, as ownership.pml has it: the way of heartbeats and echoes, several records, crashes of outers. Here a link
 * is a queue of one frame (open and record in one), a heartbeat and its echo take no time, and an inner may learn at any
 * time what an outer has written, while they are linked. LEASE and DEAD stand for 800 and 1000 ms.
 *
 * tests/model/check runs spin over it. Each of STEAL, TRUST_WATCH, UNFENCED, KEEP_OLD, LONG_LEASE, HOLD_ON, NO_RETRY and
 * INSIST breaks a rule, and must break a promise.
 */

#ifndef FAULTS
#define FAULTS 1
#endif
#ifdef LONG_LEASE
#define LEASE 3
#else
#define LEASE 1
#endif
#define DEAD 2
/* Do other things fail than the table? */
#ifdef TABLE_ONLY
#define BREAKS false
#else
#define BREAKS (faults > 0)
#endif
#define NOBODY 2
#define EPOCHS 30

/* An entry in a byte: owner, holders, whether their rows are of an earlier process, wish (an outer + 1). */
#define OWNER(v) ((v) & 3)
#define HOLDS(v, i) (((v) >> (2 + (i))) & 1)
#define OLD(v, i) (((v) >> (4 + (i))) & 1)
#define WISH(v) ((v) >> 6)
#define ROW(i) (4 << (i))
#define OLD_ROW(i) (16 << (i))
#define WITHOUT(v, i) ((v) & (255 - ROW(i) - OLD_ROW(i)))
#define WITH(v, i) (WITHOUT(v, i) | ROW(i))
#define AGED(v, i) ((v) | (HOLDS(v, i) << (4 + (i))))
#define OWNED_BY(v, o, w) (((v) & 60) | (o) | ((w) << 6))

byte rev = 0, value = 0; /* the table */
byte old_rev = 0, old_value = 0; /* what stood there before: followers may still tell it */

/* Inners. */
byte known_rev[2], known[2];
byte use[2] = NOBODY; /* the outer in use */
byte held[2] = NOBODY; /* the outer of an entry that was won, and since which it asked for none of others */
byte epoch[2]; /* of the channel */
bool settled[2], leaving[2], sealed[2];
bool stays[2]; /* it has given a wish up */
bool sent[2]; /* in this epoch, and on this connection */
bool high[2]; /* in this epoch */
byte age[2] = DEAD; /* ticks since this process began, up to DEAD */
bool asking[2];
byte ticket[2];
byte then[2] = NOBODY; /* to be used when the question is won */
chan question[2] = [2] of { byte, byte, byte }; /* revision expected, value, ticket */
chan answer[2] = [2] of { bool, byte, byte, byte }; /* won, revision, value, ticket */

/* Links and channels; index AT(inner, outer). */
#define AT(i, x) (2 * (i) + (x))
byte silent[4];
byte lease[4] = LEASE;
bool cut[4];
bool greeted[4] = true;
chan frame[4] = [1] of { byte, bool }; /* epoch; a record, or a seal */
byte at_epoch[4]; /* at the outer; 0: none */
bool revoked[4], queued[4], taken[4];
byte wrote_in[4]; /* the epoch in which the record was written */
bool paused[2];

bool written[2];
byte faults = FAULTS;

#define LINKED(i, x) (!cut[AT(i, x)] && !paused[x] && greeted[AT(i, x)])
#define UP(i, x) (greeted[AT(i, x)] && silent[AT(i, x)] < DEAD)
#define MAY_WRITE(i, x) (!paused[x] && queued[AT(i, x)] && !revoked[AT(i, x)] && lease[AT(i, x)] > 0)
#define NEEDED(i) (!settled[i])
#define OTHERS(i) (HOLDS(known[i], 1 - (i)))
#define MINE(i) (HOLDS(known[i], i))
#ifdef KEEP_OLD
#define FENCED(i) true
#else
/* What its earlier process left at an outer cannot be written any more. */
#define FENCED(i) (!OLD(known[i], i) || UP(i, OWNER(known[i])) || age[i] >= DEAD)
#endif
#define FREE(i) (use[i] == NOBODY && !asking[i] && nfull(question[i]))

inline drop(a)
{
	if
	:: nempty(frame[a]) -> frame[a]?_, _
	:: empty(frame[a])
	fi
}

/* --- what an inner asks --- */

inline ask(i, v, next)
{
	ticket[i] = (ticket[i] + 1) % 4;
	question[i]!known_rev[i], v, ticket[i];
	asking[i] = true;
#ifndef HOLD_ON
	if
	:: held[i] != OWNER(v) || !HOLDS(v, i) || OLD(v, i) -> held[i] = NOBODY
	:: else
	fi;
#endif
	then[i] = next
}

#ifdef STEAL
#define MAY_TAKE(i, x) (NEEDED(i) && UP(i, x))
#else
#define MAY_TAKE(i, x) (NEEDED(i) && UP(i, x) && !OTHERS(i) && (FENCED(i) || OWNER(known[i]) == (x)))
#endif
#define MAY_JOIN(i) (NEEDED(i) && OTHERS(i) && UP(i, OWNER(known[i])) && WISH(known[i]) == 0)
#define MAY_WISH(i, x) (NEEDED(i) && OTHERS(i) && !UP(i, OWNER(known[i])) && UP(i, x) && WISH(known[i]) == 0 && FENCED(i))
/* The owner lives, but somebody (here: for once) wants the pair elsewhere. */
#define MAY_ORDER(i, x) (BREAKS && NEEDED(i) && OTHERS(i) && OWNER(known[i]) != (x) && UP(i, x) && \
	WISH(known[i]) == 0 && FENCED(i))
/* Others do not follow: after some time, here at any. */
#ifdef INSIST
#define MAY_GIVE_UP(i) false
#else
#define MAY_GIVE_UP(i) (NEEDED(i) && OTHERS(i) && UP(i, OWNER(known[i])) && WISH(known[i]) != 0 && FENCED(i))
#endif
/* Who gave one up heeds none, as long as the others hold the pair. */
#define HEEDS_WISH(i) (WISH(known[i]) != 0 && !(stays[i] && OTHERS(i)))
#define MAY_LEAVE(i) (MINE(i) && FENCED(i) && (!NEEDED(i) || (OTHERS(i) && WISH(known[i]) != 0)))

proctype asks(byte i)
{
end:	do
	:: atomic { FREE(i) && MAY_TAKE(i, 0) && (WISH(known[i]) != 2 || !UP(i, 1)) ->
		ask(i, WITH(OWNED_BY(known[i], 0, 0), i), 0) }
	:: atomic { FREE(i) && MAY_TAKE(i, 1) && (WISH(known[i]) != 1 || !UP(i, 0)) ->
		ask(i, WITH(OWNED_BY(known[i], 1, 0), i), 1) }
	:: atomic { FREE(i) && MAY_JOIN(i) -> ask(i, WITH(known[i], i), OWNER(known[i])) }
	:: atomic { FREE(i) && MAY_WISH(i, 0) -> ask(i, WITHOUT(OWNED_BY(known[i], OWNER(known[i]), 1), i), NOBODY) }
	:: atomic { FREE(i) && MAY_WISH(i, 1) -> ask(i, WITHOUT(OWNED_BY(known[i], OWNER(known[i]), 2), i), NOBODY) }
	:: atomic { FREE(i) && MAY_ORDER(i, 0) -> faults--;
		ask(i, WITHOUT(OWNED_BY(known[i], OWNER(known[i]), 1), i), NOBODY) }
	:: atomic { FREE(i) && MAY_ORDER(i, 1) -> faults--;
		ask(i, WITHOUT(OWNED_BY(known[i], OWNER(known[i]), 2), i), NOBODY) }
	:: atomic { FREE(i) && MAY_GIVE_UP(i) -> stays[i] = true;
		ask(i, WITH(OWNED_BY(known[i], OWNER(known[i]), 0), i), OWNER(known[i])) }
	:: atomic { FREE(i) && MAY_LEAVE(i) -> ask(i, WITHOUT(known[i], i), NOBODY) }
	od
}

inline start_using(i, x)
{
	assert(epoch[i] < EPOCHS);
	epoch[i]++;
	use[i] = x
}

inline release(i)
{
	use[i] = NOBODY;
	leaving[i] = false;
	sealed[i] = false;
	sent[i] = false;
	high[i] = false
}

proctype hears(byte i)
{
	bool won;
	byte r, v, t;

end:	do
	:: atomic { answer[i]?won, r, v, t ->
		if
		:: asking[i] && t == ticket[i] ->
			asking[i] = false;
			if
			:: won || r > known_rev[i] -> known_rev[i] = r; known[i] = v
			:: else
			fi;
			if
			:: won && then[i] != NOBODY -> held[i] = then[i]
			:: else
			fi;
			if
			:: won && then[i] != NOBODY && UP(i, then[i]) -> start_using(i, then[i])
			:: else
			fi
		:: else /* of a question that was given up */
		fi;
		won = false; r = 0; v = 0; t = 0 }
	/* the watch */
	:: atomic { !asking[i] && old_rev > known_rev[i] -> known_rev[i] = old_rev; known[i] = old_value;
#ifdef TRUST_WATCH
		if
		:: use[i] == NOBODY && NEEDED(i) && UP(i, OWNER(known[i])) -> start_using(i, OWNER(known[i]))
		:: else
		fi
#endif
		}
	:: atomic { !asking[i] && rev > known_rev[i] -> known_rev[i] = rev; known[i] = value }
	/* no answer in time: it gives up, and what it asked may be granted yet */
	:: atomic { faults > 0 && asking[i] -> faults--; asking[i] = false }
#ifndef NO_RETRY
	:: atomic { asking[i] && empty(question[i]) && empty(answer[i]) -> asking[i] = false }
#endif
	od
}

/* --- the table --- */

inline grant(i)
{
	question[i]?r, v, t;
	if
	:: r == rev -> assert(rev < 250); old_rev = rev; old_value = value; rev++; value = v;
		won = true; r = rev
	:: r != rev -> won = false; r = rev; v = value
	:: r != rev && old_rev > r -> won = false; r = old_rev; v = old_value
	fi;
	if
	:: answer[i]!won, r, v, t
	:: faults > 0 -> faults-- /* it is lost */
	fi;
	won = false; r = 0; v = 0; t = 0
}

proctype grants(byte i)
{
	bool won;
	byte r, v, t;

end:	do
	:: atomic { nempty(question[i]) && nfull(answer[i]) -> grant(i) }
	od
}

/* --- channels --- */

proctype sends(byte i)
{
end:	do
	:: atomic { use[i] != NOBODY && !sent[i] && !leaving[i] && NEEDED(i) && LINKED(i, use[i]) && nfull(frame[AT(i, use[i])]) ->
		frame[AT(i, use[i])]!epoch[i], true; sent[i] = true; high[i] = true }
	:: atomic { use[i] != NOBODY && !sent[i] && sealed[i] && LINKED(i, use[i]) && nfull(frame[AT(i, use[i])]) ->
		frame[AT(i, use[i])]!epoch[i], false; sent[i] = true }
	/* nothing moves: again */
	:: atomic { use[i] != NOBODY && sent[i] && !settled[i] && empty(frame[AT(i, use[i])]) && LINKED(i, use[i]) &&
		lease[AT(i, use[i])] > 0 && at_epoch[AT(i, use[i])] < epoch[i] -> sent[i] = false }
	od
}

/* When an inner stops to use an owner. */
proctype judges(byte i)
{
end:	do
	/* what was written is told */
	:: atomic { use[i] != NOBODY && !settled[i] && LINKED(i, use[i]) && taken[AT(i, use[i])] &&
		at_epoch[AT(i, use[i])] == epoch[i] -> assert(written[i]); settled[i] = true }
	:: atomic { use[i] != NOBODY && settled[i] -> release(i) }
	/* what it holds it uses again, without the table */
	:: atomic { use[i] == NOBODY && !asking[i] && NEEDED(i) && held[i] != NOBODY && UP(i, held[i]) && !HEEDS_WISH(i) ->
		start_using(i, held[i]) }
	:: atomic { use[i] != NOBODY && silent[AT(i, use[i])] >= DEAD -> release(i) }
	/* nak revoked */
	:: atomic { use[i] != NOBODY && LINKED(i, use[i]) && at_epoch[AT(i, use[i])] == epoch[i] && revoked[AT(i, use[i])] ->
		release(i) }
	:: atomic { use[i] != NOBODY && !leaving[i] && HEEDS_WISH(i) -> leaving[i] = true }
#ifdef UNFENCED
	:: atomic { use[i] != NOBODY && leaving[i] -> release(i) }
#endif
	:: atomic { use[i] != NOBODY && leaving[i] && !high[i] && !sealed[i] -> release(i) }
	:: atomic { use[i] != NOBODY && leaving[i] && high[i] && !sealed[i] ->
		assert(epoch[i] < EPOCHS); epoch[i]++; sealed[i] = true; sent[i] = false }
	:: atomic { use[i] != NOBODY && sealed[i] && LINKED(i, use[i]) && at_epoch[AT(i, use[i])] == epoch[i] ->
		release(i) }
	od
}

proctype reads(byte i, x)
{
	byte e;
	bool record;

end:	do
	:: atomic { !paused[x] && nempty(frame[AT(i, x)]) -> frame[AT(i, x)]?e, record;
		if
		:: lease[AT(i, x)] > 0 && e > at_epoch[AT(i, x)] ->
			at_epoch[AT(i, x)] = e;
			revoked[AT(i, x)] = false;
			queued[AT(i, x)] = record && !taken[AT(i, x)]
		:: else /* no lease, an older epoch, or a repetition */
		fi;
		e = 0; record = false }
	od
}

inline write(i, x)
{
	assert(OWNER(value) == x && HOLDS(value, i));
	assert(!MAY_WRITE(0, 1 - x) && !MAY_WRITE(1, 1 - x));
	assert(wrote_in[AT(i, x)] != at_epoch[AT(i, x)]);
	wrote_in[AT(i, x)] = at_epoch[AT(i, x)];
	queued[AT(i, x)] = false;
	taken[AT(i, x)] = true;
	if
	:: greeted[AT(i, x)] -> written[i] = true
	:: else /* of a process that is dead */
	fi
}

proctype writes(byte x)
{
end:	do
	:: atomic { MAY_WRITE(0, x) -> write(0, x) }
	:: atomic { MAY_WRITE(1, x) -> write(1, x) }
	od
}

/* --- time, and what goes wrong --- */

inline tick(a, i, x)
{
	if
	:: LINKED(i, x) -> silent[a] = 0; lease[a] = LEASE
	:: else ->
		if
		:: lease[a] > 0 -> lease[a]--
		:: else
		fi;
		if
		:: silent[a] < DEAD -> silent[a]++
		:: else
		fi
	fi;
	if
	:: lease[a] == 0 -> revoked[a] = true; queued[a] = false
	:: else
	fi;
	/* taken for dead: the connection ends, and with it what was under way */
	if
	:: silent[a] == DEAD -> drop(a); cut[a] = true
	:: else
	fi
}

active proctype clock()
{
end:	do
	:: d_step {
		tick(0, 0, 0);
		tick(1, 0, 1);
		tick(2, 1, 0);
		tick(3, 1, 1);
		if
		:: age[0] < DEAD -> age[0]++
		:: else
		fi;
		if
		:: age[1] < DEAD -> age[1]++
		:: else
		fi }
	od
}

proctype network(byte i, x)
{
end:	do
	:: atomic { BREAKS && !cut[AT(i, x)] -> faults--; cut[AT(i, x)] = true; drop(AT(i, x)) }
	/* a new connection: both greet, the inner goes back */
	:: atomic { cut[AT(i, x)] && !paused[x] && greeted[AT(i, x)] -> cut[AT(i, x)] = false;
		silent[AT(i, x)] = 0; lease[AT(i, x)] = LEASE;
		if
		:: use[i] == x -> sent[i] = false
		:: else
		fi }
	/* a new process greets: what the outer knew of the last one is forgotten */
	:: atomic { !greeted[AT(i, x)] && !paused[x] ->
		greeted[AT(i, x)] = true; cut[AT(i, x)] = false;
		at_epoch[AT(i, x)] = 0; wrote_in[AT(i, x)] = 0;
		revoked[AT(i, x)] = false; queued[AT(i, x)] = false; taken[AT(i, x)] = false;
		silent[AT(i, x)] = 0; lease[AT(i, x)] = LEASE }
	od
}

proctype stops(byte x)
{
end:	do
	:: atomic { BREAKS && !paused[x] -> faults--; paused[x] = true }
	:: atomic { paused[x] -> paused[x] = false }
	od
}

/* Its rows are those of a dead process from now on, also in what is under way. */
inline age_all(i)
{
	value = AGED(value, i);
	old_value = AGED(old_value, i);
	known[1 - i] = AGED(known[1 - i], i);
	for (j : 0 .. 1) {
		k = len(question[j]);
		do
		:: k > 0 -> question[j]?r, v, t; question[j]!r, AGED(v, i), t; k--
		:: else -> break
		od;
		k = len(answer[j]);
		do
		:: k > 0 -> answer[j]?won, r, v, t; answer[j]!won, r, AGED(v, i), t; k--
		:: else -> break
		od
	}
	j = 0; k = 0; won = false; r = 0; v = 0; t = 0
}

proctype dies(byte i)
{
	bool won;
	byte j, k, r, v, t;

end:	do
	:: atomic { BREAKS -> faults--;
		age_all(i);
		release(i);
		asking[i] = false; stays[i] = false; held[i] = NOBODY; known[i] = 0; known_rev[i] = 0; age[i] = 0;
		settled[i] = false; written[i] = false;
		greeted[AT(i, 0)] = false; greeted[AT(i, 1)] = false;
		drop(AT(i, 0)); drop(AT(i, 1)) }
	od
}

init {
	byte i, x;
	atomic {
#ifdef GONE
		rev = 1;
		value = AGED(ROW(1), 1);
		greeted[AT(1, 0)] = false;
		greeted[AT(1, 1)] = false;
		for (i : 0 .. 0) {
#else
		for (i : 0 .. 1) {
#endif
			run asks(i);
			run hears(i);
			run grants(i);
			run sends(i);
			run judges(i);
			run dies(i);
			run writes(i);
			run stops(i);
			for (x : 0 .. 1) {
				run reads(i, x);
				run network(i, x)
			}
		}
#ifdef GONE
		run writes(1);
		run stops(1)
#endif
	}
}

#ifdef GONE
ltl settled_all { [] <> (settled[0] || faults > 0) }
#else
ltl settled_all { [] <> ((settled[0] && settled[1]) || faults > 0) }
#endif
