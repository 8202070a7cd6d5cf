/* SPDX-License-Identifier: Apache-2.0 */
/* The statements about which addresses may be dialled. */
#ifndef CONFIG_NETWORKS_H
#define CONFIG_NETWORKS_H

#include "config/parser.h"

/* networks = `address` NETWORK..., behind `allow` or `deny` */
bool parse_networks(struct parser *p, bool allow);

#endif
