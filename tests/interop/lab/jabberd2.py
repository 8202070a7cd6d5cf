# SPDX-License-Identifier: Apache-2.0
"""One jabberd2 as packaged by Debian: router, session manager, s2s and c2s, each a process."""
import glob
import os
import re
import sqlite3

from .proc import Process, user_prefix
from .server import C2S_PORT, S2S_PORT, Server

LIBRARIES = (glob.glob("/usr/lib/*/jabberd2") or ["/usr/lib/jabberd2"])[0]

ROUTER = """<router><id>router</id>
<log type='stdout'/>
<local><ip>127.0.0.1</ip><port>5347</port><users>{dir}/users.xml</users><secret>lab</secret></local>
<io><max_fds>1024</max_fds><limits><bytes>0</bytes><connects>0</connects></limits></io>
<aci><acl type='all'><user>jabberd</user></acl></aci>
</router>
"""

USERS = "<users><user><name>jabberd</name><secret>lab</secret></user></users>\n"

COMPONENT = """<router><ip>127.0.0.1</ip><port>5347</port><user>jabberd</user><pass>lab</pass>
<retry><init>50</init><lost>3</lost><sleep>1</sleep></retry></router>
<log type='stdout'/>
"""

SM = """<sm><id>sm</id>
""" + COMPONENT + """<local><id>{domain}</id></local>
<storage><path>{lib}</path><driver>db</driver><db><path>{dir}/store</path><sync/></db></storage>
<modules><path>{lib}</path>
{chains}</modules>
<discovery><identity><category>server</category><type>im</type><name>jabberd2</name></identity>
</discovery>
<user><auto-create/></user>
</sm>
"""

# As packaged.
CHAINS = {
    "sess-start": "status", "sess-end": "status iq-last",
    "in-sess": "validate status privacy roster vacation iq-vcard iq-ping iq-private disco amp offline"
               " announce presence deliver",
    "in-router": "session validate presence privacy", "out-router": "privacy",
    "pkt-sm": "iq-last iq-ping iq-time iq-version amp disco announce help echo status presence",
    "pkt-user": "roster presence disco iq-vcard amp deliver vacation offline iq-last",
    "pkt-router": "session disco",
    "user-load": "active roster roster-publish privacy vacation",
    "user-create": "active template-roster",
    "disco-extend": "iq-version help",
}

C2S = """<c2s><id>c2s</id>
""" + COMPONENT + """<local><id>{domain}</id><ip>{addr}</ip><port>{port}</port></local>
<io><max_fds>1024</max_fds><limits><bytes>0</bytes><stanzas>0</stanzas><connects>0</connects>
<stanzasize>1000000</stanzasize></limits></io>
<authreg><path>{lib}</path><module>sqlite</module>
<mechanisms><traditional/><sasl><plain/></sasl></mechanisms>
<sqlite><dbname>{dir}/users.db</dbname><password_type><plaintext/></password_type></sqlite>
</authreg>
</c2s>
"""

S2S = """<s2s><id>s2s</id>
""" + COMPONENT + """<local><ip>{addr}</ip><port>{port}</port>
{local}</local>
<io><max_fds>1024</max_fds><limits><stanzasize>1000000</stanzasize></limits></io>
<check><interval>60</interval><queue>60</queue><retry>300</retry><idle>86400</idle>
<dnscache>300</dnscache></check>
<lookup>
{lookup}</lookup>
<out-conn-reuse/>
<security>
{security}</security>
</s2s>
"""


class Jabberd2(Server):
    """attach: the parts of the recipe; own: certificate and key; users: {jid: password}.

    tls: as packaged it has no certificate and uses none; then its stream headers have no version.
    """

    kind = package = "jabberd2"
    user = "jabber"
    has_rooms = has_certificates = has_direct_tls = False
    stalls_inside = True
    # Its c2s takes a new connection for the ended one that had the same descriptor, and drops it.
    login_attempts = 5

    def __init__(self, net, host, addr, folder, *, domain, attach, own, users, s2s_addr=None,
                 direct_tls=False, keep=False, tls=True):
        super().__init__(net, host, addr, folder, domain=domain, s2s_addr=s2s_addr)
        chains = "".join("<chain id='%s'>%s</chain>\n" % (
            name, "".join("<module>%s</module>" % m for m in modules.split()))
            for name, modules in CHAINS.items())
        fill = {"dir": folder, "lib": LIBRARIES, "domain": domain, "addr": addr, "port": C2S_PORT,
                "chains": chains}
        self.put("router.xml", ROUTER.format(**fill))
        self.put("users.xml", USERS)
        self.put("sm.xml", SM.format(**fill))
        self.put("c2s.xml", C2S.format(**fill))
        local = attach["local"].replace("/etc/jabberd2/server.pem", self.own("own.pem", *own))
        self.put("s2s.xml", S2S.format(**dict(
            fill, addr=self.s2s_addr, port=S2S_PORT, local=local if tls else "",
            lookup=attach["lookup"], security=attach["security"] if tls else "")))
        os.makedirs(folder + "/store", exist_ok=True)
        self._accounts(users)
        self.give_away()
        env = dict(re.findall(r"^Environment=(\w+)=(.*)$", attach["environment"], re.M))
        for part in ("router", "sm", "s2s", "c2s"):
            self.processes.append(Process(
                net, host, user_prefix("jabber") + ["jabberd2-" + part, "-c",
                                                    "%s/%s.xml" % (folder, part)],
                "%s/jabberd2-%s.log" % (folder, part), keep, env=env if part == "s2s" else None))

    def _accounts(self, users):
        with sqlite3.connect(self.folder + "/users.db") as db:
            db.execute('CREATE TABLE "authreg" ("username" TEXT NOT NULL, "realm" TEXT NOT NULL,'
                       ' "password" TEXT)')
            db.executemany('INSERT INTO "authreg" VALUES (?, ?, ?)', [
                (*jid.split("@"), password) for jid, password in users.items()])
        db.close()

    def slips(self):
        """Streams that it dropped because it took an error of another one, still in OpenSSL's queue,
        for theirs: what was under way on them is lost."""
        return self.processes[2].log_text().count("oid exists")

    def wait(self):
        super().wait()
        router = self.processes[0]
        # s2s and c2s listen before the router knows the session manager.
        router.wait_for(lambda: "[%s] online" % self.domain in router.log_text(), "session manager",
                        30)
