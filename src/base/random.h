/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills p with n bytes that nobody can predict. */
void random_bytes(void *p, size_t n);

/* A uniformly distributed number in [0, below); below is at least 1. */
uint64_t random_below(uint64_t below);

/* Writes 32 lower-case hexadecimal digits (128 random bits) and a zero byte. */
void random_id(char ret_id[33]);

#endif
