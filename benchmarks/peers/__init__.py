"""The services that lossapi is measured against."""
