/* SPDX-License-Identifier: Apache-2.0 */
/* The heap against a plain search, over random steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"

enum { N = 200 };

static struct heap_node *least(struct heap_node *nodes)
{
	struct heap_node *best = NULL;

	for (int i = 0; i < N; i++) {
		if (heap_holds(&nodes[i]) && (!best || nodes[i].key < best->key))
			best = &nodes[i];
	}
	return best;
}

static void test_random(void **state)
{
	struct heap_node nodes[N] = { 0 };
	struct heap h;
	unsigned seed = 7;

	heap_init(&h);
	for (int step = 0; step < 50000; step++) {
		struct heap_node *n = &nodes[rand_r(&seed) % N];
		if (rand_r(&seed) % 3)
			heap_set(&h, n, (uint64_t)rand_r(&seed) % 1000);
		else
			heap_remove(&h, n);
		const struct heap_node *best = least(nodes), *top = heap_top(&h);
		assert_int_equal(best != NULL, top != NULL);
		assert_true(!best || best->key == top->key);
	}
	heap_done(&h);
}

static void test_drain(void **state)
{
	struct heap_node nodes[N] = { 0 };
	struct heap h;
	struct heap_node *top;
	uint64_t last = 0;
	int n = 0;

	heap_init(&h);
	for (int i = 0; i < N; i++)
		heap_set(&h, &nodes[i], (uint64_t)(i * 7919 % N));
	while ((top = heap_top(&h))) {
		assert_true(top->key >= last);
		last = top->key;
		heap_remove(&h, top);
		heap_remove(&h, top);
		n++;
	}
	assert_int_equal(n, N);
	heap_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
