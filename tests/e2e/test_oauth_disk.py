"""Where clients and tokens are kept, on disks and in directories that are not as they should be: what goes on goes on,
and what the log says is advice.

A full disk is a file system of its own where the system lets us make one (`unshare`), and a limit on the size of files
(`prlimit`) everywhere."""

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import authorization
from authorization import Client
from proxy import BINARY, DEMO, Proxy, wait_for

NOBODY = 54_321
FILE = "oauth_clients.json"
OWN_DISK = ["unshare", "--user", "--map-root-user", "--mount"]
CAN_MOUNT = shutil.which("unshare") and subprocess.run(
    [*OWN_DISK, "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True
).returncode == 0
needs_mount = pytest.mark.skipif(not CAN_MOUNT, reason="this system lets nobody mount anything")
SERVERS = {"demo": DEMO, "open": {**DEMO, "options": {"oauth2": {"enabled": False}, "authTokens": ["static"]}}}


@pytest.fixture
def directory():
    """One that is to be used as `persistenceDir`; what is in it goes."""
    folder = tempfile.mkdtemp(prefix="mcp-proxy-state-")
    yield Path(folder)
    os.chmod(folder, 0o700)
    shutil.rmtree(folder)


def proxy_on(directory):
    return Proxy(SERVERS, settings=authorization.settings(directory))


def client_of(proxy):
    return Client(proxy.host, proxy.port)


def refusal(directory, env=None, user=None, before=()):
    """What a proxy says that does not start."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        config = Path(folder) / "config.json"
        settings = authorization.settings(directory)
        config.write_text(json.dumps({"mcpProxy": {"addr": "127.0.0.1:0", **settings}, "mcpServers": SERVERS}))
        command = [*before, BINARY, "-config", str(config)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=10, env=env, user=user, cwd=folder)
    assert ended.returncode == 1, ended
    return ended.stderr.splitlines()[-1]


class Limited:
    """A proxy whose files may not grow beyond some size."""

    def __init__(self, directory):
        self.file = directory / FILE
        self.proxy = proxy_on(directory)

    def fill(self, spare):
        """From now on no file has room for more than so many bytes: none can be added, and none be written anew."""
        self.limit(spare)

    def free(self):
        self.limit(resource.RLIM_INFINITY)

    def limit(self, size):
        resource.prlimit(self.proxy.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class Full:
    """A proxy that keeps its file on a file system of its own."""

    def __init__(self, directory):
        command = f'mount -t tmpfs -o size=128k,mode=0700 none "{directory}" && exec "$0" "$@"'
        config = directory / "config.json"
        outer = directory / "inner"
        outer.mkdir()
        command = command.replace(str(directory), str(outer))
        settings = authorization.settings(outer)
        config.write_text(json.dumps({"mcpProxy": {"addr": "127.0.0.1:0", **settings}, "mcpServers": SERVERS}))
        self.proxy = Proxy(command=[*OWN_DISK, "sh", "-c", command, BINARY, "-config", str(config)])
        self.inside = Path(f"/proc/{self.proxy.process.pid}/root{outer}")
        self.file = self.inside / FILE

    def fill(self, _spare):
        try:
            with (self.inside / "ballast").open("wb", buffering=0) as out:
                while True:
                    out.write(bytes(4096))
        except OSError:
            pass

    def free(self):
        (self.inside / "ballast").unlink()


@pytest.mark.parametrize(("disk", "spare"), [(Limited, 0), (Limited, 100), pytest.param(Full, 0, marks=needs_mount)])
def test_a_disk_that_is_full_and_then_free_again(directory, disk, spare):
    world = disk(directory)
    with world.proxy as proxy:
        client = client_of(proxy)
        tokens = client.log_in_whole()
        status, code, verifier, _ = client.log_in()
        world.fill(spare)
        refused = 0
        for _ in range(40):  # what is left in the file's last block is used up first
            status, answer = client.refresh(tokens["refresh_token"])
            if status == 500:
                refused += 1
                assert answer["error"] == "server_error" and "try again" in answer["error_description"], answer
                if refused == 3:
                    break
            else:
                assert status == 200 and not refused, (status, answer)
                tokens = answer
        assert refused == 3
        assert client.redeem(code, verifier)[0] == 500
        assert Client(proxy.host, proxy.port, "203.0.113.9").register() == 500
        assert client.revoke(tokens["access_token"]) == 500
        # Those who are there stay, and the rest of the proxy does not notice.
        assert client.opens("static", "open") == 200
        status, page, *_ = client.ask("GET", "/_healthz")
        assert status == 200
        advice = "Clients and tokens cannot be kept, so nobody can log in or refresh until that is mended: "
        assert wait_for(lambda: advice in proxy.log(), 5), proxy.log()
        said = proxy.log()
        assert FILE in said and ("No space left" in said or "File too large" in said), said
        world.free()
        assert client.opens(tokens["access_token"]) == 401, "revoked it is, although it could not be written"
        status, renewed = client.refresh(tokens["refresh_token"])
        assert status == 200, "the token was not used up by those who failed"
        assert client.redeem(code, verifier)[0] == 200, "nor the code"
        assert client.opens(renewed["access_token"]) == 200
        if disk is Limited:
            proxy.process.kill()
            proxy.process.wait()
            with proxy_on(directory) as again:
                client, gone = client_of(again), client
                client.id = gone.id
                assert client.opens(renewed["access_token"]) == 200
                assert client.opens(tokens["access_token"]) == 401
                assert client.refresh(renewed["refresh_token"])[0] == 200
                assert "corrupt" not in again.log()


def test_half_a_change_is_made_good_by_the_next(directory):
    world = Limited(directory)
    with world.proxy as proxy:
        client = client_of(proxy)
        tokens = client.log_in_whole()
        world.limit(world.file.stat().st_size + 100)
        assert client.refresh(tokens["refresh_token"])[0] == 500
        assert not world.file.read_bytes().endswith(b"\n"), "half a line stands there"
        world.free()
        status, renewed = client.refresh(tokens["refresh_token"])
        assert status == 200
        proxy.process.kill()
        proxy.process.wait()
    with proxy_on(directory) as proxy:
        again = client_of(proxy)
        again.id = client.id
        assert [again.opens(found["access_token"]) for found in (tokens, renewed)] == [200, 200]
        assert again.refresh(renewed["refresh_token"])[0] == 200 and "corrupt" not in proxy.log()


def test_a_revocation_that_could_not_be_written_is_written_when_the_proxy_ends(directory):
    world = Limited(directory)
    client = client_of(world.proxy)
    tokens = client.log_in_whole()
    world.fill(0)
    assert [client.revoke(tokens["refresh_token"]) for _ in range(2)] == [500, 500]
    world.free()
    assert world.proxy.end() == 0
    grants = json.loads((directory / FILE).read_bytes().split(b"\n")[0])["grants"]
    assert [grant["revoked"] for grant in grants.values()] == [True], grants


def test_a_directory_that_may_not_be_written(directory):
    user = NOBODY if os.getuid() == 0 else None
    if user:
        os.chown(directory, user, user)
    os.chmod(directory, 0o500)
    said = refusal(directory, user=user)
    assert str(directory) in said and "Permission denied" in said and "oauth2.persistenceDir" in said, said


@needs_mount
def test_a_directory_on_a_disk_that_may_not_be_written(directory):
    script = f'mount -t tmpfs -o ro none "{directory}" && exec "$0" "$@"'
    said = refusal(directory, before=[*OWN_DISK, "sh", "-c", script])
    assert "Read-only file system" in said and "oauth2.persistenceDir" in said, said


@needs_mount
def test_a_directory_that_is_not_there_and_cannot_be_made(directory):
    script = f'mount -t tmpfs -o ro none "{directory}" && exec "$0" "$@"'
    said = refusal(directory / "below", before=[*OWN_DISK, "sh", "-c", script])
    assert f"the directory {directory / 'below'} cannot be used" in said and "persistenceDir" in said, said


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 4096, b"[]", b'{"version":2}\n', b'{"version":"x"}', b"\xff\n"])
def test_a_corrupt_file_is_kept_aside_and_everybody_logs_in_anew(directory, content):
    (directory / FILE).write_bytes(content)
    with proxy_on(directory) as proxy:
        client = client_of(proxy)
        tokens = client.log_in_whole()
        [aside] = directory.glob(f"{FILE}.corrupt-*")
        assert aside.read_bytes() == content
        assert wait_for(lambda: str(aside) in proxy.log(), 5), proxy.log()
        assert "is of no use (line 1" in proxy.log() and "everybody has to log in anew" in proxy.log()
    with proxy_on(directory) as proxy:
        assert client_of(proxy).opens(tokens["access_token"]) == 200
        assert len(list(directory.glob(f"{FILE}.corrupt-*"))) == 1


def test_a_last_line_that_was_cut_off_is_dropped_and_nothing_else(directory):
    with proxy_on(directory) as proxy:
        client = client_of(proxy)
        first = client.log_in_whole()
        length = (directory / FILE).stat().st_size
        status, second = client.refresh(first["refresh_token"])
        assert status == 200
        proxy.process.kill()
        proxy.process.wait()
    full = (directory / FILE).read_bytes()
    for cut in (1, 2, (len(full) - length) // 2, len(full) - length - 1):
        (directory / FILE).write_bytes(full[: len(full) - cut])
        with proxy_on(directory) as proxy:
            again = client_of(proxy)
            again.id = client.id
            assert again.opens(first["access_token"]) == 200
            assert again.opens(second["access_token"]) == 401
            status, third = again.refresh(first["refresh_token"])
            assert status == 200 and again.opens(third["access_token"]) == 200
            assert "corrupt" not in proxy.log(), proxy.log()
        assert (directory / FILE).read_bytes().endswith(b"\n")


def test_a_file_of_a_newer_version_is_left_alone(directory):
    newer = b'{"version":3,"something":"else"}\n'
    (directory / FILE).write_bytes(newer)
    said = refusal(directory)
    assert "has version 3" in said and "a newer one wrote it" in said and FILE in said, said
    assert (directory / FILE).read_bytes() == newer
    assert {path.name for path in directory.iterdir()} == {FILE, FILE + ".lock"}


def test_the_two_formats_of_the_reference_are_taken_over(directory):
    registered = "2026-11-20T10:00:00Z"
    own = {"redirect_uris": [authorization.REDIRECT], "grant_types": ["authorization_code", "refresh_token"]}
    old = {"client_id": "old", "client_secret": "old-secret", "client_id_issued_at": registered, **own}
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_000))
    token = {"Token": "at", "RefreshToken": "rt", "ClientID": "old", "Scope": "", "Resource": "", "ExpiresAt": expires}
    path = directory / FILE
    for content in ({"old": old}, {"clients": {"old": old}, "accessTokens": {"at": token}, "savedAt": registered}):
        path.write_text(json.dumps(content, indent=2))
        with proxy_on(directory) as proxy:
            client = client_of(proxy)
            client.id, client.secret = "old", "old-secret"
            assert client.log_in_whole()["access_token"]
            if "accessTokens" in content:
                assert client.opens("at") == 200
                status, answer = client.refresh("rt")
                assert status == 200 and client.opens(answer["access_token"]) == 200
            client.secret = "wrong"
            assert client.refresh("rt")[0] == 401
        kept = path.read_text()
        assert kept.startswith('{"version":2,') and "old-secret" not in kept and '"at"' not in kept


def test_a_second_proxy_on_the_same_directory_is_told_so(directory):
    with proxy_on(directory) as proxy:
        tokens = client_of(proxy).log_in_whole()
        said = refusal(directory)
        assert "in use by another process: give each proxy a directory of its own" in said, said
        assert client_of(proxy).opens(tokens["access_token"]) == 200
    with proxy_on(directory) as proxy:
        assert client_of(proxy).opens(tokens["access_token"]) == 200


def test_what_was_open_to_others_is_closed_to_them(directory):
    with proxy_on(directory) as proxy:
        tokens = client_of(proxy).log_in_whole()
    os.chmod(directory, 0o755)
    os.chmod(directory / FILE, 0o644)
    with proxy_on(directory) as proxy:
        assert wait_for(lambda: proxy.log().count("was open to others") == 2, 5), proxy.log()
        assert "(mode 755); it is for its owner only now" in proxy.log()
        assert client_of(proxy).opens(tokens["access_token"]) == 200
    assert (directory.stat().st_mode & 0o777, (directory / FILE).stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody whom the system does not know")
def test_a_directory_of_somebody_else_is_used_with_a_warning():
    """As volumes are mounted into containers that run as nobody in particular."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        config = Path(folder) / "config.json"
        mine = {"addr": "127.0.0.1:0", **authorization.settings(folder)}
        config.write_text(json.dumps({"mcpProxy": mine, "mcpServers": {"demo": DEMO}}))
        proxy = Proxy(command=["setpriv", f"--reuid={NOBODY}", "--clear-groups", BINARY, "-config", str(config)])
        with proxy:
            assert client_of(proxy).log_in_whole()["access_token"]
            assert "(mode 777), and belongs to somebody else: use a directory of its own" in proxy.log(), proxy.log()
            assert (Path(folder) / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody whom the system does not know")
def test_without_a_home_nobody_guesses_where_to_keep_it():
    env = {name: value for name, value in os.environ.items() if name != "HOME"}
    for env in (env, {**env, "HOME": ""}):
        said = refusal(None, env=env, user=NOBODY)
        assert "HOME is not set" in said and "set oauth2.persistenceDir" in said, said


def test_a_template_that_is_no_file_holds_nobody_up(directory):
    templates = directory / "templates" / "oauth"
    templates.mkdir(parents=True)
    os.mkfifo(templates / "authorize.html")
    (templates / "success.html").mkdir()
    settings = authorization.settings(directory / "state", templateDir=str(templates.parent))
    with Proxy(SERVERS, settings=settings) as proxy:
        client_of(proxy).log_in_whole()
        told = [f"cannot read {templates}/{page}.html: it is no file" for page in ("authorize", "success")]
        assert wait_for(lambda: all(line in proxy.log() for line in told), 5), proxy.log()


def test_the_default_is_below_the_home_directory(directory):
    with Proxy(SERVERS, settings=authorization.settings(None), env={"HOME": str(directory)}) as proxy:
        client_of(proxy).log_in_whole()
        assert (directory / ".mcpproxy" / FILE).exists()
        assert (directory / ".mcpproxy").stat().st_mode & 0o777 == 0o700
