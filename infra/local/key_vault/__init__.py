"""Simulated Azure Key Vault: the secrets of one vault, as its data plane shows them."""

from infra.local.key_vault.app import key_vault_app

__all__ = ["key_vault_app"]
