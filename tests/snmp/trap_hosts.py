"""Trap hosts that answer informs, or do not, each a thread of its own so that none of them waits for the agent."""

from __future__ import annotations

import hmac
import socket
import threading
from collections import Counter

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from agent.mib.values import number, object_identifier, octets, wrap
from agent.snmp.ber import value_at
from tests.snmp.fakes import LOOPBACK
from tests.snmp.v3 import V3User

_BUFFER = 8 << 20  # octets: what a busy machine lets wait
_INFORM, _RESPONSE = 0xA6, 0xA2


class TrapHost:
    """Counts what comes by its last octets (the value of the last object). While `answering`, informs are answered.

    A host that is not `listening` has no socket: the system refuses what comes for it (ICMP port unreachable).
    """

    def __init__(self, listening: bool = True, answering: bool = True) -> None:
        self.answering = answering
        self.seen: Counter[bytes] = Counter()
        self.answered: set[bytes] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        if listening:
            self._thread.start()
        else:
            self._socket.close()

    def close(self) -> None:
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(b"", (LOOPBACK, self.port))
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            datagram, source = self._socket.recvfrom(65535)
            if not datagram:
                return
            told, answer = self.read(datagram)
            if told is not None:
                self.seen[told] += 1
            if self.answering and answer:
                self._socket.sendto(answer, source)
                if told is not None:
                    self.answered.add(told)

    def read(self, datagram: bytes) -> tuple[bytes | None, bytes]:
        """What a datagram tells, and the answer to it, if there is to be one."""
        # Community messages have their PDU's tag right after the community: the answer differs in that alone.
        at = 7 + datagram[6] if datagram[1] < 0x80 else 7 + (datagram[1] & 0x7F) + datagram[6 + (datagram[1] & 0x7F)]
        answer = datagram[:at] + bytes((_RESPONSE,)) + datagram[at + 1 :] if datagram[at] == _INFORM else b""
        return datagram[-4:], answer


class V3TrapHost(TrapHost):
    """One of version 3, of a user who signs with SHA and encrypts with AES-128 (RFC 3414 §3.2, RFC 3826).

    Of informs it is the authority: it reports its engine ID, boots and time to who does not have them. `engine_id` is the router's
    where traps come. The octets are taken apart here, for pysnmp would take longer than twenty thousand of them may.
    """

    boots = 7
    time = 1000

    def __init__(self, engine_id: bytes, answering: bool = True) -> None:
        self.become(engine_id)
        super().__init__(answering=answering)

    def become(self, engine_id: bytes) -> None:
        """Be another engine from now on."""
        user = V3User("joe", engine_id, auth="authpass1", priv="privpass1")
        self.engine_id = engine_id
        self._auth_key, self._priv_key = bytes(user._authentication()[1])[:20], bytes(user._privacy()[1])[:16]

    def read(self, datagram: bytes) -> tuple[bytes | None, bytes]:
        header, security, scoped_at = self._parts(datagram)
        engine_id, boots, time, _, digest, salt = security
        if datagram[slice(*engine_id)] != self.engine_id:
            return None, self._report(datagram, header, 4, b"\0")
        in_time = int.from_bytes(datagram[slice(*boots)], "big"), int.from_bytes(datagram[slice(*time)], "big")
        expected = hmac.digest(self._auth_key, datagram[: digest[0]] + bytes(12) + datagram[digest[1] :], "sha1")[:12]
        assert datagram[slice(*digest)] == expected
        is_trap = not datagram[header[2][0]] & 4
        if not is_trap and (in_time[0] != self.boots or abs(in_time[1] - self.time) > 150):
            return None, self._report(datagram, header, 2, b"\1")
        vector = (in_time[0] << 32 | in_time[1]).to_bytes(8, "big") + datagram[slice(*salt)]
        begin, _ = value_at(datagram, scoped_at, 0x04)
        cipher = Cipher(AES(self._priv_key), CFB(vector))
        plain = cipher.decryptor().update(datagram[begin:])
        at = value_at(plain, 0, 0x30)[0]
        for _ in range(2):
            at = value_at(plain, at, 0x04)[1]
        if is_trap:
            return plain[-4:], b""
        assert plain[at] == _INFORM
        # The answer has the same octets but for tag, reportableFlag, salt and digest.
        fresh = bytes(each ^ 0xFF for each in datagram[slice(*salt)])
        answer = bytearray(datagram[:begin])
        answer[header[2][0]] &= 3
        answer[slice(*salt)] = fresh
        answer += (
            Cipher(AES(self._priv_key), CFB(vector[:8] + fresh))
            .encryptor()
            .update(plain[:at] + bytes((_RESPONSE,)) + plain[at + 1 :])
        )
        return plain[-4:], self._signed(answer, digest[0])

    def _parts(self, datagram: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int]:
        """Where the contents of msgGlobalData's parts lie, and of the security parameters'; where msgData begin."""

        def inside(at: int, count: int) -> tuple[list[tuple[int, int]], int]:
            found = []
            for _ in range(count):
                found.append(value_at(datagram, at, datagram[at]))
                at = found[-1][1]
            return found, at

        at = value_at(datagram, value_at(datagram, 0, 0x30)[0], 0x02)[1]
        header, at = inside(value_at(datagram, at, 0x30)[0], 4)
        begin, end = value_at(datagram, at, 0x04)
        return header, inside(value_at(datagram, begin, 0x30)[0], 6)[0], end

    def _report(self, datagram: bytes, header: list[tuple[int, int]], counter: int, flags: bytes) -> bytes:
        binding = wrap(0x30, wrap(0x30, object_identifier((1, 3, 6, 1, 6, 3, 15, 1, 1, counter, 0)) + number("Counter32", 1)))
        scoped = wrap(0x30, octets(self.engine_id) + octets(b"") + wrap(0xA8, number("Integer32", 0) * 3 + binding))
        message_id = number("Integer32", int.from_bytes(datagram[slice(*header[0])], "big"))
        head = wrap(0x30, message_id + number("Integer32", 65507) + octets(flags) + number("Integer32", 3))
        named = octets(self.engine_id) + number("Integer32", self.boots) + number("Integer32", self.time)
        signs = flags != b"\0"
        security = octets(wrap(0x30, named + octets(b"joe" if signs else b"") + octets(bytes(12) if signs else b"") + octets(b"")))
        report = wrap(0x30, number("Integer32", 3) + head + security + scoped)
        return self._signed(bytearray(report), self._parts(report)[1][4][0]) if signs else report

    def _signed(self, message: bytearray, digest_at: int) -> bytes:
        message[digest_at : digest_at + 12] = bytes(12)
        message[digest_at : digest_at + 12] = hmac.digest(self._auth_key, bytes(message), "sha1")[:12]
        return bytes(message)
