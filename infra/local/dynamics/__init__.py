"""Simulated Dynamics: the Dataverse Web API as it is documented, on loopback, with unkindness on request."""

from infra.local.dynamics.server import CLIENT_ID, Dynamics, dynamics

__all__ = ["CLIENT_ID", "Dynamics", "dynamics"]
