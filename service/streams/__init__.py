"""/v1/streams: accumulators that live on the server."""
