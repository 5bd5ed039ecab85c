"""docs/licences.md lists what is installed now."""

from docs.licences import DOCUMENT, document, licence_of


def test_the_list_of_licences_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run: make licences"


def test_every_package_states_a_licence() -> None:
    assert "not stated" not in document()
    assert licence_of("fastapi") == "MIT"
