"""The service, asked over a real socket."""
