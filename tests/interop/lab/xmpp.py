# SPDX-License-Identifier: Apache-2.0
"""A raw XMPP client: SASL PLAIN over plain TCP inside a host, XML as it went and came.

Nothing runs in the background: whoever waits reads. A stanza is kept as the bytes that came,
the tree made of them, and the time they were read.
"""
import base64
import itertools
import socket
import time
import xml.etree.ElementTree as ET
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

CLIENT = "{jabber:client}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"
MUC = "http://jabber.org/protocol/muc"
_ids = itertools.count(1)


class Timeout(Exception):
    """What was waited for did not come."""


class Stanza:
    """One first-level element as received."""

    def __init__(self, raw, element):
        self.raw, self.element, self.at = raw, element, time.monotonic()
        self.kind = element.tag.rpartition("}")[2]
        self.get = element.get

    @property
    def sender(self):
        return self.get("from", "")

    @property
    def body(self):
        return self.element.findtext(CLIENT + "body")

    def child(self, namespace, name):
        return self.element.find("{%s}%s" % (namespace, name))

    @property
    def condition(self):
        """The defined condition of a stanza error, or None."""
        error = self.element.find(CLIENT + "error")
        if error is None:
            return None
        for child in error:
            if child.tag.startswith(STANZAS) and not child.tag.endswith("}text"):
                return child.tag[len(STANZAS):]
        return "undefined-condition"

    def __repr__(self):
        return self.raw if len(self.raw) < 500 else self.raw[:500] + "..."


class _Splitter:
    """Cuts a stream into its first-level elements, each with the bytes it came in."""

    def __init__(self, on_element):
        self.on_element = on_element
        self.reset()

    def reset(self):
        self.parser = expat.ParserCreate("UTF-8", "}")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.buffer_text = True
        self.depth, self.builder, self.just_begun = 0, None, False
        self.kept, self.kept_from, self.begun, self.pending = b"", 0, 0, []
        self.uncut = b""

    def feed(self, data):
        # Whole tags only: Debian's expat looks again at one that was cut when much more has come.
        data = self.uncut + data
        end = data.rfind(b">") + 1
        self.uncut, data = data[end:], data[:end]
        self.kept += data
        self.parser.Parse(data, False)
        for begin, end, element in self.pending:
            raw = self.kept[begin - self.kept_from:end - self.kept_from]
            self.on_element(raw.decode(), element)
            self.kept, self.kept_from = self.kept[end - self.kept_from:], end
        self.pending = []

    @staticmethod
    def _tag(name):
        return "{" + name if "}" in name else name

    def _start(self, name, attributes):
        self.depth += 1
        if self.depth == 1:
            return
        if self.depth == 2:
            self.begun = self.parser.CurrentByteIndex
            self.builder = ET.TreeBuilder()
        self.just_begun = True
        self.builder.start(self._tag(name), {self._tag(k): v for k, v in attributes.items()})

    def _text(self, text):
        if self.depth > 1:
            self.just_begun = False
            self.builder.data(text)

    def _end(self, name):
        self.depth -= 1
        if self.depth == 0:
            return
        self.builder.end(self._tag(name))
        if self.depth == 1:
            self.pending.append((self.begun, self._end_index(), self.builder.close()))
        self.just_begun = False

    def _end_index(self):
        """Expat stands before the end tag, or, when the element was <x/>, after it."""
        at = self.parser.CurrentByteIndex - self.kept_from
        if not (self.just_begun and self.kept[at - 2:at] == b"/>"):
            at = self.kept.index(b">", at) + 1
        return at + self.kept_from


