"""`python -m gateway.live`: tells a seller's open pages, the second it happens, that a lead is theirs.

Server-sent events from a process of its own, for a stream must not hold a thread of the gateway. It keeps nothing: what
a page missed it finds in the seller's inbox.
"""
