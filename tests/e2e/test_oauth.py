"""The whole life of a login, with the official Python SDK of either major version: scripts/test runs this file with
each. oauth.test.mjs is the same for other clients."""

import asyncio
import html
import re
import tempfile
import urllib.error
import urllib.request
from importlib.metadata import version
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from proxy import DEMO, Proxy

# What the SDK is built on, and what it wants to be told of the way back.
if version("mcp").startswith("1."):
    import httpx

    def came_back(query):
        return query["code"][0], query["state"][0]
else:
    import httpx2 as httpx
    from mcp.shared.auth import AuthorizationCodeResult

    def came_back(query):
        return AuthorizationCodeResult(**{name: query[name][0] for name in ("code", "state", "iss")})


USER = {"username": "ada", "password": "correct horse"}
REDIRECT = "http://localhost:33418/callback"


def log_in(url):
    """Plays the browser and who sits before it; the query of where the last page leads."""
    with urllib.request.urlopen(url) as page:
        txn = re.search(r'name="txn" value="([^"]+)"', page.read().decode())[1]
        cookie = page.headers["Set-Cookie"].split(";")[0]
    headers = {"Cookie": cookie, "Origin": "{0.scheme}://{0.netloc}".format(urlsplit(url))}
    form = urlencode({"txn": txn, **USER}).encode()
    with urllib.request.urlopen(urllib.request.Request(urljoin(url, "authorize"), form, headers)) as page:
        link = html.unescape(re.search(r'<a href="([^"]+)"', page.read().decode())[1])
    assert link.startswith(f"{REDIRECT}?")
    return parse_qs(urlsplit(link).query)


class Client:
    """Keeps what the SDK asks it to keep."""

    def __init__(self, url):
        self.url, self.tokens, self.client, self.logins = url, None, None, 0
        metadata = OAuthClientMetadata(client_name="e2e", redirect_uris=[REDIRECT])
        self.provider = OAuthClientProvider(url, metadata, self, self.redirect, self.callback)

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client

    async def redirect(self, url):
        self.logins += 1
        self.query = await asyncio.to_thread(log_in, url)

    async def callback(self):
        return came_back(self.query)

    def expire(self):
        """The SDK refreshes by the clock alone."""
        self.provider.context.token_expiry_time = 1

    def list(self):
        """The names of the tools, over a new connection."""

        async def listed():
            async with (
                httpx.AsyncClient(auth=self.provider) as client,
                streamable_http_client(self.url, http_client=client) as (read, write, *_),
                ClientSession(read, write) as session,
            ):
                await session.initialize()
                return [tool.name for tool in (await session.list_tools()).tools]

        return asyncio.run(asyncio.wait_for(listed(), 30))


def start(folder, addr="127.0.0.1:0"):
    users = {USER["username"]: USER["password"]}
    oauth2 = {"enabled": True, "users": users, "redirectURIs": ["loopback"], "persistenceDir": folder}
    return Proxy({"demo": DEMO}, settings={"addr": addr, "options": {"oauth2": oauth2}})


def challenge(url, headers={}):
    """The status and the challenge of a request that is refused."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, b"{}", headers)).close()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["WWW-Authenticate"]
    raise AssertionError("it was let in")


def revoke(url, client):
    pairs = {"token": client.tokens.refresh_token, "client_id": client.client.client_id}
    if client.client.client_secret:
        pairs["client_secret"] = client.client.client_secret
    with urllib.request.urlopen(urljoin(url, "/oauth/revoke"), urlencode(pairs).encode()) as answer:
        assert answer.status == 200


def test_a_login_from_the_first_401_to_its_revocation():
    with tempfile.TemporaryDirectory(prefix="mcp-proxy-logins-") as folder:
        with start(folder) as proxy:
            url = proxy.url("demo")
            status, text = challenge(url)
            assert status == 401 and 'resource_metadata="http://' in text
            client = Client(url)
            tools = client.list()
            assert "echo" in tools and client.logins == 1
            first = client.tokens
            assert client.list() == tools and client.tokens is first and client.logins == 1

            client.expire()
            assert client.list() == tools and client.logins == 1
            second = client.tokens
            assert second.access_token != first.access_token and second.refresh_token != first.refresh_token
            assert proxy.end() == 0

        with start(folder, f"{proxy.host}:{proxy.port}") as proxy:
            assert client.list() == tools and client.tokens is second and client.logins == 1
            revoke(url, client)
            status, text = challenge(url, {"Authorization": f"Bearer {second.access_token}"})
            assert status == 401 and text.startswith('Bearer error="invalid_token"')
            assert client.list() == tools and client.logins == 2
            assert proxy.end() == 0
            for secret in (USER["password"], second.access_token, second.refresh_token, client.tokens.access_token):
                assert secret not in proxy.log()
