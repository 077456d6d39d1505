"""No secret in what the proxy says of itself: every secret that a whole life of logins uses is searched for in its log
at its most talkative, its figures, its status page and what `-check-config` prints."""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

import pytest

import authorization
from authorization import FORM, REDIRECT, Client, secret
from proxy import BINARY, DEMO, Proxy, wait_for
from rawmcp import ACCEPT

GOOD = '<!doctype html><form method="post">{{.ClientName}}<input name="username"><input name="password"></form>'


class Secrets:
    """All that must not be seen, by what it is."""

    def __init__(self):
        self.known = {}

    def new(self, what):
        """A fresh one. It is long enough that it is nowhere by chance."""
        return self.add(what, secret())

    def add(self, what, value):
        assert isinstance(value, str) and len(value) >= 10, (what, value)
        self.known.setdefault(what, []).append(value)
        return value

    def seen_in(self, text):
        return [f"{what}: {text[max(0, text.find(value) - 120):text.find(value) + 60]!r}"
                for what, values in self.known.items() for value in values if value in text]


def configuration(folder, secrets):
    """Servers of each kind, with secrets wherever there can be some."""
    passwords = {name: secrets.new("password") for name in ("ada", "bob")}
    hashed = secrets.new("password")
    phc = subprocess.run([BINARY, "-hash-password"], input=hashed + "\n", capture_output=True, text=True, check=True)
    passwords["eve"] = secrets.add("hash of a password", phc.stdout.strip())
    settings = authorization.settings(
        folder / "state", dict(passwords), templateDir=str(folder / "templates"), refreshGraceSeconds=1
    )
    token, path = secrets.new("authToken"), secrets.new("secret path")
    own = {"options": {"authTokens": [token]}}
    servers = {
        "demo": {**DEMO, **own, "env": {"API_KEY": secrets.new("environment")}},
        f"fetch/{path}": DEMO,
        "missing": {"command": "no-such-command-anywhere", "args": ["--key", secrets.new("argument")]},
        "remote": {
            "url": f"http://127.0.0.1:1/{secrets.new('path of a URL')}/mcp?key={secrets.new('query of a URL')}",
            "headers": {"Authorization": f"Bearer {secrets.new('header')}"},
        },
    }
    passwords["eve"] = hashed
    return settings, servers, passwords, token, path


def call(client, path, token, body=None, headers=None):
    body = body or json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    sent = {"Accept": ACCEPT, "Content-Type": "application/json", "Authorization": f"Bearer {token}", **(headers or {})}
    return client.ask("POST", path, body, sent)[0]


def log_in(client, secrets, username, password, right=True):
    verifier = secrets.new("verifier")
    status, code, verifier, (txn, cookie) = client.log_in(username, password, verifier)
    secrets.add("txn", txn)
    secrets.add("cookie", cookie)
    assert status == (200 if right else 401)
    return (secrets.add("code", code) if right else None), verifier


def take(secrets, status, answer):
    assert status == 200, answer
    secrets.add("access token", answer["access_token"])
    return secrets.add("refresh token", answer["refresh_token"])


def live(proxy, secrets, passwords, own_token, path, templates):
    """All that a client can do, right and wrong."""
    client = Client(proxy.host, proxy.port)
    assert client.register("client_secret_post") == 201
    secrets.add("client secret", client.secret)
    log_in(client, secrets, "ada", secrets.new("wrong password"), right=False)
    log_in(client, secrets, secrets.new("password typed as a name"), passwords["ada"], right=False)
    log_in(client, secrets, "eve", passwords["eve"])
    (templates / "authorize.html").write_text(GOOD)
    code, verifier = log_in(client, secrets, "ada", passwords["ada"])
    assert client.redeem(code, secrets.new("wrong verifier"))[0] == 400
    first = take(secrets, *client.redeem(code, verifier))
    second = take(secrets, *client.refresh(first))
    assert call(client, "/demo/mcp", secrets.known["access token"][-1]) != 401
    assert call(client, "/demo/mcp", own_token) != 401
    for where in ("demo", f"fetch/{path}", "missing", "remote", secrets.new("unknown path")):
        call(client, f"/{where}/mcp", secrets.known["access token"][-1])
        call(client, f"/{where}/mcp", secrets.new("bad token"))
        call(client, f"/{where}/sse?access_token={secrets.new('token in a query')}", second)
    greet = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    for where in ("demo", "missing", "remote", f"fetch/{path}"):
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": greet}
        call(client, f"/{where}/mcp", secrets.known["access token"][-1], json.dumps(message))
        arguments = {"name": "echo", "arguments": {"message": secrets.new("argument of a tool")}}
        message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": arguments}
        call(client, f"/{where}/mcp", secrets.known["access token"][-1], json.dumps(message),
             {"Mcp-Session-Id": secrets.new("session")})
    errors(client, secrets, second)
    # Replays end the login: of the code, and of a refresh token after its grace.
    assert client.redeem(code, verifier)[0] == 400
    assert client.refresh(second)[0] == 400
    (templates / "authorize.html").write_text(f"<form>{{{{.Nothing}}}} {secrets.new('text of a template')}</form>")
    code, verifier = log_in(client, secrets, "bob", passwords["bob"])
    other = take(secrets, *client.redeem(code, verifier))
    assert client.revoke(secrets.known["access token"][-1]) == 200
    assert client.revoke(other) == 200 and client.refresh(other)[0] == 400
    client.close()


