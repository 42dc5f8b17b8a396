"""Load by `wrk`: a client that costs so little that the server is what is measured."""

import json
import subprocess
import tempfile
from pathlib import Path

from . import setup

REPORT = """
function done(summary, latency, requests)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format('\\n{"requests": %d, "seconds": %f, "failed": %d, "p50_ms": %f, "p99_ms": %f}\\n',
      summary.requests, summary.duration / 1e6, failed, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


def run(url, token, clients, seconds, requests):
    """Puts `clients` connections on the server; `requests` is Lua that defines `request()`.

    Returns requests per second and the times in milliseconds within which half and 99 of 100 were answered. Ends the
    program when an answer is no success.
    """
    setup.debian(["wrk"])
    head = f'wrk.headers["Authorization"] = "Bearer {token}"\nwrk.headers["Content-Type"] = "application/json"\n'
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "load.lua"
        script.touch(mode=0o600)
        script.write_text(head + requests + REPORT)
        command = ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds:.0f}s", "--timeout", "30s"]
        done = subprocess.run([*command, "--script", str(script), url], check=True, stdout=subprocess.PIPE, text=True)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    if result["failed"]:
        raise SystemExit(f"wrk: {result['failed']} of {result['requests']} requests failed\n{done.stdout}")
    return result["requests"] / result["seconds"], result["p50_ms"], result["p99_ms"]
