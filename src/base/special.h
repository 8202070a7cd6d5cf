/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses that stand for no host of the Internet: what a name of a peer must not lead us to, and what
 * content from outside must not lead a client to (RFC 6890 and its successors, doc/threats.md I1).
 */
#ifndef BASE_SPECIAL_H
#define BASE_SPECIAL_H

/* What is special about an address, a word as in "private"; NULL: nothing. Bytes in network order. */
const char *special_v4(const unsigned char addr[4]);
/* The same; an IPv4 address that is carried in an IPv6 one is judged as what it is. */
const char *special_v6(const unsigned char addr[16]);

#endif
