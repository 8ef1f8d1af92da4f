"""The blackbox exporter's prober `dns`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.importers import quoted
from opsctl.importers.blackbox_module import Module, mapping, unset

if TYPE_CHECKING:
    from opsctl.importers.blackbox_module import Job

_RECORDS = {
    "fail_if_matches_regexp": "not any(answers)",
    "fail_if_all_match_regexp": "not all(answers)",
    "fail_if_not_matches_regexp": "all(answers)",
    "fail_if_none_matches_regexp": "any(answers)",
}
_WHOLE = "opsctl looks at what a record says, not at its name, time and type"
_NO_RECORDS = "without any record it passes there"


def take_dns(module: Module, job: Job) -> dict[str, Any]:
    """The check of a name; ValueError where opsctl does not ask for such records."""
    terms = module.terms
    made = {"name": str(terms.get("query_name") or "."), "type": str(terms.get("query_type") or "ANY")}
    if made["type"] not in {"A", "AAAA", "CNAME", "MX", "NS", "TXT", "SRV", "CAA", "PTR", "SOA"}:
        raise ValueError(f"opsctl asks for no records of type `{made['type'][:20]}`")
    made |= {"transport": "tcp"} if terms.get("transport_protocol") == "tcp" else {}
    made |= {"resolver": job.target} if job.target else {}
    answers = Module(mapping(terms.get("validate_answer_rrs")), f"{module.where}.validate_answer_rrs")
    said = terms.get("valid_rcodes")
    codes = [str(one) for one in said] if isinstance(said, list) and said else ["NOERROR"]
    written = f"rcode == {quoted(codes[0])}" if len(codes) == 1 else ""
    module.expect.append(written or f"rcode in [{', '.join(map(quoted, codes))}]")
    if codes == ["NOERROR"]:
        wanted = answers.terms.get("fail_if_none_matches_regexp")
        module.expects("valid_rcodes", "count > 0", "" if wanted else _NO_RECORDS)
    for key, start in _RECORDS.items():
        open_ = _NO_RECORDS if key in {"fail_if_matches_regexp", "fail_if_all_match_regexp"} else ""
        for place, found in answers.patterns(key, start):
            if found == f'any(answers) contains "\tIN\t{made["type"]}\t"':
                answers.expects(place, "count > 0")
            elif re.search(r"\\t|\\s|\t|\^", found):
                answers.lost(place, _WHOLE, open_)
            else:
                answers.expects(place, found, open_)
    answers.rest(set(_RECORDS))
    module.expect += [one for one in answers.expect if one not in module.expect]
    module.notes += answers.notes
    module.rest({
        "query_name", "query_type", "transport_protocol", "valid_rcodes", "validate_answer_rrs",
        "preferred_ip_protocol", "ip_protocol_fallback",
    })  # fmt: skip
    title = {} if job.target else {"title": f"Name whom to ask as `resolver`, in place of {unset(job)}"}
    return {**title, "dns": made}
