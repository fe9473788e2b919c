"""Exactly once, executable: the protocol as programs of single requests, and a search for what breaks its promise.

Read in this order: `captures` and `rows` (the words), `effect` (what one delivery does to what is there), `requests`
(what storage and Dynamics do with one request), `turn` and `landing` (the protocol), `one_at_a_time` (the promise),
`explorer` (every interleaving), `scenarios`. `safeguards` names what can be taken out, to see what each is good for.
"""
