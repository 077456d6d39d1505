"""What was answered is kept, whenever the proxy is killed; and what was not answered does no damage.

`OAUTH_CRASH_EVENTS=20000` makes it longer, `OAUTH_CRASH_SEED=17` repeats its choices (the machine's own are as they
are)."""

import http.client
import json
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import authorization
from authorization import Client
from proxy import BINARY, DEMO, wait_for

EVENTS = int(os.environ.get("OAUTH_CRASH_EVENTS", "500"))
SEED = int(os.environ.get("OAUTH_CRASH_SEED", random.randrange(1 << 32)))
CLIENTS = 6
# Journals of this size are made shorter; so many refreshes fill it several times.
REFRESHES = 2500
# Fewer than the logins of one user with one client that are remembered: here they come within a second, and which of
# them is the oldest is known by the second only.
CLIENT_LOGINS = 40


class Keeper:
    """A proxy that is killed and started again on the same directory and port."""

    def __init__(self, folder):
        self.folder, self.directory = Path(folder), Path(folder) / "state"
        self.file = self.directory / "oauth_clients.json"
        self.log = self.folder / "log"
        self.start()

    def start(self):
        config = self.folder / "config.json"
        mine = {"addr": "127.0.0.1:0", **authorization.settings(self.directory)}
        config.write_text(json.dumps({"mcpProxy": mine, "mcpServers": {"demo": DEMO}}))
        said = self.folder / "said"
        with said.open("wb") as out, self.log.open("ab") as log:
            command = [BINARY, "-config", config]
            self.process = subprocess.Popen(command, stdout=out, stderr=log, stdin=subprocess.DEVNULL)
        found = wait_for(lambda: re.search(r"http://([^/\s:]+):(\d+)/", said.read_text()), 10)
        assert found and self.process.poll() is None, f"seed {SEED}: {self.log.read_text()}"
        self.host, self.port = found[1], int(found[2])

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(15)

    def client(self, index=0):
        return Client(self.host, self.port, f"203.0.113.{index + 1}")


