"""What a first request would wait for, made before it comes: modules loaded, requests described, backends started.

A process is ready once it has computed one example of each family, on each backend one. It computes the others while it
serves, in the pauses between requests, since a definition's first request takes milliseconds longer than its second.
"""

import asyncio
import gc
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Self

from lossapi import registry
from lossapi.backends import choice
from lossapi.codecs import json
from lossapi.codecs.codec import Limits
from lossapi.definition import Definition
from lossapi.errors import LossError
from service.compute import Answer, answers
from service.logs import LOG
from service.media import wire

PAUSE = 0.05
"""Seconds between two examples, many times what one takes: requests meanwhile seldom wait for it."""


class Warmth:
    """The examples that are yet to be computed in this process."""

    def __init__(self) -> None:
        self.answers = dict(answers())
        definitions = list(registry.catalogue().values())
        first = {(each.kind, each.family): each for each in definitions}
        self.left = [each for each in definitions if each is not first[each.kind, each.family]]
        others = set(choice.running()) - {choice.NUMPY.name}
        for definition in first.values():
            self.compute(definition)
            others -= {backend for backend in others if self.compute(definition, {"backend": backend})}
        LOG.info("ready: %d families, %s", len(first), choice.running())

    @classmethod
    @cache
    def of_process(cls) -> Self:
        """The one of this process; what is made until then stays, and is no garbage to be looked for."""
        made = cls()
        gc.freeze()
        gc.enable()
        return made

    async def rise(self) -> None:
        """Compute what is left."""
        await asyncio.sleep(PAUSE)
        while self.left:
            self.compute(self.left.pop())
            await asyncio.sleep(PAUSE)

    def compute(self, definition: Definition, query: Mapping[str, str] = MappingProxyType({})) -> bool:
        """A definition's example, if it can be computed so."""
        answer: Answer = self.answers[f"/v1/{registry.PLURAL[definition.kind]}/{definition.name}"]
        try:
            answer(wire(b"", b"", b""), query, json.encode(definition.document.example[0]), Limits())
        except LossError:
            return False
        return True
