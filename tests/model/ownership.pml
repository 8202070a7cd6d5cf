/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of who owns a pair (doc/link.md, sections 4 to 6), for spin: one sender, two nodes that may own the pair, a
 * network that delays and is cut, nodes that pause and crash. Time is counted in heartbeats.
 *
 * Checked in every state that can be reached:
 *
 *	one owner      no two nodes may write at the same time
 *	once           no node writes a record twice, unless it crashed in between
 *	once an epoch  within one epoch no record is written twice by anybody
 *	no loss        a sender forgets a record only when it was written
 *
 * and that every record is settled when the faults stop (the claim below). Order needs no check: a
 * node writes taken + 1 and nothing else.
 *
 * The claim says nothing as long as a fault is left to happen, so it is checked with FAULTS=0 as well.
 *
 * Left out: windows, rejects, bounces and the age limit, several pairs, a sender that restarts, clocks of different
 * rate. The simulation of the real code has them.
 *
 * tests/model/check runs spin over it; with OUT_OF_ORDER, NO_RESEND or a lease that lasts too long it must find a fault.
 */

#ifndef RECORDS
#define RECORDS 2
#endif
#ifndef FAULTS
#define FAULTS 2 /* delays, pauses, crashes and cuts together */
#endif
#define EPOCHS (3 * FAULTS + 4)
#ifndef LEASE
#define LEASE 2 /* heartbeats: 800 ms */
#endif
#define DEAD 3 /* 1000 ms: more than LEASE is what matters */
#define NOBODY 2
#define NOTHING 255

mtype = { OPEN, DATA, REPORT, REVOKED, FORGOTTEN, HELLO };

/* type, epoch, number */
chan to[2] = [2] of { mtype, byte, byte };
chan from[2] = [2] of { mtype, byte, byte };

/* The sender. */
byte owner = NOBODY;
byte epoch = 0;
byte una = 1; /* the oldest record that is not settled */
byte next = 1; /* the next to send */
bool opened = false; /* the open of this epoch was sent on this connection */
bool confirmed = false; /* the owner has reported on this epoch */
bool rewound = false; /* since the last tick */
byte silent[2]; /* heartbeats since the node was heard */
bool greeted[2] = true; /* nothing is sent to a process before its hello was read */

/* The nodes. */
byte known[2]; /* epoch, 0: none */
bool revoked[2];
byte have[2]; /* received in order */
byte taken[2]; /* written */
byte lease[2] = LEASE; /* heartbeats left */
bool paused[2];

/* One heartbeat of a node is under way at most: its age, and whether it is the echo on its way back. */
byte beat[2] = NOTHING;
bool echo[2];
bool cut[2];
bool beaten[2]; /* one was sent since the last tick */

byte faults = FAULTS;

/* What the assertions remember. */
#define AT(a, record) ((a) * (RECORDS + 1) + (record))
bool wrote[2 * (RECORDS + 1)]; /* by this node since its last crash */
bool wrote_in[(EPOCHS + 1) * (RECORDS + 1)]; /* in this epoch */
bool written[RECORDS + 1]; /* ever */

#define MAY_WRITE(x) (lease[x] > 0 && known[x] != 0 && !revoked[x])
#define ALIVE(x) (silent[x] < DEAD)

/* What finds no room is repeated later. */
inline send(ch, type, e, n)
{
	if
	:: nfull(ch) -> ch!type(e, n)
	:: full(ch)
	fi
}

inline choose()
{
	if
	:: ALIVE(0) -> owner = 0
	:: ALIVE(1) -> owner = 1
	:: !ALIVE(0) && !ALIVE(1) -> owner = NOBODY
	fi;
	if
	:: owner != NOBODY -> assert(epoch < EPOCHS); epoch++
	:: else
	fi;
	opened = false;
	confirmed = false;
	next = una
}

inline settle(upto)
{
	do
	:: una <= upto -> assert(written[una]); una++
	:: else -> break
	od;
	if
	:: next < una -> next = una
	:: else
	fi
}

