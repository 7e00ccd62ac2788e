"""Bench: the agent serving a table of tunnels that carry traffic: `python -m bench.agent_table --rows N --listen HOST:PORT`.

The tunnels come up through the flow monitor's verbs. The rest is the product, put together as its command does it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import tempfile
from pathlib import Path

from agent.__main__ import endpoint
from agent.app import LabService, load_schema, settle_memory
from agent.base.clock import RealClock
from agent.lab.lab import open_router
from agent.router_service import Options
from bench.tunnels import bring_up

USER, AUTHENTICATION, PRIVACY = "bench", "bench-auth-pass", "bench-priv-pass"
# The largest packet size that IOS takes: ten columns of twenty rows do not fit the default of 1500 octets.
CONFIGURATION = f"""\
hostname bench
snmp-server packetsize 8192
snmp-server community public RO
snmp-server view everything iso included
snmp-server group bench v3 priv read everything
snmp-server user {USER} bench v3 auth sha {AUTHENTICATION} priv aes 128 {PRIVACY}
end
"""


async def serve(rows: int, listen: tuple[str, int], state_dir: Path, config: Path) -> None:
    """Serves until a signal ends it; says READY when all tunnels are up."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    lab = open_router(config, RealClock())
    service = LabService(lab, load_schema(state_dir, []), Options("bench", state_dir, (listen,)))
    await service.start()
    bring_up(lab.first.monitor, None, rows)
    settle_memory()
    print(f"READY community=public user={USER} auth={AUTHENTICATION} priv={PRIVACY}", flush=True)
    await ended.wait()
    await service.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--listen", type=endpoint, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "bench.cfg"
        config.write_text(CONFIGURATION)
        asyncio.run(serve(options.rows, options.listen, Path(folder), config))


if __name__ == "__main__":
    main()
