"""Tables in files, as tensors."""
