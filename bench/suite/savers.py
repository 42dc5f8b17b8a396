"""The checkpointers that are compared, each with a place of its own on disk. Needs the packages of savers-requirements.txt."""

import importlib.metadata
import os
import sqlite3
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

from backstay.langgraph import BackstaySaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from running_server import RunningServer


def _bytes(directory):
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


class Sqlite:
    """SqliteSaver with commits that survive a power cut."""

    def __init__(self, home, _program):
        home.mkdir()
        self.home = home
        self.connection = sqlite3.connect(home / "checkpoints.db", check_same_thread=False)
        self.saver = SqliteSaver(self.connection)

    def __enter__(self):
        self.saver.setup()
        self.connection.execute("PRAGMA synchronous=FULL")
        self.before = self._settled()
        return self

    def _settled(self):
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return _bytes(self.home)

    def settled_bytes(self):
        """What the database has grown by, the write-ahead log emptied."""
        return self._settled() - self.before

    def __exit__(self, *_):
        self.connection.close()


class Postgres:
    """PostgresSaver with a pool of connections, in a database of its own on the server of `tools/with-services`."""

    def __init__(self, home, _program):
        url = os.environ.get("BACKSTAY_TEST_POSTGRES_URL")
        if not url:
            sys.exit("savers: run `tools/with-services --durable bench/savers.py`, or leave postgres out with --only")
        self.admin = Connection.connect(url, autocommit=True)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if self.admin.execute(f"SHOW {setting}").fetchone()[0] != "on":
                sys.exit(f"savers: PostgreSQL runs with {setting} off; run `tools/with-services --durable bench/savers.py`")
        self.name = "savers_" + home.name.replace("-", "_")
        self.admin.execute(f'CREATE DATABASE "{self.name}"')
        parts = urlsplit(url)
        settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        address = urlunsplit(parts._replace(path=f"/{self.name}"))
        self.pool = ConnectionPool(address, kwargs=settings, min_size=1, max_size=10, open=True)
        self.saver = PostgresSaver(self.pool)

    def __enter__(self):
        self.saver.setup()
        self.before = self._settled()
        return self

    def _settled(self):
        with self.pool.connection() as connection:
            connection.execute("VACUUM")
            connection.execute("CHECKPOINT")
        return self.admin.execute("SELECT pg_database_size(%s)", (self.name,)).fetchone()[0]

    def settled_bytes(self):
        """What the database has grown by: an empty one takes some megabytes already."""
        return self._settled() - self.before

    def __exit__(self, *_):
        self.pool.close()
        self.admin.execute(f'DROP DATABASE "{self.name}"')
        self.admin.close()


class Backstay:
    """BackstaySaver without its read cache, with a server of its own, started with its defaults."""

    def __init__(self, home, program):
        home.mkdir()
        self.server = RunningServer(program, home)
        self.opened = []

    def another(self, **settings):
        """A saver of the same server."""
        saver = BackstaySaver(self.server.url, token=self.server.token, **settings)
        self.opened.append(saver)
        return saver

    def __enter__(self):
        self.server.start()
        # The first save makes the keys of jobs; an empty data directory is one that has them.
        self.saver = self.another(read_cache="off")
        self.saver.put_writes({"configurable": {"thread_id": "first", "checkpoint_id": "first"}}, [("first", 1)], "first")
        self.before = self._settled()
        self.server.start()
        return self

    def _settled(self):
        # A stop empties the write-ahead log into the database.
        self.server.stop()
        return _bytes(self.server.data)

    def settled_bytes(self):
        """What the data directory has grown by. The server is stopped afterwards."""
        return self._settled() - self.before

    def __exit__(self, *_):
        for saver in self.opened:
            saver.close()
        self.server.stop()


ALL = {"sqlite": Sqlite, "postgres": Postgres, "backstay": Backstay}


def versions(program):
    """What was measured."""
    packages = ("langgraph", "langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres")
    told = {name: importlib.metadata.version(name) for name in packages}
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return {"backstay": printed.split()[-1], **told}
