/* SPDX-License-Identifier: Apache-2.0 */
/* A struct config with the arena that holds everything it points to. */
#ifndef CONFIG_OWNED_H
#define CONFIG_OWNED_H

#include "base/arena.h"
#include "base/check.h"
#include "config/config.h"

struct config_owned {
	struct config c; /* first: config_free() gets its address */
	struct arena arena;
};

struct config_owned *owned_new(enum config_role role);

/* A zero-terminated copy. */
struct str owned_str(struct arena *a, struct str s);

/* Room for one more at the end of an array of n items of this size; the array may move. */
void *owned_grow(struct arena *a, void *array, size_t n, size_t size);

/* Appends a cleared row and gives its address. */
#define OWNED_APPEND(arena, array, n)                                                              \
	((array) = owned_grow((arena), (array), (n), sizeof((array)[0])), &(array)[(n)++])

#endif
