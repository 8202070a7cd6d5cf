/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network is shadowed by one that holds it and stands earlier. The key of a network is its bits and their number,
 * so that one look-up for each shorter prefix finds that.
 */
#include "config/networks.h"

#include "config/address.h"

/* Is the network inside one that an earlier statement decides? *ret_key identifies it. */
static const struct str *network_shadow(
	struct parser *p, const struct config_network *n, char key[17])
{
	const struct str *found = NULL;

	memset(key, 0, 17);
	for (unsigned prefix = 0; prefix <= n->prefix; prefix++) {
		if (prefix) {
			unsigned bit = prefix - 1;
			key[bit / 8] |= (char)(n->addr[bit / 8] & (0x80 >> (bit % 8)));
		}
		key[16] = (char)prefix;
		if (!found)
			found = table_find(&p->networks, str_from(key, 17));
	}
	return found;
}

static bool add_network(struct parser *p, bool allow)
{
	struct config_network n = { .allow = allow };
	struct str span;
	char key[17];

	if (!parser_word(p, "a network, as in 192.0.2.0/24", &span))
		return false;
	const char *error = address_network(span, &n);
	if (error) {
		report_at(p->report, span, "not a network: %s", error);
		return false;
	}
	if (!parser_reachable(p, network_shadow(p, &n, key), span))
		return false;
	*OWNED_APPEND(p->arena, p->c->networks, p->c->n_networks) = n;
	table_set(&p->networks, owned_str(p->arena, str_from(key, 17)), parser_remember(p, span));
	return true;
}

bool parse_networks(struct parser *p, bool allow)
{
	static const char *const words[] = { "address" };
	size_t which;
	bool ok = true;

	if (!parser_choice(p, words, 1, &which))
		return false;
	do {
		ok = add_network(p, allow) && ok;
	} while (parser_in_list(p));
	return ok;
}
