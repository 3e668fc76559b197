"""A stand-in for Twilio and SendGrid that needs no account: speaks their HTTP, sends nothing, keeps a ledger.

A package of its own that knows nothing of the services, so that what it counts is counted from outside.
"""
