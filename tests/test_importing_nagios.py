"""Nagios' hosts and services: what each line becomes, what is lost, what passed there when it must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks import KINDS
from opsctl.importers import ForeignError, Note, fit
from opsctl.importers.nagios import take
from opsctl.importers.nagios_plugins import NATIVE, opened

OBJECTS = """\
# objects of a shop
cfg_file=/etc/nagios/more.cfg
$USER2$=s3cret
define command {
    command_name  check_ping
    command_line  $USER1$/check_ping -H $HOSTADDRESS$ -w $ARG1$ -c $ARG2$ ; a comment
}
define command{
    command_name  check_web
    command_line  $USER1$/check_http -H '$HOSTALIAS$' -u $ARG1$ -a shop:$USER2$ \\
                  -t $_SERVICELIMIT$ $ARG2$
    }
define command {
    command_name  logs
    command_line  tail -1 /var/log/$HOSTNAME$.log | grep -v $ARG1$
}
define command {
    command_name  fine
    command_line  $USER1$/check_dummy 0
}
define command {
    command_name  dated
    command_line  $USER1$/check_x $LONGDATETIME$
}
define host {
    name                generic
    check_command       check_ping!100,20%!500,60%
    check_interval      5
    max_check_attempts  3
    retry_interval      1
    register            0
}
define host {
    use        generic,elsewhere
    host_name  router
    address    192.0.2.1
}
define host {
    use         generic
    host_name   Web 1
    alias       The first
    address     192.0.2.11
    parents     router
    hostgroups  web
}
define host {
    host_name      bare
    contact_groups admins
}
define hostgroup {
    hostgroup_name  web
}
define service {
    name                 each
    check_interval       1
    _LIMIT               30
    register             0
}
define service {
    use                  each
    hostgroup_name       web
    service_description  Front page
    check_command        check_web!/health\\!
}
define service {
    host_name            *,!bare
    service_description  Log
    check_command        logs!ERROR!more
}
define service {
    host_name            bare,gone
    service_description  Fine
    check_command        fine
}
define service {
    host_name            bare
    service_description  Dated
    check_command        dated
}
define service {
    host_name              bare
    service_description    Backup
    check_command          fine
    active_checks_enabled  0
}
define service {
    hostgroup_name       none
    service_description  Nowhere
    check_command        fine
}
define service {
    host_name            bare
    service_description  Missing
    check_command        not_here
}
define contact {
    contact_name  bob
}
define servicedependency {
    host_name  bare
}
"""

YAML = """\
# Taken in from nagios by `opsctl import`; look through it, then `opsctl validate` and
# `opsctl check --prove`.
services:
  router:
    title: router
    checks:
      host:
        command:
          run:
          - ${env:USER1}/check_ping
          - -H
          - 192.0.2.1
          - -w
          - 100,20%
          - -c
          - 500,60%
          format: nagios
        every: 300s
        fail_after: 3
      log:
        command:
          run:
          - sh
          - -c
          - tail -1 /var/log/router.log | grep -v ERROR
          format: nagios
  web-1:
    title: The first
    checks:
      host:
        command:
          run:
          - ${env:USER1}/check_ping
          - -H
          - 192.0.2.11
          - -w
          - 100,20%
          - -c
          - 500,60%
          format: nagios
        every: 300s
        fail_after: 3
      front-page:
        command:
          run:
          - ${env:USER1}/check_http
          - -H
          - The first
          - -u
          - /health!
          - -a
          - shop:${env:USER2}
          - -t
          - '30'
          format: nagios
        every: 60s
      log:
        command:
          run:
          - sh
          - -c
          - tail -1 /var/log/Web 1.log | grep -v ERROR
          format: nagios
    depends_on:
    - router
  bare:
    title: bare
    checks:
      fine:
        command:
          run:
          - ${env:USER1}/check_dummy
          - '0'
          format: nagios
