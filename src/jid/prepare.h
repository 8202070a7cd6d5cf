/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preparation of the three parts of an address. Inputs are valid UTF-8 without NUL and
 * at most JID_PART_MAX bytes; outputs have room for PREPARE_ROOM bytes.
 */
#ifndef JID_PREPARE_H
#define JID_PREPARE_H

#include "jid/jid.h"

enum { PREPARE_ROOM = JID_PART_MAX + 1 };

enum jid_error prepare_local(struct str in, char *out, size_t *ret_len);
enum jid_error prepare_resource(struct str in, char *out, size_t *ret_len);
enum jid_error prepare_domain(struct str in, char *out, size_t *ret_len);

/* The A-label form of a prepared domain. */
enum jid_error prepare_ascii(struct str domain, char *out, size_t *ret_len);

/* What an ASCII character may be in prepared form; a label is a domain without dots. */
enum { CLASS_LOCAL = 1, CLASS_DOMAIN = 2, CLASS_RESOURCE = 4, CLASS_LABEL = 8 };
extern const uint8_t prepare_class[256];

/*
 * A domain name in the preferred ASCII form: labels of 1 to 63 lower-case letters, digits and inner
 * hyphens, two at least, 253 bytes at most, the last label not a number, no IP literal. Labels
 * that begin with xn-- only when a_labels.
 */
bool prepare_is_plain_domain(struct str s, bool a_labels);

#endif
