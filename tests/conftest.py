"""What every test gets."""

from __future__ import annotations

import ipaddress
import socket

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_network():
    """Let tests reach servers of this machine and no other: a test that needs the network is broken."""
    connect = socket.socket.connect

    def connect_here(self, address):
        if (
            self.family in (socket.AF_INET, socket.AF_INET6)
            and not ipaddress.ip_address(address[0]).is_loopback
        ):
            raise ConnectionRefusedError(f"a test must not reach the network, got {address}")
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield
