"""POST /v1/evaluate: many losses and metrics of the same tensors, from the body's bytes to the reply's."""

from collections.abc import Mapping
from typing import Any

from lossapi.codecs.codec import Limits
from lossapi.codecs.tensors import Buffer
from lossapi.evaluation import of_tables, of_tensors
from lossapi.tables.files import TABLE, Table
from service.bodies import with_query
from service.errors import described
from service.media import Wire
from service.schemas import read_options

PATH = "/v1/evaluate"
OPTIONS = ("encoding", "nonfinite", "backend")


def evaluate(wire: Wire, query: Mapping[str, Any], body: Buffer, limits: Limits) -> bytes:
    """One request; what was read is let go of before the reply is written."""
    given = with_query(wire.read(body, limits), query)
    options = read_options({name: given.pop(name) for name in OPTIONS if name in given})
    form = wire.form(options, given)
    table = isinstance(given.get(TABLE), Table)
    core = of_tables.evaluate if table else of_tensors.evaluate
    reply = core({**given, "backend": options["backend"]}, described)
    del given
    return wire.write(reply, form)
