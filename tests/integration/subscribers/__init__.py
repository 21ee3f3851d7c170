"""What the tests of the subscribers in docs/subscribe need."""
