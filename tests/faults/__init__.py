"""Faults on purpose: what may go wrong between the app and what it talks to, for tests that want it to."""
