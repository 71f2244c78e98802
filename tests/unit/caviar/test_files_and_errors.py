"""A user's file or address that is wrong is named, with line and remedy."""

from pathlib import Path

import pytest

from caviar import Client
from caviar.dataset_upload import with_files_uploaded
from caviar.errors import (
    CaviarError,
    ConflictError,
    InvalidError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from caviar.files import read_search


def test_yaml_and_json_are_the_same(tmp_path):
    (tmp_path / "a.yaml").write_text("name: a\nbudget: {trials: 3}\n")
    (tmp_path / "a.json").write_text('{"name": "a", "budget": {"trials": 3}}')
    assert read_search(tmp_path / "a.yaml") == read_search(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("bad.yaml", "name: a\nspace: {x: [1, 2}\n", "bad.yaml, line 2"),
        ("bad.json", '{\n"name": }', "bad.json, line 2, column 9"),
        ("date.yaml", "name: 2026-13-01\n", "is not YAML"),
        ("list.yaml", "- 1\n", "must be a mapping"),
        ("empty.yaml", "", "must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(CaviarError, match=said):
        read_search(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CaviarError, match=r"There is no file .*none\.yaml"):
        read_search(tmp_path / "none.yaml")


def test_yaml_cannot_build_objects(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(CaviarError, match="line 1"):
        read_search(path)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFoundError),
        (409, ConflictError),
        (412, ConflictError),
        (422, InvalidError),
        (500, RefusedError),
    ],
)
def test_an_answer_becomes_the_right_error(status, kind):
    errors = [{"field": "space.x.low", "message": "1 is not below 0", "remedy": "swap them"}]
    error = RefusedError.of(status, {"title": "Bad", "detail": "No", "errors": errors})
    assert type(error) is kind
    assert str(error) == "space.x.low: 1 is not below 0 — swap them"
    assert str(RefusedError.of(status, b"not json")) == f"the server answered {status}"


def test_a_server_that_is_not_there():
    with Client("http://127.0.0.1:9") as client, pytest.raises(UnreachableError, match="caviar serve"):
        client.search(1)


def test_an_address_that_is_none():
    with pytest.raises(CaviarError, match="http://"):
        Client("localhost:8000")


@pytest.mark.parametrize("token", ["é", "two\nlines"])
def test_a_token_that_can_be_none(token):
    with pytest.raises(CaviarError, match="check --token"):
        Client(token=token)


def test_a_trial_is_search_and_number():
    with Client("http://127.0.0.1:9") as client, pytest.raises(CaviarError, match=r"such as 3\.17"):
        client.trial("17")


@pytest.mark.parametrize("more", [5, True, {"name": "other"}, "other", [5]])
def test_what_is_no_list_of_sources_goes_to_the_server_which_refuses_it(more):
    dataset = {"name": "own", "more_training_data": more}
    assert with_files_uploaded(None, {"dataset": dataset}, Path()) == {"dataset": dataset}
