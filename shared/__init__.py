"""What two services must agree on: the messages, the bus, the settings, the query and rule language."""
