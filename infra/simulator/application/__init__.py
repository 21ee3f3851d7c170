"""The provider's billing application: a database of its own, an HTTP API with the SDK, and people who use it."""
