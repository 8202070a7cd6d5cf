/* SPDX-License-Identifier: Apache-2.0 */
/* Makes X.509 certificates for P-256 keys: for the minting CA (mint.c) and the first setup (pki.c).
 */
#ifndef NET_ISSUE_H
#define NET_ISSUE_H

#include <openssl/x509.h>

#include "base/str.h"

struct net_issue_settings {
	const char *subject_cn; /* NULL: O = Sallyport, so that the subject is not empty */
	const struct str *names; /* DNS names, A-labels */
	size_t n_names;
	bool addresses; /* names that are IP addresses are written as such */
	bool is_ca; /* path length 0 */
	const char *const *excluded; /* DNS name constraints of a CA */
	size_t n_excluded;
	X509 *issuer; /* NULL: self-signed */
	EVP_PKEY *issuer_key;
	EVP_PKEY *key;
	long long from_s; /* seconds since 1970 */
	long long to_s;
};

EVP_PKEY *net_issue_key(void);
/* NULL when a name does not fit. */
X509 *net_issue(const struct net_issue_settings *settings);

#endif
