"""Dynamics 365 through the Dataverse Web API: `protocol`, `batch` and `failures` are pure, `client` does the I/O."""
