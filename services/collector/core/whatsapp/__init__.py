"""From what a WhatsApp gateway tells to samples."""
