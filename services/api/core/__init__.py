"""What api decides, as values in and values out."""
