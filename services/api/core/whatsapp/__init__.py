"""Webhooks of WhatsApp gateways: who signed them, what they say, what follows from many of them."""
