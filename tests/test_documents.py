"""Documents that cannot lie: what they print is what the code does."""

import json
import re
from pathlib import Path

import httpx
import pytest

from service.metrics import COUNTERS, GAUGES, HISTOGRAMS
from service.settings import Settings, variable

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def settings_table() -> str:
    """Every setting with its default and its meaning."""
    rows = [
        f"| `{variable(name)}` | `{field.default}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def test_the_readme_lists_every_setting() -> None:
    printed = README.read_text().split("<!-- settings -->\n")[1].split("<!-- /settings -->")[0]
    assert printed.strip() == settings_table()


def test_the_readmes_first_request_is_answered_as_printed(client: httpx.Client) -> None:
    text = README.read_text()
    request = re.search(r"losses/huber .*?-d '(.*?)'", text, re.DOTALL)
    answer = re.search(r"```json\n(.*?)\n```", text, re.DOTALL)
    assert request
    assert answer
    assert client.post("/v1/losses/huber", content=request[1].encode()).text == answer[1]


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CONTRIBUTING.md",
        "DECISIONS.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "benchmarks/README.md",
        "docs/operating.md",
    ],
)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    page = ROOT / document
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("document", ["SECURITY.md", "docs/operating.md"])
def test_what_is_told_of_settings_and_metrics_is_there(document: str) -> None:
    text = (ROOT / document).read_text()
    known = {variable(name) for name in Settings.model_fields}
    assert set(re.findall(r"LOSSAPI_[A-Z_]+", text)) <= known
    exposed = {name.removesuffix("_total") for name in re.findall(r"`(lossapi_\w+)", text)}
    assert exposed <= {*HISTOGRAMS, *COUNTERS, *GAUGES, "lossapi_provider_info"}


@pytest.mark.parametrize("name", [*HISTOGRAMS, *COUNTERS, "lossapi_work_in_flight", "lossapi_workers"])
def test_whoever_operates_it_is_told_of_each_metric(name: str) -> None:
    assert name in (ROOT / "docs" / "operating.md").read_text()


def test_the_request_for_the_like_example_is_json() -> None:
    for body in re.findall(r"-d '(.*?)'", README.read_text(), re.DOTALL):
        assert isinstance(json.loads(body), dict)
