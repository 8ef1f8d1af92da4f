"""The `http` step: one request, whose status says whether it went well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty
from opsctl.prose import line, shorten
from opsctl.secrets import SecretMissingError, Template
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class HttpStep:
    """Send a request."""

    SHORTHAND: ClassVar[str] = "url"
    EFFECT: ClassVar[Effect] = "change"
    ASKS: ClassVar[bool] = False

    url: Annotated[Template, Doc("The address.")]
    method: Annotated[Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], Doc("The method.")] = "POST"
    headers: Annotated[Mapping[str, Template], Doc("Headers to send.")] = field(default_factory=dict)
    body: Annotated[Template | None, Doc("What to send.")] = None
    status: Annotated[str, NotEmpty(), Doc("An expectation of the status.")] = (
        "status in [200, 201, 202, 204]"
    )

    def describe(self, values: Mapping[str, str]) -> str:
        """The method and the address."""
        return f"{self.method} {fill(self.url.text, values)}"

    def perform(self, scene: Scene) -> Done:
        """Send it and judge the answer."""
        from opsctl.requesting import Request, send

        def resolved(template: Template) -> str:
            return fill(scene.secrets.resolve(template), scene.values)

        try:
            request = Request(
                self.method,
                resolved(self.url),
                {name: resolved(value) for name, value in self.headers.items()},
                None if self.body is None else resolved(self.body),
            )
        except SecretMissingError as error:
            return Done("failed", str(error))
        answer = send(request, self.status, scene.timeout)
        text = scene.secrets.mask(answer.body)
        scene.emit(f"{answer.message}\n".encode())
        outcome = "ok" if answer.well else "failed"
        return Done(
            outcome,  # type: ignore[arg-type]
            line(shorten(scene.secrets.mask(answer.message), 200)),
            None,
            shorten(text, 16_000),
            captured={"stdout": answer.body},
            acted=answer.lost,
            sure=answer.came and not answer.well,
        )
