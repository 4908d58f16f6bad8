"""values.yaml, its schema and the README: one text for each value, and nothing accepted that does nothing."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart import bad_values, values_table
from tests.chart.bad_values import SCHEMA, VALUES, leaves
from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, Object, Refused, odd
from tests.chart.values_table import CHART

# Kubernetes' own structures and Helm's, which are not the chart's to close.
OPEN = {"global", "nodeAffinity", "podAffinity", "podAntiAffinity", "podSelector", "namespaceSelector"}


def walk(schema: Object, name: str = "") -> Iterator[tuple[str, Object]]:
    """Every schema in a schema, with the name of its property; not what is as in Kubernetes."""
    if schema.get("description") == "As in Kubernetes.":
        return
    yield name, schema
    for key, one in schema.get("properties", {}).items():
        yield from walk(one, key)
    if "items" in schema:
        yield from walk(schema["items"])


def test_schema_and_readme_are_in_step_with_the_values() -> None:
    """Descriptions and the README's table are the comments of values.yaml (`python -m tests.chart.values_table`)."""
    schema, readme = values_table.current()
    assert (CHART / "values.schema.json").read_text() == schema
    assert (CHART / "README.md").read_text() == readme


def test_every_value_has_a_comment() -> None:
    """No value in values.yaml goes without a sentence, and none is missing from the file."""
    texts = {value.path for value in values_table.documented((CHART / "values.yaml").read_text())}
    assert set(leaves(VALUES, SCHEMA)) <= texts
    assert set(VALUES) == set(SCHEMA["properties"]) - {"global"}


def test_every_property_is_described() -> None:
    """An editor that knows the schema shows a sentence for every key."""
    assert [name for name, one in walk(SCHEMA) if name and "description" not in one] == []


def test_the_schema_is_strict_at_every_level() -> None:
    """Every object refuses unknown keys, or says what its free keys hold."""
    for name, one in walk(SCHEMA):
        if one.get("type") == "object" and name not in OPEN:
            closed = one.get("additionalProperties", True)
            assert closed is False or isinstance(closed, dict), name


def problems(values: Object) -> Iterator[str]:
    for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(values):
        yield f"{error.json_path}: {error.message}"


def nest(path: str, value: Any) -> Object:
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)


@pytest.mark.parametrize("path", sorted({path.rpartition(".")[0] for path in leaves(VALUES, SCHEMA)} | {"settings"}))
def test_an_unknown_value_is_refused(path: str) -> None:
    """A misspelt key is an error that names it, at every level."""
    (problem,) = problems(nest(f"{path}.mispelt".lstrip("."), 1))
    assert "'mispelt' was unexpected" in problem


def test_every_documented_value_refuses_bad_ones(helm: str) -> None:
    """Wrong types, numbers out of range, words that are no choice: Helm refuses them all and names the value."""
    good, documented = bad_values.tested(helm)
    assert documented - good == set()


def test_only_switches_and_an_issuers_words_take_all_of_their_type() -> None:
    """Every other value has bad ones of its own type; one that has none is lax, and must be listed here to be so."""
    lax = {path for path, schema in bad_values.documented().items() if not bad_values.wrong_content(schema)}
    switches = {path for path in lax if "boolean" in bad_values.documented()[path].get("type", "")}
    words = ("issuer", "audience", "tenant_claim", "user_claim")
    assert lax - switches == {f"settings.jwt_{word}" for word in words}


def test_helm_itself_refuses_an_unknown_value(render: Render) -> None:
    """The schema is the chart's: Helm says which value it does not know, and where."""
    with pytest.raises(Refused, match=r"'/database/tls': additional properties 'mispelt' not allowed"):
        render(EXTERNAL, nest("database.tls.mispelt", 1))


