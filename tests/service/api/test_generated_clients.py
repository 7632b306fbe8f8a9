"""Clients that generators write from the OpenAPI document: they compile, and a service answers them.

openapi-python-client comes with the test packages. The others need a JDK for openapi-generator, and TypeScript:

    pip install openapi-generator-cli==7.26.0
    npm install --global openapi-typescript@7.13.0 typescript@5.9.3
"""

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from nerve.service.api.routes import API
from nerve.service.openapi import document
from tests.support.documents import ROOT, blocks


def run(*command: str | Path, folder: Path) -> str:
    """Run a program, and return what it printed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("description") / "openapi.json"
    path.write_text(document(), encoding="utf-8")
    return path


# -- openapi-python-client -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def package(description: Path, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The package that openapi-python-client writes."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "config.json").write_text('{"post_hooks": []}', encoding="utf-8")
    command = ["generate", "--path", description, "--output-path", "nerve_client", "--meta", "none"]
    run(sys.executable, "-m", "openapi_python_client", *command, "--config", "config.json", folder=folder)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("nerve_client")
    finally:
        sys.path.remove(str(folder))


@pytest.fixture
def caller(package: ModuleType, client: httpx.Client) -> Iterator[Any]:
    """The generated client of the service."""
    with package.Client(base_url=str(client.base_url)) as caller:
        yield caller


def operation(package: ModuleType, tag: str, name: str) -> Any:
    return importlib.import_module(f"{package.__name__}.api.{tag}.{name}")


def models(package: ModuleType) -> Any:
    return importlib.import_module(f"{package.__name__}.models")


def test_each_operation_but_the_stream_has_a_function(package: ModuleType) -> None:
    for route in API:
        if not route.streams:
            module = operation(package, route.tag.lower().replace(" ", "_"), route.name)
            assert callable(module.sync_detailed), route.name


def test_a_generated_client_gets_the_entities_of_a_text(package: ModuleType, caller: Any) -> None:
    request = models(package).EntitiesRequest(text="see Ann")
    answer = operation(package, "entities", "find_entities").sync(client=caller, body=request)
    assert [(ent.label, ent.text) for ent in answer.ents] == [("PER", "Ann")]


def test_it_gets_those_of_several_texts_and_sends_lists_of_any_kind(package: ModuleType, caller: Any) -> None:
    request = models(package).EntitiesRequest(tokens=[["see", "Ann"], ["BOB"]], labels={"PER": "PERSON"})
    answer = operation(package, "entities", "find_entities").sync(client=caller, body=request)
    assert [[ent.label for ent in result.ents] for result in answer.results] == [["PERSON"], []]


def test_it_gets_an_error_as_an_object(package: ModuleType, caller: Any) -> None:
    request = models(package).EntitiesRequest(text="Ann", model="nobody")
    answer = operation(package, "entities", "find_entities").sync(client=caller, body=request)
    assert answer.error.code == "not_found"


def test_it_redacts_with_named_operators(package: ModuleType, caller: Any) -> None:
    of = models(package)
    request = of.RedactRequest(text="see Ann", default=of.OperatorRequest(type_=of.OperatorRequestType.REDACT))
    answer = operation(package, "entities", "redact").sync(client=caller, body=request)
    assert answer.text == "see "


def test_the_documented_program_prints_names(package: ModuleType, client: httpx.Client) -> None:
    (program,) = [
        block.content
        for block in blocks(ROOT / "docs" / "http-api.md")
        if "from nerve_client import" in block.content
    ]
    program = program.replace("http://127.0.0.1:8000", str(client.base_url))
    assert "('PER', 'Tim')" in run(sys.executable, "-c", program, folder=Path(str(package.__file__)).parents[1])


# -- openapi-generator -----------------------------------------------------------------------------------------------


def generator() -> Path:
    """The archive of openapi-generator; skips the test if it or a JDK is not here."""
    found = importlib.util.find_spec("openapi_generator_cli")
    if found is None or found.origin is None or shutil.which("javac") is None:
        pytest.skip("needs openapi-generator-cli and a JDK")
    return Path(found.origin).parent / "openapi-generator.jar"


def generated(description: Path, folder: Path, kind: str, *options: str) -> Path:
    """The folder with the client that openapi-generator writes."""
    command = ["generate", "--generator-name", kind, "--input-spec", description, "--output", folder / "client"]
    run("java", "-jar", generator(), *command, *options, folder=folder)
    return folder / "client"


PYTHON = """
import sys
from openapi_client import ApiClient, Configuration, EntitiesApi, EntitiesRequest
with ApiClient(Configuration(host=sys.argv[1])) as client:
    answer = EntitiesApi(client).find_entities(EntitiesRequest(text="see Ann"))