"""

NOTES = """\
taken	$USER1$	became `${env:USER1}`; set it to the folder of the plugins, as /usr/lib/nagios/plugins
taken	check_ping	it runs as it did; opsctl's own type `ping` needs no plugin
taken	line 33	became router/host
taken	line 38	became web-1/host
taken	$USER2$	became `${env:USER2}`; set it as Nagios' resource file has it
taken	check_http	it runs as it did; opsctl's own type `http` needs no plugin
taken	line 59	became web-1/front-page
taken	line 65	became router/log
taken	line 65	became web-1/log
taken	line 70	became bare/fine
taken	line 59	`$ARG2$` of `check_web` is given nothing; CAREFUL: it is left out, so that the plugin may look at less, there and here
taken	line 59	`check_web` runs `check_http`; CAREFUL: any page below 400 passes, also a redirect to elsewhere, there and here: add `-e 200` and `-s TEXT`
taken	line 65	`logs` needs a shell; CAREFUL: of several programs, only the last one's exit code counts, there and here
taken	line 70	`fine` runs `check_dummy`; CAREFUL: it always passes, there and here
lost	line 34	the template `elsewhere` is not in this file; join the files to one
lost	line 70	`gone` is not in this file; join the files to one
lost	line 75	bare/Dated: opsctl does not know the macro `$LONGDATETIME$`
lost	line 86	`none` is not in this file; join the files to one
lost	line 91	bare/Missing: the command `not_here` is not in this file; join the files to one
lost	line 30	`retry_interval`: opsctl tries again when the check is due
lost	line 48	`contact_groups`: whom to tell, and when, is not said of a check
lost	line 96	`contact`: whom to tell, and when, is not said of a check
lost	line 99	`servicedependency`: write it as `depends_on`
lost	line 2	`cfg_file`: join what it names to this file
lost	line 3	`$USER2$`: a secret may be in it, so it does not come along
lost	line 46	the host `bare` has no `check_command`; CAREFUL: such a host is always up there
lost	line 65	`logs` does not use its argument `more`; CAREFUL: what it says is not looked at there
lost	line 80	bare/Backup only waits for reports; a `heartbeat` may do; CAREFUL: what nobody reports stays as it was there
lost	line 86	the service `Nowhere` is on no host; CAREFUL: what is on no host never fails
6 checks; 15 lines lost; 8 lines that passed when it must not
"""


def test_hosts_become_services_with_a_note_on_every_line(opsctl):
    opsctl.write("objects.cfg", OBJECTS).write("opsctl.yaml", "version: 1\nname: Shop\n")
    ran = opsctl("import", "nagios", str(opsctl.path / "objects.cfg"))
    assert (ran.code, ran.out, ran.err) == (1, YAML, NOTES)
    opsctl.write("services/nagios.yaml", YAML)
    assert opsctl("validate", "--allow-unset").out == "valid: 3 services, 6 checks\n"
    refused = opsctl("validate")
    assert refused.code == 5
    assert "the environment variable USER1 is not set" in refused.out


def test_what_came_along_runs_the_same_plugin(opsctl):
    plugins = opsctl.path / "plugins"
    opsctl.write("plugins/check_it", '#!/bin/sh\necho "WARNING - $*|load=3;2;4"\nexit 1\n')
    (plugins / "check_it").chmod(0o755)
    opsctl.write(
        "objects.cfg",
        f"""
        $USER1$={plugins}
        define command {{
            command_name it
            command_line $USER1$/check_it "$HOSTNAME$" $ARG1$
        }}
        define host {{
            host_name     a
            check_command it!50%
        }}
        """,
    )
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n").write("services/none.txt", "")
    ran = opsctl(
        "import", "nagios", str(opsctl.path / "objects.cfg"), "--out", str(opsctl.path / "services/n.yaml")
    )
    assert (ran.code, ran.err) == (
        0, "taken\tline 6\tbecame a/host\n1 check; 0 lines lost; 0 lines that passed when it must not\n"
    )  # fmt: skip
    checked = opsctl("check")
    assert "degraded" in checked.out
    assert "WARNING" in checked.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "o.cfg:1:1: it is empty"),
        ("# nothing\n", "o.cfg:1:1: it cannot be taken in: it defines nothing"),
        ('{"a": 1}', 'o.cfg:1:1: it cannot be taken in: `{"a": 1}` is neither a definition nor a comment'),
        ("# x\n\n  hosts:\n", "o.cfg:3:3: it cannot be taken in: `hosts:` is neither"),
        (
            "# x\ndefine host {\n host_name a\n",
            "o.cfg:2:1: it cannot be taken in: this definition has no `}`",
        ),
        (
            "define host {\n  define host {\n}\n",
            "o.cfg:2:3: it cannot be taken in: a definition begins before the `}` of the one on line 1",
        ),
    ],
)
def test_what_is_no_object_file_is_told_with_its_place(opsctl, text, words):
    (opsctl.path / "o.cfg").write_text(text)
    ran = opsctl("import", "nagios", str(opsctl.path / "o.cfg"))
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def of(command: str, arguments: str = "", more: str = "") -> str:
    return (
        f"define command {{\n command_name c\n command_line {command}\n}}\n"
        f"define host {{\n host_name a\n check_command c{arguments}\n {more}\n}}\n"
    )


@pytest.mark.parametrize(
    ("command", "arguments", "run"),
    [
        ("/x/check -H $HOSTADDRESS$", "", ["/x/check", "-H", "a"]),
        ("/x/check '$ARG1$' \"$ARG2$\"", "!a b!c\\!d", ["/x/check", "a b", "c!d"]),
        ("/x/check $ARG1$", "!$HOSTNAME$:$$", ["sh", "-c", "/x/check a:$"]),
        ("/x/check '$$HOME'", "", ["/x/check", "$HOME"]),
        ("/x/check -p $USER7$", "", ["/x/check", "-p", "${env:USER7}"]),
        ("/x/check $ARG1$ -v", "", ["/x/check", "-v"]),
        ("/x/check -r 'a|b'", "", ["/x/check", "-r", "a|b"]),
        ("/x/check *.log", "", ["sh", "-c", "/x/check *.log"]),
        ("/x/check -w ~:5", "", ["sh", "-c", "/x/check -w ~:5"]),
        ("/x/check a\\;b", "", ["sh", "-c", "/x/check a;b"]),
    ],
)
def test_a_command_is_filled_in_and_split_as_the_shell_would(command, arguments, run):
    assert take(of(command, arguments)).services["a"]["checks"]["host"]["command"]["run"] == run


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("/x/check 'a", "", "a/host: No closing quotation"),
        ("/x/check $$$${x}", "", "a/host: a text with `${` cannot be said in opsctl"),
        ("/x/check $SERVICESTATE$", "", "a/host: opsctl does not know the macro `$SERVICESTATE$`"),
        ("$ARG1$", "", "a/host: the command `c` is empty"),
    ],
)
def test_a_command_that_cannot_be_said_is_lost(command, arguments, words):
    found = take(of(command, arguments))
    assert found.services == {}
    assert any(one.lost and one.text.startswith(words) for one in found.notes)


def test_the_first_template_counts_a_plus_adds_and_null_takes_away():
    found = take(
        of("/x/check $_HOSTA$ $_HOSTB$ $_HOSTC$", "", "use one,two\n hostgroups +mine\n _C null")
        .replace("$_HOSTC$", "")
        + "define host {\n name one\n _A 1\n hostgroups +first\n use two\n register 0\n}\n"
        + "define host {\n name two\n _A 2\n _B 2\n _C 2\n hostgroups second\n register 0\n use one\n}\n"
        + "".join(
            f"define service {{\n service_description {name}\n hostgroup_name {name}\n check_command c\n}}\n"
            for name in ("mine", "first", "second")
        )
    )  # fmt: skip
    checks = found.services["a"]["checks"]
    assert list(checks) == ["host", "mine", "first", "second"]
    assert checks["host"]["command"]["run"] == ["/x/check", "1", "2"]


def test_parents_that_go_round_in_a_circle_are_lost():
    text = "define command {\n command_name c\n command_line /x\n}\n" + "".join(
        f"define host {{\n host_name {name}\n check_command c\n parents {parent}\n}}\n"
        for name, parent in ("ab", "ba", "cc")
    )
    found = take(text)
    assert found.services["a"]["depends_on"] == ["b"]
    assert "depends_on" not in found.services["b"]
    assert "depends_on" not in found.services["c"]
    assert sum(one.lost for one in found.notes) == 2


def test_too_many_checks_are_refused():
    hosts = "".join(f"define host {{\n host_name h{number}\n}}\n" for number in range(100))
    services = "define service {\n host_name *\n service_description x\n check_command none\n}\n" * 60
    with pytest.raises(ForeignError, match="it has more than 5000 checks; split it"):
        take(hosts + services)


_WORDS = st.sampled_from(
    ["a", "b", "c", "a,b", "*", "!a", "null", "+a", "c!x!y", "/x/$ARG1$ $USER1$", "$HOSTNAME$ 'q", "$$", "1", "0",
     "${x}", "\\", "é\x07", 'sh -c "$ARG2$"', "!", "$_HOSTX$"]
) | st.text(max_size=8)  # fmt: skip
_KEYS = st.sampled_from(
    ["host_name", "use", "name", "register", "check_command", "command_name", "command_line", "service_description",
     "hostgroup_name", "members", "hostgroup_members", "hostgroups", "parents", "address", "alias", "check_interval",
     "max_check_attempts", "active_checks_enabled", "_X", "contacts"]
)  # fmt: skip
_DEFINITION = st.builds(
    lambda type_, terms: (
        f"define {type_} {{\n" + "".join(f" {key} {value}\n" for key, value in terms.items()) + "}\n"
    ),
    st.sampled_from(["host", "service", "command", "hostgroup", "contact"]),
    st.dictionaries(_KEYS, _WORDS, max_size=8),
)


@given(st.lists(_DEFINITION, max_size=6), st.text(max_size=10), st.booleans())
def test_what_comes_along_is_valid_whatever_the_definitions_say(definitions, other, strange):
    text = "".join(definitions) + of("/x/check $ARG1$ $HOSTALIAS$", "!x") + (other if strange else "")
    places = []
    try:
        found = take(text)
    except ForeignError as error:
        places.append((error.line, error.column))
    assert all(line >= 1 and column >= 1 for line, column in places)
    if places:
        return
    for service in found.services.values():
        assert service["checks"]
        for check in service["checks"].values():
            fit(check)


@given(st.text() | st.none() | st.lists(st.integers()))
def test_any_text_is_taken_in_or_refused(data):
    try:
        take(data)
    except ForeignError:
        return


@pytest.mark.parametrize(
    ("line", "careful"),
    [
        ("check_http -H a", "any page below 400 passes, also a redirect to elsewhere"),
        (
            "check_http -H a -f follow",
            "any page below 400 passes, there and here: add `-e 200` and `-s TEXT`",
        ),
        ("check_http -H a -e 200", ""),
        ("check_http -H a --string=shop", ""),
        ("check_http -H a -C 14", ""),
        ("check_tcp -H a -p 80", "whatever answers there passes"),
        ("check_tcp -H a -p 80 -e OK", ""),
        ("check_dns -H a", "any answer passes"),
        ("check_disk -p /", "without limits it always passes"),
        ("check_disk -w20% -c10% -p /", ""),
        ("check_dummy 0", "it always passes"),
        ("check_dummy 2", ""),
        ("negate check_tcp -H a -p 80", "what could not be looked at may pass"),
    ],
)
def test_a_plugin_that_lets_much_pass_is_pointed_out(line, careful):
    found = opened(line.split())
    assert found.startswith(careful)
    assert bool(found) == bool(careful)


def test_types_that_need_no_plugin_exist():
    assert set(NATIVE.values()) <= set(KINDS)


def test_the_same_said_of_many_lines_is_one_note():
    hosts = "".join(
        f"define host {{\nhost_name h{n}\ncheck_command c\ncheck_period p\n}}\n" for n in range(3)
    )
    found = take(f"define command {{\ncommand_name c\ncommand_line true\n}}\n{hosts}")
    words = "`check_period`: write the hours in which it does not count as `maintenance`"
    assert [one for one in found.notes if one.lost] == [Note("lines 8, 13, 18", words, lost=True)]


def test_a_check_that_is_made_once_only_is_lost():
    found = take("define host {\nhost_name h\ncheck_command c\ncheck_interval 0\n}\n"
                 "define command {\ncommand_name c\ncommand_line true\n}\n")  # fmt: skip
    assert found.services == {}
    words = "h/host: `check_interval 0` is no time that opsctl waits from check to check"
    assert [one.text for one in found.notes if one.lost] == [words]
