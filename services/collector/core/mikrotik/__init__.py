"""From what a router answers to samples."""
