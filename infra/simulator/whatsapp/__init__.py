"""A simulated WhatsApp gateway with WAHA's HTTP API, and the billing application that sends through it."""
