/* SPDX-License-Identifier: Apache-2.0 */
/* Mutations of CBOR that keep its structure, so that a fuzzer gets past the first head. */
#ifndef TESTS_FUZZ_CBOR_MUTATE_H
#define TESTS_FUZZ_CBOR_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* The fuzzer's own, blind mutation. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/*
 * Changes one item of the document in data, which has room for max bytes: another value, another
 * item of the document in its place, twice, gone, one deeper. What is no CBOR is mutated blindly. Returns
 * the new size.
 */
size_t cbor_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);

#endif
