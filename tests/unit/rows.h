/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of cases says which of its rows it runs, so that a row's name can be found in the output
 * of a test (see tests/conformance/README.md). cmocka's lines around it tell how it ended.
 */
#ifndef TEST_ROWS_H
#define TEST_ROWS_H

#include <stdio.h>

static inline void name_row(const char *name)
{
	printf("row    %s\n", name);
	fflush(stdout); /* a test that hangs shows where */
}

#endif
