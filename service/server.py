"""Starts uvicorn under the settings."""

import uvicorn

from service.settings import Settings, choose_providers


def serve(settings: Settings) -> None:
    """Serve until stopped; each worker process makes its own app from the environment."""
    choose_providers(settings)
    uvicorn.run(
        "service.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_level=settings.log_level,
        timeout_keep_alive=settings.keep_alive,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