def errors(client, secrets, refresh):
    """Requests that are wrong in every way, with secrets in every place."""
    basic = base64.b64encode(f"{client.id}:{secrets.new('client secret in Basic')}".encode()).decode()
    secrets.add("Basic", basic)
    wrong = {"Authorization": f"Basic {basic}"}
    for path in ("/oauth/token", "/oauth/revoke"):
        fields = {"grant_type": "refresh_token", "refresh_token": refresh, "token": refresh}
        assert client.post_form(path, fields, wrong)[0] == 401
        client.ask("POST", path, f"%zz={secrets.new('damaged form')}&&=", FORM)
        client.ask("POST", path, json.dumps({"refresh_token": [secrets.new("JSON of the wrong shape")]}),
                   {"Content-Type": "application/json"})
        client.ask("POST", f"{path}?code={secrets.new('query')}", "grant_type=x", FORM)
        client.ask("PUT", path, secrets.new("body"), FORM)
    assert client.token(grant_type=secrets.new("grant_type"))[0] == 400
    assert client.redeem(secrets.new("unknown code"), secrets.new("verifier"))[0] == 400
    assert client.refresh(secrets.new("unknown refresh token"))[0] == 400
    foreign = '{"redirect_uris": ["https://evil.example/"], "client_name": "%s"}'
    for body in (foreign, '{"redirect_uris": [%s', "%s", '["%s"]'):
        status, *_ = client.ask("POST", "/oauth/register", body % secrets.new("registration"), authorization.JSON)
        assert status == 400
    for query in ("code_challenge=%s", "client_id=%s", f"client_id={client.id}&redirect_uri={REDIRECT}?%s",
                  f"client_id={client.id}&redirect_uri={REDIRECT}&state=%s", "%%%s"):
        client.ask("GET", "/oauth/authorize?" + query % secrets.new("query of a login"))
    form = {"txn": secrets.new("txn"), "username": "ada", "password": secrets.new("password")}
    assert client.post_form("/oauth/authorize", form, {"Cookie": f"x={secrets.new('cookie')}"})[0] == 403
    assert client.post_form("/oauth/authorize", form, {"Origin": "https://evil.example"})[0] == 403
    call(client, "/demo/mcp", "x", headers={"Authorization": f"Basic {secrets.new('odd header')}"})
    call(client, "/demo/mcp", "x", headers={"X-Own": secrets.new("other header"), "Origin": "https://evil.example"})
    call(client, "/demo/mcp", refresh, body="{" + secrets.new("body of a call"))


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_is_seen_anywhere(log_format):
    secrets = Secrets()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        templates = folder / "templates" / "oauth"
        templates.mkdir(parents=True)
        settings, servers, passwords, own_token, path = configuration(folder, secrets)
        flags = ["-log-level", "debug", "-log-format", log_format]
        with Proxy(servers, settings=settings, flags=flags) as proxy:
            live(proxy, secrets, passwords, own_token, path, templates)
            client = Client(proxy.host, proxy.port)
            shown = {where: client.ask("GET", where)[2] for where in ("/metrics", "/_readyz", "/")}
            shown["/ as JSON"] = client.ask("GET", "/", headers={"Accept": "application/json"})[2]
            for accept in ("text/html", "application/json"):
                headers = {"Accept": accept, "Authorization": f"Bearer {own_token}"}
                shown[f"/ as {accept}, with a token"] = client.ask("GET", "/", headers=headers)[2]
            config = proxy.write_config(servers, 0, settings)
            for how in ([], ["-log-level", "debug"]):
                command = [BINARY, "-config", config, "-check-config", *how]
                check = subprocess.run(command, capture_output=True, text=True)
                assert check.returncode == 0, check
                shown["-check-config"] = shown.get("-check-config", "") + check.stdout + check.stderr
            client.close()
            proxy.process.terminate()
            proxy.process.wait(15)
            wait_for(lambda: "Shutting down" in proxy.log(), 5)
            shown["stderr"], shown["stdout"] = proxy.log(), proxy._stdout.decode()
        # The search must be able to fail, and the life must have been talked about.
        assert secrets.seen_in("of " + secrets.known["code"][0])
        talk = shown["stderr"]
        for word in ("wrong password", "has ended", "logged in", "authorize.html"):
            assert word in talk, f"nothing of {word!r} in {talk}"
        kept = b"".join(file.read_bytes() for file in (folder / "state").iterdir()).decode()
    for where, text in shown.items():
        assert not secrets.seen_in(text), f"in {where}: {secrets.seen_in(text)}"
    assert not secrets.seen_in(kept), f"in the file: {secrets.seen_in(kept)}"
