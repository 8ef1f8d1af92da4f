"""Templates turn data into Markdown or HTML: in a sandbox, strictly, and every value is shown as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.errors import TemplateInvalidError
from opsctl.formats.markdown import escape
from opsctl.prose import line, safe, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from jinja2.sandbox import ImmutableSandboxedEnvironment

# What a template is called, by what it writes.
SUFFIXES = {"markdown": ".md.j2", "html": ".html.j2"}
_NOTHING = "–"
# What lets values out unescaped, or says something else each time.
_UNFIT_FILTERS = ("safe", "tojson", "urlize", "xmlattr", "random")
_UNFIT_GLOBALS = ("lipsum",)


def render(
    name: str,
    data: Mapping[str, object],
    folders: Sequence[Path],
    filters: Mapping[str, Callable[..., object]],
) -> str:
    """What the template `name` makes of `data`; the first of the folders that has it counts.

    The name ends as in `SUFFIXES`. Values are escaped for what is written, so that foreign text shows as
    itself; `None` shows as a dash. Raises TemplateInvalidError, with file and line, for a template that is
    missing, wrong, or asks for what is not there.
    """
    import jinja2

    environment = _environment(name, folders, filters)
    try:
        return environment.get_template(name).render(data)
    except jinja2.TemplateSyntaxError as error:
        file = error.filename or error.name or name
        raise TemplateInvalidError(
            _shown(file, folders), error.lineno, _words(error.message or "it cannot be read")
        ) from error
    except jinja2.TemplateNotFound as error:
        file, number = _place(error.__traceback__, folders) or (name, 0)
        raise TemplateInvalidError(
            file, number, f"there is no template `{_words(str(error.name or name))}`"
        ) from error
    except UnicodeDecodeError as error:
        raise TemplateInvalidError(
            name, 0, f"it is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    except Exception as error:
        # A template may raise whatever its expressions do; what fails outside of one is our own fault.
        place = _place(error.__traceback__, folders)
        if place is None:
            raise
        raise TemplateInvalidError(*place, _words(_told(error))) from error


def _environment(
    name: str, folders: Sequence[Path], filters: Mapping[str, Callable[..., object]]
) -> ImmutableSandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    html = name.endswith(SUFFIXES["html"])
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(list(folders)),
        undefined=StrictUndefined,
        # Also for Markdown: what a macro writes is then marked as written, and not escaped again.
        autoescape=True,
        finalize=_html if html else _markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for unfit in _UNFIT_FILTERS:
        environment.filters.pop(unfit, None)
    for unfit in _UNFIT_GLOBALS:
        environment.globals.pop(unfit, None)
    if not html:
        environment.filters.update(dict.fromkeys(("e", "escape", "forceescape"), _markdown))
    environment.filters.update(filters)
    return environment


def _html(value: Any) -> Any:
    """A value before HTML's own escaping."""
    return value if hasattr(value, "__html__") else safe(_text(value))


def _markdown(value: Any) -> Any:
    from markupsafe import Markup

    return value if hasattr(value, "__html__") else Markup(escape(_text(value)))  # noqa: S704 - escaped


def _text(value: Any) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _place(traceback: TracebackType | None, folders: Sequence[Path]) -> tuple[str, int] | None:
    """The innermost template, and its line, that a failure came through."""
    found = None
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if any(file.startswith(f"{folder}/") for folder in folders) and file.endswith(".j2"):
            found = _shown(file, folders), traceback.tb_lineno
        traceback = traceback.tb_next
    return found


def _shown(file: str, folders: Sequence[Path]) -> str:
    """The file as people know it: `reports/weekly.md.j2`."""
    for folder in folders:
        if file.startswith(f"{folder}/"):
            return f"{folder.name}{file[len(str(folder)) :]}"
    return file


def _told(error: Exception) -> str:
    message = str(getattr(error, "message", None) or error)
    return message if type(error).__name__ == "UndefinedError" else f"{type(error).__name__}: {message}"


def _words(text: str) -> str:
    return shorten(line(text), 300)
