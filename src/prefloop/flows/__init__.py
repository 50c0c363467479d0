"""Stories that cross rooms: the loop, lineage, import and freeze, training into the ledger, gates.

Rooms know nothing of one another; a flow takes a record out of one and hands it to the next.
"""