def test_a_value_of_the_right_type_can_still_be_wrong(helm: str) -> None:
    """What is a word, a list or a text elsewhere is not one here."""
    values = {
        "database.tls.mode": "prefer",
        "operator.pollInterval": "60",
        "operator.watchNamespaces": ["Upper"],
        "image.digest": "latest",
        "settings.jwt_jwks_url": "http://issuer.example/keys",
        "gatedMigrations.uuidv7.minServerVersion": 17,
        "extraEnv": [{"name": "PLINTH_LOG_LEVEL", "value": "debug"}],
    }
    assert bad_values.refused(helm, values) == values.keys()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"postgresql": {"enabled": True}, "database": {"existingSecret": "a"}}, "there would be two databases"),
        ({"postgresql": {"enabled": True}, "migrations": {"existingSecret": "a"}}, "there would be two databases"),
        ({"postgresql": {"enabled": False}}, "No database: set database.existingSecret"),
        ({"migrations": {"existingSecret": "a"}}, "No database: set database.existingSecret"),
        ({"database": {"tls": {"caSecret": "ca"}}}, "The embedded database speaks no TLS"),
        ({"database": {"tls": {"mode": "require"}}}, "The embedded database speaks no TLS"),
        (
            {"database": {"existingSecret": "a", "tls": {"mode": "disable", "caSecret": "ca"}}},
            "the CA in database.tls.caSecret would never be used",
        ),
        (
            {"database": {"existingSecret": "a", "pooler": "transaction"}},
            "set migrations.existingSecret to a secret with a direct",
        ),
        (
            {"database": {"existingSecret": "a"}, "operator": {"watchNamespaces": ["*", "shop"]}},
            r"\"\*\" already means all, so name it alone",
        ),
        (EXTERNAL | {"operator": {"watchNamespaces": ["shop"]}}, "nobody would watch its GatedMigration: add apps"),
        (EXTERNAL | {"operator": {"serviceAccount": {"create": False}}}, "set operator.serviceAccount.name"),
        (
            EXTERNAL | {"serviceAccount": {"name": "one"}, "operator": {"serviceAccount": {"name": "one"}}},
            "are both one: .* give one of them another name",
        ),
        (EXTERNAL | {"ingress": {"enabled": True}}, "name one in ingress.hosts"),
        (EXTERNAL | {"httpRoute": {"enabled": True}}, "name one in httpRoute.parentRefs"),
        (
            EXTERNAL | {"autoscaling": {"enabled": True, "minReplicas": 7}},
            "autoscaling.minReplicas is 7, above autoscaling.maxReplicas, which is 6",
        ),
        (EXTERNAL | {"podDisruptionBudget": {"maxUnavailable": 0}}, "let at least 1 be away"),
        (EXTERNAL | {"podDisruptionBudget": {"maxUnavailable": "0%"}}, "let at least 1 be away"),
        (
            EXTERNAL | {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}},
            "there is no resources.requests.cpu",
        ),
        (EXTERNAL | {"operator": {"pollInterval": "0s"}}, "operator.pollInterval is 0s, .*: give 1s to 24h"),
        (EXTERNAL | {"operator": {"pollInterval": "23h60m1s"}}, "operator.pollInterval is 23h60m1s"),
        (
            EXTERNAL | {"serviceMonitor": {"scrapeTimeout": "31s"}},
            "scrapeTimeout is 31s, above serviceMonitor.interval, which is 30s",
        ),
        (EXTERNAL | {"settings": {"jwt_issuer": "https://i.example"}}, "settings.jwt_issuer is set, but nobody asks"),
        (
            {"database": {"existingSecret": "a", "pooler": "transaction"}, "migrations": {"existingSecret": "a"}},
            "migrations.existingSecret names the secret of the pooler",
        ),
        ({"migrations": {"appRole": "app"}}, "leave it out"),
        (
            EXTERNAL | {"settings": {"readiness_timeout": 2.5}},
            "must not exceed settings.readiness_interval, which is 2",
        ),
        (EXTERNAL | {"settings": {"readiness_interval": 1}}, "settings.readiness_timeout is 1.5 and must not exceed"),
        (
            EXTERNAL | {"settings": {"database_statement_timeout": 10}},
            "must be below settings.database_command_timeout, which is 10",
        ),
    ],
)
def test_a_combination_that_cannot_work_ends_with_a_sentence(render: Render, values: Object, sentence: str) -> None:
    """Values that contradict each other are refused with what to do about it."""
    with pytest.raises(Refused, match=sentence):
        render(values)


NEEDED: Object = yaml.safe_load(
    (CHART / "templates" / "_validate.tpl").read_text().partition('define "plinth.needed" -}}')[2].partition("{{-")[0]
)


def has_no_empty(values: Object, schema: Object, path: str = "") -> Iterator[str]:
    """Groups, switches, numbers and words, by --set's path: what cannot be without a value."""
    for key, value in values.items():
        inner = schema["properties"][key]
        if isinstance(value, bool | int) or (isinstance(value, str) and value):
            yield path + key
        elif isinstance(value, dict) and value and "requests" not in value and "properties" in inner:
            yield path + key
            yield from has_no_empty(value, inner, f"{path}{key}.")


def test_what_cannot_be_without_a_value_is_needed() -> None:
    """But no group that the first release lacks, as with --reuse-values, and nothing that is left out when null."""
    empty = ("podSecurityContext", "database.secretKeys.")
    found = {path for path in has_no_empty(VALUES, SCHEMA) if not path.startswith(empty)}
    needed = {f"{group}.{key}".lstrip(".") for group, keys in NEEDED.items() for key in keys}
    assert found - needed == {"serviceAccount", "operator.serviceAccount", "prometheusRule", "dashboard"}
    assert needed <= found


@pytest.mark.parametrize("path", ["image", "drainSeconds", "database.tls", "gatedMigrations.uuidv7.approval"])
def test_a_null_that_takes_away_what_is_needed_is_refused(render: Render, path: str) -> None:
    """`--set x=null`, or a key with nothing after it, ends with a sentence, and never in an empty field."""
    with pytest.raises(Refused, match=rf" {path} is null: give it a value, or leave it out for its default"):
        render(EXTERNAL, nest(path, None))


@pytest.mark.parametrize("values", [EMBEDDED, EXTERNAL])
def test_any_other_null_is_nothing(render: Render, values: Object) -> None:
    """All at once, and a secret of a URI alone: the objects are whole."""
    needed = {f"{group}.{key}".lstrip(".") for group, keys in NEEDED.items() for key in keys}
    empty = [path for path in leaves(VALUES, SCHEMA) if path not in needed and "auth." not in path]
    nulls = [nest(path, None) for path in empty if path != "database.secretKeys.uri"]
    objects = render(*nulls, values)
    assert [(one["kind"], *path) for one in objects for path in odd(one)] == []


@pytest.mark.parametrize(
    "values",
    [
        {"operator": {"watchNamespaces": ["shop"]}, "gatedMigrations": {"uuidv7": {"enabled": False}}},
        {"operator": {"watchNamespaces": ["shop"], "enabled": False}},
        {"autoscaling": {"enabled": True, "minReplicas": 6}, "operator": {"pollInterval": "23h59m60s"}},
        {"podDisruptionBudget": {"enabled": False, "maxUnavailable": 0}, "serviceMonitor": {"scrapeTimeout": "30s"}},
        {"settings": {"readiness_timeout": 3, "readiness_interval": 3}},
        {"settings": {"database_command_timeout": 5}},
        {"settings": {"database_command_timeout": 20, "database_statement_timeout": 12.5}},
    ],
)
def test_what_only_just_works_is_not_refused(render: Render, values: Object) -> None:
    """The app starts with each of these, so the chart takes them."""
    render(EXTERNAL, values)
