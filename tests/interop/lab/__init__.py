# SPDX-License-Identifier: Apache-2.0
"""The lab: hosts without routes between them, real servers, and clients that show raw XML.

net      hosts (network namespaces, or loopback addresses where those are not permitted)
proc     processes: started in a host, ended by their own pid, logs in files
dns      the outside world's name server, and a small query
keys     keys and certificates
server   what the servers have in common; prosody, ejabberd, jabberd2: one of each
attach   what a server is told about names and trust: the lines of `sallyport attach`
gateway  sallyport-outer and sallyport-inner
xmpp     a raw client
world    all of these put together: one server on each side
matrix   every server on both sides
table    the cells of the matrix as doc/interop.md
"""