print(answer.ents[0].text)
"""
JAVA = """
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.EntitiesApi;
import org.openapitools.client.model.EntitiesRequest;

class Main {
    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        var answer = new EntitiesApi(client).findEntities(new EntitiesRequest().text("see Ann"));
        System.out.println(answer.getEnts().get(0).getText());
    }
}
"""
# The one annotation that the generated classes have and the archive of openapi-generator lacks.
GENERATED = """
package javax.annotation;
public @interface Generated { String[] value(); String date() default ""; String comments() default ""; }
"""
TYPESCRIPT = """
import { Configuration, EntitiesApi } from "./client";
const api = new EntitiesApi(new Configuration({ basePath: process.argv[2] }));
api.findEntities({ entitiesRequest: { text: "see Ann" } }).then((answer) =>
  console.log(answer.ents?.[0]?.text));
"""
TYPES = """
import type { paths } from "./schema";
type Body<T> = T extends { content: { "application/json": infer B } } ? B : never;
type Find = paths["/v1/entities"]["post"];
const request: Body<NonNullable<Find["requestBody"]>> = { text: "see Ann", min_score: 0.5 };
const sent = { method: "POST", body: JSON.stringify(request) };
fetch(`${process.argv[2]}/v1/entities`, sent).then(async (response) => {
  const answer: Body<Find["responses"][200]> = await response.json();
  console.log(answer.ents?.[0]?.text);
});
"""


def test_python_of_openapi_generator(description: Path, tmp_path: Path, client: httpx.Client) -> None:
    folder = generated(description, tmp_path, "python")
    (folder / "main.py").write_text(PYTHON)
    assert run(sys.executable, "main.py", str(client.base_url), folder=folder) == "Ann\n"


def test_java_of_openapi_generator(description: Path, tmp_path: Path, client: httpx.Client) -> None:
    options = ["--library", "native", "--additional-properties", "openApiNullable=false"]
    folder = generated(description, tmp_path, "java", *options) / "src" / "main" / "java"
    (folder / "Main.java").write_text(JAVA)
    (folder / "Generated.java").write_text(GENERATED)
    run("javac", "-nowarn", "-cp", generator(), "-d", "classes", *sorted(folder.rglob("*.java")), folder=folder)
    answer = run("java", "-cp", f"classes{os.pathsep}{generator()}", "Main", str(client.base_url), folder=folder)
    assert answer == "Ann\n"


def compiled(folder: Path, program: str) -> Path:
    """Compile a program of TypeScript, strictly, with all that it imports."""
    if shutil.which("tsc") is None or shutil.which("node") is None:
        pytest.skip("needs node and TypeScript")
    (folder / "main.ts").write_text(program)
    (folder / "node.d.ts").write_text("declare const process: { argv: string[] };")
    settings = {"strict": True, "target": "es2022", "module": "commonjs", "lib": ["es2022", "dom", "dom.iterable"]}
    (folder / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": settings, "files": ["main.ts", "node.d.ts"]})
    )
    run("tsc", "--project", "tsconfig.json", folder=folder)
    return folder / "main.js"


def test_typescript_of_openapi_generator(description: Path, tmp_path: Path, client: httpx.Client) -> None:
    generated(description, tmp_path, "typescript-fetch")
    assert run("node", compiled(tmp_path, TYPESCRIPT), str(client.base_url), folder=tmp_path) == "Ann\n"


def test_types_of_openapi_typescript(description: Path, tmp_path: Path, client: httpx.Client) -> None:
    if shutil.which("openapi-typescript") is None:
        pytest.skip("needs openapi-typescript")
    run("openapi-typescript", description, "--output", "schema.d.ts", folder=tmp_path)
    assert run("node", compiled(tmp_path, TYPES), str(client.base_url), folder=tmp_path) == "Ann\n"
