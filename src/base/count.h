/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_COUNT_H
#define BASE_COUNT_H

/* The members of an array; not of a pointer to one. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
