/* SPDX-License-Identifier: Apache-2.0 */
/* The steering responder: any bytes as a question. */
#include <stdint.h>
#include <stdlib.h>

#include "inner/steer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_local(void *user, struct str domain)
{
	return str_ends(domain, STRL("example.se"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steer s = { .targets = { { .addr = { 10, 2, 0, 4 } } },
		.n_targets = 1,
		.port = 5269,
		.srv = true,
		.ttl = 30,
		.is_local = is_local };
	struct buf out;

	buf_init(&out, 4096);
	if (steer_answer(&s, str_from(data, size), &out)) {
		struct str answer = buf_bytes(&out);
		/* An answer is a header at least, is an answer, and is not much larger than the question. */
		if (answer.len < 12 || !(answer.p[2] & 0x80) || answer.len > size + 300)
			abort();
	}
	buf_done(&out);
	return 0;
}
