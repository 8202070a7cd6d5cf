/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	line = verb *(" " word) ["\r"] "\n"
 *	word = 1*(printable ASCII but space, or a byte of well-formed UTF-8 above U+009F)
 */
#include "node/control.h"

#include "base/utf8.h"

/* The verbs, and how many words each takes at least and at most. */
static const struct {
	const char *word;
	enum control_verb verb;
	unsigned least;
	unsigned most;
} verbs[] = {
	{ "status", CONTROL_STATUS, 0, CONTROL_WORDS_MAX },
	{ "reload", CONTROL_RELOAD, 0, 0 },
	{ "trace", CONTROL_TRACE, 2, 2 },
	{ "test", CONTROL_TEST, 2, 2 },
	{ "cluster", CONTROL_CLUSTER, 0, CONTROL_WORDS_MAX },
	{ "drain", CONTROL_DRAIN, 1, 1 },
	{ "undrain", CONTROL_UNDRAIN, 1, 1 },
	{ "move", CONTROL_MOVE, 3, 3 },
	{ "expel", CONTROL_EXPEL, 2, 2 },
	{ "ping", CONTROL_PING, 0, 0 },
};

/* No controls (C1 included): what is logged or answered may be shown as it is. */
static bool is_clean(struct str line)
{
	if (!utf8_is_xml(line))
		return false;
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.p[i];
		unsigned char next = i + 1 < line.len ? (unsigned char)line.p[i + 1] : 0xff;
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return false;
	}
	return true;
}

/* Takes the first word off the line; empty at its end. */
static struct str next_word(struct str *line)
{
	size_t n = 0;

	while (line->len && line->p[0] == ' ')
		*line = str_skip(*line, 1);
	while (n < line->len && line->p[n] != ' ')
		n++;
	struct str word = { line->p, n };
	*line = str_skip(*line, n);
	return word;
}

static const char *split(struct str line, struct str *ret_verb, struct control_request *ret)
{
	*ret_verb = next_word(&line);
	if (ret_verb->len == 0)
		return "empty request";
	for (struct str w = next_word(&line); w.len; w = next_word(&line)) {
		if (ret->n_words == CONTROL_WORDS_MAX)
			return "too many words";
		ret->words[ret->n_words++] = w;
	}
	return NULL;
}

static const char *parse_line(struct str line, struct control_request *ret)
{
	struct str verb;

	if (!is_clean(line))
		return "not text";
	const char *error = split(line, &verb, ret);
	if (error)
		return error;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!str_is(verb, verbs[i].word))
			continue;
		ret->verb = verbs[i].verb;
		bool good = ret->n_words >= verbs[i].least && ret->n_words <= verbs[i].most;
		return good ? NULL : "wrong number of words";
	}
	return "unknown verb";
}

enum control_result control_parse(
	struct str bytes, struct control_request *ret, const char **ret_error)
{
	size_t most = bytes.len < CONTROL_LINE_MAX ? bytes.len : CONTROL_LINE_MAX;
	const char *end = memchr(bytes.p, '\n', most);
	struct control_request request = { 0 };

	if (!end && bytes.len < CONTROL_LINE_MAX)
		return CONTROL_MORE;
	if (!end) {
		*ret_error = "request too long";
		return CONTROL_BAD;
	}
	struct str line = { bytes.p, (size_t)(end - bytes.p) };
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	const char *error = parse_line(line, &request);
	if (error) {
		*ret_error = error;
		return CONTROL_BAD;
	}
	*ret = request;
	return CONTROL_REQUEST;
}
