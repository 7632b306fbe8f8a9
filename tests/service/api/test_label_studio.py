"""Label Studio's contract: requests as its connector of ML backends (1.23) sends them."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.api.label_studio import MAX_CONFIGURATION_CHARACTERS
from nerve.service.api.labelling import Controls, controls_of
from nerve.service.engine.registry import ServedModel
from nerve.service.errors import InvalidRequestError
from nerve.service.settings import BUNDLED_MODEL
from tests.support import loopback
from tests.support.fakes import CapitalisedWords, served

Serve = Callable[..., Any]
TEXT = f"😀 {EXAMPLE_TEXT}"
# The default of its template for named entities, with a control for something else before it.
TEMPLATE = """
<View>
  <Choices name="tone" toName="text"><Choice value="good"/></Choices>
  <Labels name="label" toName="text">
    <Label value="PER" background="red"/><Label value="ORG" background="darkorange"/>
    <Label value="LOC" background="orange"/><Label value="MISC" background="green"/>
  </Labels>
  <Text name="text" value="$text"/>
</View>
"""


def configuration(labels: str, text: str = '<Text name="text" value="$text"/>', control: str = "Labels") -> str:
    return f'<View><{control} name="label" toName="text">{labels}</{control}>{text}</View>'


def setup(client: httpx.Client, label_config: str) -> httpx.Response:
    asked = {
        "project": "1.1763800000",
        "schema": label_config,
        "hostname": "http://localhost:8080",
        "access_token": "0123456789abcdef",
        "extra_params": None,
    }
    return client.post("/setup", json=asked)


def predict(client: httpx.Client, label_config: str, *data: Any) -> httpx.Response:
    tasks = [
        {
            "id": number,
            "data": one,
            "meta": {},
            "project": 1,
            "annotations": [],
            "predictions": [],
            "is_labeled": False,
        }
        for number, one in enumerate(data, start=11)
    ]
    params = {"login": None, "password": None, "context": None}
    asked = {"tasks": tasks, "project": "1.1763800000", "label_config": label_config, "params": params}
    return client.post("/predict", json=asked)


def region(start: int, end: int, label: str, text: str, score: float) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": [label]}
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value, "score": score}


# -- a service process, asked as Label Studio asks -----------------------------------------------------------------


@pytest.fixture
def connector(service_url: str) -> Iterator[httpx.Client]:
    with loopback.Client(base_url=service_url) as client:
        yield client


@pytest.mark.skipif(not BUNDLED_MODEL.is_file(), reason="models/en.pt is not there")
def test_a_project_of_the_template_gets_the_native_routes_entities(connector: httpx.Client) -> None:
    assert connector.get("/health").json() == {"status": "UP"}
    version = setup(connector, TEMPLATE).json()["model_version"]
    assert version.startswith("en ")
    native = connector.post("/v1/entities", json={"text": TEXT, "labels": ["PER", "ORG", "LOC", "MISC"]}).json()[
        "ents"
    ]
    regions = [region(one["start"], one["end"], one["label"], one["text"], one["score"]) for one in native]
    prediction = {"result": regions, "score": min(one["score"] for one in native), "model_version": version}
    assert predict(connector, TEMPLATE, {"text": TEXT}).json() == {"results": [prediction], "model_version": version}


# -- answers -------------------------------------------------------------------------------------------------------


def test_each_task_has_its_prediction_in_its_place(client: httpx.Client) -> None:
    answer = predict(client, TEMPLATE, {"text": "see Ann BOB"}, {"text": ""}, {"text": "Bob", "id": "x"}).json()
    assert answer["results"] == [
        {
            "result": [region(4, 7, "PER", "Ann", 0.9), region(8, 11, "LOC", "BOB", 0.4)],
            "score": 0.4,
            "model_version": "fake",
        },
        {"result": [], "score": None, "model_version": "fake"},
        {"result": [region(0, 3, "PER", "Bob", 0.9)], "score": 0.9, "model_version": "fake"},
    ]


def test_what_the_project_has_no_label_for_is_left_out(client: httpx.Client) -> None:
    (prediction,) = predict(client, configuration('<Label value="PER"/>'), {"text": "see Ann BOB"}).json()["results"]
    assert (prediction["result"], prediction["score"]) == ([region(4, 7, "PER", "Ann", 0.9)], 0.9)


def test_the_version_is_another_when_the_archive_is(serve: Serve) -> None:
    model = ServedModel("fake", CapitalisedWords(), served().card, digest="0123456789abcdef")
    client, _ = serve(models=[model])
    assert setup(client, TEMPLATE).json() == {"model_version": "fake 0123456789ab"}


# -- the labelling configuration -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ('<Label value="PER"/>', {"PER": "PER"}),
        ('<Label value="Person" predicted_values="PERSON, PER"/>', {"PER": "Person"}),
        ('<Label value="Person" predicted_values="PER" alias="p"/>', {"PER": "p"}),
        ('<Label value="A" predicted_values="PER,LOC"/>', {"LOC": "A", "PER": "A"}),
        ('<View><Label value="PER"/></View><Label value="per"/><Label/>', {"PER": "PER"}),
    ],
)
def test_a_label_is_the_models_by_its_value_or_its_predicted_values(labels: str, expected: dict[str, str]) -> None:
    assert controls_of(configuration(labels), ("LOC", "PER")) == Controls("label", "text", "text", expected)


def test_the_control_is_the_first_for_a_text() -> None:
    found = controls_of(
        '<View><Labels name="a" toName="sound"><Label value="PER"/></Labels><Audio name="sound" value="$url"/>'
        '<Labels name="b" toName="letter"><Label value="PER"/></Labels><Text name="letter" value="$body"/></View>',
        ("PER",),
    )
    assert found == Controls("b", "letter", "body", {"PER": "PER"})


NO_CONTROL = "the labelling configuration has no Labels for a Text whose value is a task's field"


@pytest.mark.parametrize(
    ("label_config", "message"),
    [
        ("", "the labelling configuration is not XML"),
        ("<View>", "the labelling configuration is not XML"),
        ("<View></View>", NO_CONTROL),
        (configuration('<Label value="PER"/>', text=""), NO_CONTROL),
        (configuration('<Label value="PER"/>', text='<Text name="text" value="SECRET"/>'), NO_CONTROL),
        (configuration('<Choice value="PER"/>', control="Choices"), NO_CONTROL),
        (configuration('<Label value="SECRET"/>'), "the project has none of the model's labels, which are LOC, PER"),
        (configuration(""), "the project has none of the model's labels, which are LOC, PER"),
    ],
)
def test_a_configuration_that_cannot_be_answered_for_is_refused(
    client: httpx.Client, label_config: str, message: str
) -> None:
    for answer in (setup(client, label_config), predict(client, label_config, {"text": "Ann"})):
        assert (answer.status_code, answer.json()) == (422, {"error": message})


def test_a_configuration_whose_entities_explode_is_refused() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE View [<!ENTITY e0 "{"x" * 1000}">{levels}]><View>&e9;</View>'
    with pytest.raises(InvalidRequestError, match="not XML"):
        controls_of(bomb, ("PER",))


def test_a_configuration_that_is_too_long_is_refused(client: httpx.Client) -> None:
    answer = setup(client, TEMPLATE + " " * MAX_CONFIGURATION_CHARACTERS)
    assert (answer.status_code, f"{MAX_CONFIGURATION_CHARACTERS} characters" in answer.json()["error"]) == (422, True)


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [{}, {"text": None}, {"text": ["SECRET"]}, {"body": "SECRET"}])
def test_a_task_without_a_text_is_refused_by_its_number(client: httpx.Client, data: Any) -> None:
    answer = predict(client, TEMPLATE, {"text": "Ann"}, data)
    message = "tasks.1.data has no text in the field that the labelling configuration names"
    assert (answer.status_code, answer.json()) == (422, {"error": message})


@pytest.mark.parametrize("body", [b"", b"{}", b'{"schema": 1}', b'["SECRET"]'])
def test_what_is_no_setup_is_refused_and_not_echoed(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/setup", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("the body is not a valid request: ")
    assert "SECRET" not in answer.text
