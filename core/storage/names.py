"""The tables, queues and blob container the app uses.

Templates and the local stack make them; the app needs no right to create any.
"""

CONFIGURATION_TABLE = "Configuration"
LEDGER_TABLE = "SyncState"
LOG_TABLE = "SyncLog"
QUARANTINE_TABLE = "Quarantine"
AUDIT_TABLE = "Audit"
REPLAYS_TABLE = "Replays"
BATCHES_TABLE = "Batches"
TABLES = (CONFIGURATION_TABLE, LEDGER_TABLE, LOG_TABLE, QUARANTINE_TABLE, AUDIT_TABLE, REPLAYS_TABLE, BATCHES_TABLE)

DELIVERIES_QUEUE = "deliveries"
BULK_QUEUE = "bulk-sync"
BULK_POISON_QUEUE = f"{BULK_QUEUE}-poison"
QUEUES = (DELIVERIES_QUEUE, f"{DELIVERIES_QUEUE}-poison", BULK_QUEUE, BULK_POISON_QUEUE)

BULK_CONTAINER = "bulk"
CONTAINERS = (BULK_CONTAINER,)
