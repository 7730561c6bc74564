import httpx2

from backend.features.summaries import Summary
from tests.conftest import Serve
from tests.models import Scripted

GOOD = Summary(title="A lamp", bullets=["It shines"], sentiment="positive")


def test_summarises(serve: Serve) -> None:
    model = Scripted(GOOD)
    response = serve(answer=model).post("/summaries", json={"text": "A long text about a lamp"})
    assert (response.status_code, response.json()) == (200, GOOD.model_dump())
    assert model.asked[0]["messages"][-1]["content"] == "A long text about a lamp"


def test_refuses_an_empty_text(client: httpx2.Client) -> None:
    assert client.post("/summaries", json={"text": ""}).status_code == 422


def test_needs_no_key(serve: Serve) -> None:
    client = serve(llm_json_schema=False)  # as for a provider that takes no schema
    assert client.post("/summaries", json={"text": "A lamp"}).status_code == 200
