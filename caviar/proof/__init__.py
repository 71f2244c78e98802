"""Proof of a search: its trials proposed and trained again, compared bit for bit, and a report of it.

Everything here works on a record of the search (`Client.record`, or a report file) and needs no server.
"""
