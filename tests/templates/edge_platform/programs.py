"""The programs that the template `edge-platform` runs: wrangler, npm, mail, opsctl, and a Python that trusts the tests' CA."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from templates.edge_platform.vendors import ACCOUNT, TABLE, Cloudflare

import opsctl

WRANGLER = '''\
#!{python}
"""A stand-in for wrangler's D1 commands, against the API of the tests."""
import datetime, json, os, sys, urllib.request
assert os.environ["CLOUDFLARE_ACCOUNT_ID"] == "{account}", "no account"
BASE = "{api}/accounts/{account}/d1/database"
def call(path, body=None, method=None):
    headers = {{"Authorization": "Bearer " + os.environ["CLOUDFLARE_API_TOKEN"], "Content-Type": "application/json"}}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(BASE + path, data, headers, method=method)) as answer:
        return json.load(answer)["result"]
words = sys.argv[1:]
assert words[0] == "d1", words
verb, rest = (" ".join(words[1:3]), words[3:]) if words[1] == "time-travel" else (words[1], words[2:])
key = next(one["uuid"] for one in call("?name=" + rest[0]) if one["name"] == rest[0])
if verb == "export":
    assert "--remote" in rest
    rows = call(f"/{{key}}/query", {{"sql": "select id from {table}"}})[0]["results"]
    with open(rest[rest.index("--output") + 1], "w") as file:
        file.write("CREATE TABLE {table} (id integer);\\n")
        file.writelines(f"INSERT INTO {table} VALUES ({{row['id']}});\\n" for row in rows)
    now = datetime.datetime.fromisoformat(open("{folder}/now").read()).timestamp()
    os.utime(file.name, (now, now))
elif verb == "execute":
    assert "--remote" in rest and "--yes" in rest
    call(f"/{{key}}/query", {{"sql": open(rest[rest.index("--file") + 1]).read()}})
elif verb == "delete":
    call(f"/{{key}}", method="DELETE")
elif verb == "time-travel info":
    print(json.dumps({{"bookmark": "00000085-0000024c-00004c6d"}}))
elif verb == "time-travel restore":
    print(json.dumps({{"bookmark": rest[-2], "previous_bookmark": "00000085-0000024c-00004c6d"}}))
else:
    sys.exit(f"unknown: {{words}}")
'''
NPM = """\
#!/bin/sh
echo "$@" >> {folder}/npm.log
case " $* " in *" audit "*) echo '{{"vulnerabilities": {{}}, "metadata": {{"vulnerabilities": {{"high": 0}}}}}}';; esac
exit $(cat {folder}/npm.exit 2>/dev/null || echo 0)
"""
MAIL = (
    '#!/bin/sh\nprintf "%s|" "$@" >> {folder}/mail.log\ncat >> {folder}/mail.log\necho >> {folder}/mail.log\n'
)
PYTHON = '#!/bin/sh\nSSL_CERT_FILE={ca} exec {python} "$@"\n'
OPSCTL = '#!/bin/sh\nOPSCTL_NOW=$(cat {folder}/now) PYTHONPATH={root} exec {python} -m opsctl "$@"\n'


def programs(folder: Path, cloudflare: Cloudflare, ca: Path) -> Path:
    """A folder for the PATH with wrangler, npm, mail, and a Python that trusts the tests' CA.

    `now` in it is what time it is for wrangler and opsctl, `npm.exit` how npm ends; `npm.log` and `mail.log` are what was asked.
    """
    folder.mkdir()
    known = {
        "python": sys.executable,
        "root": Path(opsctl.__file__).parents[1],
        "folder": folder,
        "ca": ca,
        "account": ACCOUNT,
        "api": cloudflare.url,
        "table": TABLE,
    }
    scripts = {"wrangler": WRANGLER, "npm": NPM, "mail": MAIL, "python3": PYTHON, "opsctl": OPSCTL}
    for name, text in scripts.items():
        path = folder / name
        path.write_text(text.format(**known))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder
