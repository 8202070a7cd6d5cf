/* SPDX-License-Identifier: Apache-2.0 */
/* Requests from the control socket: what is accepted lies inside the first line and is clean text.
 */
#include <stdint.h>

#include "base/check.h"
#include "base/utf8.h"
#include "node/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(struct str bytes, const struct control_request *r)
{
	const char *end = memchr(bytes.p, '\n', bytes.len);

	check(end && r->n_words <= CONTROL_WORDS_MAX);
	for (unsigned i = 0; i < r->n_words; i++) {
		struct str w = r->words[i];
		check(w.len && w.p > bytes.p && w.p + w.len <= end && utf8_is_xml(w));
		for (size_t j = 0; j < w.len; j++)
			check((unsigned char)w.p[j] > ' ' && w.p[j] != 0x7f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_from(data, size);
	struct control_request r;
	const char *error = NULL;

	switch (control_parse(bytes, &r, &error)) {
	case CONTROL_MORE:
		check(size < CONTROL_LINE_MAX && !memchr(bytes.p, '\n', size));
		break;
	case CONTROL_REQUEST:
		check_request(bytes, &r);
		break;
	case CONTROL_BAD:
		check(error);
		break;
	}
	return 0;
}
