/* SPDX-License-Identifier: Apache-2.0 */
/* Key and certificate making for `sallyport pki init`: P-256 keys; key files have mode 0600, certificates 0644. Linked
 * into cli only. */
#ifndef NET_PKI_H
#define NET_PKI_H

#include "base/str.h"

struct net_pki_ca;

struct net_pki_ca_settings {
	const char *name; /* subject CN */
	const char *certificate;
	const char *key; /* paths to write; an existing pair is loaded instead */
	unsigned days;
	/* Name constraints: DNS names excluded (and everything below them); may be NULL. */
	const char *const *excluded;
	size_t n_excluded;
};
/* NULL and a message on failure. */
struct net_pki_ca *net_pki_ca(
	const struct net_pki_ca_settings *settings, char *err, size_t err_size);
void net_pki_ca_free(struct net_pki_ca *ca);

/* Writes a leaf with these DNS names (A-labels) and IP addresses, both EKUs, signed by ca. Existing files are kept.
 */
bool net_pki_leaf(struct net_pki_ca *ca, const char *const *names, size_t n, unsigned days,
	const char *certificate, const char *key, char *err, size_t err_size);

/* The SHA-256 of the public key (SubjectPublicKeyInfo) in the first certificate of a file, in hexadecimal. */
bool net_pki_pin(const char *certificate, char ret_hex[65], char *err, size_t err_size);

#endif
