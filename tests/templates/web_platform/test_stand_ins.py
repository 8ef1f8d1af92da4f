"""The vendors' stand-ins, asked by the vendors' own clients where those are installed. n8n has none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from templates.web_platform.vendor import ANON_KEY, PROJECT, TABLE, TEAM, VERCEL_TOKEN, Condition


def test_the_stand_in_for_the_database_speaks_to_the_vendors_own_client(vendors, certificates, monkeypatch):
    from postgrest import APIError, SyncPostgrestClient

    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    headers = {"apikey": ANON_KEY, "Authorization": f"Bearer {ANON_KEY}"}
    with SyncPostgrestClient(f"{vendors['project'].url}/rest/v1", headers=headers) as client:
        assert client.from_(TABLE).select("*").limit(1).execute().data == [{"id": 1, "name": "boats"}]
        for condition, code in ((Condition.DOWN, "PGRST001"), (Condition.FORBIDDEN, "42501")):
            vendors["project"].condition = condition
            with pytest.raises(APIError) as refused:
                # It would try a 503 three times more, and wait longer each time.
                client.from_(TABLE).select("*").limit(1).retry(enabled=False).execute()
            assert refused.value.code == code


SDK = """
import { Vercel } from "@vercel/sdk";
const vercel = new Vercel({bearerToken: process.env.TOKEN, serverURL: process.env.ADDRESS, retryConfig: {strategy: "none"}});
const [projectId, teamId] = process.env.IDS.split(" ");
const calls = {
  deployments: () => vercel.deployments.getDeployments({projectId, teamId, target: "production", limit: 2}),
  alias: () => vercel.aliases.getAlias({idOrAlias: "shop.example.com", projectId, teamId}),
  settings: () => vercel.projects.filterProjectEnvs({idOrName: projectId, teamId}),
};
const found = {};
for (const [name, call] of Object.entries(calls))
  found[name] = await call().catch(error => error.statusCode >= 400 ? {refused: error.statusCode} : {wrong: error.message});
console.log(JSON.stringify(found));
"""


@pytest.mark.skipif(
    not os.environ.get("OPSCTL_VERCEL_SDK") or shutil.which("node") is None,
    reason="set OPSCTL_VERCEL_SDK to a folder in which `npm install @vercel/sdk` was run, and install node",
)
def test_the_stand_in_for_vercel_speaks_to_the_vendors_own_client(vendors):
    def asked():
        env = {
            **os.environ,
            "TOKEN": VERCEL_TOKEN,
            "ADDRESS": vendors["vercel"].url,
            "IDS": f"{PROJECT} {TEAM}",
        }
        argv = ["node", "--input-type=module", "--eval", SDK]
        folder = os.environ["OPSCTL_VERCEL_SDK"]
        ran = subprocess.run(
            argv, cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=60
        )
        return json.loads(ran.stdout)

    found = asked()
    assert [one["readyState"] for one in found["deployments"]["deployments"]] == ["READY", "READY"]
    assert found["alias"]["deploymentId"] == "dpl_3"
    assert found["settings"]["envs"][0]["key"] == "NEXT_PUBLIC_SUPABASE_URL"
    refusals = {Condition.UNAUTHORISED: 401, Condition.FORBIDDEN: 403, Condition.RATE_LIMITED: 429}
    for condition, status in refusals.items():
        vendors["vercel"].condition = condition
        assert asked() == {name: {"refused": status} for name in found}
