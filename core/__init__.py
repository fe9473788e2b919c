"""Brings people captured with Captello into Dynamics 365 Sales.

`domain` decides and does no I/O, `sync` walks one delivery through its turn, `dataverse`, `storage` and `key_vault`
talk to the outside world, `admin` is what an operator does, `triggers` is what the Functions host calls.
"""
