"""Candidates over sections: dealt, linked, edited, never overwritten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis.types import Sections
from lib_music.errors import InputError
from lib_music.prompts.storyboard import DEFAULT_NEGATIVE, make_storyboard
from lib_music.prompts.suggestions import Suggestions, read_suggestions, write_suggestions
from lib_music.prompts.text import Found, Own
from lib_music.studio.rows import PROMPTS, Board, edited, redealt, relabelled, row_documents
from tests.music import song

CRAFT = "<lora:name:0.7> (word:1.2) [a:b:9] a AND b BREAK embedding:x \\(x\\) {y|z} --neg fish,, `0.5+t/100`  \n two "


def sections(labels: str) -> Sections:
    return song(plan=[(label, "verse", 2) for label in labels]).sections


def board(labels: str = "ABAC", suggested: str = "pqr") -> Board:
    found = tuple(Found(word) for word in suggested)
    at = sections(labels)
    return redealt(Board(make_storyboard(found, at, seed=5), Suggestions("palette", found), at, 5))


def texts(now: Board) -> str:
    return "".join(row["prompt"] if len(row["prompt"]) == 1 else "*" for row in row_documents(now))


def do(now: Board, what: str, **values: Any) -> Board:
    return edited(now, {"do": what, **values})


def suggested_anew(now: Board, words: str) -> Board:
    return redealt(replace(now, suggestions=now.suggestions.anew("blip", [Found(word) for word in words])))


def test_candidates_are_recycled_and_blank_ones_skipped() -> None:
    assert texts(board("ABCDEAB")) == "pqrpqpq"
    assert texts(do(board("ABCDE"), "candidates", texts=["x", "", "  \n", "y", "`t`"]))[:2] == "xy"
    assert texts(do(board("ABCDE"), "candidates", texts=["x", "", "y"])) == "xyxyx"
    assert texts(do(board("ABCDE"), "candidates", texts=["x"])) == "xxxxx"
    for blank in (["", " ", "\n"], []):
        with pytest.raises(InputError, match="no prompt"):
            do(board(), "candidates", texts=blank)


def test_produce_again_never_overwrites_an_edit_but_shows_what_it_would_be() -> None:
    now = do(do(board(), "row", section=1, prompt="mine"), "candidates", texts=["p", "q", "my own"])
    again = suggested_anew(now, "xyz")
    rows = row_documents(again)
    assert [row["prompt"] for row in rows] == ["x", "mine", "x", "my own"]
    assert [row["suggested"] for row in rows] == [None, "y", None, None]
    assert [text.text for text in again.suggestions.texts] == ["x", "y", "my own"]
    assert [row["edited"] for row in row_documents(suggested_anew(again, "uvw"))] == [False, True, False, False]
    assert texts(do(again, "take", section=1))[1] == "y"
    assert texts(do(again, "take_candidate", index=2)) == "x*xz"


def test_a_row_that_was_typed_like_another_candidate_is_an_edit() -> None:
    now = suggested_anew(do(board(), "row", section=1, prompt="r"), "xyz")
    assert texts(now) == "xrxz"


def test_blank_takes_the_dealt_prompt_again() -> None:
    now = do(do(board(), "row", section=0, prompt="mine"), "row", section=0, prompt=" \n")
    assert now.storyboard == board().storyboard and isinstance(now.storyboard.rows[0].prompt, Found)


def test_the_own_text_is_kept_to_the_letter_and_found_text_is_stripped() -> None:
    now = do(do(board(), "row", section=1, prompt=CRAFT, negative="(bad:1.3) <lora:n:1>"), "style", text=CRAFT)
    row = row_documents(now)[1]
    assert row["prompt"] == CRAFT and row["negative"] == "(bad:1.3) <lora:n:1>" and now.storyboard.style.text == CRAFT
    resolved = do(board(), "row", section=1, prompt=CRAFT).storyboard.resolve(now.sections)[1]
    assert resolved.positive == Own(CRAFT)
    assert texts(suggested_anew(board(suggested=["<b>:1"]), ["<i onerror=1>"])) == "*" * 4
    assert row_documents(suggested_anew(board(), ["<lora:evil:1> (a:2)"]))[0]["prompt"] == "lora evil 1 a 2"


def test_repeated_sections_are_linked_unless_unlinked() -> None:
    linked = do(board(), "row", section=2, prompt="mine", negative="bad")
    assert [row["prompt"] for row in row_documents(linked)] == ["mine", "q", "mine", "r"]
    apart = do(do(linked, "link", section=2, linked=False), "row", section=2, prompt="other", negative="")
    rows = row_documents(apart)
    assert [(row["prompt"], row["negative"], row["linked"]) for row in rows] == [
        ("mine", "bad", True), ("q", "", True), ("other", "", False), ("r", "", True),
    ]  # fmt: skip
    assert do(apart, "row", section=0, prompt="p").storyboard.resolve(apart.sections)[2].positive.text == "other"
    assert row_documents(do(apart, "link", section=2, linked=True))[2]["prompt"] == "mine"
    assert do(apart, "link", section=2, linked=False) == apart


def test_an_unlinked_section_that_was_not_edited_follows_the_candidates() -> None:
    assert texts(suggested_anew(do(board(), "link", section=2, linked=False), "xyz")) == "xyxz"


def test_the_general_negative_holds_wherever_no_other_was_written() -> None:
    now = do(do(board(), "link", section=2, linked=False), "row", section=3, negative="own")
    now = do(now, "negative", text="general")
    assert [prompt.negative.text for prompt in now.storyboard.resolve(now.sections)] == ["general"] * 3 + ["own"]
    assert [row["negative"] for row in row_documents(now)] == ["", "", "", "own"]
    assert do(now, "negative", text=DEFAULT_NEGATIVE.text).storyboard.negative == DEFAULT_NEGATIVE
    assert do(now, "negative", text="").storyboard.resolve(now.sections)[0].negative.text == ""


def test_a_renamed_label_takes_its_row_along_and_comes_back() -> None:
    start = do(board("ABABC"), "row", section=1, prompt="mine", negative="bad")
    there = relabelled(start, sections("ADADC"), split=True)
    assert texts(there) == "p*p*r" and [r["label"] for r in row_documents(there)] == list("ADADC")
    assert there.storyboard.resolve(there.sections)[1].seed == start.storyboard.resolve(start.sections)[1].seed
    assert {row.label for row in there.storyboard.rows} == set("ADC")
    assert relabelled(there, sections("ABABC"), split=False).storyboard == start.storyboard


def test_one_renamed_section_begins_with_its_words_and_leaves_the_others_alone() -> None:
    start = do(board("ABABC"), "row", section=1, prompt="mine")
    apart = relabelled(start, sections("ABADC"), split=True)
    assert [row["prompt"] for row in row_documents(apart)] == ["p", "mine", "p", "mine", "r"]
    assert texts(do(apart, "row", section=3, prompt="z")) == "p*pzr"
    fresh = relabelled(board("ABABC"), sections("ABADC"), split=True)
    assert texts(fresh) == "pqppr", "new material takes the next candidate in turn; C keeps its own"
    back = relabelled(apart, sections("ABABC"), split=False)
    assert texts(back) == "p*p*r" and [row.label for row in back.storyboard.rows] == list("ABC")


def test_labels_that_become_one_lose_no_words() -> None:
    start = do(board("ABC"), "row", section=1, prompt="mine")
    one = relabelled(start, sections("AAC"), split=True)
    assert texts(one) == "ppr"
    assert texts(relabelled(one, sections("ABC"), split=False)) == "p*r"
    plain = relabelled(relabelled(board("ABC"), sections("AAC"), split=True), sections("ABC"), split=False)
    assert plain.storyboard == board("ABC").storyboard


def test_overrides_stay_at_their_sections() -> None:
    start = do(do(board("ABAB"), "link", section=3, linked=False), "row", section=3, prompt="z")
    assert texts(relabelled(start, sections("ADAB"), split=True)) == "prpz"
    assert texts(relabelled(start, sections("ABBB"), split=True)) == "pqqz"
    assert texts(relabelled(start, sections("ABAA"), split=True)) == "pqpz"


def test_another_cut_of_the_song_keeps_the_rows() -> None:
    start = do(board("ABC"), "row", section=1, prompt="mine")
    assert texts(relabelled(start, sections("BABCD"), split=True)) == "*p*rp"


@pytest.mark.parametrize("words", ["`9**9**9`", "`", "``", "`__import__('os')`", "`1/0`", "`t`" * 40_000, "x" * 10**7,
                                   "\0", "\ud800", 7, None, ["`"], {"a": 1}, float("nan")],
                         ids=lambda words: repr(words)[:12])  # fmt: skip
def test_texts_that_cannot_be_used_end_in_a_message(words: Any) -> None:
    start = board()
    for action in (
        {"do": "row", "section": 0, "prompt": words},
        {"do": "row", "section": 0, "negative": words},
        {"do": "candidates", "texts": ["fine", words]},
        {"do": "candidates", "texts": words},
        {"do": "style", "text": words},
        {"do": "negative", "text": words},
    ):
        with pytest.raises(InputError) as error:
            edited(start, action)
        assert len(str(error.value)) < 900


def test_a_formula_that_only_some_frames_can_compute_is_left_to_the_plan() -> None:
    assert row_documents(do(board(), "row", section=1, prompt="a `1/t` b"))[1]["prompt"] == "a `1/t` b"


def test_prompt_and_style_that_do_not_fit_together_are_told() -> None:
    long = do(board(), "row", section=0, prompt="x" * 9_000)
    with pytest.raises(InputError, match="characters"):
        do(long, "style", text="y" * 9_000)


@pytest.mark.parametrize("place", [-1, 4, 10**30, 1.0, True, None, "0", [], float("nan")], ids=repr)
def test_sections_that_are_not_there(place: Any) -> None:
    for action in (
        {"do": "row", "section": place, "prompt": "x"},
        {"do": "link", "section": place, "linked": True},
        {"do": "take", "section": place},
    ):
        with pytest.raises(InputError, match="no section"):
            edited(board(), action)


foreign = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.sampled_from("`pqr")),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
actions = st.fixed_dictionaries(
    {"do": st.sampled_from(PROMPTS)},
    optional={
        "section": st.one_of(st.integers(-1, 5), foreign),
        "index": st.one_of(st.integers(-1, 5), foreign),
        "prompt": st.one_of(st.text(max_size=20), foreign),
        "negative": st.one_of(st.text(max_size=20), foreign),
        "text": st.one_of(st.text(max_size=20), foreign),
        "texts": st.one_of(st.lists(st.text(max_size=9), max_size=6), foreign),
        "linked": st.one_of(st.booleans(), foreign),
        "use": st.one_of(st.sampled_from(["start", "none"]), foreign),
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(actions, st.text("ABCD", min_size=4, max_size=4)), max_size=8))
def test_any_edits_leave_a_whole_board_and_own_words_survive(several: list[Any]) -> None:
    now = board()
    for action in several:
        if isinstance(action, str):
            now = relabelled(now, sections(action), split=True)
            continue
        try:
            now = edited(now, action)
        except InputError:
            continue
        if action["do"] == "row" and str(action.get("prompt", "")).strip():
            assert row_documents(now)[action["section"]]["prompt"] == action["prompt"]
    mine = [(row["prompt"], row["edited"]) for row in row_documents(now)]
    after = row_documents(suggested_anew(now, "stu"))
    assert len(after) == 4 and len(now.storyboard.resolve(now.sections)) == 4
    for (words, was_edited), row in zip(mine, after, strict=True):
        assert not was_edited or row["prompt"] == words


def test_suggestions_survive_their_file_and_a_damaged_one_is_none(tmp_path: Any) -> None:
    path = tmp_path / "prompts.json"
    assert read_suggestions(path) is None
    made = do(board(), "candidates", texts=["p", CRAFT, ""]).suggestions
    write_suggestions(path, made)
    assert read_suggestions(path) == made
    for harm in ("{", "[]", '{"version": 1}', '{"version":1,"captioner":"x","suggested":[1],"texts":[]}', "null"):
        path.write_text(harm)
        assert read_suggestions(path) is None
