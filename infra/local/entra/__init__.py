"""Simulated Microsoft Entra ID: the directory, and its token endpoint."""

from infra.local.entra.app import IDENTITY_HEADER, entra_app
from infra.local.entra.demo import DEMO, Demo, demo_directory
from infra.local.entra.directory import Directory, Secret

__all__ = ["DEMO", "IDENTITY_HEADER", "Demo", "Directory", "Secret", "demo_directory", "entra_app"]
