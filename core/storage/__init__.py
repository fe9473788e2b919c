"""Table Storage and Queue: configuration, the ledger of deliveries, the sync log, quarantine, wake-up messages."""
