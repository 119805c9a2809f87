"""Laws: each one test over every definition of the registry, naming none, beside a liar that it catches.

Here also belongs `surface` (OpenAPI, /v2 and the catalogue list exactly the registry), with the service's tests.
"""
