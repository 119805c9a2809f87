"""How one chunk is mapped, and on which device."""
