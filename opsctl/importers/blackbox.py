"""The modules of Prometheus' blackbox exporter as services and checks.

Whom a module asks stands in Prometheus' own file; where the two are joined to one, each target of a job
becomes a check, and a module that no job uses gets a target that `opsctl validate` refuses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.importers import ForeignError, Imported, Note, fit, literal, name_of
from opsctl.importers.blackbox_dns import take_dns
from opsctl.importers.blackbox_http import take_http, take_websocket
from opsctl.importers.blackbox_module import Job, Module, address_of, mapping, unset
from opsctl.importers.blackbox_tcp import take_tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PROMETHEUS = {"modules", "scrape_configs", "global"}


def take(data: Any) -> Imported:
    """The services of a configuration; ForeignError where it has no modules."""
    if not isinstance(data, dict):
        raise ForeignError("it is no mapping; is this a configuration of the blackbox exporter?")
    modules = data.get("modules")
    if not isinstance(modules, dict) or not modules:
        words = "it has no mapping `modules` with a module in it; is this blackbox.yml?"
        raise ForeignError(words, key="modules")
    notes: list[Note] = []
    services: dict[str, Any] = {}
    named = {str(name): terms for name, terms in modules.items()}
    jobs = list(_jobs(data, named, notes))
    used = {job.module for job in jobs}
    jobs += (Job(name, "", name, f"modules.{name}") for name in named if name not in used)
    titles: dict[str, str] = {}
    told: set[str] = set()
    for job in jobs:
        if job.service not in titles.values():
            titles[name_of(job.service, titles)] = job.service
        service = next(name for name, title in titles.items() if title == job.service)
        made = _check(job, named[job.module], notes, told=job.module in told)
        told.add(job.module)
        if made is not None:
            checks = services.setdefault(service, {"title": job.service, "checks": {}})["checks"]
            called = name_of(re.sub(r"^[a-z]+://", "", job.target) or "probe", checks)
            checks[called] = made
            words = f"became {service}/{called}"
            words += "" if job.target else f"; its target is missing: write it in place of `{unset(job)}`"
            notes.append(Note(job.where, words))
    strange = sorted(str(key) for key in set(data) - _PROMETHEUS if data[key])
    notes += (Note(key, "it says nothing of checks", lost=True) for key in strange)
    return Imported(services, tuple(notes))


def _jobs(data: Mapping[str, Any], modules: Mapping[str, Any], notes: list[Note]) -> Iterator[Job]:
    said = data.get("scrape_configs")
    for number, job in enumerate(said if isinstance(said, list) else []):
        where = f"scrape_configs[{number}]"
        named = mapping(mapping(job).get("params")).get("module")
        module = str(named[0]) if isinstance(named, list) and named else ""
        if not module:
            notes.append(Note(where, "it names no module, so it probes nothing", lost=True))
        elif module not in modules:
            notes.append(Note(where, f"its module `{module}` is not here", lost=True))
        else:
            every = job.get("scrape_interval") or mapping(data.get("global")).get("scrape_interval")
            service = str(job.get("job_name") or module)
            for place, target in _targets(job, where, notes):
                yield Job(module, target, service, place, str(every or ""))


def _targets(job: Mapping[str, Any], where: str, notes: list[Note]) -> Iterator[tuple[str, str]]:
    said = job.get("static_configs")
    for number, group in enumerate(said if isinstance(said, list) else []):
        targets = mapping(group).get("targets")
        for at, target in enumerate(targets if isinstance(targets, list) else []):
            yield f"{where}.static_configs[{number}].targets[{at}]", str(target).strip() or "-"
    for key in sorted(str(key) for key in job if str(key).endswith("_sd_configs")):
        words = "whom it asks is found elsewhere; write a check for each"
        notes.append(Note(f"{where}.{key}", words, lost=True, open="where nobody is found, nothing fails"))
    if job.get("relabel_configs"):
        notes.append(Note(f"{where}.relabel_configs", "each target was taken as it is written"))


def _check(job: Job, terms: Any, notes: list[Note], *, told: bool) -> dict[str, Any] | None:
    """The check; what is to be said of its module is said once."""
    prober = str(mapping(terms).get("prober") or "")
    module = Module(mapping(mapping(terms).get(prober)), f"modules.{job.module}.{prober}")
    try:
        if prober not in _PROBERS:
            raise ValueError(f"opsctl has no check for the prober `{prober[:40]}`")
        made = _PROBERS[prober](module, job)
        check = {**made, **({"expect": module.expect} if module.expect else {})}
        if mapping(terms).get("timeout"):
            check["timeout"] = str(terms["timeout"])
        if job.every:
            check["every"] = job.every
        fit(check)
    except ValueError as error:
        notes.append(Note(job.where, str(error), lost=True))
        return None
    finally:
        notes += [] if told else module.notes
    for key in sorted(str(key) for key in set(terms) - {"prober", "timeout", prober} if not told):
        notes.append(Note(f"modules.{job.module}.{key}", "its prober does not look at it", lost=True))
    return check


def _icmp(module: Module, job: Job) -> dict[str, Any]:
    module.rest({"preferred_ip_protocol", "ip_protocol_fallback"})
    module.expect.append("loss == 0%")
    return {"ping": {"host": job.target or unset(job), "count": 1, **module.family()}}


def _grpc(module: Module, job: Job) -> dict[str, Any]:
    tls = module.terms.get("tls") is True
    made: dict[str, Any] = {"address": address_of(job, 443 if tls else 80)}
    made |= {"service": str(module.terms["service"])} if module.terms.get("service") else {}
    made |= module.tls({"ca"}) if tls else {"tls": False}
    metadata = mapping(module.terms.get("metadata"))
    headers = {
        str(name): literal(str(values[-1]))
        for name, values in metadata.items()
        if isinstance(values, list) and values
    }
    made |= {"headers": headers} if headers else {}
    module.rest({"service", "tls", "tls_config", "metadata", "preferred_ip_protocol", "ip_protocol_fallback"})
    module.expect.append("serving == true")
    return {"grpc": made}


_PROBERS: Mapping[str, Callable[[Module, Job], dict[str, Any]]] = {
    "http": take_http,
    "tcp": take_tcp,
    "icmp": _icmp,
    "dns": take_dns,
    "grpc": _grpc,
    "websocket": take_websocket,
}
