"""What history decides: rows from messages, what is new, what is over. Values in, values out."""
