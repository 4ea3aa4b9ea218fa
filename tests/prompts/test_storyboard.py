"""Rows by label, the file a person edits, and keys by frame."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.analysis.types import ROLES, Sections
from lib_music.errors import ProjectError, StoryboardError
from lib_music.prompts.storyboard import (
    DEFAULT_NEGATIVE,
    Override,
    Row,
    Storyboard,
    derived_seed,
    make_storyboard,
    prompt_keys,
    read_storyboard,
    write_storyboard,
)
from lib_music.prompts.text import Found, Own

OWN = "<lora:x:0.7> (word:1.2) [a:b:0.5] AND c BREAK --neg d"


def song(labels: str = "ABCBCD", seconds: float = 10.0) -> Sections:
    n = len(labels)
    edges = np.arange(n + 1) * seconds
    roles = tuple(ROLES[ord(label) % len(ROLES)] for label in labels)
    half = np.full(n, 0.5)
    return Sections(np.stack([edges[:-1], edges[1:]], axis=1), tuple(labels), roles, half, half)


@pytest.fixture
def board() -> Storyboard:
    return make_storyboard([Found("a ship"), Own(OWN)], song(), seed=3)


# Rows


def test_prompts_are_dealt_over_labels_in_order_of_appearance() -> None:
    prompts = [Own("one"), Own(" "), Found("two"), Found("``"), Own("three")]
    resolved = make_storyboard(prompts, song("ABCBCDA")).resolve(song("ABCBCDA"))
    assert [section.positive.text for section in resolved] == ["one", "two", "three", "two", "three", "one", "one"]


@given(
    labels=st.text("ABCDEFG", min_size=1, max_size=12),
    n=st.integers(1, 9),
    seed=st.integers(0, 2**64),
)
def test_same_label_same_prompt_and_seed(labels: str, n: int, seed: int) -> None:
    resolved = make_storyboard([Own(f"p{i}") for i in range(n)], song(labels), seed=seed).resolve(song(labels))
    order = list(dict.fromkeys(labels))
    assert [section.positive.text for section in resolved] == [f"p{order.index(x) % n}" for x in labels]
    assert all(0 <= section.seed < 2**31 for section in resolved)
    assert len({(section.label, section.seed) for section in resolved}) == len({s.seed for s in resolved}) == len(order)
    assert {section.negative for section in resolved} == {DEFAULT_NEGATIVE}


def test_all_blank() -> None:
    with pytest.raises(StoryboardError, match="blank"):
        make_storyboard([Own(" "), Found("`")], song())


def test_override_changes_one_occurrence() -> None:
    rows = (Row("A", Own("a"), 1), Row("B", Own("b"), 2, Own("row's")))
    overrides = {("B", 2): Override(prompt=Own("b2"), seed=9), ("B", 1): Override(negative=Own("none"))}
    resolved = Storyboard(rows, overrides=overrides, negative=Own("all")).resolve(song("ABBB"))
    assert [(s.positive.text, s.negative.text, s.seed) for s in resolved] == [
        ("a", "all", 1), ("b", "none", 2), ("b2", "row's", 9), ("b", "row's", 2),
    ]  # fmt: skip


def test_a_new_label_takes_a_row_in_turn_with_its_own_seed(board: Storyboard) -> None:
    resolved = board.resolve(song("ABCDZ"))
    assert resolved[4].positive == board.rows[0].prompt
    assert resolved[4].seed not in {row.seed for row in board.rows}


@pytest.mark.parametrize(
    ("prompt", "style", "expected"),
    [
        (Own(OWN), Own(""), Own(OWN)),
        (Own("a --neg b"), Own("film grain"), Own("a, film grain --neg b")),
        (Own("a,"), Own("film"), Own("a, film")),
        (Found("a"), Own("(film:1.1)"), Own("a, (film:1.1)")),
        (Found("a"), Found("film"), Found("a, film")),
        (Found("a"), Own("x --neg y"), Own("a, x --neg y")),
    ],
)
def test_style_follows_the_words(prompt: Any, style: Any, expected: Any) -> None:
    (resolved,) = Storyboard((Row("A", prompt, 1),), style=style).resolve(song("A"))
    assert resolved.positive == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda: Row("A", Own(" "), 1),
        lambda: Row("A", Own("`"), 1),
        lambda: Row("A", Own("a"), -1),
        lambda: Row("A", Own("a"), 2**32),
        lambda: Row("A", Own("a"), True),
        lambda: Row("A", Own("a"), 1.0),  # type: ignore[arg-type]
        lambda: Row("A\n", Own("a"), 1),
        lambda: Row("", Own("a"), 1),
        lambda: Row("A", Own("a"), 1, Own("`x`")),
        lambda: Override(Own("")),
        lambda: Storyboard(()),
        lambda: Storyboard((Row("A", Own("a"), 1), Row("A", Own("b"), 1))),
        lambda: Storyboard((Row("A", Own("a"), 1),), overrides={("A", 0): Override()}),
        lambda: Storyboard((Row("A", Own("a"), 1),), style=Own("`")),
        lambda: Storyboard((Row("A", Own("a"), 1),), cover="front"),  # type: ignore[arg-type]
    ],
)
def test_refused(make: Any) -> None:
    with pytest.raises(StoryboardError) as caught:
        make()
    assert caught.value.fix


# Keys


def test_one_key_a_section_and_one_for_each_new_number() -> None:
    rows = (Row("A", Found("ship"), 1), Row("B", Own("(x:`floor(t/4)`) `max_f` `s` --neg y"), 7, Own("`t>13`")))
    resolved = Storyboard(rows, negative=Own("no")).resolve(song("ABA"))
    positive, negative = prompt_keys(resolved, [(0, 8), (8, 18), (18, 24)], range(0, 24, 2), 23)
    assert positive == {
        0: "ship",
        8: "(x:2) 23 7 --neg y", 12: "(x:3) 23 7 --neg y", 16: "(x:4) 23 7 --neg y",
        18: "ship",
    }  # fmt: skip
    assert negative == {0: "no", 8: "0", 14: "1", 18: "no"}


def test_empty_sections_have_no_key(board: Storyboard) -> None:
    positive, _ = prompt_keys(board.resolve(song("AB")), [(0, 4), (4, 4)], range(4), 3)
    assert list(positive) == [0]
    with pytest.raises(ValueError, match="sections"):
        prompt_keys(board.resolve(song("AB")), [(0, 4)], range(4), 3)


def test_formula_that_fails_at_a_frame() -> None:
    resolved = Storyboard((Row("A", Own("`1/(t-4)`"), 1),)).resolve(song("A"))
    with pytest.raises(StoryboardError, match=r"at frame 4: .*division"):
        prompt_keys(resolved, [(0, 8)], range(0, 8, 2), 7)


# The file


def test_round_trip(tmp_path: Path) -> None:
    rows = (
        Row("A", Found("a – ship"), 1),
        Row("B", Own(OWN), 2**32 - 1, Found("text")),
        Row("ü", Own("`t`"), 3, Own("")),
    )
    overrides = {("A", 2): Override(prompt=Own("x\ny")), ("B", 1): Override(Found("z"), Own("n"), 5)}
    board = Storyboard(rows, Own("no"), Found("film"), overrides, "palette")
    write_storyboard(tmp_path / "s.json", board, song())
    assert read_storyboard(tmp_path / "s.json", song()) == board
    write_storyboard(tmp_path / "s.json", board)
    assert read_storyboard(tmp_path / "s.json", song()) == board
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]


def test_file_tells_the_person_where_a_label_stands(tmp_path: Path, board: Storyboard) -> None:
    write_storyboard(tmp_path / "s.json", board, song(seconds=32.5))
    row = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["rows"][1]
    assert row["times"] == ["0:32.5-1:05.0", "1:37.5-2:10.0"] and row["roles"] == [ROLES[ord("B") % len(ROLES)]]
    assert row["prompt"] == OWN and row["origin"] == "own" and row["seed"] == derived_seed("B", 3)


def edited(tmp_path: Path, board: Storyboard, **changes: Any) -> Storyboard:
    """``board`` written, its first row changed by a person, and read again."""
    write_storyboard(tmp_path / "s.json", board, song())
    document = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    document["rows"][0].update(changes)
    (tmp_path / "s.json").write_text(json.dumps(document), encoding="utf-8")
    return read_storyboard(tmp_path / "s.json", song())


def test_an_edited_suggestion_is_the_persons_own(tmp_path: Path, board: Storyboard) -> None:
    assert board.rows[0].prompt == Found("a ship")
    assert edited(tmp_path, board, prompt=OWN).rows[0].prompt == Own(OWN)
    assert edited(tmp_path, board).rows[0].prompt == Found("a ship")
    assert edited(tmp_path, board, seed=None).rows[0].seed == derived_seed("A", 0)


def test_found_text_of_another_program_is_sanitised(tmp_path: Path, board: Storyboard) -> None:
    nasty = "`9**9**9` <lora:x:1> --neg y"
    assert edited(tmp_path, board, prompt=nasty, suggested=nasty).rows[0].prompt == Found(nasty)
    document = {"format": "music-visualizer storyboard", "version": 1}
    rows = [{"label": "A", "prompt": nasty, "origin": "found"}]
    (tmp_path / "t.json").write_text(json.dumps({**document, "rows": rows}), encoding="utf-8")
    read = read_storyboard(tmp_path / "t.json", song())
    assert read.rows[0].prompt == Found(nasty) and read.negative == DEFAULT_NEGATIVE
    assert read.warnings[0] == "section 'B' has no prompt of its own: it takes one in turn"


def test_warnings(tmp_path: Path, board: Storyboard) -> None:
    write_storyboard(tmp_path / "s.json", board, song())
    read = read_storyboard(tmp_path / "s.json", song("AB"))
    assert read == board
    assert read.warnings == tuple(f"the song has no section '{label}': its row is not used" for label in "CD")


@pytest.mark.parametrize("name", ["p.txt", "p", "p.json.txt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_plain_text_is_one_prompt_a_line(tmp_path: Path, name: str, encoding: str) -> None:
    path = tmp_path / name
    path.write_bytes(f"{{wild|card}} é\r\n\r\n   \n{OWN}\n".encode(encoding))
    resolved = read_storyboard(path, song()).resolve(song())
    assert [s.positive.text for s in resolved] == ["{wild|card} é", OWN, "{wild|card} é", OWN, "{wild|card} é", OWN]
    assert all(isinstance(section.positive, Own) for section in resolved)


def test_prompts_left_over_are_told(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("a\nb\nc")
    warnings = read_storyboard(tmp_path / "p.txt", song("AB")).warnings
    assert warnings == ("3 prompts for 2 different sections: 1 not used",)


def test_json_is_known_by_its_content_too(tmp_path: Path, board: Storyboard) -> None:
    write_storyboard(tmp_path / "s.txt", board)
    assert read_storyboard(tmp_path / "s.txt", song()) == board


def test_a_broken_storyboard_is_not_taken_for_prompts(tmp_path: Path, board: Storyboard) -> None:
    write_storyboard(tmp_path / "s.txt", board)
    broken = (tmp_path / "s.txt").read_text(encoding="utf-8").replace('"rows": [', '"rows": ')
    (tmp_path / "s.txt").write_text(broken, encoding="utf-8")
    with pytest.raises(StoryboardError, match="not JSON"):
        read_storyboard(tmp_path / "s.txt", song())


GOOD: dict[str, Any] = {"format": "music-visualizer storyboard", "version": 1, "rows": [{"label": "A", "prompt": "a"}]}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "no prompts"),
        (["", " "], "no prompts"),
        (["fine", 7], "entry 2 is a number"),
        (["fine", "broken ` tick"], "entry 2: prompt"),
        ([{"label": "A", "prompt": "a"}], "entry 1 is an object"),
        (7, "format"),
        ({}, "format"),
        ({**GOOD, "version": 2}, "version"),
        ({**GOOD, "version": True}, "version"),
        ({**GOOD, "rows": {}}, "rows"),
        ({**GOOD, "rows": []}, "no prompts"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "  "}]}, "blank"),
        ({**GOOD, "rows": [7]}, "row 1"),
        ({**GOOD, "rows": [*GOOD["rows"], {"prompt": "x"}]}, "row 2: 'label'"),
        ({**GOOD, "rows": [{"label": "A", "prompt": 5}]}, "row 1: 'prompt' is a number"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "a", "origin": "mine"}]}, "row 1: 'origin'"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "a", "seed": "7"}]}, "row 1: seed"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "a", "seed": -1}]}, "row 1: seed"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "a", "seed": 1.5}]}, "row 1: seed"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "a", "seed": 10**30}]}, "row 1: seed"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "`9**`"}]}, "row 1: prompt"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "a\0"}]}, "U\\+0000"),
        ({**GOOD, "rows": [{"label": "A", "prompt": "\ud800"}]}, "U\\+D800"),
        ({**GOOD, "rows": [{"label": "\ud800", "prompt": "a"}]}, "row 1: label"),
        ({**GOOD, "rows": GOOD["rows"] * 2}, "two rows"),
        ({**GOOD, "rows": GOOD["rows"] * 2000}, "rows"),
        ({**GOOD, "negative": []}, "negative"),
        ({**GOOD, "cover": {}}, "cover"),
        ({**GOOD, "overrides": [{"label": "A", "occurrence": "1"}]}, "override 1: 'occurrence'"),
        ({**GOOD, "overrides": [{"label": "A", "occurrence": 1, "prompt": " "}]}, "override 1"),
    ],
)
def test_bad_documents_name_the_row_and_the_fix(tmp_path: Path, document: Any, place: str) -> None:
    (tmp_path / "s.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(StoryboardError, match=place) as caught:
        read_storyboard(tmp_path / "s.json", song())
    assert caught.value.fix and caught.value.message.startswith("s.json")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("s.json", b"{", "not JSON"),
        ("s.json", b"", "not JSON"),
        ("s.json", b'{"a": NaN}', "NaN"),
        ("s.json", b"[" * 100_000, "not JSON"),
        ("s.json", b'{"version": ' + b"9" * 10_000 + b"}", "not JSON"),
        ("s.txt", b"", "no prompts"),
        ("s.txt", b"\n \n\t\n", "no prompts"),
        ("s.txt", b"\x89PNG\r\n\x1a\n\0\0", "not UTF-8"),
        ("s.txt", b"a\0b", "binary"),
        ("s.txt", b"\xff\xfea", "not UTF-8"),
        ("s.txt", b"fine\nbroken ` tick\n", "line 2"),
        ("s.txt", b"a" * 5_000_001, "5 MB"),
        ("s.txt", b"a" * 20_000, "line 1"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StoryboardError, match=what) as caught:
        read_storyboard(tmp_path / name, song())
    assert caught.value.fix and name in caught.value.message


def test_a_broken_file_is_named_first(tmp_path: Path) -> None:
    (tmp_path / "storyboard.json").write_text("{")
    with pytest.raises(StoryboardError) as caught:
        read_storyboard(tmp_path / "storyboard.json", song())
    assert caught.value.message.startswith("storyboard.json is not JSON: ")


@pytest.mark.parametrize("name", ["p.json", "p.txt"])
def test_a_json_list_of_texts_is_dealt_out_like_lines(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps(["one", "", " ", OWN]), encoding="utf-8")
    (tmp_path / "lines.txt").write_text(f"one\n\n \n{OWN}\n", encoding="utf-8")
    board = read_storyboard(tmp_path / name, song(), seed=3)
    assert board == read_storyboard(tmp_path / "lines.txt", song(), seed=3)
    assert [row.prompt for row in board.rows] == [Own("one"), Own(OWN)] * 2


@pytest.mark.parametrize("line", ["[a:b:0.5] street", "[1, 2]", "[]", '["a", 3]'])
def test_a_line_may_begin_with_a_bracket(tmp_path: Path, line: str) -> None:
    (tmp_path / "p.txt").write_text(line)
    if line == "[]":
        with pytest.raises(StoryboardError, match="no prompts"):
            read_storyboard(tmp_path / "p.txt", song())
    else:
        assert read_storyboard(tmp_path / "p.txt", song()).rows[0].prompt == Own(line)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path, tmp_path / ("x" * 300), Path("/dev/null"), tmp_path / "a\0b"):
        with pytest.raises(StoryboardError):
            read_storyboard(path, song())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.txt")
    assert stat.S_ISFIFO((tmp_path / "p.txt").stat().st_mode)
    with pytest.raises(StoryboardError, match="is not a file"):
        read_storyboard(tmp_path / "p.txt", song())


def test_writing_where_one_cannot(tmp_path: Path, board: Storyboard) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProjectError, match="cannot write"):
        write_storyboard(tmp_path / "folder", board)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
rows = st.fixed_dictionaries(
    {"label": st.sampled_from("ABCZ") | json_values, "prompt": st.text(max_size=20) | json_values},
    optional={"seed": json_values, "origin": st.sampled_from(["own", "found"]) | json_values, "negative": json_values,
              "suggested": json_values},
)  # fmt: skip
documents = st.fixed_dictionaries(
    {"format": st.just("music-visualizer storyboard"), "version": st.just(1), "rows": st.lists(rows, max_size=3)},
    optional={"style": json_values, "negative": json_values, "cover": json_values,
              "overrides": st.lists(rows.flatmap(lambda row: st.just({**row, "occurrence": 1})), max_size=2)},
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.one_of(documents, json_values).map(lambda value: json.dumps(value).encode()),
    ),
    name=st.sampled_from(["s.json", "s.txt", "s"]),
)
def test_any_file_gives_a_storyboard_or_a_message(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    try:
        board = read_storyboard(tmp_path / name, song())
    except StoryboardError as error:
        assert error.message.isprintable()
        return
    resolved = board.resolve(song())
    assert len(resolved) == 6
    write_storyboard(tmp_path / "again.json", board)
    assert read_storyboard(tmp_path / "again.json", song()) == board
