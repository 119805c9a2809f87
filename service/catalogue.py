"""GET /v1/losses, /v1/metrics and /v1/like: the catalogues, and the card of each definition."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from lossapi import describe, like, registry
from lossapi.codecs import json
from lossapi.definition import Kind
from lossapi.errors import UnknownKey, nearest

Endpoint = Callable[[Request], Awaitable[Response]]
FILTERS = ("family", "q")


def listing(kind: Kind) -> Endpoint:
    """The catalogue of one kind, filtered by `family` and `q`."""

    async def catalogue(request: Request) -> Response:
        for name in request.query_params:
            if name not in FILTERS:
                raise UnknownKey(nearest(name, FILTERS), f"unknown query parameter {name!r}", (name,))
        family, words = request.query_params.get("family"), request.query_params.get("q", "").lower().split()
        cards = [describe.summary(definition) for definition in registry.definitions(kind)]
        chosen = [
            card
            for card in cards
            if family in (None, card["family"]) and all(w in f"{card['name']} {card['summary']}".lower() for w in words)
        ]
        return reply({registry.PLURAL[kind]: chosen})

    return catalogue


def card(kind: Kind) -> Endpoint:
    """The card of one definition."""

    async def show(request: Request) -> Response:
        return reply(describe.card(registry.get(kind, request.path_params["name"])))

    return show


async def like_listing(request: Request) -> Response:
    """Every function of another library that is served, and what it stands for."""
    entries = [
        describe.describe_like(definition, preset)
        for functions in like.presets().values()
        for definition, preset in functions.values()
    ]
    return reply({"like": entries})


def reply(value: object) -> Response:
    """A value as a JSON response."""
    return Response(json.encode(value), media_type=json.MEDIA_TYPE)
