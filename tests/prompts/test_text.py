"""Found text can do nothing; own text goes through as it is."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib_music.errors import StoryboardError
from lib_music.prompts.text import MAX_FOUND, MAX_OWN, Found, Own, has_formula, render_own

#: What the WebUI, Deforum and wildcard extensions read as more than words.
DANGEROUS = re.compile(r"`|--|[<>(){}\[\]|:\\]|__|\bAND\b|\bBREAK\b|[\r\n\t\0]")
FRAGMENTS = [
    "`", "-", "--", "--neg", "neg", "<", ">", "<lora:x:1>", "(", ")", "((", "[a:b:3]", "]", "{a|b}", "|", ":", ":1.4",
    "__", "_", "__x__", "AND", "A", "ND", "BREAK", "\\", "\n", "\r", "\t", "\0", "\u200b", "\u202e", "\u2066", "\ufeff",
    "\u00ad", "\u3164", "\u034f", "\ufe0f", "｀", "（", "）", "：", "＜", "＞", "｛", "｜", "＿", "－", "﹣", "︰",
    "﹕",
    "Ａ", "ＮＤ", "\u0301", "\ud800", "9**9**9", "e", " ", ",", "–", "é", "桜", "𝐀𝐍𝐃", "\u2028",
]  # fmt: skip
nasty = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.characters()), max_size=20).map("".join),
)


def assert_harmless(text: str) -> None:
    assert not DANGEROUS.search(text), ascii(text)
    # A consumer that folds look-alikes first finds nothing either.
    assert not DANGEROUS.search(unicodedata.normalize("NFKC", text)), ascii(text)
    assert not any(unicodedata.category(c)[0] == "C" for c in text)
    text.encode("utf-8")


@given(nasty)
@example("--n--neg eg")
@example("A\u200bND")
@example("-\u200b-neg")
@example("＜ｌｏｒａ：ｘ：１＞")
def test_found_is_harmless(text: str) -> None:
    found = Found(text)
    assert_harmless(found.text)
    assert len(found.text) <= MAX_FOUND
    assert Found(found.text) == found


@given(st.lists(nasty, max_size=5), st.sampled_from([", ", " ", "; ", " by ", "", "-", "\n"]))
def test_found_joined_is_harmless(texts: list[str], separator: str) -> None:
    joined = Found.join([Found(text) for text in texts], separator)
    assert_harmless(joined.text)
    assert Found(joined.text) == joined


@given(st.lists(nasty, min_size=2, max_size=5), st.sampled_from([", ", " ", ". "]))
def test_found_within_words_of_ours_is_harmless(texts: list[str], separator: str) -> None:
    assert_harmless(f"a view of {separator.join(Found(text).text for text in texts)}, oil painting")


@given(nasty, nasty)
def test_two_found_texts_side_by_side_make_no_second_negative(a: str, b: str) -> None:
    assert "--" not in Found(a).text + Found(b).text
    assert "__" not in Found(a).text + Found(b).text


@pytest.mark.parametrize(
    "title",
    [
        "Beyoncé – Déjà Vu", "AC/DC", "千本桜", "夜に駆ける", "Don't Stop 'Til You Get Enough", "Für Elise", "$ave Me!",
        "Сердце", "עוף גוזל", "حبيبي", "봄날", "What’s Going On?", "50% Off", "Mr. Brightside", "7 Rings", "R&B",
        "Αθήνα", "ประเทศไทย", "नमस्ते", "A-Ha", "“Heroes”", "99 Luftballons", "Ænima", "#1 Crush", "P!nk",
    ],
)  # fmt: skip
def test_ordinary_titles_survive(title: str) -> None:
    assert Found(title).text == unicodedata.normalize("NFKC", title)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Song (feat. X) [Live]", "Song feat. X Live"),
        ("x --neg y", "x - neg y"),
        ("`9**9**9`", "9**9**9"),
        ("<lora:evil:1>", "lora evil 1"),
        ("ROCK AND ROLL BREAK", "ROCK and ROLL break"),
        ("SAND BREAKER", "SAND BREAKER"),
        ("my_file_name", "my file name"),
        ("a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301b", "á" + "\u0301" * 4 + "b"),
        ("  many\n\nlines\t ", "many lines"),
        ("", ""),
        ("`<>:|", ""),
    ],
)
def test_found_reads_well(text: str, expected: str) -> None:
    assert Found(text).text == expected


def test_found_of_ten_megabytes_is_quick_and_short() -> None:
    assert len(Found("(--neg " * 1_500_000).text) <= MAX_FOUND
    assert Found("wort " * 1000).text.endswith("wort")


@pytest.mark.parametrize(
    "prompt",
    [
        "<lora:x:0.7> (word:1.2) [a:b:0.5] ((deep)) [c|d] AND e :1.2 BREAK f --neg g, (h:1.4)",
        "__wild__ {a|b} \\(escaped\\)  double  spaces ",
        "線\nzwei\tlines",
    ],
)
def test_own_is_untouched(prompt: str) -> None:
    own = Own(prompt)
    assert own.text == render_own(own, t=5, max_f=10, s=1) == prompt
    assert not has_formula(own)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("(x:`t/10`)", "(x:0.5)"),
        ("[a:b:`4+2`]", "[a:b:6]"),
        ("<lora:y:`0.000001*t`>", "<lora:y:0.000005>"),
        ("`0.0000001` `-0.0000001` `1e6*1.5`", "0.0 0.0 1500000.0"),
        ("`s` of `max_f`, `t==5`", "3 of 9, 1"),
        ("`1/3`", "0.333333"),
        ("`10.0**15`", "1000000000000000.0"),
    ],
)
def test_formulas_become_numbers(prompt: str, expected: str) -> None:
    assert render_own(Own(prompt), t=5, max_f=9, s=3) == expected


@pytest.mark.parametrize("prompt", ["a ` b", "a `` b", "a ` ` b", "```", "`9**9**9`", "`n`", "`1/(t-5)`", "`import`"])
def test_broken_formulas_name_prompt_and_fix(prompt: str) -> None:
    with pytest.raises(StoryboardError) as caught:
        render_own(Own(prompt), t=5, max_f=9, s=3)
    assert prompt.split()[0] in caught.value.message and caught.value.fix


def test_check_finds_a_broken_formula_without_computing() -> None:
    Own("`1/t`").check()
    with pytest.raises(StoryboardError):
        Own("`1/u`").check()


@pytest.mark.parametrize("prompt", ["a\0b", "a\x1bb", "a\ud800b", "x" * (MAX_OWN + 1)])
def test_own_that_cannot_be_written_down(prompt: str) -> None:
    with pytest.raises(StoryboardError):
        Own(prompt)


@given(st.text(max_size=60), st.integers(0, 100))
def test_render_own_never_another_exception(prompt: str, t: int) -> None:
    try:
        rendered = render_own(Own(prompt), t=t, max_f=100, s=1)
    except StoryboardError:
        return
    assert "`" not in rendered
    if "`" not in prompt:
        assert rendered == prompt


@given(st.floats(-1e15, 1e15), st.integers(0, 100))
def test_numbers_have_no_exponent(factor: float, t: int) -> None:
    rendered = render_own(Own(f"`{factor!r}*1.0`"), t=t, max_f=100, s=1)
    assert re.fullmatch(r"-?\d+\.\d{1,6}", rendered)
    assert float(rendered) == pytest.approx(factor, abs=1e-6, rel=1e-12)
