"""Reaching MikroTik routers: which ones (the section `mikrotik`), and what they answer, through librouteros."""