class Client:
    """A logged-in user. `sent` and `got` hold everything, in order."""

    def __init__(self, net, host, addr, jid, password, port=5222, resource=None):
        self.net, self.host, self.addr, self.port = net, host, addr, port
        self.bare, self.password = jid, password
        self.jid = jid + "/" + (resource or "lab")
        self.sent, self.got, self.waiting = [], [], []
        self.splitter = _Splitter(self._on_element)
        self.sock = None

    def connect(self, timeout=10.0):
        user, domain = self.bare.split("@")
        self.sock = self.net.socket(self.host)
        self.sock.settimeout(timeout)
        self.sock.connect((self.addr, self.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open(domain)
        token = base64.b64encode(("\0%s\0%s" % (user, self.password)).encode()).decode()
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>"
                  % token)
        answer = self.wait(lambda s: s.kind in ("success", "failure"), timeout)
        if answer.kind == "failure":
            raise Timeout("login as %s failed: %s" % (self.bare, answer.raw))
        features = self._open(domain)
        resource = self.jid.partition("/")[2]
        self.iq("set", None, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s"
                "</resource></bind>" % escape(resource), timeout=timeout)
        session = features.child(SESSION, "session")
        if session is not None and session.find("{%s}optional" % SESSION) is None:
            self.iq("set", None, "<session xmlns='%s'/>" % SESSION, timeout=timeout)
        self.iq("get", None, "<query xmlns='jabber:iq:roster'/>", timeout=timeout)
        return self

    def _open(self, domain):
        self.splitter.reset()
        self.send("<?xml version='1.0'?><stream:stream to=%s version='1.0' xmlns='jabber:client'"
                  " xmlns:stream='http://etherx.jabber.org/streams'>" % quoteattr(domain))
        return self.wait(lambda s: s.kind == "features")

    def _on_element(self, raw, element):
        stanza = Stanza(raw, element)
        self.got.append(stanza)
        self.waiting.append(stanza)

    def send(self, xml):
        self.sent.append(xml)
        self.sock.sendall(xml.encode())
        return xml

    def wait(self, match, timeout=10.0, what=None):
        """The first stanza, not yet waited for, that matches; later ones stay for later."""
        end = time.monotonic() + timeout
        seen = 0
        while True:
            for index in range(seen, len(self.waiting)):
                if match(self.waiting[index]):
                    return self.waiting.pop(index)
            seen = len(self.waiting)
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                raise Timeout("%s waited %.1f s for %s; came: %s" % (
                    self.jid, timeout, what or "a stanza", [repr(s) for s in self.waiting][-4:]))

    def read_until(self, done, timeout):
        """Read whatever comes until done() or for `timeout` seconds. Returns done()."""
        end = time.monotonic() + timeout
        while not done() and time.monotonic() < end:
            self._read(max(0.01, min(0.2, end - time.monotonic())))
        return done()

    def quiet(self, match, seconds):
        """True if nothing that matches comes within `seconds`."""
        try:
            self.wait(match, seconds)
        except Timeout:
            return True
        return False

    def _read(self, patience):
        self.sock.settimeout(patience)
        # Acknowledge at once: a server with Nagle's algorithm on would hold the next stanza back
        # for 40 ms. (The kernel forgets it, hence before each read.)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        try:
            data = self.sock.recv(65536)
        except (socket.timeout, ConnectionError):
            return False
        if not data:
            return False
        self.splitter.feed(data)
        return True

    # What people do

    def presence(self, to=None, kind=None, inner=""):
        attributes = (" to=%s" % quoteattr(to) if to else "") \
            + (" type=%s" % quoteattr(kind) if kind else "")
        return self.send("<presence%s>%s</presence>" % (attributes, inner))

    def message(self, to, body, kind="chat", inner="", ident=None):
        """Returns the id of the message."""
        ident = ident or "m%d" % next(_ids)
        self.send("<message to=%s type=%s id=%s><body>%s</body>%s</message>" % (
            quoteattr(to), quoteattr(kind), quoteattr(ident), escape(body), inner))
        return ident

    def wait_message(self, sender, body, timeout=10.0):
        return self.wait(lambda s: s.kind == "message" and s.body == body
                         and s.sender.startswith(sender), timeout,
                         "the message %.40r from %s" % (body, sender))

    def wait_error(self, ident, timeout=10.0):
        """The bounce of stanza `ident`."""
        return self.wait(lambda s: s.get("type") == "error" and s.get("id") == ident, timeout,
                         "the bounce of " + ident)

    def iq(self, kind, to, payload, timeout=10.0):
        """Ask and return the answer (a result or an error)."""
        ident = "q%d" % next(_ids)
        self.send("<iq type=%s id=%s%s>%s</iq>" % (
            quoteattr(kind), quoteattr(ident), " to=%s" % quoteattr(to) if to else "", payload))
        return self.wait(lambda s: s.kind == "iq" and s.get("id") == ident
                         and s.get("type") in ("result", "error"), timeout, "the answer to " + ident)

    def answer_iq(self, timeout=10.0):
        """Wait for a request and answer it with an empty result."""
        asked = self.wait(lambda s: s.kind == "iq" and s.get("type") in ("get", "set"), timeout,
                          "a request")
        self.send("<iq type='result' id=%s to=%s/>" % (quoteattr(asked.get("id")),
                                                       quoteattr(asked.sender)))
        return asked

    def join(self, room, nick, timeout=10.0):
        """Enter a room; returns the presence that says so."""
        me = "%s/%s" % (room, nick)
        self.presence(me, inner="<x xmlns='%s'><history maxstanzas='0'/></x>" % MUC)
        entered = self.wait(lambda s: s.kind == "presence" and s.sender == me, timeout,
                            "entry to " + room)
        if entered.get("type") == "error":
            raise Timeout("%s may not enter %s: %s" % (self.bare, room, entered.condition))
        return entered

    def close(self):
        if self.sock is None:
            return
        try:
            self.sock.sendall(b"</stream:stream>")
        except OSError:
            pass
        self.sock.close()
        self.sock = None
