"""The fake WebUI against the source of a real one: the same names, the same parameters.

Set ``WEBUI_DIR`` to the folder of an installed WebUI (A1111 1.10.1 or Forge). Nothing of it is imported or run.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from lib_music.webui.turn import STATE_FIELDS
from tests.webui.fake_host import FakeHost, State

#: What is only in the fake, for tests to set or look at.
FAKE_ONLY = {"on_disk", "reports", "waiting"}
#: The modules that are faked.
MODULES = (
    "modules.paths_internal", "modules.paths", "modules.extensions", "modules.devices", "modules.fifo_lock",
    "modules.call_queue", "modules.shared", "modules.progress", "modules.script_callbacks", "modules.sd_models",
    "modules.sd_vae", "modules.sd_samplers", "modules.processing", "modules.interrogate", "modules.deepbooru",
    "modules.lowvram", "modules_forge.main_entry", "backend.memory_management",
)  # fmt: skip


@pytest.fixture()
def real() -> Path:
    named = os.environ.get("WEBUI_DIR")
    if not named:
        pytest.skip("needs a real WebUI's source: set WEBUI_DIR to its folder")
    assert (Path(named) / "modules" / "shared.py").is_file(), f"WEBUI_DIR={named} holds no WebUI"
    return Path(named)


@pytest.fixture()
def fake(real: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeHost:
    """The fake of the same kind."""
    return FakeHost(monkeypatch, tmp_path / "webui", forge=(real / "modules_forge").is_dir())


def source(real: Path, module: str) -> ast.Module:
    path = real / (module.replace(".", "/") + ".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def names_of(tree: ast.Module | ast.ClassDef) -> dict[str, ast.AST]:
    """All that a module or class defines, at any depth of ``if`` and ``with``, but not in functions."""
    found: dict[str, ast.AST] = {}
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update({(alias.asname or alias.name).split(".")[0]: node for alias in node.names})
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [p for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t])]
            found.update({part.id: node for part in parts if isinstance(part, ast.Name)})
        else:
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found


def parameters(function: ast.FunctionDef) -> list[tuple[str, bool]]:
    """Names, and whether each may be left out."""
    args = function.args
    plain = [*args.posonlyargs, *args.args]
    optional = [False] * (len(plain) - len(args.defaults)) + [True] * len(args.defaults)
    keywords = [(a.arg, d is not None) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    return [*((a.arg, may) for a, may in zip(plain, optional, strict=True)), *keywords]


def faked(function: Any) -> list[tuple[str, bool]]:
    return [(p.name, p.default is not p.empty) for p in inspect.signature(function).parameters.values()]


def fields_of_dataclass(node: ast.ClassDef) -> set[str]:
    return {s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)}


def differences(fake_class: type, real_class: ast.ClassDef) -> list[str]:
    """What a class of the fake promises that the real one does not."""
    known = names_of(real_class)
    text = ast.unparse(real_class)
    said = []
    for name, member in vars(fake_class).items():
        if (name.startswith("__") and name != "__init__") or name.startswith("_host") or name in FAKE_ONLY:
            continue
        if isinstance(member, FunctionType):
            there = known.get(name)
            if name == "__init__" and fields_of_dataclass(real_class):
                lacking = {p for p, _ in faked(member)} - fields_of_dataclass(real_class) - {"self"}
                said += [f"{fake_class.__name__} has no field {field}" for field in sorted(lacking)]
            elif not isinstance(there, ast.FunctionDef):
                said.append(f"{fake_class.__name__}.{name} is not a method")
            elif parameters(there) != faked(member):
                said.append(f"{fake_class.__name__}.{name}{parameters(there)} is faked as {faked(member)}")
        elif not name.startswith("_") and name not in known and f"self.{name}" not in text:
            said.append(f"{fake_class.__name__}.{name} is not there")
    return said


def inherited(tree: ast.Module, node: ast.ClassDef) -> ast.ClassDef:
    """The class with its bases' bodies, where they are in the same module."""
    known = names_of(tree)
    bases = [known.get(base.id) for base in node.bases if isinstance(base, ast.Name)]
    bodies = [b for base in bases if isinstance(base, ast.ClassDef) for b in inherited(tree, base).body]
    merged = ast.ClassDef(name=node.name, bases=[], keywords=[], body=[*bodies, *node.body], decorator_list=[])
    return ast.fix_missing_locations(merged)


def test_what_is_faked_is_there_with_the_same_parameters(real: Path, fake: FakeHost) -> None:
    said: list[str] = []
    for module in MODULES:
        pretended = sys.modules.get(module)
        if pretended is None:
            assert not fake.is_forge and module.startswith(("modules_forge", "backend"))
            continue
        tree = source(real, module)
        known = names_of(tree)
        for name, value in vars(pretended).items():
            if name.startswith("__") or name in FAKE_ONLY:
                continue
            there = known.get(name)
            if there is None:
                said.append(f"{module}.{name} is not there")
            elif isinstance(value, type) and isinstance(there, ast.ClassDef):
                said += differences(value, inherited(tree, there))
            elif not isinstance(value, FunctionType) or not isinstance(there, ast.FunctionDef):
                continue
            elif parameters(there) != faked(value):
                said.append(f"{module}.{name}{parameters(there)} is faked as {faked(value)}")
    assert not said, "\n".join(said)


def test_the_state_and_the_options_are_the_real_ones(real: Path, fake: FakeHost) -> None:
    from tests.webui.fake_host import OptionInfo, Options

    state = names_of(source(real, "modules.shared_state"))["State"]
    options = names_of(source(real, "modules.options"))
    assert isinstance(state, ast.ClassDef)
    said = differences(State, state)
    for pretended in (OptionInfo, Options):
        there = options[pretended.__name__]
        assert isinstance(there, ast.ClassDef)
        said += [line for line in differences(pretended, there) if not line.startswith("Options.__")]
    assert not said, "\n".join(said)
    assert set(STATE_FIELDS) <= set(names_of(state)), "all that is restored is there to be restored"
    begin = ast.unparse(names_of(state)["begin"])
    touched = {node.attr for node in ast.walk(ast.parse(begin)) if isinstance(node, ast.Attribute)
               and isinstance(node.value, ast.Name) and node.value.id == "self"}  # fmt: skip
    assert touched <= set(STATE_FIELDS), "all that a job of the host's touches is restored"


def test_what_our_turn_relies_on(real: Path) -> None:
    """Reload UI calls ``interrupt`` through the state, and the buttons look it up when they are pressed."""
    state = names_of(source(real, "modules.shared_state"))["State"]
    assert isinstance(state, ast.ClassDef)
    assert "self.interrupt()" in ast.unparse(names_of(state)["request_restart"])
    toprow = (real / "modules" / "ui_toprow.py").read_text(encoding="utf-8")
    assert "shared.state.interrupt()" in toprow and "shared.state.stop_generating()" in toprow
    assert "state.interrupt()" in (real / "modules" / "api" / "api.py").read_text(encoding="utf-8")
    bar = ast.unparse(names_of(source(real, "modules.progress"))["progressapi"])
    assert "job_no / job_count" in bar and "textinfo=shared.state.textinfo" in bar
    assert "divInner.textContent = progressText" in (real / "javascript" / "progressbar.js").read_text(encoding="utf-8")
