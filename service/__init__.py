"""lossapi over HTTP: knows nothing of mathematics."""
