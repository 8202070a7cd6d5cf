/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in configuration texts, read and written without sockets. */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include "config/config.h"

enum { ADDRESS_TEXT = 64 }; /* bytes that hold any address with port or prefix, and a zero */

/* Each returns NULL, or a static text that says what is wrong; the result is in the usual short
 * form. */

/* "192.0.2.1:5269" or "[2001:db8::1]:5269" */
const char *address_port(struct str s, char ret[ADDRESS_TEXT]);
/* "192.0.2.1" or "2001:db8::1" */
const char *address_ip(struct str s, char ret[ADDRESS_TEXT]);
/* "192.0.2.0/24" or "2001:db8::/32"; an address alone is a network of one. Sets addr and prefix. */
const char *address_network(struct str s, struct config_network *ret);

/* The text of a network. */
void address_network_text(const struct config_network *n, char ret[ADDRESS_TEXT]);

/* The IP part of what address_port() gave. */
struct str address_host(struct str addr);
/* Is it of 127.0.0.0/8, or ::1? */
bool address_is_loopback(struct str ip);
/* Is it 0.0.0.0 or ::? */
bool address_is_wildcard(struct str ip);

#endif
