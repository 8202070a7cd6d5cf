/* SPDX-License-Identifier: Apache-2.0 */
/* Stanzas as federated servers send them, 150 to 1500 bytes each. */
#ifndef BENCH_STANZAS_H
#define BENCH_STANZAS_H

#include "base/str.h"

extern const struct str bench_root;
extern const struct str bench_stanzas[];
extern const size_t bench_n_stanzas;

#endif
