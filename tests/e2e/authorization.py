"""Logging in without an SDK: registration, the form, tokens, and calls with them, on one plain connection."""

import base64
import hashlib
import html
import http.client
import json
import os
import re
import urllib.parse

from rawmcp import ACCEPT

REDIRECT = "http://127.0.0.1:7777/callback"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
USERS = {"ada": "the password of Ada", "bob": "the password of Bob"}


def settings(directory, users=USERS, **more):
    """`mcpProxy` with a login."""
    oauth2 = {"enabled": True, "users": users, "redirectURIs": ["loopback"], "templateDir": "no-templates", **more}
    if directory is not None:
        oauth2["persistenceDir"] = str(directory)
    return {"options": {"oauth2": oauth2}}


def secret():
    """What a client makes up."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def challenge(verifier):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class Client:
    """A client of the authorization server. `host`, `port`: of the proxy. It counts as coming from `ip`, so that many
    of them are not taken for one that floods."""

    def __init__(self, host, port, ip="203.0.113.1", timeout=20):
        self.connection = http.client.HTTPConnection(host, port, timeout=timeout)
        self.ip, self.id, self.secret = ip, None, None

    def ask(self, method, path, body=None, headers=None):
        """Status, headers, and body as text."""
        self.connection.request(method, path, body, {"X-Forwarded-For": self.ip, **(headers or {})})
        response = self.connection.getresponse()
        return response.status, response.headers, response.read().decode()

    def post_form(self, path, fields, headers=None):
        return self.ask("POST", path, urllib.parse.urlencode(fields), {**FORM, **(headers or {})})

    def register(self, method="none"):
        """The status."""
        wanted = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": method, "client_name": "e2e"}
        status, _, body = self.ask("POST", "/oauth/register", json.dumps(wanted), JSON)
        if status == 201:
            answer = json.loads(body)
            self.id, self.secret = answer["client_id"], answer.get("client_secret")
        return status

    def login_form(self, verifier):
        """The hidden field and the cookie of a fresh page."""
        query = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": REDIRECT,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            "state": "st",
        }
        status, headers, page = self.ask("GET", "/oauth/authorize?" + urllib.parse.urlencode(query))
        assert status == 200, (status, page)
        return re.search(r'name="txn" value="([^"]+)"', page)[1], headers["Set-Cookie"].split(";")[0]

    def log_in(self, username="ada", password=USERS["ada"], verifier=None):
        """Status, and the code if there is one; the verifier that goes with it; the page's secrets."""
        verifier = verifier or secret()
        txn, cookie = self.login_form(verifier)
        fields = {"txn": txn, "username": username, "password": password}
        status, headers, page = self.post_form("/oauth/authorize", fields, {"Cookie": cookie})
        where = headers["Location"] or html.unescape(page)
        code = re.search(r"[?&]code=([A-Za-z0-9_-]+)", where)
        return status, code and code[1], verifier, (txn, cookie.partition("=")[2])

    def token(self, **fields):
        """Status and answer."""
        own = {"client_id": self.id, **({"client_secret": self.secret} if self.secret else {})}
        status, _, body = self.post_form("/oauth/token", {**own, **fields})
        return status, json.loads(body)

    def redeem(self, code, verifier):
        return self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=verifier)

    def refresh(self, token):
        return self.token(grant_type="refresh_token", refresh_token=token)

    def revoke(self, token):
        own = {"client_id": self.id, **({"client_secret": self.secret} if self.secret else {})}
        return self.post_form("/oauth/revoke", {"token": token, **own})[0]

    def log_in_whole(self, username="ada"):
        """Registers if need be, logs in, and gives back the answer with the tokens."""
        if self.id is None:
            assert self.register() == 201
        status, code, verifier, _ = self.log_in(username, USERS[username])
        assert status == 200 and code, status
        status, tokens = self.redeem(code, verifier)
        assert status == 200, tokens
        return tokens

    def opens(self, token, name="demo"):
        """The status of a greeting with this token: 200 or 401."""
        info = {"name": "e2e", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
        headers = {"Authorization": f"Bearer {token}", "Accept": ACCEPT, **JSON}
        return self.ask("POST", f"/{name}/mcp", body, headers)[0]

    def close(self):
        self.connection.close()
