/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of the receiving channel only: rx.c, rx_birth.c, rx_open.c, rx_report.c. */
#ifndef LINK_RX_H
#define LINK_RX_H

#include "link/engine.h"

#define SEQ_MAX ((uint64_t)1 << 62)

/* The entry of a record that is delivered and not taken. */
static inline struct rx_entry *rx_entry_of(const struct link_rx *rx, uint64_t seq)
{
	return &rx->ring[seq & (rx->cap - 1)];
}

/* --- rx_birth.c --- */
/* NULL: there are too many. */
struct link_rx *rx_new(struct link_peer *p, struct link_pair pair, uint64_t now);
/* What the program still holds of it is not ours any more: its id changes. */
void rx_renew_id(struct link_rx *rx);
void rx_forget_outstanding(struct link_rx *rx);
void rx_revoke(struct link_rx *rx);

/* --- rx_open.c --- */
struct link_rx *rx_of_number(const struct link_peer *p, uint64_t number);
/* Keeps the rejects of from to to. */
void rx_keep_rejects(struct link_rx *rx, uint64_t from, uint64_t to);

/* --- rx_report.c --- */
/* Sends the word that fits the state: ack, nak or reach. */
void rx_report(struct link_rx *rx);
void rx_ack_soon(struct link_rx *rx, uint64_t now);
void rx_nak_gap(struct link_rx *rx, uint64_t now);
void rx_nak_unknown(struct link_peer *p, uint64_t channel, uint64_t epoch, enum nak_why why);
/* Is it time for another nak, or answer to a frame of an epoch that is over? */
bool rx_may_answer(struct link_rx *rx, uint64_t now);

#endif
