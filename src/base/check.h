/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions that stay on in release builds. check() is for our own bugs only:
 * no byte from a peer, a file or a socket may ever make one fail.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define check(cond)                                                                                \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			check_failed(#cond, __FILE__, __LINE__);                                   \
	} while (0)

/* Writes one line to stderr and aborts; the supervisor restarts the process. */
_Noreturn void check_failed(const char *cond, const char *file, int line);

#endif
