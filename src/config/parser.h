/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machinery under the productions of statements.c: the current token, sections made of rules,
 * words that become values. A function that returns false has reported why, at the place where it
 * is wrong; the caller returns false too, and parse.c goes on at the next statement.
 */
#ifndef CONFIG_PARSER_H
#define CONFIG_PARSER_H

#include "base/table.h"
#include "config/lex.h"
#include "config/owned.h"

struct parser;

/* What the sections of all statements can hold. */
struct section_row {
	struct config_keys keys;
	struct str *names; /* node ids of `accept`, domains of `domain` */
	struct str *names_at; /* where each stands */
	size_t n_names;
	bool refuse;
	bool require_tls;
	bool plaintext;
	unsigned require; /* bits of enum config_proof */
	unsigned accept;
	struct config_pin *pins;
	size_t n_pins;
	struct config_component *components;
	size_t n_components;
	const char *secret;
};

/* One word that may open a line of a section. */
struct rule {
	const char *word;
	bool (*parse)(struct parser *p, struct section_row *row);
	bool required;
	bool many; /* may stand more than once */
};

struct section {
	const char *name;
	const struct rule *rules;
	size_t n;
};

/* A word of the file that must name a link, or a domain of a component, judged at the end. */
struct node_ref {
	struct str node;
	struct str at;
};

struct parser {
	struct lex lex;
	struct token now;
	unsigned depth; /* open braces */
	bool confused; /* an unexpected token was reported: values take nothing until the next line
			*/
	bool at_statement; /* the current token opens a statement: nothing to skip after the error
			    */
	const struct section *section;
	struct report *report;
	struct arena *arena; /* of the configuration */
	struct arena scratch; /* for jid */
	struct config *c;
	char *folder; /* of the file, absolute, with a slash at its end */
	const char *counted; /* parser_place() counted lines up to here */
	unsigned counted_lines;
	struct str statement; /* where the current one starts */
	unsigned failed; /* bit i: an error in a statement of row i of the table */
	bool unknown; /* an unknown word stood where a statement should */
	struct table seen; /* "kind name" of all that may stand only once -> its struct str */
	struct table peers; /* patterns, for shadows */
	struct table routes;
	struct table networks;
	struct node_ref *vias;
	size_t n_vias;
	struct str *nats_at; /* each `nats` that stands in place of an address */
	size_t n_nats_at;
	struct node_ref *components; /* domains */
	size_t n_components;
	struct str *server_at; /* where server i stands */
	struct str *peer_at; /* where the statement of peer row i stands */
};

/* --- tokens --- */
void parser_next(struct parser *p);
bool parser_at_end(const struct parser *p); /* of a statement outside braces */
/* Is there another word of a list here? Not one that opens the next statement. */
bool parser_in_list(const struct parser *p);
/* The current token is not what the words describe: reported, unless already confused. Always
 * false. */
bool parser_unexpected(struct parser *p, const char *const *words, size_t n);
/* Takes a word; what says what it is, for the message. */
bool parser_word(struct parser *p, const char *what, struct str *ret_span);
/* Takes the word if it stands here. */
bool parser_accept(struct parser *p, const char *word);
/* One of n words; its index. */
bool parser_choice(struct parser *p, const char *const *words, size_t n, size_t *ret_index);

/* --- values: take a token, check it, copy it into the configuration --- */
bool parser_path(struct parser *p, const char **ret_path);
bool parser_address(struct parser *p, struct str *ret_addr);
/* Likewise one to listen on: nothing else in the file does. */
bool parser_own_address(struct parser *p, struct str *ret_addr);
bool parser_node(struct parser *p, struct str *ret_id, struct str *ret_span);
bool parser_domain(struct parser *p, struct str *ret_domain, struct str *ret_span);
bool parser_pattern(struct parser *p, struct str *ret_pattern, struct str *ret_span);

/* --- structure --- */
/* `{` rules `}` */
bool parser_section(struct parser *p, const struct section *s, struct section_row *row);
/* Remembers that something stands at this place; false when it did before: reported there. */
bool parser_once(struct parser *p, const char *kind, struct str name, struct str span);
/* False when earlier (where it stands; NULL: nowhere) already matches all of what stands at span: reported there. */
bool parser_reachable(struct parser *p, const struct str *earlier, struct str span);
/* Line and column of a part of the text. */
struct config_place parser_place(struct parser *p, struct str where);
/* A copy of the span in the configuration's arena, as a table's value. */
struct str *parser_remember(struct parser *p, struct str span);

/* Which statements exist: parse.c asks statements.c. */
struct statement {
	const char *word;
	unsigned roles; /* bits: 1 << enum config_role */
	bool once;
	bool (*parse)(struct parser *p);
	const char *elsewhere; /* advice where it does not belong */
};
extern const struct statement statements[];
extern const size_t n_statements;
const struct statement *statement_find(struct str word);
/* Was there an error in a statement of this word? */
bool statement_failed(const struct parser *p, const char *word);

/* Checks that need all statements (whole.c). */
void whole_check(struct parser *p);

#endif
