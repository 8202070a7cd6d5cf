/* SPDX-License-Identifier: Apache-2.0 */
/* Every configuration error, provoked once: text -> what the message says and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/config.h"
#include "text.h"
#include "rows.h"

struct error_case {
	const char *name;
	enum config_role role;
	const char *text;
	const char *says[5]; /* all of them */
	unsigned count; /* messages; 0: one */
};

#define OUT CONFIG_OUTER
#define INN CONFIG_INNER
#define DIGEST_44 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HEX_PIN "sha256/00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEYS "certificate \"c\" key \"k\""

static const struct error_case cases[] = {
	/* --- words --- */
	{ "unknown statement", OUT, OUTER_TEXT "pear any { refuse }\n",
		{ "t.conf:5:1: `pear` does not belong here", "pear any { refuse }\n    ^^^^\n",
			"expected: `node`, `domain`", "did you mean `peer`?" } },
	{ "statement of inner in outer", OUT, OUTER_TEXT "steer 10.2.0.4:53\n",
		{ "t.conf:5:1: `steer` belongs into inner.conf" } },
	{ "statement of outer in inner", INN, INNER_TEXT "  resolver 10.2.0.4:53\n",
		{ "t.conf:5:3: `resolver` belongs into outer.conf" } },
	{ "domain in inner", INN, INNER_TEXT "domain a.example { " KEYS " }\n",
		{ "t.conf:5:1: `domain` belongs into outer.conf",
			"server NAME ADDRESS { domain" } },
	{ "link in outer", OUT, OUTER_TEXT "link outer-b 10.0.0.2:5280 { " KEYS " trust \"t\" }\n",
		{ "t.conf:5:1: `link` belongs into inner.conf", "listen link ADDRESS" } },
	{ "listen link in inner", INN, INNER_TEXT "listen link 10.0.0.1:5280 { }\n",
		{ "t.conf:5:8: inner listens for no links", "link NODE ADDRESS" } },
	{ "listen what", OUT, OUTER_TEXT "listen c2s 192.0.2.1:5222\n",
		{ "t.conf:5:8: `c2s` does not belong here", "expected: `s2s`, `link`",
			"did you mean `s2s`?" } },
	{ "listen nothing", OUT, OUTER_TEXT "listen\n",
		{ "t.conf:5:7: the end of the line does not belong here", "`s2s`, `link`" } },
	{ "word after a statement", OUT, OUTER_TEXT "profile open please\n",
		{ "t.conf:5:14: `please` does not belong here", "expected: the end of the line" } },
	{ "word after listen", OUT, OUTER_TEXT "listen s2s 192.0.2.2:5269 tsl\n",
		{ "t.conf:5:27: `tsl` does not belong here", "did you mean `tls`?" } },
	{ "statement after a section", OUT, OUTER_TEXT "peer any { refuse } profile open\n",
		{ "t.conf:5:21: `profile` does not belong here", "the end of the line" } },
	{ "unknown flush", OUT, OUTER_TEXT "flush maybe\n",
		{ "t.conf:5:7: ", "expected: `off`, `on`" } },
	{ "unknown bidi", OUT, OUTER_TEXT "bidi both\n",
		{ "t.conf:5:6: ", "expected: `off`, `on`" } },
	{ "unknown multiplex", OUT, OUTER_TEXT "multiplex in\n",
		{ "t.conf:5:11: ", "expected: `off`, `on`" } },
	{ "unknown redirect", OUT, OUTER_TEXT "redirect once\n",
		{ "t.conf:5:10: ", "expected: `off`, `on`" } },
	{ "unknown stream management", OUT, OUTER_TEXT "stream-management both\n",
		{ "t.conf:5:19: `both`", "expected: `off`, `in`, `out`, `on`" } },
	{ "unknown profile", OUT, OUTER_TEXT "profile opne\n",
		{ "t.conf:5:9: `opne`", "expected: `standard`, `open`; did you mean `open`?" } },
	{ "unknown log level", OUT, OUTER_TEXT "log loud\n",
		{ "t.conf:5:5: `loud`", "`debug`, `info`, `warning`, `error`, `alarm`" } },
	{ "dialback what", OUT, OUTER_TEXT "dialback \"f\"\n",
		{ "t.conf:5:10: a quoted string does not belong here", "expected: `secret`" } },
	{ "path without quotes", OUT, OUTER_TEXT "control /run/x.sock\n",
		{ "t.conf:5:9: `/run/x.sock` does not", "a file name in double quotes" } },
	{ "empty path", OUT, OUTER_TEXT "control \"\"\n",
		{ "t.conf:5:9: the file name is empty" } },
	{ "open string", OUT, OUTER_TEXT "control \"/run/x.sock # end\n",
		{ "t.conf:5:9: the closing quote of this string is missing" } },

	/* --- braces --- */
	{ "section missing", OUT, OUTER_TEXT "peer any\n",
		{ "t.conf:5:9: the end of the line does not belong here", "expected: `{`" } },
	{ "brace on the next line", OUT, OUTER_TEXT "peer any\n{ refuse }\n",
		{ "t.conf:5:9: the end of the line", "t.conf:6:1: `{` stands on the same line" },
		2 },
	{ "closing brace too many", OUT, OUTER_TEXT "peer any { refuse } }\n",
		{ "t.conf:5:21: `}` does not belong here" } },
	{ "closing brace alone", OUT, OUTER_TEXT "}\n", { "t.conf:5:1: this `}` closes nothing" } },
	{ "closing brace missing", OUT, OUTER_TEXT "peer any {\n\trefuse\nprofile open\nlog lout\n",
		{ "t.conf:7:1: the `}` for the `{` in line 5 is missing before this",
			"t.conf:8:5: `lout`" },
		2 },
	{ "closing brace missing at the end", OUT, OUTER_TEXT "peer any {\n\trefuse\n",
		{ "t.conf:7:1: the `}` for the `{` in line 5 is missing before this" } },
	{ "unknown word in a section", OUT, OUTER_TEXT "peer any { refues }\n",
		{ "t.conf:5:12: `refues`", "`require`, `accept`, `pin`, `allow`, `refuse`, `}`",
			"did you mean `refuse`?" } },
	{ "rule twice", OUT, OUTER_TEXT "peer any { require tls\nrequire pkix }\n",
		{ "t.conf:6:1: `require` stands twice in this section" } },
	{ "all errors of a section", OUT,
		OUTER_TEXT "domain a.example {\n certificate c\n kay \"k\"\n key k\n}\n",
		{ "t.conf:6:14: `c`", "t.conf:8:6: `k`" }, 2 },
	{ "errors of head and section", OUT,
		OUTER_TEXT "domain a..b { certificate \"c\" kee \"k\" }\n",
		{ "t.conf:5:8: not a domain", "t.conf:5:31: `kee`" }, 2 },
	{ "several errors in one run", OUT, OUTER_TEXT "x\nlog y\nprofile z\npeer any { refuse }\n",
		{ "t.conf:5:1:", "t.conf:6:5:", "t.conf:7:9:" }, 3 },

	/* --- values --- */
	{ "node id upper case", OUT, OUTER_TEXT "peer any { refuse }\nnode Outer\n",
		{ "t.conf:6:1: `node` stands here for the second time, first in line 1",
			"t.conf:6:6: not a name: 1 to 63 lower-case" },
		2 },
	{ "node id with hyphen last", INN, INNER_TEXT "route a.example via outer-\n",
		{ "t.conf:5:21: not a name" } },
	{ "reserved node id", INN, INNER_TEXT "route a.example via none\n",
		{ "t.conf:5:21: `none` is a word of this language" } },
	{ "address without port", OUT, OUTER_TEXT "listen s2s 192.0.2.9\n",
		{ "t.conf:5:12: not an address: the port is missing" } },
	{ "address with a name", OUT, OUTER_TEXT "resolver localhost:53\n",
		{ "t.conf:5:10: not an address: not an IP address" } },
	{ "port 0", OUT, OUTER_TEXT "resolver 127.0.0.1:0\n",
		{ "t.conf:5:10: not an address: the port" } },
	{ "port too large", OUT, OUTER_TEXT "resolver 127.0.0.1:65536\n",
		{ "t.conf:5:10: not an address: the port" } },
	{ "IPv6 without brackets", OUT, OUTER_TEXT "resolver ::1:53\n",
		{ "t.conf:5:10: not an address: an IPv6 address with a port is written [" } },
	{ "mapped IPv4", OUT, OUTER_TEXT "resolver [::ffff:1.2.3.4]:53\n",
		{ "write an IPv4 address as" } },
	{ "no domain", OUT, OUTER_TEXT "domain a_b..c { " KEYS " }\n",
		{ "t.conf:5:8: not a domain: " } },
	{ "domain of one label", OUT, OUTER_TEXT "domain localhost { " KEYS " }\n",
		{ "t.conf:5:8: not a domain: " } },
	{ "star inside", OUT, OUTER_TEXT "peer a.*.b { refuse }\n",
		{ "t.conf:5:6: not a domain or pattern: `*`" } },
	{ "star alone", OUT, OUTER_TEXT "peer * { refuse }\n",
		{ "t.conf:5:6: not a domain or pattern: `*`" } },
	{ "suffix missing", OUT, OUTER_TEXT "peer *. { refuse }\n", { "t.conf:5:6:", "suffix" } },
	{ "network", OUT, OUTER_TEXT "allow address 10.0.0.0/33\n",
		{ "t.conf:5:15: not a network: the prefix is not a number from 0 to 32" } },
	{ "network, IPv6", OUT, OUTER_TEXT "allow address fc00::/129\n", { "from 0 to 128" } },
	{ "network bits", OUT, OUTER_TEXT "deny address 10.0.0.1/8\n",
		{ "t.conf:5:14: not a network: the address has bits set beyond" } },
	{ "network name", OUT, OUTER_TEXT "deny address lan\n",
		{ "t.conf:5:14: not a network: " } },
	{ "mapped network", OUT, OUTER_TEXT "deny address ::ffff:10.0.0.0/104\n",
		{ "write an IPv4 network" } },
	{ "allow what", OUT, OUTER_TEXT "allow 10.0.0.0/8\n",
		{ "t.conf:5:7:", "expected: `from`, `to`, `address`" } },
	{ "network shadowed", OUT,
		OUTER_TEXT "deny address 10.0.0.0/8\nallow address 10.1.0.0/16\n",
		{ "t.conf:6:15: this never matches: `10.0.0.0/8` in line 5 already does" } },
	{ "unknown limit", OUT, OUTER_TEXT "limit stanza byte 10\n",
		{ "t.conf:5:7: there is no such limit", "did you mean `stanza bytes`?",
			"limit stanza byte 10\n          ^^^^^^^^^^^\n" } },
	{ "limit without number", OUT, OUTER_TEXT "limit streams\n",
		{ "t.conf:5:14: the end of the line", "a number" } },
	{ "limit too low", OUT, OUTER_TEXT "limit stanza bytes 9999\n",
		{ "t.conf:5:20: `stanza bytes` is between 10000 and 1048576 bytes" } },
	{ "limit too high", OUT, OUTER_TEXT "limit stanza bytes 17M\n",
		{ "t.conf:5:20: `stanza bytes`" } },
	{ "limit far too high", OUT, OUTER_TEXT "limit stanza bytes 99999999999999999999999M\n",
		{ "t.conf:5:20: `stanza bytes` is between" } },
	{ "limit in the wrong unit", OUT, OUTER_TEXT "limit stanza bytes 10s\n",
		{ "t.conf:5:20: not a number of bytes", "`k`, `M`" } },
	{ "limit of time", OUT, OUTER_TEXT "limit tls time 10k\n",
		{ "t.conf:5:16: not a number of milliseconds", "`s`, `min`" } },
	{ "limit twice", OUT, OUTER_TEXT "limit streams 20\nlimit streams 30\n",
		{ "t.conf:6:7: `limit streams` stands here for the second time, first in line "
		  "5" } },
	{ "limits that cross", OUT, OUTER_TEXT "limit retry most 1s\nlimit retry least 2s\n",
		{ "t.conf:6:7: `limit retry least` is 2000, more than `limit retry most`" } },
	{ "stanza larger than its queue", OUT, OUTER_TEXT "limit queue bytes 64k\n",
		{ "t.conf:5:7: `limit stanza bytes` is 262144, more than `limit queue bytes`" } },

	/* --- meaning --- */
	{ "node missing", OUT, "domain a.example { " KEYS " }\n",
		{ "the statement `node` is missing", "the statement `listen s2s` is missing",
			"the statement `listen link` is missing" },
		3 },
	{ "everything missing, outer", OUT, "",
		{ "t.conf:1:1: the statement `node`", "`domain`", "`listen s2s`", "`listen link`" },
		4 },
	{ "everything missing, inner", INN, "# nothing\n",
		{ "t.conf:2:1: the statement `node`", "`link`", "`server`", "`listen s2s`" }, 4 },
	{ "wrong is not missing", OUT, OUTER_TEXT "profile",
		{ "t.conf:5:8: the end of the file" } },
	{ "key missing", OUT, OUTER_TEXT "domain a.example { certificate \"c\" }\n",
		{ "t.conf:5:36: `key` is missing in this section of `domain`" } },
	{ "link without brokers", INN,
		"node inner-a\nserver main 10.2.0.5:5269 { domain example.se allow plaintext }\n"
		"listen s2s 10.2.0.4:5269\nlink outer-a nats { " KEYS " trust \"t\" }\n",
		{ "t.conf:4:14: this link has no brokers: `nats` is missing",
			"nats ADDRESS... {" } },
	{ "listen link without brokers", OUT,
		OUTER_TEXT "listen link nats { " KEYS " trust \"t\" accept inner-a }\n",
		{ "t.conf:5:13: this link has no brokers" } },
	{ "two listen link nats", OUT,
		OUTER_TEXT "nats 10.0.0.1:1 { " KEYS " trust \"t\" }\n"
			   "listen link nats { " KEYS " trust \"t\" accept inner-a }\n"
			   "listen link nats { " KEYS " trust \"t\" accept inner-b }\n",
		{ "t.conf:7:13: `address nats` stands here for the second time, first in line "
		  "6" } },
	{ "shared leases without brokers", INN,
		"node inner-a\nserver main 10.2.0.5:5269 { domain example.se allow plaintext }\n"
		"listen s2s 10.2.0.4:5269\nlink outer-a 10.1.0.1:5280 { " KEYS " trust \"t\" }\n"
		"leases shared\n",
		{ "t.conf:5:1: the brokers keep what inners share: `nats` is missing" } },
	{ "leases of another kind", INN,
		"node inner-a\nserver main 10.2.0.5:5269 { domain example.se allow plaintext }\n"
		"listen s2s 10.2.0.4:5269\nlink outer-a 10.1.0.1:5280 { " KEYS " trust \"t\" }\n"
		"leases borrowed\n",
		{ "t.conf:5:8: `borrowed` does not belong here", "`own`, `shared`" } },
	{ "leases of an outer", OUT, OUTER_TEXT "leases own\n", { "t.conf:5:1: `leases`" } },
	{ "brokers without link", OUT, OUTER_TEXT "nats 10.0.0.1:1 { " KEYS " trust \"t\" }\n",
		{ "t.conf:5:1: no link goes over these brokers" } },
	{ "no broker", OUT, OUTER_TEXT "nats { " KEYS " trust \"t\" }\n",
		{ "t.conf:5:6: `{` does not belong here" } },
	{ "broker without port", OUT, OUTER_TEXT "nats 10.0.0.1 { " KEYS " trust \"t\" }\n",
		{ "t.conf:5:6: ", "the port is missing" } },
	{ "broker twice", INN, INNER_TEXT "nats 10.0.0.1:1 10.0.0.1:1 { " KEYS " trust \"t\" }\n",
		{ "t.conf:5:17: `broker 10.0.0.1:1` stands here for the second time" } },
	{ "too many brokers", INN,
		INNER_TEXT "nats 10.0.0.1:1 10.0.0.1:2 10.0.0.1:3 10.0.0.1:4 10.0.0.1:5 10.0.0.1:6 "
			   "10.0.0.1:7 10.0.0.1:8 10.0.0.1:9 10.0.0.1:10 10.0.0.1:11 10.0.0.1:12 "
			   "10.0.0.1:13 10.0.0.1:14 10.0.0.1:15 10.0.0.1:16 10.0.0.1:17 { " KEYS
			   " trust \"t\" }\n",
		{ "at most 16 brokers" } },
	{ "brokers without trust", INN, INNER_TEXT "nats 10.0.0.1:1 { " KEYS " }\n",
		{ "`trust` is missing in this section of `nats`" } },
	{ "nats twice", INN,
		INNER_TEXT "nats 10.0.0.1:1 { " KEYS " trust \"t\" }\nnats 10.0.0.2:1 { " KEYS
			   " trust \"t\" }\n",
		{ "t.conf:6:1: `nats` stands here for the second time, first in line 5" } },
	{ "accept missing", OUT, OUTER_TEXT "listen link 10.0.0.2:1 { " KEYS " trust \"t\" }\n",
		{ "`accept` is missing in this section of `listen link`" } },
	{ "accept empty", OUT,
		OUTER_TEXT "listen link 10.0.0.2:1 { " KEYS " trust \"t\" accept }\n",
		{ "`}` does not belong here", "a name of lower-case letters" } },
	{ "accept twice", OUT,
		OUTER_TEXT "listen link 10.0.0.2:1 { " KEYS " trust \"t\" accept a a }\n",
		{ "t.conf:5:69: `a` stands twice in this list" } },
	{ "domain twice", OUT, OUTER_TEXT "domain EXAMPLE.se { " KEYS " }\n",
		{ "t.conf:5:8: `domain example.se` stands here for the second time, first in line "
		  "2" } },
	{ "domain in two servers", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain example.se allow plaintext }\n",
		{ "t.conf:5:30: `domain example.se` stands here for the second time, first in line "
		  "3" } },
	{ "server twice", INN,
		INNER_TEXT "server main 10.2.0.6:1 { domain b.example allow plaintext }\n",
		{ "t.conf:5:8: `server main` stands here for the second time" } },
	{ "server without domain", INN, INNER_TEXT "server x 10.2.0.6:1 { allow plaintext }\n",
		{ "t.conf:5:39: `domain` is missing in this section of `server`" } },
	{ "s2s H15 component without secret", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component 127.0.0.1:5347 { domain c.example } }\n",
		{ "t.conf:6:45: `secret` is missing in this section of `component`" } },
	{ "s2s H15 component without domain", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component 127.0.0.1:5347 { secret \"s\" } }\n",
		{ "t.conf:6:39: `domain` is missing in this section of `component`" } },
	{ "s2s H15 unknown word in a component", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component 127.0.0.1:5347 { domain c.example secret \"s\" trust \"t\" } "
			   "}\n",
		{ "t.conf:6:56: `trust` does not belong here",
			"expected: `domain`, `secret`, `allow`, `}`" } },
	{ "s2s H15 a pattern is no name of a component", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component 127.0.0.1:5347 { domain *.example secret \"s\" } }\n",
		{ "t.conf:6:35: not a domain" } },
	{ "s2s H15 component twice", INN,
		INNER_TEXT
		"server x 10.2.0.6:1 { domain b.example allow plaintext\n"
		"component 127.0.0.1:5347 { domain c.example secret \"s\" }\n"
		"component 127.0.0.1:5348 { domain d.example C.example secret \"s\" } }\n",
		{ "t.conf:7:45: `c.example` is a component of this server already" } },
	{ "s2s H15 component of a local domain", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component 127.0.0.1:5347 { domain example.se secret \"s\" } }\n",
		{ "t.conf:6:35: this is a domain of a server here" } },
	{ "s2s H15 component of a refused domain", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component 127.0.0.1:5347 { domain c.example secret \"s\" } }\n"
			   "peer d.example { require tls }\n",
		{ "t.conf:6:35: `peer any` refuses this domain" } },
	{ "threats E23 component over a network, in clear", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component 10.2.0.6:5347 { domain c.example secret \"s\" } }\n",
		{ "t.conf:6:11: a component's stream is not protected", "`allow plaintext`" } },
	{ "threats E23 component over a network of version 6, in clear", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component [::2]:5347 { domain c.example secret \"s\" } }\n",
		{ "t.conf:6:11: a component's stream is not protected" } },
	{ "s2s H15 component with tls and without", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example trust \"t\" allow plaintext\n"
			   "component 10.2.0.6:5347 tls { domain c.example secret \"s\" allow "
			   "plaintext } }\n",
		{ "t.conf:6:11: `tls` and `allow plaintext` contradict" } },
	{ "s2s H15 component with tls, and no trust", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext\n"
			   "component 10.2.0.6:5347 tls { domain c.example secret \"s\" } }\n",
		{ "t.conf:5:1: `tls` of a component needs `trust`" } },
	{ "s2s H15 the rest of the server is checked behind a component", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example\n"
			   "component 127.0.0.1:5347 { domain c.example secret \"s\" }\n"
			   "allow clear }\n",
		{ "t.conf:7:7: `clear` does not belong here", "`plaintext`" } },
	{ "s2s H15 component in outer", OUT, OUTER_TEXT "component 127.0.0.1:5347 { }\n",
		{ "t.conf:5:1: `component` does not belong here" } },
	{ "link twice", INN, INNER_TEXT "link outer-a 10.0.0.2:1 { " KEYS " trust \"t\" }\n",
		{ "t.conf:5:6: `link outer-a` stands here for the second time" } },
	{ "address twice", OUT, OUTER_TEXT "listen s2s 192.0.2.1:05269 tls\n",
		{ "t.conf:5:12: `address 192.0.2.1:5269` stands here for the second time, first in "
		  "line 3" } },
	{ "own name", INN, INNER_TEXT "link inner-a 10.0.0.2:1 { " KEYS " trust \"t\" }\n",
		{ "t.conf:1:1: `inner-a` is also the name of a `link`" } },
	{ "own name accepted", OUT,
		OUTER_TEXT "listen link 10.0.0.2:1 { " KEYS " trust \"t\" accept outer-a }\n",
		{ "t.conf:1:1: `outer-a` is also accepted by `listen link`" } },
	{ "via nobody", INN, INNER_TEXT "route *.mil via outer-a outer-mn\n",
		{ "t.conf:5:25: there is no `link outer-mn`" } },
	{ "route without via", INN, INNER_TEXT "route *.mil outer-a\n",
		{ "t.conf:5:13: `outer-a`", "expected: `via`" } },
	{ "route via nothing", INN, INNER_TEXT "route *.mil via\n",
		{ "t.conf:5:16: the end of the line" } },
	{ "route falls back to nobody", INN, INNER_TEXT "route *.mil via outer-a else\n",
		{ "t.conf:5:29: the end of the line" } },
	{ "route falls back to an unknown node", INN,
		INNER_TEXT "route *.mil via outer-a else outer-mn\n",
		{ "t.conf:5:30: there is no `link outer-mn`" } },
	{ "route behind any", INN, INNER_TEXT "route *.mil via outer-a else any outer-b\n",
		{ "t.conf:5:34: `outer-b` does not belong here" } },
	{ "route begins with else", INN, INNER_TEXT "route *.mil via else outer-a\n",
		{ "t.conf:5:17: `else` is a word of this language" } },
	{ "route shadowed", INN, INNER_TEXT "route any via any\nroute *.mil via outer-a\n",
		{ "t.conf:6:7: this never matches: `any` in line 5 already does" } },
	{ "peer shadowed by any", OUT,
		OUTER_TEXT "peer any { refuse }\npeer a.example { require tls }\n",
		{ "t.conf:6:6: this never matches: `any` in line 5 already does" } },
	{ "peer shadowed by a suffix", OUT,
		OUTER_TEXT "peer *.example { refuse }\npeer *.b.a.example c.d.example { refuse }\n",
		{ "t.conf:6:6: this never matches: `*.example` in line 5",
			"t.conf:6:20: this never" },
		2 },
	{ "peer twice", OUT, OUTER_TEXT "peer a.example A.example { refuse }\n",
		{ "t.conf:5:16: this never matches: `a.example` in line 5 already does" } },
	{ "accept none", OUT, OUTER_TEXT "peer any { accept }\n",
		{ "t.conf:5:19: `}`", "expected: `pkix`, `dialback`, `dane`, `posh`, `pin`" } },
	{ "accept the unknown", OUT, OUTER_TEXT "peer any { accept danes }\n",
		{ "t.conf:5:19: `danes`", "did you mean `dane`?" } },
	{ "a local server has no DANE", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext accept dane }\n",
		{ "t.conf:5:63: `dane`", "expected: `pkix`, `dialback`" } },
	{ "DANE without an anchor", OUT,
		OUTER_TEXT "peer a.example b.example { accept dane pkix }\npeer any { refuse }\n",
		{ "t.conf:5:1: `dane` needs validated DNS, and without `anchor` nothing is",
			"add `anchor \"/usr/share/dns/root.key\"`" } },
	{ "DANE required without an anchor", OUT, OUTER_TEXT "peer any { require dane }\n",
		{ "t.conf:5:1: `dane` needs validated DNS" } },
	{ "anchor in inner", INN, INNER_TEXT "anchor \"root.key\"\n",
		{ "t.conf:5:1: `anchor` belongs into outer.conf", "only outer looks names up" } },
	{ "crl in inner", INN, INNER_TEXT "crl \"ca.crl\"\n",
		{ "t.conf:5:1: `crl` belongs into outer.conf" } },
	{ "crl without a file", OUT, OUTER_TEXT "crl\n",
		{ "t.conf:5:4: the end of the line", "a file name in double quotes" } },
	{ "pin without a digest", OUT, OUTER_TEXT "peer a.example { accept pin pkix }\n",
		{ "t.conf:5:1: `pin` is among the proofs, but no digest is given",
			"add `pin sha256/...`" } },
	{ "pin of nothing", OUT, OUTER_TEXT "peer a.example { pin }\n",
		{ "t.conf:5:22: `}`", "expected: a digest, as in sha256/..." } },
	{ "pin that is none", OUT, OUTER_TEXT "peer a.example { pin md5/abc }\n",
		{ "t.conf:5:22: not a pin: it begins with `sha256/`", "44 characters of base64" } },
	{ "pin cut short", OUT, OUTER_TEXT "peer a.example { pin sha256/abc }\n",
		{ "t.conf:5:22: not a pin: the digest has the wrong length" } },
	{ "pin empty", OUT, OUTER_TEXT "peer a.example { pin certificate sha256/ }\n",
		{ "t.conf:5:34: not a pin: the digest is missing" } },
	{ "pin neither hex nor base64", OUT,
		OUTER_TEXT "peer a.example { pin sha256/" DIGEST_44 "! }\n",
		{ "t.conf:5:22: not a pin: the digest is neither" } },
	{ "pin twice", OUT, OUTER_TEXT "peer a.example { pin " HEX_PIN " " HEX_PIN " }\n",
		{ "this pin stands twice in the section" } },
	{ "pin that is not accepted", OUT,
		OUTER_TEXT "peer a.example { accept pkix pin " HEX_PIN " }\n",
		{ "t.conf:5:1: a `pin` is given, but `pin` is not among the accepted proofs" } },
	{ "pin for everybody", OUT, OUTER_TEXT "peer any { pin " HEX_PIN " }\n",
		{ "t.conf:5:1: a pin is the key of one server: it cannot be for `any`" } },
	{ "pin in inner", INN, INNER_TEXT "peer a.example { pin " HEX_PIN " }\n",
		{ "t.conf:5:22: inner sees no certificates", "`accept pin` here" } },
	{ "peer says nothing", OUT, OUTER_TEXT "peer any { }\n",
		{ "t.conf:5:1: this section is empty" } },
	{ "refuse and accept", OUT, OUTER_TEXT "peer any { refuse accept pkix }\n",
		{ "t.conf:5:1: `refuse` stands alone" } },
	{ "require both", OUT, OUTER_TEXT "peer any { require pkix dialback }\n",
		{ "t.conf:5:1: dialback is what is left without a certificate" } },
	{ "require more than is accepted", OUT,
		OUTER_TEXT "peer any { require pkix posh accept pkix }\n",
		{ "t.conf:5:1: `require` and `accept` contradict each other: what is required" } },
	{ "accept more than is required", OUT,
		OUTER_TEXT "peer any { require pkix accept pkix posh }\n",
		{ "t.conf:5:1: `require` and `accept` contradict each other: what is not" } },
	{ "require against accept", OUT, OUTER_TEXT "peer any { require pkix accept dialback }\n",
		{ "t.conf:5:1: `require` and `accept` contradict" } },
	{ "tls and plaintext", OUT, OUTER_TEXT "peer any { require tls allow plaintext }\n",
		{ "t.conf:5:1: `require tls` and `allow plaintext` contradict" } },
	{ "pkix and plaintext", OUT, OUTER_TEXT "peer any { accept pkix allow plaintext }\n",
		{ "t.conf:5:1: certificates are shown inside TLS" } },
	{ "pkix without trust", INN,
		INNER_TEXT "server x 10.2.0.6:1 { domain b.example allow plaintext accept pkix }\n",
		{ "t.conf:5:1: `pkix` needs `trust`" } },
	{ "TLS without mint", INN, INNER_TEXT "server x 10.2.0.6:1 { domain b.example }\n",
		{ "t.conf:5:1: this server has to use TLS, but without `mint`", "add `mint" } },
	{ "steer to a wildcard", INN,
		"node inner-a\nlink outer-a 10.0.0.1:1 { " KEYS " trust \"t\" }\n"
		"server main 10.2.0.5:1 { domain a.example allow plaintext }\n"
		"listen s2s 0.0.0.0:5269\nsteer 10.2.0.4:53\n",
		{ "t.conf:5:1: `target IP` is missing" } },
	{ "steer target a wildcard", INN, INNER_TEXT "steer 10.2.0.4:53 target ::\n",
		{ "t.conf:5:26: no server can connect to ::" } },
	{ "steer target a name", INN, INNER_TEXT "steer 10.2.0.4:53 target gw.example\n",
		{ "t.conf:5:26: not an IP address" } },
	{ "steer target priority", INN,
		INNER_TEXT "steer 10.2.0.4:53 target 10.2.0.4 priority 65536\n",
		{ "t.conf:5:44: not a number from 0 to 65535" } },
	{ "steer target weight", INN, INNER_TEXT "steer 10.2.0.4:53 target 10.2.0.4 weight\n",
		{ "t.conf:5:41: the end of the line" } },
	{ "steer ttl", INN, INNER_TEXT "steer 10.2.0.4:53 ttl 31 srv\n",
		{ "t.conf:5:23: not a number from 1 to 30" } },
	{ "steer to a crowd", INN,
		INNER_TEXT "steer 10.2.0.4:53 target 10.2.0.1 target 10.2.0.2 target 10.2.0.3 "
			   "target 10.2.0.4 target 10.2.0.5 target 10.2.0.6 target 10.2.0.7 "
			   "target 10.2.0.8 target 10.2.0.9\n",
		{ "t.conf:5:154: more than 8 targets" } },
	{ "steer tls without srv", INN, INNER_TEXT "steer 10.2.0.4:53 tls\n",
		{ "t.conf:5:19: `tls`", "expected: `target`, `ttl`, `srv`" } },
	{ "steer behind srv", INN, INNER_TEXT "steer 10.2.0.4:53 srv slt\n",
		{ "t.conf:5:23: `slt`", "expected: `tls`" } },
	{ "steer otherwise", INN, INNER_TEXT "steer 10.2.0.4:53 svr\n",
		{ "t.conf:5:19: `svr`", "did you mean `srv`?" } },

	/* --- rules about stanzas --- */
	{ "unknown rule", OUT, OUTER_TEXT "rule carbon off\n",
		{ "t.conf:5:6: `carbon` does not belong here", "`roster`, `account`, `server`",
			"did you mean `carbons`?" } },
	{ "rule without a state", OUT, OUTER_TEXT "rule carbons\n",
		{ "t.conf:5:13: the end of the line", "`on`, `off`" } },
	{ "rule for no pattern", OUT, OUTER_TEXT "rule carbons off for\n",
		{ "t.conf:5:21: the end of the line", "a domain, a pattern" } },
	{ "rule with a bad pattern", INN, INNER_TEXT "rule carbons off at a.*.b\n",
		{ "t.conf:5:21: not a domain or pattern" } },
	{ "word after a rule", OUT, OUTER_TEXT "rule carbons off fro any\n",
		{ "t.conf:5:18: `fro` does not belong here", "did you mean `for`?" } },
	{ "rule after a rule for any", OUT,
		OUTER_TEXT "rule carbons off\nrule carbons on for a.example\n",
		{ "t.conf:6:6: this never matches: `rule carbons` in line 5 already decides for "
		  "any" } },
	{ "refuse nothing", OUT, OUTER_TEXT "refuse\n",
		{ "t.conf:5:7: the end of the line", "expected: `from`, `to`, `text`" } },
	{ "refuse whom", OUT, OUTER_TEXT "refuse mallory@x.example\n",
		{ "t.conf:5:8: `mallory@x.example`", "expected: `from`, `to`" } },
	{ "refuse no text", OUT, OUTER_TEXT "refuse text\n",
		{ "t.conf:5:12: the end of the line", "a fingerprint, as in 0123456789abcdef" } },
	{ "refuse a text that is no fingerprint", INN,
		INNER_TEXT "refuse text 0123456789abcdef 0123456789ABCDEF viagra\n",
		{ "t.conf:5:30: not a fingerprint: 16 hexadecimal digits", "t.conf:5:47: not a" },
		2 },
	{ "label what", OUT, OUTER_TEXT "label 1.2.3\n",
		{ "t.conf:5:7: `1.2.3` does not belong here", "expected: `policy`" } },
	{ "label no policy", INN, INNER_TEXT "label policy\n",
		{ "t.conf:5:13: the end of the line", "the name or object identifier" } },
	{ "label an empty policy", OUT, OUTER_TEXT "label policy \"\" for a.example\n",
		{ "t.conf:5:14: not the name of a label policy: it is empty" } },
	{ "label policy for no pattern", OUT, OUTER_TEXT "label policy 1.2.3 for\n",
		{ "t.conf:5:23: the end of the line", "a domain, a pattern" } },
	{ "word after label policy", OUT,
		OUTER_TEXT "label policy 1.2.3 at example.se for b.example\n",
		{ "t.conf:5:34: `for` does not belong here" } },
	{ "label policy after one for any", OUT,
		OUTER_TEXT "label policy 1.2.3\nlabel policy 1.2.4 for b.example\n",
		{ "t.conf:6:1: this never matches: the statement in line 5 already decides for "
		  "any" } },
	{ "refuse from nobody", INN, INNER_TEXT "refuse from\n",
		{ "t.conf:5:12: the end of the line", "an address, a domain" } },
	{ "refuse a bad address", OUT, OUTER_TEXT "refuse from @x.example b@c@d.example\n",
		{ "t.conf:5:13: not an address: empty part", "t.conf:5:24: not an address: " }, 2 },
	{ "refuse an empty quoted address", OUT, OUTER_TEXT "refuse from \"\"\n",
		{ "t.conf:5:13: not an address: empty part" } },
	{ "word after refuse", OUT, OUTER_TEXT "refuse from a.example to b.example \"\n",
		{ "t.conf:5:36: the closing quote of this string is missing", "not an address" },
		2 },
	{ "allow silently", INN, INNER_TEXT "allow from a.example silently\n",
		{ "t.conf:5:22: `silently` does not belong here", "the end of the line" } },
	{ "allow what in inner", INN, INNER_TEXT "allow address 10.0.0.0/8\n",
		{ "t.conf:5:7: `address` does not belong here", "expected: `from`, `to`" } },
	{ "allow what in outer", OUT, OUTER_TEXT "allow adress 10.0.0.0/8\n",
		{ "t.conf:5:7: `adress`", "expected: `from`, `to`, `address`" } },
	{ "refuse after all", OUT, OUTER_TEXT "allow from any\nrefuse to a@example.se\n",
		{ "t.conf:6:1: this never matches: the statement in line 5 already does" } },

	/* --- characters --- */
	{ "not UTF-8", OUT, "node outer-\xff\n",
		{ "t.conf:1:12: not a character", "node outer-\n" } },
	{ "control character", OUT, "node \033[31mred\n", { "t.conf:1:6: not a character" } },
	{ "what a terminal obeys", OUT, OUTER_TEXT "log \xc2\x9b\xe2\x80\xae\n",
		{ "t.conf:5:5: `??`", "    log ??\n        ^^\n" } },
	{ "columns are characters", OUT, OUTER_TEXT "\tlog \xc3\xa5\xc3\xa4\xc3\xb6 more\n",
		{ "t.conf:5:6:", "\t    ^^^\n" } },
};

static unsigned count_messages(const char *text)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, "t.conf:")); p++)
		n++;
	return n;
}

static void provoke_each(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct error_case *c = &cases[i];
		struct buf errors;
		bool ok;

		name_row(c->name);
		buf_init(&errors, 65536);
		struct config *config = config_parse(c->role, "t.conf", str_of(c->text), &errors);
		ok = config == NULL;
		config_free(config);
		buf_append(&errors, str_from("", 1));
		const char *text = buf_bytes(&errors).p;
		for (size_t j = 0; j < 5 && c->says[j]; j++)
			ok = ok && strstr(text, c->says[j]);
		ok = ok && count_messages(text) == (c->count ? c->count : 1);
		if (!ok)
			print_error("--- %s:\n%s", c->name, text);
		failed += !ok;
		buf_done(&errors);
	}
	assert_int_equal(failed, 0);
}

