# SPDX-License-Identifier: Apache-2.0
"""The lab: hosts without routes between them, real servers, and clients that show raw XML.

net      hosts (network namespaces, or loopback addresses where those are not permitted)
proc     processes: started in a host, ended by their own pid, logs in files
dns      the outside world's name server, and a small query
keys     keys and certificates
prosody  one Prosody
gateway  sallyport-outer and sallyport-inner
xmpp     a raw client
world    all of these put together
"""
