"""A project on disk: made, completed when left half made, opened nowhere else."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from prefloop.core.errors import BadInput, Conflict, Corrupt, NotFound, NotPermitted
from prefloop.flows.project import Project, init, open_project, read_text
from prefloop.gates.thresholds import Gates
from prefloop.spec.model import parse
from prefloop.store import Ledger, people

FILES = ["prefloop.yaml", "spec.yaml", "gates.yaml", "suite.yaml", ".gitignore"]


def roles_of(folder: Path, handle: str) -> set[str]:
    project = open_project(folder, handle)
    with closing(project.ledger), project.reader() as reader:
        return set(people.roles(reader, handle))


def test_a_new_project_has_readable_files_a_private_key_and_a_first_person(tmp_path: Path) -> None:
    written = init(tmp_path / "desk", user="ana")
    assert written == [*FILES, "person ana (admin, lead, engineer)"]
    assert roles_of(tmp_path / "desk", "ana") == {"admin", "lead", "engineer"}
    key = tmp_path / "desk" / ".prefloop" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_the_files_of_a_new_project_are_sound_as_they_are(project: Project) -> None:
    assert project.settings.name == "desk"
    assert project.gates == Gates()
    assert parse(read_text(project.folder / "spec.yaml"), "spec.yaml").dimensions
    assert read_text(project.folder / ".gitignore") == ".prefloop/\n"


@pytest.mark.parametrize("name", ['quoted "so"', "back\\slash", "yes", "a: b", "Überprüfung"])
def test_any_name_survives(tmp_path: Path, name: str) -> None:
    init(tmp_path, name, "ana")
    opened = open_project(tmp_path, "ana")
    opened.ledger.close()
    assert opened.settings.name == name


def test_a_whole_project_is_not_made_twice(project: Project) -> None:
    before = {file: read_text(project.folder / file) for file in FILES}
    with pytest.raises(Conflict, match="is a project already: nothing was changed"):
        init(project.folder, "another", "eve")
    assert {file: read_text(project.folder / file) for file in FILES} == before
    with project.reader() as reader:
        assert people.handles(reader) == ["ana", "ben"]


@pytest.mark.parametrize("gone", FILES)
def test_a_missing_file_is_written_again_and_what_is_there_is_kept(
    project: Project, gone: str
) -> None:
    (project.folder / gone).unlink()
    mine = next(file for file in ("spec.yaml", "suite.yaml") if file != gone)
    (project.folder / mine).write_text("# mine\n")
    assert init(project.folder, user="eve") == [gone]
    assert read_text(project.folder / mine) == "# mine\n"
    with project.reader() as reader:
        assert people.handles(reader) == ["ana", "ben"]  # nobody slips in


def test_a_project_cut_off_before_its_first_person_is_completed(tmp_path: Path) -> None:
    (tmp_path / ".prefloop").mkdir()
    (tmp_path / "prefloop.yaml").write_text('name: "half"\n')
    assert init(tmp_path, user="ana")[-1] == "person ana (admin, lead, engineer)"
    assert open_and_close(tmp_path).settings.name == "half"


def test_a_half_made_project_goes_where_its_settings_say(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "prefloop.yaml").write_text(f'name: "half"\ndatabase: "sqlite:///{elsewhere}"\n')
    init(desk, user="ana")
    assert not (desk / ".prefloop" / "ledger.db").exists()
    with closing(sqlite3.connect(elsewhere)) as database:
        assert database.execute("SELECT handle FROM person").fetchall() == [("ana",)]
    assert roles_of(desk, "ana") == {"admin", "lead", "engineer"}


def test_a_lost_key_is_not_replaced_by_another(project: Project) -> None:
    (project.folder / ".prefloop" / "key").unlink()
    for broken in (lambda: open_project(project.folder), lambda: init(project.folder)):
        with pytest.raises(Corrupt, match=r"key is missing.*restore it from your backup"):
            broken()


def test_there_is_no_project_in_an_empty_folder_nor_in_none(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFound, match="holds no project: prefloop init"):
            open_project(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot make a project in"):
        init(tmp_path / "file")
    (tmp_path / ".prefloop").mkdir()
    with pytest.raises(NotFound, match=r"is half made: prefloop\.yaml is missing"):
        open_project(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\nsead: 1\n", r"prefloop\.yaml:2: .*sead.*seed"),
        ("name: [x\n", r"prefloop\.yaml:\d+:\d+: not valid YAML"),
        ("seed: 1\n", r"prefloop\.yaml:1: .*name"),
        ("name: x\nseed: many\n", r"prefloop\.yaml:2: "),
    ],
)
def test_a_fault_in_the_settings_is_named_with_its_line(
    project: Project, text: str, said: str
) -> None:
    (project.folder / "prefloop.yaml").write_text(text)
    with pytest.raises(BadInput, match=said):
        open_project(project.folder)


def test_gates_without_a_file_are_the_defaults_and_a_fault_is_named(project: Project) -> None:
    path = project.folder / "gates.yaml"
    path.unlink()
    assert project.as_("ana").gates == Gates()
    path.write_text("reward:\n  acuracy: 0.7\n")
    with pytest.raises(BadInput, match=r"gates\.yaml:2: .*acuracy.*accuracy"):
        _ = project.as_("ana").gates


def test_reading_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    for path, said in [
        (tmp_path / "none", "no such file"),
        (tmp_path, "is a folder"),
        (tmp_path / "latin", "not UTF-8 at byte 3"),
        (tmp_path / "latin" / "inside", "Not a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ]:
        with pytest.raises(BadInput, match=said):
            read_text(path)


def test_requiring_a_permission_fails_before_long_work(project: Project) -> None:
    project.require("train")
    with pytest.raises(NotPermitted, match="ben may not train: it takes the role engineer"):
        project.as_("ben").require("train")
    with pytest.raises(NotFound, match="nobody here is called eve"):
        project.as_("eve").require("train")


def open_and_close(folder: Path) -> Project:
    opened = open_project(folder, "ana")
    assert isinstance(opened.ledger, Ledger)
    opened.ledger.close()
    return opened
