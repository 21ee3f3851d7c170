"""What the notifier decides: values in, values out."""
