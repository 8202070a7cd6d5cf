/* SPDX-License-Identifier: Apache-2.0 */
/* Any text: no crash, messages when there is an error, and printing and parsing are inverse. */
#include <stdint.h>

#include "base/check.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inverse(const struct config *c)
{
	struct buf once, twice, errors;

	buf_init(&once, 64 << 20);
	buf_init(&twice, 64 << 20);
	buf_init(&errors, 1 << 20);
	check(config_print(c, &once));
	struct config *again = config_parse(c->role, "/f/fuzz.conf", buf_bytes(&once), &errors);
	/* Default values and absolute paths make the text longer, perhaps over the limit of a file.
	 */
	if (again) {
		check(config_print(again, &twice));
		check(str_eq(buf_bytes(&once), buf_bytes(&twice)));
	} else {
		check(buf_len(&once) > 1024 * 1024);
	}
	config_free(again);
	buf_done(&once);
	buf_done(&twice);
	buf_done(&errors);
}

/* The first byte chooses the role. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct str text = str_from(data + 1, size - 1);
	enum config_role role, guessed;
	struct buf errors;

	config_guess_role(text, &guessed);
	role = data[0] == 'i' ? CONFIG_INNER : CONFIG_OUTER;
	buf_init(&errors, 1 << 20);
	struct config *c = config_parse(role, "/f/fuzz.conf", text, &errors);
	check((c == NULL) == (buf_len(&errors) > 0));
	if (c)
		inverse(c);
	config_free(c);
	buf_done(&errors);
	return 0;
}