class Life:
    """One client's: what it was told and what it does not know."""

    def __init__(self, index):
        self.index, self.random = index, random.Random(SEED * 100 + index)
        self.registered = []  # of all clients, the ids that were answered
        self.id = None
        self.current = None  # the refresh token of the last answer
        self.access = []  # of answers, newest last
        self.revoked = []  # tokens whose revocation was answered
        self.unsure = []  # tokens whose revocation was not
        self.events = self.answered = self.lost = self.logins = 0
        self.failure = None  # what the thread has died of

    def run(self, keeper, stopping):
        """Until the proxy is gone."""
        client = keeper.client(self.index)
        client.id = self.id
        try:
            while not stopping.is_set():
                self.step(client)
        except (OSError, http.client.HTTPException):
            self.lost += 1
        except Exception as failure:  # pytest sees only those of its own thread
            self.failure = failure
        finally:
            client.close()

    def step(self, client):
        self.events += 1
        what = self.random.random()
        if self.id is None or (what < 0.15 and len(self.registered) < 100):
            self.register(client)
        elif self.current is None or what < 0.3:
            self.log_in(client)
        elif what < 0.36 and self.access:
            self.revoke(client)
        else:
            self.refresh(client)
        self.answered += 1

    def register(self, client):
        address = f"10.{self.index}.{self.events >> 8}.{self.events & 255}"
        other = Client(client.connection.host, client.connection.port, address)
        try:
            status = other.register()
            assert status == 201, status
            self.registered.append(other.id)
            if self.id is None:
                self.id = client.id = other.id
        finally:
            other.close()

    def log_in(self, client):
        self.logins += 1
        if self.logins % CLIENT_LOGINS == 0:
            client.id = self.id = self.registered[self.logins // CLIENT_LOGINS]
            self.current = None  # it is the last client's,
            self.access.clear()  # and so are these
        status, code, verifier, _ = client.log_in()
        assert status == 200 and code
        self.take(*client.redeem(code, verifier))

    def refresh(self, client):
        # Whether it is the first time or the answer was lost the last time: within the grace it is answered.
        self.take(*client.refresh(self.current))

    def take(self, status, answer):
        assert status == 200, f"seed {SEED}: {status} {answer}"
        self.current = answer["refresh_token"]
        self.access.append(answer["access_token"])

    def revoke(self, client):
        token = self.access.pop(self.random.randrange(len(self.access)))
        self.unsure.append(token)
        assert client.revoke(token) == 200
        self.unsure.remove(token)
        self.revoked.append(token)

    def check(self, client):
        """After a restart."""
        for token in self.access[-8:]:
            assert client.opens(token) == 200, f"seed {SEED}: an access token that was answered is refused"
        for token in self.revoked[-8:]:
            assert client.opens(token) == 401, f"seed {SEED}: a revocation that was answered is forgotten"
        if self.current:
            client.id = self.id
            self.take(*client.refresh(self.current))
        assert client.opens(authorization.secret()) == 401


def whole(file):
    """The file as its documentation says it is read: `{section: {key: record}}`."""
    lines = file.read_bytes().split(b"\n")[:-1]  # without what follows the last end of a line
    sections = json.loads(lines[0])
    assert sections["version"] == 2
    for line in lines[1:]:
        for section, records in json.loads(line).items():
            sections[section].update(records)
    return {name: {key: record for key, record in found.items() if record is not None}
            for name, found in sections.items() if isinstance(found, dict)}


def kill_in_mid_life(keeper, lives, seconds):
    stopping = threading.Event()
    threads = [threading.Thread(target=life.run, args=(keeper, stopping)) for life in lives]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    alive = keeper.process.poll() is None
    status = keeper.end(signal.SIGKILL)
    stopping.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    for life in lives:
        if life.failure:
            raise life.failure
    assert alive and status == -signal.SIGKILL, keeper.log.read_text()


def test_what_was_answered_survives_a_kill_at_any_moment():
    print(f"seed {SEED}")
    moments = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        keeper = Keeper(folder)
        lives = [Life(index) for index in range(CLIENTS)]
        kills = 0
        try:
            while sum(life.answered for life in lives) < EVENTS or kills < 25:
                kill_in_mid_life(keeper, lives, moments.uniform(0.0, 0.25))
                kills += 1
                known = whole(keeper.file) if keeper.file.exists() else {"clients": {}}
                for life in lives:
                    assert known["clients"].keys() >= set(life.registered), f"seed {SEED}: a client is forgotten"
                keeper.start()
                client = keeper.client()
                for life in lives:
                    life.check(client)
                client.close()
            assert keeper.end(signal.SIGTERM) == 0
        finally:
            if keeper.process.poll() is None:
                keeper.end(signal.SIGKILL)
        log = keeper.log.read_text()
        assert "corrupt" not in log and "has ended" not in log, f"seed {SEED}: {log}"
        left = sorted(path.name for path in keeper.directory.iterdir())
        assert set(left) <= {"oauth_clients.json", "oauth_clients.json.lock", "oauth_clients.json.new"}, left
        answered, lost = sum(life.answered for life in lives), sum(life.lost for life in lives)
        print(f"{kills} kills, {answered} answers, {lost} lost")
        assert lost > 0, "nobody was interrupted"


def test_the_file_stays_short_and_whole_over_thousands_of_refreshes():
    with tempfile.TemporaryDirectory() as folder:
        keeper = Keeper(folder)
        try:
            longest, shortened, before = 0, 0, 0
            client = keeper.client()
            tokens = client.log_in_whole()
            for number in range(REFRESHES):
                status, tokens = client.refresh(tokens["refresh_token"])
                assert status == 200, (number, tokens)
                size = keeper.file.stat().st_size
                longest, shortened, before = max(longest, size), shortened + (size < before), size
            assert shortened >= 2, "the file was never made shorter"
            assert longest < 400 * 1024, longest
            client.close()
            assert keeper.end(signal.SIGTERM) == 0
            assert whole(keeper.file)["clients"].keys() == {client.id}
            keeper.start()
            again = keeper.client()
            again.id = client.id
            assert again.opens(tokens["access_token"]) == 200
            status, tokens = again.refresh(tokens["refresh_token"])
            assert status == 200 and again.opens(tokens["access_token"]) == 200
            again.close()
        finally:
            keeper.end(signal.SIGKILL)
