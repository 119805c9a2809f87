"""The Open Inference Protocol, driven by Triton's own client, and by bytes that it would never send."""
