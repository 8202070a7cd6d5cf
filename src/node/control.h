/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control protocol between the daemons and the `sallyport` command: one line of request (at most 1024
 * bytes: a verb and words, separated by spaces), answered by lines; the daemon closes at the end. An answer to every
 * verb but `trace` and `test` is one JSON object; `trace` answers with lines until the client closes.
 *
 *	status [DOMAIN...]  node, links, pairs, streams, counters; of the lists what these domains have to do with, or
 *	                    a few hundred entries of each, and how many there are
 *	reload              reads the configuration again
 *	test LOCAL FOREIGN  opens a stream to this foreign domain as that local one ("*": any), and tells each step
 *	                    in one JSON object; the last has "step":"result". Only outer does.
 *	trace LOCAL FOREIGN one JSON object per record of this pair, both directions ("*" for any)
 *	cluster [DOMAIN...] nodes, and the places of pairs that this node sends on, likewise
 *	drain NODE          no pairs of this node go to that one any more, or, of itself: no pairs come here
 *	undrain NODE        takes that back
 *	move LOCAL FOREIGN NODE  puts the pair to that node and holds it there; "any": it is not held any more
 *	expel INNER BOOT    this process of another inner is dead for good, and its leases do not count any more
 *	ping                {"ok":true}
 *
 * The parser here is pure and is the only reader of bytes from that socket.
 */
#ifndef NODE_CONTROL_H
#define NODE_CONTROL_H

#include "base/buf.h"
#include "base/str.h"

enum { CONTROL_LINE_MAX = 1024, CONTROL_WORDS_MAX = 4 };

enum control_verb {
	CONTROL_STATUS,
	CONTROL_RELOAD,
	CONTROL_TRACE,
	CONTROL_TEST,
	CONTROL_CLUSTER,
	CONTROL_DRAIN,
	CONTROL_UNDRAIN,
	CONTROL_MOVE,
	CONTROL_EXPEL,
	CONTROL_PING,
};

struct control_request {
	enum control_verb verb;
	struct str words[CONTROL_WORDS_MAX]; /* after the verb */
	unsigned n_words;
};

enum control_result { CONTROL_MORE, CONTROL_REQUEST, CONTROL_BAD };

/*
 * Looks for one complete request at the front of bytes. CONTROL_REQUEST: *ret points into bytes.
 * CONTROL_BAD: *ret_error is a static text for the client.
 */
enum control_result control_parse(
	struct str bytes, struct control_request *ret, const char **ret_error);

#endif
