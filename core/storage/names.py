"""The tables and queues the app uses. Templates and the local stack make them; the app needs no right to create any."""

CONFIGURATION_TABLE = "Configuration"
LEDGER_TABLE = "SyncState"
LOG_TABLE = "SyncLog"
QUARANTINE_TABLE = "Quarantine"
AUDIT_TABLE = "Audit"
REPLAYS_TABLE = "Replays"
TABLES = (CONFIGURATION_TABLE, LEDGER_TABLE, LOG_TABLE, QUARANTINE_TABLE, AUDIT_TABLE, REPLAYS_TABLE)

DELIVERIES_QUEUE = "deliveries"
QUEUES = (DELIVERIES_QUEUE, f"{DELIVERIES_QUEUE}-poison")
