"""WhatsApp gateways: their settings, how they are asked, and what they answer."""
