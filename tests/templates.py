"""The templates of all messages in the package, as its source has them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "blender_midas_normal"

MACHINERY = (PACKAGE / "core" / "errors.py",)
"""Files that handle whatever messages there are, and make none themselves."""

ROOTS = ("Message", "MessageError")
"""Classes that make messages of what they are called with, as do those derived from them without an own signature."""

PARTS = ("Phrase", "InvalidData", "_SourceFailed")
"""Those whose messages are no sentences but parts of such."""

CHOSEN_BY_CALLER = "error"
"""The name of parameters that are one of the classes."""


@dataclass(frozen=True)
class Made:
    """A call that makes a message: where it is, what it calls, the argument with the template, the values by their names.

    values: those of a mapping that is unpacked have the name None.
    """

    place: str
    maker: str
    template: ast.expr
    values: dict[str | None, ast.expr]

    @property
    def text(self) -> str | None:
        """The template; None where the argument is a message that is made elsewhere, and for other expressions."""
        return self.template.value if isinstance(self.template, ast.Constant) else None

    @property
    def is_sentence(self) -> bool:
        return self.maker not in PARTS


def all_made() -> list[Made]:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    makers = _makers([node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)])
    return [Made(f"{path.relative_to(PACKAGE)}:{call.lineno}", call.func.id, call.args[0],
                 {keyword.arg: keyword.value for keyword in call.keywords})
            for path, tree in trees.items() if path not in MACHINERY for call in ast.walk(tree)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in makers and call.args]


def _makers(classes: list[ast.ClassDef]) -> set[str]:
    found = {*ROOTS, CHOSEN_BY_CALLER}
    derived: list[str] | None = None
    while derived != []:
        derived = [each.name for each in classes if each.name not in found and not _has_signature(each)
                   and any(getattr(base, "id", "") in found for base in each.bases)]
        found.update(derived)
    return found


def _has_signature(each: ast.ClassDef) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name in ("__init__", "__new__") for part in each.body)


def templates() -> set[str]:
    """All texts that the interface may look up to translate a message."""
    return {each.text for each in all_made() if each.text is not None}


def is_glued(expression: ast.expr) -> bool:
    """Whether an expression puts a text together of pieces, in which no template could be found again."""
    name = getattr(expression.func, "id", getattr(expression.func, "attr", "")) if isinstance(expression, ast.Call) else ""
    return isinstance(expression, (ast.JoinedStr, ast.BinOp)) or name in ("str", "join", "format")
