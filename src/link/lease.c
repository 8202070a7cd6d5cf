/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the shared lease table as bytes. Who wrote them is another inner, perhaps of another release. */
#include "link/lease.h"

#include "base/cbor.h"
#include "base/check.h"

enum { ITEMS = 7, DOMAIN_MAX = 1023 };

static bool fits(struct str s, size_t least, size_t most)
{
	return s.len >= least && s.len <= most;
}

static bool read_holders(struct cbor_reader *r, struct lease *lease)
{
	size_t n = cbor_array(r);

	if (n > LEASE_HOLDERS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct lease_holder h = { 0 };
		bool two = cbor_array(r) == 2;
		h.node = cbor_text(r);
		h.boot = cbor_uint(r);
		if (!two || !fits(h.node, 1, LEASE_NODE_MAX) || lease_holder(lease, h.node))
			return false;
		lease->holders[lease->n_holders++] = h;
	}
	return true;
}

bool lease_read(struct str value, struct lease *ret_lease)
{
	struct cbor_reader r;
	struct lease *l = ret_lease;

	cbor_init(&r, value);
	if (cbor_array(&r) != ITEMS || cbor_uint(&r) != LEASE_FORMAT)
		return false;
	l->epoch = cbor_uint(&r);
	l->pair.local = cbor_text(&r);
	l->pair.foreign = cbor_text(&r);
	l->owner = cbor_text(&r);
	l->wish = cbor_text(&r);
	l->n_holders = 0;
	return read_holders(&r, l) && cbor_end(&r) && fits(l->pair.local, 1, DOMAIN_MAX) &&
		fits(l->pair.foreign, 1, DOMAIN_MAX) && fits(l->owner, 1, LEASE_NODE_MAX) &&
		fits(l->wish, 0, LEASE_NODE_MAX) && l->epoch <= LEASE_EPOCH_MAX;
}

void lease_write(const struct lease *l, struct buf *out)
{
	bool ok = cbor_put_array(out, ITEMS) && cbor_put_uint(out, LEASE_FORMAT) &&
		cbor_put_uint(out, l->epoch) && cbor_put_text(out, l->pair.local) &&
		cbor_put_text(out, l->pair.foreign) && cbor_put_text(out, l->owner) &&
		cbor_put_text(out, l->wish) && cbor_put_array(out, l->n_holders);

	for (size_t i = 0; ok && i < l->n_holders; i++)
		ok = cbor_put_array(out, 2) && cbor_put_text(out, l->holders[i].node) &&
			cbor_put_uint(out, l->holders[i].boot);
	check(ok);
}

static struct lease_holder *find(const struct lease *l, struct str node)
{
	for (size_t i = 0; i < l->n_holders; i++) {
		if (str_eq(l->holders[i].node, node))
			return (struct lease_holder *)(uintptr_t)&l->holders[i];
	}
	return NULL;
}

const struct lease_holder *lease_holder(const struct lease *l, struct str node)
{
	return find(l, node);
}

void lease_leave(struct lease *l, struct str node)
{
	struct lease_holder *h = find(l, node);

	if (h)
		*h = l->holders[--l->n_holders];
}

bool lease_join(struct lease *l, struct str node, uint64_t boot)
{
	struct lease_holder *h = find(l, node);

	if (!h && l->n_holders == LEASE_HOLDERS_MAX)
		return false;
	if (!h)
		h = &l->holders[l->n_holders++];
	*h = (struct lease_holder){ node, boot };
	return true;
}

void lease_show(const struct lease *l, struct json *j)
{
	json_str(j, "owner", l->owner);
	json_u64(j, "epoch", l->epoch);
	if (l->wish.len)
		json_str(j, "wish", l->wish);
	json_array(j, "holders");
	for (size_t i = 0; i < l->n_holders; i++) {
		json_object(j, NULL);
		json_str(j, "node", l->holders[i].node);
		json_u64(j, "boot", l->holders[i].boot);
		json_end(j);
	}
	json_end(j);
}
