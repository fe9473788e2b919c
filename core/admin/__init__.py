"""What an operator does, free of HTTP: connections, mappings, actions."""
