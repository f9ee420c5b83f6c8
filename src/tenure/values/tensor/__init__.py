"""The value: its class, methods and types."""
