"""A real Milvus server, as the tests need it: in a folder of its own, to be killed and started anew.

The binary is the one in PyPI's wheel ``milvus`` (2.3.5, Apache-2.0); all parts of Milvus run in one process.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import milvus  # type: ignore[import-untyped, unused-ignore]

# What docs/cluster-milvus.md tells operators to set, with the waits of erasure made short.
SETTINGS: Mapping[str, object] = {
    "queryNode.segcore.interimIndex.enableIndex": "false",
    "dataCoord.gc.interval": 2,
    "dataCoord.gc.dropTolerance": 2,
    "dataCoord.compaction.check.interval": 1,
    "proxy.timeTickInterval": 50,
}
# As the server comes, but for what lets one be asked quickly.
DEFAULTS: Mapping[str, object] = {"proxy.timeTickInterval": 50}
# The message queue forgets what every reader has read and half a minute has passed over. Only for a test of
# erasure: what is not yet in a segment when the server is killed would be lost.
FORGETFUL: Mapping[str, object] = SETTINGS | {
    "rocksmq.rocksmqPageSize": 1024,
    "rocksmq.retentionTimeInMinutes": 0.25,
    "rocksmq.timtickerInterval": 5,
    "rocksmq.compactionInterval": 5,
}
PARTS = ("rootCoord", "proxy", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode")


class MilvusServer:
    """One standalone server over one folder. ``settings`` are the dotted names of milvus.yaml."""

    def __init__(self, folder: Path, settings: Mapping[str, object] = SETTINGS) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        names = [name for name in milvus.default_server.config_keys if name.endswith("_port")]
        *given, self._health, peer = _free_ports(len(names) + 2)
        ports = dict(zip(names, given, strict=True))
        config = milvus.MilvusServerConfig(data_dir=str(folder), **ports)
        for name, value in {"log.level": "warn", "log.stdout": "false", **settings}.items():
            config.set(name, value)
        for part in PARTS:
            config.set(f"{part}.ip", "127.0.0.1")
        config.resolve()  # writes configs/milvus.yaml
        self.url = f"http://127.0.0.1:{ports['proxy_port']}"
        etcd = folder / "configs" / "etcd.yaml"  # its own ports, or there could be only one server here
        client = ports["etcd_port"]
        etcd.write_text(
            f"name: default\ndata-dir: {folder}/data/etcd.data\nlogger: zap\nlog-level: error\n"
            f"log-outputs: [{folder}/logs/etcd.log]\ninitial-cluster: default=http://127.0.0.1:{peer}\n"
            + "".join(f"{kind}-client-urls: http://127.0.0.1:{client}\n" for kind in ("listen", "advertise"))
            + "".join(
                f"{kind}-peer-urls: http://127.0.0.1:{peer}\n" for kind in ("listen", "initial-advertise")
            )
        )
        with (folder / "configs" / "milvus.yaml").open("a") as written:
            written.write(f"etcd.config.path: {etcd}\n")
            for name, value in settings.items():  # those that the wheel's template does not have
                if name.endswith(("check.interval", "timtickerInterval")):
                    written.write(f"{name}: {value}\n")

    def __enter__(self) -> MilvusServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder)  # half a gigabyte, most of it the program

    @property
    def data(self) -> Path:
        """Where the server keeps everything: segments, the message queue, the metadata."""
        return self.folder / "data"

    def start(self, seconds: float = 120) -> None:
        """Start it and wait until it says that it is well."""
        milvus._initialize_data_files(str(self.folder))  # unpacks the binary, once
        log = self.folder / "logs" / "output.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [self.folder / "bin" / "milvus", "run", "standalone"],
                cwd=self.folder,
                env=os.environ
                | {
                    "DEPLOY_MODE": "STANDALONE",
                    "METRICS_PORT": str(self._health),
                    "MILVUS_RUN_DIR": str(self.folder / "run"),
                    "LD_LIBRARY_PATH": str(self.folder / "bin"),
                },
                stdout=output,
                stderr=output,
            )
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._health}/healthz", timeout=5) as answer:
                    if b"OK" in answer.read():
                        return
            except OSError:
                pass
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(log.read_text(errors="replace")[-2000:])

    def kill(self) -> None:
        """End it at once (SIGKILL): it writes nothing more."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports
