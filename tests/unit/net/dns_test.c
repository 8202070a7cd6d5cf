/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS server's two transports. The handler here answers with the question, marked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/check.h"
#include "net/udp.h"

static unsigned asked_tcp, asked_udp;

static bool handler(
	void *user, struct str question, bool tcp, const struct net_addr *from, struct buf *out)
{
	struct net_addr local;

	check(net_addr_parse(STRL("127.0.0.1:1"), &local) && net_addr_same_host(from, &local));
	*(tcp ? &asked_tcp : &asked_udp) += 1;
	if (str_is(question, "silence"))
		return false;
	if (str_is(question, "large")) {
		char *p = buf_space(out, 1232);
		check(p && !buf_space(out, tcp ? 65536 : 1233));
		memset(p, 'x', 1232);
		buf_commit(out, 1232);
		return true;
	}
	return buf_append_c(out, "re:") && buf_append(out, question);
}

struct asker {
	struct net_loop *loop;
	struct net_addr addr;
	void (*fn)(const struct net_addr *addr);
	struct net_timer *wake;
	pthread_t thread;
	int done;
};

static int open_to(const struct net_addr *addr, int type)
{
	int fd = socket(addr->sa.ss_family, type, 0);

	check(fd >= 0);
	check(connect(fd, (const struct sockaddr *)(const void *)&addr->sa, addr->len) == 0);
	return fd;
}

static void ask_udp(int fd, const char *question, const char *answer)
{
	char reply[2000];

	check(send(fd, question, strlen(question), 0) == (ssize_t)strlen(question));
	if (!answer)
		return;
	ssize_t n = recv(fd, reply, sizeof(reply), 0);
	check(n == (ssize_t)strlen(answer) && memcmp(reply, answer, (size_t)n) == 0);
}

static void over_udp(const struct net_addr *addr)
{
	static char huge[4000];
	char reply[2000];
	int fd = open_to(addr, SOCK_DGRAM);

	ask_udp(fd, "one", "re:one");
	ask_udp(fd, "", NULL);
	check(recv(fd, reply, sizeof(reply), 0) == 3);
	ask_udp(fd, "silence", NULL);
	check(send(fd, huge, sizeof(huge), 0) == sizeof(huge));
	ask_udp(fd, "two", "re:two");
	ask_udp(fd, "large", NULL);
	check(recv(fd, reply, sizeof(reply), 0) == 1232);
	close(fd);
}

static void read_all(int fd, char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = read(fd, p, n);
		check(k > 0);
		p += k;
		n -= (size_t)k;
	}
}

static void over_tcp(const struct net_addr *addr)
{
	static const char two[] = "\0\3one\0\7silence\0\3two";
	static const char answers[] = "\0\6re:one\0\6re:two";
	char reply[64];

	/* In one piece, then byte by byte. */
	for (int piece = 0; piece < 2; piece++) {
		int fd = open_to(addr, SOCK_STREAM);
		size_t n = sizeof(two) - 1;
		for (size_t at = 0; at < n; at += piece ? 1 : n)
			check(write(fd, two + at, piece ? 1 : n) > 0);
		read_all(fd, reply, sizeof(answers) - 1);
		check(memcmp(reply, answers, sizeof(answers) - 1) == 0);
		close(fd);
	}
	/* Half a question and away. */
	int fd = open_to(addr, SOCK_STREAM);
	check(write(fd,
		      "\xff\xff"
		      "abc",
		      5) == 5);
	close(fd);
}

static void *run_asker(void *arg)
{
	struct asker *a = arg;

	a->fn(&a->addr);
	__atomic_store_n(&a->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void on_wake(void *user)
{
	struct asker *a = user;

	if (__atomic_load_n(&a->done, __ATOMIC_ACQUIRE))
		net_loop_stop(a->loop);
	else
		net_timer_set(a->wake, net_now(a->loop) + 5);
}

static void serve_for(void (*fn)(const struct net_addr *addr))
{
	struct asker a = { .fn = fn, .loop = net_loop_new() };
	struct net_addr addr;
	char err[128], text[32];

	/* An address of our own: the port that is free for UDP there must be free for TCP too. */
	unsigned pid = (unsigned)getpid();
	snprintf(text, sizeof(text), "127.%u.%u.1:0", 1 + pid / 250 % 250, 1 + pid % 250);
	check(net_addr_parse(str_of(text), &addr));
	struct net_dns_server *s = net_dns_serve(a.loop, &addr, handler, NULL, err, sizeof(err));
	assert_non_null(s);
	a.addr = *net_dns_addr(s);
	/* The address is taken now. */
	assert_null(net_dns_serve(a.loop, &a.addr, handler, NULL, err, sizeof(err)));
	assert_non_null(strstr(err, "address already in use"));
	a.wake = net_timer_new(a.loop, on_wake, &a);
	net_timer_set(a.wake, net_now(a.loop) + 5);
	assert_int_equal(pthread_create(&a.thread, NULL, run_asker, &a), 0);
	net_loop_run(a.loop);
	pthread_join(a.thread, NULL);
	net_dns_close(s);
	net_loop_free(a.loop);
}

static void test_udp(void **state)
{
	asked_udp = 0;
	serve_for(over_udp);
	assert_int_equal(asked_udp, 5);
}

static void test_tcp(void **state)
{
	asked_tcp = 0;
	serve_for(over_tcp);
	assert_int_equal(asked_tcp, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_tcp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
