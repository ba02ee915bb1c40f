"""Tables and schemas use one vocabulary."""

from cross_safety.schemas import schema, table


def test_negative_types_and_dimensions() -> None:
    common = schema("common")["$defs"]
    assert common["negative_type"]["enum"] == list(table("negative_types"))
    assert common["dimension"]["enum"] == list(table("dimensions"))
    for kind in table("negative_types").values():
        assert set(kind) == {"does", *table("dimensions")}
        assert kind["education"] <= kind["awareness"], "education presupposes awareness"


def test_flags() -> None:
    assert schema("cross")["properties"]["flags"]["items"]["enum"] == sorted(table("flags"))


def test_countries() -> None:
    countries = table("countries")
    assert sum(entry["cross"] for entry in countries.values()) == 16
    assert sum(entry["cvqa"] for entry in countries.values()) == 30
    assert sum(entry["cross"] and entry["cvqa"] for entry in countries.values()) == 12


def test_spellings_are_unambiguous() -> None:
    spellings = [spelling for entry in table("languages").values() for spelling in entry["spellings"]]
    assert len(spellings) == len(set(spellings))