inline on_frame(x, type, e, n)
{
	silent[x] = 0;
	if
	:: type == HELLO -> greeted[x] = true
	:: else
	fi;
	if
	:: x != owner /* of the past */
	:: x == owner && type == HELLO -> choose() /* another process */
	:: x == owner && type == REPORT && e == epoch -> confirmed = true; settle(n)
	:: x == owner && (type == REVOKED || type == FORGOTTEN) && e == epoch -> choose()
	:: else
	fi
}

#define WORK (una <= RECORDS && owner != NOBODY && greeted[owner])

/* What one node or the sender does is split over several processes, so that weak fairness means: does each of it. */
active proctype sends()
{
end:	do
	:: atomic { WORK && !opened && nfull(to[owner]) ->
		to[owner]!OPEN(epoch, (confirmed -> 0 : una)); opened = true }
	:: atomic { WORK && opened && next <= RECORDS && nfull(to[owner]) ->
		to[owner]!DATA(epoch, next); next++ }
#ifndef NO_RESEND
	/* nothing moved for some time: go back, and ask what was lost */
	:: atomic { WORK && !rewound && opened && next > RECORDS && empty(to[owner]) && empty(from[owner]) &&
		(have[owner] == taken[owner] || !MAY_WRITE(owner)) ->
		next = una; opened = false; rewound = true }
#endif
	od
}

active proctype judges()
{
end:	do
	:: atomic { una <= RECORDS && owner == NOBODY && (ALIVE(0) || ALIVE(1)) -> choose() }
	:: atomic { owner != NOBODY && !ALIVE(owner) -> choose() }
	od
}

proctype hears(byte x)
{
	mtype type;
	byte e, n;

end:	do
	:: atomic { from[x]?type(e, n) -> on_frame(x, type, e, n) }
	od
}

/* base 0: only a question about an epoch that must be known */
inline on_open(x, e, base)
{
	if
	:: lease[x] == 0 /* ignored until there is a lease again */
	:: lease[x] > 0 && e > known[x] && base == 0 -> send(from[x], FORGOTTEN, e, 0)
	:: lease[x] > 0 && e > known[x] && base > 0 ->
		known[x] = e;
		revoked[x] = false;
		/* below base all is settled; what it wrote in an earlier epoch stays written */
		if
		:: taken[x] < base - 1 -> taken[x] = base - 1
		:: else
		fi;
		have[x] = taken[x];
		send(from[x], REPORT, e, taken[x])
	:: lease[x] > 0 && e == known[x] && revoked[x] -> send(from[x], REVOKED, e, 0)
	:: lease[x] > 0 && e == known[x] && !revoked[x] -> send(from[x], REPORT, e, taken[x])
	:: lease[x] > 0 && e < known[x]
	fi
}

inline on_data(x, e, n)
{
	if
	:: lease[x] > 0 && e == known[x] && revoked[x] -> send(from[x], REVOKED, e, 0)
	:: lease[x] > 0 && e == known[x] && !revoked[x] && n == have[x] + 1 -> have[x]++
	:: lease[x] > 0 && e == known[x] && !revoked[x] && n <= have[x] -> send(from[x], REPORT, e, taken[x])
	:: else /* a gap, an older epoch, or no lease */
	fi
}

inline write(x)
{
	assert(!MAY_WRITE(1 - x));
	taken[x]++;
	assert(!wrote[AT(x, taken[x])]);
	assert(!wrote_in[AT(known[x], taken[x])]);
	wrote[AT(x, taken[x])] = true;
	wrote_in[AT(known[x], taken[x])] = true;
	written[taken[x]] = true;
	send(from[x], REPORT, known[x], taken[x])
}

inline drain(ch)
{
	do
	:: ch?_, _, _
	:: empty(ch) -> break
	od
}