static void too_large(void **state)
{
	(void)state;
	struct buf errors;
	size_t size = 1024 * 1024 + 1;
	char *text = test_calloc(size, 1);

	memset(text, '\n', size);
	buf_init(&errors, 65536);
	assert_null(config_parse(CONFIG_OUTER, "t.conf", str_from(text, size), &errors));
	assert_true(str_is(buf_bytes(&errors), "t.conf: larger than 1 MiB\n"));
	buf_done(&errors);
	test_free(text);
}

static void many_errors(void **state)
{
	(void)state;
	struct buf errors, text;

	buf_init(&errors, 65536);
	buf_init(&text, 65536);
	for (int i = 0; i < 60; i++)
		buf_append_c(&text, "x\n");
	assert_null(config_parse(CONFIG_OUTER, "t.conf", buf_bytes(&text), &errors));
	assert_true(str_ends(buf_bytes(&errors), STRL("t.conf: 10 more errors\n")));
	buf_done(&errors);
	buf_done(&text);
}

static void full_message_buffer(void **state)
{
	(void)state;
	struct buf errors;

	buf_init(&errors, 10);
	assert_null(config_parse(CONFIG_OUTER, "t.conf", STRL("x y z\n"), &errors));
	buf_done(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(provoke_each),
		cmocka_unit_test(too_large),
		cmocka_unit_test(many_errors),
		cmocka_unit_test(full_message_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
