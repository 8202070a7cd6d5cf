/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers that share their memory against plain copies of what is in them, over random steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/spares.h"

enum { N = 50, STEPS = 200000, LIMIT = 4000, MOST = 1500 };

struct model {
	struct buf buf;
	size_t len;
	char bytes[LIMIT];
};

static size_t memory_of(const struct model *models)
{
	size_t sum = 0;

	for (int i = 0; i < N; i++)
		sum += models[i].buf.cap;
	return sum;
}

static void append(struct spares *s, struct model *m, unsigned *seed)
{
	char bytes[MOST];
	size_t n = (size_t)rand_r(seed) % MOST;

	memset(bytes, 'a' + rand_r(seed) % 26, n);
	spares_take(s, &m->buf);
	/* However large the memory is that it got, its own limit holds. */
	assert_int_equal(buf_append(&m->buf, str_from(bytes, n)), m->len + n <= LIMIT);
	if (m->len + n <= LIMIT) {
		memcpy(m->bytes + m->len, bytes, n);
		m->len += n;
	}
}

static void consume(struct model *m, size_t n)
{
	buf_consume(&m->buf, n);
	memmove(m->bytes, m->bytes + n, m->len - n);
	m->len -= n;
}

static void test_random(void **state)
{
	static struct model models[N];
	struct spares spares;
	size_t before = memory_held();
	unsigned seed = 3;

	spares_init(&spares);
	for (int i = 0; i < N; i++)
		buf_init(&models[i].buf, LIMIT);
	for (int step = 0; step < STEPS; step++) {
		struct model *m = &models[rand_r(&seed) % N];
		if (rand_r(&seed) % 2)
			append(&spares, m, &seed);
		else
			consume(m,
				rand_r(&seed) % 3 ? m->len : (size_t)rand_r(&seed) % (m->len + 1));
		spares_give(&spares, &m->buf);
		assert_true(str_eq(buf_bytes(&m->buf), str_from(m->bytes, m->len)));
		assert_true(m->len || m->buf.cap == 0);
	}
	for (int i = 0; i < N; i++) {
		consume(&models[i], models[i].len);
		spares_give(&spares, &models[i].buf);
	}
	assert_int_equal(memory_of(models), 0);
	assert_true(spares.n > 0 && spares.n <= SPARES_MAX);
	spares_done(&spares);
	assert_int_equal(memory_held(), before);
}

/* One that holds little for long keeps no more than that. */
static void test_little_is_left(void **state)
{
	enum { LARGE = 100000 };
	static char bytes[LARGE];
	struct spares spares;
	struct buf b;

	spares_init(&spares);
	buf_init(&b, 2 * LARGE);
	assert_true(buf_append(&b, str_from(bytes, LARGE)));
	spares_give(&spares, &b);
	assert_true(b.cap >= LARGE);
	buf_consume(&b, LARGE - 10);
	spares_give(&spares, &b);
	assert_int_equal(buf_len(&b), 10);
	assert_true(b.cap < LARGE / 10);
	assert_int_equal(spares.n, 1);
	assert_true(spares_drop(&spares) >= LARGE);
	assert_int_equal(spares.n, 0);
	spares_take(&spares, &b);
	buf_done(&b);
	spares_done(&spares);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_little_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
