"""The HTTP API under /api/v1: routes and their shapes. What they do, `admin` and `storage` know."""
