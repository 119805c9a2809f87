"""A JSON body whose values would fill the memory is refused before it is parsed."""

import pytest

from lossapi.codecs import json
from lossapi.codecs.codec import Limits
from lossapi.errors import TooLarge


@pytest.mark.parametrize("unit", [b"[],", b"0,", b'{"":1},'])
def test_too_many_values_are_refused_unparsed(unit: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "MOST_VALUES", 1000)
    few, many = (b'{"x":[' + unit * count + b"0]}" for count in (300, 1000))
    with pytest.raises(TooLarge, match="at most 1000 values in JSON"):
        json.Json().decode(many, Limits())
    assert len(json.Json().decode(few, Limits())["x"]) == 301


def test_long_base64_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "MOST_VALUES", 100)
    body = b'{"x":{"dtype":"uint8","shape":[9000],"data":"' + b"AAAA" * 3000 + b'"}}'
    assert set(json.Json().decode(body, Limits())["x"]) == {"dtype", "shape", "data"}
