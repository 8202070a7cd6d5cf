/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is accepted, what is refused and as what. Names begin with the row of the
 * catalogue of threats (A, B, C) or of the stream checklist (B1 to B18 as "s2s B...")
 * that the case stands for. Every case runs in all cuts.
 */
#include "harness.h"

struct row {
	const char *name;
	struct str in;
	const char *want;
};

static const struct row stanzas[] = {
	{ "empty element", STR("<a/>"), "a" },
	{ "text", STR("<a>x</a>"), "a(\"x\")" },
	{ "no text node for no text", STR("<a></a>"), "a" },
	{ "nested", STR("<a><b/>t<c><d/></c></a>"), "a(b \"t\" c(d))" },
	{ "attributes keep their order", STR("<a z='1' y=\"2\" x=''/>"), "a@z='1'@y='2'@x=''" },
	{ "white space in tags", STR("<a \t\r\n b = '1'\n\tc\n=\n'2' ></a \r>"), "a@b='1'@c='2'" },
	{ "space before />", STR("<a b='1' />"), "a@b='1'" },
	{ "other quote in a value", STR("<a b='\"' c=\"'\"/>"), "a@b='\"'@c='''" },
	{ "> in a value", STR("<a b='/>'/>"), "a@b='/>'" },
	{ "> in text", STR("<a>></a>"), "a(\">\")" },
	{ "name characters", STR("<_a-b.9/>"), "_a-b.9" },
	{ "space between stanzas", STR(" <a/>\r\n\t<b/> "), "a b" },
	{ "s2s B18 at its last byte", STR("<a/>"), "a" },
	{ "unfinished", STR("<a/><b"), "a ..." },
	{ "unfinished end tag", STR("<a></a"), "..." },

	{ "s2s B1 threats A1 entity bombs", STR("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"), "!doctype" },
	{ "s2s B1 threats A1 in a stanza", STR("<a><!DOCTYPE b>"), "!doctype" },
	{ "s2s B1 threats A1 at once", STR("<a><!D"), "!doctype" },
	{ "s2s B1 threats A1 other declarations", STR("<a><!ELEMENT b EMPTY>"),
		"!not-well-formed" },
	{ "s2s B1 threats A3 comment between", STR("<!-- x -->"), "!comment" },
	{ "s2s B1 threats A3 comment inside", STR("<a><!-- x --></a>"), "!comment" },
	{ "s2s B1 threats A3 comment at once", STR("<a><!--"), "!comment" },
	{ "s2s B1 threats A3 instruction", STR("<?x y?>"), "!processing-instruction" },
	{ "s2s B1 threats A3 instruction inside", STR("<a><?"), "!processing-instruction" },
	{ "s2s B1 threats A3 declaration in mid-stream", STR("<?xml version='1.0'?>"),
		"!processing-instruction" },
	{ "s2s B1 threats A3 marked section", STR("<a><![IGNORE[x]]></a>"), "!not-well-formed" },
	{ "s2s B1 threats A4 comment <!-->", STR("<a><!--></a>"), "!comment" },
	{ "s2s B1 threats A4 comment <!--->", STR("<a><!---></a>"), "!comment" },
	{ "s2s B1 threats A4 half a comment", STR("<a><!-x"), "!not-well-formed" },
	{ "s2s B1 threats A5 unknown entity", STR("<a>&foo;</a>"), "!entity-reference" },
	{ "s2s B1 threats A5 unknown entity in a value", STR("<a b='&nbsp;'/>"),
		"!entity-reference" },
	{ "s2s B1 threats A5 longer than a known one", STR("<a>&amps;</a>"), "!entity-reference" },
	{ "s2s B1 threats A5 shorter than a known one", STR("<a>&am;</a>"), "!entity-reference" },
	{ "s2s B1 threats A5 other case", STR("<a>&LT;</a>"), "!entity-reference" },
	{ "s2s B1 threats A5 entity name not ASCII", STR("<a>&\xc3\xa9;</a>"),
		"!entity-reference" },
	{ "s2s B1 threats A5 at once", STR("<a>&f"), "!entity-reference" },
	{ "s2s B1 threats A5 no name", STR("<a>&;</a>"), "!not-well-formed" },
	{ "s2s B1 threats A5 lone ampersand", STR("<a>& b</a>"), "!not-well-formed" },
	{ "s2s B1 threats A5 unterminated", STR("<a>&lt b</a>"), "!not-well-formed" },
	{ "s2s B1 threats A5 ended by a tag", STR("<a>&lt</a>"), "!not-well-formed" },
	{ "s2s B1 threats A5 ended by a quote", STR("<a b='&lt'/>"), "!not-well-formed" },
	{ "s2s B1 threats A5 value 2^32 + 97", STR("<a>&#4294967393;</a>"),
		"!character-reference" },
	{ "s2s B1 threats A5 hex 2^32 + 97", STR("<a>&#x100000061;</a>"), "!character-reference" },
	{ "s2s B1 threats A5 2^64 + 97", STR("<a>&#18446744073709551713;</a>"),
		"!character-reference" },
	{ "s2s B1 threats A5 just beyond Unicode", STR("<a>&#x110000;</a>"),
		"!character-reference" },
	{ "s2s B1 threats A5 last code point", STR("<a>&#x10FFFF;</a>"),
		"a(\"\xf4\x8f\xbf\xbf\")" },
	{ "s2s B1 threats A5 leading zeros", STR("<a>&#0000000000000000000065;</a>"), "a(\"A\")" },
	{ "s2s B1 threats A5 no digits", STR("<a>&#;</a>"), "!character-reference" },
	{ "s2s B1 threats A5 no hex digits", STR("<a>&#x;</a>"), "!character-reference" },
	{ "s2s B1 threats A5 capital X", STR("<a>&#X41;</a>"), "!character-reference" },
	{ "s2s B1 threats A5 x in the middle", STR("<a>&#0x41;</a>"), "!character-reference" },
	{ "s2s B1 threats A5 hex digit in decimal", STR("<a>&#4a;</a>"), "!character-reference" },
	{ "threats A6 section", STR("<a><![CDATA[<b>&amp;]]></a>"), "a(\"<b>&amp;\")" },
	{ "threats A6 joins the text around it", STR("<a>x<![CDATA[y]]>z</a>"), "a(\"xyz\")" },
	{ "threats A6 two sections", STR("<a><![CDATA[x]]><![CDATA[y]]></a>"), "a(\"xy\")" },
	{ "threats A6 empty", STR("<a><![CDATA[]]></a>"), "a" },
	{ "threats A6 empty among elements", STR("<a><b/><![CDATA[]]><c/></a>"), "a(b c)" },
	{ "threats A6 brackets", STR("<a><![CDATA[]]]]]></a>"), "a(\"]]]\")" },
	{ "threats A6 bracket and >", STR("<a><![CDATA[]> ]] >]]></a>"), "a(\"]> ]] >\")" },
	{ "threats A6 brackets, then character", STR("<a><![CDATA[]]\xc3\xa9]]></a>"),
		"a(\"]]\xc3\xa9\")" },
	{ "threats A6 ]]> made of parts", STR("<a>]]<![CDATA[>]]></a>"), "a(\"]]>\")" },
	{ "threats A6 lines", STR("<a><![CDATA[\r\n\r\r]]>\n</a>"), "a(\"\n\n\n\n\")" },
	{ "threats A6 unterminated", STR("<a><![CDATA[x]]</a>"), "..." },
	{ "threats A6 other case", STR("<a><![cdata[x]]></a>"), "!not-well-formed" },
	{ "threats A6 between stanzas", STR("<![CDATA[x]]>"), "!text-between-stanzas" },
	{ "threats A6 empty between stanzas", STR("<![CDATA[]]>"), "!text-between-stanzas" },
	{ "threats A6 control character", STR("<a><![CDATA[\x01]]></a>"), "!forbidden-character" },
	{ "s2s B3 threats A15 no name", STR("< a/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 digit first", STR("<1/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 hyphen first", STR("<-a/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 empty tag", STR("<>"), "!not-well-formed" },
	{ "s2s B3 threats A15 < in a tag", STR("<a <b/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 < in a value", STR("<a b='<'/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 no quotes", STR("<a b=c/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 no value", STR("<a b/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 no name of attribute", STR("<a ='x'/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 no space between attributes", STR("<a b='1'c='2'/>"),
		"!not-well-formed" },
	{ "s2s B3 threats A15 / and more", STR("<a / >"), "!not-well-formed" },
	{ "s2s B3 threats A15 // at the end", STR("<a//>"), "!not-well-formed" },
	{ "s2s B3 threats A15 wrong end tag", STR("<a></b>"), "!tag-mismatch" },
	{ "s2s B3 threats A15 longer end tag", STR("<a></ab>"), "!tag-mismatch" },
	{ "s2s B3 threats A15 shorter end tag", STR("<ab></a>"), "!tag-mismatch" },
	{ "s2s B3 threats A15 other prefix at the end", STR("<db:a></a>"), "!tag-mismatch" },
	{ "s2s B3 threats A15 end tag differs late in a character", STR("<\xc3\xa9></\xc3\xa8>"),
		"!tag-mismatch" },
	{ "s2s B3 threats A15 attributes in an end tag", STR("<a></a b='1'>"), "!not-well-formed" },
	{ "s2s B3 threats A15 space in an end tag", STR("<a></ a>"), "!not-well-formed" },
	{ "s2s B3 threats A15 end tag without name", STR("<a></>"), "!not-well-formed" },
	{ "s2s B3 threats A15 / at the end of an end tag", STR("<a></a/>"), "!not-well-formed" },
	{ "s2s B3 threats A15 ]]> in text", STR("<a>]]></a>"), "!not-well-formed" },
	{ "s2s B3 threats A15 ]]]> in text", STR("<a>x]]]></a>"), "!not-well-formed" },
	{ "s2s B3 threats A15 ]] and > apart", STR("<a>]] > ]]&gt; ]>&#93;]></a>"),
		"a(\"]] > ]]> ]>]]>\")" },
	{ "s2s B3 threats A15 nothing of the bad stanza", STR("<ok/><a><b></a>"),
		"ok !tag-mismatch" },
	{ "threats A20 extra end tag", STR("<a/></a>"), "a !tag-mismatch" },

	{ "s2s B2 threats B1 overlong <", STR("<a>\xc0\xbc</a>"), "!bad-utf8" },
	{ "s2s B2 threats B1 overlong / of three", STR("<a>\xe0\x80\xaf</a>"), "!bad-utf8" },
	{ "s2s B2 threats B1 overlong of four", STR("<a>\xf0\x80\x80\xaf</a>"), "!bad-utf8" },
	{ "s2s B2 threats B1 overlong NUL", STR("<a b='\xc0\x80'/>"), "!bad-utf8" },
	{ "s2s B2 threats B2 lead byte and <", STR("<a>\xc3<b/></a>"), "!bad-utf8" },
	{ "s2s B2 threats B2 lead byte and quote", STR("<a b='\xe2'/>"), "!bad-utf8" },
	{ "s2s B2 threats B2 two of three and >", STR("<a b='\xe2\x82>'/>"), "!bad-utf8" },
	{ "s2s B2 threats B2 in a name", STR("<a\xc3>"), "!bad-utf8" },
	{ "s2s B2 threats B2 in a section", STR("<a><![CDATA[\xf0\x9f\x98]]></a>"), "!bad-utf8" },
	{ "s2s B2 threats B3 surrogate", STR("<a>\xed\xa0\x80</a>"), "!bad-utf8" },
	{ "s2s B2 threats B3 surrogate pair", STR("<a>\xed\xa0\xbd\xed\xb8\x80</a>"), "!bad-utf8" },
	{ "s2s B2 threats B3 above U+10FFFF", STR("<a>\xf4\x90\x80\x80</a>"), "!bad-utf8" },
	{ "s2s B2 threats B3 five bytes", STR("<a>\xf8\x88\x80\x80\x80</a>"), "!bad-utf8" },
	{ "s2s B2 threats B3 FE", STR("<a>\xfe</a>"), "!bad-utf8" },
	{ "s2s B2 threats B3 FF", STR("<a b='\xff'/>"), "!bad-utf8" },
	{ "s2s B2 threats B3 continuation alone", STR("<a>\x80</a>"), "!bad-utf8" },
	{ "s2s B2 threats B3 between stanzas", STR("\x80<a/>"), "!bad-utf8" },
	{ "s2s B2 threats B3 surrogate by reference", STR("<a>&#xD800;</a>"),
		"!character-reference" },
	{ "s2s B3 threats B4 NUL", STR("<a>\0</a>"), "!forbidden-character" },
	{ "s2s B3 threats B4 NUL in a tag", STR("<a\0/>"), "!forbidden-character" },
	{ "s2s B3 threats B4 NUL in a value", STR("<a b='\0'/>"), "!forbidden-character" },
	{ "s2s B3 threats B4 NUL between", STR("\0"), "!forbidden-character" },
	{ "s2s B3 threats B4 C0", STR("<a>\x1b</a>"), "!forbidden-character" },
	{ "s2s B3 threats B4 U+FFFE", STR("<a>\xef\xbf\xbe</a>"), "!forbidden-character" },
	{ "s2s B3 threats B4 U+FFFF in a value", STR("<a b='\xef\xbf\xbf'/>"),
		"!forbidden-character" },
	{ "s2s B3 threats B4 NUL by reference", STR("<a>&#0;</a>"), "!character-reference" },
	{ "s2s B3 threats B4 C0 by reference", STR("<a b='&#x1;'/>"), "!character-reference" },
	{ "s2s B3 threats B4 U+FFFE by reference", STR("<a>&#xFFFE;</a>"), "!character-reference" },
	{ "threats B5 mark between stanzas", STR("\xef\xbb\xbf<a/>"), "!text-between-stanzas" },
	{ "threats B5 Latin-1", STR("<a>caf\xe9</a>"), "!bad-utf8" },
	{ "threats B6 mark in text", STR("<a>\xef\xbb\xbfx</a>"), "a(\"\xef\xbb\xbfx\")" },
	{ "threats B6 controls of C1 and DEL", STR("<a>\x7f\xc2\x80\xc2\x85</a>"),
		"a(\"\x7f\xc2\x80\xc2\x85\")" },
	{ "threats B6 U+2028 is no line end", STR("<a>\xe2\x80\xa8</a>"), "a(\"\xe2\x80\xa8\")" },
	{ "threats B6 high non-characters", STR("<a b='\xf0\x9f\xbf\xbf'>\xf4\x8f\xbf\xbe</a>"),
		"a@b='\xf0\x9f\xbf\xbf'(\"\xf4\x8f\xbf\xbe\")" },
	{ "threats B6 planes", STR("<a>\xf0\x90\x80\x80\xf3\xa0\x80\x81</a>"),
		"a(\"\xf0\x90\x80\x80\xf3\xa0\x80\x81\")" },
	{ "threats B7 long text",
		STR("<a>0123456789abcdef\xd0\xb6\xe4\xb8\xad 0123456789abcdef</a>"),
		"a(\"0123456789abcdef\xd0\xb6\xe4\xb8\xad 0123456789abcdef\")" },

	{ "threats C1 line feed in a namespace", STR("<a xmlns='u&#10;v'/>"), "{u\nv}a" },
	{ "threats C1 separators in a namespace", STR("<p:a xmlns:p='u|}#:v x'/>"), "{u|}#:v x}a" },
	{ "threats C2 markup in values", STR("<a b='&lt;/a>&quot;&apos;'>&lt;b/&gt;</a>"),
		"a@b='</a>\"''(\"<b/>\")" },
	{ "threats C3 two colons", STR("<db:a:b/>"), "!not-well-formed" },
	{ "threats C3 colon first", STR("<:a/>"), "!not-well-formed" },
	{ "threats C3 colon last", STR("<db:/>"), "!not-well-formed" },
	{ "threats C3 digit after the colon", STR("<db:1/>"), "!not-well-formed" },
	{ "threats C3 attribute with two colons", STR("<a db:b:c='1'/>"), "!not-well-formed" },
	{ "threats C3 attribute with colon first", STR("<a :b='1'/>"), "!not-well-formed" },
	{ "threats C5 other content namespace",
		STR("<message><body xmlns='jabber:client'/></message>"),
		"message({jabber:client}body)" },
	{ "s2s B10 threats C6 no namespace",
		STR("<message><body xmlns=''><x/></body><y/></message>"),
		"message({}body({}x) y)" },
	{ "threats C9 same name elsewhere", STR("<message xmlns='urn:x'/>"), "{urn:x}message" },
	{ "s2s B10 threats C10 prefixed stanza",
		STR("<s:a xmlns:s='jabber:server'><s:b/><b/></s:a>"), "a(b b)" },
	{ "s2s B10 threats C10 prefix redeclared",
		STR("<p:a xmlns:p='u'><p:b xmlns:p='v'/><p:c/></p:a>"), "{u}a({v}b {u}c)" },
	{ "s2s B10 threats C10 declared after its use", STR("<p:a p:x='1' xmlns:p='u'/>"),
		"{u}a@{u}x='1'" },
	{ "s2s B10 threats C10 look-alike attribute", STR("<a q:from='x' from='y' xmlns:q='u'/>"),
		"a@{u}from='x'@from='y'" },
	{ "s2s B10 threats C10 attributes have no default namespace", STR("<a xmlns='u' b='1'/>"),
		"{u}a@b='1'" },
	{ "s2s B10 threats C10 prefixes of the root", STR("<db:result><stream:x/></db:result>"),
		"{jabber:server:dialback}result({" NS_STREAM "}x)" },
	{ "s2s B10 threats C10 scope ends", STR("<a><b xmlns='u' xmlns:p='v'/><p:c/></a>"),
		"!namespace" },
	{ "s2s B10 threats C10 scope ends with the stanza", STR("<a xmlns:p='v'/><p:c/>"),
		"a !namespace" },
	{ "s2s B10 threats C10 namespace with references", STR("<a xmlns='u&amp;v\tw'/>"),
		"{u&v w}a" },
	{ "s2s B3 threats C11 twice", STR("<a to='1' to='2'/>"), "!duplicate-attribute" },
	{ "s2s B3 threats C11 twice by namespace",
		STR("<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>"), "!duplicate-attribute" },
	{ "s2s B3 threats C11 not twice", STR("<a xmlns:p='u' xmlns:q='v' p:x='1' q:x='2' x='3'/>"),
		"a@{u}x='1'@{v}x='2'@x='3'" },
	{ "s2s B3 threats C11 prefix declared twice", STR("<a xmlns:p='u' xmlns:p='v'/>"),
		"!duplicate-attribute" },
	{ "s2s B3 threats C11 default declared twice", STR("<a xmlns='u' xmlns=''/>"),
		"!duplicate-attribute" },
	{ "s2s B3 threats C11 among many",
		STR("<a b1='' b2='' b3='' b4='' b5='' b6='' b7='' b8='' b9='' b10='' b3=''/>"),
		"!duplicate-attribute" },
	{ "s2s B3 threats C11 among many, by namespace",
		STR("<a xmlns:p='u' xmlns:q='u' b1='' b2='' b3='' b4='' b5='' b6='' b7='' b8='' "
		    "q:x='' p:x=''/>"),
		"!duplicate-attribute" },
	{ "s2s B3 threats C11 many, none twice",
		STR("<a xmlns:p='u' x='' b2='' b3='' b4='' b5='' b6='' b7='' b8='' b9='' p:x=''/>"),
		"a@x=''@b2=''@b3=''@b4=''@b5=''@b6=''@b7=''@b8=''@b9=''@{u}x=''" },
	{ "s2s B3 threats C12 undeclared prefix", STR("<p:a/>"), "!namespace" },
	{ "s2s B3 threats C12 undeclared on an attribute", STR("<a p:b='1'/>"), "!namespace" },
	{ "s2s B3 threats C12 prefix undeclared again", STR("<a xmlns:p=''/>"), "!namespace" },
	{ "s2s B3 threats C12 xmlns as prefix", STR("<a xmlns:xmlns='u'/>"), "!namespace" },
	{ "s2s B3 threats C12 xmlns as element prefix", STR("<xmlns:a/>"), "!namespace" },
	{ "s2s B3 threats C12 xml to another name", STR("<a xmlns:xml='u'/>"), "!namespace" },
	{ "s2s B3 threats C12 another prefix to xml", STR("<a xmlns:p='" NS_XML "'/>"),
		"!namespace" },
	{ "s2s B3 threats C12 default to xml", STR("<a xmlns='" NS_XML "'/>"), "!namespace" },
	{ "s2s B3 threats C12 prefix to xmlns", STR("<a xmlns:p='" NS_XMLNS "'/>"), "!namespace" },
	{ "s2s B3 threats C12 default to xmlns", STR("<a xmlns='" NS_XMLNS "'/>"), "!namespace" },
	{ "s2s B3 threats C12 xml declared rightly",
		STR("<a xmlns:xml='" NS_XML "' xml:lang='en'/>"), "a@{" NS_XML "}lang='en'" },
	{ "s2s B3 threats C12 xml undeclared", STR("<a xml:lang='en'><xml:b/></a>"),
		"a@{" NS_XML "}lang='en'({" NS_XML "}b)" },
	{ "s2s B12 threats C13 spellings", STR("<a b='&#65;&#x41;A'>&#65;&#x041;<![CDATA[A]]></a>"),
		"a@b='AAA'(\"AAA\")" },
	{ "s2s B12 threats C13 references keep the character",
		STR("<a b='&#13;&#10;&#9;'>&#13;&#xA;&#x9;</a>"), "a@b='\r\n\t'(\"\r\n\t\")" },
	{ "s2s B12 threats C13 literal white space in values", STR("<a b='\r\n\t\n\r\r '/>"),
		"a@b='      '" },
	{ "s2s B12 threats C13 line ends in text", STR("<a>\r\n\r\r\n\n\r</a>"),
		"a(\"\n\n\n\n\n\")" },
	{ "s2s B12 threats C13 CR, then reference to LF", STR("<a b='\r&#10;'>\r&#10;</a>"),
		"a@b=' \n'(\"\n\n\")" },
	{ "s2s B12 threats C13 CR by reference, then LF", STR("<a b='&#13;\n'>&#13;\n</a>"),
		"a@b='\r '(\"\r\n\")" },
	{ "threats C14 double escape", STR("<a b='&amp;lt;'>&amp;lt;&amp;#65;</a>"),
		"a@b='&lt;'(\"&lt;&#65;\")" },
	{ "threats C17 glued", STR("<a/><b>x</b><c d='e'/>"), "a b(\"x\") c@d='e'" },
	{ "threats C18 second header", STR("<a/>" ROOT), "a ..." },
	{ "s2s B14 text between", STR("<a/>x<b/>"), "a !text-between-stanzas" },
	{ "s2s B14 character between", STR("\xc3\xa9"), "!text-between-stanzas" },
	{ "s2s B14 reference between", STR("&#32;"), "!text-between-stanzas" },
};

static const struct row documents[] = {
	{ "s2s B4 declaration", STR("<?xml version='1.0'?><a/>"), "OPEN {}a CLOSE" },
	{ "s2s B4 all of it",
		STR("<?xml\tversion = \"1.0\" encoding='utf-8'\r\nstandalone='yes' ?>\n<a/>"),
		"OPEN {}a CLOSE" },
	{ "s2s B4 version and standalone", STR("<?xml version='1.0' standalone='no'?><a/>"),
		"OPEN {}a CLOSE" },
	{ "s2s B4 other version", STR("<?xml version='1.1'?><a/>"), "!xml-declaration" },
	{ "s2s B4 no version", STR("<?xml encoding='UTF-8'?><a/>"), "!xml-declaration" },
	{ "s2s B4 wrong order", STR("<?xml encoding='UTF-8' version='1.0'?>"), "!xml-declaration" },
	{ "s2s B4 unknown word", STR("<?xml version='1.0' lang='en'?>"), "!xml-declaration" },
	{ "s2s B4 no gap", STR("<?xml version='1.0'encoding='UTF-8'?>"), "!xml-declaration" },
	{ "s2s B4 other quote", STR("<?xml version='1.0\"?>"), "!xml-declaration" },
	{ "s2s B4 no =", STR("<?xml version '1.0'?>"), "!xml-declaration" },
	{ "s2s B4 standalone maybe", STR("<?xml version='1.0' standalone='maybe'?>"),
		"!xml-declaration" },
	{ "s2s B4 no ?", STR("<?xml version='1.0'>"), "!xml-declaration" },
	{ "s2s B4 tag inside", STR("<?xml version='1.0' <a>"), "!xml-declaration" },
	{ "s2s B4 not ASCII", STR("<?xml version='1.0\xc3\xa9'?>"), "!xml-declaration" },
	{ "s2s B4 twice", STR("<?xml version='1.0'?><?xml version='1.0'?>"),
		"!processing-instruction" },
	{ "s2s B4 not first", STR(" <?xml version='1.0'?><a/>"), "!processing-instruction" },
	{ "s2s B4 longer target", STR("<?xmlx version='1.0'?>"), "!processing-instruction" },
	{ "s2s B4 other target", STR("<?php ?>"), "!processing-instruction" },
	{ "s2s B4 capitals", STR("<?XML version='1.0'?>"), "!processing-instruction" },
	{ "threats B5 encoding Latin-1", STR("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"),
		"!encoding" },
	{ "threats B5 encoding UTF-16", STR("<?xml version='1.0' encoding='UTF-16'?><a/>"),
		"!encoding" },
	{ "threats B5 UTF-16", STR("\xff\xfe<\0a\0/\0>\0"), "!bad-utf8" },
	{ "threats B5 UTF-16 without mark", STR("<\0a\0/\0>\0"), "!forbidden-character" },
	{ "threats B5 UTF-16 the other way", STR("\0<\0a\0/\0>"), "!forbidden-character" },
	{ "s2s B5 mark first", STR("\xef\xbb\xbf<a/>"), "!not-well-formed" },
	{ "s2s B5 mark after the declaration", STR("<?xml version='1.0'?>\xef\xbb\xbf<a/>"),
		"!not-well-formed" },
	{ "text before the root", STR("x<a/>"), "!not-well-formed" },
	{ "section before the root", STR("<![CDATA[]]><a/>"), "!not-well-formed" },
	{ "end tag before the root", STR("</a>"), "!not-well-formed" },
	{ "s2s B1 threats A3 comment before the root", STR("<!-- --><a/>"), "!comment" },
	{ "s2s B1 threats A2 external DTD", STR("<!DOCTYPE a SYSTEM 'http://127.0.0.1/'><a/>"),
		"!doctype" },
	{ "space before the root", STR("\r\n <a/>"), "OPEN {}a CLOSE" },
	{ "space after the root", STR("<a></a> \r\n"), "OPEN {}a CLOSE" },
	{ "space before the root's end", STR("<a> </a \n>"), "OPEN {}a CLOSE" },
	{ "threats A20 wrong root end", STR("<a><b/></b>"), "OPEN {}a {}b !tag-mismatch" },
	{ "threats A20 second root", STR("<a/><b/>"), "OPEN {}a CLOSE !data-after-end" },
	{ "threats A20 text after the end", STR("<a></a>x"), "OPEN {}a CLOSE !data-after-end" },
	{ "threats A20 bad byte after the end", STR("<a></a>\xff"),
		"OPEN {}a CLOSE !data-after-end" },
	{ "threats A20 end inside a stanza", STR("<a><b></a>"), "OPEN {}a !tag-mismatch" },
	{ "threats C18 bytes after the end", STR(ROOT "<a/></stream:stream><b/>"),
		"OPEN {" NS_STREAM "}stream a CLOSE !data-after-end" },
	{ "s2s B8 any prefix for the stream",
		STR("<x:stream xmlns:x='" NS_STREAM "' to='a' xml:lang='en'><x:e/></x:stream>"),
		"OPEN {" NS_STREAM "}stream@to='a'@{" NS_XML "}lang='en' {" NS_STREAM "}e CLOSE" },
	{ "root twice the attribute", STR("<a b='' b=''>"), "!duplicate-attribute" },
	{ "root with undeclared prefix", STR("<a:b>"), "!namespace" },
};

static void test_stanzas(void **state)
{
	for (size_t i = 0; i < sizeof(stanzas) / sizeof(stanzas[0]); i++)
		expect_inside(stanzas[i].name, NULL, stanzas[i].in, stanzas[i].want);
}

static void test_documents(void **state)
{
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		expect_document(documents[i].name, NULL, documents[i].in, documents[i].want);
}

/* C15: what is delivered reads as the same tree when it comes by again, in the same bytes. */
static void expect_fixed_point(const char *name, const struct xml_node *e, struct xml_reader *again)
{
	struct buf was, is, once, twice;

	buf_init(&was, 65536);
	buf_init(&is, 65536);
	buf_init(&once, 65536);
	buf_init(&twice, 65536);
	dump_tree(&was, e);
	assert_true(xml_write(&once, e, STRL(NS_SERVER)));
	const struct xml_node *copy = read_stanza(again, buf_bytes(&once));
	dump_tree(&is, copy);
	assert_true(xml_write(&twice, copy, STRL(NS_SERVER)));
	if (!str_eq(buf_bytes(&was), buf_bytes(&is)) ||
		!str_eq(buf_bytes(&once), buf_bytes(&twice)))
		fail_msg("%s: written as %.*s", name, STR_FMT(buf_bytes(&once)));
	buf_done(&was);
	buf_done(&is);
	buf_done(&once);
	buf_done(&twice);
}

static void test_fixed_points(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct xml_reader *again = xml_reader_new(NULL, &xml_limits_default);

	for (size_t i = 0; i < sizeof(stanzas) / sizeof(stanzas[0]); i++) {
		struct str root = STRL(ROOT), in = stanzas[i].in;
		xml_reader_restart(r, NULL);
		assert_int_equal(xml_reader_next(r, &root), XML_OPEN);
		while (xml_reader_next(r, &in) == XML_STANZA)
			expect_fixed_point(stanzas[i].name, xml_reader_node(r), again);
	}
	xml_reader_free(r);
	xml_reader_free(again);
}

/* A17: the owner stops between two events, and restarts with more input at hand. */
static void test_restart(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct buf got;

	buf_init(&got, 4096);
	feed(r, STRL(ROOT "<a><b c='\xc3"), 1000, 1, &got);
	assert_true(xml_reader_inside(r));
	xml_reader_restart(r, NULL);
	assert_false(xml_reader_inside(r));
	assert_null(xml_reader_root_ns(r, STRL("db")).p);
	buf_clear(&got, 4096);
	feed(r, STRL("<?xml version='1.0'?><x><db:y/>"), 1000, 1, &got);
	assert_true(str_is(buf_bytes(&got), "OPEN {}x !namespace"));
	buf_done(&got);
	xml_reader_free(r);
	xml_reader_free(NULL);
}

static void test_root_ns(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct buf got;

	buf_init(&got, 4096);
	feed(r, STRL(ROOT "<a xmlns='u' xmlns:db='v' xmlns:x='w'>"), 1000, 1, &got);
	assert_true(str_is(xml_reader_root_ns(r, STRL("")), "jabber:server"));
	assert_true(str_is(xml_reader_root_ns(r, STRL("db")), NS_DIALBACK));
	assert_true(str_is(xml_reader_root_ns(r, STRL("xml")), NS_XML));
	assert_null(xml_reader_root_ns(r, STRL("x")).p);
	feed(r, STRL("</a>" TAIL), 1000, 1, &got);
	assert_true(str_is(xml_reader_root_ns(r, STRL("stream")), NS_STREAM));
	xml_reader_restart(r, NULL);
	feed(r, STRL("<a xmlns=''>"), 1, 1, &got);
	assert_null(xml_reader_root_ns(r, STRL("")).p);
	buf_done(&got);
	xml_reader_free(r);
}

static void test_inside(void **state)
{
	static const struct {
		struct str in;
		bool inside;
	} steps[] = { { STR("<?xml "), false }, { STR("version='1.0'?> <a"), false },
		{ STR(">"), false }, { STR(" "), false }, { STR("<"), true }, { STR("b"), true },
		{ STR(">"), true }, { STR("</b"), true }, { STR(">"), false }, { STR("</"), true },
		{ STR("a>"), false } };
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct buf got;

	buf_init(&got, 4096);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct str in = steps[i].in;
		while (xml_reader_next(r, &in) != XML_MORE) {
		}
		assert_int_equal(xml_reader_inside(r), steps[i].inside);
	}
	buf_done(&got);
	xml_reader_free(r);
}

/* A11: a start tag of 40 KB cut by reads is reported with its last byte. */
static void test_at_once(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct str root = STRL(ROOT);
	char spaces[1024];

	memset(spaces, ' ', sizeof(spaces));
	assert_int_equal(xml_reader_next(r, &root), XML_OPEN);
	struct str in = STRL("<a");
	assert_int_equal(xml_reader_next(r, &in), XML_MORE);
	for (int i = 0; i < 40; i++) {
		in = str_from(spaces, sizeof(spaces));
		assert_int_equal(xml_reader_next(r, &in), XML_MORE);
	}
	in = STRL("/>more");
	assert_int_equal(xml_reader_next(r, &in), XML_STANZA);
	assert_true(str_is(in, "more"));
	xml_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stanzas),
		cmocka_unit_test(test_documents),
		{ "threats C15 s2s B10 fixed points", test_fixed_points, NULL, NULL, NULL },
		{ "s2s B17 threats A17 restart", test_restart, NULL, NULL, NULL },
		cmocka_unit_test(test_root_ns),
		cmocka_unit_test(test_inside),
		{ "s2s B18 threats A11 delivered at once", test_at_once, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
