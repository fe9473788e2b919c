"""`python -m tests.audit`: whether what ships has vulnerabilities that are published."""
