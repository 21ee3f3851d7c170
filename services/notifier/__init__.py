"""Alert events to people and other systems."""
