"""How schemas are made: a made-up definition."""

from tests.lint import schemas

DOCUMENT: schemas.Schema = {
    "definitions": {
        "Thing": {
            "properties": {"spec": {"$ref": "#/definitions/Spec"}},
            "x-kubernetes-group-version-kind": [{"group": "toys.example.com", "version": "v1", "kind": "Thing"}],
        },
        # It has a field that is called as a keyword is.
        "Spec": {"properties": {"properties": {"type": "object"}, "labels": {"additionalProperties": {}}}},
        "Unrelated": {"properties": {}},
    }
}


def test_a_kind_gets_a_schema_of_what_it_leads_to() -> None:
    """Named as kubeconform looks for it, without definitions it does not use."""
    ((name, schema),) = schemas.of_openapi(DOCUMENT)
    assert name == "thing-toys-v1"
    assert schema["definitions"].keys() == {"Thing", "Spec"}


def test_fields_that_are_not_named_are_refused() -> None:
    """Of objects with fields; a map takes any key, and a field called `properties` is only a field."""
    spec = schemas.strict(DOCUMENT["definitions"]["Spec"])
    assert spec["additionalProperties"] is False
    assert spec["properties"] == DOCUMENT["definitions"]["Spec"]["properties"]


def test_unknown_fields_may_be_asked_for() -> None:
    """x-kubernetes-preserve-unknown-fields leaves an object open."""
    open_ = {"properties": {}, "x-kubernetes-preserve-unknown-fields": True}
    assert schemas.strict(open_) == open_
