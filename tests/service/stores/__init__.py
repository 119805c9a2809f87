"""The stores that streams live in."""
