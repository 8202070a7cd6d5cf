/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	uri = scheme ":" [ "//" [ userinfo "@" ] host [ ":" port ] ] ...
 *
 * Clients hand links to browsers, and those read them generously: letters of any case, numbers in octal and
 * hexadecimal, one number for a whole address. What is not clearly a host of the Internet is internal.
 */
#include "policy/uri.h"

#include <arpa/inet.h>
#include <strings.h>

#include "base/count.h"
#include "base/special.h"

static struct str scheme_of(struct str uri)
{
	const char *colon = uri.len ? memchr(uri.p, ':', uri.len) : NULL;

	return colon ? str_from(uri.p, (size_t)(colon - uri.p)) : STRL("");
}

static bool is_word(struct str s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

static bool is_one_of(struct str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_word(s, words[i]))
			return true;
	}
	return false;
}

bool policy_uri_active(struct str uri)
{
	static const char *const schemes[] = { "javascript", "vbscript", "livescript", "data",
		"file", "blob", "filesystem", "about", "chrome", "resource", "view-source", "jar",
		"mhtml", "res", "smb", "ms-msdt", "search-ms" };
	struct str scheme = scheme_of(uri);

	return scheme.len == 0 || is_one_of(scheme, schemes, COUNT(schemes));
}

bool policy_uri_harmless(struct str uri)
{
	static const char *const schemes[] = { "http", "https", "xmpp", "mailto", "cid", "tel",
		"sip", "sips", "geo", "ftp", "ftps", "sftp", "irc", "ircs", "news", "urn",
		"magnet" };

	return is_one_of(scheme_of(uri), schemes, COUNT(schemes));
}

static struct str host_of(struct str uri)
{
	struct str s = str_skip(uri, scheme_of(uri).len);
	size_t n = 0;

	/* A backslash is a slash to browsers. */
	while (s.len && (s.p[0] == ':' || s.p[0] == '/' || s.p[0] == '\\'))
		s = str_skip(s, 1);
	while (n < s.len && !memchr("/\\?#", s.p[n], 4))
		n++;
	s.len = n;
	const char *at = s.len ? memrchr(s.p, '@', s.len) : NULL;
	if (at)
		s = str_skip(s, (size_t)(at - s.p) + 1);
	if (s.len && s.p[0] == '[') {
		const char *end = memchr(s.p, ']', s.len);
		return end ? str_from(s.p + 1, (size_t)(end - s.p) - 1) : STRL("");
	}
	const char *port = s.len ? memchr(s.p, ':', s.len) : NULL;
	if (port)
		s.len = (size_t)(port - s.p);
	return s;
}

/* Browsers need no slashes where only a host can follow. */
static bool has_authority(struct str uri)
{
	static const char *const schemes[] = { "http", "https", "ftp", "ws", "wss" };
	struct str s = str_skip(uri, scheme_of(uri).len);

	if (is_one_of(scheme_of(uri), schemes, COUNT(schemes)))
		return true;
	return s.len >= 3 && s.p[0] == ':' && (s.p[1] == '/' || s.p[1] == '\\') &&
		(s.p[2] == '/' || s.p[2] == '\\');
}

/* Digits, dots, and hexadecimal numbers: read as an address by inet_aton() and by browsers. */
static bool is_numeric(struct str host)
{
	const char *dot = memrchr(host.p, '.', host.len);
	struct str last = dot ? str_skip(host, (size_t)(dot - host.p) + 1) : host;

	if (last.len >= 2 && last.p[0] == '0' && (last.p[1] | 0x20) == 'x')
		return true;
	for (size_t i = 0; i < last.len; i++) {
		if (last.p[i] < '0' || last.p[i] > '9')
			return false;
	}
	return last.len > 0;
}

static bool is_local_name(struct str host)
{
	static const char *const suffixes[] = { ".localhost", ".local", ".localdomain", ".internal",
		".intranet", ".lan", ".home.arpa", ".home", ".corp", ".private" };

	if (!memchr(host.p, '.', host.len))
		return true;
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		size_t n = strlen(suffixes[i]);
		if (host.len > n && strncasecmp(host.p + host.len - n, suffixes[i], n) == 0)
			return true;
	}
	return false;
}

/* Is the last label in ASCII? Those of the Internet that are not have an A-label form to write them in. */
static bool ascii_at_end(struct str host)
{
	for (size_t i = host.len; i > 0 && host.p[i - 1] != '.'; i--) {
		if ((unsigned char)host.p[i - 1] >= 0x80)
			return false;
	}
	return true;
}

bool policy_host_internal(struct str host)
{
	unsigned char addr[16];
	char text[64];

	if (host.len && host.p[host.len - 1] == '.')
		host.len--;
	if (host.len == 0 || host.len > 255)
		return true;
	if (host.len < sizeof(text)) {
		memcpy(text, host.p, host.len);
		text[host.len] = '\0';
		if (inet_pton(AF_INET6, text, addr) == 1)
			return special_v6(addr);
		if (inet_pton(AF_INET, text, addr) == 1)
			return special_v4(addr);
	}
	/* Escapes hide the name; a zone belongs to a link; other letters may stand for digits (UTS 46). */
	return !ascii_at_end(host) || is_numeric(host) || memchr(host.p, '%', host.len) ||
		memchr(host.p, ':', host.len) || is_local_name(host);
}

bool policy_uri_internal(struct str uri)
{
	return has_authority(uri) && policy_host_internal(host_of(uri));
}
