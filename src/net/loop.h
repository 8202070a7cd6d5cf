/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of a node: one thread, timers, signals, a hook per turn. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_loop;
struct net_timer;

struct net_loop *net_loop_new(void);
void net_loop_run(struct net_loop *loop); /* until net_loop_stop() */
void net_loop_stop(struct net_loop *loop);
/* Closes what is left and frees the loop; connections get their on_closed. Resolvers, DNS servers
 * and control sockets must be closed before. */
void net_loop_free(struct net_loop *loop);

/*
 * Milliseconds of a clock that also goes on while the host is suspended (CLOCK_BOOTTIME), read once per turn. The
 * process may have been stopped since: net_look() reads the clock now.
 */
uint64_t net_now(const struct net_loop *loop);
uint64_t net_look(struct net_loop *loop);
/* Wall clock in milliseconds since 1970. */
uint64_t net_wall_ms(void);

/* How many TLS handshakes of strangers may wait for a thread; what is there now; how many were refused. */
void net_set_handshakes(struct net_loop *loop, unsigned waiting);
void net_get_handshakes(const struct net_loop *loop, uint64_t *ret_waiting, uint64_t *ret_refused);

/* Called at least once per turn after all input was handled and before output is flushed. At
 * most 4. */
void net_on_turn(struct net_loop *loop, void (*fn)(void *user), void *user);

/*
 * Fencing. Nothing leaves a connection, but those of NET_LINK, after the time of net_guard_at() without fn having been
 * called: the clock is read before each write to a socket, since a process can be stopped between any two instructions.
 * fn sets the next time, and may end connections (net_conn_cut(), net_conn_reset()). UINT64_MAX, the default: never.
 */
void net_guard(struct net_loop *loop, void (*fn)(void *user), void *user);
void net_guard_at(struct net_loop *loop, uint64_t at);

/*
 * The loop woke up more than ms later than it had to (the process was stopped, the host suspended): fn is told how much
 * later, before anything is read that came meanwhile.
 */
void net_on_pause(
	struct net_loop *loop, unsigned ms, void (*fn)(void *user, uint64_t ms), void *user);

/* fn runs in the loop when the signal arrives. */
void net_on_signal(
	struct net_loop *loop, int signum, void (*fn)(void *user, int signum), void *user);

/*
 * While input comes often and nobody else wants the processor, look for more at most so long before the thread sleeps
 * (0, the default: not at all): awake.h.
 */
void net_loop_busy_poll(struct net_loop *loop, unsigned ms);
/* Milliseconds that this took so far, when nothing came: no work. */
uint64_t net_loop_looked_ms(const struct net_loop *loop);

/*
 * While full() says so, connections that yield (net_conn_yield()) are not read: their input stays in the kernel, and
 * their peers come to wait. Afterwards they are read in the order in which their input came. It is asked before each of
 * them is read.
 */
void net_loop_hold(struct net_loop *loop, bool (*full)(void *user), void *user);

/* Memory is short: what is kept for later goes back to the heap. Returns how many bytes. */
size_t net_loop_relieve(struct net_loop *loop);

struct net_timer *net_timer_new(struct net_loop *loop, void (*fn)(void *user), void *user);
/* Fires once at (or right after) this time; replaces an earlier setting. UINT64_MAX: never. */
void net_timer_set(struct net_timer *t, uint64_t at);
void net_timer_free(struct net_timer *t);

#endif
