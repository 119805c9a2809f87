"""Documents that cannot lie: what they print is what the code does."""

import json
import re
from pathlib import Path

import httpx
import pytest

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
    "document", ["README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md", "benchmarks/README.md"]
)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    page = ROOT / document
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / link).exists(), link


def test_the_request_for_the_like_example_is_json() -> None:
    for body in re.findall(r"-d '(.*?)'", README.read_text(), re.DOTALL):
        assert isinstance(json.loads(body), dict)