inline crash(x)
{
	known[x] = 0;
	revoked[x] = false;
	have[x] = 0;
	taken[x] = 0;
	lease[x] = LEASE; /* hello carries the first one */
	beat[x] = NOTHING;
	i = 1;
	do
	:: i <= RECORDS -> wrote[AT(x, i)] = false; i++
	:: else -> break
	od;
	i = 0;
	drain(to[x]);
	drain(from[x]);
	greeted[x] = false;
	from[x]!HELLO(0, 0)
}

proctype reads(byte x)
{
	mtype type;
	byte e, n;

end:	do
	:: atomic { !paused[x] && to[x]?[type, e, n] -> to[x]?type(e, n);
		if
		:: type == OPEN -> on_open(x, e, n)
		:: type == DATA -> on_data(x, e, n)
		fi }
	od
}

proctype writes(byte x)
{
end:	do
	:: atomic { !paused[x] && MAY_WRITE(x) && have[x] > taken[x] -> write(x) }
	od
}

proctype beats(byte x)
{
end:	do
	:: atomic { !paused[x] && !cut[x] && !beaten[x] && beat[x] == NOTHING ->
		beat[x] = 0; echo[x] = false; beaten[x] = true }
	/* The echo comes in order, behind the frames that were sent before it: else a node that was thought
	 * dead would have a lease again and believe an open of the past. In the protocol the end of the
	 * connection sees to that. */
#ifdef OUT_OF_ORDER
	:: atomic { !paused[x] && beat[x] != NOTHING && echo[x] ->
#else
	:: atomic { !paused[x] && beat[x] != NOTHING && echo[x] && empty(to[x]) ->
#endif
		if
		:: beat[x] < LEASE && LEASE - beat[x] > lease[x] -> lease[x] = LEASE - beat[x]
		:: else
		fi;
		beat[x] = NOTHING; echo[x] = false }
	od
}

proctype fails(byte x)
{
	byte i;

end:	do
	:: atomic { faults > 0 && !paused[x] && !cut[x] -> faults--; crash(x) }
	:: atomic { faults > 0 && !paused[x] -> faults--; paused[x] = true }
	:: atomic { paused[x] -> paused[x] = false }
	od
}

/* What the network does with a node's heartbeats, and with its connection. */
proctype network(byte x)
{
end:	do
	:: atomic { beat[x] != NOTHING && !echo[x] -> silent[x] = 0; echo[x] = true }
	:: atomic { faults > 0 && !cut[x] -> faults--; cut[x] = true; beat[x] = NOTHING; echo[x] = false;
		drain(to[x]); drain(from[x]) }
	/* a new connection: the sender goes back and opens again */
	:: atomic { cut[x] -> drain(to[x]); drain(from[x]); cut[x] = false;
		if
		:: owner == x -> opened = false; next = una
		:: else
		fi }
	od
}

/* A heartbeat takes less than a tick, unless a fault delays it. */
#define PROMPT(x) (paused[x] || cut[x] || (beat[x] == NOTHING && beaten[x]))

inline pass_time(x)
{
	if
	:: silent[x] < DEAD -> silent[x]++
	:: else
	fi;
	if
	:: lease[x] > 0 -> lease[x]--
	:: else
	fi;
	if
	:: lease[x] == 0 && known[x] != 0 -> revoked[x] = true; have[x] = taken[x]
	:: else
	fi;
	if
	:: beat[x] < LEASE -> beat[x]++
	:: else
	fi;
	beaten[x] = false
}

active proctype clock()
{
end:	do
	:: atomic { PROMPT(0) && PROMPT(1) -> pass_time(0); pass_time(1); rewound = false }
	:: atomic { faults > 0 && !(PROMPT(0) && PROMPT(1)) ->
		faults--; pass_time(0); pass_time(1); rewound = false }
	od
}

init {
	byte x;
	atomic {
		for (x : 0 .. 1) {
			run hears(x);
			run reads(x);
			run writes(x);
			run beats(x);
			run fails(x);
			run network(x)
		}
	}
}

ltl settled { [] <> (una > RECORDS || faults > 0) }
