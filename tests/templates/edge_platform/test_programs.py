"""The programs that checks and runbooks of the template `edge-platform` run."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates.edge_platform.vendors import ACCOUNT, CLOUDFLARE_TOKEN, RECORD, WORKER, ZONE, answer

from opsctl import templating

TEMPLATES = Path(templating.__file__).with_name("templates")


def program(name):
    path = TEMPLATES / "edge-platform/bin" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FIGURES, PREVIEW, JSON_IS = program("cloudflare_figures"), program("preview_latency"), program("json_is")
counts = st.integers(0, 10**9)
groups = st.lists(
    st.tuples(
        st.sampled_from(["success", "scriptThrewException", "exceededResources"]),
        counts,
        counts,
        st.floats(0, 10**8),
    )
)


@given(groups)
def test_the_share_of_errors_is_of_all_requests_and_of_nothing_where_there_are_none(found):
    told = [
        {
            "sum": {"requests": n, "errors": bad},
            "quantiles": {"cpuTimeP99": cpu},
            "dimensions": {"status": status},
        }
        for status, n, bad, cpu in found
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FIGURES, "invocations", lambda *_arguments: told)
        figures = FIGURES.worker("api", "account", "worker")
    requests = sum(n for _, n, _, _ in found)
    assert figures["requests"] == requests
    if not requests:
        assert set(figures) == {"requests", "requests_per_second", "unknown"}
        return
    assert figures["error_percent"] == round(100 * sum(bad for _, _, bad, _ in found) / requests, 4)
    assert figures["exceeded_resources"] == sum(
        n for status, n, _, _ in found if status == "exceededResources"
    )
    assert figures["cpu_p99_ms"] == max(cpu for *_, cpu in found) / 1000


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_was_seen_and_is_the_least_that_so_many_are_below(values, share):
    found = PREVIEW.percentile(values, share)
    assert found in values
    assert sum(one <= found for one in values) >= share * len(values)
    assert sum(one < found for one in values) < share * len(values)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"data": None, "errors": [{"message": "no"}]}, "the API answered with errors"),
        (
            {"data": {"viewer": {"accounts": [{}]}}},
            "the answer has another form: KeyError('workersInvocationsAdaptive')",
        ),
        ([], "the API answered with errors"),
    ],
)
def test_an_answer_of_another_form_is_unknown(edge, capsys, monkeypatch, body, told):
    monkeypatch.setattr(edge.cloudflare, "speak", lambda _asked: answer(200, body))
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", CLOUDFLARE_TOKEN)
    FIGURES.main(["worker", edge.cloudflare.url, ACCOUNT, WORKER])
    assert json.loads(capsys.readouterr().out) == {"unknown": told}


@pytest.mark.parametrize(
    ("path", "wanted", "code", "said"),
    [
        ("result.content", "cname.vercel-dns.com", 0, "result.content is cname.vercel-dns.com\n"),
        ("result.proxied", "true", 0, "result.proxied is true\n"),
        ("result.content", "x", 1, "result.content should be x, found cname.vercel-dns.com\n"),
        ("result.none", "x", 1, "result.none should be x, found nothing: 'none'\n"),
        ("errors.0", "x", 1, "errors.0 should be x, found nothing: list index out of range\n"),
    ],
)
def test_what_was_changed_is_verified_where_it_was_changed(
    edge, capsys, monkeypatch, path, wanted, code, said
):
    monkeypatch.setenv("TOKEN", CLOUDFLARE_TOKEN)
    assert JSON_IS.main(f"{edge.cloudflare.url}/zones/{ZONE}/dns_records/{RECORD}", path, wanted) == code
    out = capsys.readouterr()
    assert out.out + out.err == said


def test_a_refusal_verifies_nothing(edge, capsys, monkeypatch):
    monkeypatch.setenv("TOKEN", "another")
    url = f"{edge.cloudflare.url}/zones/{ZONE}/dns_records/{RECORD}"
    assert JSON_IS.main(url, "result.content", "cname.vercel-dns.com") == 1
    assert capsys.readouterr().err == (
        "result.content should be cname.vercel-dns.com, found nothing: HTTP Error 401: Unauthorized\n"
    )
